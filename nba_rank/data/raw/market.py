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

MIN_DECIMALS, MIN_DECIMAL = 5, 0.05
"""A file with fewer such odds, or a smaller share of them, has errors, and no decimal odds."""

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
    frame = frame.assign(WIN_TOTAL=raw_values.odds(frame["WIN_TOTAL"]))
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
    what = f"a spread of more than {MAX_SPREAD:g} points"
    if beyond.mean() > 0.5:
        remedy = "Give the points of the spread, not the total of both scores or a price."
        issues.error(what, frame, beyond, ["HOME_SPREAD"], remedy)
    issues.warn(f"left out: {what}", frame, beyond, ["HOME_SPREAD"])
    # The sum turns minus zero, which has another hash, into zero.
    rows["home_spread"] = spread.mask(beyond) + 0.0
    return rows


def _odds(frame: pd.DataFrame, column: str, issues: IngestIssues) -> pd.Series:
    """Return American odds; decimal ones, all or some of a file, are converted and counted."""
    frame = frame.assign(**{column: raw_values.odds(frame[column])})
    odds = columns.numbers(frame, column, issues)
    decimal = odds.between(1, MAX_DECIMAL)
    share = decimal.sum() / max(odds.notna().sum(), 1)
    if share > 0.5 or (decimal.sum() >= MIN_DECIMALS and share > MIN_DECIMAL):
        if not odds.le(-100).any():
            decimal = odds.ge(1)
        issues.warn(f"{column}: decimal odds, converted", frame, decimal, [column])
        gain = odds - 1
        american = (100 * gain).where(gain >= 1, -100 / gain.where(gain > 0))
        odds = odds.mask(decimal, american)
    impossible = odds.abs() < 100
    issues.warn(
        f"left out: {column} between -100 and 100, which no American odds are",
        frame, impossible, [column],
    )  # fmt: skip
    return odds.mask(impossible)
