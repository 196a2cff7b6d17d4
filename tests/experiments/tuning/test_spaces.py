import optuna
import pytest
import yaml
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nba_rank.config.rules import flat
from nba_rank.core.errors import ConfigError
from nba_rank.experiments.tuning.space import draw, search_space, to_overrides
from nba_rank.experiments.tuning.sweeper import _typed

STACKED = ["model_a", "xgb", "rf"]
MEMBERS = {
    "quick": STACKED, "features": STACKED, "full": STACKED, "model_a": ["model_a"],
    "xgb": ["xgb"], "forest": ["rf"], "clone_classifier": ["clone_classifier"],
}  # fmt: skip


@pytest.mark.parametrize("space", MEMBERS)
def test_a_space_contains_the_default_and_draws_configs_of_its_members(
    compose_file, compose_as_is, space
):
    search = f"hparams_search={space}"
    cfg = compose_file("config", search, with_hydra=True)
    distributions, fixed = search_space(
        [f"{key}={value}" for key, value in cfg.hydra.sweeper.params.items()]
    )
    assert not fixed
    choices = cfg.hydra.runtime.choices
    default = _typed(cfg)
    assert default.model.members == MEMBERS[space]
    values = dict(flat(default))
    for name, kind in distributions.items():
        value = values[name] if name in values else choices[name]
        if isinstance(kind, CategoricalDistribution):
            known = [yaml.safe_load(str(one)) for one in kind.choices]
            assert yaml.safe_load(str(value)) in known, name
        else:
            assert kind.low <= value <= kind.high, name

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    trials = [study.ask() for _ in range(12)]
    for trial in trials:
        draw(trial, distributions)
    drawn = trials[0].params
    found = dict(flat(compose_as_is(search, *to_overrides(drawn))))
    for name, value in drawn.items():
        if name in found and not isinstance(found[name], list):
            assert found[name] == value
    assert all(len({trial.params[name] for trial in trials}) > 1 for name in distributions)


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


def test_choices_become_words_of_the_command_line():
    assert to_overrides({"a/b": "on", "c.d": "[10,30]"}) == ["a/b=on", "c.d=[10,30]"]


def test_a_fixed_value_wins_over_a_search():
    space, fixed = search_space(["a=1,2", "b=1,2", "c=3", "++a=5", "~d", "c=[4,x]"])
    assert [*space] == ["b"]
    assert fixed == ["c=[4,x]", "++a=5", "~d"]


@pytest.mark.parametrize("word", ["a=range(3,3)", "a=interval(2,1)"])
def test_an_empty_space_is_named(word):
    with pytest.raises(ConfigError, match=r"a=.* cannot be searched"):
        search_space([word])
