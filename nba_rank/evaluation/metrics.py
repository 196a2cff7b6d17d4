"""Measures of how well rankings of teams agree with how they finished.

Every function takes rankings of one list of L teams:

- `score`: float array of shape (..., L), any unit, higher is better. Of a rank, pass its negative.
- `true_rank`: array of shape (L,), 1 is best, within the list (1 to L).

It returns an array of shape (...), a value a ranking. Row order never breaks ties: tied teams share
their average rank, and sums over the top of the list are expectations over all orders of the tied.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from nba_rank.core.arrays import FloatArray

Gain = Literal["linear", "exponential"]

EXPONENTIAL_GAIN_GRADES = 5.0
"""The best team's exponent under exponential gain, however long the list is."""


def average_rank(score: npt.ArrayLike) -> FloatArray:
    """Rank teams by score: 1 is best, tied teams share the mean of their ranks, shape (..., L)."""
    # The last bits of later products depend on the layout in memory.
    s = np.asarray(score, dtype=np.float64, order="C")
    if not s.ndim or not np.isfinite(s).all():
        raise ValueError(f"score must be finite numbers, got shape {s.shape}: {s}")
    above = (s[..., None, :] > s[..., :, None]).sum(axis=-1)
    return above + (_n_tied(s) + 1) / 2


