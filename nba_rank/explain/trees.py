"""What each feature adds to the score of trees: exact SHAP values, conditioned along the trees.

Source: Lundberg et al. (2020), "From local explanations to global understanding with explainable
AI for trees". Letters: N rows, F features, L leaves, D depth.
"""

import numpy as np
from xgboost import DMatrix, XGBModel

from nba_rank.core.arrays import Float32Array, FloatArray, IntArray
from nba_rank.models.trees import Forest

_AT_ONCE = 3_000_000
"""Numbers of an array worked on at once."""

_TIE = 1e-12


def contributions(
    model: Forest | XGBModel, X: Float32Array
) -> tuple[FloatArray, FloatArray | float]:
    """Return `forest_contributions` or `xgb_contributions`, by the kind of the model."""
    if isinstance(model, Forest):
        return forest_contributions(model, X)
    return xgb_contributions(model, X)


def xgb_contributions(model: XGBModel, X: Float32Array) -> tuple[FloatArray, FloatArray]:
    """Return SHAP values [N, F] and the rest of the scores [N]; rows sum to `model.predict`.

    XGBoost computes both in single precision; their rounding is in the rest, which without it is
    the mean score of the training rows.
    """
    booster = model.get_booster()
    best = booster.attr("best_iteration")
    used = (0, 0) if best is None else (0, int(best) + 1)
    found = booster.predict(DMatrix(X), pred_contribs=True, iteration_range=used)
    values = found[:, :-1].astype(np.float64)
    return values, model.predict(X).astype(np.float64) - values.sum(axis=1)


def forest_contributions(forest: Forest, X: Float32Array) -> tuple[FloatArray, float]:
    """Return SHAP values [N, F] and the mean score of the training rows; rows sum to `predict`.

    With z_j the share of the training rows that would follow a leaf's path at its splits on
    feature j, and o_j whether the row at hand does, the leaf adds to feature i

    `value (o_i - z_i) integral_0^1 prod_{j != i} (z_j (1 - t) + o_j t) dt`,

    since `integral t^k (1 - t)^(d - 1 - k) dt = k! (d - 1 - k)! / d!`, the weights of Shapley. Few
    Gauss-Legendre nodes integrate the polynomial exactly.
    """
    paths = _Paths(forest)
    depth = paths.feature.shape[1]
    nodes, weights = np.polynomial.legendre.leggauss(depth // 2 + 1)
    nodes, weights = (nodes + 1) / 2, weights / 2
    values = np.zeros((len(X), X.shape[1]))
    step = max(1, _AT_ONCE // max(1, len(X) * depth))
    for start in range(0, len(paths.value), step):
        part = slice(start, start + step)
        feature, share = paths.feature[part], paths.share[part]
        follows = paths.followed(X, part).astype(np.float64)  # [L, D, N]
        integral = np.zeros_like(follows)
        for t, weight in zip(nodes, weights, strict=True):
            factor = share[:, :, None] * (1 - t) + follows * t
            integral += weight * factor.prod(axis=1, keepdims=True) / factor
        added = paths.value[part, None, None] * (follows - share[:, :, None]) * integral
        own = feature >= 0
        np.add.at(values.T, feature[own], added[own])
    n_trees = len(forest.root)
    return values / n_trees, float(forest.value[forest.root].mean())


class _Paths:
    """The way to each leaf of a forest, a place for each feature on it.

    Attributes:
        value: Mean relevance at the leaf, [L].
        feature: Features on the way, -1 in places without, [L, D].
        share: Share of the training rows that would go the way at the splits on the feature; 1 in
            places without, [L, D].
    """

    def __init__(self, forest: Forest) -> None:
        nodes = np.arange(len(forest.feature))
        inner = nodes[forest.feature >= 0]
        parent = np.full(len(nodes), -1)
        parent[forest.left[inner]] = parent[forest.right[inner]] = inner
        is_left = np.zeros(len(nodes), dtype=bool)
        is_left[forest.left[inner]] = True
        share = _shares(forest)
        node = nodes[forest.feature < 0]
        self.value = forest.value[node]
        below, above = [], []
        while (parent[node] >= 0).any():
            below.append(node)
            above.append(parent[node])
            node = np.where(parent[node] >= 0, parent[node], node)
        child = np.stack(below, axis=1) if below else node[:, None]
        split = np.stack(above, axis=1) if above else np.full_like(child, -1)
        known = split >= 0
        self._forest, self._split, self._is_left = forest, split, is_left[child]
        feature = np.where(known, forest.feature[split], -1)
        shares = np.where(known, share[child], 1.0)
        # A feature's later splits join its first place.
        self._place = np.tile(np.arange(feature.shape[1]), (len(feature), 1))
        for later in range(feature.shape[1]):
            for first in range(later):
                same = (feature[:, later] == feature[:, first]) & (feature[:, later] >= 0)
                shares[same, first] *= shares[same, later]
                self._place[same, later] = first
                shares[same, later], feature[same, later] = 1.0, -1
        self.feature, self.share = feature, shares

    def followed(self, X: Float32Array, part: slice) -> np.ndarray:
        """Return whether rows go the way at all splits on each place's feature, bool [L, D, N]."""
        forest, split = self._forest, self._split[part]
        known = split >= 0
        asked = X.T[np.where(known, forest.feature[split], 0)]
        left = np.where(
            np.isnan(asked),
            forest.unknown_left[split][:, :, None],
            asked <= forest.threshold[split][:, :, None],
        )
        goes = (left == self._is_left[part, :, None]) | ~known[:, :, None]
        place, result = self._place[part], np.ones_like(goes)
        rows = np.arange(len(place))
        for later in range(place.shape[1]):
            result[rows, place[:, later]] &= goes[:, later]
        return result


def _shares(forest: Forest) -> FloatArray:
    """Return the share of the training rows of its parent that each node has, [M]; 1 for roots.

    A forest keeps the mean of each node, and that of a parent is the mean of its children by their
    rows. Where both children have the same mean, their shares are taken as equal.
    """
    inner: IntArray = np.flatnonzero(forest.feature >= 0)
    left, right = forest.left[inner], forest.right[inner]
    gap = forest.value[left] - forest.value[right]
    tied = np.abs(gap) < _TIE * np.abs(forest.value).max(initial=0.0)
    of_left = (forest.value[inner] - forest.value[right]) / np.where(tied, 1.0, gap)
    of_left = np.where(tied, 0.5, of_left)
    share = np.ones(len(forest.feature))
    share[left], share[right] = of_left, 1 - of_left
    return share
