"""Models B (XGBoost) and C (random forest): relevance regressed on the feature store."""

from typing import Any

import numpy.typing as npt
from sklearn.ensemble import RandomForestRegressor
from xgboost import XGBRegressor

from nba_rank.config.schema import RfConfig, XgbConfig
from nba_rank.core.arrays import Float32Array, FloatArray


def boosting(config: XgbConfig, seed: int, n_jobs: int) -> dict[str, Any]:
    """Return the arguments of XGBoost's estimators."""
    return {
        "n_estimators": config.n_estimators,
        "max_depth": config.max_depth,
        "learning_rate": config.learning_rate,
        "min_child_weight": config.min_child_weight,
        "subsample": config.subsample,
        "colsample_bytree": config.colsample_bytree,
        "reg_lambda": config.reg_lambda,
        "reg_alpha": config.reg_alpha,
        "early_stopping_rounds": config.early_stopping_rounds or None,
        "tree_method": "hist",
        "random_state": seed,
        "n_jobs": n_jobs,
    }


def fit_xgb(
    X: Float32Array,
    y: FloatArray,
    season: npt.NDArray[Any],
    config: XgbConfig,
    seed: int,
    n_jobs: int,
) -> XGBRegressor:
    """Fit boosted trees; nulls take the branch that suits them.

    Args:
        X: Features, float32 [N, F], NaN where unknown.
        y: Relevance, higher is better, [N].
        season: Season text of each row; with early stopping the newest is held out.
        config: Trees and their penalties.
        seed: Seed of row and column sampling.
        n_jobs: Threads.

    Raises:
        ValueError: Early stopping has no season left to learn from.
    """
    rounds = config.early_stopping_rounds
    model = XGBRegressor(**boosting(config, seed, n_jobs))
    if not rounds:
        return model.fit(X, y)
    learn = season < season.max()
    if not learn.any():
        raise ValueError(
            f"early stopping holds out {season.max()}, the only training season: "
            "set model.xgb.early_stopping_rounds=0 or add seasons"
        )
    held_out = [(X[~learn], y[~learn])]
    return model.fit(X[learn], y[learn], eval_set=held_out, verbose=False)


def fit_rf(
    X: Float32Array, y: FloatArray, config: RfConfig, seed: int, n_jobs: int
) -> RandomForestRegressor:
    """Fit a random forest; nulls take the branch that suits them. Arguments as in `fit_xgb`."""
    model = RandomForestRegressor(
        n_estimators=config.n_estimators,
        max_depth=config.max_depth,
        min_samples_leaf=config.min_samples_leaf,
        max_features=config.max_features,
        max_samples=config.max_samples,
        random_state=seed,
        n_jobs=n_jobs,
    ).fit(X, y)
    # Threads add up the trees in any order, which changes the last bits of a prediction.
    return model.set_params(n_jobs=1)
