"""Measures of how well a ranking of teams agrees with how they finished.

Every function takes one list of L teams:

- `score`: float array of shape (L,), any unit, higher is better. Of a rank, pass its negative.
- `true_rank`: array of shape (L,), 1 is best, within the list (1 to L).

Tied scores are never broken by the order of the rows: tied teams share their average rank, and
sums over the top of the list are the expectation over all orders of the tied teams.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from nba_rank.core.arrays import FloatArray

Gain = Literal["linear", "exponential"]

EXPONENTIAL_GAIN_GRADES = 5.0
"""The best team's exponent under exponential gain, however long the list is."""


def average_rank(score: npt.ArrayLike) -> FloatArray:
    """Rank teams by score.

    Args:
        score: Float, shape (L,); higher is better.

    Returns:
        Float, shape (L,): 1 is best; tied teams share the mean of their ranks.

    Raises:
        ValueError: The score is not a vector of finite numbers.
    """
    s = np.asarray(score, dtype=np.float64)
    if s.ndim != 1 or not np.isfinite(s).all():
        raise ValueError(f"score must be a vector of finite numbers, got shape {s.shape}: {s}")
    above = (s[None, :] > s[:, None]).sum(axis=1)
    tied = (s[None, :] == s[:, None]).sum(axis=1)
    return above + (tied + 1) / 2


def spearman(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> float:
    """Spearman's rank correlation between the predicted and the true order.

    Returns:
        -1 to 1, higher is better; NaN where either side has no two different values.

    Source: equals `scipy.stats.spearmanr(-score, true_rank)`.
    """
    predicted, true = _both_ranks(score, true_rank)
    x, y = predicted - predicted.mean(), true - true.mean()
    norm = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norm) if norm > 0 else float("nan")


