from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import CloneConfig
from nba_rank.core.errors import UserError
from nba_rank.models.playoff_classifier import Cases, PlayoffClassifier, berth_gaps, made_playoffs
from nba_rank.samples.dataset import PROGRESS

TRAIN, VALIDATION, TEST = "2021-22", "2022-23", "2023-24"
CONFIG = CloneConfig(
    n_estimators=120,
    max_depth=3,
    learning_rate=0.1,
    min_child_weight=1.0,
    subsample=0.8,
    colsample_bytree=0.8,
    reg_lambda=1.0,
    reg_alpha=0.0,
    early_stopping_rounds=10,
)


@pytest.fixture(scope="module")
def cases(sim_data, sim_results):
    return Cases.of(sim_data, sim_results)


@pytest.fixture(scope="module")
def fit(cases, sim_data):
    """Fits a classifier: `fit(cases, config, seed=0, cache=None)`."""

    def run(cases=cases, config=CONFIG, seed=0, cache=None):
        sides = (cases.of_seasons([season]) for season in (TRAIN, VALIDATION))
        return PlayoffClassifier.fit(*sides, sim_data.columns, config, seed, 1, cache=cache)

    return run


@pytest.fixture(scope="module")
def fitted(fit):
    return fit()


@pytest.fixture(scope="module")
def tested(cases):
    """The cases of the test season."""
    return cases.of_seasons([TEST])


def rows(sim_data, frame, X, columns):
    """A dataset of a few rows."""
    return replace(sim_data, frame=frame, X=np.array(X, dtype=np.float32), columns=columns)


def altered(cases, season):
    """The cases with other features and outcomes in a season."""
    rng = np.random.default_rng(5)
    other = cases.season == season
    X = np.where(other[:, None], rng.normal(size=cases.X.shape), cases.X)
    made = np.where(other, rng.random(len(other)) < 0.5, cases.made)
    return replace(cases, X=X.astype(np.float32), made=made)


def test_a_gap_is_the_distance_from_the_conference_median_on_the_date(sim_data):
    frame = pd.DataFrame(
        {
            "season": "2020-21",
            "as_of_date": pd.to_datetime(["2021-01-01"] * 5 + ["2021-02-01"] * 3),
            "team_id": [1, 2, 3, 4, 5, 1, 2, 3],
            "conference": ["East", "East", "East", "West", "West", "East", "East", "East"],
        }
    )
    X = [[0.2, 3], [0.2, 7], [0.2, 4], [0.2, 10], [0.2, 20], [0.5, 1], [0.5, np.nan], [0.5, 2]]
    gaps = berth_gaps(rows(sim_data, frame, X, [PROGRESS, "wins"]))
    assert gaps.dtype == np.float32
    expected = [[0.2, -1], [0.2, 3], [0.2, 0], [0.2, -5], [0.2, 5],
                [0.5, -0.5], [0.5, np.nan], [0.5, 0.5]]  # fmt: skip
    np.testing.assert_array_equal(gaps, np.array(expected, dtype=np.float32))


def test_the_16_of_the_bracket_made_the_playoffs_and_losers_of_the_play_in_did_not(sim_results):
    frame = sim_results[["season", "team_id"]][::-1]
    expected = (sim_results["outcome_rank"] <= 16).to_numpy()[::-1]
    assert np.array_equal(made_playoffs(frame, sim_results), expected)
    assert sim_results["made_playin"].sum() > 0
    with pytest.raises(ValueError, match=r"nobody knows yet .*2030-31"):
        made_playoffs(frame.assign(season="2030-31"), sim_results)


def test_each_date_counts_alike(sim_data, sim_results):
    # In the second season the league has two teams fewer.
    frame = sim_results.groupby("season").head(4)[["season", "team_id"]].iloc[:6]
    frame = frame.assign(as_of_date=pd.Timestamp("2015-01-01"), conference="East")
    cases = Cases.of(rows(sim_data, frame, np.zeros((6, 3)), sim_data.columns), sim_results)
    assert cases.weight.tolist() == [0.25] * 4 + [0.5] * 2


def test_forecasts_tell_playoff_teams_from_others(fitted, tested):
    p = fitted.predict_proba(tested.X)
    assert ((p >= 0) & (p <= 1)).all()
    late = tested.X[:, 0] == 1
    assert ((p[late] > 0.5) == tested.made[late]).mean() > 0.8


def test_the_config_reaches_the_trees(fit, fitted, tested):
    other = fit(config=replace(CONFIG, max_depth=1)).predict_proba(tested.X)
    assert np.abs(fitted.predict_proba(tested.X) - other).max() > 1e-4


def test_early_stopping_sees_the_validation_season_and_the_trees_do_not(cases, fit, fitted, tested):
    assert 1 < fitted.n_trees < CONFIG.n_estimators
    # Another validation season may stop the trees elsewhere, but they are the same trees.
    other = fit(altered(cases, VALIDATION))
    assert other.n_trees < fitted.n_trees
    expected = fitted.trees.predict_proba(tested.X, iteration_range=(0, other.n_trees))[:, 1]
    assert np.array_equal(other.predict_proba(tested.X), expected)


def test_a_forecast_ignores_later_dates_and_the_outcome(fit, sim_data, sim_results):
    day = pd.Timestamp("2024-01-15")
    known = (sim_data.frame["as_of_date"] < day).to_numpy()

    def forecast(data, results):
        return fit(Cases.of(data, results)).forecast(data.of_seasons([TEST]))

    poisoned = replace(sim_data, X=np.where(known[:, None], sim_data.X, np.float32(1e6)))
    turned = sim_results["made_playoffs"] ^ (sim_results["season"] == TEST)
    got = forecast(poisoned, sim_results.assign(made_playoffs=turned))
    early = known[sim_data.season == TEST]
    assert early.any()
    assert np.array_equal(got[early], forecast(sim_data, sim_results)[early])


def test_a_classifier_reloads_and_forecasts_the_same(sim_data, fitted, tested, tmp_path):
    fitted.save(tmp_path / "clone")
    again = PlayoffClassifier.load(tmp_path / "clone")
    assert (again.columns, again.n_trees) == (fitted.columns, fitted.n_trees)
    got = again.forecast(sim_data.of_seasons([TEST]))
    assert np.array_equal(got, fitted.predict_proba(tested.X))
    with pytest.raises(UserError, match="no playoff classifier in"):
        PlayoffClassifier.load(tmp_path)
    with pytest.raises(ValueError, match="margin_rating"):
        fitted.forecast(sim_data.keeping([PROGRESS, "elo_margin"]))


def test_a_cached_fit_is_used_for_the_same_cases_and_seed_alone(
    cases, fit, fitted, tested, tmp_path
):
    found = [
        fit(cases, cache=tmp_path),
        fit(cases, cache=tmp_path),
        fit(cases, seed=1, cache=tmp_path),
        fit(altered(cases, VALIDATION), cache=tmp_path),
    ]
    first, again, *others = (one.predict_proba(tested.X) for one in found)
    assert len(list(tmp_path.glob("playoff_classifier_*"))) == 3
    assert np.array_equal(first, fitted.predict_proba(tested.X))
    assert np.array_equal(again, first)
    assert not any(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize(("season", "name"), [(TRAIN, "training"), (VALIDATION, "validation")])
def test_seasons_without_playoff_teams_are_refused(cases, fit, season, name):
    with pytest.raises(UserError, match=f"the {name} seasons hold"):
        fit(replace(cases, made=cases.made & (cases.season != season)))
