from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_sets import made_up_prior, made_up_sets
from programs import files_of, newest, read

from nba_rank.core.errors import UserError
from nba_rank.core.run_dir import read_manifest
from nba_rank.evaluation.paired import BETTER, MEAN, TOO_FEW_SEASONS, WITHIN_NOISE
from nba_rank.experiments import ablations
from nba_rank.experiments.ablations import (
    FULL,
    LEAN,
    MODEL_A_VARIANTS,
    RECORD,
    WHOLE,
    Variant,
    ablate_groups,
    ablate_model_a,
    group_ablation,
    idle_groups,
    known_prior,
    model_a_ablation,
    scoring_only,
)
from nba_rank.experiments.train import train
from nba_rank.features.registry import enabled_groups
from nba_rank.features.store import KEY, BuiltGroup, FeatureStore
from nba_rank.models import members
from nba_rank.models.oof import fit_folds
from nba_rank.report import run_report
from nba_rank.report.labels import LIST_LABELS
from nba_rank.samples.dataset import PROGRESS, Dataset
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

JUDGED = ["elo", "projection"]
VARIANTS = [
    FULL, *(f"without {group}" for group in JUDGED),
    RECORD, *(f"{RECORD} and {group}" for group in JUDGED), LEAN,
]  # fmt: skip
RANKERS = ["stack", "xgb", "rf"]
SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def ablate(start):
    """Runs an ablation of groups: `ablate(outputs, *overrides)`."""
    return lambda outputs, *overrides: start(
        ablate_groups, outputs, "model.stack.alphas=[1]", *overrides, name="ablate"
    )


