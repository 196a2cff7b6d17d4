"""The tables of injury reports and of the days that have one."""

import re

import pandas as pd

from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.injuries import NOT_SUBMITTED
from nba_rank.data.rosters import identify_players, season_of_date, team_ids
from nba_rank.data.tables import KEYS, STATUSES, conform

_FORMS = {
    "Out": r"o|out\b.*|ofs|ir|injured.*|inactive|suspen.*|not with team|expected to be out.*",
    "Doubtful": r"d|doubtful",
    "Questionable": r"q|dtd|gtd|questionable|day.to.day|game.time.decision",
    "Probable": r"p|probable",
    "Available": r"a|available|active",
}
"""What sources write, in lower case, for each of `STATUSES`."""

_CLOCK = re.compile(
    r"(?P<day>\d{4}[-_.]?\d\d[-_.]?\d\d(?!\d))"
    r"|(?<!\d)(?P<hour>\d{1,2})(?:[_:.-]?(?P<minute>\d\d))? ?_?(?P<half>[AP])M(?![A-Z])",
    re.IGNORECASE,
)
"""A time in the name of a file, as official reports have it; or a day, which is no hour."""


def injury_tables(
    rows: pd.DataFrame, known: GameTables, issues: IngestIssues
) -> dict[str, pd.DataFrame]:
    """Return the canonical tables of injury reports, of their days and of unreported teams.

    Of several reports of one date only the last counts, in order of file name (`08AM` before
    `05PM`) and of place in the file. A player who is listed twice in it has the status of the last
    entry.
    """
    files = rows["file"].drop_duplicates()
    order = files.str.replace(_CLOCK, _on_24_hours, regex=True).set_axis(files)
    rows = rows.assign(order=rows["file"].map(order))
    rows = rows.sort_values(["folder", "order"], kind="stable", ignore_index=True)
    # Files of two sources can write dates in two forms; one file a day is too short to judge alone.
    iso = columns.text(rows, "written_date").str.match(r"\d{4}-").eq(True)
    parts = [raw_values.dates(part, None).days for _, part in rows["written_date"].groupby(iso)]
    rows = rows.assign(date=pd.concat(parts))
    remedy = 'Write the date of the report like "2023-10-24".'
    undated = rows["date"].isna()
    bad = undated & ~rows["listed"]
    issues.error("report without date", rows, bad, ["written_date"], remedy)
    rows = rows[~undated]
    rows = rows.assign(season=season_of_date(rows["date"], known))
    out = rows["season"].isna()
    what = "dropped: injury report of a season without game logs"
    issues.warn(what, rows, out & ~rows["listed"], ["date"])
    rows = rows[~out]
    newest = rows.groupby("date")[["file", "report"]].transform("last")
    replaced = (rows["file"] != newest["file"]) | (rows["report"] != newest["report"])
    what = "dropped: a later injury report of the same date"
    issues.warn(what, rows, replaced & ~rows["listed"], ["date"])
    rows = rows[~replaced]
    waits = rows["listed"] & columns.text(rows, "status").eq(NOT_SUBMITTED)
    waiting = rows[waits].assign(team=lambda each: columns.text(each, "team"))
    waiting["team_id"] = team_ids(waiting, known.teams, issues)
    listed = _entries(rows[rows["listed"] & ~waits], known.teams, issues)
    entries = identify_players(listed, known.players, issues)
    reports = rows[~rows["listed"]]
    lost = reports["date"].isin(set(listed["date"]) - set(entries["date"]))
    what = "report none of whose players is known: nothing is known of the day"
    reports = issues.drop(what, reports, lost, ["date"])
    if len(listed) and entries.empty:
        remedy = "Give ids or names as in the player logs."
        issues.error_file(str(listed["file"].iloc[0]), "no player of the reports is known", remedy)
    reports = conform("injury_report_dates", reports)
    again = entries.duplicated(["date", "player_id"], keep="last")
    what = "dropped: a later entry of the report lists the player again"
    issues.warn(what, entries, again, ["date", "team", "player_name"])
    entries = conform("injury_reports", entries[~again])
    waiting = waiting.drop_duplicates(KEYS["unreported_teams"])
    return {
        "injury_reports": entries,
        "injury_report_dates": reports,
        "unreported_teams": conform("unreported_teams", waiting),
    }


def _on_24_hours(found: re.Match[str]) -> str:
    if found["day"]:
        return found["day"]
    hour = int(found["hour"]) % 12 + 12 * (found["half"].upper() == "P")
    return f"{hour:02}:{found['minute'] or '00'}"


def _entries(rows: pd.DataFrame, teams: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return entries with their values understood; those without player or team are errors."""
    rows = rows.assign(
        player_id=columns.player_ids(rows, issues, "player_id", ["date"]),
        player_name=columns.text(rows, "player_name"),
        reason=columns.text(rows, "reason").fillna(""),
        team=columns.text(rows, "team"),
    )
    remedy = "Give the id or the name of the player, or remove the entry."
    nobody = rows["player_id"].isna() & rows["player_name"].isna()
    issues.error("entry without player", rows, nobody, ["date", "team"], remedy)

    written = columns.text(rows, "status").str.lower().str.replace(r"\s+", " ", regex=True)
    status = pd.Series(None, index=rows.index, dtype="str")
    for name, form in _FORMS.items():
        status = status.mask(written.str.fullmatch(form).eq(True), name)
    remedy = f"A status is one of {', '.join(STATUSES)}."
    issues.error("unknown status", rows, status.isna(), ["date", "player_name", "status"], remedy)
    rows = rows.assign(status=status, team_id=team_ids(rows, teams, issues))
    return rows[~nobody & status.notna() & rows["team_id"].gt(0)]
