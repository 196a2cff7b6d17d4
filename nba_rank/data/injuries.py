"""From entries of injury reports to the tables of reports and of the days that have one."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import values as raw_values
from nba_rank.data.rosters import identify_players, named_team_ids, season_of_roster
from nba_rank.data.tables import STATUSES, conform

_OTHER_STATUSES = {
    "inactive": "Out",
    "suspended": "Out",
    "suspension": "Out",
    "not with team": "Out",
    "out for season": "Out",
    "day-to-day": "Questionable",
    "day to day": "Questionable",
    "game time decision": "Questionable",
    "gtd": "Questionable",
}
"""What other sources write, in lower case, and which of `STATUSES` it is."""

_SHOWN = ["date", "team", "player_name"]


def injury_tables(
    rows: pd.DataFrame,
    *,
    games: pd.DataFrame,
    player_games: pd.DataFrame,
    teams: pd.DataFrame,
    seasons: pd.DataFrame,
    issues: IngestIssues,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put the tables of injury reports together.

    Of several reports of one date only the last counts, in order of file name and of place in the
    file. A player who is listed twice in it has the status of the last entry.

    Args:
        rows: Rows of all files, as `raw_injuries.normalise` returns them; may be empty.
        games: The canonical table.
        player_games: The canonical table; gives players without id theirs.
        teams: The canonical table.
        seasons: The canonical table.
        issues: Receives an error for every report without date and entry without player, known
            team or known status, and counted warnings for what is left out.

    Returns:
        The canonical tables `injury_reports` and `injury_report_dates`. After an error they are
        not fit for use.
    """
    dates, _, _ = raw_values.dates(rows["written_date"], None)
    rows = rows.assign(date=dates, row=rows["row"].astype("int64"))
    remedy = 'Write the date of the report like "2023-10-24".'
    undated = rows["date"].isna()
    issues.error("report without date", rows, undated & ~rows["listed"].astype("bool"),
                   ["written_date"], remedy)  # fmt: skip
    rows = rows[~undated]
    rows = rows.assign(season=season_of_roster(rows["date"], games, seasons))
    out = rows["season"].isna()
    listed = rows["listed"].astype("bool")
    issues.warn("dropped: injury report of a season without game logs", rows, out & ~listed,
                  ["date"])  # fmt: skip
    rows, listed = rows[~out], listed[~out]
    newest = rows.groupby("date")[["file", "report"]].transform("last")
    replaced = (rows["file"] != newest["file"]) | (rows["report"] != newest["report"])
    issues.warn(
        "dropped: a later injury report of the same date", rows, replaced & ~listed, ["date"]
    )
    dates_table = conform("injury_report_dates", rows[~listed & ~replaced])
    entries = _entries(rows[listed & ~replaced], teams, issues)
    entries = identify_players(entries, player_games, issues)
    again = entries.duplicated(["date", "player_id"], keep="last")
    issues.warn(
        "dropped: a later entry of the report lists the player again", entries, again, _SHOWN
    )
    return conform("injury_reports", entries[~again]), dates_table


def _entries(rows: pd.DataFrame, teams: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return entries with their values understood; those without player or team are errors."""
    ids = raw_values.numbers(raw_values.digits(rows["player_id"]))
    bad = ids.isna() & raw_values.present(rows["player_id"])
    remedy = "A player id is a whole number; 0 or nothing where it is not known."
    issues.error("player_id not understood", rows, bad, ["date", "player_id"], remedy)
    name = raw_values.text(rows["player_name"]).astype("str")
    # An id of no player is no id.
    rows = rows.assign(player_id=ids.where(ids > 0), player_name=name)
    remedy = "Give the id or the name of the player, or remove the entry."
    nobody = rows["player_id"].isna() & rows["player_name"].isna() & ~bad
    issues.error("entry without player", rows, nobody, ["date", "team"], remedy)

    written = raw_values.text(rows["status"]).astype("str").str.lower()
    known = {status.lower(): status for status in STATUSES} | _OTHER_STATUSES
    status = written.str.replace(r"\s+", " ", regex=True).map(known)
    remedy = f"A status is one of {', '.join(STATUSES)}."
    issues.error("unknown status", rows, status.isna(), ["date", "player_name", "status"], remedy)
    rows = rows.assign(
        status=status.fillna(STATUSES[0]),
        reason=raw_values.text(rows["reason"]).astype("str").fillna(""),
        team=raw_values.text(rows["team"]).astype("str"),
    )
    rows = rows.assign(team_id=named_team_ids(rows, teams, issues))
    return rows[~nobody & ~bad & rows["team_id"].gt(0)]
