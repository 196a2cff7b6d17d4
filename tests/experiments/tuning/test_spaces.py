import numpy as np
import optuna
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra_plugins.hydra_optuna_sweeper._impl import create_params_from_overrides

from nba_rank.config.compose import CONF, as_config
from nba_rank.config.rules import flat
from nba_rank.config.schema import Config
from nba_rank.experiments.tuning.choice import words

SPACES = sorted(path.stem for path in (CONF / "hparams_search").glob("*.yaml"))
SPACES.remove("default")


@pytest.fixture(scope="module")
def composed(compose_as_is):
    """Composes the config of a job; `compose_as_is` has registered what it needs."""

    def make(*overrides: str, with_hydra: bool = False):
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(CONF)):
            return compose("config", overrides=[*overrides], return_hydra_config=with_hydra)

    return make


@pytest.mark.parametrize("space", SPACES)
def test_every_draw_from_a_space_is_a_config(composed, space):
    hydra = composed(f"hparams_search={space}", with_hydra=True).hydra
    params = [f"{key}={value}" for key, value in hydra.sweeper.params.items()]
    distributions, fixed, _ = create_params_from_overrides(params)
    assert not fixed
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    seen: dict[str, set] = {name: set() for name in distributions}
    for _ in range(12):
        trial = study.ask(distributions)
        config = as_config(composed(f"hparams_search={space}", *words(trial.params)), Config)
        values = dict(flat(config))
        for name, value in trial.params.items():
            seen[name].add(value)
            if name in values and not isinstance(values[name], list):
                assert values[name] == value
    assert all(len(values) > 1 for values in seen.values())


def test_the_spaces_that_people_ask_for_are_there():
    assert SPACES == ["clone_classifier", "features", "forest", "full", "model_a", "quick", "xgb"]


def test_the_space_of_model_b_is_the_one_asked_for(composed):
    params = composed("hparams_search=xgb", with_hydra=True).hydra.sweeper.params
    found, _, _ = create_params_from_overrides([f"{k}={v}" for k, v in params.items()])
    bounds = {name.split(".")[-1]: (kind.low, kind.high) for name, kind in found.items()}
    assert bounds == {
        "learning_rate": (0.005, 0.05),
        "max_depth": (3, 5),
        "min_child_weight": (5, 15),
        "colsample_bytree": (0.5, 0.7),
        "reg_lambda": (1, 10),
        "reg_alpha": (1, 10),
    }
    assert found["model.xgb.learning_rate"].log


@pytest.mark.parametrize(
    ("space", "members"),
    [
        ("xgb", ["xgb"]),
        ("forest", ["rf"]),
        ("model_a", ["model_a"]),
        ("clone_classifier", ["clone_classifier"]),
        ("quick", None),
    ],
)
def test_a_space_of_one_model_judges_that_model_alone(composed, space, members):
    found = as_config(composed(f"hparams_search={space}"), Config).model.members
    assert found == (members or ["model_a", "xgb", "rf"])


def test_windows_of_the_features_are_the_ones_asked_for(composed):
    params = composed("hparams_search=features", with_hydra=True).hydra.sweeper.params
    found, _, _ = create_params_from_overrides([f"{k}={v}" for k, v in params.items()])
    windows = found["features.team_rolling.windows"].choices
    assert [*windows] == ["[10]", "[10,30]", "[15,30]", "[20,30]"]
    assert np.mean(["windows" in name for name in found]) < 0.5
