"""Sums over the games before a date, for many dates at once.

With games sorted by group and day, the sum over a group's games before a day is the difference of
two running sums, found by binary search.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.data.league import scheduled_games
from nba_rank.data.tables import Tables

DAY_SPAN = 100_000
"""More than any day number: `group * DAY_SPAN + day` sorts by group, then day."""


def days(dates: pd.Series | pd.DatetimeIndex) -> IntArray:
    """Return dates as whole days since 1970-01-01."""
    return np.asarray(dates, dtype="datetime64[D]").astype(np.int64)


def day_of(date: pd.Timestamp) -> int:
    """Return a date as whole days since 1970-01-01."""
    return (date - pd.Timestamp(0)).days


@dataclass(frozen=True)
class Rows:
    """The rows to build features for: every team of the season on each as-of date.

    Attributes:
        frame: Columns `season`, `as_of_date`, `team_id`, `conference`, sorted in this order.
        day: As-of date in days since 1970-01-01, [N].
        season: Start year, [N].
        team: Team id, [N].
    """

    frame: pd.DataFrame
    day: IntArray
    season: IntArray
    team: IntArray

    @classmethod
    def of(cls, tables: Tables, dates: pd.DataFrame) -> Self:
        """Make the rows for a frame with columns `season` and `as_of_date`."""
        teams = tables.teams[["season", "team_id", "conference"]]
        frame = dates[["season", "as_of_date"]].drop_duplicates().merge(teams, on="season")
        frame = frame.sort_values(["season", "as_of_date", "team_id"], ignore_index=True)
        frame = frame[["season", "as_of_date", "team_id", "conference"]]
        return cls(
            frame=frame,
            day=days(frame["as_of_date"]),
            season=start_years(frame["season"]),
            team=frame["team_id"].to_numpy(),
        )

    def scheduled(self) -> FloatArray:
        """Return the games of a whole regular season, [N]."""
        seasons = self.frame["season"]
        games = {season: scheduled_games(season) for season in seasons.unique()}
        return seasons.map(games).to_numpy(dtype=np.float64)

    def within(self, seasons: pd.Series, *, before: int = 0) -> BoolArray:
        """Return which seasons are those of the rows, or at most `before` years earlier."""
        needed = np.unique(self.season)[:, None] - np.arange(before + 1)
        return np.isin(start_years(seasons), needed)

    def find(self, as_of_date: pd.Series, team_id: pd.Series) -> IntArray:
        """Return the row of each as-of date and team; a ValueError if one has no row."""
        key = self.day * 1_000 + self.team % 1_000
        asked = days(as_of_date) * 1_000 + team_id.to_numpy() % 1_000
        order = np.argsort(key)
        slot = np.minimum(np.searchsorted(key[order], asked), len(key) - 1)
        row = np.asarray(order[slot], dtype=np.int64)
        if (key[row] != asked).any():
            raise ValueError("player ratings and rows are of different dates or teams")
        return row


def start_years(seasons: pd.Series) -> IntArray:
    """Return the start year of each season, [N]."""
    codes, names = pd.factorize(seasons)
    return np.array([int(name[:4]) for name in names], dtype=np.int64)[codes]


def team_season(season: IntArray, team: IntArray) -> IntArray:
    """Return one integer for each team and season, the group of team sums within a season."""
    return (season - 1900) * 1_000 + team % 1_000


class RunningSums:
    """Sums of whole-number columns over each group's games in date order.

    Args:
        group: Group of each game, non-negative, [N].
        day: Day of each game, [N]; a group may have several games a day.
        columns: K columns of whole numbers, NaN where not recorded, [N] each.
    """

    def __init__(self, group: IntArray, day: IntArray, columns: Sequence[FloatArray]) -> None:
        key = group * DAY_SPAN + day
        self.order = np.argsort(key, kind="stable")
        self._key = key[self.order]
        self._sums, self._counts = np.zeros((2, len(columns), len(key) + 1))
        for column, sums, counts in zip(columns, self._sums, self._counts, strict=True):
            ordered = column[self.order]
            known = ~np.isnan(ordered)
            np.cumsum(np.where(known, ordered, 0.0), out=sums[1:])
            np.cumsum(known, out=counts[1:])

    def positions(self, group: IntArray, day: IntArray) -> IntArray:
        """Return where each day of its group begins among the sorted games."""
        key = group * DAY_SPAN + day
        return np.asarray(np.searchsorted(self._key, key, side="left"), dtype=np.int64)

    def span(self, group: IntArray, day: IntArray) -> tuple[IntArray, IntArray]:
        """Return the positions of the group's games before the day, first and past the last."""
        return self.positions(group, np.zeros_like(day)), self.positions(group, day)

    def games(self, group: IntArray, day: IntArray) -> IntArray:
        """Return the number of the group's games before the day, [M]."""
        start, end = self.span(group, day)
        return end - start

    def total(
        self, group: IntArray, day: IntArray, last: int | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return sums and counts of the values before the day, or in the `last` games, [K, M]."""
        start, end = self.span(group, day)
        if last is not None:
            start = np.maximum(start, end - last)
        return self.between(start, end)

    def between(self, start: IntArray, end: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the same of the positions `start <= i < end`."""
        found = np.empty((2, len(self._sums), len(end)))
        for tables, rows in zip((self._sums, self._counts), found, strict=True):
            for table, row in zip(tables, rows, strict=True):
                np.subtract(table.take(end), table.take(start), out=row)
        return found[0], found[1]


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN where the denominator is not positive."""
    known = denominator > 0
    return np.where(known, numerator, np.nan) / np.where(known, denominator, 1.0)


def places(value: FloatArray, group: IntArray, tie: IntArray | None = None) -> IntArray:
    """Return the place of each value in its group, 0 for the greatest.

    Of equal values the lower `tie` comes first, or the earlier one without `tie`.
    """
    order = np.lexsort((-value, group) if tie is None else (tie, -value, group))
    ordered = group[order]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
    return place


def group_sums(values: FloatArray, group: IntArray) -> FloatArray:
    """Return the sum of each value's group; NaN if the group holds one.

    In pandas the last bits of a group's sum depend on the other groups.
    """
    _, slot = np.unique(group, return_inverse=True)
    return np.asarray(np.bincount(slot, values)[slot], dtype=np.float64)


def sum_and_count(values: FloatArray, group: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the sum and the number of the known values in each value's group."""
    known = ~np.isnan(values)
    of_known = np.where(known, values, 0.0)
    return group_sums(of_known, group), group_sums(known.astype(np.float64), group)


def centred(values: FloatArray, group: IntArray) -> FloatArray:
    """Return the values less the mean of the known values of their group."""
    return np.asarray(values - ratio(*sum_and_count(values, group)))
