"""James's Pythagorean expectation with Morey's exponent for basketball, and the luck beside it."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import PythagoreanConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.team_sums import Totals, regular_season_sums


def build(tables: Tables, rows: Rows, config: PythagoreanConfig) -> pd.DataFrame:
    """Build expected win shares.

    Columns: `pythagorean_win_pct = PF^x / (PF^x + PA^x)` of the points for and against, x being
    `config.exponent`; `luck`, the winning percentage less that; and
    `regressed_pythagorean_win_pct = (g e + k p) / (g + k)`: e is the expectation of g games, p is
    .500 plus `config.prior_carry_over` of last season's distance from it, k is
    `config.prior_games`. The first two are NaN before a team's first game.
    """
    sums = regular_season_sums(tables, rows, ["won", "points", "opponent_points"])
    to_date = sums.total(rows)
    expected = _expectation(to_date, config.exponent)
    last = np.nan_to_num(_expectation(sums.last_season(rows), config.exponent), nan=0.5)
    prior = 0.5 + config.prior_carry_over * (last - 0.5)
    games, weight = to_date.games, config.prior_games
    played = np.where(games > 0, games * expected, 0.0)
    return pd.DataFrame(
        {
            "pythagorean_win_pct": expected,
            "luck": ratio(to_date["won"], games) - expected,
            "regressed_pythagorean_win_pct": (played + weight * prior) / (games + weight),
        }
    )


def _expectation(totals: Totals, exponent: float) -> FloatArray:
    return 1.0 / (1.0 + ratio(totals["opponent_points"], totals["points"]) ** exponent)
