"""Raw files of injury reports: one row an entry, and one more a report."""

import json
from functools import cache
from typing import Any

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw.files import FileRecord, RawFile, has_columns, refuse

_ENTRY = {"player_id": "PLAYER_ID", "player_name": "PLAYER_NAME", "team": "TEAM_ID",
          "status": "STATUS", "reason": "REASON"}  # fmt: skip
_NOTHING = (None,) * len(_ENTRY)

Row = tuple[Any, ...]


def read(raw: RawFile, issues: IngestIssues) -> tuple[FileRecord, list[Row]]:
    """Return the record of one file, a report or a list of reports, and its rows for `to_frame`."""
    content = raw.path.read_bytes()
    record = FileRecord.of(raw, content)
    try:
        found = json.loads(content)
        written = found if isinstance(found, list) else [found]
        if not all(isinstance(report, dict) for report in written):
            raise ValueError("neither an object nor a list of objects")
    except ValueError as error:
        refuse(raw, error, issues)
        return record, []
    names = dict.fromkeys(name for report in written for name in report)
    if not has_columns(raw, [_column(name) for name in names], issues):
        return record, []
    reports = [_by_column(report) for report in written]
    record.rows = len(reports)
    for name in ("DATE", "INJURIES"):
        if nulls := sum(report.get(name) is None for report in reports):
            record.nulls[name] = nulls / len(reports)
    rows: list[Row] = []
    bad = []
    for number, report in enumerate(reports, start=1):
        entries = report.get("INJURIES")
        start = (raw.name, number, report.get("DATE"))
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            bad.append(start)
            continue
        rows.append((*start, 0, False, *_NOTHING))
        for place, entry in enumerate(map(_by_column, entries), start=1):
            rows.append((*start, place, True, *(entry.get(name) for name in _ENTRY.values())))
    if bad:
        remedy = "The injuries of a report are a list of objects, empty where nobody is injured."
        shown = pd.DataFrame(bad, columns=["file", "row", "DATE"])
        everywhere = pd.Series(True, index=shown.index)
        issues.error("injuries not understood", shown, everywhere, ["DATE"], remedy)
    return record, rows


def to_frame(rows: list[Row]) -> pd.DataFrame:
    """Return rows of all files in one frame.

    Returns:
        `file`, `report` (its place in the file, from 1), `written_date`, `row` (of the entry in
        its report, from 1; 0 for the report itself), `listed` (an entry), `player_id`,
        `player_name`, `team`, `status`, `reason`, as they were written.
    """
    columns = ["file", "report", "written_date", "row", "listed", *_ENTRY]
    # As objects: a column of ids with a gap would otherwise become one of floats.
    frame = pd.DataFrame(rows, columns=columns, dtype="object")
    return frame.astype({"file": "str", "report": "int64", "row": "int64", "listed": "bool"})


@cache
def _column(name: str) -> str:
    return name.strip().upper()


def _by_column(written: dict[str, Any]) -> dict[str, Any]:
    return {_column(name): value for name, value in written.items()}
