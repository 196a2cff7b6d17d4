from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import LoggerConfig
from nba_rank.core.names import MEMBERS
from nba_rank.features.store import KEY
from nba_rank.models import members as members_module
from nba_rank.models.members import Members
from nba_rank.models.model_a.loggers import model_loggers
from nba_rank.models.model_a.uncertainty import INTERVALS
from nba_rank.samples.dataset import PROGRESS, Dataset

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
    columns = ["elo_rating", "full_strength", "full_strength_unknown"]
    moving = [f"{name}_by_progress" for name in columns if with_progress]
    assert members.model_a.inputs.prior.columns == [*columns, *moving]
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
    folder = tmp_path / "saved"
    members.save(folder)
    expected, got = members.predict(data), Members.load(folder).predict(data)
    pd.testing.assert_frame_equal(got.frame, expected.frame, check_exact=True)
    assert np.array_equal(got.attention, expected.attention)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "features.json", "model_a.json", "model_a_0.ckpt", "model_a_1.ckpt", "rf.npz", "xgb.ubj",
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


# What has been fitted before.

FITS = {"model_a": "fit_model_a", "xgb": "fit_xgb", "rf": "fit_rf"}


@pytest.fixture
def fitted_anew(monkeypatch):
    """Names of the members that are fitted rather than taken from the cache, in order."""
    names = []

    def watch(name, original):
        def run(*args, **kwargs):
            names.append(name)
            return original(*args, **kwargs)

        return run

    for name, function in FITS.items():
        original = getattr(members_module, function)
        monkeypatch.setattr(members_module, function, watch(name, original))
    return names


def same(one, other):
    pd.testing.assert_frame_equal(one.frame, other.frame, check_exact=True)
    assert np.array_equal(one.attention, other.attention)


def test_members_from_the_cache_score_identically(data, compose, fitted_anew):
    knobs = ["model.model_a.n_seeds=2", "model.model_a.team_prior=[elo_rating]"]
    first, second = fit(data, compose, *knobs), fit(data, compose, *knobs)
    assert fitted_anew == list(MEMBERS)
    expected = first.predict(data)
    same(second.predict(data), expected)
    same(fit(data, compose, *knobs, "paths.members=null").predict(data), expected)
    assert fitted_anew == 2 * list(MEMBERS)
    for frame in ("losses", "diagnostics"):
        got = getattr(second.model_a, frame)
        pd.testing.assert_frame_equal(got, getattr(first.model_a, frame), check_exact=True)


def test_another_seed_fits_every_member_anew(data, compose, fitted_anew):
    config = compose(*SMALL)
    for seed in (1, 2, 1):
        Members.fit(data, config, seed, lambda: None)
    assert fitted_anew == 2 * list(MEMBERS)


@pytest.mark.parametrize(
    ("override", "again"),
    [
        ("model.model_a.learning_rate=0.02", ["model_a"]),
        ("model.model_a.attention.temperature=2.0", ["model_a"]),
        ("model.model_a.team_prior=[elo_rating]", ["model_a"]),
        ("callbacks.early_stopping_patience=1", ["model_a"]),
        ("callbacks/attention_diagnostics=off", ["model_a"]),
        ("callbacks/not_learning=on", ["model_a"]),
        ("trainer.max_epochs=1", ["model_a"]),
        ("trainer.gradient_clip_val=0.5", ["model_a"]),
        ("trainer.num_threads=2", []),
        ("model.xgb.max_depth=2", ["xgb"]),
        ("model.rf.max_depth=2", ["rf"]),
        ("model.members=[xgb,rf]", []),
        ("model.model_a.team_prior=[massey_rating]", []),
        ("model.model_a.mc_dropout_samples=9", []),
        ("model.stack.alphas=[1.0]", []),
        ("odds=none", []),
    ],
)
def test_a_change_of_the_config_fits_anew_whom_it_concerns(
    data, compose, fitted_anew, override, again
):
    fit(data, compose)
    fitted_anew.clear()
    fit(data, compose, override)
    assert fitted_anew == again


def altered(data, what):
    """The data with one value changed."""
    if what == "relevance":
        turned = data.relevance["relevance"].to_numpy()[::-1]
        return replace(data, relevance=data.relevance.assign(relevance=turned))
    if what == "stats":
        stats = data.sets.stats.copy()
        stats[0, 0, 0] += 1
        return replace(data, sets=replace(data.sets, stats=stats))
    X = data.X.copy()
    X[-1, data.columns.index(what)] += 1
    return replace(data, X=X)


@pytest.mark.parametrize(
    ("what", "again"),
    [
        ("relevance", list(MEMBERS)),
        ("stats", ["model_a"]),
        ("elo_rating", list(MEMBERS)),
        ("full_strength", ["xgb", "rf"]),
    ],
)
def test_changed_data_fits_anew_whom_it_concerns(data, compose, fitted_anew, what, again):
    prior = "model.model_a.team_prior=[elo_rating]"
    fit(data, compose, prior)
    fitted_anew.clear()
    fit(altered(data, what), compose, prior)
    assert fitted_anew == again


def test_settings_that_only_scoring_reads_are_those_asked_for(data, compose, fitted_anew):
    fit(data, compose)
    sure = fit(data, compose, "model.model_a.mc_dropout_samples=0")
    assert fitted_anew == list(MEMBERS)
    assert set(INTERVALS).isdisjoint(sure.predict(data).frame.columns)
    (network,) = sure.model_a.networks
    assert network.hparams["config"]["mc_dropout_samples"] == 0


@pytest.mark.parametrize("patience", [0, 1])
def test_a_cached_training_is_told_and_logged_as_if_it_had_just_been(
    data, compose, fitted_anew, tmp_path, patience
):
    knobs = ["model.model_a.n_seeds=2", f"callbacks.early_stopping_patience={patience}"]
    told = []
    for run in ("first", "second"):
        epochs = []
        Members.fit(
            data,
            compose(*SMALL, *knobs),
            1,
            lambda epochs=epochs: epochs.append(1),
            logger_factory=partial(model_loggers, LoggerConfig(name="csv"), tmp_path / run),
        )
        told.append(epochs)
    assert fitted_anew == list(MEMBERS)
    assert told[0] == told[1] != []
    files = sorted(
        path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.*")
    )
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "second" / file).read_text() == (tmp_path / "first" / file).read_text()


def test_who_wants_to_see_the_training_sees_one(data, compose, fitted_anew):
    watch = "callbacks.attention_diagnostics.attention_debug=true"
    for _ in range(2):
        fit(data, compose, watch)
    assert fitted_anew == [*MEMBERS, "model_a"]


def test_scores_of_model_a_are_kept_and_those_of_others_are_their_own(
    data, compose, tmp_path, monkeypatch
):
    members = fit(data, compose, "model.model_a.team_prior=[elo_rating]")
    kept = partial(members.predict, cache=tmp_path / "scores")
    expected, quick = members.predict(data), members.predict(data, with_intervals=False)
    for _ in range(2):
        same(kept(data), expected)
        same(kept(data, with_intervals=False), quick)
        monkeypatch.setattr(type(members.model_a), "predict", lambda *_, **__: pytest.fail("anew"))
    monkeypatch.undo()
    for what in ("stats", "elo_rating"):
        same(kept(altered(data, what)), members.predict(altered(data, what)))
    other = fit(data, compose, "model.model_a.learning_rate=0.02")
    same(other.predict(data, cache=tmp_path / "scores"), other.predict(data))
    assert not kept(data).frame["model_a"].equals(other.predict(data).frame["model_a"])
