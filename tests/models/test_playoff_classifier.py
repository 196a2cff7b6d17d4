from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import CloneConfig
from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets
from nba_rank.models.playoff_classifier import (
    Cases,
    PlayoffClassifier,
    berth_gaps,
    made_playoffs,
)
from nba_rank.samples.dataset import PROGRESS, Dataset

SEASONS = [f"20{year}-{year + 1}" for year in range(14, 20)]
TRAIN, VALIDATION, TEST = SEASONS[:4], SEASONS[4], SEASONS[5]
COLUMNS = [PROGRESS, "rating", "noise"]
N_DATES = 8
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


def dataset(frame, X, columns=COLUMNS):
    """A dataset without players."""
    nobody = PlayerSets(
        frame=frame.iloc[:0],
        player_id=np.zeros((0, 1), dtype=np.int64),
        minutes_share=np.zeros((0, 1), dtype=np.float32),
        stats=np.zeros((0, 1, 1), dtype=np.float32),
        columns=["nothing"],
        dates_left_out=0,
    )
    return Dataset(frame, list(columns), np.asarray(X, dtype=np.float32), nobody, pd.DataFrame())


@pytest.fixture(scope="module")
def results():
    """Two conferences of fifteen teams; eight of each make the playoffs."""
    rng = np.random.default_rng(0)
    frames = []
    for season in SEASONS:
        strength = rng.normal(size=30)
        place = np.concatenate([strength[:15].argsort()[::-1].argsort(),
                                strength[15:].argsort()[::-1].argsort()])  # fmt: skip
        frames.append(
            pd.DataFrame(
                {
                    "season": season,
                    "team_id": np.arange(1, 31),
                    "made_playoffs": place < 8,
                    "rounds_won": 0,
                    "strength": strength,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def data(results):
    """What is known of their strength by date; one conference is stronger in every season."""
    rng = np.random.default_rng(1)
    frame = results[["season", "team_id", "strength"]].merge(
        pd.DataFrame({"as_of_date": pd.date_range("2020-01-01", periods=N_DATES)}), how="cross"
    )
    frame = frame.sort_values(["season", "as_of_date", "team_id"], ignore_index=True)
    west = frame["team_id"] > 15
    progress = (frame["as_of_date"] - frame["as_of_date"].min()).dt.days / (N_DATES - 1)
    rating = frame["strength"] + 3 * west + rng.normal(size=len(frame)) * (1 - 0.7 * progress)
    X = np.column_stack([progress, rating, rng.normal(size=len(frame))])
    X[rng.random(len(frame)) < 0.1, 1] = np.nan
    frame = frame.assign(conference=np.where(west, "West", "East")).drop(columns="strength")
    return dataset(frame, X)


@pytest.fixture(scope="module")
def cases(data, results):
    return Cases.of(data, results)


def fit(cases, config=CONFIG, seed=0, cache=None):
    sides = cases.of_seasons(TRAIN), cases.of_seasons([VALIDATION])
    return PlayoffClassifier.fit(*sides, COLUMNS, config, seed, 1, cache=cache)


@pytest.fixture(scope="module")
def fitted(cases):
    return fit(cases)


@pytest.fixture(scope="module")
def tested(cases):
    """The cases of the test season."""
    return cases.of_seasons([TEST])


def test_a_gap_is_the_distance_from_the_conference_median_on_the_date():
    frame = pd.DataFrame(
        {
            "season": "2020-21",
            "as_of_date": pd.to_datetime(["2021-01-01"] * 5 + ["2021-02-01"] * 3),
            "team_id": [1, 2, 3, 4, 5, 1, 2, 3],
            "conference": ["East", "East", "East", "West", "West", "East", "East", "East"],
        }
    )
    X = [[0.2, 3], [0.2, 7], [0.2, 4], [0.2, 10], [0.2, 20], [0.5, 1], [0.5, np.nan], [0.5, 2]]
    gaps = berth_gaps(dataset(frame, X, [PROGRESS, "wins"]))
    assert gaps.dtype == np.float32
    expected = [[0.2, -1], [0.2, 3], [0.2, 0], [0.2, -5], [0.2, 5],
                [0.5, -0.5], [0.5, np.nan], [0.5, 0.5]]  # fmt: skip
    np.testing.assert_array_equal(gaps, np.array(expected, dtype=np.float32))


def test_teams_that_make_the_playoffs_are_told_from_others(data, fitted, tested):
    p = fitted.predict_proba(tested.X)
    assert ((p >= 0) & (p <= 1)).all()
    assert p[tested.made].mean() - p[~tested.made].mean() > 0.3
    rows = data.of_seasons([TEST])
    late = rows.X[:, 0] == 1
    assert ((p[late] > 0.5) == tested.made[late]).mean() > 0.8
    # The stronger conference gets no more playoff teams.
    expected = rows.frame.assign(p=p).groupby(["as_of_date", "conference"])["p"].sum()
    assert expected.to_numpy() == pytest.approx(8, abs=1.5)


def test_losers_of_the_play_in_have_not_made_the_playoffs():
    results = pd.DataFrame(
        {
            "season": "2022-23",
            "team_id": [1, 2, 3],
            "made_playin": [True, True, False],
            "made_playoffs": [True, False, False],
            "rounds_won": [0, 0, 0],
        }
    )
    frame = pd.DataFrame({"season": "2022-23", "team_id": [3, 2, 1, 1]})
    assert made_playoffs(frame, results).tolist() == [False, False, True, True]


def test_a_season_without_an_outcome_is_refused(results):
    frame = pd.DataFrame({"season": ["2030-31"], "team_id": [1]})
    with pytest.raises(ValueError, match=r"nobody knows yet .*2030-31"):
        made_playoffs(frame, results)


def test_each_date_counts_alike(results):
    # In the second season the league has two teams fewer.
    frame = pd.DataFrame(
        {
            "season": [SEASONS[0]] * 4 + [SEASONS[1]] * 2,
            "as_of_date": pd.Timestamp("2015-01-01"),
            "team_id": [1, 2, 3, 4, 1, 2],
            "conference": "East",
        }
    )
    cases = Cases.of(dataset(frame, np.zeros((6, 3))), results)
    assert cases.weight.tolist() == [0.25] * 4 + [0.5] * 2


@pytest.mark.parametrize(
    "knob",
    [
        {"n_estimators": 5},
        {"max_depth": 1},
        {"learning_rate": 0.03},
        {"min_child_weight": 60.0},
        {"subsample": 0.4},
        {"colsample_bytree": 0.4},
        {"reg_lambda": 100.0},
        {"reg_alpha": 5.0},
        {"early_stopping_rounds": 1},
    ],
    ids=lambda knob: next(iter(knob)),
)
def test_every_knob_changes_the_forecasts(cases, fitted, tested, knob):
    other = fit(cases, replace(CONFIG, **knob)).predict_proba(tested.X)
    assert np.abs(fitted.predict_proba(tested.X) - other).max() > 1e-4


def altered(cases, seasons):
    """The cases with other features and outcomes in some seasons."""
    rng = np.random.default_rng(5)
    rows = np.isin(cases.season, seasons)
    X, made = cases.X.copy(), cases.made.copy()
    X[rows] = rng.normal(size=X[rows].shape)
    made[rows] = rng.random(rows.sum()) < 0.5
    return replace(cases, X=X, made=made)


def test_early_stopping_sees_the_validation_season_and_the_trees_do_not(cases, fitted, tested):
    assert 1 < fitted.n_trees < CONFIG.n_estimators
    # Another validation season may stop the trees elsewhere, but they are the same trees.
    other = fit(altered(cases, [VALIDATION]))
    assert other.n_trees < fitted.n_trees
    expected = fitted.trees.predict_proba(tested.X, iteration_range=(0, other.n_trees))[:, 1]
    assert np.array_equal(other.predict_proba(tested.X), expected)


def test_poisoned_later_seasons_do_not_change_an_earlier_forecast(data, results):
    def earlier(data, results):
        cases = Cases.of(data, results)
        sides = cases.of_seasons(SEASONS[:2]), cases.of_seasons([SEASONS[2]])
        fitted = PlayoffClassifier.fit(*sides, COLUMNS, CONFIG, 0, 1)
        return fitted.forecast(data.of_seasons([SEASONS[3]]))

    later = data.season > SEASONS[3]
    poisoned = replace(data, X=np.where(later[:, None], np.float32(1e6), data.X))
    turned = results["made_playoffs"] ^ (results["season"] >= SEASONS[3])
    other = results.assign(made_playoffs=turned)
    assert np.array_equal(earlier(poisoned, other), earlier(data, results))


def test_a_classifier_reloads_and_forecasts_the_same(data, fitted, tested, tmp_path):
    fitted.save(tmp_path / "clone")
    again = PlayoffClassifier.load(tmp_path / "clone")
    assert (again.columns, again.n_trees) == (fitted.columns, fitted.n_trees)
    got = again.forecast(data.of_seasons([TEST]))
    assert np.array_equal(got, fitted.predict_proba(tested.X))
    with pytest.raises(UserError, match="no playoff classifier in"):
        PlayoffClassifier.load(tmp_path)
    with pytest.raises(ValueError, match="noise"):
        fitted.forecast(data.keeping([PROGRESS, "rating"]))


def test_the_same_fit_is_not_made_twice_and_another_seed_forecasts_otherwise(
    cases, tested, tmp_path
):
    first, again = (fit(cases, cache=tmp_path).predict_proba(tested.X) for _ in range(2))
    assert np.array_equal(again, first)
    assert len(list(tmp_path.glob("playoff_classifier_*"))) == 1
    assert np.array_equal(fit(cases).predict_proba(tested.X), first)
    assert not np.array_equal(fit(cases, seed=1, cache=tmp_path).predict_proba(tested.X), first)
    fit(altered(cases, [VALIDATION]), cache=tmp_path)
    assert len(list(tmp_path.glob("playoff_classifier_*"))) == 3


@pytest.mark.parametrize(("seasons", "name"), [(TRAIN, "training"), ([VALIDATION], "validation")])
def test_seasons_in_which_all_end_alike_are_refused(cases, seasons, name):
    made = cases.made & ~np.isin(cases.season, seasons)
    with pytest.raises(UserError, match=f"the {name} seasons hold"):
        fit(replace(cases, made=made))
