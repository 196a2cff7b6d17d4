"""Search spaces: from Hydra's override grammar to Optuna's distributions."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep, Transformer
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from nba_rank.core.errors import ConfigError


def search_space(words: Sequence[str]) -> tuple[dict[str, BaseDistribution], list[str]]:
    """Split overrides into distributions by key, and fixed overrides.

    Args:
        words: Overrides such as `model.xgb.max_depth=range(2, 6)`. For one key a fixed value wins
            over a search, and a later override over an earlier one.

    Raises:
        ConfigError: A range or an interval is empty.
    """
    space: dict[str, BaseDistribution] = {}
    fixed: dict[str, str] = {}
    for override in OverridesParser.create().parse_overrides([*words]):
        key = override.get_key_element().lstrip("+~")
        if override.is_delete():
            fixed[key] = str(override.input_line)
        elif override.is_sweep_override():
            space[key] = _distribution(override)
        else:
            given = override.get_value_element_as_str()
            fixed[key] = f"{override.get_key_element()}={given}"
    return {key: one for key, one in space.items() if key not in fixed}, [*fixed.values()]


def to_overrides(params: Mapping[str, Any]) -> list[str]:
    """Return a trial's parameters as overrides."""
    return [f"{name}={value}" for name, value in params.items()]


def draw(trial: Trial, space: dict[str, BaseDistribution]) -> None:
    """Let a trial draw a value from each distribution."""
    for name, one in space.items():
        if isinstance(one, IntDistribution):
            trial.suggest_int(name, one.low, one.high, step=one.step, log=one.log)
        elif isinstance(one, FloatDistribution):
            trial.suggest_float(name, one.low, one.high, step=one.step, log=one.log)
        elif isinstance(one, CategoricalDistribution):
            trial.suggest_categorical(name, one.choices)
        else:
            raise TypeError(f"{name}: {one}")


def _distribution(override: Override) -> BaseDistribution:
    value: Any = override.value()
    try:
        if isinstance(value, IntervalSweep):
            bounds: list[Any] = [value.start, value.end]
            is_whole = all(isinstance(bound, int) for bound in bounds)
            kind: Any = IntDistribution if is_whole else FloatDistribution
            return kind(*bounds, log="log" in value.tags)
        choices: list[Any] = [*override.sweep_iterator(transformer=Transformer.encode)]
        if isinstance(value, RangeSweep) and not value.shuffle and not value.transformers:
            is_whole = all(isinstance(choice, int) for choice in choices)
            step = abs(value.step) if is_whole else abs(float(value.step))
            kind = IntDistribution if is_whole else FloatDistribution
            return kind(min(choices), max(choices), step=step)
        return CategoricalDistribution(choices)
    except ValueError as error:
        raise ConfigError(f"{override.input_line} cannot be searched: {error}") from error
