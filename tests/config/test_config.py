import math
import re
from dataclasses import fields, replace
from inspect import signature
from pathlib import Path

import pytest
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pandas import json_normalize
from sklearn.ensemble import RandomForestRegressor
from xgboost import XGBModel

import nba_rank
from nba_rank.config import rules
from nba_rank.config.compose import CONF, as_config, config_from_yaml, config_yaml
from nba_rank.config.no_effect import _rules, without_effect
from nba_rank.config.rules import validate
from nba_rank.config.schema import (
    AblateConfig,
    AblateModelAConfig,
    Config,
    DebugConfig,
    ExplainConfig,
    IngestConfig,
    PredictConfig,
    TodayConfig,
    manifest_path,
)
from nba_rank.config.schema.option import declared
from nba_rank.core.errors import ConfigError

OPTIONS = {
    folder.name: sorted(path.stem for path in folder.glob("*.yaml") if path.stem != "dummy")
    for folder in sorted(CONF.iterdir())
    if folder.is_dir()
}
SWITCHED = sorted(path.parent.name for path in CONF.glob("features/*/on.yaml"))


ALL_OFF = {f"features.{group}.enabled": False for group in SWITCHED}
ONLY_RF = {"model.members": ["rf"]}


def changed(config: object, key: str, value: object) -> object:
    """A copy of the config with one leaf replaced, whatever its type."""
    name, _, rest = key.partition(".")
    if rest:
        value = changed(getattr(config, name), rest, value)
    return replace(config, **{name: value})


def with_changes(config: object, changes: dict[str, object]) -> object:
    """A copy of the config with leaves replaced: much faster than composing it anew."""
    for key, value in changes.items():
        config = changed(config, key, value)
    return config


def problems_of(config: object) -> str:
    """All problems, one a line; empty where there is none."""
    try:
        validate(config)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def default(compose_as_is):
    """The config without overrides; not to be altered."""
    return compose_as_is()


def test_every_option_of_every_group_composes_and_differs_from_its_siblings(
    compose_as_is, tmp_path
):
    # One option of each group at a time; experiments and searches reach over several groups.
    # Sources and servers are those of other programs.
    others = ("experiment", "hparams_search", "source", "servers")
    groups = {g: o for g, o in OPTIONS.items() if g not in others}
    sections = {group: {} for group in groups}
    for place in range(max(map(len, groups.values()))):
        chosen = {group: options[place % len(options)] for group, options in groups.items()}
        config = compose_as_is(*[f"{group}={option}" for group, option in chosen.items()])
        for group, option in chosen.items():
            section = getattr(config, group)
            assert section not in [v for o, v in sections[group].items() if o != option], option
            assert sections[group].setdefault(option, section) == section
            if group in ("odds", "calibration", "target", "logger"):
                assert section.name == option
    whole = [
        compose_as_is(),
        *[compose_as_is(f"experiment={name}") for name in OPTIONS["experiment"]],
    ]
    for place, config in enumerate(whole):
        assert config not in whole[:place]
        (tmp_path / "config.yaml").write_text(config_yaml(config))
        assert config_from_yaml(tmp_path / "config.yaml") == config


@pytest.mark.parametrize("bundle", OPTIONS["features"])
def test_switching_a_group_keeps_its_parameters_in_every_bundle(compose_as_is, bundle):
    full = compose_as_is("features=full").features
    switched = [group for group in SWITCHED if group != "record"]
    for on in (True, False) if bundle == "lean" else (bundle != "full",):
        words = [f"features/{group}={'on' if on else 'off'}" for group in switched]
        features = compose_as_is(f"features={bundle}", *words).features
        for group in SWITCHED:
            found = getattr(features, group)
            assert found.enabled == (on or group == "record")
            assert replace(found, enabled=True) == replace(getattr(full, group), enabled=True)


@pytest.mark.parametrize(
    ("bundle", "on"),
    [
        ("standings_only", {"record"}),
        ("lean", {"record", "elo", "massey", "roster_strength", "projection"}),
        ("full", {*SWITCHED} - {"market"}),
    ],
)
def test_a_bundle_switches_its_groups_on(compose_as_is, bundle, on):
    features = compose_as_is(f"features={bundle}").features
    assert {group for group in SWITCHED if getattr(features, group).enabled} == on
    assert sorted({*vars(features)} - {"impact", "roster"}) == SWITCHED


def test_the_default_simulates_and_calibrates_on_the_lean_bundle(default, compose_as_is):
    assert default.features == compose_as_is("features=lean").features
    assert (default.odds.name, default.calibration.name) == ("monte_carlo", "platt_stack")


