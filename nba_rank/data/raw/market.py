"""Figures of one raw file of bookmakers.

Odds are American: -150 stakes 150 to win 100, +130 stakes 100 to win 130.
"""

import pandas as pd

from nba_rank.data import league
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile

MAX_DECIMAL = 50.0
"""Most decimal odds of a game, the payment for a stake of 1, are smaller; American ones are not."""

MAX_SPREAD = 40.0
"""Points; larger spreads are another column's values, such as the total of both scores."""


def normalise_totals(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of one file of preseason win totals.

    Returns:
        Columns `season`, `team`, `win_total` (games) and `title_odds`, NaN where there is none.
    """
    rows = frame[["file", "row"]].assign(season=columns.seasons(frame, issues))
    team = columns.text(frame, "TEAM_NAME")
    rows["team"] = columns.check_teams(team, frame, ["TEAM_NAME"], issues)
    rows["win_total"] = columns.numbers(frame, "WIN_TOTAL", issues)
    lengths = {name: league.scheduled_games(name) for name in rows["season"].unique()}
    games = rows["season"].map(lengths).astype("float64")
    beyond = (rows["win_total"] < 0) | (rows["win_total"] > games)
    remedy = "A win total lies between 0 and the games of the season; correct it."
    issues.error("impossible win total", frame, beyond, ["SEASON", "WIN_TOTAL"], remedy)
    rows["title_odds"] = _odds(frame, "TITLE_ODDS_AMERICAN", issues)
    return rows


def normalise_lines(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of one file of betting lines.

    Returns:
        Columns `game_id` (ten digits, null where the file has none), `date`, `written_season` (null
        if it is not like 2023-24), `home`, `away`, `home_spread` (points, negative where the home
        team is the favourite), `home_odds`, `away_odds`, `home_score`, `away_score`; numbers are
        NaN where there is none.
    """
    if "GAME_ID" in frame:
        rows = columns.game_ids(frame, issues)
        frame = frame.loc[rows.index]
        years = raw_values.start_years(rows["game_id"])
    else:
        rows, years = frame[["file", "row"]].assign(game_id=pd.Series(None, dtype="str")), None
    rows["date"], _ = columns.dates(frame, "DATE", years, issues)
    season = columns.text(frame, "SEASON")
    rows["written_season"] = season.where(season.str.match(r"\d{4}-\d\d$").eq(True))
    for side in ("HOME", "AWAY"):
        name = side.lower()
        rows[name] = columns.check_teams(columns.text(frame, side), frame, [side], issues)
        rows[f"{name}_odds"] = _odds(frame, f"MONEYLINE_{side}", issues)
        rows[f"{name}_score"] = columns.numbers(frame, f"SCORE_{side}", issues)
    frame = frame.assign(HOME_SPREAD=raw_values.odds(frame["HOME_SPREAD"]))
    spread = columns.numbers(frame, "HOME_SPREAD", issues)
    if "WHOS_FAVORED" in frame:
        # A Kaggle set gives the size of the spread and the favourite.
        at_home = columns.text(frame, "WHOS_FAVORED").str.lower().eq("home")
        spread = spread.abs().where(~at_home, -spread.abs())
    beyond = spread.abs() > MAX_SPREAD
    issues.warn(
        f"left out: a spread of more than {MAX_SPREAD:g} points", frame, beyond, ["HOME_SPREAD"]
    )
    # The sum turns minus zero, which has another hash, into zero.
    rows["home_spread"] = spread.mask(beyond) + 0.0
    return rows


def _odds(frame: pd.DataFrame, column: str, issues: IngestIssues) -> pd.Series:
    frame = frame.assign(**{column: raw_values.odds(frame[column])})
    odds = columns.numbers(frame, column, issues)
    known = odds.dropna()
    if len(known) and known.between(1, MAX_DECIMAL).mean() > 0.5:
        issues.warn_file(str(frame["file"].iloc[0]), f"{column} are decimal odds; converted")
        gain = odds - 1
        american = (100 * gain).where(gain >= 1, -100 / gain.where(gain > 0))
        odds = american.where(odds.between(1, 10 * MAX_DECIMAL))
    impossible = odds.abs() < 100
    issues.warn(
        f"left out: {column} between -100 and 100, which no American odds are",
        frame, impossible, [column],
    )  # fmt: skip
    return odds.mask(impossible)
