from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from made_sets import made_up_prior, made_up_sets
from programs import read

from nba_rank.core.errors import ConfigError
from nba_rank.core.run_dir import read_manifest
from nba_rank.evaluation.networks import network_scores, network_summary
from nba_rank.evaluation.paired import MEAN
from nba_rank.experiments import model_a_parts
from nba_rank.experiments.ablations import Variant
from nba_rank.experiments.model_a_parts import (
    MODEL_A,
    MODEL_A_VARIANTS,
    PRIOR_ALONE,
    ROSTER,
    WHOLE,
    ablate_model_a,
    known_prior,
    model_a_ablation,
    scoring_only,
)
from nba_rank.experiments.train import train
from nba_rank.features.roster import PlayerSets
from nba_rank.features.store import KEY, FeatureStore
from nba_rank.models.oof import fit_folds
from nba_rank.samples.dataset import PROGRESS, Dataset
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

pytestmark = pytest.mark.slow  # whole programs

# The program.


def test_the_parts_of_model_a_are_taken_away_one_by_one(start, tmp_path, monkeypatch):
    kept = {name: MODEL_A_VARIANTS[name] for name in
            ("without attention", "without plus-minus", "without games")}  # fmt: skip
    monkeypatch.setattr(model_a_parts, "MODEL_A_VARIANTS", kept)
    done = start(ablate_model_a, tmp_path, "model.model_a.n_seeds=2", name="ablate_model_a")
    result, folder = done.result, done.folder
    names = [WHOLE, "without attention", "without plus-minus"]
    assert read_manifest(folder)["left_out"] == {"without games": "it is the full model"}
    tidy = read(folder, "variants.csv")
    assert tidy["variant"].unique().tolist() == names
    assert tidy["season"].unique().tolist() == ["2023-24"]
    key = ["variant", "ranker", "metric", "as_of_point", "scope"]
    values = tidy.set_index(key)["value"]
    for row in result.itertuples():
        cell = (row.ranker, row.metric, row.as_of_point, row.scope)
        assert row.difference == pytest.approx(values[(WHOLE, *cell)] - values[(row.part, *cell)])
    assert result["metric"].unique().tolist() == ["margin_error", "spearman"]
    assert (result["difference"] != 0).any()
    # Roster strength, the same beside every variant, is what the variants are held against.
    against = read(folder, "against_roster_strength.csv")
    level = against[["metric", "as_of_point", "scope", "reference_value"]].drop_duplicates()
    assert len(level) * len(names) == len(against)
    assert (against["ranker"].unique(), against["reference"].unique()) == ([MODEL_A], [ROSTER])
    assert against["part"].unique().tolist() == names
    # The average of networks is not the same as its networks.
    networks = read(folder, "networks.csv")
    assert networks[["variant", "network"]].value_counts().to_dict() == {
        (name, f"network_{number}"): 1 for name in names for number in (0, 1)
    }
    assert networks[["margin_error", "spearman", "prior_kl", "set_variance"]].notna().all(axis=None)
    text = (folder / "ANALYSIS_01.md").read_text(encoding="utf-8")
    assert "- without games: it is the full model" in text
    assert f"| without attention | {kept['without attention'].words} |" in text
    for heading in ("Against roster strength alone", "Network by network", "squared error"):
        assert heading in text
    assert "squared error of margins" in done.shown


def test_variants_may_be_chosen_by_their_names(start, tmp_path, config, data):
    words = ["only=[players exchanged,nothing]"]
    with pytest.raises(ConfigError, match=r"only=\['nothing'\] must name some of .*, players exch"):
        start(ablate_model_a, tmp_path, *words, name="ablate_model_a")
    assert not list(tmp_path.iterdir())
    assert list(model_a_ablation(config, data, ["players exchanged"]).variants) == [
        WHOLE, "players exchanged",
    ]  # fmt: skip


