"""The regular-season schedule: who meets whom, where and when."""

import datetime as dt

import numpy as np
import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.data.assumed_fixtures import Fixtures

SEASON_DAYS = 174
"""Days of the regular season."""

_ALL_STAR_BREAK = range(122, 128)
_FULL_DAY = 11
"""Games on a date from which another one costs extra."""

_ATTEMPTS = 100


def opening_day(start_year: int) -> dt.date:
    """Return the Tuesday between 18 and 24 October of a year."""
    day = dt.date(start_year, 10, 18)
    return day + dt.timedelta(days=(1 - day.weekday()) % 7)


def make_schedule(teams: pd.DataFrame, start_year: int, rng: np.random.Generator) -> Fixtures:
    """Draw a season's schedule, in order of date; teams are positions in `teams`.

    Each team meets the four rivals of its division and six others of its conference four times,
    the other four three times, and each team of the other conference twice: 82 games, 41 at home.
    No team plays twice on a day or on three days in a row.

    Raises:
        UserError: No schedule was found.
    """
    home, away = _pairings(teams, rng)
    closed = _closed_days(start_year)
    # About a third of the attempts leave a game without a day.
    attempts = (_place(home, away, closed, rng) for _ in range(_ATTEMPTS))
    day = next((found for found in attempts if found is not None), None)
    if day is None:
        raise UserError(f"no schedule found in {_ATTEMPTS} attempts: use another seed")
    return Fixtures(home, away, day).take(np.lexsort((home, day)))


def _pairings(teams: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return home and away team indices of all games, in no meaningful order."""
    conference = teams["conference"].to_numpy()
    hosts = np.zeros((len(teams), len(teams)), dtype=np.int64)
    hosts[conference[:, None] != conference[None, :]] = 1
    members = [
        rng.permutation(group.index.to_numpy())
        for _, group in teams.reset_index(drop=True).groupby("division", sort=True)
    ]
    for a, division in enumerate(members):
        hosts[np.ix_(division, division)] = 2
        for other in members[a + 1 :]:
            if conference[division[0]] != conference[other[0]]:
                continue
            hosts[np.ix_(division, other)] = hosts[np.ix_(other, division)] = 2
            # Each team meets two of these five three times, with the extra home game against one of
            # them: home games stay at 41.
            for i, team in enumerate(division):
                hosts[other[i], team] = 1
                hosts[team, other[(i + 1) % 5]] = 1
    np.fill_diagonal(hosts, 0)
    home, away = np.nonzero(hosts)
    count = hosts[home, away]
    return np.repeat(home, count), np.repeat(away, count)


def _closed_days(start_year: int) -> np.ndarray:
    """Return which days have no games: the All-Star break, Thanksgiving and Christmas Eve."""
    closed = np.zeros(SEASON_DAYS, dtype=bool)
    closed[list(_ALL_STAR_BREAK)] = True
    opening = opening_day(start_year)
    first = dt.date(start_year, 11, 1)
    thanksgiving = first + dt.timedelta(days=(3 - first.weekday()) % 7 + 21)
    for date in (thanksgiving, dt.date(start_year, 12, 24)):
        closed[(date - opening).days] = True
    return closed


def _place(
    home: np.ndarray, away: np.ndarray, closed: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """Give each game the cheapest day: both teams free, rested, not just met, few other games.

    Returns None if a game is left without a day.
    """
    n_days, pad = len(closed), 3
    window = slice(pad, pad + n_days)
    # Padding makes the first and last days no special case.
    busy = np.zeros((30, n_days + 2 * pad), dtype=bool)
    density = np.zeros((30, n_days + 2 * pad))
    met = np.zeros((30, 30, n_days))
    near = np.array([1.0, 2.0, 3.0, 3.0, 3.0, 2.0, 1.0])
    days = np.arange(n_days)
    # Two meetings of a pair are about two weeks apart.
    apart = np.exp(-np.square((days[:, None] - days[None, :]) / 10.0))
    games_on = np.zeros(n_days)
    noise = rng.random((len(home), n_days))
    placed = np.empty(len(home), dtype=np.int64)
    for game in rng.permutation(len(home)):
        h, a = home[game], away[game]
        rows = busy[[h, a]]
        before2, before, today, after, after2 = (
            rows[:, pad + shift : pad + shift + n_days] for shift in range(-2, 3)
        )
        cost = (
            density[h, window]
            + density[a, window]
            + 1.2 * (before | after).sum(axis=0)
            + 4.0 * met[min(h, a), max(h, a)]
            + 1.5 * np.maximum(games_on - _FULL_DAY + 1, 0)
            + 0.2 * games_on
            + noise[game]
        )
        three_in_a_row = (before2 & before) | (before & after) | (after & after2)
        cost[closed | (today | three_in_a_row).any(axis=0)] = np.inf
        day = int(np.argmin(cost))
        if not np.isfinite(cost[day]):
            return None
        placed[game] = day
        games_on[day] += 1
        met[min(h, a), max(h, a)] += apart[day]
        for team in (h, a):
            busy[team, pad + day] = True
            density[team, day : day + 2 * pad + 1] += near
    return placed