@pytest.mark.parametrize(
    ("program", "kind", "words", "told"),
    [
        ("config", Config, ["trainer.max_epochs=abc"], "trainer.max_epochs"),
        ("config", Config, ["seed=1.5"], "seed"),
        ("config", Config, ["odds.playoff_strength=perhaps"], "odds.playoff_strength"),
        ("config", Config, ["trainer.typo=1"], "typo"),
        ("config", Config, ["~trainer.max_epochs"], "max_epochs"),
        ("config", Config, ["+features.elo.typo=1"], r"unknown key in the config: features\.elo"),
        ("config", Config, ["+typo=1"], "unknown key in the config: typo"),
        ("config", Config, ["trainer=typo"], "trainer/typo"),
        ("config", Config, ["features/market=typo"], "features/market/typo"),
        ("ingest", IngestConfig, ["+typo=1"], "unknown key in the config: typo"),
        ("predict", PredictConfig, ["run=a", "as_of=b", "+data.typo=1"], r"config: data\.typo"),
        ("predict", PredictConfig, ["as_of=2024-01-15"], r"\brun\b"),
        ("predict", PredictConfig, ["run=outputs3/run_001"], "as_of"),
    ],
)  # fmt: skip
def test_each_program_refuses_what_its_config_does_not_allow(
    compose_file, program, kind, words, told
):
    with pytest.raises((ConfigError, HydraException, OmegaConfBaseException), match=told):
        as_config(compose_file(program, *words), kind)


@pytest.mark.parametrize(
    ("program", "kind", "changes", "told"),
    [
        ("config", Config, ALL_OFF, "every feature group is off"),
        ("config", Config, ALL_OFF | {"features.projection.enabled": True}, "group is off"),
        ("config", Config, {"folds.refit": True, "folds.oof": "kfold"}, "folds.refit=true"),
        ("config", Config, {"folds.refit": False, "folds.production": True}, "folds.refit=true"),
        ("ablate", AblateConfig, {"only": ["market"]}, r"only=\['market'\] must name some of"),
        ("ablate", AblateConfig, {"only": ["elo", "elo"]}, "only=.*once"),
        ("ablate", AblateConfig, {"directions": []}, "directions="),
        ("ablate", AblateConfig, {"directions": ["alone"] * 2}, "without, alone, each once"),
        ("ablate", AblateConfig, {"features.record.enabled": False}, "needs features/record=on"),
        ("ablate", AblateConfig, {"trainer.max_epochs": 0}, "trainer.max_epochs=0: must be 1 or"),
        ("debug_model_a", DebugConfig, {"batch": -1}, "batch=-1: must be 0 or more"),
    ],
)
def test_each_program_refuses_values_that_it_cannot_run_with(
    compose_file, program, kind, changes, told
):
    config = as_config(compose_file(program), kind)
    assert re.search(told, problems_of(with_changes(config, changes)))


def test_an_ablation_is_a_run_of_all_groups_with_options_of_its_own(compose_file):
    run = as_config(compose_file("config", "folds=walk_forward", "features=full"), Config)
    words = ("only=[elo,projection]", "directions=[without]", "folds=walk_forward")
    config = as_config(compose_file("ablate", *words), AblateConfig)
    assert (config.only, config.directions) == (["elo", "projection"], ["without"])
    assert all(getattr(config, field.name) == getattr(run, field.name) for field in fields(run))


