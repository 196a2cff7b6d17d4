"""Rows of one raw file of bookmakers' figures into rows of one form.

Odds are American: -150 stakes 150 to win 100, +130 stakes 100 to win 130. Which team and game a row
means takes the game logs to say: `nba_rank.data.market` does that.
"""

import pandas as pd

from nba_rank.core.seasons import is_season
from nba_rank.data import league
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile, read_dates

MAX_SPREAD = 40.0
"""Points; larger spreads are another column's values, such as the total of both scores."""

_FIX_TEAM = "Give the name, the abbreviation or the id of the team, or remove the rows."


def normalise_totals(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file of preseason win totals into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every row without season or team and for a value that
            cannot be, with file, row and value; and a counted warning for odds that are none.

    Returns:
        Columns `file`, `row`, `season`, `team` (name, abbreviation or id, as text), `win_total`
        (games) and `title_odds` (American), both float64 and NaN where there is none. After an
        error the rows are not fit for use.
    """
    rows = frame[["file", "row"]].assign(season=_text(frame, "SEASON"))
    unread = ~rows["season"].map(is_season).astype("bool")
    remedy = "A season is written like 2023-24."
    issues.error("no season", frame, unread, ["SEASON"], remedy)
    rows["team"] = _text(frame, "TEAM_NAME")
    issues.error("no team", frame, rows["team"].isna(), ["TEAM_NAME"], _FIX_TEAM)
    rows["win_total"] = _numbers(frame, "WIN_TOTAL", issues)
    lengths = {name: league.scheduled_games(name) for name in rows["season"].unique()}
    games = rows["season"].map(lengths).astype("float64")
    beyond = (rows["win_total"] < 0) | (rows["win_total"] > games)
    remedy = "A win total lies between 0 and the games of the season; correct it."
    issues.error("impossible win total", frame, beyond, ["SEASON", "WIN_TOTAL"], remedy)
    rows["title_odds"] = _odds(frame, "TITLE_ODDS_AMERICAN", issues)
    return rows


def normalise_lines(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file of betting lines into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every row without game id, date or teams and for a value
            that is no number, with file, row and value; and counted warnings for odds and
            spreads that are none.

    Returns:
        Columns `file`, `row`, `game_id` (ten digits), `date`, `written_season`, `home`, `away`
        (text), `home_spread` (points, negative where the home team is the favourite), `home_odds`,
        `away_odds` (American), `home_score`, `away_score` (points); numbers are float64, NaN
        where there is none. After an error the rows are not fit for use.
    """
    ids = raw_values.digits(frame["GAME_ID"], width=10)
    ids = ids.where(ids.str.len() == 10)
    remedy = "A game id has ten digits, with or without its leading zeros."
    issues.error("no game id", frame, ids.isna(), ["GAME_ID"], remedy)
    rows = frame[["file", "row"]].assign(game_id=ids).dropna(subset="game_id")
    frame = frame.loc[rows.index]
    rows["date"], _ = read_dates(frame, "DATE", raw_values.start_years(rows["game_id"]), issues)
    rows["written_season"] = _text(frame, "SEASON")
    for side in ("HOME", "AWAY"):
        name = side.lower()
        rows[name] = _text(frame, side)
        issues.error("no team", frame, rows[name].isna(), [side], _FIX_TEAM)
        rows[f"{name}_odds"] = _odds(frame, f"MONEYLINE_{side}", issues)
        rows[f"{name}_score"] = _numbers(frame, f"SCORE_{side}", issues)
    spread = _numbers(frame, "HOME_SPREAD", issues)
    beyond = spread.abs() > MAX_SPREAD
    issues.warn(
        f"left out: a spread of more than {MAX_SPREAD:g} points", frame, beyond, ["HOME_SPREAD"]
    )
    # The sum turns minus zero, which hashes otherwise, into zero.
    rows["home_spread"] = spread.mask(beyond) + 0.0
    return rows


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as stripped text; all null where the file lacks it."""
    if column in frame:
        return raw_values.text(frame[column]).astype("str")
    return pd.Series(None, index=frame.index, dtype="str")


def _numbers(frame: pd.DataFrame, column: str, issues: IngestIssues) -> pd.Series:
    """Return a column as float64; all NaN where the file lacks it."""
    if column not in frame:
        return pd.Series(float("nan"), index=frame.index)
    numbers = raw_values.numbers(frame[column])
    bad = numbers.isna() & raw_values.present(frame[column])
    remedy = "Correct the value, or leave it empty where it is not known."
    issues.error(f"{column} is no number", frame, bad, [column], remedy)
    return numbers


def _odds(frame: pd.DataFrame, column: str, issues: IngestIssues) -> pd.Series:
    odds = _numbers(frame, column, issues)
    impossible = odds.abs() < 100
    issues.warn(
        f"left out: {column} between -100 and 100, which no American odds are",
        frame, impossible, [column],
    )  # fmt: skip
    return odds.mask(impossible)
