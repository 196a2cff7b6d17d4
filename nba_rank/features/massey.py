"""Massey rating that starts from last season's, and how the record compares with it."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import MasseyConfig
from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio, start_years
from nba_rank.features.schedule_ratings import massey_ratings, simple_ratings
from nba_rank.features.team_sums import regular_season_sums


def build(tables: Tables, rows: Rows, config: MasseyConfig) -> pd.DataFrame:
    """Build a rating and a difference of ranks.

    `massey_rating` (points) solves `(M + ridge I) r = p + ridge c l`, see `schedule_ratings`: l is
    the team's final least-squares rating of last season, 0 for a new team, and c the share of it
    that carries over. With `config.fit` c is the slope of final ratings on those of the season
    before, over all earlier seasons; until two are known, and without, it is `config.carry_over`.
    `massey_rank_diff` is the team's rank by winning percentage less its rank by `massey_rating`,
    ties at their mean rank: positive for a team that is better than its record, NaN before its
    first game.
    """
    rating = massey_ratings(tables, rows, config.ridge, _prior(tables, rows, config))
    to_date = regular_season_sums(tables, rows, ["won"]).total(rows)
    win_pct = ratio(to_date["won"], to_date.games)
    rated = np.where(np.isnan(win_pct), np.nan, rating)
    compared = pd.DataFrame({"record": win_pct, "rating": rated})
    rank = compared.groupby(rows.day).rank(ascending=False)
    return pd.DataFrame(
        {"massey_rating": rating, "massey_rank_diff": rank["record"] - rank["rating"]}
    )


def _prior(tables: Tables, rows: Rows, config: MasseyConfig) -> FloatArray:
    """Return the rating that each row's season begins with, points, [N]."""
    final = _final_ratings(tables, before=int(rows.season.max()))
    last = final.reindex(_key(rows.season - 1, rows.team)).fillna(0.0).to_numpy()
    return _carry_over(final, rows.season, config) * last


def _final_ratings(tables: Tables, before: int) -> pd.Series:
    """Return the ratings after each regular season before a year, in points."""
    seasons = tables.seasons[start_years(tables.seasons["season"]) < before]
    ends = seasons["last_regular_date"] + pd.Timedelta(days=1)
    rows = Rows.of(tables, pd.DataFrame({"season": seasons["season"], "as_of_date": ends}))
    if rows.frame.empty:
        return pd.Series(dtype="float64", index=_key(rows.season, rows.team))
    ratings = simple_ratings(tables, rows)["srs"].to_numpy()
    return pd.Series(ratings, index=_key(rows.season, rows.team)).dropna()


def _carry_over(final: pd.Series, season: IntArray, config: MasseyConfig) -> FloatArray:
    """Return the share of last season's rating that carries over into each season, [N]."""
    years, teams = (final.index.get_level_values(level).to_numpy() for level in (0, 1))
    last = final.reindex(_key(years - 1, teams)).to_numpy()
    known = ~np.isnan(last)
    if not (config.fit and known.any()):
        return np.full(len(season), config.carry_over)
    first = int(years.min())
    products, squares = (
        np.bincount(years[known] - first, part[known]).cumsum()
        for part in (last * final.to_numpy(), last * last)
    )
    # Pairs count once their later season is over.
    newest = np.clip(season - 1 - first, 0, len(squares) - 1)
    slope = ratio(products[newest], squares[newest])
    return np.where(np.isnan(slope), config.carry_over, slope)


def _key(season: IntArray, team: IntArray) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([season, team], names=["season", "team_id"])
