"""Elo ratings with margin of victory and carry-over between seasons.

Source: FiveThirtyEight, "How We Calculate NBA Elo Ratings" (2015).
"""

import numpy as np
import pandas as pd

from nba_rank.config import EloConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import DAY_SPAN, FloatArray, IntArray, Rows, days, start_years


def win_probability(elo_difference: FloatArray) -> FloatArray:
    """Return the expected score of the better rated side, `1 / (1 + 10^(-d/400))`."""
    return 1.0 / (1.0 + 10.0 ** (-elo_difference / 400.0))


def elo_ratings(tables: Tables, rows: Rows, config: EloConfig) -> FloatArray:
    """Return each row's Elo rating on the morning of its date.

    After every game the winner gains and the loser loses
    `k * (margin + 3)^0.8 / (7.5 + 0.006 * d) * (1 - p)`, where d is the winner's rating edge,
    home edge included, and p its expected score. Between seasons a rating becomes
    `carry_over * rating + (1 - carry_over) * mean`; a team's first rating is `mean`. Play-in and
    playoff games count; neutral sites have no home edge.

    Args:
        tables: The canonical tables.
        rows: Rows asked for, N of them.
        config: Parameters, in Elo points.

    Returns:
        Ratings in Elo points, shape [N].
    """
    games = tables.games.sort_values(["game_date", "game_id"])
    sides = games[["home_team_id", "away_team_id"]].to_numpy()
    # A team of the rows may not have played yet.
    team_ids = np.union1d(sides, rows.team)
    slots = np.searchsorted(team_ids, sides)
    margin = (games["home_points"] - games["away_points"]).to_numpy(dtype=np.float64)
    edge = np.where(games["neutral_site"].to_numpy(), 0.0, config.home_edge)
    day = days(games["game_date"])
    season = start_years(games["season"])

    starts = np.flatnonzero(np.r_[True, day[1:] != day[:-1]])
    ends = np.r_[starts[1:], len(day)]
    rating = np.full(len(team_ids), config.mean)
    # One snapshot at each season's start and one after each game day, in date order.
    snapshots, snapshot_season, snapshot_day = [], [], []
    current = -1
    for start, end in zip(starts, ends, strict=True):
        if season[start] != current:
            if current >= 0:
                rating = config.carry_over * rating + (1 - config.carry_over) * config.mean
            current = int(season[start])
            snapshots.append(rating)
            snapshot_season.append(current)
            snapshot_day.append(0)
        rating = _after_one_day(
            rating, slots[start:end], margin[start:end], edge[start:end], config
        )
        snapshots.append(rating)
        snapshot_season.append(current)
        snapshot_day.append(int(day[start]))

    key = np.array(snapshot_season) * DAY_SPAN + np.array(snapshot_day)
    latest = np.searchsorted(key, rows.season * DAY_SPAN + rows.day, side="left") - 1
    found = np.stack(snapshots)[latest, np.searchsorted(team_ids, rows.team)]
    # A season without a game yet has no snapshot of its own.
    carried = config.carry_over * found + (1 - config.carry_over) * config.mean
    return np.where(np.array(snapshot_season)[latest] < rows.season, carried, found)


def build(tables: Tables, rows: Rows, config: EloConfig) -> pd.DataFrame:
    """Build `elo_rating` (Elo points), one row for each of `rows`."""
    return pd.DataFrame({"elo_rating": elo_ratings(tables, rows, config)})


def _after_one_day(
    rating: FloatArray, slots: IntArray, margin: FloatArray, edge: FloatArray, config: EloConfig
) -> FloatArray:
    """Update ratings by the games of one day; a team plays at most once a day."""
    home, away = slots[:, 0], slots[:, 1]
    sign = np.sign(margin)
    winner_edge = sign * (rating[home] + edge - rating[away])
    multiplier = (np.abs(margin) + 3.0) ** 0.8 / (7.5 + 0.006 * winner_edge)
    change = sign * config.k * multiplier * (1.0 - win_probability(winner_edge))
    updated = rating.copy()
    np.add.at(updated, home, change)
    np.add.at(updated, away, -change)
    return updated
