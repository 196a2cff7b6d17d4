"""Seasons simulated from margins alone: the bar for a simulation that knows the players.

A team's strength is its margins to date, adjusted for the schedule and drawn towards last season's.
Home edge, noise, doubt, schedule and rules are those of `nba_rank.odds.monte_carlo`.
"""

from typing import NamedTuple

import pandas as pd

from nba_rank.config.schema import MasseyConfig
from nba_rank.core.workers import Tell, side_by_side
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.tables import Tables
from nba_rank.features import massey
from nba_rank.features.asof import Rows
from nba_rank.odds.inputs import league_progress
from nba_rank.odds.monte_carlo import MonteCarloOdds, Rated, StrengthModels

RIDGE = 12.0
"""Games that what carries over from last season's rating counts for."""

_START = {"margins": 1.0}


def margins_only(
    tables: Tables,
    points: pd.DataFrame,
    seasons: list[str],
    *,
    n_simulations: int,
    seed: int,
    threads: int,
) -> pd.DataFrame:
    """Simulate the rest of seasons from their as-of points, each by what earlier seasons taught.

    Args:
        tables: The canonical tables.
        points: Columns `season`, `as_of_date` and `as_of_point`, of these seasons and earlier ones;
            of `AS_OF_POINTS` alone is learned.
        seasons: Seasons asked for.
        n_simulations: Simulations of each date.
        seed: Seed of each date's simulations.
        threads: Seasons that are simulated at once; does not change the result.

    Returns:
        What `MonteCarloOdds.predict` returns, with `as_of_point`.
    """
    rows = Rows.of(tables, points)
    rating = massey.build(
        tables, rows, MasseyConfig(enabled=True, ridge=RIDGE, fit=True, carry_over=0.6)
    )["massey_rating"]
    rated = rows.frame.assign(margins=rating, progress=league_progress(tables, rows))
    tables = tables.without_players()
    key = ["season", "as_of_date"]
    rated = rated.merge(points[[*key, "as_of_point"]], on=key)
    learned = rated[rated["as_of_point"].isin(AS_OF_POINTS)]
    known = _Known(tables, rated, Rated.of(tables, learned), n_simulations, seed)
    parts = [*side_by_side(_simulate, known, seasons, threads)]
    return pd.concat(parts, ignore_index=True).merge(points[[*key, "as_of_point"]], on=key)


class _Known(NamedTuple):
    """What every season is simulated with: ratings, and the part of them that is learned from."""

    tables: Tables
    rated: pd.DataFrame
    learned: Rated
    n_simulations: int
    seed: int


def _simulate(known: _Known, season: str, tell: Tell) -> pd.DataFrame:
    earlier = [name for name in known.learned.frame["season"].unique() if name < season]
    models = StrengthModels.fit(known.learned.of_seasons(earlier), _START, _START)
    odds = MonteCarloOdds(models, models, known.n_simulations, known.seed)
    return odds.predict(known.rated[known.rated["season"] == season], known.tables)
