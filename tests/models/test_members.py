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
from nba_rank.models.model_a import fit as fit_module
from nba_rank.models.model_a.loggers import model_loggers
from nba_rank.models.model_a.uncertainty import INTERVALS
from nba_rank.samples.dataset import PROGRESS

PRIOR = "model.model_a.team_prior"


@pytest.fixture(scope="module")
def fit(data, small_config, changed):
    """Fits the members: `fit(changes, data, seed=1, **keywords of Members.fit)`."""

    def run(changes, data=data, seed=1, on_epoch=lambda: None, **keywords):
        return Members.fit(data, changed(small_config, changes), seed, on_epoch, **keywords)

    return run


@pytest.fixture(scope="module")
def members(fit):
    """Members with two networks and a team prior; not to be altered."""
    return fit({PRIOR: ["elo_rating"], "model.model_a.n_seeds": 2})


def same(one, other):
    pd.testing.assert_frame_equal(one.frame, other.frame, check_exact=True)
    assert np.array_equal(one.attention, other.attention)


def test_each_team_and_date_gets_the_scores_and_intervals_of_its_own_players(data, members):
    predicted = members.predict(data)
    frame = predicted.frame
    assert frame[KEY].equals(data.frame[KEY])
    prior = data.set_features(members.model_a.inputs.prior.features)
    scores = members.model_a.predict(data.sets, prior)
    expected = data.sets.frame[KEY].assign(model_a=scores.score)
    known = frame.dropna(subset="model_a")
    sort = {"by": KEY, "ignore_index": True}
    got = known[[*KEY, "model_a"]]
    pd.testing.assert_frame_equal(got.sort_values(**sort), expected.sort_values(**sort))
    assert np.array_equal(predicted.attention, scores.attention)
    low, high, best, worst = (known[name] for name in INTERVALS)
    assert (low < high).all()
    assert (best <= worst).all()
    # The dates without players.
    unknown = frame["model_a"].isna()
    assert unknown.sum() == len(data.frame) / 3
    assert frame.loc[unknown, list(INTERVALS)].isna().all(axis=None)
    quick = members.predict(data, with_intervals=False).frame
    pd.testing.assert_frame_equal(quick, frame.drop(columns=list(INTERVALS)))


def test_the_team_prior_is_that_of_the_same_team_and_date(data, fit):
    of_a_group_that_is_off = "massey_rating"
    prior = ["elo_rating", "full_strength", of_a_group_that_is_off]
    members = fit({PRIOR: prior, "model.model_a.learning_rate": 1e-8})
    assert members.model_a.inputs.prior.features == ["elo_rating", "full_strength", PROGRESS]
    # Untrained, the score is the skip's: it follows the rating of the right row.
    rating = data.features(["elo_rating"])["elo_rating"]
    assert members.predict(data).frame["model_a"].corr(rating, method="spearman") > 0.95


def test_saved_members_score_identically(data, members, tmp_path):
    members.save(tmp_path)
    same(Members.load(tmp_path).predict(data), members.predict(data))
    assert {path.name for path in tmp_path.iterdir()} == {
        "features.json", "model_a.json", "model_a_0.ckpt", "model_a_1.ckpt", "rf.npz", "xgb.ubj",
    }  # fmt: skip
    replace(members, model_a=None, rf=None).save(tmp_path / "xgb")
    assert Members.load(tmp_path / "xgb").names == ["xgb"]
    assert {path.name for path in (tmp_path / "xgb").iterdir()} == {"features.json", "xgb.ubj"}


@pytest.fixture
def cached(fit, tmp_path):
    """Fits as `fit`, with a team prior and a cache: `cached(changes={}, ...)`."""
    common = {"paths.members": str(tmp_path / "members"), PRIOR: ["elo_rating"]}

    return lambda changes=None, **keywords: fit(common | (changes or {}), **keywords)


