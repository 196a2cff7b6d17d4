"""Box-score rates of a player from his means per game.

Formulas of the Basketball-Reference glossary: true shooting `PTS / (2 (FGA + .44 FTA))`; usage
`100 (FGA + .44 FTA + TOV) (TeamMP / 5) / (MP (TeamFGA + .44 TeamFTA + TeamTOV))`; Hollinger's Game
Score per 36 minutes. The box rating takes the coefficients of BPM 2.0 (Myers 2020) half-way between
positions 1 and 5, per 100 possessions of the player's team while he plays, without adjustments for
role and team: a rate of production, not points above average.
"""

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import BOX_COLUMNS, Tables
from nba_rank.features.asof import ratio
from nba_rank.features.team_sums import possession_columns, possessions, side_values

_OWN = ("points", *BOX_COLUMNS, "plus_minus", "seconds")
_TEAM = ("fga", "fta", "tov", "possessions")

RATE_INPUTS = (*_OWN, *[f"team_{name}" for name in _TEAM], "team_seconds")
"""Values of a player game that the rates are made of."""

RATES = ("true_shooting", "usage", "game_score", "box_rating")
GAME_SCORE = {
    "points": 1.0, "fgm": 0.4, "fga": -0.7, "fta": -0.4, "ftm": 0.4, "oreb": 0.7, "dreb": 0.3,
    "stl": 1.0, "ast": 0.7, "blk": 0.7, "pf": -0.4, "tov": -1.0,
}  # fmt: skip
"""Hollinger's coefficients."""

BOX_RATING = {
    "points": 0.860, "fga": -0.670, "fta": -0.2945, "fg3m": 0.389, "ast": 0.807, "tov": -0.964,
    "oreb": 0.397, "dreb": 0.1485, "stl": 1.1885, "blk": 1.015, "pf": -0.367,
}  # fmt: skip
"""BPM 2.0, the mean of the coefficients of positions 1 and 5."""


def game_values(tables: Tables) -> dict[str, FloatArray]:
    """Return `RATE_INPUTS` by name, one value a player game, NaN where not recorded.

    All are whole numbers, so that sums over games are exact; possessions are in tenths.
    """
    sides, games = tables.team_games, tables.player_games
    columns = possession_columns()
    own = dict(zip(columns, side_values(sides, columns), strict=True))
    team = {name: own[name] for name in _TEAM[:-1]}
    team["possessions"] = np.round(10 * possessions(own))
    key = ["game_id", "team_id"]
    asked = pd.MultiIndex.from_frame(games[key])
    slot = pd.MultiIndex.from_frame(sides[key]).get_indexer(asked)
    values = {name: games[name].to_numpy(dtype=np.float64) for name in _OWN}
    for name, of_side in team.items():
        values[f"team_{name}"] = np.where(slot >= 0, of_side[slot], np.nan)
    seconds = games.groupby(key, sort=False)["seconds"].transform("sum")
    return values | {"team_seconds": seconds.to_numpy(dtype=np.float64)}


def rates(per_game: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Return each of `RATES` from the means per game of `RATE_INPUTS`, NaN where unknown, [M]."""
    shots = per_game["fga"] + 0.44 * per_game["fta"]
    used = shots + per_game["tov"]
    team_used = per_game["team_fga"] + 0.44 * per_game["team_fta"] + per_game["team_tov"]
    court_share = ratio(5 * per_game["seconds"], per_game["team_seconds"])
    possessions = per_game["team_possessions"] / 10 * court_share
    return {
        "true_shooting": ratio(per_game["points"], 2 * shots),
        "usage": 100 * ratio(used, team_used * court_share),
        "game_score": 36 * ratio(_weighted(per_game, GAME_SCORE), per_game["seconds"] / 60),
        "box_rating": 100 * ratio(_weighted(per_game, BOX_RATING), possessions),
    }


def _weighted(per_game: dict[str, FloatArray], coefficients: dict[str, float]) -> FloatArray:
    total = np.zeros_like(per_game["points"])
    for name, coefficient in coefficients.items():
        total = total + coefficient * per_game[name]
    return total