def spearman(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> FloatArray:
    """Spearman's correlation with the true order; NaN where a side is constant. Source: SciPy."""
    predicted, true = _both_ranks(score, true_rank)
    x, y = predicted - predicted.mean(axis=-1, keepdims=True), true - true.mean()
    norm = np.sqrt(np.vecdot(x, x) * (y @ y))
    return np.vecdot(x, y) / np.where(norm > 0, norm, np.nan)


def kendall(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> FloatArray:
    """Kendall's tau-b with the true order; NaN where a side is constant. Source: SciPy."""
    x, y = (
        np.sign(rank[..., :, None] - rank[..., None, :]) for rank in _both_ranks(score, true_rank)
    )
    pairs = (-2, -1)
    norm = np.sqrt((x * x).sum(axis=pairs) * (y * y).sum())
    return (x * y).sum(axis=pairs) / np.where(norm > 0, norm, np.nan)


def rank_mae(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> FloatArray:
    """Mean absolute error of the predicted rank, in places; lower is better, 0 is perfect."""
    predicted, true = _both_ranks(score, true_rank)
    return np.asarray(np.abs(predicted - true).mean(axis=-1))[()]


def rank_rmse(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> FloatArray:
    """Root mean squared error of the predicted rank, in places; lower is better, 0 is perfect."""
    predicted, true = _both_ranks(score, true_rank)
    return np.sqrt(np.square(predicted - true).mean(axis=-1))


def ndcg(
    score: npt.ArrayLike, true_rank: npt.ArrayLike, k: int, gain: Gain = "linear"
) -> FloatArray:
    """Normalised discounted cumulative gain of the predicted top k, 0 to 1.

    A random order of 30 teams scores .62 at k = 16 with linear gain and .46 with exponential gain.
    NaN for a single team. With `linear` gain the team of rank r gains L - r. With `exponential`
    gain it gains 2^e - 1, e = 5 (L - r) / (L - 1): unscaled, the best would outweigh all others.

    Source: Järvelin and Kekäläinen 2002, discount 1 / log2(position + 1); with linear gain it
        equals `sklearn.metrics.ndcg_score`, ties included.
    """
    predicted, true = _both_ranks(score, true_rank)
    n = len(true)
    if n < 2:
        return np.full(predicted.shape[:-1], np.nan)[()]
    gains = n - true
    if gain == "exponential":
        gains = np.exp2(EXPONENTIAL_GAIN_GRADES * gains / (n - 1)) - 1
    elif gain != "linear":
        raise ValueError(f"gain must be 'linear' or 'exponential', got {gain!r}")
    discount = 1 / np.log2(np.arange(n) + 2)
    discount[k:] = 0
    ideal = gains @ _expected_weight(true, discount)
    return np.vecdot(gains, _expected_weight(predicted, discount)) / ideal


def mrr(score: npt.ArrayLike, true_rank: npt.ArrayLike, k: int) -> FloatArray:
    """Reciprocal of the (average) predicted rank of the first of the true top k, 1 / L to 1."""
    predicted, true = _both_ranks(score, true_rank)
    return 1 / predicted[..., true <= k].min(axis=-1)


def precision(score: npt.ArrayLike, true_rank: npt.ArrayLike, k: int) -> FloatArray:
    """Share of the predicted top k that is in the true top k, 0 to 1."""
    predicted, true = _both_ranks(score, true_rank)
    in_top = np.where(np.arange(len(true)) < k, 1 / k, 0.0)
    of_top = _expected_weight(predicted, in_top)[..., true <= k]
    return np.asarray(np.ascontiguousarray(of_top).sum(axis=-1))[()]


def upset_auc(
    score: npt.ArrayLike, true_rank: npt.ArrayLike, standings_score: npt.ArrayLike
) -> FloatArray:
    """How well score differences tell which pairs of teams finish against the standings.

    Over all pairs in which team i is strictly ahead of team j in the standings of the same date
    (shape (L,), higher is better): the pair is an upset if j finished ahead of i, it is predicted
    by `score_j - score_i`, and the value is the area under the ROC curve; NaN if no pair, or every
    pair, is an upset. Unlike other metrics it depends on the spacing of the scores.
    """
    _, true = _both_ranks(score, true_rank)
    s = np.asarray(score, dtype=np.float64)
    standings = np.asarray(standings_score, dtype=np.float64)
    _require_same_teams(s, standings, "standings_score")
    ahead, behind = np.nonzero(
        (standings[:, None] > standings[None, :]) & (true[:, None] != true[None, :])
    )
    return roc_auc(s[..., behind] - s[..., ahead], true[behind] < true[ahead])


def roc_auc(score: npt.ArrayLike, happened: npt.ArrayLike) -> FloatArray:
    """Area under the ROC curve: how often what happened had a higher score than what did not.

    `score`, shape (..., N), has any unit; scores that are apart by less than 1e-12 of the largest
    are ties, since equal fractions such as wins / games may differ in their last bits. `happened`
    is bool, shape (N,).

    Returns:
        0 to 1, .5 is chance; a tie counts as half. NaN if nothing or everything happened.

    Source: equals `sklearn.metrics.roc_auc_score`, by the statistic of Mann and Whitney 1947.
    """
    s = np.asarray(score, dtype=np.float64)
    event = np.asarray(happened, dtype=np.bool_)
    n, n_other = event.sum(), (~event).sum()
    if not (n and n_other):
        return np.full(s.shape[:-1], np.nan)[()]
    largest = np.abs(s).max(axis=-1, keepdims=True)
    s = np.round(s / np.maximum(largest, np.finfo(float).tiny), 12)
    pairs_won_twice = 2 * rankdata(s, axis=-1)[..., event].sum(axis=-1) - n * (n + 1)
    return np.asarray(pairs_won_twice / n / 2 / n_other)[()]


@dataclass(frozen=True)
class ListMetric:
    """How a metric of one list is computed; `nba_rank.core.metrics` says what it means.

    Attributes:
        function: Called with `score`, `true_rank` and, where `needs_standings`, `standings_score`.
        min_teams: Shortest list on which it means something.
        needs_standings: Whether it takes the standings of the same date.
    """

    function: Callable[..., FloatArray]
    min_teams: int = 3
    needs_standings: bool = False

    def __call__(
        self, score: FloatArray, true_rank: FloatArray, standings_score: FloatArray
    ) -> FloatArray:
        """Compute the metric of rankings of one list."""
        if self.needs_standings:
            return self.function(score, true_rank, standings_score)
        return self.function(score, true_rank)


LIST_METRICS: dict[str, ListMetric] = {
    "spearman": ListMetric(spearman),
    "kendall": ListMetric(kendall),
    "rank_mae": ListMetric(rank_mae),
    "rank_rmse": ListMetric(rank_rmse),
    # The order of a list of exactly k still matters to NDCG; a top k of k teams is always right.
    **{f"ndcg_{k}": ListMetric(partial(ndcg, k=k), min_teams=k) for k in (4, 10, 16, 20)},
    **{f"mrr_{k}": ListMetric(partial(mrr, k=k), min_teams=k + 1) for k in (2, 4)},
    **{f"precision_{k}": ListMetric(partial(precision, k=k), min_teams=k + 1) for k in (4, 8)},
    "upset_auc": ListMetric(upset_auc, needs_standings=True),
}
"""Metrics of every evaluation, by their name in files; NDCG with linear gain."""

SPEARMAN = {"spearman": LIST_METRICS["spearman"]}
"""The one metric that judges an order by one number."""

EXPONENTIAL_NDCG: dict[str, ListMetric] = {
    f"ndcg_{k}_exponential": ListMetric(partial(ndcg, k=k, gain="exponential"), min_teams=k)
    for k in (4, 10, 16, 20)
}
"""NDCG with exponential gain: `LIST_METRICS | EXPONENTIAL_NDCG`."""


def _both_ranks(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    predicted = average_rank(score)
    true = np.asarray(true_rank, dtype=np.float64)
    _require_same_teams(predicted, true, "true_rank")
    return predicted, true


def _require_same_teams(score: FloatArray, other: FloatArray, name: str) -> None:
    if other.shape != score.shape[-1:] or not np.isfinite(other).all():
        raise ValueError(
            f"{name} must hold a finite number for each of {score.shape[-1]} teams, got {other}"
        )


def _n_tied(values: FloatArray) -> npt.NDArray[np.int64]:
    return (values[..., None, :] == values[..., :, None]).sum(axis=-1)


def _expected_weight(rank: FloatArray, position_weight: FloatArray) -> FloatArray:
    n_tied = _n_tied(rank)
    first = np.round(rank - (n_tied + 1) / 2).astype(int)
    cumulated = np.concatenate([[0.0], np.cumsum(position_weight)])
    return (cumulated[first + n_tied] - cumulated[first]) / n_tied
