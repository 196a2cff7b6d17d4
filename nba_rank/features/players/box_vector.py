"""Box vector: a player's box scores before a date, games weighing `exp(-age / decay)`.

Sums are kept day by day, so that a vector depends on earlier games only, to the last bit.
"""

import numpy as np

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.features.players.game_days import COUNTS, GameDay, State

MARGIN_MINUTES = 300.0
PLUS_MINUS_MINUTES = 800.0
"""Weighted minutes at zero added to his team margin and to his plus-minus."""

NEWCOMER_GAMES = 2.0
NEWCOMER_MINUTES = 10.0
"""Games, and minutes in each, added to his minutes per game."""

VECTOR = (*[f"{count}_per_36" for count in COUNTS], "minutes_per_game", "team_margin",
          "plus_minus_per_36", "log_minutes")  # fmt: skip
"""Columns of the box vector; see `BoxSums.vectors`."""

_MINUTES, _GAMES, _MARGIN, _PLUS_MINUS, _PLUS_MINUS_MINUTES = range(len(COUNTS), len(COUNTS) + 5)


class BoxSums:
    """Decayed sums over the games of every player.

    Args:
        n_players: Player slots P.
        decay_days: Days in which a game's weight falls to 1/e.
        shrink_minutes: Weighted minutes at the low-minute mean added to every player.
    """

    def __init__(self, n_players: int, *, decay_days: float, shrink_minutes: float) -> None:
        self._decay_days = decay_days
        self._shrink = shrink_minutes
        self._sums = np.zeros((n_players, len(COUNTS) + 5))
        self._league = np.zeros((2, len(COUNTS)))
        self._day = 0

    def add(self, games: GameDay) -> None:
        """Add a day's games, which must be later than all added so far."""
        decay = np.exp((self._day - games.day) / self._decay_days)
        self._sums *= decay
        self._league *= decay
        self._day = games.day

        known = ~np.isnan(games.counts)
        counts, minutes = np.where(known, games.counts, 0.0), games.minutes[:, None]
        self._league += [counts.sum(axis=0), (known * minutes).sum(axis=0)]
        rate = self._league[0] / np.maximum(self._league[1], 1.0)
        with_margin = ~np.isnan(games.plus_minus)
        # A game lasts the team's minutes over five; a team's shares sum to five.
        beyond = np.where(with_margin, games.plus_minus - games.margin * games.share, 0.0)
        row = [
            np.where(known, counts - rate * minutes, 0.0),
            minutes,
            np.ones_like(minutes),
            games.margin[:, None] * minutes,
            beyond[:, None],
            minutes * with_margin[:, None],
        ]
        np.add.at(self._sums, games.player, np.hstack(row))

    def vectors(self, day: int, player: IntArray | None = None) -> FloatArray:
        """Return the box vectors of some players on a morning, [n, 18], columns `VECTOR`.

        Each count per 36 minutes as deviation from the league's rate, shrunk towards the mean of
        the players with few minutes; minutes per game; his team's margin in his games (points),
        weighted by his minutes; plus-minus beyond his share of that margin, per 36 minutes;
        log(1 + weighted minutes / 500). The day must not be before the newest game added.
        """
        decay = np.exp((self._day - day) / self._decay_days)
        minutes = self._sums[:, _MINUTES] * decay
        low = (minutes > 0) & (minutes < self._shrink)
        counts = self._sums[:, : len(COUNTS)]
        low_rate = counts[low].sum(axis=0) * decay / max(minutes[low].sum(), 1.0)

        sums = (self._sums if player is None else self._sums[player]) * decay
        minutes, beyond = sums[:, _MINUTES], sums[:, _PLUS_MINUS]
        weight = np.maximum(minutes + self._shrink, 1e-9)[:, None]
        vectors = np.empty((len(sums), len(VECTOR)))
        vectors[:, : len(COUNTS)] = sums[:, : len(COUNTS)] + self._shrink * low_rate
        vectors[:, : len(COUNTS)] /= weight
        vectors[:, : len(COUNTS)] *= 36
        per_game, margin, plus_minus, log_minutes = vectors[:, len(COUNTS) :].T
        per_game[:] = minutes + NEWCOMER_GAMES * NEWCOMER_MINUTES
        per_game /= sums[:, _GAMES] + NEWCOMER_GAMES
        np.divide(sums[:, _MARGIN], minutes + MARGIN_MINUTES, out=margin)
        np.divide(36 * beyond, sums[:, _PLUS_MINUS_MINUTES] + PLUS_MINUS_MINUTES, out=plus_minus)
        np.log1p(minutes / 500, out=log_minutes)
        return vectors

    def seen(self) -> BoolArray:
        """Return which players have played, [P]."""
        return self._sums[:, _GAMES] > 0

    def state(self, known: IntArray) -> State:
        """Return all that was added; `known` holds all players seen."""
        return {"sums": self._sums[known], "league": self._league, "day": np.array(self._day)}

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state whose players are in the slots `known`."""
        self._sums[known] = state["sums"]
        self._league, self._day = state["league"].copy(), int(state["day"])
