import optuna
import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nba_rank.config.compose import CONF, as_config
from nba_rank.config.rules import flat
from nba_rank.config.schema import Config
from nba_rank.core.errors import ConfigError
from nba_rank.experiments.tuning.choice import to_overrides
from nba_rank.experiments.tuning.space import draw, search_space

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


@pytest.fixture(scope="module")
def space_of(composed):
    """Reads a search space: its distributions by key."""

    def read(space: str) -> dict[str, BaseDistribution]:
        hydra = composed(f"hparams_search={space}", with_hydra=True).hydra
        params = [f"{key}={value}" for key, value in hydra.sweeper.params.items()]
        distributions, fixed = search_space(params)
        assert not fixed
        return distributions

    return read


@pytest.mark.parametrize("space", SPACES)
def test_every_draw_from_a_space_is_a_config(composed, space_of, space):
    distributions = space_of(space)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    seen: dict[str, set] = {name: set() for name in distributions}
    for number in range(12):
        trial = study.ask()
        draw(trial, distributions)
        for name, value in trial.params.items():
            seen[name].add(value)
        if number >= 3:  # composing takes most of the time
            continue
        config = as_config(composed(f"hparams_search={space}", *to_overrides(trial.params)), Config)
        values = dict(flat(config))
        for name, value in trial.params.items():
            if name in values and not isinstance(values[name], list):
                assert values[name] == value
    assert all(len(values) > 1 for values in seen.values())


@pytest.mark.parametrize("space", SPACES)
def test_every_default_lies_within_its_space(composed, space_of, space):
    composition = composed(f"hparams_search={space}", with_hydra=True)
    choices = composition.hydra.runtime.choices
    values = dict(flat(as_config(composed(f"hparams_search={space}"), Config)))
    outside = {}
    for name, kind in space_of(space).items():
        default = values[name] if name in values else choices[name]
        if isinstance(kind, optuna.distributions.CategoricalDistribution):
            known = [yaml.safe_load(str(one)) for one in kind.choices]
            inside = yaml.safe_load(str(default)) in known
        else:
            inside = kind.low <= default <= kind.high
        if not inside:
            outside[name] = default
    assert not outside


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a=range(2,6)", IntDistribution(2, 5)),
        ("a=range(8,0,-2)", IntDistribution(2, 8, step=2)),
        ("a=range(0.1,0.5,0.2)", FloatDistribution(0.1, 0.3, step=0.2)),
        ("a=interval(1,4)", FloatDistribution(1, 4)),
        ("a=tag(log,interval(0.1,1))", FloatDistribution(0.1, 1, log=True)),
        ("a=tag(log,int(interval(1,40)))", IntDistribution(1, 40, log=True)),
        ("a=choice([1],[2,3])", CategoricalDistribution(["[1]", "[2,3]"])),
        ("a=1,x,null", CategoricalDistribution([1, "x", "null"])),
    ],
)
def test_a_sweep_becomes_a_distribution(word, expected):
    assert search_space([word]) == ({"a": expected}, [])


def test_a_fixed_value_wins_over_a_search():
    space, fixed = search_space(["a=1,2", "b=1,2", "c=3", "++a=5", "~d", "c=[4,x]"])
    assert [*space] == ["b"]
    assert fixed == ["c=[4,x]", "++a=5", "~d"]


@pytest.mark.parametrize("word", ["a=range(3,3)", "a=interval(2,1)"])
def test_an_empty_space_is_named(word):
    with pytest.raises(ConfigError, match=r"a=.* cannot be searched"):
        search_space([word])


def test_the_spaces_that_people_ask_for_are_there():
    assert SPACES == ["clone_classifier", "features", "forest", "full", "model_a", "quick", "xgb"]


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
