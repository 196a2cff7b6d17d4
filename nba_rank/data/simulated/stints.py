"""Who is on court when: the time of games, cut into stints that add up to their box scores.

Letters: G games, S stints, M minutes, N possessions of a side; 2 sides (home, away), 15 places of a
line-up.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

PERIOD_MINUTES = 12
"""Minutes of a period without overtime; an overtime is shorter than one."""


@dataclass(frozen=True)
class Stints:
    """Stints of games, in order of time within a game.

    Attributes:
        game: Position of the game, int64 [S].
        period: From 1, int64 [S].
        start, end: Minutes of the period, int64 [S].
        players: Positions in the pool, int64 [S, 2, 5].
        possessions: Of either side, int64 [S].
        points: int64 [S, 2].
    """

    game: np.ndarray
    period: np.ndarray
    start: np.ndarray
    end: np.ndarray
    players: np.ndarray
    possessions: np.ndarray
    points: np.ndarray

    @classmethod
    def join(cls, parts: "list[Stints]") -> Self:
        """Return the stints of several parts, sorted by game."""
        joined = cls(
            *(np.concatenate([getattr(part, own.name) for part in parts]) for own in fields(cls))
        )
        return joined._at(np.argsort(joined.game, kind="stable"))

    def move(self, position: np.ndarray) -> Self:
        """Return the stints with the games at other positions [G]; those at -1 are left out."""
        moved = replace(self, game=position[self.game])
        return moved._at(moved.game >= 0)

    def _at(self, index: np.ndarray) -> Self:
        return type(self)(*(getattr(self, own.name)[index] for own in fields(self)))


def cut(
    players: np.ndarray,
    minutes: np.ndarray,
    baskets: np.ndarray,
    possessions: np.ndarray,
    worth: tuple[np.ndarray, np.ndarray],
    first_period: int,
    rng: np.random.Generator,
) -> tuple[Stints, np.ndarray]:
    """Cut regulation times or overtimes into stints.

    Each player is on court for his minutes, all but at most one of his stints in one go, and the
    likelier a side is to score in a minute, the better its five attack and the worse the others
    defend.

    Args:
        players: Positions in the pool, int64 [G, 2, 15].
        minutes: Of each, five times the same number a side, int64 [G, 2, 15].
        baskets: Scores of three, two and one points of each side, int64 [G, 2, 3].
        possessions: Of either side, int64 [G].
        worth: Points that a player adds by attack and takes away by defence, as a share of a
            side's usual points, float64 [P] each.
        first_period: Number of the first period.
        rng: Draws who plays with whom, and when points fall.

    Returns:
        The stints, and the score difference while each player is on court, int64 [G, 2, 15].
    """
    n_games, _, n_places = players.shape
    place = _courts(minutes, rng)
    length = place.shape[-1]
    court = np.take_along_axis(players, place.reshape(n_games, 2, -1), axis=-1)
    court = court.reshape(place.shape)
    attack, defence = (value[court].sum(axis=2) for value in worth)
    edge = attack - defence[:, ::-1]
    edge -= edge.mean(axis=-1, keepdims=True)
    points, count = _points(baskets, possessions, edge, rng)

    margin = (points - points[:, ::-1])[:, :, None]
    slot = np.arange(n_games * 2).reshape(n_games, 2, 1, 1) * n_places + place
    weight = np.broadcast_to(margin, place.shape)
    plus_minus = np.bincount(slot.ravel(), weight.ravel(), n_games * 2 * n_places)

    minute = np.arange(length)
    begins = np.zeros((n_games, length), dtype=bool)
    begins[:, 1:] = (court[..., 1:] != court[..., :-1]).any(axis=(1, 2))
    begins[:, minute % PERIOD_MINUTES == 0] = True
    first = np.flatnonzero(begins)
    lasts = np.diff(first, append=begins.size)
    start = first % length % PERIOD_MINUTES
    stints = Stints(
        game=first // length,
        period=first_period + first % length // PERIOD_MINUTES,
        start=start,
        end=start + lasts,
        players=court.transpose(0, 3, 1, 2).reshape(-1, 2, 5)[first],
        possessions=np.add.reduceat(count.ravel(), first),
        points=np.add.reduceat(points.transpose(0, 2, 1).reshape(-1, 2), first),
    )
    return stints, np.rint(plus_minus).astype(np.int64).reshape(players.shape)


def _courts(minutes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the places of the five on court in each minute, int64 [G, 2, 5, M].

    A side's players stand one after the other, in a random order, on a line of five times M
    minutes, which is cut in five (McNaughton's rule): nobody is on court twice at a time.
    """
    order = np.argsort(rng.random(minutes.shape), axis=-1)
    line = np.repeat(order.ravel(), np.take_along_axis(minutes, order, axis=-1).ravel())
    return line.reshape(len(minutes), 2, 5, -1)


def _points(
    baskets: np.ndarray, possessions: np.ndarray, edge: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Spread baskets over the possessions; returns points [G, 2, M] and possessions [G, M].

    `edge` is how much likelier than usual a side is to score in a minute, float64 [G, 2, M].
    """
    n_games, _, length = edge.shape
    number = np.arange(possessions.max())
    real = number < possessions[:, None]
    minute = np.where(real, number * length // possessions[:, None], 0)
    of_side = np.broadcast_to(minute[:, None], (n_games, 2, len(number)))
    chance = np.maximum(1.0 + np.take_along_axis(edge, of_side, axis=-1), 0.0) * real[:, None]
    # The possessions that score are every so many of them in a random order, so that the number of
    # baskets is exact and neighbours are independent.
    order = np.argsort(rng.random(chance.shape) + ~real[:, None], axis=-1)
    steps = np.take_along_axis(chance, order, axis=-1).cumsum(axis=-1)
    n_baskets = baskets.sum(axis=-1, keepdims=True)
    steps = np.floor(steps * (n_baskets / steps[..., -1:]) + rng.random(n_baskets.shape))
    steps = np.where(number >= possessions[:, None, None] - 1, n_baskets, steps)[..., None]
    before = baskets.cumsum(axis=-1)[:, :, None] - baskets[:, :, None]
    made = np.clip(steps - before, 0, baskets[:, :, None]) @ np.array([3.0, 2.0, 1.0])
    points = np.empty_like(made)
    np.put_along_axis(points, order, np.diff(made, axis=-1, prepend=0.0), axis=-1)
    slot = np.arange(n_games)[:, None] * length + minute
    size = n_games * length
    count = np.bincount(slot[real], minlength=size).reshape(n_games, length)
    by_side = [np.bincount(slot.ravel(), points[:, side].ravel(), size) for side in (0, 1)]
    by_minute = np.rint(by_side).astype(np.int64).reshape(2, n_games, length)
    return by_minute.transpose(1, 0, 2), count
