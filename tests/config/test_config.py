import functools
import itertools
import math
import re
from dataclasses import Field, fields, is_dataclass, replace
from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

import nba_rank
from nba_rank.config.compose import CONF, as_config, config_from_yaml, config_yaml
from nba_rank.config.no_effect import _rules, without_effect
from nba_rank.config.rules import validate
from nba_rank.config.schema import (
    AblateConfig,
    Config,
    DebugConfig,
    IngestConfig,
    PredictConfig,
    manifest_path,
)
from nba_rank.core.errors import ConfigError

GROUPS = sorted(folder.name for folder in CONF.iterdir() if folder.is_dir())
OPTIONS = [
    (group, path.stem)
    for group in GROUPS
    for path in sorted((CONF / group).glob("*.yaml"))
    if (group, path.stem) != ("data", "dummy")
]
BUNDLES = [option for group, option in OPTIONS if group == "features"]
SWITCHED = sorted(path.parent.name for path in CONF.glob("features/*/on.yaml"))
MEMBERS = sorted(path.stem for path in CONF.glob("model/member/*.yaml"))


def leaves(kind: type, prefix: str = "") -> dict[str, Field]:
    """Dotted name -> field of every leaf of nested dataclasses."""
    found: dict[str, Field] = {}
    for field in fields(kind):
        if is_dataclass(field.type):
            found |= leaves(field.type, f"{prefix}{field.name}.")
        else:
            found[f"{prefix}{field.name}"] = field
    return found


def changed(config: Config, key: str, value: object) -> Config:
    """A copy of the config with one leaf replaced, whatever its type."""
    name, _, rest = key.partition(".")
    if rest:
        value = changed(getattr(config, name), rest, value)
    return replace(config, **{name: value})


def problems_of(config: Config) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validate(config)
    return str(caught.value).splitlines()[1:]


def all_problems(config: Config) -> str:
    """The text of all problems, empty where there is none."""
    try:
        validate(config)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def composed(compose_as_is):
    """Composes as the command line does, each set of overrides once; nothing may alter it."""
    return functools.cache(compose_as_is)


@pytest.fixture(scope="module")
def default(composed):
    """The config without overrides; not to be altered."""
    return composed()


