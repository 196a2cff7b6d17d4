"""What regular-season strength may miss in the playoffs: experience, health, ways of playing."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features import four_factors
from nba_rank.features.asof import Rows, ratio, start_years
from nba_rank.features.team_sums import regular_season_sums

RESIDUAL_INPUTS = ("experience", "health", "efg_edge", "tov_edge", "orb_edge")
"""Names of the inputs."""

_FACTORS = {
    "efg_edge": "efg_pct_diff",
    "tov_edge": "tov_pct_diff",
    "orb_edge": "orb_pct_diff",
}
_SHRINK_GAMES = 15.0
_MINUTES = 200.0


def residual_inputs(
    tables: Tables, ratings: pd.DataFrame, rows: Rows, strengths: dict[str, FloatArray]
) -> dict[str, FloatArray]:
    """Build the inputs of rows, each [N], from games before each date only.

    `ratings` are from `nba_rank.features.players.impact.player_ratings`, of dates of the rows;
    `strengths` are the rows' `full_strength` and `roster_strength`, points.

    Returns:
        `experience`: log(1 + playoff minutes in earlier seasons / 200), the mean over the team's
        players weighted by their minutes at full strength, NaN where none are known; `health`:
        points that absences cost at present, as a negative number; `efg_edge`, `tov_edge`,
        `orb_edge`: differentials of three of Oliver's factors (shares, team less opponents),
        shrunk with 15 games at zero.
    """
    row = rows.find(ratings["as_of_date"], ratings["team_id"])
    minutes = ratings["full_strength_minutes"].to_numpy()
    n = len(rows.frame)
    known = np.log1p(_playoff_minutes(tables, ratings) / _MINUTES)
    sums = [np.bincount(row, part, n).astype(np.float64) for part in (minutes * known, minutes)]
    experience = ratio(sums[0], sums[1])
    games = regular_season_sums(tables, rows, ["won"]).total(rows).games
    factors = four_factors.build(tables, rows, GroupConfig(enabled=True))
    trust = games / (games + _SHRINK_GAMES)
    edges = {name: trust * factors[column].fillna(0.0).to_numpy()
             for name, column in _FACTORS.items()}  # fmt: skip
    health = strengths["roster_strength"] - strengths["full_strength"]
    return {"experience": experience, "health": health, **edges}


def _playoff_minutes(tables: Tables, ratings: pd.DataFrame) -> FloatArray:
    """Return each rated player's minutes in the playoffs of earlier seasons."""
    games = tables.player_games
    games = games[games["kind"] == "playoffs"]
    # A season after each that was played carries its minutes on.
    by_season = games.groupby(["player_id", start_years(games["season"]) + 1])["seconds"].sum()
    total = by_season.groupby(level=0).cumsum().rename("seconds").reset_index()
    total.columns = pd.Index(["player_id", "year", "seconds"])
    asked = ratings[["player_id"]].assign(
        year=start_years(ratings["season"]), place=np.arange(len(ratings))
    )
    found = pd.merge_asof(
        asked.sort_values("year"), total.sort_values("year"), on="year", by="player_id"
    )
    seconds = found.sort_values("place")["seconds"].fillna(0.0)
    return np.asarray(seconds / 60, dtype=np.float64)
