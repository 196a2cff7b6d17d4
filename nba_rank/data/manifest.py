"""The manifest of an ingest: hashes of what went in, what came out and the code between."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nba_rank.core.content_hash import code_hash
from nba_rank.core.errors import UserError
from nba_rank.core.files import file_hash, locked, written_together
from nba_rank.data import quality
from nba_rank.data.raw import files as raw_files
from nba_rank.data.tables import SCHEMA, Tables, read_tables, table_path

LOCK = ".lock"
"""File in the folder of the tables that is locked while they are written or read."""

_INGEST = "nba_rank.data.ingest"
_OF_RAW = ("path", "sha256", "rows", "season", "kind", "level")


def default_path(processed_dir: Path) -> Path:
    """Return the path of the manifest beside the tables."""
    return processed_dir / "manifest.json"


def code_version() -> str:
    """Return the hash of the code that makes the tables."""
    return code_hash(_INGEST)


def is_stale(
    raw_dirs: Sequence[Path], processed_dir: Path, manifest_path: Path | None = None
) -> str | None:
    """Return why an ingest is needed, None if raw files, tables and code are as in the manifest.

    The manifest is `manifest.json` beside the tables if no path is given.
    """
    manifest_path = manifest_path or default_path(processed_dir)
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        if manifest["code"] != code_version():
            # First, since other code may have written other tables.
            return "the ingest code has changed"
        listed = {file["path"]: file["sha256"] for file in manifest["raw"]}
        altered = _altered(processed_dir, manifest)
    except FileNotFoundError:
        return "there is no manifest"
    except (ValueError, KeyError, TypeError) as error:
        return f"the manifest cannot be read ({error})"
    missing = [folder for folder in raw_dirs if not folder.is_dir()]
    if missing:
        return f"there is no raw folder {missing[0]}"
    present = {file.name: file.path for file in raw_files.discover(raw_dirs)}
    for name in sorted({*listed, *present}):
        if name not in present:
            return f"raw file {name} is gone"
        if name not in listed:
            return f"raw file {name} is new"
        if file_hash(present[name]) != listed[name]:
            return f"raw file {name} has changed"
    if [*present] != [*listed]:
        return "the raw folders are in another order"
    if altered is not None:
        return altered
    try:
        quality.read_report(quality.report_path(manifest_path))
    except (OSError, ValueError):
        return "the quality report is missing"
    return None


def _altered(processed_dir: Path, manifest: dict[str, Any]) -> str | None:
    """Say which table is not as in the manifest; None if all are."""
    expected = {name: manifest["tables"][name]["sha256"] for name in SCHEMA}
    for name, sha256 in expected.items():
        path = table_path(processed_dir, name)
        if not path.exists():
            return f"table {name} is missing"
        if file_hash(path) != sha256:
            return f"table {name} was altered"
    return None


def read_checked(processed_dir: Path) -> Tables:
    """Read tables that an ingest has written, by the manifest beside or above them.

    Raises:
        UserError: A table is missing or was altered, or there is no manifest.
    """
    if not processed_dir.is_dir():
        return read_tables(processed_dir)  # which tells what is missing
    with locked(processed_dir / LOCK):
        tables = read_tables(processed_dir)
        beside, above = _manifests(processed_dir)
        path = beside if beside.exists() else above
        try:
            reason = _altered(processed_dir, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            reason = f"no manifest says what they were, neither {beside} nor {above}"
    if reason is not None:
        raise UserError(
            f"the tables in {processed_dir} are not those of an ingest: {reason}. Run "
            "`python -m nba_rank.ingest` with the same data.raw_dir and data.processed_dir to make "
            "them anew"
        )
    return tables


def hashes(processed_dir: Path) -> list[str]:
    """Return a hash of each file that `read_checked` reads, empty for one that is missing."""
    tables = [table_path(processed_dir, name) for name in SCHEMA]
    files = [*tables, *_manifests(processed_dir)]
    return [file_hash(path) if path.is_file() else "" for path in files]


def _manifests(processed_dir: Path) -> tuple[Path, Path]:
    """Return where the manifest of tables may be: beside them, or else above."""
    return default_path(processed_dir), default_path(processed_dir.parent)


def write(
    tables: Tables,
    report: quality.QualityReport,
    processed_dir: Path,
    manifest_path: Path,
) -> None:
    """Write tables, report and manifest so that a failure leaves the previous ones in place.

    All is written under temporary names first and then renamed, the manifest last: an ingest that
    is cut off between two renames leaves tables that its manifest does not list.

    Raises:
        OSError: Something cannot be written.
    """
    manifest: dict[str, Any] = {
        "code": code_version(),
        "raw": [{name: getattr(file, name) for name in _OF_RAW} for file in report.files],
        "tables": {},
    }
    with written_together() as place:
        for name, table in tables.items():
            path = place(table_path(processed_dir, name))
            table.to_parquet(path, index=False)
            manifest["tables"][name] = {"sha256": file_hash(path), "rows": len(table)}
        text = report.to_json()
        place(quality.report_path(manifest_path)).write_text(text, encoding="utf-8")
        text = json.dumps(manifest, indent=1) + "\n"
        place(manifest_path).write_text(text, encoding="utf-8")
