from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from nba_rank.config.schema import ModelAConfig
from nba_rank.experiments.variants import (
    VARIANTS,
    Variant,
    known_prior,
    score_test_seasons,
    scoring_only,
)
from nba_rank.features.store import KEY, FeatureStore
from nba_rank.models.model_a.inputs import Inputs
from nba_rank.samples.dataset import PROGRESS, Dataset
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

SEASONS = ["2019-20", "2020-21", "2021-22"]
PLAN = FoldPlan(
    [Fit(season, SEASONS[:i], [season]) for i, season in enumerate(SEASONS) if i],
    [TestPart(SEASONS[2], SEASONS[2:], SEASONS[1:2])],
)
COLUMNS = ["impact_rating", "usage_last_season", "plus_minus_share_10", "expected_minutes"]
PRIOR = ["elo_rating", "full_strength"]
FULL = Variant(words="everything")


@pytest.fixture(scope="module")
def data(make_sets, make_prior) -> Dataset:
    """Three made-up seasons whose columns have names that the variants take out."""
    sets, relevance = make_sets(SEASONS)
    known = make_prior(sets, relevance).set_axis([*PRIOR, PROGRESS], axis=1)
    store = pd.concat([sets.frame, known], axis=1)
    goals = sets.frame[["season", "team_id"]].assign(relevance=relevance)
    return Dataset.of(
        FeatureStore(store, [*PRIOR, PROGRESS], {}),
        replace(sets, columns=COLUMNS),
        goals.groupby(["season", "team_id"], as_index=False)["relevance"].mean(),
    )


@pytest.fixture(scope="module")
def config(compose_as_is):
    """The config of a small full model A."""
    return scoring_only(
        compose_as_is(
            "paths.members=null",
            "trainer=cpu",
            "trainer.max_epochs=2",
            "trainer.num_threads=1",
            f"model.model_a.team_prior=[{','.join(PRIOR)}]",
            "model.model_a.embedding_dim=3",
            "model.model_a.encoder_dims=[12,8]",
            "model.model_a.attention.n_heads=2",
            "model.model_a.learning_rate=0.01",
            "model.model_a.lists_per_batch=4",
            "model.model_a.n_seeds=2",
        )
    )


def scores_of(variant, config, data, on_epoch=lambda: None):
    changed, own = variant.config(config), variant.data(data)
    return score_test_seasons(changed, own, PLAN, np.random.SeedSequence(5), on_epoch)


@pytest.fixture(scope="module")
def scores(config, data) -> dict[str, pd.DataFrame]:
    """The test scores of the full model and every variant."""
    variants = {"full": FULL, **VARIANTS}
    return {name: scores_of(variant, config, data) for name, variant in variants.items()}


# What the variants are.


def test_no_two_variants_and_no_variant_and_the_full_model_score_alike(scores):
    for (one, first), (other, second) in combinations(scores.items(), 2):
        same = np.allclose(first["score"], second["score"], rtol=0, atol=1e-4)
        assert not same, f"{one} scores as {other} does"


def test_only_the_test_season_is_scored_and_every_team_of_it(scores, data):
    tested = data.frame[data.frame["season"].isin(SEASONS[2:])][KEY].reset_index(drop=True)
    for found in scores.values():
        assert list(found.columns) == [*KEY, "score"]
        pd.testing.assert_frame_equal(found[KEY], tested)
        assert np.isfinite(found["score"]).all()


def test_the_full_model_is_scored_alike_each_time(scores, config, data):
    pd.testing.assert_frame_equal(scores_of(FULL, config, data), scores["full"])


def test_a_seasons_own_outcome_does_not_matter(scores, config, data):
    last = data.relevance["season"] == SEASONS[-1]
    turned = data.relevance["relevance"].where(~last, 1 - data.relevance["relevance"])
    spoiled = replace(data, relevance=data.relevance.assign(relevance=turned))
    pd.testing.assert_frame_equal(scores_of(FULL, config, spoiled), scores["full"])


def test_the_team_prior_alone_orders_teams_as_its_ridge_does(scores, data):
    fit = PLAN.fits[-1]
    train, test = data.of_seasons(fit.train), data.of_seasons(fit.predict)
    inputs = Inputs.fit(train.sets, train.team_prior(PRIOR))
    known = inputs.prior.transform(train.team_prior(PRIOR))
    asked = inputs.prior.transform(test.team_prior(PRIOR))
    relevance = train.set_relevance()
    got = scores["team prior alone"]["score"].to_numpy()
    alike = []
    for alpha in (1.0, 10.0, 100.0, 1000.0):
        ridge = Ridge(alpha=alpha).fit(known, (relevance - relevance.mean()) / relevance.std())
        predicted = ridge.predict(asked)
        scale = np.ptp(got) / np.ptp(predicted)
        shifted = got - got.mean() - scale * (predicted - predicted.mean())
        alike.append(np.abs(shifted).max() < 1e-4 * np.ptp(got))
    assert sum(alike) == 1