def kendall(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> float:
    """Kendall's tau-b between the predicted and the true order.

    Returns:
        -1 to 1, higher is better; NaN where either side has no two different values.

    Source: equals `scipy.stats.kendalltau(-score, true_rank, variant="b")`.
    """
    predicted, true = _both_ranks(score, true_rank)
    x = np.sign(predicted[:, None] - predicted[None, :])
    y = np.sign(true[:, None] - true[None, :])
    norm = np.sqrt(np.vdot(x, x) * np.vdot(y, y))
    return float(np.vdot(x, y) / norm) if norm > 0 else float("nan")


def rank_mae(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> float:
    """Mean absolute error of the predicted rank, in places; lower is better, 0 is perfect."""
    predicted, true = _both_ranks(score, true_rank)
    return float(np.abs(predicted - true).mean())


def rank_rmse(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> float:
    """Root mean squared error of the predicted rank, in places; lower is better, 0 is perfect."""
    predicted, true = _both_ranks(score, true_rank)
    return float(np.sqrt(np.square(predicted - true).mean()))


def ndcg(score: npt.ArrayLike, true_rank: npt.ArrayLike, k: int, gain: Gain = "linear") -> float:
    """Normalised discounted cumulative gain of the predicted top k.

    The value depends on the gain. A random order of 30 teams scores .62 at k = 16 with linear
    gain and .46 with exponential gain, so it says little without a random ranking beside it.

    Args:
        score: Float, shape (L,); higher is better.
        true_rank: Shape (L,); 1 is best.
        k: Length of the top; positions after it count nothing.
        gain: `linear`: L - true_rank, so the last team gains 0. `exponential`: 2^e - 1 with
            e = 5 (L - true_rank) / (L - 1), so the best team gains 31 whatever L is; without
            the scaling one team of 30 would outweigh all others together.

    Returns:
        0 to 1, higher is better; NaN for a single team.

    Raises:
        ValueError: Unknown gain.

    Source: Järvelin and Kekäläinen 2002, discount 1 / log2(position + 1); with linear gain it
        equals `sklearn.metrics.ndcg_score`, ties included.
    """
    predicted, true = _both_ranks(score, true_rank)
    n = len(true)
    if n < 2:
        return float("nan")
    gains = n - true
    if gain == "exponential":
        gains = np.exp2(EXPONENTIAL_GAIN_GRADES * gains / (n - 1)) - 1
    elif gain != "linear":
        raise ValueError(f"gain must be 'linear' or 'exponential', got {gain!r}")
    discount = 1 / np.log2(np.arange(n) + 2)
    discount[k:] = 0
    ideal = gains @ _expected_weight(true, discount)
    return float(gains @ _expected_weight(predicted, discount) / ideal)


def mrr(score: npt.ArrayLike, true_rank: npt.ArrayLike, k: int) -> float:
    """Reciprocal of the predicted rank of the first of the true top k teams.

    The mean of "mean reciprocal rank" is taken over lists (seasons). 1 means that the team
    predicted first is one of the true top k. A tied team counts at its average rank.

    Returns:
        1 / L to 1, higher is better.
    """
    predicted, true = _both_ranks(score, true_rank)
    return float(1 / predicted[true <= k].min())


def precision(score: npt.ArrayLike, true_rank: npt.ArrayLike, k: int) -> float:
    """Share of the predicted top k that is in the true top k.

    Returns:
        0 to 1, higher is better; for a tie across place k, its expectation over random orders.
    """
    predicted, true = _both_ranks(score, true_rank)
    in_top = np.where(np.arange(len(true)) < k, 1 / k, 0.0)
    return float(_expected_weight(predicted, in_top)[true <= k].sum())


def upset_auc(
    score: npt.ArrayLike, true_rank: npt.ArrayLike, standings_score: npt.ArrayLike
) -> float:
    """How well score differences tell which pairs of teams finish against the standings.

    Over all pairs in which team i is strictly ahead of team j in the standings: the pair is an
    upset if j finished ahead of i, it is predicted by `score_j - score_i`, and the value is the
    area under the ROC curve. The standings are judged by their own gaps: a small one makes an
    upset likelier. Unlike the other metrics it depends on the spacing of the scores, not only on
    their order; it does not change when they are shifted or multiplied by a positive number.

    Args:
        score: Float, shape (L,); higher is better.
        true_rank: Shape (L,); 1 is best.
        standings_score: Float, shape (L,): the standings at the same date (win share, 0 to 1, or
            anything in which higher is better).

    Returns:
        0 to 1, higher is better, .5 is chance; NaN if no pair, or every pair, is an upset.
    """
    _, true = _both_ranks(score, true_rank)
    s = np.asarray(score, dtype=np.float64)
    standings = np.asarray(standings_score, dtype=np.float64)
    _require_same_shape(s, standings, "standings_score")
    ahead, behind = np.nonzero(
        (standings[:, None] > standings[None, :]) & (true[:, None] != true[None, :])
    )
    edge = s[behind] - s[ahead]
    return roc_auc(edge, true[behind] < true[ahead])


def roc_auc(score: npt.ArrayLike, happened: npt.ArrayLike) -> float:
    """Area under the ROC curve: how often what happened had a higher score than what did not.

    Args:
        score: Float, shape (N,), any unit; higher means likelier. Scores that are apart by less
            than 1e-12 of the largest are ties: fractions such as wins / games that are equal may
            differ in their last bits.
        happened: Bool, shape (N,).

    Returns:
        0 to 1, higher is better, .5 is chance; a tie counts as half. NaN if nothing or everything
        happened.

    Source: equals `sklearn.metrics.roc_auc_score`.
    """
    s = np.asarray(score, dtype=np.float64)
    event = np.asarray(happened, dtype=np.bool_)
    s = np.round(s / max(np.abs(s).max(initial=0.0), np.finfo(float).tiny), 12)
    positive, negative = s[event], np.sort(s[~event])
    if not (len(positive) and len(negative)):
        return float("nan")
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below + not_above).mean() / 2 / len(negative))


@dataclass(frozen=True)
class ListMetric:
    """How a metric of one list is computed; `nba_rank.core.metrics` says what it means.

    Attributes:
        function: Called with `score`, `true_rank` and, where `needs_standings`,
            `standings_score`; all of shape (L,).
        min_teams: Shortest list on which it means something.
        needs_standings: Whether it compares with the standings of the same date.
    """

    function: Callable[..., float]
    min_teams: int = 3
    needs_standings: bool = False

    def __call__(
        self, score: FloatArray, true_rank: FloatArray, standings_score: FloatArray
    ) -> float:
        """Compute the metric of one list of at least `min_teams` teams."""
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

EXPONENTIAL_NDCG: dict[str, ListMetric] = {
    f"ndcg_{k}_exponential": ListMetric(partial(ndcg, k=k, gain="exponential"), min_teams=k)
    for k in (4, 10, 16, 20)
}
"""NDCG with exponential gain, for those who ask for it: `LIST_METRICS | EXPONENTIAL_NDCG`."""


def _both_ranks(score: npt.ArrayLike, true_rank: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    predicted = average_rank(score)
    true = np.asarray(true_rank, dtype=np.float64)
    _require_same_shape(predicted, true, "true_rank")
    return predicted, true


def _require_same_shape(score: FloatArray, other: FloatArray, name: str) -> None:
    if other.shape != score.shape or not np.isfinite(other).all():
        raise ValueError(
            f"{name} must hold a finite number for each of {len(score)} teams, got {other}"
        )


def _expected_weight(rank: FloatArray, position_weight: FloatArray) -> FloatArray:
    """Mean weight of the positions that a team shares with those tied with it."""
    n_tied = (rank[None, :] == rank[:, None]).sum(axis=1)
    first = np.round(rank - (n_tied + 1) / 2).astype(int)
    cumulated = np.concatenate([[0.0], np.cumsum(position_weight)])
    return (cumulated[first + n_tied] - cumulated[first]) / n_tied