def test_the_whole_model_a_is_that_of_a_run(start, tmp_path, monkeypatch):
    other = dict([*MODEL_A_VARIANTS.items()][:1])
    monkeypatch.setattr(model_a_parts, "MODEL_A_VARIANTS", other)
    folder = start(ablate_model_a, tmp_path, name="ablate_model_a").folder
    own = read(folder, "variants.csv").query(
        "variant == @WHOLE and ranker == @MODEL_A and metric == 'spearman' and scope == 'league' "
        f"and as_of_point != '{MEAN}'"
    )
    metrics = start(train, tmp_path, "model=model_a").result.metrics
    rows = metrics.query("ranker == 'model_a' and scope == 'league' and metric == 'spearman'")
    assert own.set_index("as_of_point")["value"].to_dict() == pytest.approx(
        rows.set_index("as_of_point")["value"].to_dict()
    )


# The variants.

SEASONS = ["2019-20", "2020-21", "2021-22"]
PLAN = FoldPlan(
    [Fit(season, SEASONS[:i], [season]) for i, season in enumerate(SEASONS) if i],
    [TestPart(SEASONS[2], SEASONS[2:], SEASONS[1:2])],
)
COLUMNS = ["impact_rating", "usage_last_season", "plus_minus_share_10", "expected_minutes"]
PRIOR = ["elo_rating", "full_strength"]


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Three made-up seasons whose columns have names that the variants take out."""
    sets, relevance = made_up_sets(SEASONS)
    known = made_up_prior(sets, relevance).set_axis([*PRIOR, PROGRESS], axis=1)
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


def scores_of(variant, config, data):
    changed, own = variant.config(config), variant.data(data)
    seed, only = np.random.SeedSequence(5), {SEASONS[2]}
    _, predicted = fit_folds(PLAN, own, changed, seed, lambda: None, only=only)
    return predicted[SEASONS[2]].frame[[*KEY, "model_a"]].rename(columns={"model_a": "score"})


def networks_of(variant, config, data):
    """The networks of a variant one by one on the test season, and its score."""
    changed, own = variant.config(config), variant.data(data)
    seed, only = np.random.SeedSequence(5), {SEASONS[2]}
    members, predicted = fit_folds(PLAN, own, changed, seed, lambda: None, only=only)
    single = network_scores(members[SEASONS[2]].model_a, own.of_seasons([SEASONS[2]]))
    return single, predicted[SEASONS[2]].frame


def test_networks_are_measured_one_by_one(config, data):
    single, known = networks_of(Variant(), config, data)
    merged = single.frame.merge(known[[*KEY, MODEL_A]], on=KEY, validate="one_to_one")
    mean = merged[["network_0", "network_1"]].mean(axis=1)
    np.testing.assert_allclose(mean, merged[MODEL_A], atol=1e-6)
    assert (single.measures["set_variance"] > 0).all()
    # The whole score is the skip's: the set has no part in it.
    prior = networks_of(MODEL_A_VARIANTS[PRIOR_ALONE], config, data)[0].measures
    assert prior["set_variance"].tolist() == [0]
    by_minutes = networks_of(MODEL_A_VARIANTS["weights by minutes"], config, data)[0].measures
    assert by_minutes["prior_kl"].to_numpy() == pytest.approx(0, abs=1e-6)
    assert (single.measures["prior_kl"] > 1e-5).all()
    no_prior = networks_of(MODEL_A_VARIANTS["without team prior"], config, data)[0].measures
    assert no_prior["set_variance"].isna().all()


def test_networks_are_summarised_over_seasons_first():
    rows = [("full", "a", 1.0), ("full", "a", 3.0), ("full", "b", 4.0), ("full", "b", 6.0)]
    found = network_summary(pd.DataFrame(rows, columns=["variant", "network", "spearman"]))
    assert found.to_dict("records") == [
        {"variant": "full", "spearman": 3.5, "spearman_sd": pytest.approx(1.5 * 2**0.5)}
    ]


@pytest.fixture(scope="module")
def scores(config, data) -> dict[str, pd.DataFrame]:
    """The test scores of the full model and every variant."""
    # The made-up players have no games.
    fitted = {name: one for name, one in MODEL_A_VARIANTS.items() if "games" not in name}
    variants = {"full": Variant(), **fitted}
    return {name: scores_of(variant, config, data) for name, variant in variants.items()}


def test_no_two_variants_and_no_variant_and_the_full_model_score_alike(scores, data):
    tested = data.frame[data.frame["season"] == SEASONS[2]][KEY].reset_index(drop=True)
    for (one, first), (other, second) in combinations(scores.items(), 2):
        same = np.allclose(first["score"], second["score"], rtol=0, atol=1e-4)
        assert not same, f"{one} scores as {other} does"
        pd.testing.assert_frame_equal(first[KEY], tested)


def test_players_do_not_count_for_the_team_prior_alone(scores, config, data):
    noise = np.random.default_rng(0).normal(size=data.sets.stats.shape).astype(np.float32)
    spoiled = replace(data, sets=replace(data.sets, stats=noise))
    again = scores_of(MODEL_A_VARIANTS["team prior alone"], config, spoiled)
    pd.testing.assert_frame_equal(again, scores["team prior alone"])


@pytest.fixture(scope="module")
def planted() -> tuple[Dataset, FoldPlan]:
    """Sixty seasons of new players each, whose passers and finishers are worth more together.

    What a team gains by it has the spread of its strength, which the team prior knows.
    """
    rng, n_teams = np.random.default_rng(0), 30
    seasons = [f"{year}-{(year + 1) % 100:02d}" for year in range(1950, 2010)]
    shape = (len(seasons), n_teams, 8)
    trait, share = rng.normal(size=(*shape, 2)), rng.uniform(0.3, 1, shape)
    share /= share.sum(axis=-1, keepdims=True)
    passing, finishing = np.moveaxis((share[..., None] * trait).sum(axis=2), -1, 0)
    strength, together = rng.normal(size=shape[:2]), passing * finishing
    total = strength + together / together.std()
    relevance = total.argsort(axis=1).argsort(axis=1).ravel() / (n_teams - 1)
    frame = pd.DataFrame(
        {
            "season": pd.Series(np.repeat(seasons, n_teams), dtype="str"),
            "as_of_date": pd.to_datetime([f"{one[:4]}-12-01" for one in seasons]).repeat(n_teams),
            "team_id": np.tile(np.arange(n_teams) + 1, len(seasons)),
            "conference": np.tile(np.where(np.arange(n_teams) % 2, "West", "East"), len(seasons)),
        }
    )
    sets = PlayerSets(
        frame=frame,
        player_id=1 + np.arange(share.size).reshape(-1, shape[2]),
        minutes_share=share.reshape(-1, shape[2]).astype(np.float32),
        stats=trait.reshape(-1, shape[2], 2).astype(np.float32),
        columns=["passing", "finishing"],
        dates_left_out=0,
    )
    store = FeatureStore(frame.assign(elo_rating=strength.ravel()), ["elo_rating"], {})
    goals = frame[["season", "team_id"]].assign(relevance=relevance)
    tests = seasons[-6:]
    plan = FoldPlan([Fit("last", seasons[:-6], tests)], [TestPart("last", tests, seasons[:-6])])
    return Dataset.of(store, sets, goals), plan


@pytest.mark.parametrize("pooling", [WHOLE, "weights by minutes"])
def test_what_players_are_worth_together_is_found(config, planted, pooling):
    data, plan = planted
    model_a = replace(
        config.model.model_a, team_prior=["elo_rating"], embedding_dim=0, encoder_dims=[32, 16],
        dropout=0.0, lists_per_batch=16, n_seeds=1,
    )  # fmt: skip
    config = replace(
        config,
        model=replace(config.model, model_a=model_a),
        trainer=replace(config.trainer, max_epochs=20),
    )
    skill = {}
    for name in (pooling, "players exchanged", PRIOR_ALONE):
        variant = MODEL_A_VARIANTS.get(name, Variant())
        changed, own = variant.config(config), variant.data(data)
        _, predicted = fit_folds(plan, own, changed, np.random.SeedSequence(5), lambda: None)
        found = pd.concat([scores.frame for scores in predicted.values()])
        found = found.merge(data.relevance, on=["season", "team_id"])
        ranks = found.groupby("season")[["model_a", "relevance"]].corr("spearman")
        skill[name] = ranks.xs("model_a", level=1)["relevance"].mean()
    assert skill[pooling] > skill[PRIOR_ALONE] + 0.05
    assert skill["players exchanged"] == pytest.approx(skill[PRIOR_ALONE], abs=0.03)


def test_columns_are_taken_out_with_their_values(data):
    got = MODEL_A_VARIANTS["without last season"].data(data).sets
    assert got.columns == ["impact_rating", "plus_minus_share_10", "expected_minutes"]
    assert np.array_equal(got.stats, data.sets.stats[..., [0, 2, 3]], equal_nan=True)
    assert data.sets.columns == COLUMNS


@pytest.mark.parametrize(
    ("name", "changes", "columns", "why"),
    [
        ("without embeddings", {"embedding_dim": 0}, COLUMNS, "it is the full model"),
        ("without team prior", {"team_prior": []}, COLUMNS, "it is the full model"),
        ("team prior alone", {"team_prior": []}, COLUMNS, "the model has no team prior"),
        ("without plus-minus", {}, COLUMNS[:2], "it is the full model"),
        ("without impact ratings", {}, COLUMNS[:1], "no player column would be left"),
        ("without attention", {"pooling": "mean"}, COLUMNS, "it is the full model"),
        ("uniform weights", {"pooling": "uniform"}, COLUMNS, "it is the full model"),
        ("uniform weights", {"pooling": "mean"}, COLUMNS, None),
        ("weights by minutes", {"pooling": "minutes"}, COLUMNS, "it is the full model"),
        ("players exchanged", {}, COLUMNS, None),
        ("outcomes shuffled", {}, COLUMNS, None),
    ],
)
def test_a_variant_equal_to_the_whole_is_left_out_with_a_reason(
    config, data, name, changes, columns, why
):
    model_a = config.model.model_a
    settings = dict(changes)
    pooling = settings.pop("pooling", model_a.attention.pooling)
    model_a = replace(model_a, attention=replace(model_a.attention, pooling=pooling), **settings)
    given = replace(config, model=replace(config.model, model_a=model_a))
    sets = replace(data.sets, columns=columns, stats=data.sets.stats[..., : len(columns)])
    assert model_a_ablation(given, replace(data, sets=sets)).left_out.get(name) == why
    without_games = dict.fromkeys(["without games", "games by decay alone"], "it is the full model")
    assert model_a_ablation(config, data).left_out == without_games


def test_exchanged_players_stay_on_their_date_and_place(data):
    got, sets = MODEL_A_VARIANTS["players exchanged"].data(data).sets, data.sets
    assert (got.player_id != sets.player_id).mean() > 0.5
    for _, rows in sets.frame.groupby(["season", "as_of_date"]):
        for name in ("player_id", "minutes_share", "stats"):
            old, new = getattr(sets, name)[rows.index], getattr(got, name)[rows.index]
            assert np.array_equal(np.sort(old, axis=0), np.sort(new, axis=0), equal_nan=True)


def test_shuffled_outcomes_stay_in_their_season(data):
    got, known = MODEL_A_VARIANTS["outcomes shuffled"].data(data).relevance, data.relevance
    assert (got["relevance"] != known["relevance"]).mean() > 0.5
    for _, rows in known.groupby("season"):
        old, new = (frame.loc[rows.index, "relevance"].sort_values() for frame in (known, got))
        assert np.array_equal(old, new)


def test_a_prior_whose_groups_are_off_is_no_prior(config, data):
    off = replace(data, columns=[PROGRESS, "other_1", "other_2"])
    assert known_prior(config, data) == PRIOR
    assert known_prior(config, off) == []


def test_scoring_only_asks_for_model_a_without_intervals_or_callbacks(compose_as_is):
    default = compose_as_is()
    bare = scoring_only(default)
    assert bare.model.members == ["model_a"]
    assert bare.model.model_a == replace(default.model.model_a, mc_dropout_samples=0)
    assert not bare.callbacks.attention_diagnostics.enabled
    assert not bare.callbacks.not_learning.enabled
    assert replace(bare, model=default.model, callbacks=default.callbacks) == default