@pytest.fixture
def fitted_anew(members, monkeypatch):
    """Names of the members that are fitted rather than taken from the cache, in order.

    Instead of a fit, the members fitted before are returned.
    """
    names = []
    for name in MEMBERS:

        def fit(*_, name=name, **__):
            names.append(name)
            return getattr(members, name)

        place = fit_module if name == "model_a" else members_module
        monkeypatch.setattr(place, f"fit_{name}", fit)
    return names


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
    ("change", "again"),
    [
        ("relevance", list(MEMBERS)),
        ("stats", ["model_a"]),
        ("elo_rating", list(MEMBERS)),
        ("full_strength", ["xgb", "rf"]),
        ("seed", list(MEMBERS)),
        ({"model.model_a.learning_rate": 0.02}, ["model_a"]),
        ({"model.model_a.attention.temperature": 2.0}, ["model_a"]),
        ({PRIOR: []}, ["model_a"]),
        ({"callbacks.early_stopping_patience": 1}, ["model_a"]),
        ({"callbacks.attention_diagnostics.enabled": False}, ["model_a"]),
        ({"callbacks.not_learning.enabled": True}, ["model_a"]),
        ({"trainer.max_epochs": 1}, ["model_a"]),
        ({"trainer.gradient_clip_val": 0.5}, ["model_a"]),
        ({"trainer.num_threads": 2}, []),
        ({"model.xgb.max_depth": 2}, ["xgb"]),
        ({"model.rf.max_depth": 2}, ["rf"]),
        ({"model.members": ["xgb", "rf"]}, []),
        ({PRIOR: ["elo_rating", "massey_rating"]}, []),  # a feature of a group that is off
        ({"model.model_a.mc_dropout_samples": 9}, []),
        ({"model.stack.alphas": [1.0]}, []),
        ({"odds.name": "none"}, []),
    ],
)
def test_a_change_refits_only_the_members_that_read_it(data, cached, fitted_anew, change, again):
    cached()
    fitted_anew.clear()
    if isinstance(change, dict):
        cached(change)
    elif change == "seed":
        cached(seed=2)
    else:
        cached(data=altered(data, change))
    assert fitted_anew == again


def test_cached_networks_score_with_the_settings_asked_for(data, cached):
    cached()
    sure = cached({"model.model_a.mc_dropout_samples": 0})
    assert set(INTERVALS).isdisjoint(sure.predict(data).frame.columns)


def test_cached_members_score_report_and_log_as_those_that_were_fitted(
    data, cached, tmp_path, monkeypatch
):
    fitted, reported = [], []
    for run in ("first", "second"):
        epochs = []
        members = cached(
            {"model.model_a.n_seeds": 2},
            on_epoch=partial(epochs.append, 1),
            logger_factory=partial(model_loggers, LoggerConfig(name="csv"), tmp_path / run),
        )
        fitted.append(members)
        reported.append(epochs)
        for name in MEMBERS:
            place = fit_module if name == "model_a" else members_module
            monkeypatch.setattr(place, f"fit_{name}", lambda *_, **__: pytest.fail("fitted anew"))
    one, other = fitted
    same(other.predict(data), one.predict(data))
    for frame in ("losses", "diagnostics"):
        got, expected = (getattr(members.model_a, frame) for members in (other, one))
        pd.testing.assert_frame_equal(got, expected, check_exact=True)
    assert reported[0] == reported[1] != []
    first, second = tmp_path / "first", tmp_path / "second"
    files = sorted(path.relative_to(first) for path in first.rglob("*.*"))
    assert len(files) == 4
    for file in files:
        assert (second / file).read_text() == (first / file).read_text()


def test_debugging_the_attention_trains_again(cached, fitted_anew):
    for _ in range(2):
        cached({"callbacks.attention_diagnostics.attention_debug": True,
                "callbacks.attention_diagnostics.enabled": True})  # fmt: skip
    assert fitted_anew == [*MEMBERS, "model_a"]


def test_scores_of_model_a_are_cached_by_its_networks_and_inputs(
    data, fit, members, tmp_path, monkeypatch
):
    kept = partial(members.predict, cache=tmp_path)
    expected, quick = members.predict(data), members.predict(data, with_intervals=False)
    for _ in range(2):
        same(kept(data), expected)
        same(kept(data, with_intervals=False), quick)
        monkeypatch.setattr(type(members.model_a), "predict", lambda *_, **__: pytest.fail("anew"))
    monkeypatch.undo()
    for what in ("stats", "elo_rating"):
        same(kept(altered(data, what)), members.predict(altered(data, what)))
    other = fit({PRIOR: ["elo_rating"], "model.model_a.learning_rate": 0.02})
    same(other.predict(data, cache=tmp_path), other.predict(data))
    assert not kept(data).frame["model_a"].equals(other.predict(data).frame["model_a"])
