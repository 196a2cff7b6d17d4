"""Models B (XGBoost) and C (random forest): relevance regressed on the feature store."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from xgboost import Booster, XGBModel, XGBRanker, XGBRegressor

from nba_rank.config.schema import RANKING, BoostingConfig, RfConfig, XgbConfig
from nba_rank.core.arrays import Array, BoolArray, Float32Array, FloatArray, IntArray
from nba_rank.core.errors import UserError
from nba_rank.models.saved import reading


def boosting(config: BoostingConfig, seed: int, n_jobs: int = 1) -> dict[str, Any]:
    """Return the arguments of XGBoost's estimators."""
    return {
        **asdict(config),
        "early_stopping_rounds": config.early_stopping_rounds or None,
        "tree_method": "hist",
        "random_state": seed,
        "n_jobs": n_jobs,
    }


def fit_xgb(
    X: Float32Array,
    y: FloatArray,
    season: Array,
    date: Array,
    config: XgbConfig,
    seed: int,
    weight: FloatArray | None = None,
) -> XGBModel:
    """Fit boosted trees to relevance in one thread; nulls take the branch that suits them.

    Ranking objectives learn from every pair of teams of a date, whose relevance counts by its
    order. With early stopping the newest season is held out.

    Args:
        X: Features, [N, F].
        y: Relevance, [N].
        season: Season of each row, [N].
        date: As-of date of each row, in order of time, [N].
        config: Settings.
        seed: Seed of the draws of rows and columns.
        weight: Weight of each row, the same for all of a date, [N]; None: all weigh 1.

    Raises:
        UserError: Early stopping has no season left to learn from.
    """
    rounds = config.early_stopping_rounds
    settings = boosting(config, seed)
    weighs = np.ones(len(y)) if weight is None else weight
    ranks = config.objective in RANKING
    model: XGBModel = XGBRegressor(**settings)
    if ranks:
        model = XGBRanker(**settings, **_EVERY_PAIR)
        y = _grades(y, date)

    def part(rows: BoolArray) -> dict[str, Any]:
        own: dict[str, Any] = {"X": X[rows], "y": y[rows], "sample_weight": weighs[rows]}
        if ranks:
            # XGBoost takes one weight a list.
            _, first, own["qid"] = np.unique(date[rows], return_index=True, return_inverse=True)
            own["sample_weight"] = own["sample_weight"][first]
        return own

    if not rounds:
        return model.fit(**part(np.ones(len(y), dtype=np.bool_)))
    learn = season < season.max()
    if not learn.any():
        raise UserError(
            f"early stopping holds out {season.max()}, the only training season: "
            "set model.xgb.early_stopping_rounds=0 or add seasons"
        )
    held_out = part(~learn)
    eval_qid = {"eval_qid": [held_out["qid"]]} if ranks else {}
    eval_set = [(held_out["X"], held_out["y"])]
    return model.fit(**part(learn), eval_set=eval_set, **eval_qid, verbose=False)


_EVERY_PAIR = {
    "lambdarank_pair_method": "topk", "lambdarank_num_pair_per_sample": 32, "ndcg_exp_gain": False,
}  # fmt: skip
"""All pairs of a list of up to 32 teams; gains in NDCG that do not double from grade to grade."""


def _grades(y: FloatArray, date: Array) -> FloatArray:
    """Return the place of each relevance among those of its date, 0 for the least, [N]."""
    grade = pd.Series(y).groupby(date).rank(method="dense") - 1
    return np.asarray(grade, dtype=np.float64)


def load_xgb(path: Path) -> XGBModel:
    """Read trees that an estimator's `save_model` has written, whatever their objective.

    Raises:
        UserError: The file holds no trees.
    """
    with reading(path):
        trees = Booster(model_file=path)
        kind = json.loads(trees.save_config())["learner"]["objective"]["name"]
        model = XGBRanker() if kind in RANKING else XGBRegressor()
        model.load_model(path)
    return model


@dataclass(frozen=True)
class Forest:
    """A fitted random forest as plain arrays, which hold nothing to execute.

    The M nodes of all T trees are in one row, each before its children.

    Attributes:
        root: First node of each tree, int64 [T].
        feature: Column that a node splits on, -1 at a leaf, int64 [M].
        threshold: Values up to this one go left, float64 [M].
        left: Left child, int64 [M]; a leaf is its own child.
        right: Right child, likewise.
        unknown_left: Whether unknown values go left, bool [M].
        value: Mean relevance of the training rows of a node, float64 [M].
    """

    root: IntArray
    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    unknown_left: BoolArray
    value: FloatArray

    @classmethod
    def of(cls, model: RandomForestRegressor) -> Self:
        """Copy the trees of a fitted forest."""
        trees = [one.tree_ for one in model.estimators_]
        root = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
        nodes = np.arange(root[-1] + trees[-1].node_count)

        def joined(name: str) -> Array:
            return np.concatenate([getattr(tree, name) for tree in trees])

        def child(name: str) -> IntArray:
            children = [
                getattr(tree, name) + start for tree, start in zip(trees, root, strict=True)
            ]
            return np.where(leaf, nodes, np.concatenate(children))

        leaf = joined("children_left") < 0
        return cls(
            root=root,
            feature=np.where(leaf, -1, joined("feature")),
            threshold=joined("threshold"),
            left=child("children_left"),
            right=child("children_right"),
            unknown_left=joined("missing_go_to_left").astype(np.bool_),
            value=joined("value")[:, 0, 0],
        )

    def predict(self, X: Float32Array) -> FloatArray:
        """Return the mean of the trees, [N], exactly as scikit-learn's forest does."""
        node = np.repeat(self.root[:, None], len(X), axis=1)  # [T, N]
        row = np.arange(len(X))
        inner = self.feature[node] >= 0
        while inner.any():
            value = X[row, self.feature[node]]
            is_left = np.where(
                np.isnan(value), self.unknown_left[node], value <= self.threshold[node]
            )
            node = np.where(is_left, self.left[node], self.right[node])
            inner = self.feature[node] >= 0
        total = np.zeros(len(X))
        for leaf in node:  # one after another, so that the last bits are scikit-learn's
            total += self.value[leaf]
        return total / len(self.root)

    def save(self, path: Path) -> None:
        """Write the arrays into a compressed `.npz` file."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a forest back; it scores exactly as the one that was saved.

        Raises:
            UserError: The file holds no such arrays.
        """
        with reading(path), np.load(path, allow_pickle=False) as saved:
            forest = cls(**saved)
            nodes = np.arange(len(forest.feature))
            children = np.stack([forest.left, forest.right])
            onwards = np.where(forest.feature < 0, children == nodes, children > nodes)
            if not onwards.all() or children.max() >= len(nodes):
                raise ValueError("a tree without end")
        return forest


def fit_rf(
    X: Float32Array, y: FloatArray, config: RfConfig, seed: int, weight: FloatArray | None = None
) -> Forest:
    """Fit a random forest to relevance; nulls take the branch that suits them.

    `weight` is that of each row, [N]; None: all weigh 1.
    """
    model = RandomForestRegressor(**asdict(config), random_state=seed, n_jobs=1)
    return Forest.of(model.fit(X, y, sample_weight=weight))
