"""Box prior: ratings that are weighted sums of box vectors, learned from games."""

import numpy as np

from nba_rank.config.schema import ImpactConfig
from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.core.season_weights import season_weights
from nba_rank.features.players.box_vector import VECTOR
from nba_rank.features.players.game_days import GameDay, State


class BoxPrior:
    """Learns weights of the box vector from the games of earlier seasons."""

    def __init__(self, config: ImpactConfig) -> None:
        self._ridge, self._half_life = config.prior_ridge, config.season_half_life
        self._season: list[IntArray] = []
        self._difference: list[FloatArray] = []
        self._response: list[FloatArray] = []
        self._weights: dict[int, FloatArray] = {}

    def add(self, games: GameDay, vectors: FloatArray, response: FloatArray) -> None:
        """Add a day's games with the vectors of that morning."""
        difference = np.zeros((len(response), len(VECTOR)))
        np.add.at(difference, games.game, (games.side * games.share)[:, None] * vectors)
        self._season.append(np.full(len(response), games.season))
        self._difference.append(difference)
        self._response.append(response)

    def ratings(self, vectors: FloatArray, season: int) -> FloatArray:
        """Return the prior ratings of box vectors, [n], by the weights of a season.

        In the first season of the logs they are learned from its games so far; NaN before the
        first game.
        """
        if not self._season:
            return np.full(len(vectors), np.nan)
        first = int(self._season[0][0])
        if season == first:
            weights = self._fit(season + 1)
        else:
            if season not in self._weights:
                self._weights[season] = self._fit(season)
            weights = self._weights[season]
        # No matrix product: BLAS rounds a row by its place, which depends on later players.
        return np.asarray((vectors * weights).sum(axis=1))

    def state(self, known: IntArray) -> State:
        """Return all that was added."""
        del known
        return {
            "season": np.concatenate(self._season),
            "difference": np.concatenate(self._difference),
            "response": np.concatenate(self._response),
        }

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state."""
        del known
        self._season = [state["season"]]
        self._difference, self._response = [state["difference"]], [state["response"]]

    def _fit(self, before: int) -> FloatArray:
        season = np.concatenate(self._season)
        earlier = season < before
        X = np.concatenate(self._difference)[earlier]
        y = np.concatenate(self._response)[earlier]
        weight = season_weights(season[earlier], self._half_life)
        spread = np.square(X - np.average(X, axis=0, weights=weight))
        scale = np.sqrt(np.average(spread, axis=0, weights=weight))
        # A constant column, as all are on the first day of the logs, gets no weight.
        scale[scale < 1e-6] = np.inf
        root = np.sqrt(weight)
        X = X / scale * root[:, None]
        gram = X.T @ X + self._ridge * np.eye(X.shape[1])
        return np.asarray(np.linalg.solve(gram, X.T @ (y * root)) / scale)
