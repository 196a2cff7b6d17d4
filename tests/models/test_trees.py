from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from nba_rank.config.schema import RfConfig, XgbConfig
from nba_rank.core.errors import UserError
from nba_rank.models.trees import Forest, fit_rf, fit_xgb

SEASONS = ["2018-19", "2019-20", "2020-21", "2021-22"]
XGB = XgbConfig(
    n_estimators=40,
    max_depth=3,
    learning_rate=0.2,
    min_child_weight=1.0,
    subsample=0.8,
    colsample_bytree=0.8,
    reg_lambda=1.0,
    reg_alpha=0.0,
    early_stopping_rounds=0,
)
RF = RfConfig(n_estimators=30, max_depth=8, min_samples_leaf=2, max_features=0.7, max_samples=0.7)


@pytest.fixture(scope="module")
def data():
    """Four seasons of rows; relevance follows two of five columns, one of them often unknown."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 5)).astype(np.float32)
    y = 0.6 * X[:, 0] + 0.4 * X[:, 1] + 0.1 * rng.normal(size=800)
    X[rng.random(800) < 0.2, 1] = np.nan
    return X, y.astype(np.float64), np.array(SEASONS, dtype=object).repeat(200)


def xgb_scores(data, seed=0, **knobs):
    return fit_xgb(*data, replace(XGB, **knobs), seed).predict(data[0])


def rf_scores(data, seed=0, **knobs):
    X, y, _ = data
    return fit_rf(X, y, replace(RF, **knobs), seed).predict(X)


FITS = pytest.mark.parametrize("scores", [xgb_scores, rf_scores], ids=["xgb", "rf"])


@FITS
def test_high_relevance_gets_high_scores_in_spite_of_nulls(data, scores):
    _, y, _ = data
    got = scores(data)
    assert np.isfinite(got).all()
    assert np.corrcoef(got, y)[0, 1] > 0.9


@FITS
def test_the_same_seed_gives_identical_scores_and_another_seed_others(data, scores):
    assert np.array_equal(scores(data, seed=3), scores(data, seed=3))
    assert not np.array_equal(scores(data, seed=3), scores(data, seed=4))


@pytest.mark.parametrize(
    "knob",
    [
        {"n_estimators": 20},
        {"max_depth": 2},
        {"learning_rate": 0.1},
        {"min_child_weight": 60.0},
        {"subsample": 0.5},
        {"colsample_bytree": 0.4},
        {"reg_lambda": 30.0},
        {"reg_alpha": 5.0},
        {"early_stopping_rounds": 3},
    ],
    ids=lambda knob: next(iter(knob)),
)
def test_every_knob_of_the_boosted_trees_changes_the_scores(data, knob):
    assert not np.allclose(xgb_scores(data), xgb_scores(data, **knob), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "knob",
    [
        {"n_estimators": 10},
        {"max_depth": 2},
        {"min_samples_leaf": 30},
        {"max_features": 0.2},
        {"max_samples": 0.1},
    ],
    ids=lambda knob: next(iter(knob)),
)
def test_every_knob_of_the_forest_changes_the_scores(data, knob):
    assert not np.allclose(rf_scores(data), rf_scores(data, **knob), rtol=0, atol=1e-4)


def test_a_large_absolute_penalty_leaves_nothing_to_split_on(data):
    assert len(np.unique(xgb_scores(data, reg_alpha=1e6))) == 1


def test_early_stopping_stops_by_the_newest_season(data):
    X, y, season = data
    newest = season == "2021-22"
    noisy = np.where(newest, np.random.default_rng(1).normal(size=len(y)), y)
    config = replace(XGB, n_estimators=500, early_stopping_rounds=5)
    stopped = fit_xgb(X, noisy, season, config, 0)
    assert stopped.best_iteration < 100
    assert stopped.get_booster().num_boosted_rounds() < 500
    # The trees themselves come from the earlier seasons alone.
    trees = stopped.best_iteration + 1
    plain = fit_xgb(X[~newest], y[~newest], season[~newest], replace(XGB, n_estimators=trees), 0)
    assert np.array_equal(stopped.predict(X), plain.predict(X))


def test_without_early_stopping_all_trees_grow_on_all_seasons(data):
    X, y, season = data
    model = fit_xgb(X, y, season, XGB, 0)
    assert model.get_booster().num_boosted_rounds() == 40
    newest = season == "2021-22"
    without = fit_xgb(X[~newest], y[~newest], season[~newest], XGB, 0)
    assert not np.array_equal(model.predict(X), without.predict(X))


def test_early_stopping_with_one_season_is_refused(data):
    X, y, season = data
    only = season == "2021-22"
    with pytest.raises(UserError, match=r"model\.xgb\.early_stopping_rounds=0"):
        fit_xgb(X[only], y[only], season[only], replace(XGB, early_stopping_rounds=5), 0)


def test_a_row_alone_scores_exactly_as_among_many(data):
    X, y, season = data
    for model in (fit_xgb(X, y, season, XGB, 0), fit_rf(X, y, RF, 0)):
        together = model.predict(X)
        alone = [model.predict(X[row : row + 1])[0] for row in range(0, 800, 100)]
        assert alone == together[::100].tolist()


def test_the_forest_scores_exactly_as_scikit_learns_and_after_reading_back(data, tmp_path):
    X, y, _ = data
    unknown = np.where(np.random.default_rng(2).random(X.shape) < 0.3, np.nan, X)
    unknown = unknown.astype(np.float32)
    model = RandomForestRegressor(20, max_depth=8, min_samples_leaf=2, random_state=0).fit(X, y)
    forest = Forest.of(model)
    forest.save(tmp_path / "rf.npz")
    for one in (forest, Forest.load(tmp_path / "rf.npz")):
        for rows in (X, unknown):
            assert np.array_equal(one.predict(rows), model.predict(rows))
