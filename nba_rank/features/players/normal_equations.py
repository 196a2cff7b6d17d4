"""Normal equations of a ridge regression on who played, older games weighing less."""

from collections.abc import Callable

import numpy as np

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.core.errors import UserError
from nba_rank.features.players.cholesky import inverse_diagonal, solve
from nba_rank.features.players.game_days import GameDay, State

LEAST_SHARE = 0.025
"""Weighted sum of squares, as a share of the ridge, from which on a player is rated: with less, his
games could not move him from his prior by more than that share."""

Solution = tuple[FloatArray, FloatArray]
"""Ratings and diagonal of the inverse of the equations, [P] each."""


class NormalEquations:
    """Sums over games, day by day, and ratings shrunk towards a prior.

    Weights grow with the date of a game, so that sums stay as they are, and a solution divides by
    the weight of its date.

    Args:
        n_players: Player slots P.
        decay_days: Days in which a game's weight falls to 1/e.
        ridge: Penalty of a player's squared distance from his prior.
        ridge_name: Key of the ridge in the config, for errors.
    """

    def __init__(self, n_players: int, *, decay_days: float, ridge: float, ridge_name: str) -> None:
        self._decay_days, self._ridge = decay_days, ridge
        self._ridge_name = ridge_name
        # A square of all players ever: 20 MB for 1,600 of them, 200 MB for 5,000.
        self._gram = np.zeros((n_players, n_players))
        self._moment = np.zeros(n_players)
        # Memory of solved equations, for the next: new memory takes longer to get than to fill.
        self._free: list[FloatArray] = []
        self._first_day: int | None = None

    def weight(self, day: int) -> float:
        """Return the weight of a day's games."""
        if self._first_day is None:
            self._first_day = day
        return float(np.exp((day - self._first_day) / self._decay_days))

    def add(self, games: GameDay, products: FloatArray, moments: FloatArray) -> None:
        """Add a day's games, all weighted.

        Args:
            games: G games with n rows of players, K the most of a game.
            products: Of each pair of a game's players by place, zero beyond the last, [G, K, K].
            moments: Of each row, [n].
        """
        np.add.at(self._moment, games.player, moments)
        # Short lineups are filled up with player 0.
        player = np.zeros(products.shape[:2], dtype=np.int64)
        player[games.game, games.place] = games.player
        cell = player[:, :, None] * len(self._gram) + player[:, None, :]
        np.add.at(self._gram.ravel(), cell.ravel(), products.ravel())

    def posed(
        self, day: int, prior: FloatArray, wanted: BoolArray | None = None
    ) -> Callable[[], Solution]:
        """Return a function of the solution on a morning, by prior ratings and games so far.

        The inverse's diagonal is that of the `wanted` players, [P], and NaN elsewhere; of a player
        who has hardly played it is that of his prior alone.
        """
        known = np.full(len(prior), np.nan)
        if wanted is not None:
            known[wanted] = 1 / self._ridge
        if self._first_day is None:
            return lambda: (prior.copy(), known)
        weight = self.weight(day)
        played = np.flatnonzero(np.diag(self._gram) > LEAST_SHARE * self._ridge * weight)
        if not len(played):
            return lambda: (prior.copy(), known)
        n_wanted = 0
        if wanted is not None:
            # The last rows of a factor alone tell the last part of the inverse.
            played = played[np.argsort(wanted[played], kind="stable")]
            n_wanted = int(wanted[played].sum())
        memory = self._free.pop() if self._free else np.empty(self._gram.size)
        gram = memory[: len(played) ** 2].reshape(len(played), len(played))
        # Only the upper triangle is read. Blocks of rows stay in the processor's cache.
        for start in range(0, len(played), 64):
            rows = slice(start, start + 64)
            cell = played[rows, None] * len(self._gram) + played[start:]
            np.divide(self._gram.ravel().take(cell), weight, out=gram[rows, start:])
        gram[np.diag_indices_from(gram)] += self._ridge
        moment = self._moment[played] / weight + self._ridge * prior[played]

        def solved() -> Solution:
            failed = solve(gram, moment)
            if failed:
                raise UserError(
                    f"the player ratings have no solution (LAPACK dposv: {failed}): raise "
                    f"{self._ridge_name}={self._ridge}"
                )
            if n_wanted:
                known[played[-n_wanted:]] = inverse_diagonal(gram, n_wanted)
            self._free.append(memory)
            ratings = prior.copy()
            ratings[played] = moment
            return ratings, known

        return solved

    def state(self, known: IntArray) -> State:
        """Return all that was added; `known` holds all players seen."""
        gram = np.triu(self._gram.ravel().take(known[:, None] * len(self._gram) + known)).ravel()
        met = np.flatnonzero(gram)
        return {
            "met": met,
            "gram": gram[met],
            "moment": self._moment[known],
            "first_day": np.array(self._first_day),
        }

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state whose players are in the slots `known`."""
        row, column = (known[side] for side in np.divmod(state["met"], len(known)))
        self._gram[row, column] = self._gram[column, row] = state["gram"]
        self._moment[known] = state["moment"]
        self._first_day = int(state["first_day"])
