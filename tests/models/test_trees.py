from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor

from nba_rank.config.schema import RANKING, RfConfig, XgbConfig
from nba_rank.core.errors import UserError
from nba_rank.models.trees import Forest, fit_rf, fit_xgb, load_xgb

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
    objective="reg:squarederror",
)
RF = RfConfig(n_estimators=30, max_depth=8, min_samples_leaf=2, max_features=0.7, max_samples=0.7)


@pytest.fixture(scope="module")
def data():
    """Four seasons of rows; relevance depends on two of five columns, one of them often unknown."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 5)).astype(np.float32)
    y = 0.6 * X[:, 0] + 0.4 * X[:, 1] + 0.1 * rng.normal(size=800)
    X[rng.random(800) < 0.2, 1] = np.nan
    season = np.array(SEASONS, dtype=object).repeat(200)
    return X, y.astype(np.float64), season, np.arange(40).repeat(20)


def xgb_scores(data, seed=0, **knobs):
    return fit_xgb(*data, replace(XGB, **knobs), seed).predict(data[0])


def rf_scores(data, seed=0, **knobs):
    X, y, *_ = data
    return fit_rf(X, y, replace(RF, **knobs), seed).predict(X)


@pytest.mark.parametrize("scores", [xgb_scores, rf_scores])
def test_scores_follow_relevance_in_spite_of_nulls_and_repeat_by_seed(data, scores):
    got = scores(data, seed=3)
    assert np.isfinite(got).all()
    assert np.corrcoef(got, data[1])[0, 1] > 0.9
    assert np.array_equal(scores(data, seed=3), got)
    assert not np.array_equal(scores(data, seed=4), got)


@pytest.mark.parametrize(
    ("scores", "knob"),
    [
        (xgb_scores, {"n_estimators": 20}),
        (xgb_scores, {"max_depth": 2}),
        (xgb_scores, {"learning_rate": 0.1}),
        (xgb_scores, {"min_child_weight": 60.0}),
        (xgb_scores, {"subsample": 0.5}),
        (xgb_scores, {"colsample_bytree": 0.4}),
        (xgb_scores, {"reg_lambda": 30.0}),
        (xgb_scores, {"reg_alpha": 5.0}),
        (xgb_scores, {"early_stopping_rounds": 3}),
        (xgb_scores, {"objective": "rank:ndcg"}),
        (xgb_scores, {"objective": "rank:pairwise"}),
        (rf_scores, {"n_estimators": 10}),
        (rf_scores, {"max_depth": 2}),
        (rf_scores, {"min_samples_leaf": 30}),
        (rf_scores, {"max_features": 0.2}),
        (rf_scores, {"max_samples": 0.1}),
    ],
)
def test_every_knob_changes_the_scores(data, scores, knob):
    assert not np.allclose(scores(data), scores(data, **knob), rtol=0, atol=1e-4)


@pytest.mark.parametrize("objective", RANKING)
def test_ranking_learns_the_order_of_a_date_and_nothing_else(data, objective, tmp_path):
    X, y, season, date = data
    config = replace(XGB, objective=objective, min_child_weight=0.1)
    model = fit_xgb(X, y, season, date, config, 0)
    score = model.predict(X)
    within = [spearmanr(score[date == one], y[date == one])[0] for one in range(40)]
    assert np.mean(within) > 0.9
    # What shifts a date or stretches its relevance leaves the order as it is.
    moved = np.exp(y) + 5.0 * (date % 3)
    assert np.array_equal(fit_xgb(X, moved, season, date, config, 0).predict(X), score)
    turned = np.where(date < 20, y, -y)
    assert np.abs(fit_xgb(X, turned, season, date, config, 0).predict(X) - score).max() > 0.1
    # The stack blends scores by their spread: that of each date is about the same.
    spread = score.reshape(40, 20).std(axis=1)
    assert spread.max() < 3 * spread.min()
    # A date weighs as its rows do.
    older = np.where(date < 20, 0.1, 1.0)
    assert not np.array_equal(fit_xgb(X, y, season, date, config, 0, older).predict(X), score)
    model.save_model(tmp_path / "xgb.ubj")
    assert np.array_equal(load_xgb(tmp_path / "xgb.ubj").predict(X), score)


@pytest.mark.parametrize("objective", ["reg:squarederror", *RANKING])
def test_early_stopping_stops_by_the_newest_season(data, objective):
    X, y, season, date = data
    newest = season == "2021-22"
    noisy = np.where(newest, np.random.default_rng(1).normal(size=len(y)), y)
    objective = replace(XGB, objective=objective)
    config = replace(objective, n_estimators=500, early_stopping_rounds=5)
    stopped = fit_xgb(X, noisy, season, date, config, 0)
    assert stopped.best_iteration < 100
    # The trees themselves come from the earlier seasons alone.
    trees = stopped.best_iteration + 1
    earlier = (part[~newest] for part in (X, y, season, date))
    plain = fit_xgb(*earlier, replace(objective, n_estimators=trees), 0)
    assert np.array_equal(stopped.predict(X), plain.predict(X))
    with pytest.raises(UserError, match=r"model\.xgb\.early_stopping_rounds=0"):
        fit_xgb(X[newest], y[newest], season[newest], date[newest], config, 0)


def test_a_row_alone_scores_exactly_as_among_many(data):
    X, y, season, date = data
    for model in (fit_xgb(X, y, season, date, XGB, 0), fit_rf(X, y, RF, 0)):
        together = model.predict(X)
        alone = [model.predict(X[row : row + 1])[0] for row in range(0, 800, 100)]
        assert alone == together[::100].tolist()


def test_the_forest_scores_exactly_as_that_of_scikit_learn_and_after_reloading(data, tmp_path):
    X, y, *_ = data
    unknown = np.where(np.random.default_rng(2).random(X.shape) < 0.3, np.nan, X)
    unknown = unknown.astype(np.float32)
    model = RandomForestRegressor(20, max_depth=8, min_samples_leaf=2, random_state=0).fit(X, y)
    forest = Forest.of(model)
    forest.save(tmp_path / "rf.npz")
    for one in (forest, Forest.load(tmp_path / "rf.npz")):
        for rows in (X, unknown):
            assert np.array_equal(one.predict(rows), model.predict(rows))
