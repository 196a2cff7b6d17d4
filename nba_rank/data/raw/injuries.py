"""Raw files of injury reports: one row an entry, and one more a report."""

import hashlib
import re
from functools import cache
from typing import Any

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import answers, parse
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import (
    FileRecord,
    RawFile,
    dated_by_name,
    day_by_name,
    has_columns,
    with_names,
)

_ENTRY = {"player_id": "PLAYER_ID", "player_name": "PLAYER_NAME", "team": "TEAM_ID",
          "status": "STATUS", "reason": "REASON"}  # fmt: skip
_NOTHING = (None,) * len(_ENTRY)

NOT_SUBMITTED = "NOT YET SUBMITTED"
"""Status of the entry of a team whose report is still to come."""

Row = tuple[Any, ...]

_DAY = r"\d{4}-\d\d-\d\d"


def read(raw: RawFile, issues: IngestIssues) -> tuple[FileRecord, list[Row]]:
    """Return the record of one file and its rows for `to_frame`.

    A file is a report, a list of reports, or a table of entries, each with the date of its games,
    as official reports are kept.
    """
    record = FileRecord(raw.name, "", raw.level, raw.kind, raw.season)
    try:
        content = parse.content(raw.path)
        record.sha256 = hashlib.sha256(content).hexdigest()
        reports = _reports(content)
        table = parse.rows_of(content) if reports is None else pd.DataFrame()
    except parse.UnreadableError as error:
        issues.error_file(raw.name, str(error), error.remedy)
        return record, []
    if reports is None:
        found = _of_table(dated_by_name(raw, table, "injury_entries"), raw, issues)
        record.rows = len(found)
        return record, found
    day = day_by_name(raw)
    if day is not None:
        reports = [report | {_date_of(report): report.get(_date_of(report)) or day}
                   for report in reports]  # fmt: skip
    names = dict.fromkeys(name for report in reports for name in report)
    if not has_columns(raw, raw.level, [_column(name) for name in names], issues):
        return record, []
    reports = [_by_column(report) for report in reports]
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
        # Of a team whose entries were kept from the day before, those are what is known.
        told = {_by_column(entry).get("TEAM_ID") for entry in entries}
        silent = [team for team in report.get("NOT_SUBMITTED") or [] if team not in told]
        rows += [(*start, 0, True, None, None, team, NOT_SUBMITTED, "") for team in silent]
    if bad:
        remedy = "The injuries of a report are a list of objects, empty where nobody is injured."
        shown = pd.DataFrame(bad, columns=["file", "row", "DATE"])
        everywhere = pd.Series(True, index=shown.index)
        issues.error("injuries not understood", shown, everywhere, ["DATE"], remedy)
    return record, rows


def _reports(content: bytes) -> list[dict[str, Any]] | None:
    """Return the reports of a file, None where it is a table of entries."""
    content = parse.unpacked(content)
    if content[:1] in (b"P", b"") or content.lstrip()[:1] not in (b"{", b"[", b"\xef"):
        return None
    try:
        found = parse.json_of(parse.decode(content))
    except ValueError as error:
        raise parse.UnreadableError(f"cannot be read ({error})") from error
    if answers.plain_rows(found) is not None:
        return None
    written: list[Any] = found if isinstance(found, list) else [found]
    if isinstance(found, dict) and found and all(re.fullmatch(_DAY, name) for name in found):
        written = [{"date": name, "injuries": entries} for name, entries in found.items()]
    written = [answers.espn_injuries(report) or report for report in written]
    if not all(isinstance(report, dict) for report in written):
        reason = "cannot be read (neither an object nor a list of objects)"
        raise parse.UnreadableError(reason)
    flat = written and all("injuries" not in map(str.lower, report) for report in written)
    return None if flat and any(len(report) > len(_ENTRY) - 2 for report in written) else written


def _of_table(table: pd.DataFrame, raw: RawFile, issues: IngestIssues) -> list[Row]:
    """Return the rows of a table of entries: a report for each of its dates.

    A team that had not yet submitted its report has a row without a player, whose status is
    `NOT_SUBMITTED`.
    """
    frame = with_names(table, "injury_entries")
    if not has_columns(raw, "injury_entries", list(frame.columns), issues, table):
        return []
    if "MATCHUP" in frame:
        # The official reports write date and team once, above the rows that follow.
        frame[["DATE", "TEAM_ID"]] = frame[["DATE", "TEAM_ID"]].ffill()
    frame = frame.reindex(columns=["DATE", *_ENTRY.values()])
    frame = frame.assign(file=raw.name, row=range(1, len(frame) + 1))
    reason = raw_values.text(frame["REASON"]).str.upper().fillna("")
    nothing = ~raw_values.present(frame["PLAYER_NAME"]) & reason.str.contains(NOT_SUBMITTED)
    issues.warn(
        "team that had not yet submitted its injuries: nothing is known of its players",
        frame, nothing, ["DATE", "TEAM_ID"],
    )  # fmt: skip
    frame["STATUS"] = frame["STATUS"].astype("object").mask(nothing, NOT_SUBMITTED)
    rows: list[Row] = []
    for number, (date, entries) in enumerate(
        frame.groupby("DATE", sort=False, dropna=False), start=1
    ):
        rows.append((raw.name, number, date, 0, False, *_NOTHING))
        listed = entries[["row", *_ENTRY.values()]].itertuples(index=False, name=None)
        rows += [(raw.name, number, date, row, True, *entry) for row, *entry in listed]
    return rows


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


def _date_of(report: dict[str, Any]) -> str:
    """Return the name under which a report has its date, or would have it."""
    return next((name for name in report if _column(name) == "DATE"), "DATE")


@cache
def _column(name: str) -> str:
    return name.strip().upper()


def _by_column(written: dict[str, Any]) -> dict[str, Any]:
    return {_column(name): value for name, value in written.items()}
