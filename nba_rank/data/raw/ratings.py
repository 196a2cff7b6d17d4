"""Rows of one raw file of season-level ratings."""

import pandas as pd

from nba_rank.core.seasons import season_label
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile

MAX_GAMES = 82
"""Games of a team's regular season at most."""


def normalise_records(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of one file of team records.

    Returns:
        Columns `season`, `team` (without the star of a playoff team), `wins`, `losses` (games),
        `mov`, `sos`, `srs` (points a game).
    """
    rows = frame[["file", "row"]].assign(season=columns.seasons(frame, issues))
    team = columns.text(frame, "TEAM").str.rstrip("*").str.strip()
    rows["team"] = columns.check_teams(team.where(team != ""), frame, ["TEAM"], issues)
    for column, name in (("W", "wins"), ("L", "losses")):
        games = columns.numbers(frame, column, issues, required=True)
        odd = games.notna() & ~(games.between(0, MAX_GAMES) & (games % 1 == 0))
        remedy = f"Games are whole numbers from 0 to {MAX_GAMES}; correct the value."
        issues.error(f"impossible {column}", frame, odd, ["SEASON", "TEAM", column], remedy)
        rows[name] = games
    for column in ("MOV", "SOS", "SRS"):
        # The sum turns minus zero, which has another hash, into zero.
        rows[column.lower()] = columns.numbers(frame, column, issues, required=True) + 0.0
    return rows


def normalise_raptor(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of one file of RAPTOR ratings.

    Returns:
        Columns `season`, `season_type` (RS or PO), `team` and `player_key` (as
        Basketball-Reference writes them), `player_name`, `minutes`, `raptor_offense`,
        `raptor_defense` (points per 100 possessions).

    Source: FiveThirtyEight, `nba-raptor` (CC BY 4.0); a season is the year in which it ends.
    """
    rows = frame[["file", "row"]].copy()
    year = raw_values.numbers(frame["SEASON"])
    sound = year.between(1947, 2100) & (year % 1 == 0)
    remedy = "A season is the year in which it ends, such as 2014 for 2013-14."
    issues.error("no season", frame, ~sound, ["SEASON"], remedy)
    labels = {end: season_label(int(end) - 1) for end in year[sound].unique()}
    rows["season"] = year.map(labels).astype("str")
    rows["season_type"] = columns.text(frame, "SEASON_TYPE").str.upper()
    unknown = ~rows["season_type"].isin(["RS", "PO"])
    remedy = "SEASON_TYPE is RS (regular season) or PO (playoffs)."
    issues.error("unknown season type", frame, unknown, ["SEASON_TYPE"], remedy)
    named = {"TEAM": "team", "PLAYER_ID": "player_key", "PLAYER_NAME": "player_name"}
    for column, name in named.items():
        rows[name] = columns.text(frame, column)
        remedy = "Download the file again, or remove the row."
        issues.error(f"no {column}", frame, rows[name].isna(), [column], remedy)
    rows["minutes"] = columns.numbers(frame, "MP", issues, required=True)
    remedy = "Correct the value, or remove the row."
    issues.error("negative minutes", frame, rows["minutes"] < 0, ["PLAYER_NAME", "MP"], remedy)
    for column in ("RAPTOR_OFFENSE", "RAPTOR_DEFENSE"):
        rows[column.lower()] = columns.numbers(frame, column, issues, required=True) + 0.0
    return rows
