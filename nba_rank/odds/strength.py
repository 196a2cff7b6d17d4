"""From ratings and scores to strength in points, and to the probability of winning a game.

The strength of a team on a date is a weighted sum of what is known of it, each weight a straight
line in the share of the season played. The weights are a ridge regression, over the games of
earlier seasons after each of their as-of dates, of the home margin beyond the home edge on the
difference of both teams, shrunk towards weights that stand for no learning. A game is then won with
probability `Phi((strength gap + home edge + rest) / noise)`.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_ndtr
from threadpoolctl import threadpool_limits

from nba_rank.core.arrays import FloatArray
from nba_rank.core.season_weights import season_weights
from nba_rank.odds.past_games import RatedGames

MARGIN_CAP = 30.0
"""Points at which margins are clipped."""

SCORE = "score"
"""Input that a ranker's own score enters by."""

RIDGE_GAMES = 100.0
"""Games of typical difference that the starting weights count for."""

SCORE_GAMES = 1_000.0
"""The same of `SCORE`: a score is made of the ratings beside it, so what it adds to them must be
seen in many games."""

EXTRA_GAMES = 300.0
"""Games that no cost of tired legs, and no change of the home edge, counts for."""

NOISE = 12.3
"""Points; noise of a game before any was seen."""

NOISE_GAMES = 100.0
"""Games that `NOISE` counts for."""

DOUBT = (2.4, 1.7)
"""Points; doubt of a strength on opening night and at the season's end before any was seen."""

DOUBT_SEASONS = 3.0
"""Seasons that `DOUBT` counts for."""

_MIN_DOUBT = 0.5

_BIN = 0.02
"""Points; width of the bins that expected margins are gathered in."""

_MOST = 100.0
"""Points; all expected margins beyond this share a bin."""


