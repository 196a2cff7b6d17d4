from itertools import combinations
from math import factorial

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from nba_rank.config.schema import XgbConfig
from nba_rank.explain.trees import _shares, forest_contributions, xgb_contributions
from nba_rank.models.trees import Forest, fit_xgb

N_FEATURES = 4


@pytest.fixture(scope="module")
def data():
    """Rows with unknown values; relevance depends on features one after another and together."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, N_FEATURES)).astype(np.float32)
    y = X[:, 0] + np.where(X[:, 1] > 0, X[:, 2], -1.0) + 0.1 * rng.normal(size=300)
    X[rng.random(300) < 0.2, 1] = np.nan
    return X, y.astype(np.float64), rng.random(300) + 0.1


@pytest.fixture(scope="module", params=[None, 1])
def model(data, request):
    X, y, weight = data
    settings = {"n_estimators": 6, "max_depth": 6, "max_samples": 0.5, "random_state": 0}
    forest = RandomForestRegressor(**settings, max_features=request.param)
    return forest.fit(X, y, sample_weight=weight)


def expected_value(tree, node, row, known):
    """The mean of a tree over the training rows, given the known features of a row."""
    if tree.children_left[node] < 0:
        return tree.value[node, 0, 0]
    feature, left, right = tree.feature[node], tree.children_left[node], tree.children_right[node]
    if feature in known:
        value = row[feature]
        is_left = (
            tree.missing_go_to_left[node] if np.isnan(value) else value <= tree.threshold[node]
        )
        return expected_value(tree, left if is_left else right, row, known)
    cover = tree.weighted_n_node_samples
    share = cover[left] / cover[node]
    return share * expected_value(tree, left, row, known) + (1 - share) * expected_value(
        tree, right, row, known
    )


def shapley(tree, row):
    values = np.zeros(N_FEATURES)
    for feature in range(N_FEATURES):
        others = [other for other in range(N_FEATURES) if other != feature]
        for size in range(N_FEATURES):
            weight = factorial(size) * factorial(N_FEATURES - size - 1) / factorial(N_FEATURES)
            for known in combinations(others, size):
                values[feature] += weight * (
                    expected_value(tree, 0, row, {*known, feature})
                    - expected_value(tree, 0, row, {*known})
                )
    return values


def test_contributions_of_a_forest_are_shapley_values_by_their_definition(data, model):
    X = data[0]
    X = np.concatenate([X[:3], X[np.isnan(X).any(axis=1)][:3]])
    values, mean = forest_contributions(Forest.of(model), X)
    trees = [one.tree_ for one in model.estimators_]
    expected = [np.mean([shapley(tree, row) for tree in trees], axis=0) for row in X]
    np.testing.assert_allclose(values, expected, atol=1e-9)
    assert mean == pytest.approx(np.mean([tree.value[0, 0, 0] for tree in trees]))
    np.testing.assert_allclose(values.sum(axis=1) + mean, model.predict(X), atol=1e-9)


def test_a_poisoned_feature_moves_its_own_contribution_most(data, model):
    X, forest = data[0][:60], Forest.of(model)
    for feature in (0, 2):
        poisoned = X.copy()
        poisoned[:, feature] = -poisoned[:, feature]
        before, after = (forest_contributions(forest, rows)[0] for rows in (X, poisoned))
        change = np.abs(after - before).mean(axis=0)
        assert change.argmax() == feature
        assert change[feature] > 2 * np.delete(change, feature).max()


def test_shares_of_rows_come_back_from_the_means_of_nodes(model):
    forest, share = Forest.of(model), []
    for one in model.estimators_:
        tree, of_parent = one.tree_, np.ones(one.tree_.node_count)
        inner = np.flatnonzero(tree.children_left >= 0)
        for child in (tree.children_left, tree.children_right):
            cover = tree.weighted_n_node_samples
            of_parent[child[inner]] = cover[child[inner]] / cover[inner]
        share.append(of_parent)
    np.testing.assert_allclose(_shares(forest), np.concatenate(share), atol=1e-8)


def test_a_tree_without_splits_adds_nothing(data):
    X, y, _ = data
    stump = RandomForestRegressor(n_estimators=2, max_depth=1, min_samples_leaf=200, random_state=0)
    values, mean = forest_contributions(Forest.of(stump.fit(X, y)), X)
    assert not values.any()
    np.testing.assert_allclose(mean, stump.predict(X))


@pytest.mark.parametrize("rounds", [0, 3])
@pytest.mark.parametrize("objective", ["reg:squarederror", "rank:ndcg"])
def test_contributions_of_boosted_trees_sum_to_their_scores(data, rounds, objective):
    X, y, _ = data
    season = np.array(["2020-21", "2021-22", "2022-23"], dtype=object).repeat(100)
    config = XgbConfig(
        n_estimators=30, max_depth=3, learning_rate=0.3, min_child_weight=1.0, subsample=1.0,
        colsample_bytree=1.0, reg_lambda=1.0, reg_alpha=0.0, early_stopping_rounds=rounds,
        objective=objective,
    )  # fmt: skip
    model = fit_xgb(X, y, season, np.arange(15).repeat(20), config, 1)
    values, rest = xgb_contributions(model, X)
    np.testing.assert_allclose(values.sum(axis=1) + rest, model.predict(X), atol=1e-12)
    # The rest is the same for all rows but for rounding: nothing of the trees is left in it.
    assert np.ptp(rest) < 1e-4
    assert np.abs(values[:, 0]).mean() > 3 * np.abs(values[:, 3]).mean()