@pytest.fixture
def raw_compose(compose_as_is):
    """Composes one of the programs' configs as Hydra does, without making it typed."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF)):
        yield lambda name, *overrides: hydra_compose(name, overrides=list(overrides))


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=lambda value: value)
def test_every_option_of_every_group_composes_and_validates(composed, tmp_path, group, option):
    config = composed(f"{group}={option}")
    path = tmp_path / "config.yaml"
    path.write_text(config_yaml(config))
    assert config_from_yaml(path) == config


# What is searched is part of Hydra's own config, see tests/tuning/test_spaces.py.
@pytest.mark.parametrize("group", [group for group in GROUPS if group != "hparams_search"])
def test_no_two_options_of_a_group_are_alike(composed, group):
    configs = [composed(f"{group}={option}") for other, option in OPTIONS if other == group]
    for place, config in enumerate(configs):
        assert config not in configs[:place]


@pytest.mark.parametrize("member", MEMBERS)
def test_every_member_has_parameters_of_its_own(composed, member):
    config = composed(f"model/member@model.{member}={member}", f"model={member}")
    assert config.model.members == [member]
    assert member in vars(config.model)


@pytest.mark.parametrize("bundle", BUNDLES)
def test_each_feature_group_can_be_switched_off_and_on_and_keeps_its_parameters(composed, bundle):
    full = composed("features=full").features
    switches = {"off": [*SWITCHED], "on": []}
    switches["off"].remove("record")
    for word, others in (("off", []), ("on", switches["off"])):
        config = composed(
            f"features={bundle}",
            *[f"features/{group}={word}" for group in SWITCHED if group != "record"],
        )
        for group in SWITCHED:
            found = getattr(config.features, group)
            assert found.enabled == (group in ["record", *others])
            assert replace(found, enabled=True) == replace(getattr(full, group), enabled=True)


def test_a_parameter_of_a_group_can_be_set_along_with_the_switch(compose):
    config = compose("features/elo=on", "features.elo.k=12", "features=base")
    assert config.features.elo.k == 12
    assert not config.features.four_factors.enabled


def test_a_bundle_with_every_group_off_is_refused(compose):
    with pytest.raises(ConfigError, match="every feature group is off"):
        compose("features=standings_only", "features/record=off")


def test_the_full_bundle_has_every_group_that_is_made_from_games(composed):
    features = composed("features=full").features
    assert {group for group in SWITCHED if not getattr(features, group).enabled} == {"market"}
    groups = {field.name for field in fields(features)} - {"impact", "roster"}
    assert sorted(groups) == SWITCHED


def test_bundles_odds_and_calibrations_compose_in_any_combination(composed):
    names = {
        group: [option for other, option in OPTIONS if other == group]
        for group in ("features", "odds", "calibration")
    }
    assert names == {
        "features": ["base", "full", "lean", "standings_only"],
        "odds": ["monte_carlo", "none", "softmax"],
        "calibration": ["none", "platt_per_model", "platt_stack"],
    }
    # Each pair of options at least once.
    for row, column in itertools.product(range(4), range(3)):
        choice = dict(zip(names, (row, column, (row + column) % 3), strict=True))
        chosen = {group: names[group][place] for group, place in choice.items()}
        config = composed(*[f"{group}={option}" for group, option in chosen.items()])
        assert config.odds.name == chosen["odds"]
        assert config.calibration.name == chosen["calibration"]
        assert config.features == composed(f"features={chosen['features']}").features


def test_odds_are_simulated_and_scores_calibrated_by_default(default):
    assert default.odds.name == "monte_carlo"
    assert default.odds.playoff_strength
    assert not default.odds.playoff_residual
    assert default.calibration.name == "platt_stack"
    assert default.features.projection.enabled
    assert default.model.stack.features[0] == "projected_outcome"


def test_groups_that_cost_more_than_they_bring_are_off_by_default(default, composed):
    assert default.features == composed("features=lean").features
    on = {
        field.name
        for field in fields(default.features)
        if getattr(getattr(default.features, field.name), "enabled", False)
    }
    assert on == {"record", "elo", "massey", "roster_strength", "projection"}


@pytest.mark.parametrize("option", ["none", "softmax"])
def test_the_odds_differ_in_nothing_but_their_name(composed, option):
    odds = composed(f"odds={option}").odds
    assert odds.name == option
    assert replace(odds, name="monte_carlo") == composed("odds=monte_carlo").odds


@pytest.mark.parametrize(
    ("bundle", "projection", "market", "roster_strength"),
    [("full", True, False, True), ("lean", True, False, True), ("base", False, False, True),
     ("standings_only", False, False, False)],
)  # fmt: skip
def test_the_bundles_read_what_they_say(composed, bundle, projection, market, roster_strength):
    features = composed(f"features={bundle}").features
    assert features.projection.enabled == projection
    assert features.market.enabled == market
    assert features.roster_strength.enabled == roster_strength
    assert features.record.enabled


def test_a_projection_alone_is_no_feature_group(compose):
    with pytest.raises(ConfigError, match="every feature group is off"):
        compose("features=standings_only", "features/record=off", "features/projection=on")


@pytest.mark.parametrize(
    "group", ["features", "features/projection", "features/market", "odds", "calibration"]
)
def test_an_option_that_is_not_there_is_refused_by_its_name(compose, group):
    with pytest.raises(HydraException, match=rf"{group}/typo"):
        compose(f"{group}=typo")


@pytest.mark.parametrize("key", ["odds.name", "calibration.name"])
def test_a_name_that_no_code_knows_is_refused_before_data_is_read(compose, key):
    with pytest.raises(ConfigError, match=rf"{re.escape(key)}=typo: must be one of none, "):
        compose(f"{key}=typo")


@pytest.mark.parametrize(
    "override", ["odds.n_simulations=1", "features.projection.n_simulations=1",
                 "odds.playoff_strength=perhaps", "odds.playoff_residual=half",
                 "features.projection.enabled=typo"],
)  # fmt: skip
def test_a_setting_of_the_simulation_that_makes_no_sense_is_refused(compose, override):
    key = override.partition("=")[0]
    with pytest.raises((ConfigError, HydraException, OmegaConfBaseException)) as caught:
        compose(override)
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("model.stack.features=[typo]", "model.stack.features"),
        ("model.stack.features=[elo_rating,elo_rating]", "model.stack.features"),
        ("model.stack.shrinkage_targets=[typo]", "model.stack.shrinkage_targets"),
        ("model.stack.shrinkage_targets=[xgb,xgb]", "model.stack.shrinkage_targets"),
        ("model.stack.features=[]", "model.stack.shrinkage_targets"),
        ("model.stack.alphas=[0]", "model.stack.alphas"),
    ],
)
def test_a_stack_that_makes_no_sense_is_refused(compose, override, key):
    with pytest.raises(ConfigError, match=key):
        compose(override)


@pytest.mark.parametrize("override", ["trainer.max_epochs=abc", "model.xgb.subsample=high",
                                      "callbacks.progress=perhaps", "seed=1.5"])  # fmt: skip
def test_a_value_of_another_type_is_refused_by_its_key(compose, override):
    with pytest.raises((HydraException, OmegaConfBaseException)) as caught:
        compose(override)
    assert override.partition("=")[0] in str(caught.value)


@pytest.mark.parametrize("key", ["typo", "trainer.typo", "features.elo.typo", "data.sim.typo"])
def test_an_unknown_key_is_refused_by_its_name(compose, key):
    with pytest.raises((HydraException, OmegaConfBaseException), match=r"typo"):
        compose(f"{key}=1")
    with pytest.raises(ConfigError, match=rf"unknown key in the config: {re.escape(key)}$"):
        compose(f"+{key}=1")


def test_an_unknown_group_or_option_is_refused_by_its_name(compose):
    with pytest.raises(HydraException, match="typo"):
        compose("trainer=typo")
    with pytest.raises(HydraException, match="typo"):
        compose("typo=trainer")


def test_an_unknown_key_of_ingest_and_predict_is_refused(raw_compose):
    with pytest.raises(ConfigError, match="unknown key in the config: typo"):
        as_config(raw_compose("ingest", "+typo=1"), IngestConfig)
    with pytest.raises(ConfigError, match=r"unknown key in the config: data\.typo"):
        as_config(
            raw_compose("predict", "run=a", "as_of=2024-01-15", "+data.typo=1"), PredictConfig
        )


def test_a_predict_without_run_or_date_names_what_is_missing(raw_compose):
    with pytest.raises(ConfigError, match=r"\brun\b"):
        as_config(raw_compose("predict", "as_of=2024-01-15"), PredictConfig)
    with pytest.raises(ConfigError, match="as_of"):
        as_config(raw_compose("predict", "run=outputs3/run_001"), PredictConfig)


def test_a_deleted_key_is_refused_by_its_name(raw_compose):
    with pytest.raises((ConfigError, HydraException), match="max_epochs"):
        as_config(raw_compose("config", "~trainer.max_epochs"), Config)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("only=[typo]", r"only=\['typo'\] must name some of the feature groups that are on.*elo"),
        ("only=[market]", r"only=\['market'\] must name some"),
        ("only=[elo,elo]", "only=.*once"),
        (
            "directions=[typo]",
            r"directions=\['typo'\]: must name some of without, alone, each once",
        ),
        ("directions=[]", "directions="),
        ("directions=[alone,alone]", "directions="),
        ("features/record=off", r"directions: alone .* it needs features/record=on"),
        ("+typo=1", "unknown key in the config: typo"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0: must be 1 or more"),
    ],
)
def test_an_ablation_of_what_is_not_there_is_refused(raw_compose, override, problem):
    with pytest.raises(ConfigError, match=problem):
        as_config(raw_compose("ablate", override), AblateConfig)


def test_an_ablation_takes_groups_directions_and_the_overrides_of_a_run(raw_compose):
    # Whatever a run leaves out by default is judged as well.
    run = as_config(raw_compose("config", "folds=walk_forward", "features=full"), Config)
    config = as_config(
        raw_compose(
            "ablate", "only=[elo,projection]", "directions=[without]", "folds=walk_forward"
        ),
        AblateConfig,
    )
    assert (config.only, config.directions) == (["elo", "projection"], ["without"])
    assert all(getattr(config, field.name) == getattr(run, field.name) for field in fields(run))
    without_record = raw_compose("ablate", "features/record=off", "directions=[without]")
    assert as_config(without_record, AblateConfig).directions == ["without"]


def test_members_are_kept_beside_the_features_unless_told_otherwise(composed):
    assert composed("paths.cache=/some/where").paths.members == "/some/where/members"
    assert composed("paths.members=null").paths.members is None


def test_an_ingest_of_an_unknown_source_is_refused(raw_compose):
    with pytest.raises(ConfigError, match=r"data\.source=typo"):
        as_config(raw_compose("ingest", "data.source=typo"), IngestConfig)


def test_all_problems_are_told_at_once(compose):
    with pytest.raises(ConfigError) as caught:
        compose(
            "trainer.max_epochs=0",
            "target.name=typo",
            "model.members=[xgb,svm]",
            "model.model_a.attention.n_heads=5",
            "features.roster.windows=[10,10]",
            "folds=walk_forward",
            "folds.oof=kfold",
            "model.stack.alphas=[]",
            "folds.k=1",
            "callbacks.early_stopping_patience=-1",
        )
    first, *lines = str(caught.value).splitlines()
    assert first == "the config has 9 problem(s):"
    for key in (
        "trainer.max_epochs=0", "target.name=typo", "model.members=",
        "model.model_a.attention.n_heads=5", "features.roster.windows=[10, 10]",
        "folds.refit=true", "model.stack.alphas=[]", "folds.k=1",
        "callbacks.early_stopping_patience=-1",
    ):  # fmt: skip
        assert sum(key in line for line in lines) == 1, key


def test_every_option_is_explained():
    for kind in (AblateConfig, IngestConfig, PredictConfig, DebugConfig):
        for key, field in leaves(kind).items():
            assert field.metadata["text"].endswith("."), key


def test_every_bound_is_checked_and_its_edges_are_allowed(default):
    bounded = 0
    for key, field in leaves(Config).items():
        for edge, away in ((field.metadata["low"], -1.0), (field.metadata["high"], 1.0)):
            if edge is None:
                continue
            beyond = edge + away * (1e-10 if abs(edge) < 1e-3 else 1.0)
            many = field.type == list[int] or field.type == list[float]
            value = [beyond] if many else beyond
            (told,) = [
                line
                for line in problems_of(changed(default, key, value))
                if line.startswith(f"  - {key}=")
            ]
            assert re.search(r": must (be \S+ or (more|less)|lie between \S+ and \S+)$", told), told
            allowed = changed(default, key, [edge] if many else edge)
            assert f"{key}={[edge] if many else edge}: must " not in all_problems(allowed)
            bounded += 1
    assert bounded > 100


def test_a_number_that_is_none_is_refused(default):
    numbers = [key for key, field in leaves(Config).items() if field.type is float]
    accepted = [key for key in numbers if key not in all_problems(changed(default, key, math.nan))]
    assert not accepted


def test_a_choice_of_an_unknown_name_is_refused_with_the_known_ones(default):
    for key, field in leaves(Config).items():
        known = ", ".join(field.metadata["choices"])
        if known and field.type is str:
            (problem,) = problems_of(changed(default, key, "typo"))
            assert f"{key}=typo: must be one of {known}" in problem
        elif known:
            for value in (["typo"], [field.metadata["choices"][0]] * 2):
                assert f"{key}={value}: must name some of {known}, each once" in all_problems(
                    changed(default, key, value)
                )


def test_a_bound_is_told_in_a_sentence(default):
    assert problems_of(changed(default, "seed", -1)) == ["  - seed=-1: must be 0 or more"]
    (told,) = problems_of(changed(default, "model.xgb.subsample", 2.0))
    assert told == "  - model.xgb.subsample=2.0: must lie between 0.001 and 1"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.sim.n_seasons", 30),
        ("tuning.objectives", []),
        ("tuning.batch_id", "../elsewhere"),
        ("tuning.batch_id", ".."),
        ("data.first_season", "2012"),
        ("folds.first_test_season", "2023"),
        ("model.model_a.encoder_dims", []),
        ("model.members", []),
        ("model.members", ["xgb", "xgb"]),
        ("features.roster.windows", []),
        ("features.team_rolling.windows", []),
        ("features.momentum.short_games", 30),
        ("features.momentum.long_games", 10),
        ("features.team_rolling.windows", [10, 10]),
        ("trainer.devices", 2),
    ],
)
def test_what_a_later_stage_would_choke_on_is_refused_before(default, key, value):
    assert any(key in line for line in problems_of(changed(default, key, value)))


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("config", "schema"),
        ("ingest", "ingest_schema"),
        ("predict", "predict_schema"),
        ("debug_model_a", "config"),
    ],
)
def test_the_schema_comes_first_in_the_defaults(name, entry):
    assert OmegaConf.load(CONF / f"{name}.yaml")["defaults"][0] == entry


@pytest.mark.parametrize(
    ("name", "kind", "missing"),
    [
        ("config", Config, set()),
        ("ingest", IngestConfig, set()),
        ("predict", PredictConfig, {"run", "as_of"}),
        ("debug_model_a", DebugConfig, set()),
        ("ablate", AblateConfig, set()),
    ],
)
def test_the_files_fill_the_schema_and_nothing_else(raw_compose, name, kind, missing):
    cfg = raw_compose(name)
    assert set(OmegaConf.missing_keys(cfg)) == missing
    assert set(flat(OmegaConf.to_container(cfg, resolve=True))) == set(leaves(kind))


def flat(node: dict, prefix: str = "") -> list[str]:
    keys: list[str] = []
    for key, value in node.items():
        keys += flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]
    return keys


SOURCES = [
    path.read_text(encoding="utf-8") for path in Path(nba_rank.__file__).parent.rglob("*.py")
]


def test_every_option_is_read_by_some_code():
    unread = []
    for key in {
        name: None
        for kind in (AblateConfig, IngestConfig, PredictConfig, DebugConfig)
        for name in leaves(kind)
    }:
        name = key.rpartition(".")[2]
        if key.startswith("paths.") or "." not in key:
            wanted = rf"config\.{re.escape(key)}\b"
        elif key.startswith("model.model_a.attention."):
            # The whole group is handed over as arguments.
            wanted = rf"\b{name}: (str|int|float|bool),"
        else:
            wanted = rf"\.{name}\b"
        if not any(re.search(wanted, source) for source in SOURCES):
            unread.append(key)
    assert unread == []


def test_a_config_survives_its_file(compose, tmp_path):
    config = compose("experiment=quick", "data.first_season=2022-23", "features=base")
    path = tmp_path / "config.yaml"
    path.write_text(config_yaml(config))
    assert config_from_yaml(path) == config


def test_an_experiment_changes_what_its_file_says_and_the_command_line_wins(compose):
    config = compose("experiment=quick", "trainer.max_epochs=9")
    diff = OmegaConf.load(CONF / "experiment" / "quick.yaml")
    assert config.folds.n_test_seasons == diff.folds.n_test_seasons
    assert config.model.rf.n_estimators == diff.model.rf.n_estimators
    assert config.trainer.max_epochs == 9 != diff.trainer.max_epochs


def test_the_manifest_lies_beside_the_data_or_in_the_folder_of_other_tables(composed, tmp_path):
    config = composed("data=nba").data
    assert manifest_path(config) == Path("data/manifest.json")
    other = replace(config, processed_dir=str(tmp_path / "processed"))
    assert manifest_path(other) == tmp_path / "processed" / "manifest.json"


def test_made_up_data_is_refused_by_every_program_but_the_debugger(compose):
    with pytest.raises(ConfigError, match=r"data\.source=dummy is made up"):
        compose("data=dummy")


def test_run_021_is_the_reference_run_value_by_value(composed):
    config = composed("experiment=run_021")
    roster, network, attention = (
        config.features.roster, config.model.model_a, config.model.model_a.attention,
    )  # fmt: skip
    assert config.seed == 42
    assert (roster.size, roster.windows) == (15, [10, 30])
    assert vars(roster.columns) == {
        "box_rates": True,
        "availability": True,
        "plus_minus_share": True,
        "returning_minutes": True,
        "true_shooting": False,
        "usage": False,
        "game_score": False,
        "box_rating": False,
        "last_season": False,
        "impact_rating": False,
        "expected_minutes": False,
    }
    assert config.trainer.max_epochs == 28
    assert config.callbacks.early_stopping_patience == 0
    assert (network.embedding_dim, network.encoder_dims) == (32, [128, 64])
    assert network.dropout == 0.2
    assert attention.n_heads == 4
    assert attention.minutes_bias_weight == 0.3
    assert attention.minutes_sum_min == 1e-6
    assert (network.loss, network.team_prior, network.n_seeds) == ("list_mle", [], 1)
    assert network.dates_per_season == 0
    assert config.target.name == "final_rank"
    assert (config.folds.oof, config.folds.k, config.folds.refit) == ("kfold", 5, False)
    assert config.data.first_season == "2015-16"
    assert config.folds.first_test_season == "2023-24"
    assert config.model.members == ["model_a", "xgb", "rf"]
    xgb, forest = config.model.xgb, config.model.rf
    assert (xgb.n_estimators, xgb.max_depth, xgb.learning_rate) == (250, 4, 0.08)
    assert xgb.early_stopping_rounds == 20
    assert (forest.n_estimators, forest.max_depth, forest.min_samples_leaf) == (200, 12, 5)


@pytest.mark.parametrize(
    ("words", "key", "remedy"),
    [
        (["features.elo.k=5"], "features.elo.k", "features.elo.fit=false"),
        (["features.massey.carry_over=0.1"], "features.massey.carry_over", "massey.fit=false"),
        (["features.pace.prior_games=5"], "features.pace.prior_games", "features/pace=on"),
        (["data=nba", "data.sim.seed=3"], "data.sim.seed", "data=sim"),
        (["folds.k=3"], "folds.k", "folds.oof=kfold"),
        (["odds=none", "odds.n_simulations=9"], "odds.n_simulations", "odds=monte_carlo"),
        (["model=rf", "model.xgb.max_depth=2"], "model.xgb.max_depth", "leaves it out"),
        (["model=rf", "trainer.max_epochs=2"], "trainer.max_epochs", "leaves model_a out"),
        (["model=rf", "model.stack.alphas=[5.0]"], "model.stack.alphas", "model=stack"),
        (["tuning.margin=2"], "tuning.margin", "-m"),
    ],
)
def test_an_option_that_another_one_silences_is_named(composed, words, key, remedy):
    keys = [word.split("=")[0] for word in words]
    (told,) = without_effect(composed(*words), keys)
    assert told.startswith(f"{key} has no effect: ")
    assert remedy in told


def test_options_that_matter_are_not_noted_and_those_that_do_not_exist_not_spoken_of(composed):
    given = [
        "features.pace.enabled=false",
        "features.elo.fit=false",
        "features.elo.k=12",
        "model.xgb.max_depth=2",
        "seed=3",
    ]
    assert without_effect(composed(*given), [word.split("=")[0] for word in given]) == []
    known = leaves(Config)
    for words in ([], ["model=rf", "features=standings_only", "odds=none", "folds=kfold"]):
        for prefix, _ in _rules(composed(*words)):
            assert any(f"{key}.".startswith(f"{prefix}.") for key in known), prefix