@dataclass(frozen=True)
class StrengthModel:
    """A fitted model.

    Attributes:
        inputs: Names of what it reads.
        coef: Weight of each input half-way through a season, points per unit of the input.
        coef_change: Change of each weight from opening night to the end of the season.
        home: Points that the home edge is above that of the regular season.
        rest: Points that the home team gains when the visitors alone played on the day before.
        noise: Standard deviation, in points, that turns an expected margin into a probability of
            winning; smaller than that of margins, since most of their spread is beyond doubt.
        doubt: Standard deviation of a true strength around this one, in points, on opening night
            and at the end of the season; a straight line between.
    """

    inputs: list[str]
    coef: list[float]
    coef_change: list[float]
    home: float
    rest: float
    noise: float
    doubt: tuple[float, float]

    # One thread: the last bits must not depend on how many a machine has.
    @classmethod
    @threadpool_limits.wrap(limits=1, user_api="blas")
    def fit(
        cls,
        frame: pd.DataFrame,
        games: RatedGames,
        start: dict[str, float],
        season_half_life: float | None = None,
    ) -> Self:
        """Learn from games.

        Args:
            frame: Rated teams, with `team_id`, `progress` (share of the season played, 0 to 1)
                and the inputs; the rows that `games` name hold no NaN.
            games: Games after the as-of dates; with none, the model keeps its starting weights.
            start: Inputs, and the weights that the fit is shrunk towards.
            season_half_life: Of the weights of seasons, see `season_weights`.

        Raises:
            ValueError: An input of a team in the games is unknown.
        """
        names = list(start)
        X, progress = frame[names].to_numpy(dtype=np.float64), frame["progress"].to_numpy()
        gap = X[games.home] - X[games.away]
        unknown = [name for name, gaps in zip(names, gap.T, strict=True) if np.isnan(gaps).any()]
        if unknown:
            raise ValueError(f"inputs {unknown} are unknown for teams in the games to learn from")
        later = progress[games.home] - 0.5
        of_season = season_weights(games.season, season_half_life)
        weight, response = games.weight * of_season, np.clip(games.margin, -MARGIN_CAP, MARGIN_CAP)
        total = max(weight.sum(), 1e-9)
        scale = np.sqrt((weight[:, None] * gap**2).sum(axis=0) / total)
        scale = np.where(scale > 0, scale, 1.0)
        by_progress = later[:, None] * gap / scale
        design = np.column_stack([gap / scale, by_progress, games.at_home, games.rest])
        k = len(names)
        first = np.zeros(2 * k + 2)
        first[:k] = np.array(list(start.values())) * scale
        own = [SCORE_GAMES if name == SCORE else RIDGE_GAMES for name in names]
        penalty = np.r_[own, own, np.full(2, EXTRA_GAMES)]
        solved = shrunk_weights(design, response - games.edge, weight, penalty, first)
        expected = design @ solved + games.edge
        doubt = _doubt(games, frame, response - expected, of_season)
        return cls(
            inputs=names,
            coef=(solved[:k] / scale).tolist(),
            coef_change=(solved[k : 2 * k] / scale).tolist(),
            home=float(solved[2 * k]),
            rest=float(solved[2 * k + 1]),
            noise=winning_noise(expected, games.margin > 0, weight),
            doubt=doubt,
        )

    def weights(self, frame: pd.DataFrame) -> FloatArray:
        """Return the weights of the inputs on the dates of a frame, points per unit, [N, K]."""
        later = frame["progress"].to_numpy() - 0.5
        return np.asarray(np.array(self.coef) + later[:, None] * np.array(self.coef_change))

    def parts(self, frame: pd.DataFrame) -> FloatArray:
        """Return what each input adds to the strength of rated teams, points, [N, K]."""
        return self.weights(frame) * frame[self.inputs].to_numpy(dtype=np.float64)

    def strength(self, frame: pd.DataFrame) -> FloatArray:
        """Return the strength of rated teams, the sum of its parts, points, [N]."""
        result = np.zeros(len(frame))
        # Summed input by input: a matrix product's last bits depend on the number of rows.
        for part in self.parts(frame).T:
            result += part
        return result

    def expected_margin(self, frame: pd.DataFrame, games: RatedGames) -> FloatArray:
        """Return the expected margin of the home team, points, [N]."""
        strength = self.strength(frame)
        gap = strength[games.home] - strength[games.away]
        return gap + games.edge + self.home * games.at_home + self.rest * games.rest

    def doubt_at(self, progress: float) -> float:
        """Return the doubt at a share of the season played, points."""
        return self.doubt[0] + (self.doubt[1] - self.doubt[0]) * progress

    def noise_beside(self, doubt: float) -> float:
        """Return the noise of a game whose teams' doubts are drawn apart, points.

        `noise` holds both: `noise^2 = left^2 + 2 doubt^2`.
        """
        return float(np.sqrt(max(self.noise**2 - 2 * doubt**2, (self.noise / 2) ** 2)))

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Restore a model exactly from its fields, as from JSON."""
        return cls(**{**fields, "doubt": tuple(fields["doubt"])})


def shrunk_weights(
    design: FloatArray,
    response: FloatArray,
    weight: FloatArray,
    penalty: FloatArray,
    first: FloatArray,
) -> FloatArray:
    """Return the weights of K columns by weighted ridge regression towards `first`, [K].

    `design` is [N, K], `response` and `weight` [N], `penalty` and `first` [K].
    """
    weighted = (design * weight[:, None]).T
    gram, moment = weighted @ design + np.diag(penalty), weighted @ response + penalty * first
    return np.asarray(np.linalg.solve(gram, moment), dtype=np.float64)


def winning_noise(expected: FloatArray, won: np.ndarray, weight: FloatArray) -> float:
    """Return the noise under which the wins were most likely, shrunk towards `NOISE`, points.

    `expected` margins, wins and weights are [N] each.
    """
    side = np.where(won, 1.0, -1.0) * expected
    # Hundreds of thousands of expected margins say no more than their means in narrow bins: it
    # moves the noise by a few hundred-thousandths of a point.
    bins = np.floor(np.clip(side, -_MOST, _MOST) / _BIN).astype(np.int64)
    bins -= bins.min(initial=0)
    total = np.bincount(bins, weight)
    side = np.bincount(bins, weight * side) / np.where(total > 0, total, 1.0)

    def loss(log_noise: float) -> float:
        misfit = -(total * log_ndtr(side / np.exp(log_noise))).sum()
        # About the curvature of a game's likelihood in log noise, at usual gaps.
        return float(misfit + 0.1 * NOISE_GAMES * (log_noise - np.log(NOISE)) ** 2)

    return float(np.exp(minimize_scalar(loss, bounds=np.log([5.0, 40.0]), method="bounded").x))


def _doubt(
    games: RatedGames, frame: pd.DataFrame, residual: FloatArray, of_season: FloatArray
) -> tuple[float, float]:
    """Return how far strengths are off, on opening night and at the end, points.

    The mean residual of a team's n games after a date varies by the doubt squared, by that of its
    opponents, over their number, and by the noise squared over n; the mean square of residuals is
    that noise and twice the doubt squared. What this leaves of the doubt is regressed on the share
    of the season played.
    """
    if not len(residual):
        return DOUBT
    row = np.concatenate([games.home, games.away])
    other = np.concatenate([games.away, games.home])
    total = np.bincount(row, np.concatenate([residual, -residual]), len(frame))
    n = np.bincount(row, minlength=len(frame)).astype(np.float64)
    teams, team = np.unique(frame["team_id"], return_inverse=True)
    meetings = np.bincount(row * len(teams) + team[other], minlength=len(frame) * len(teams))
    opponents = (meetings.reshape(len(frame), -1) ** 2).sum(axis=1)
    seen = np.flatnonzero(n)
    own = np.sqrt(np.bincount(row, np.tile(of_season, 2))[seen] / n[seen])
    total, n, progress = total[seen], n[seen], frame["progress"].to_numpy()[seen]
    # How often the doubt squared is in the excess, and about the excess' standard deviation.
    times = 1 + opponents[seen] / n**2 - 2 / n
    square = np.average(residual**2, weights=games.weight * of_season)
    excess = (total**2 / n - square) / n
    spread = times * DOUBT[0] ** 2 + square / n
    design = np.column_stack([1 - progress, progress]) * (own * times / spread)[:, None]
    # Dates repeat each other: all together count for the seasons.
    _, of_each = np.unique(games.season, return_index=True)
    scale = of_season[of_each].sum() / np.square(own * times / spread).sum()
    first = np.square(DOUBT)
    penalty = np.eye(2) * DOUBT_SEASONS / 2
    gram = scale * design.T @ design + penalty
    solved = np.linalg.solve(gram, scale * design.T @ (own * excess / spread) + penalty @ first)
    opening, end = np.sqrt(np.maximum(solved, _MIN_DOUBT**2))
    return float(opening), float(end)
