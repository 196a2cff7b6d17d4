"""Seeds and league ranks of many simulated regular seasons at once.

The rules are those of `nba_rank.data.standings`. Each criterion is applied to all ties of one size
at once, so that the work grows with the number of ties.

Letters: S simulations, T teams in ascending team id, G tied groups, K teams of a group.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from nba_rank.core.arrays import Array, BoolArray, FloatArray, IntArray
from nba_rank.data.standings import BERTHS, win_pct, winners_first

Criterion = Callable[[IntArray, IntArray], Array]
"""Simulations [G] and teams [G, K] of tied groups -> signed values [G, K], higher is better."""


@dataclass(frozen=True)
class League:
    """Who plays in which conference (0 or 1) and division (unique over conferences), codes [T].

    `seeded_with_winners` is that of `nba_rank.data.league`.

    Raises:
        ValueError: The conferences are not two, or a division lies in both.
    """

    conference: IntArray
    division: IntArray
    seeded_with_winners: int | None = None

    def __post_init__(self) -> None:
        """Check the codes."""
        if set(np.unique(self.conference).tolist()) != {0, 1}:
            raise ValueError(f"conference codes must be 0 and 1: {np.unique(self.conference)}")
        for code in np.unique(self.division):
            if len(np.unique(self.conference[self.division == code])) > 1:
                raise ValueError(f"division {code} lies in both conferences")


@dataclass(frozen=True)
class Seeds:
    """The final standings of S simulated regular seasons.

    Attributes:
        wins: Games won [S, T].
        losses: Games lost [S, T].
        win_pct: Winning percentage, 0 to 1; one half without games [S, T].
        seed: Place in the conference before any play-in, 1 is best [S, T].
        league_rank: Place in the league, 1 is best: the lower hosts a series [S, T].
    """

    wins: IntArray
    losses: IntArray
    win_pct: FloatArray
    seed: IntArray
    league_rank: IntArray


@dataclass(frozen=True)
class _Tied:
    """Tied groups of one size.

    Attributes:
        row: Simulation of each group [G].
        members: Teams of each group, ascending [G, K].
        place: Place of the group's best team in the order, from 0 [G].
    """

    row: IntArray
    members: IntArray
    place: IntArray

    def take(self, which: Array) -> "_Tied":
        """Return the groups of a mask or of positions."""
        return _Tied(self.row[which], self.members[which], self.place[which])

    def sorted_by(self, values: Array) -> tuple["_Tied", Array]:
        """Return the groups and the values with the best first, equals in ascending order."""
        order = np.argsort(-values, axis=1, kind="stable")
        members = np.take_along_axis(self.members, order, axis=1)
        ordered = np.take_along_axis(values, order, axis=1)
        return _Tied(self.row, members, self.place), ordered

    def ties(self, ordered: Array) -> Iterator["_Tied"]:
        """Return the ties among sorted groups, for each size."""
        starts = np.ones(ordered.shape, dtype=bool)
        np.not_equal(ordered[:, 1:], ordered[:, :-1], out=starts[:, 1:])
        first = np.flatnonzero(starts)
        length = np.diff(first, append=starts.size)
        for k in range(2, ordered.shape[1] + 1):
            at = first[length == k]
            if len(at):
                group, offset = np.divmod(at, ordered.shape[1])
                tied = self.members.ravel()[at[:, None] + np.arange(k)]
                yield _Tied(self.row[group], tied, self.place[group] + offset)


@dataclass(frozen=True)
class _Records:
    """Who beat whom, and the criteria that are read from it; `seed` describes the first fields.

    Attributes:
        eligible: Teams among their conference's best eight by record, ties included [S, T].
    """

    beat: Array
    point_diff: Array
    league: League
    win_pct: FloatArray
    eligible: BoolArray

    def _pct_against(self, row: IntArray, members: IntArray, opponents: BoolArray) -> FloatArray:
        """Return winning percentages [G, K] against opponents, a mask [G, K, T]."""
        own, at = row[:, None], members
        wins = (self.beat[own, at] * opponents).sum(axis=2, dtype=np.int64)
        losses = (self.beat[own, :, at] * opponents).sum(axis=2, dtype=np.int64)
        return win_pct(wins, losses)

    def _same_conference(self, members: IntArray) -> BoolArray:
        return self.league.conference[members][:, :, None] == self.league.conference

    def among_tied(self, row: IntArray, members: IntArray) -> FloatArray:
        beat = self.beat[row[:, None, None], members[:, :, None], members[:, None, :]]
        return win_pct(beat.sum(axis=2, dtype=np.int64), beat.sum(axis=1, dtype=np.int64))

    def division_record(self, row: IntArray, members: IntArray) -> FloatArray:
        """Only where a group shares one division; zeros elsewhere."""
        division = self.league.division[members]
        shared = (division == division[:, :1]).all(axis=1)
        values = np.zeros(members.shape)
        opponents = division[shared][:, :, None] == self.league.division
        values[shared] = self._pct_against(row[shared], members[shared], opponents)
        return values

    def in_conference(self, row: IntArray, members: IntArray) -> FloatArray:
        return self._pct_against(row, members, self._same_conference(members))

    def own_field(self, row: IntArray, members: IntArray) -> FloatArray:
        eligible = self.eligible[row][:, None]
        return self._pct_against(row, members, self._same_conference(members) & eligible)

    def other_field(self, row: IntArray, members: IntArray) -> FloatArray:
        eligible = self.eligible[row][:, None]
        return self._pct_against(row, members, ~self._same_conference(members) & eligible)

    def margin(self, row: IntArray, members: IntArray) -> Array:
        return self.point_diff[row[:, None], members]


def _order(
    records: _Records,
    parts: list[IntArray],
    of_two: list[Criterion],
    of_more: list[Criterion],
) -> list[IntArray]:
    """Order parts of the league by winning percentage, then by the criteria for the size of a tie.

    The first criterion that tells any teams of a group apart splits it, and its parts start
    again. They are smaller than the group, so one pass over the sizes, the largest first, meets
    all of them. What no criterion settles stays in ascending order.

    Args:
        records: S seasons.
        parts: Teams to order, each part by itself; ascending [K].
        of_two: Criteria for two teams.
        of_more: Criteria for more.

    Returns:
        Teams of each part, best first, [S, K].
    """
    S, sizes = len(records.win_pct), [len(teams) for teams in parts]
    starts = np.cumsum([0, *sizes])[:-1]
    order = np.zeros((S, sum(sizes)), dtype=np.int64)
    queue: dict[int, list[_Tied]] = defaultdict(list)

    def push(groups: _Tied, values: Array) -> None:
        groups, ordered = groups.sorted_by(values)
        places = groups.place[:, None] + np.arange(groups.members.shape[1])
        order[groups.row[:, None], places] = groups.members
        for level in groups.ties(ordered):
            queue[level.members.shape[1]].append(level)

    for start, teams in zip(starts, parts, strict=True):
        whole = np.broadcast_to(teams, (S, len(teams)))
        push(_Tied(np.arange(S), whole, np.full(S, start)), records.win_pct[:, teams])
    for size in range(max(sizes), 1, -1):
        groups = queue.pop(size, [])
        if not groups:
            continue
        tied = _Tied(
            np.concatenate([group.row for group in groups]),
            np.concatenate([group.members for group in groups]),
            np.concatenate([group.place for group in groups]),
        )
        # By the first criterion that tells a group's teams apart, for all groups at once.
        values = np.zeros(tied.members.shape)
        still = np.arange(len(values))
        for criterion in of_two if size == 2 else of_more:
            if not len(still):
                break
            values[still] = found = criterion(tied.row[still], tied.members[still])
            still = still[(found == found[:, :1]).all(axis=1)]
        apart = np.ones(len(values), dtype=bool)
        apart[still] = False
        push(tied.take(apart), values[apart])
    return np.split(order, starts[1:], axis=1)


def _division_winners(records: _Records) -> BoolArray:
    """Return who won a division [S, T]; these ties come before all others."""
    before: list[Criterion] = [
        records.among_tied, records.division_record, records.in_conference, records.own_field,
    ]  # fmt: skip
    of_two, of_more = [*before, records.other_field, records.margin], [*before, records.margin]
    winner = np.zeros(records.win_pct.shape, dtype=bool)
    division = records.league.division
    members = [np.flatnonzero(division == code) for code in np.unique(division)]
    for order in _order(records, members, of_two, of_more):
        winner[np.arange(len(order)), order[:, 0]] = True
    return winner


def _conference_orders(records: _Records, winner: BoolArray) -> list[IntArray]:
    """Return the teams of either conference in order of record [S, K]."""

    def division_winner(row: IntArray, members: IntArray) -> Array:
        return winner[row[:, None], members].astype(np.int8)

    of_two: list[Criterion] = [
        records.among_tied, division_winner, records.division_record, records.in_conference,
        records.own_field, records.other_field, records.margin,
    ]  # fmt: skip
    of_more: list[Criterion] = [
        division_winner, records.among_tied, records.division_record, records.in_conference,
        records.own_field, records.margin,
    ]  # fmt: skip
    if records.league.seeded_with_winners is not None:
        of_two[:2] = of_two[1::-1]
    members = [np.flatnonzero(records.league.conference == code) for code in (0, 1)]
    return _order(records, members, of_two, of_more)


def _league_rank(orders: list[IntArray], records: _Records) -> IntArray:
    """Merge the conferences by record, head-to-head, then point differential [S, T].

    Only the best teams left of the two are compared, since head-to-head is not transitive.
    """
    S, T = records.win_pct.shape
    east, west = orders
    pct_east, pct_west = (np.take_along_axis(records.win_pct, order, axis=1) for order in orders)
    # Whether the East's team of a row is ahead of the West's of a column; past the last team of a
    # conference the other one's come.
    ahead = np.zeros((S, east.shape[1] + 1, west.shape[1] + 1), dtype=bool)
    ahead[:, :-1, :-1] = pct_east[:, :, None] > pct_west[:, None]
    ahead[:, :-1, -1] = True
    level = pct_east[:, :, None] == pct_west[:, None]
    tied, i, j = np.unravel_index(np.flatnonzero(level), level.shape)
    left, right = east[tied, i], west[tied, j]
    keys = (
        (records.beat[tied, left, right], records.beat[tied, right, left]),
        (records.point_diff[tied, left], records.point_diff[tied, right]),
    )
    better = left < right
    for own, other in reversed(keys):
        better = np.where(own == other, better, own > other)
    ahead[tied, i, j] = better

    flat, width = ahead.ravel(), ahead.shape[2]
    cell = np.arange(S) * ahead[0].size
    from_east = np.empty((T, S), dtype=bool)
    for first in from_east:
        np.take(flat, cell, out=first)
        cell += 1
        np.add(cell, width - 1, out=cell, where=first)
    rank = np.empty((S, T), dtype=np.int64)
    for order, mask in ((east, from_east.T), (west, ~from_east.T)):
        places = np.nonzero(np.ascontiguousarray(mask))[1].reshape(order.shape) + 1
        np.put_along_axis(rank, order, places, axis=1)
    return rank


def seed(beat: Array, point_diff: Array, league: League) -> Seeds:
    """Return the final standings of many regular seasons.

    Ties that the tie-breaks do not settle go by position.

    Args:
        beat: Wins of the row team over the column team, integers [S, T, T].
        point_diff: Points scored less points allowed [S, T].
        league: Conferences and divisions of the T teams.

    Raises:
        ValueError: The shapes do not fit each other.
    """
    T = len(league.conference)
    if beat.ndim != 3 or beat.shape[1:] != (T, T) or point_diff.shape != beat.shape[:2]:
        raise ValueError(
            f"beat {beat.shape} and point_diff {point_diff.shape} must be [S, {T}, {T}] and "
            f"[S, {T}] for the league's {T} teams"
        )
    # `einsum` is several times faster than `sum` where an axis is short.
    wins, losses = (np.einsum(sums, beat).astype(np.int64) for sums in ("stu->st", "stu->su"))
    pct = win_pct(wins, losses)
    eligible = np.zeros(pct.shape, dtype=bool)
    for code in (0, 1):
        members = np.flatnonzero(league.conference == code)
        eighth = max(len(members) - BERTHS, 0)
        line = np.partition(pct[:, members], eighth, axis=1)[:, eighth]
        eligible[:, members] = pct[:, members] >= line[:, None]
    records = _Records(beat, point_diff, league, pct, eligible)
    winner = _division_winners(records)
    orders = _conference_orders(records, winner)
    seeds = np.empty(pct.shape, dtype=np.int64)
    for by_record in orders:
        order = winners_first(by_record, winner, league.seeded_with_winners)
        places = np.broadcast_to(np.arange(1, order.shape[1] + 1), order.shape)
        np.put_along_axis(seeds, order, places, axis=1)
    return Seeds(wins, losses, pct, seeds, _league_rank(orders, records))