@pytest.fixture(scope="module")
def done(ablate, tmp_path_factory):
    """One ablation of two groups, with Elo and Massey called idle; not to be altered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablations, "idle_groups", lambda _: ["elo", "massey"])
        return ablate(tmp_path_factory.mktemp("outputs3"), f"only=[{','.join(JUDGED)}]")


def assert_gains_are_differences(gains, folder):
    """Hold every gain against the two variants that it compares."""
    key = ["variant", "ranker", "as_of_point", "scope"]
    known = read(folder, "variants.csv").set_index(key)["value"]
    for row in gains.itertuples():
        pair = {
            "without": (FULL, f"without {row.part}"),
            "alone": (f"{RECORD} and {row.part}", RECORD),
            "lean": (FULL, LEAN),
        }[row.direction]
        pair = pair if row.ranker != "model_a" else (WHOLE, row.part)
        with_, without = (known[(name, row.ranker, row.as_of_point, row.scope)] for name in pair)
        assert row.difference == pytest.approx(with_ - without)


# The programs.


def test_groups_are_judged_in_the_stack_and_in_the_trees_that_read_them(done):
    folder = done.folder
    assert files_of(folder) == {
        "manifest.json", "config.yaml", "variants.csv", "gains.csv", "ANALYSIS_01.md",
        "report.html",
    }  # fmt: skip
    manifest = read_manifest(folder)
    assert (manifest["status"], manifest["kind"]) == ("finished", "ablations of feature groups")
    assert [name for name in manifest["seconds"] if name in VARIANTS] == VARIANTS
    tidy, gains = read(folder, "variants.csv"), read(folder, "gains.csv")
    pd.testing.assert_frame_equal(gains, done.result, check_dtype=False)
    assert tidy["variant"].unique().tolist() == VARIANTS
    assert gains["ranker"].unique().tolist() == RANKERS
    assert len(gains) == (2 * len(JUDGED) + 1) * len(RANKERS) * len(LIST_LABELS)
    assert gains.loc[gains["direction"] == "lean", "part"].unique().tolist() == [LEAN]
    assert_gains_are_differences(gains, folder)
    # The trees read Elo, whatever the stack makes of them.
    moved = gains[gains["part"] == "elo"].groupby(["direction", "ranker"])["difference"]
    assert (moved.apply(lambda own: (own != 0).any())).loc[:, ["xgb", "rf"]].all()
    assert set(gains["verdict"]) == {TOO_FEW_SEASONS}
    text = (folder / "ANALYSIS_01.md").read_text(encoding="utf-8")
    for group in JUDGED:
        assert text.count(f"\n| {group} |") == done.shown.count(f"\n {group} ") == 2 * len(RANKERS)
    assert "build time" in text
    assert str(folder) in done.shown


@pytest.mark.parametrize(
    ("variant", "overrides"),
    [
        ("without elo", ["features=full", "features/elo=off"]),
        pytest.param(
            "without projection", ["features=full", "features/projection=off"], marks=SLOW
        ),
        pytest.param(
            f"{RECORD} and elo", ["features=standings_only", "features/elo=on"], marks=SLOW
        ),
    ],
)
def test_a_variant_ranks_as_a_run_with_the_same_groups(
    done, start, tmp_path, monkeypatch, variant, overrides
):
    tidy = read(done.folder, "variants.csv")
    key = ["ranker", "as_of_point", "scope"]
    own = tidy[tidy["variant"] == variant].set_index(key)["value"]
    monkeypatch.setattr(run_report, "draw", lambda *_: [])
    cheap = ["odds=none", "calibration=none", "model.model_a.mc_dropout_samples=0"]
    metrics = start(train, tmp_path, "model.stack.alphas=[1]", *cheap, *overrides).result.metrics
    rows = metrics[metrics["metric"] == "spearman"].set_index(key)["value"]
    for name, value in own.drop(MEAN, level="as_of_point").items():
        assert value == rows[name]


def test_an_interrupted_ablation_keeps_its_tables_and_goes_on_from_the_cache(
    ablate, tmp_path, monkeypatch
):
    ask = [tmp_path / "outputs3", "only=[massey]", "seed=5", "model=xgb"]
    fit_folds_, left = ablations.fit_folds, [1, 1]

    def interrupted(*args, **kwargs):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return fit_folds_(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(ablations, "fit_folds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ablate(*ask)
    folder = newest(tmp_path / "outputs3")
    assert read_manifest(folder)["status"] == "interrupted"
    assert read(folder, "variants.csv")["variant"].unique().tolist() == [FULL, "without massey"]
    partial = read(folder, "gains.csv")
    assert set(zip(partial["direction"], partial["part"], strict=True)) == {("without", "massey")}
    fitted = []
    fit_xgb = members.fit_xgb
    monkeypatch.setattr(members, "fit_xgb", lambda *args: fitted.append(1) or fit_xgb(*args))
    folder = ablate(*ask).folder
    assert len(fitted) == 2  # the record alone and with the group
    again = read(folder, "gains.csv")
    pd.testing.assert_frame_equal(again[again["direction"] == "without"], partial)


def test_an_ablation_with_nothing_to_judge_is_refused(ablate, tmp_path):
    with pytest.raises(UserError, match=r"only=\['record'\].*nothing to judge"):
        ablate(tmp_path, "only=[record]", "directions=[alone]")


def test_the_parts_of_model_a_are_taken_away_one_by_one(start, tmp_path, monkeypatch):
    kept = {name: MODEL_A_VARIANTS[name] for name in
            ("without attention", "without plus-minus", "one network")}  # fmt: skip
    monkeypatch.setattr(ablations, "MODEL_A_VARIANTS", kept)
    done = start(ablate_model_a, tmp_path)
    result, folder = done.result, done.folder
    names = [WHOLE, "without attention", "without plus-minus"]
    assert read_manifest(folder)["left_out"] == {"one network": "it is the full model"}
    tidy = read(folder, "variants.csv")
    assert tidy["variant"].unique().tolist() == names
    assert tidy["season"].unique().tolist() == ["2023-24"]
    assert_gains_are_differences(result, folder)
    assert (result["difference"] != 0).any()
    text = (folder / "ANALYSIS_01.md").read_text(encoding="utf-8")
    assert "- one network: it is the full model" in text
    assert f"| without attention | {kept['without attention'].words} |" in text


@pytest.mark.slow
def test_the_whole_model_a_is_that_of_a_run(start, tmp_path, monkeypatch):
    other = dict([*ablations.MODEL_A_VARIANTS.items()][:1])
    monkeypatch.setattr(ablations, "MODEL_A_VARIANTS", other)
    folder = start(ablate_model_a, tmp_path).folder
    own = read(folder, "variants.csv").query(
        "variant == @WHOLE and scope == 'league' and as_of_point != @MEAN"
    )
    metrics = start(train, tmp_path, "model=model_a").result.metrics
    rows = metrics.query("ranker == 'model_a' and scope == 'league' and metric == 'spearman'")
    assert own.set_index("as_of_point")["value"].to_dict() == pytest.approx(
        rows.set_index("as_of_point")["value"].to_dict()
    )


# Feature groups.

GROUPS = {name: BuiltGroup([name], 1.0) for name in ("record", "elo", "rest", "projection")}
BOTH = ["without", "alone"]


@pytest.fixture(scope="module")
def default(compose_as_is):
    return compose_as_is()


@pytest.fixture
def laid_out(default):
    """Lays out an ablation of some of `GROUPS`: `laid_out(only, directions)`."""
    return lambda only=(), directions=BOTH, groups=GROUPS, config=default: group_ablation(
        config, SimpleNamespace(groups=groups), only, directions
    )


def test_every_group_is_taken_away_and_put_on_top_of_the_record(laid_out, default):
    ablation = laid_out()
    on_top = ["elo", "rest", "projection"]
    assert list(ablation.variants) == [
        FULL, *(f"without {group}" for group in GROUPS),
        RECORD, *(f"record and {group}" for group in on_top),
    ]  # fmt: skip
    assert ablation.pairs == {
        "without": {group: (FULL, f"without {group}") for group in GROUPS},
        "alone": {group: (f"record and {group}", RECORD) for group in on_top},
    }
    assert ablation.left_out == {}
    assert list(laid_out(["elo"], ["without"]).variants) == [FULL, "without elo"]
    assert list(laid_out(["elo"], ["alone"]).variants) == [RECORD, "record and elo"]
    assert ablation.rankers == RANKERS
    alone = replace(default, model=replace(default.model, members=["xgb"]))
    assert laid_out(config=alone).rankers == ["xgb"]


def test_a_store_is_never_left_without_a_column(laid_out):
    two = {name: GROUPS[name] for name in ("record", "projection")}
    ablation = laid_out(directions=["without"], groups=two)
    assert list(ablation.pairs["without"]) == ["projection"]
    assert ablation.left_out == {"without record": "no other group would be in the feature store"}


def test_a_variant_has_its_groups_and_columns_and_nothing_else_changed(laid_out, default, sim_data):
    columns = dict(zip(("record", "elo", "projection"), sim_data.columns, strict=True))
    groups = {name: BuiltGroup([column], 1.0) for name, column in columns.items()}
    variant = laid_out(groups=groups).variants["without elo"]
    changed = variant.config(default)
    assert [name for name, _ in enabled_groups(changed.features)] == ["record"]
    assert changed.features.projection.enabled
    assert replace(changed, features=default.features) == default
    got = variant.data(sim_data)
    assert got.columns == [sim_data.columns[0], sim_data.columns[2]]
    assert np.array_equal(got.X, sim_data.X[:, [0, 2]], equal_nan=True)


def test_a_group_is_idle_if_it_helps_no_ranker_beyond_noise():
    gains = pd.DataFrame(
        [
            ("helps the trees", "stack", MEAN, 0.1, WITHIN_NOISE),
            ("helps the trees", "xgb", MEAN, 0.1, BETTER),
            ("idle", "stack", MEAN, 0.1, WITHIN_NOISE),
            ("idle", "stack", "open", 0.1, BETTER),
            ("untold", "stack", MEAN, np.nan, TOO_FEW_SEASONS),
        ],
        columns=["part", "ranker", "as_of_point", "low", "verdict"],
    )
    assert idle_groups(gains.assign(direction="without")) == ["idle"]
    assert idle_groups(gains.assign(direction="alone")) == []


# Parts of model A.

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


def test_columns_are_taken_out_with_their_values(data):
    got = MODEL_A_VARIANTS["without last season"].data(data).sets
    assert got.columns == ["impact_rating", "plus_minus_share_10", "expected_minutes"]
    assert np.array_equal(got.stats, data.sets.stats[..., [0, 2, 3]], equal_nan=True)
    assert data.sets.columns == COLUMNS


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


def test_scoring_only_asks_for_model_a_without_intervals_or_callbacks(default):
    bare = scoring_only(default)
    assert bare.model.members == ["model_a"]
    assert bare.model.model_a == replace(default.model.model_a, mc_dropout_samples=0)
    assert not bare.callbacks.attention_diagnostics.enabled
    assert not bare.callbacks.not_learning.enabled
    assert replace(bare, model=default.model, callbacks=default.callbacks) == default