def test_all_problems_are_reported_at_once(compose):
    words = {
        "trainer.max_epochs": 0, "target.name": "typo", "model.members": "[xgb,svm]",
        "model.model_a.attention.n_heads": 5, "features.roster.windows": "[10,10]",
        "model.stack.alphas": "[]", "folds.k": 1, "callbacks.early_stopping_patience": -1,
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        compose("folds=walk_forward", *[f"{key}={value}" for key, value in words.items()])
    first, *lines = str(caught.value).splitlines()
    assert first == "the config has 8 problem(s):"
    for key in words:
        assert sum(f"{key}=" in line for line in lines) == 1, key


def test_every_option_is_explained():
    for kind in (AblateConfig, AblateModelAConfig, IngestConfig, PredictConfig, DebugConfig):
        for key, field in declared(kind).items():
            assert field.metadata["text"].endswith("."), key


def test_every_bound_is_checked_and_its_edges_are_allowed(default):
    bounded = 0
    for key, field in declared(Config).items():
        for edge, away in ((field.metadata["low"], -1.0), (field.metadata["high"], 1.0)):
            if edge is None:
                continue
            beyond = edge + away * (1e-10 if abs(edge) < 1e-3 else 1.0)
            many = field.type == list[int] or field.type == list[float]
            value = [beyond] if many else beyond
            told = problems_of(changed(default, key, value))
            bounds = r"must (be \S+ or (more|less)|lie between \S+ and \S+)"
            assert re.search(rf"^  - {re.escape(key)}=.*: {bounds}$", told, re.MULTILINE), told
            allowed = changed(default, key, [edge] if many else edge)
            assert f"{key}={[edge] if many else edge}: must " not in problems_of(allowed)
            bounded += 1
    assert bounded > 100


def test_nan_is_refused_by_every_number(default):
    numbers = [key for key, field in declared(Config).items() if field.type is float]
    accepted = [key for key in numbers if key not in problems_of(changed(default, key, math.nan))]
    assert not accepted


def test_an_unknown_choice_is_refused_with_the_known_ones(default):
    for key, field in declared(Config).items():
        known = ", ".join(field.metadata["choices"])
        if known and field.type is str:
            told = problems_of(changed(default, key, "typo"))
            assert f"{key}=typo: must be one of {known}" in told
        elif known:
            for value in (["typo"], [field.metadata["choices"][0]] * 2):
                told = problems_of(changed(default, key, value))
                assert f"{key}={value}: must name some of {known}, each once" in told


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.sim.n_seasons", 30),
        ("tuning.objectives", []),
        ("tuning.batch_id", "../elsewhere"),
        ("tuning.batch_id", ".."),
        ("data.first_season", "2012"),
        ("data.last_season", "2023-2024"),
        ("data.raw_dir", []),
        ("data.raw_dir", ""),
        ("folds.first_test_season", "2023"),
        ("model.model_a.encoder_dims", []),
        ("model.members", []),
        ("model.members", ["xgb", "xgb"]),
        ("model.stack.shrinkage_targets", ["typo"]),
        ("model.stack.shrinkage_targets", ["xgb", "xgb"]),
        ("features.roster.windows", []),
        ("features.team_rolling.windows", []),
        ("features.momentum.short_games", 30),
        ("features.momentum.long_games", 10),
        ("features.team_rolling.windows", [10, 10]),
        ("trainer.devices", 2),
    ],
)
def test_a_value_that_a_later_stage_cannot_use_is_refused(default, key, value):
    assert key in problems_of(changed(default, key, value))


@pytest.mark.parametrize(
    ("name", "kind", "first", "missing"),
    [
        ("config", Config, "schema", set()),
        ("ingest", IngestConfig, "ingest_schema", set()),
        ("predict", PredictConfig, "predict_schema", {"run", "as_of"}),
        ("explain", ExplainConfig, "explain_schema", {"run"}),
        ("today", TodayConfig, "today_schema", set()),
        ("debug_model_a", DebugConfig, "config", set()),
        ("ablate", AblateConfig, "config", set()),
        ("ablate_model_a", AblateModelAConfig, "config", set()),
    ],
)
def test_the_files_fill_the_schema_and_nothing_else(compose_file, name, kind, first, missing):
    assert OmegaConf.load(CONF / f"{name}.yaml")["defaults"][0] == first
    cfg = compose_file(name)
    assert set(OmegaConf.missing_keys(cfg)) == missing
    assert set(json_normalize(OmegaConf.to_container(cfg, resolve=True))) == set(declared(kind))


@pytest.mark.parametrize("line", ["old_option: 1", "seed: [1]"])
def test_the_config_of_another_version_is_named_as_such(default, tmp_path, line):
    path = tmp_path / "config.yaml"
    path.write_text(config_yaml(default).replace("seed: 42\n", f"{line}\n"))
    with pytest.raises(ConfigError, match=r"config\.yaml was written by another version"):
        config_from_yaml(path)


# Groups that are passed to a library as they are.
HANDED_OVER = {
    "model.xgb": XGBModel, "model.clone_classifier": XGBModel, "model.rf": RandomForestRegressor
}  # fmt: skip
SOURCES = [
    path.read_text(encoding="utf-8") for path in Path(nba_rank.__file__).parent.rglob("*.py")
]


def test_every_option_is_read_by_some_code():
    unread = []
    for key in {
        name: None
        for kind in (AblateConfig, AblateModelAConfig, IngestConfig, PredictConfig, DebugConfig)
        for name in declared(kind)
    }:
        group, _, name = key.rpartition(".")
        if group in HANDED_OVER:
            unread += [key] * (name not in signature(HANDED_OVER[group]).parameters)
            continue
        if key.startswith("paths.") or "." not in key:
            wanted = rf"config\.{re.escape(key)}\b"
        elif key.startswith("model.model_a.attention."):
            # The whole group is handed over as arguments.
            wanted = rf"\b{name}: (str|int|float|bool),"
        elif group == "features.injuries.status_weights":
            wanted = f'"{name.title()}"'  # read by status
        else:
            wanted = rf"\.{name}\b"
        if not any(re.search(wanted, source) for source in SOURCES):
            unread.append(key)
    assert unread == []


