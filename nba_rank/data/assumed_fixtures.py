"""Makes up the fixtures that no schedule has, always in the same way: who meets whom, where, when.

Letters: T teams, G games, N days.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

SEASON_DAYS = 165
"""Assumed days from opening to the end of a season of unknown schedule."""

_GOLDEN = (5**0.5 - 1) / 2
_NEVER = 1e9
"""Cost, in days, of a day on which a team cannot play."""


@dataclass(frozen=True)
class Fixtures:
    """Games, in any order.

    Attributes:
        home: Position of the home team, int64 [G].
        away: Position of the visiting team, int64 [G].
        day: Days since 1970-01-01, or since opening day in a simulated season, int64 [G].
    """

    home: np.ndarray
    away: np.ndarray
    day: np.ndarray

    @property
    def sides(self) -> np.ndarray:
        """Home and visiting team, int64 [G, 2]."""
        return np.stack([self.home, self.away], axis=1)

    @classmethod
    def none(cls) -> Self:
        """Return no games."""
        return cls(*(np.zeros(0, dtype=np.int64) for _ in range(3)))

    def and_(self, other: Self) -> Self:
        """Return these games and then others."""
        both = zip(vars(self).values(), vars(other).values(), strict=True)
        return type(self)(*(np.concatenate(arrays) for arrays in both))

    def take(self, index: np.ndarray) -> Self:
        """Return the games at an index or under a mask."""
        return type(self)(*(values[index] for values in vars(self).values()))

    def on_days(self, first: int, last: int, n_teams: int) -> np.ndarray:
        """Return whether each team plays on each day from the first to the last, bool [T, N]."""
        found = np.zeros((n_teams, last - first + 1), dtype=bool)
        within = (self.day >= first) & (self.day <= last)
        found[self.sides[within], self.day[within, None] - first] = True
        return found


def assume(
    missing: np.ndarray,
    *,
    meetings: np.ndarray,
    played: Fixtures,
    known: Fixtures,
    opening: int,
    today: int,
) -> tuple[Fixtures, int]:
    """Make up the games that a season lacks.

    Teams are paired that are furthest behind their fair meetings; the host is the team with fewer
    home games. Games are spread evenly, without back-to-backs: in the gaps of
    a schedule that is known to the end of the season, otherwise after the known games, and after
    the end of the season if there are too many.

    `missing` is how many games each team lacks, int64 [T], and `meetings` how often two teams
    should meet in the season [T, T]. `opening` is the day of its first game, `today` the first that
    can be played on.

    Returns:
        The games, and the games of single teams left without an opponent; see `pair_up`.
    """
    n_teams = len(missing)
    certain = played.and_(known)
    hosted = np.zeros((n_teams, n_teams), dtype=np.int64)
    np.add.at(hosted, (certain.home, certain.away), 1)
    rounds, unpaired = pair_up(missing, meetings - hosted - hosted.T)
    if not rounds:
        return Fixtures.none(), unpaired
    end = opening + SEASON_DAYS
    covered = int(certain.day.max(initial=0))
    first, last = max(today, opening), max(end, covered)
    if covered < max(end, today):
        first = max(first, covered + 2)
        last = max(last, first + 2 * len(rounds) - 1)
    busy = certain.on_days(first - 1, last + 2, n_teams)
    home, away, day = place(rounds, busy, last - first + 1, hosted)
    return Fixtures(home, away, day + first - 1), unpaired


def fair_meetings(conference: np.ndarray, division: np.ndarray, games: int) -> np.ndarray:
    """Return how often two teams meet by the league's formula, float64 [T, T].

    That is 4 times within a division, 3.6 times on average within a conference and twice otherwise,
    scaled to the games of a team. Division codes are unique over conferences.
    """
    same_conference = conference[:, None] == conference
    meetings = np.where(division[:, None] == division, 4.0, np.where(same_conference, 3.6, 2.0))
    np.fill_diagonal(meetings, 0.0)
    scale = games / np.maximum(meetings.sum(axis=1), 1.0)
    return meetings * (scale[:, None] + scale) / 2


def pair_up(missing: np.ndarray, want: np.ndarray) -> tuple[list[np.ndarray], int]:
    """Pair teams until each has the games that it lacks, in rounds of at most one game a team.

    The teams that lack most games play in each round, so that none is left alone at the end: those
    first that lack most meetings of each other, `want`, float64 [T, T], symmetric.

    Returns:
        The rounds, each int64 [games, 2] of team positions, and the games that no pairing can fill:
        one if the sum is odd, more if one team lacks more games than all others together.
    """
    left, want = missing.copy(), want.copy()
    np.fill_diagonal(want, -np.inf)
    unpaired = int(max(2 * left.max() - left.sum(), left.sum() % 2))
    left[np.argmax(left)] -= unpaired
    rounds: list[np.ndarray] = []
    while left.any():
        # More games would leave the team that lacks most with too few opponents.
        most = 1 + int(left.sum() - 2 * left.max()) // 2
        games = min(int(np.count_nonzero(left)) // 2, most)
        teams = np.sort(np.argsort(-left, kind="stable")[: 2 * games])
        pairs = _match(teams, want)
        left[pairs] -= 1
        want[pairs[:, 0], pairs[:, 1]] -= 1
        want[pairs[:, 1], pairs[:, 0]] -= 1
        rounds.append(pairs)
    return rounds, unpaired


def _match(teams: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Pair an even number of teams, those that lack most meetings first."""
    open_ = want[np.ix_(teams, teams)]
    pairs = np.empty((len(teams) // 2, 2), dtype=np.int64)
    for pair in pairs:
        pair[:] = np.divmod(np.argmax(open_), len(teams))
        open_[pair] = -np.inf
        open_[:, pair] = -np.inf
    pairs = teams[pairs]
    # The last pairs may have met too often: they swap with the pair that gains most.
    for left_over in np.flatnonzero(want[pairs[:, 0], pairs[:, 1]] < 0):
        a, b = pairs[left_over]
        either_way = np.stack([pairs, pairs[:, ::-1]])
        gain = want[a, either_way[..., 0]] + want[b, either_way[..., 1]]
        gain -= want[pairs[:, 0], pairs[:, 1]] + want[a, b]
        gain[:, left_over] = -np.inf
        way, other = np.divmod(np.argmax(gain), len(pairs))
        if gain[way, other] > 0:
            c, d = either_way[way, other]
            pairs[left_over], pairs[other] = (a, c), (b, d)
    return pairs


def place(
    rounds: list[np.ndarray], busy: np.ndarray, last: int, hosted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each game a day and a host.

    Rounds are spread evenly over the days; a game is on the day nearest to its round's with no game
    of either team on it or next to it. The host has had fewer home games, then has hosted the
    other less often: `hosted` counts games of the row team at home against the column team [T, T].
    `busy` says whether each team plays on each day, bool [T, N], from the day before the first
    possible one to two days after `last`, beyond which games go only if there are too few days.

    Returns:
        Positions of home teams, away teams and days, each int64 [G].
    """
    n = len(rounds)
    # A game blocks three days of a team, so two teams find a day within six days a round.
    busy = np.concatenate([busy, np.zeros((len(busy), 6 * n), dtype=bool)], axis=1)
    hosted, at_home = hosted.copy(), hosted.sum(axis=1)
    days = np.arange(1, busy.shape[1] - 1)
    # The last rounds are short, of the teams that lack most: scatter them among the others.
    order = np.argsort(np.arange(n) * _GOLDEN % 1, kind="stable")
    homes, aways, found = [], [], []
    for slot, pairs in enumerate(rounds[number] for number in order):
        target = 1 + np.floor((slot + 0.5) * last / n)
        closed = busy[pairs].any(axis=1)
        closed = closed[:, 1:-1] | closed[:, :-2] | closed[:, 2:]
        cost = np.abs(days - target) + _NEVER * closed + _NEVER / 2 * (days > last)
        day = days[np.argmin(cost, axis=1)]
        busy[pairs, day[:, None]] = True
        first, second = pairs.T
        more = at_home[first] - at_home[second]
        more_here = hosted[first, second] - hosted[second, first]
        swap = (more > 0) | ((more == 0) & (more_here > 0))
        home, away = np.where(swap, second, first), np.where(swap, first, second)
        hosted[home, away] += 1
        at_home[home] += 1
        homes.append(home)
        aways.append(away)
        found.append(day)
    return np.concatenate(homes), np.concatenate(aways), np.concatenate(found)
