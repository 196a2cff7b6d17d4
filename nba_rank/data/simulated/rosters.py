"""Rosters and fitness on every day of one season."""

from dataclasses import dataclass, replace

import numpy as np

from nba_rank.config.schema import SimParams
from nba_rank.data.simulated.players import (
    FREE,
    MAX_ROSTER,
    MIN_ROSTER,
    N_TEAMS,
    ROTATION_MINUTES,
    PlayerPool,
    roster_table,
    rotation_strength,
)
from nba_rank.data.simulated.schedule import SEASON_DAYS

TOTAL_DAYS = SEASON_DAYS + 72
"""Days of a season with its play-in and playoffs."""

TRADE_DEADLINE = 108
"""Last day on which a trade takes effect, from opening day."""

_SIGNING_DAYS = range(12, 160, 12)
_LEAST_FIT = len(ROTATION_MINUTES)


@dataclass(frozen=True)
class SeasonRosters:
    """Rosters and fitness by day.

    Attributes:
        players: int64 [D, 30, 15], positions in the pool, -1 for an empty place.
        days_out: int64 [P, D], days until the player is fit, that day included; 0 when fit.
        available: bool [D, 30, 15]. A team with fewer than ten fit players also fields those
            nearest to recovery.
    """

    players: np.ndarray
    days_out: np.ndarray
    available: np.ndarray

    def strengths(self, skill: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return full and available strength by day above the day's mean full strength, [D, 30]."""
        here = self.players >= 0
        by_place = skill[self.players]
        full = rotation_strength(np.where(here, by_place, -np.inf))
        fit = rotation_strength(np.where(self.available, by_place, -np.inf))
        level = full.mean(axis=1, keepdims=True)
        return full - level, fit - level

    def with_shutdowns(
        self,
        out_of_race: np.ndarray,
        first_day: int,
        skill: np.ndarray,
        params: SimParams,
        rng: np.random.Generator,
    ) -> "SeasonRosters":
        """Return rosters in which teams out of the race [30] shut down some of their best players.

        They do so on `first_day` at the earliest. `skill` is in points per 48 minutes [P].
        """
        chance = rng.random((N_TEAMS, 3)) < params.shutdown_rate
        start = rng.integers(first_day, SEASON_DAYS, (N_TEAMS, 3))
        days_out = self.days_out.copy()
        for team in np.flatnonzero(out_of_race):
            roster = self.players[first_day, team]
            roster = roster[roster >= 0]
            best = roster[np.argsort(-skill[roster])][:3]
            for player, chosen, day in zip(best, chance[team], start[team], strict=True):
                if chosen:
                    left = np.arange(TOTAL_DAYS - day, 0, -1)
                    days_out[player, day:] = np.maximum(days_out[player, day:], left)
        return replace(self, days_out=days_out, available=_availability(self.players, days_out))


def season_rosters(
    pool: PlayerPool,
    params: SimParams,
    transactions_rng: np.random.Generator,
    injuries_rng: np.random.Generator,
) -> SeasonRosters:
    """Draw a season's trades, signings and injuries; the pool's teams become those of its end."""
    players = _players_by_day(pool, params, transactions_rng)
    days_out = _injuries(pool, params, injuries_rng)
    return SeasonRosters(players, days_out, _availability(players, days_out))


def _availability(players: np.ndarray, days_out: np.ndarray) -> np.ndarray:
    day = np.arange(len(players))[:, None, None]
    out = np.where(players >= 0, days_out[players, day], np.iinfo(np.int64).max)
    place = np.argsort(np.argsort(out, axis=-1, kind="stable"), axis=-1, kind="stable")
    return (players >= 0) & ((out == 0) | (place < _LEAST_FIT))


def _injuries(pool: PlayerPool, params: SimParams, rng: np.random.Generator) -> np.ndarray:
    """Draw absences; half of them last under nine days, a few the season."""
    days_out = np.zeros((len(pool), TOTAL_DAYS), dtype=np.int64)
    active = pool.team >= FREE
    mean = params.injury_rate * pool.frailty * active * (TOTAL_DAYS / SEASON_DAYS)
    player = np.repeat(np.arange(len(pool)), rng.poisson(mean))
    # Some players are injured before opening day.
    start = rng.integers(-15, TOTAL_DAYS, len(player))
    length = np.ceil(rng.lognormal(np.log(9.0), 1.2, len(player))).astype(np.int64)
    end = np.minimum(start + length, TOTAL_DAYS)
    for p, first, last in zip(player, np.maximum(start, 0), end, strict=True):
        if last > first:
            left = np.arange(last - first, 0, -1)
            days_out[p, first:last] = np.maximum(days_out[p, first:last], left)
    return days_out


def _players_by_day(pool: PlayerPool, params: SimParams, rng: np.random.Generator) -> np.ndarray:
    n_trades = rng.poisson(params.trade_rate)
    # Most trades come shortly before the deadline.
    trade_days = np.ceil(TRADE_DEADLINE * rng.beta(2.5, 1.0, n_trades)).astype(np.int64)
    events = sorted(
        [(int(day), "trade") for day in trade_days] + [(d, "sign") for d in _SIGNING_DAYS]
    )
    table = np.empty((TOTAL_DAYS, N_TEAMS, MAX_ROSTER), dtype=np.int64)
    table[:] = roster_table(pool)
    for day, kind in events:
        if kind == "trade":
            _trade(pool, rng)
        else:
            _sign_replacements(pool, rng)
        table[day:] = roster_table(pool)
    return table


def _trade(pool: PlayerPool, rng: np.random.Generator) -> None:
    """Swap players of similar value between two teams.

    Mostly a weak team sells present skill for youth; sometimes two players come for one.
    """
    skill, value = pool.skill, pool.value
    table = roster_table(pool)
    strength = rotation_strength(np.where(table >= 0, skill[table], -np.inf))
    order = np.argsort(strength + rng.normal(0.0, 2.0, N_TEAMS))
    if rng.random() < 0.6:
        seller, buyer = order[rng.integers(0, 12)], order[rng.integers(16, N_TEAMS)]
    else:
        seller, buyer = rng.choice(N_TEAMS, size=2, replace=False)
    offered = table[seller][table[seller] >= 0]
    wanted = table[buyer][table[buyer] >= 0]
    veteran = pool.age[offered] >= 25
    candidates = offered[veteran] if veteran.any() else offered
    best = candidates[np.argsort(-skill[candidates])][:6]
    sold = best[rng.integers(0, len(best))]
    gap = np.abs(value[wanted] - value[sold] + rng.normal(0.0, 0.5, len(wanted)))
    paid = wanted[np.argmin(gap)]
    pool.team[sold], pool.team[paid] = buyer, seller
    if rng.random() < 0.4 and len(wanted) > MIN_ROSTER and len(offered) < MAX_ROSTER:
        rest = wanted[wanted != paid]
        pool.team[rest[np.argsort(skill[rest])][0]] = seller
    elif rng.random() < 0.5:
        there, here = offered[offered != sold], wanted[wanted != paid]
        pool.team[rng.choice(there[np.argsort(-skill[there])][5:])] = buyer
        pool.team[rng.choice(here[np.argsort(-skill[here])][5:])] = seller


def _sign_replacements(pool: PlayerPool, rng: np.random.Generator) -> None:
    """Let some teams replace their last man, and refill short rosters."""
    skill = pool.skill
    seen = skill + rng.normal(0.0, 0.8, len(pool))
    for team in rng.permutation(N_TEAMS):
        members = np.flatnonzero(pool.team == team)
        free = np.flatnonzero(pool.team == FREE)
        if not len(free):
            return
        arrival = free[np.argmax(seen[free])]
        if len(members) > MIN_ROSTER:
            last = members[np.argmin(pool.value[members])]
            if rng.random() > 0.25 or seen[arrival] < skill[last]:
                continue
            pool.team[last] = FREE
        pool.team[arrival] = team