def test_the_command_line_wins_over_an_experiment(compose_file):
    words = "experiment=quick", "trainer.max_epochs=9"
    config = as_config(compose_file("config", *words), Config)
    diff = OmegaConf.load(CONF / "experiment" / "quick.yaml")
    assert config.model.rf.n_estimators == diff.model.rf.n_estimators
    assert config.trainer.max_epochs == 9 != diff.trainer.max_epochs


def test_the_manifest_is_beside_the_data_or_in_the_folder_of_other_tables(compose_as_is, tmp_path):
    config = compose_as_is("data=nba").data
    assert manifest_path(config) == Path("data/manifest.json")
    other = replace(config, processed_dir=str(tmp_path / "processed"))
    assert manifest_path(other) == tmp_path / "processed" / "manifest.json"


RUN_021 = {
    "seed": 42,
    "data.first_season": "2015-16",
    "features.roster.size": 15,
    "features.roster.windows": [10, 30],
    "target.name": "final_rank",
    "folds.oof": "kfold", "folds.k": 5, "folds.refit": False, "folds.first_test_season": "2023-24",
    "trainer.max_epochs": 28,
    "callbacks.early_stopping_patience": 0,
    "model.members": ["model_a", "xgb", "rf"],
    "model.model_a.embedding_dim": 32, "model.model_a.encoder_dims": [128, 64],
    "model.model_a.dropout": 0.2, "model.model_a.loss": "list_mle",
    "model.model_a.team_prior": [], "model.model_a.n_seeds": 1,
    "model.model_a.dates_per_epoch": 0,
    "model.model_a.attention.n_heads": 4,
    "model.model_a.attention.minutes_bias_weight": 0.3,
    "model.model_a.attention.minutes_sum_min": 1e-6,
    "model.xgb.n_estimators": 250, "model.xgb.max_depth": 4, "model.xgb.learning_rate": 0.08,
    "model.xgb.early_stopping_rounds": 20,
    "model.rf.n_estimators": 200, "model.rf.max_depth": 12, "model.rf.min_samples_leaf": 5,
}  # fmt: skip


def test_run_021_has_the_values_of_the_reference_run(compose_as_is):
    config = compose_as_is("experiment=run_021")
    assert {key: value for key, value in rules.flat(config) if key in RUN_021} == RUN_021
    on = {name for name, is_on in vars(config.features.roster.columns).items() if is_on}
    assert on == {"box_rates", "availability", "plus_minus_share", "returning_minutes"}


UNKNOWN = "model.model_a.unknown_player_share"


@pytest.mark.parametrize(
    ("changes", "key", "remedy"),
    [
        ({"features.elo.k": 5.0}, "features.elo.k", "features.elo.fit=false"),
        ({"features.massey.carry_over": 0.1}, "features.massey.carry_over", "massey.fit=false"),
        ({"features.pace.prior_games": 5.0}, "features.pace.prior_games", "features/pace=on"),
        ({"data.source": "raw", "data.sim.seed": 3}, "data.sim.seed", "data=sim"),
        ({"folds.k": 3}, "folds.k", "folds.oof=kfold"),
        ({"odds.name": "none", "odds.n_simulations": 9}, "odds.n_simulations", "odds=monte_carlo"),
        (ONLY_RF | {"model.xgb.max_depth": 2}, "model.xgb.max_depth", "leaves it out"),
        (ONLY_RF | {"trainer.max_epochs": 2}, "trainer.max_epochs", "leaves model_a out"),
        (ONLY_RF | {"model.stack.alphas": [5.0]}, "model.stack.alphas", "model=stack"),
        ({"tuning.margin": 2.0}, "tuning.margin", "-m"),
        ({UNKNOWN: 0.2}, UNKNOWN, "embedding_dim=8"),
    ],
)
def test_an_option_without_effect_is_named_with_the_remedy(default, changes, key, remedy):
    (told,) = without_effect(with_changes(default, changes), changes)
    assert told.startswith(f"{key} has no effect: ")
    assert remedy in told


def test_only_existing_options_are_reported_and_only_those_without_effect(default):
    given = {
        "features.pace.enabled": False, "features.elo.fit": False, "features.elo.k": 12.0,
        "model.xgb.max_depth": 2, "seed": 3,
    }  # fmt: skip
    assert without_effect(with_changes(default, given), given) == []
    known = declared(Config)
    for changes in ({}, ALL_OFF | ONLY_RF | {"odds.name": "none", "folds.oof": "kfold"}):
        for prefix, _ in _rules(with_changes(default, changes)):
            assert any(f"{key}.".startswith(f"{prefix}.") for key in known), prefix
