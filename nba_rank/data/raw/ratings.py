"""Rows of one raw file of season-level ratings into rows of one form.

Which team and player a row means takes the game logs to say: `nba_rank.data.ratings` does that.
"""

import pandas as pd

from nba_rank.core.seasons import is_season, season_label
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile

MAX_GAMES = 82
"""Games of a team's regular season at most."""

_FIX_NUMBER = "Correct the value, or remove the row."


def normalise_records(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file of team records into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every row without season or team and for a value that
            cannot be, with file, row and value.

    Returns:
        Columns `file`, `row`, `season`, `team` (name, abbreviation or id, as text, without the
        star of a playoff team), `wins`, `losses` (games), `mov`, `sos`, `srs` (points a game).
        After an error the rows are not fit for use.
    """
    rows = frame[["file", "row"]].assign(season=raw_values.text(frame["SEASON"]).astype("str"))
    unread = ~rows["season"].map(is_season).astype("bool")
    issues.error("no season", frame, unread, ["SEASON"], "A season is written like 2023-24.")
    team = raw_values.text(frame["TEAM"]).astype("str").str.rstrip("*").str.strip()
    rows["team"] = team.where(team != "")
    remedy = "Give the name, the abbreviation or the id of the team, or remove the rows."
    issues.error("no team", frame, rows["team"].isna(), ["TEAM"], remedy)
    for column, name in (("W", "wins"), ("L", "losses")):
        games = _numbers(frame, column, issues)
        odd = games.notna() & ~(games.between(0, MAX_GAMES) & (games % 1 == 0))
        remedy = f"Games are whole numbers from 0 to {MAX_GAMES}; correct the value."
        issues.error(f"impossible {column}", frame, odd, ["SEASON", "TEAM", column], remedy)
        rows[name] = games
    for column in ("MOV", "SOS", "SRS"):
        # The sum turns minus zero, which hashes otherwise, into zero.
        rows[column.lower()] = _numbers(frame, column, issues) + 0.0
    return rows


def normalise_raptor(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file of RAPTOR ratings into rows of one form.

    Source: FiveThirtyEight, `nba-raptor` (CC BY 4.0); a season is the year in which it ends.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every row without season, player or team and for a value
            that is no number, with file, row and value.

    Returns:
        Columns `file`, `row`, `season`, `season_type` (RS or PO), `team` (as Basketball-Reference
        writes it), `player_key` (Basketball-Reference's id), `player_name`, `minutes`,
        `raptor_offense`, `raptor_defense` (points per 100 possessions). After an error the rows
        are not fit for use.
    """
    rows = frame[["file", "row"]].copy()
    year = raw_values.numbers(frame["SEASON"])
    sound = year.between(1947, 2100) & (year % 1 == 0)
    remedy = "A season is the year in which it ends, such as 2014 for 2013-14."
    issues.error("no season", frame, ~sound, ["SEASON"], remedy)
    labels = {end: season_label(int(end) - 1) for end in year[sound].unique()}
    rows["season"] = year.map(labels).astype("str")
    rows["season_type"] = raw_values.text(frame["SEASON_TYPE"]).astype("str").str.upper()
    unknown = ~rows["season_type"].isin(["RS", "PO"])
    remedy = "SEASON_TYPE is RS (regular season) or PO (playoffs)."
    issues.error("unknown season type", frame, unknown, ["SEASON_TYPE"], remedy)
    named = {"TEAM": "team", "PLAYER_ID": "player_key", "PLAYER_NAME": "player_name"}
    for column, name in named.items():
        rows[name] = raw_values.text(frame[column]).astype("str")
        remedy = "Download the file again, or remove the row."
        issues.error(f"no {column}", frame, rows[name].isna(), [column], remedy)
    rows["minutes"] = _numbers(frame, "MP", issues)
    negative = rows["minutes"] < 0
    issues.error("negative minutes", frame, negative, ["PLAYER_NAME", "MP"], _FIX_NUMBER)
    for column in ("RAPTOR_OFFENSE", "RAPTOR_DEFENSE"):
        rows[column.lower()] = _numbers(frame, column, issues) + 0.0
    return rows


def _numbers(frame: pd.DataFrame, column: str, issues: IngestIssues) -> pd.Series:
    numbers = raw_values.numbers(frame[column])
    issues.error(f"{column} is no number", frame, numbers.isna(), [column], _FIX_NUMBER)
    return numbers
