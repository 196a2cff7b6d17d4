"""Ingest: folders of raw files become checked tables, a manifest and a quality report."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import track

from nba_rank.core.files import locked
from nba_rank.data import manifest, quality
from nba_rank.data.assemble import assemble
from nba_rank.data.ingest_issues import IngestError, IngestIssues
from nba_rank.data.manifest import LOCK, is_stale
from nba_rank.data.quality import QualityReport
from nba_rank.data.raw import (
    drafts,
    game_logs,
    market,
    play_by_play,
    ratings,
    rosters,
    schedules,
    stints,
)
from nba_rank.data.raw import files as raw_files
from nba_rank.data.raw import injuries as raw_injuries
from nba_rank.data.raw.files import RawFile
from nba_rank.data.tables import Tables, read_tables

__all__ = ["IngestError", "IngestResult", "ingest", "is_stale", "read_raw"]

_NORMALISE = {
    "roster": rosters.normalise,
    "schedule": schedules.normalise,
    "market_totals": market.normalise_totals,
    "market_lines": market.normalise_lines,
    "team_records": ratings.normalise_records,
    "raptor": ratings.normalise_raptor,
    "drafts": drafts.normalise,
    "stints": stints.normalise,
    "play_by_play": lambda file, frame, issues: play_by_play.normalise([(file, frame)], issues),
}
"""What turns the rows of a file into rows of one form, by level."""

_TOGETHER: dict[str, tuple[str, Callable[..., pd.DataFrame]]] = {
    "team": ("team", game_logs.normalise),
    "player": ("player", game_logs.normalise),
    "game_events": ("play_by_play", play_by_play.normalise),
}
"""The same of levels whose files are read together: the level of the rows, and what makes them."""


@dataclass(frozen=True)
class IngestResult:
    """The tables, the quality report, and whether anything was written."""

    tables: Tables
    report: QualityReport
    changed: bool


def ingest(
    raw: Path | Sequence[Path],
    processed_dir: Path,
    *,
    force: bool = False,
    manifest_path: Path | None = None,
    console: Console | None = None,
    brief: bool = False,
) -> IngestResult:
    """Read one or several folders of raw files, check them and write the canonical tables.

    Nothing is written unless every file is sound; previous tables stay as they are then. If raw
    files, tables and code are those of the manifest, nothing is done. Ingests and readers of one
    folder of tables wait for each other. The console shows the quality report, or if `brief` its
    warnings alone. The manifest and `quality.json` beside it are in
    `processed_dir` unless `manifest_path` says otherwise.

    Raises:
        IngestError: A raw folder or files in it cannot be used; carries every error, each with
            file, row and value.
        OSError: The tables cannot be written.
    """
    raw_dirs = _as_list(raw)
    manifest_path = manifest_path or manifest.default_path(processed_dir)
    wait = f"Waiting for another run that reads or writes {processed_dir}."
    with locked(processed_dir / LOCK, lambda: say(console, wait)):
        reason = "asked to" if force else is_stale(raw_dirs, processed_dir, manifest_path)
        if reason is None:
            report = quality.read_report(quality.report_path(manifest_path))
            say(console, f"Tables in {processed_dir} are up to date: nothing to ingest.")
            return IngestResult(read_tables(processed_dir), report, changed=False)
        say(console, f"Ingesting {', '.join(map(str, raw_dirs))}: {reason}.")
        try:
            tables, report = read_raw(raw_dirs, console)
        except IngestError as error:
            if console is not None and error.warnings:
                quality.print_warnings(error.warnings, console)
            raise
        manifest.write(tables, report, processed_dir, manifest_path)
    if console is not None:
        if brief:
            quality.print_warnings(report.warnings, console)
        else:
            quality.print_report(report, console)
    rows = ", ".join(f"{name} {len(table):,}" for name, table in tables.items())
    say(console, f"Rows written to {processed_dir}: {rows}.")
    return IngestResult(tables, report, changed=True)


def read_raw(
    raw: Path | Sequence[Path], console: Console | None = None
) -> tuple[Tables, QualityReport]:
    """Read and check one or several folders of raw files without writing anything.

    Raises:
        IngestError: A folder or files in it cannot be used.
    """
    issues, raw_dirs = IngestIssues(), _as_list(raw)
    named = ", ".join(map(str, raw_dirs))
    files = raw_files.discover(raw_dirs, issues)
    for missing in [folder for folder in raw_dirs if not folder.is_dir()]:
        remedy = "Set data.raw_dir to the folder of the game logs, or to several."
        issues.error_file(str(missing), "there is no such raw folder", remedy)
    issues.raise_errors()
    records = []
    logs: dict[str, list[tuple[RawFile, pd.DataFrame]]] = {level: [] for level in _TOGETHER}
    parts: dict[str, list[pd.DataFrame]] = {level: [] for level in _NORMALISE}
    injuries: list[raw_injuries.Row] = []
    for file in _progress(files, console):
        if file.level == "injury_report":
            record, entries = raw_injuries.read(file, issues)
            injuries += entries
        else:
            record, frame = raw_files.read(file, issues)
            file = replace(file, level=record.level)
            if frame is not None and file.level in logs:
                logs[file.level].append((file, frame))
            elif frame is not None:
                parts[file.level].append(_NORMALISE[file.level](file, frame, issues))
        records.append(record)
    for level, some in logs.items():
        if some:
            parts.setdefault(_TOGETHER[level][0], []).append(_TOGETHER[level][1](some, issues))
    issues.raise_errors()
    found = {level: [part for part in frames if len(part)] for level, frames in parts.items()}
    rows = {level: pd.concat(some, ignore_index=True) for level, some in found.items() if some}
    if injuries:
        rows["injury_report"] = raw_injuries.to_frame(injuries)
    if "team" not in rows:
        remedy = "Set data.raw_dir to a folder with files like team_logs_2023_24.parquet."
        issues.error_file(named, "no team game logs with rows in the raw folder", remedy)
        issues.raise_errors()
    folder_of = {file.name: file.folder for file in files}
    rows = {level: some.assign(folder=some["file"].map(folder_of)) for level, some in rows.items()}
    modified = {file.name: file.path.stat().st_mtime for file in files}
    for level in {"team", "player"} & {*rows}:
        rows[level]["modified"] = rows[level]["file"].map(modified)
    tables = assemble(rows, issues)
    return tables, quality.quality_report(tables, records, issues.warnings)


def _as_list(raw: Path | Sequence[Path]) -> list[Path]:
    return [raw] if isinstance(raw, Path) else [*raw]


def say(console: Console | None, line: str) -> None:
    """Print a line as it is, if there is a console."""
    if console is not None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _progress(files: list[RawFile], console: Console | None) -> Iterable[RawFile]:
    if console is None:
        return files
    return track(files, "Reading", console=console, transient=True)
