"""The quality report of an ingest: what was read, what is missing, what is odd."""

import dataclasses
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from nba_rank.data.ingest_issues import MAX_EXAMPLES, IngestIssue, by_fault
from nba_rank.data.raw.files import REQUIRED, FileRecord
from nba_rank.data.tables import Tables


@dataclass(frozen=True)
class QualityReport:
    """What an ingest found: counts by season, files as they were read, and counted warnings."""

    seasons: tuple[dict[Hashable, Any], ...]
    files: tuple[FileRecord, ...]
    warnings: tuple[IngestIssue, ...]

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    def count(self, what: str) -> int:
        """Return how many rows (games, files) the warnings with a text concern."""
        return sum(warning.count for warning in self.warnings if warning.what == what)


def quality_report(
    tables: Tables, files: Iterable[FileRecord], warnings: Iterable[IngestIssue]
) -> QualityReport:
    """Put a report together from the tables and what was collected on the way."""
    names = {"n_regular": "regular", "n_regular_expected": "expected", "n_playin": "playin",
             "n_playoffs": "playoffs"}  # fmt: skip
    players = tables.player_games.groupby("season")["player_id"].agg(["size", "nunique"])
    counts = tables.seasons.set_index("season")[list(names)].rename(columns=names)
    counts["teams"] = tables.team_games.groupby("season")["team_id"].nunique()
    counts[["player_rows", "players"]] = players.reindex(counts.index, fill_value=0).to_numpy()
    seasons = counts.reset_index().to_dict("records")
    return QualityReport(tuple(seasons), tuple(files), tuple(warnings))


def print_report(report: QualityReport, console: Console) -> None:
    """Print a report in about two screens; `quality.json` holds all of it."""
    console.print(_season_table(report.seasons))
    for level in REQUIRED:
        files = [file for file in report.files if file.level == level]
        if files:
            console.print(_column_table(level, files))
    print_warnings(report.warnings, console)


def _table(title: str, columns: Sequence[str]) -> Table:
    """Return a table whose first column is text and whose others are numbers."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position else "left", no_wrap=True)
    return table


def _season_table(seasons: Sequence[Mapping[Hashable, Any]]) -> Table:
    names = ["season", "regular", "expected", "play-in", "playoffs", "teams", "player rows"]
    table = _table("Games", [*names, "players"])
    for season in seasons:
        cells = [str(value) if value else "-" for value in season.values()]
        odd = season["regular"] != season["expected"]
        table.add_row(*cells, style="yellow" if odd else None)
    return table


def _column_table(level: str, files: Sequence[FileRecord]) -> Table:
    """Return missing columns and nulls of the files of one level."""
    rows = sum(file.rows for file in files)
    table = _table(
        f"{level.replace('_', ' ').capitalize()} files: {len(files)}, rows: {rows:,}",
        ["column", "missing in files", "null in files", "nulls in all rows"],
    )
    absent = Counter(column for file in files for column in file.missing)
    for column in sorted({*absent, *(name for file in files for name in file.nulls)}):
        nulls = [file.nulls[column] * file.rows for file in files if column in file.nulls]
        overall = f"{sum(nulls) / rows:.2%}" if nulls else "-"
        table.add_row(column, str(absent[column] or "-"), str(len(nulls) or "-"), overall)
    return table


def print_warnings(warnings: Sequence[IngestIssue], console: Console) -> None:
    """Print each kind of warning with its count and the first files that have it."""
    console.print("Warnings" if warnings else "No warnings", style="bold")
    for found in by_fault(warnings):
        files = "1 file" if len(found) == 1 else f"{len(found)} files"
        total = sum(warning.count for warning in found)
        console.print(f"{total:>7}  {escape(found[0].what)} ({files})")
        for warning in found[:MAX_EXAMPLES]:
            first = f": {warning.examples[0]}" if warning.examples else ""
            console.print(Padding(escape(warning.file + first), (0, 0, 0, 9)), style="dim")
    console.print()


def read_report(path: Path) -> QualityReport:
    """Read a stored report.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a report.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return QualityReport(
            tuple(data["seasons"]),
            tuple(FileRecord(**file) for file in data["files"]),
            tuple(
                IngestIssue(**{**issue, "examples": tuple(issue["examples"])})
                for issue in data["warnings"]
            ),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a quality report: {error}") from error


def report_path(manifest_path: Path) -> Path:
    """Return the path of the report, beside the manifest."""
    return manifest_path.with_name("quality.json")
