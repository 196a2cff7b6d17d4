import numpy as np
import pandas as pd
import pytest

from nba_rank.dataset import PROGRESS, Dataset
from nba_rank.features.store import KEY
from nba_rank.models.members import Members
from nba_rank.models.uncertainty import INTERVALS

SMALL = [
    "trainer=cpu",
    "trainer.max_epochs=2",
    "trainer.num_threads=1",
    "callbacks=quiet",
    "callbacks/not_learning=off",
    "model.model_a.team_prior=[]",
    "model.model_a.n_seeds=1",
    "model.model_a.dropout=0.1",
    "model.model_a.encoder_dims=[8]",
    "model.model_a.mc_dropout_samples=4",
    "model.xgb.n_estimators=3",
    "model.rf.n_estimators=3",
]


@pytest.fixture(scope="module")
def data(three_seasons, make_prior):
    """Three made-up seasons: a store of ratings, and player sets in another order.

    The first date of each season has no player sets.
    """
    sets, relevance = three_seasons
    store = make_prior(sets, relevance).rename(columns={"rating": "elo_rating"})
    finish = sets.frame.assign(relevance=relevance)
    finish = finish.groupby(["season", "team_id"], as_index=False)["relevance"].mean()
    first = sets.frame.groupby("season")["as_of_date"].transform("min")
    order = np.random.default_rng(0).permutation(len(relevance))
    later = order[(sets.frame["as_of_date"] > first).to_numpy()[order]]
    X = store.to_numpy(dtype=np.float32)
    return Dataset(sets.frame, list(store.columns), X, sets.take(later), finish)


def fit(data, compose, *overrides, **keywords):
    config = compose(*SMALL, *overrides)
    return Members.fit(data, config, 1, lambda: None, **keywords)


def test_each_team_and_date_gets_the_scores_of_its_own_players(data, compose):
    members = fit(data, compose)
    predicted = members.predict(data)
    assert predicted.frame[KEY].equals(data.frame[KEY])
    prior = data.set_features(members.model_a.inputs.prior.features)
    scores = members.model_a.predict(data.sets, prior)
    expected = data.sets.frame[KEY].assign(model_a=scores.score)
    got = predicted.frame.dropna(subset="model_a")[[*KEY, "model_a"]]
    sort = {"by": KEY, "ignore_index": True}
    pd.testing.assert_frame_equal(got.sort_values(**sort), expected.sort_values(**sort))
    assert np.array_equal(predicted.attention, scores.attention)
    # The dates without players.
    assert predicted.frame["model_a"].isna().sum() == len(data.frame) / 3


def test_intervals_are_columns_beside_the_scores(data, compose):
    frame = fit(data, compose).predict(data).frame
    known = frame.dropna(subset="model_a")
    low, high, best, worst = (known[name] for name in INTERVALS)
    assert (low < high).all()
    assert (best <= worst).all()
    assert frame.loc[frame["model_a"].isna(), list(INTERVALS)].isna().all(axis=None)
    quick = fit(data, compose).predict(data, with_intervals=False).frame
    pd.testing.assert_frame_equal(quick, frame.drop(columns=list(INTERVALS)))
    sure = fit(data, compose, "model.model_a.mc_dropout_samples=0").predict(data).frame
    assert set(INTERVALS).isdisjoint(sure.columns)


@pytest.mark.parametrize("with_progress", [True, False])
def test_the_team_prior_is_that_of_the_same_team_and_date(data, compose, with_progress):
    some = data
    if not with_progress:
        kept = [name for name in data.columns if name != PROGRESS]
        X = data.features(kept).to_numpy(dtype=np.float32)
        some = Dataset(data.frame, kept, X, data.sets, data.relevance)
    prior = [
        "model.model_a.team_prior=[elo_rating,full_strength]",
        "model.model_a.learning_rate=1e-8",
    ]
    members = fit(some, compose, *prior)
    moving = ["elo_rating_by_progress", "full_strength_by_progress"] if with_progress else []
    assert members.model_a.inputs.prior.columns == ["elo_rating", "full_strength", *moving]
    # Untrained, the score is the skip's: it follows the rating of the right row.
    frame = members.predict(some).frame.assign(rating=some.features(["elo_rating"])["elo_rating"])
    assert frame["model_a"].corr(frame["rating"], method="spearman") > 0.95


def test_a_team_prior_whose_group_is_off_is_left_out(data, compose):
    members = fit(data, compose, "model.model_a.team_prior=[elo_rating,massey_rating]")
    assert set(members.model_a.inputs.prior.columns) == {"elo_rating", "elo_rating_by_progress"}
    alone = fit(data, compose, "model.model_a.team_prior=[massey_rating]")
    assert alone.model_a.inputs.prior.columns == []


def test_saved_members_score_identically(data, compose, tmp_path):
    members = fit(data, compose, "model.model_a.team_prior=[elo_rating]", "model.model_a.n_seeds=2")
    members.save(tmp_path)
    expected, got = members.predict(data), Members.load(tmp_path).predict(data)
    pd.testing.assert_frame_equal(got.frame, expected.frame, check_exact=True)
    assert np.array_equal(got.attention, expected.attention)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "features.json", "model_a_0.ckpt", "model_a_1.ckpt", "rf.joblib", "xgb.ubj",
    }  # fmt: skip


def test_members_without_model_a_write_no_network(data, compose, tmp_path):
    fit(data, compose, "model=xgb").save(tmp_path)
    assert Members.load(tmp_path).names == ["xgb"]
    assert list(tmp_path.glob("*.ckpt")) == []


def test_loggers_are_made_for_each_network(data, compose):
    numbers = []

    def no_loggers(network):
        numbers.append(network)
        return []

    fit(data, compose, "model.model_a.n_seeds=3", logger_factory=no_loggers)
    assert numbers == [0, 1, 2]
