"""Who was on the court together in a day's games, and what happened meanwhile.

A game with stints is their sum; one without is a single long stint, in which everybody plays his
share of the minutes.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from nba_rank.core.arrays import FloatArray
from nba_rank.features.players.game_days import GameDay

PER = 100.0
"""Possessions in the unit of court time."""


@dataclass(frozen=True)
class Sums:
    """Sums over stints, of players while on the court or of games.

    Attributes:
        possessions: Mean of both sides', in units of `PER`.
        margin: Points of the home team less the away team's.
        points: Points of both teams.
    """

    possessions: FloatArray
    margin: FloatArray
    points: FloatArray

    @classmethod
    def of(cls, home_and_away: FloatArray) -> Self:
        """Return the sums of possessions and points of both sides, [..., 4]."""
        own, other, home, away = np.moveaxis(home_and_away, -1, 0)
        return cls((own + other) / (2 * PER), home - away, home + away)


@dataclass(frozen=True)
class CourtTime:
    """The court time of G games with n rows of players, K the most of a game.

    Attributes:
        together: Possessions with two players of a game on the court, by place, in units of `PER`,
            negative for opponents, zero beyond the last place, [G, K, K].
        players: Sums of each row, [n].
        games: Sums of each game, [G].
    """

    together: FloatArray
    players: Sums
    games: Sums


def court_time(games: GameDay, usual_possessions: float) -> CourtTime:
    """Sum the court time of a day.

    Args:
        games: The day's games.
        usual_possessions: Those of a side in a game without stints and box scores.
    """
    stints, n_games = games.stints, len(games.home_margin)
    size = n_games, int(stints.number.max(initial=0)) + 1, int(games.place.max()) + 1
    on = np.zeros((*size[:2], size[2] + 1))
    events = np.zeros((*size[:2], 4))
    possessions = np.where(np.isnan(games.possessions), usual_possessions, games.possessions)
    on[games.game, 0, games.place] = games.share
    events[:, 0] = np.column_stack([possessions, possessions, games.points])
    on[stints.game, 0] = 0.0
    # Place -1, an unknown player's, is the one past the last.
    on[stints.game[:, None], stints.number[:, None], stints.place] = 1.0
    events[stints.game, stints.number] = np.hstack([stints.possessions, stints.points])
    on = on[:, :, :-1]
    across = on.transpose(0, 2, 1)
    # Sums of whole and half numbers are exact in any order, a long stint is a sum of one.
    together = across @ (on * events[:, :, :2].mean(axis=2, keepdims=True))
    side = np.zeros((n_games, size[2]))
    side[games.game, games.place] = games.side
    return CourtTime(
        # Its two halves may differ in their last bits.
        (together + together.transpose(0, 2, 1))
        / (2 * PER)
        * (side[:, :, None] * side[:, None, :]),
        Sums.of((across @ events)[games.game, games.place]),
        Sums.of(events.sum(axis=1)),
    )
