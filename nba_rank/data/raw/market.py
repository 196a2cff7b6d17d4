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
        Columns `game_id` (ten digits), `date`, `written_season`, `home`, `away`, `home_spread`
        (points, negative where the home team is the favourite), `home_odds`, `away_odds`,
        `home_score`, `away_score`; numbers are NaN where there is none.
    """
    rows = columns.game_ids(frame, issues)
    frame = frame.loc[rows.index]
    years = raw_values.start_years(rows["game_id"])
    rows["date"], _ = columns.dates(frame, "DATE", years, issues)
    rows["written_season"] = columns.text(frame, "SEASON")
    for side in ("HOME", "AWAY"):
        name = side.lower()
        rows[name] = columns.check_teams(columns.text(frame, side), frame, [side], issues)
        rows[f"{name}_odds"] = _odds(frame, f"MONEYLINE_{side}", issues)
        rows[f"{name}_score"] = columns.numbers(frame, f"SCORE_{side}", issues)
    frame = frame.assign(HOME_SPREAD=_plain(frame["HOME_SPREAD"]))
    spread = columns.numbers(frame, "HOME_SPREAD", issues)
    beyond = spread.abs() > MAX_SPREAD
    issues.warn(
        f"left out: a spread of more than {MAX_SPREAD:g} points", frame, beyond, ["HOME_SPREAD"]
    )
    # The sum turns minus zero, which has another hash, into zero.
    rows["home_spread"] = spread.mask(beyond) + 0.0
    return rows


def _plain(written: pd.Series) -> pd.Series:
    """Return figures without bookmakers' signs: `pk` is 0, `NL` is none, `+1½` is 1.5."""
    if pd.api.types.is_numeric_dtype(written):
        return written
    text = raw_values.text(written).str.replace("\N{MINUS SIGN}", "-")
    text = text.str.replace(r"(\d?)½$", lambda half: f"{half[1] or 0}.5", regex=True)
    known = {"PK": "0", "PICK": "0", "NL": None, "OFF": None, "EV": "100", "EVEN": "100"}
    upper = text.str.upper()
    return text.mask(upper.isin([*known]), upper.map(known))


def _odds(frame: pd.DataFrame, column: str, issues: IngestIssues) -> pd.Series:
    frame = frame.assign(**{column: _plain(frame[column])})
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
