"""Random numbers of simulations, one half mirroring the other, which leaves less noise in means.

Letters: S simulations, H = S / 2 rounded up, T teams, G games left.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from nba_rank.core.arrays import FloatArray


@dataclass(frozen=True)
class AntitheticDraws:
    """The random numbers of S simulations of the rest of a season.

    Attributes:
        doubts: Standard normal numbers for the strengths of teams, the unmirrored half [T, H].
        games: The same for the margins of games, float32 [G or more, H].
        later: Source of what comes after the regular season.
    """

    doubts: FloatArray
    games: npt.NDArray[np.float32]
    later: np.random.Generator

    @classmethod
    def draw_all(
        cls, rng: np.random.Generator, n_simulations: int, n_teams: int, n_games: Sequence[int]
    ) -> list[Self]:
        """Draw for several mornings, each as if from its own copy of the generator.

        The first numbers do not depend on how many are drawn, so the mornings share them.
        """
        half = (n_simulations + 1) // 2
        doubts = rng.standard_normal((n_teams, half))
        games = np.empty((max(n_games), half), dtype=np.float32)
        after, drawn = {}, 0
        for n in sorted(set(n_games)):
            rng.standard_normal(dtype=np.float32, out=games[drawn:n])
            after[n], drawn = deepcopy(rng), n
        return [cls(doubts, games, deepcopy(after[n])) for n in n_games]


def mirrored(half: npt.NDArray[Any], n_simulations: int) -> npt.NDArray[Any]:
    """Return [..., H] normal numbers and, behind them, the same with changed signs, [..., S]."""
    return np.concatenate([half, -half], axis=-1)[..., :n_simulations]


@dataclass(frozen=True)
class Streams:
    """Several sources of randomness, each for `n_simulations` simulations, in order."""

    sources: Sequence[np.random.Generator]
    n_simulations: int

    def random(self, size: int | tuple[int, ...]) -> FloatArray:
        """Return uniform numbers of a shape whose last axis is that of the simulations.

        Each source gives what it would give alone; its second half mirrors the first, as 1 - u.
        """
        before = size[:-1] if isinstance(size, tuple) else ()
        shape = (*before, (self.n_simulations + 1) // 2)
        halves = [source.random(shape) for source in self.sources]
        pairs = [np.concatenate([half, 1 - half], axis=-1) for half in halves]
        return np.concatenate([pair[..., : self.n_simulations] for pair in pairs], axis=-1)