def test_the_team_prior_alone_does_not_see_the_players(scores, config, data):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=data.sets.stats.shape).astype(np.float32)
    spoiled = replace(data, sets=replace(data.sets, stats=noise))
    variant = VARIANTS["team prior alone"]
    pd.testing.assert_frame_equal(scores_of(variant, config, spoiled), scores["team prior alone"])


def test_columns_are_taken_out_with_their_values(data):
    got = VARIANTS["without last season"].data(data).sets
    assert got.columns == ["impact_rating", "plus_minus_share_10", "expected_minutes"]
    assert np.array_equal(got.stats, data.sets.stats[..., [0, 2, 3]], equal_nan=True)
    assert got.player_id is data.sets.player_id
    assert FULL.data(data).sets.columns == data.sets.columns


def test_settings_name_fields_of_the_config():
    known = {field.name for field in fields(ModelAConfig)}
    for variant in VARIANTS.values():
        assert set(variant.settings) <= known


def test_a_variant_leaves_the_config_of_the_full_model_alone(config):
    before = repr(config)
    for variant in VARIANTS.values():
        variant.config(config)
    assert repr(config) == before


def test_epochs_are_told_one_by_one(config, data):
    told = []
    scores_of(VARIANTS["one network"], config, data, lambda: told.append(1))
    assert len(told) == len(PLAN.tests) * config.trainer.max_epochs


# What is left out.


def test_nothing_is_left_out_where_every_variant_differs(config, data):
    assert [v.left_out(config, data) for v in VARIANTS.values()] == [None] * len(VARIANTS)


@pytest.mark.parametrize(
    ("name", "changes", "columns", "why"),
    [
        ("one network", {"n_seeds": 1}, COLUMNS, "it is the full model"),
        ("without embeddings", {"embedding_dim": 0}, COLUMNS, "it is the full model"),
        ("without team prior", {"team_prior": []}, COLUMNS, "it is the full model"),
        ("team prior alone", {"team_prior": []}, COLUMNS, "the model has no team prior"),
        ("without plus-minus", {}, COLUMNS[:2], "it is the full model"),
        ("without impact ratings", {}, COLUMNS[:1], "no player column would be left"),
        ("without attention", {"pooling": "mean"}, COLUMNS, "it is the full model"),
        ("uniform weights", {"pooling": "uniform"}, COLUMNS, "it is the full model"),
        ("uniform weights", {"pooling": "mean"}, COLUMNS, None),
    ],
)
def test_a_variant_that_teaches_nothing_is_left_out_with_a_reason(
    config, data, name, changes, columns, why
):
    model_a = config.model.model_a
    settings = dict(changes)
    pooling = settings.pop("pooling", model_a.attention.pooling)
    model_a = replace(model_a, attention=replace(model_a.attention, pooling=pooling), **settings)
    given = replace(config, model=replace(config.model, model_a=model_a))
    sets = replace(data.sets, columns=columns, stats=data.sets.stats[..., : len(columns)])
    assert VARIANTS[name].left_out(given, replace(data, sets=sets)) == why


def test_a_prior_whose_groups_are_off_is_no_prior(config, data):
    off = replace(data, columns=[PROGRESS, "other_1", "other_2"])
    assert known_prior(config, data) == PRIOR
    assert known_prior(config, off) == []
    assert VARIANTS["team prior alone"].left_out(config, off) == "the model has no team prior"
    assert VARIANTS["without team prior"].left_out(config, off) == "it is the full model"


# What is not asked of a fit that only scores.


def test_scoring_only_asks_for_model_a_without_intervals_or_callbacks(compose_as_is):
    full = compose_as_is()
    bare = scoring_only(full)
    assert bare.model.members == ["model_a"]
    assert bare.model.model_a == replace(full.model.model_a, mc_dropout_samples=0)
    assert not bare.callbacks.attention_diagnostics.enabled
    assert not bare.callbacks.not_learning.enabled
    untouched = {"model", "callbacks"}
    for field in fields(full):
        same = getattr(bare, field.name) == getattr(full, field.name)
        assert same or field.name in untouched
