"""Rankers that learn nothing: the standings, ratings, last season and chance."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import EloConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.elo import elo_ratings
from nba_rank.features.prior_season import prior_season_results
from nba_rank.features.schedule_ratings import massey_ratings, simple_ratings
from nba_rank.features.team_sums import possession_columns, possessions, regular_season_sums

FIVETHIRTYEIGHT = EloConfig(
    enabled=True, fit=False, home_edge_seasons=1,
    k=20.0, home_edge=100.0, carry_over=0.75, mean=1505.0,
)  # fmt: skip
"""The published Elo parameters; the baseline keeps them whatever the feature group uses."""

MASSEY_RIDGE = 1.0
"""Games of a zero-margin result added to each team, so that Massey is defined on day one."""


def baseline_scores(tables: Tables, dates: pd.DataFrame) -> pd.DataFrame:
    """Score every team on every date by each baseline, from games before the date only.

    `standings`: winning percentage to date. `elo`: Elo rating. `massey`, `srs`: points per game.
    `net_rating`: points per 100 possessions. `last_season`: last season's winning percentage plus
    playoff wins over 100. Before a team's first game of the season the first, third, fourth and
    fifth take last season's value, and a team without one the average.

    Args:
        tables: The canonical tables.
        dates: Columns `season`, `as_of_date`, `as_of_point`.

    Returns:
        Columns `season`, `as_of_date`, `as_of_point`, `team_id`, `ranker`, `score` (higher is
        better), one row a team, date and ranker.
    """
    rows = Rows.of(tables, dates)
    prior = prior_season_results(tables, rows)
    prior = prior.fillna(prior.groupby(rows.season).transform("mean")).fillna(0.0)
    prior_margin = prior["prior_margin_per_game"].to_numpy()

    columns = ["won", "margin", *possession_columns()]
    totals = regular_season_sums(tables, rows, columns).total(rows)
    begun = totals.games > 0
    net_rating = 100 * ratio(totals["margin"], possessions(totals))
    scores: dict[str, FloatArray] = {
        "standings": np.where(
            begun, ratio(totals["won"], totals.games), prior["prior_win_pct"].to_numpy()
        ),
        "elo": elo_ratings(tables, rows, FIVETHIRTYEIGHT),
        "massey": np.where(begun, massey_ratings(tables, rows, MASSEY_RIDGE), prior_margin),
        "srs": np.where(begun, simple_ratings(tables, rows)["srs"].to_numpy(), prior_margin),
        "net_rating": np.where(begun, net_rating, prior_margin),
        "last_season": (prior["prior_win_pct"] + prior["prior_playoff_wins"] / 100).to_numpy(),
    }
    key = ["season", "as_of_date", "team_id"]
    wide = pd.concat([rows.frame[key], pd.DataFrame(scores)], axis=1)
    points = dates[["season", "as_of_date", "as_of_point"]]
    return wide.melt(key, var_name="ranker", value_name="score").merge(
        points, on=["season", "as_of_date"], validate="many_to_one"
    )


def with_random(scores: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add the ranker `random`, which ranks by chance, to what `baseline_scores` returns."""
    once = scores[scores["ranker"] == "standings"]
    drawn = once.assign(ranker="random", score=rng.random(len(once)))
    return pd.concat([scores, drawn], ignore_index=True)
