"""Which seasons each tuned default was chosen on: `conf/choices.yaml`.

Whoever chooses a value by looking at a season can no longer measure on it what the value is worth.
Development seasons are there to choose on, validation seasons to check a choice, and all later ones
to report: no choice should have seen them.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

from omegaconf import OmegaConf

from nba_rank.config.compose import CONF
from nba_rank.config.schema import Config
from nba_rank.config.schema.option import declared
from nba_rank.core.errors import ConfigError
from nba_rank.core.seasons import is_season

PATH = CONF / "choices.yaml"


@dataclass(frozen=True)
class Choice:
    """A tuned default.

    Attributes:
        key: Dotted key of an option, or dotted name of a constant of the program.
        value: What was chosen.
        chosen_on: First and last season that were looked at to choose it; empty where it was set
            in advance, by what is known of the matter.
        checked_on: First and last season that it was checked on afterwards; empty if none.
        measured: What was measured.
    """

    key: str
    value: Any
    chosen_on: list[str]
    checked_on: list[str]
    measured: str

    @property
    def newest(self) -> str:
        """Newest season that had a say in it, empty where none had."""
        return max([*self.chosen_on, *self.checked_on], default="")

    def current(self, config: Config) -> object:
        """Return the value that a config, or the program, has now.

        Raises:
            ConfigError: There is no such option or constant.
        """
        if self.key in declared(Config):
            return reduce(getattr, self.key.split("."), config)
        module, _, name = self.key.rpartition(".")
        try:
            value = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError):
            raise ConfigError(f"{PATH}: no option or constant {self.key}") from None
        return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Choices:
    """All choices.

    Attributes:
        development: Last season to choose on.
        validation: Last season to check on.
        made: The choices.
    """

    development: str
    validation: str
    made: list[Choice]

    @classmethod
    def read(cls) -> Self:
        """Read `conf/choices.yaml`.

        Raises:
            ConfigError: An entry is not complete, or names no seasons.
        """
        content: Any = OmegaConf.to_container(OmegaConf.load(PATH))
        try:
            made = [Choice(key, **about) for key, about in content["choices"].items()]
            found = cls(content["development"], content["validation"], made)
        except (TypeError, KeyError) as error:
            raise ConfigError(f"{PATH}: an entry lacks something: {error}") from error
        for choice in made:
            for seasons in (choice.chosen_on, choice.checked_on):
                if len(seasons) not in (0, 2) or not all(map(is_season, seasons)):
                    raise ConfigError(
                        f"{PATH}: {choice.key}: {seasons} are no first and last season"
                    )
        return found

    def seen(self, tests: Sequence[str], config: Config) -> "Seen":
        """Say what the choices, as far as a config keeps them, have seen of its test seasons."""
        kept = [choice for choice in self.made if choice.current(config) == choice.value]
        return Seen(
            development=[season for season in tests if season <= self.development],
            validation=[s for s in tests if self.development < s <= self.validation],
            reported=[season for season in tests if season > self.validation],
            late=[choice.key for choice in kept if choice.newest > self.validation],
            changed=[choice.key for choice in self.made if choice not in kept],
        )


@dataclass(frozen=True)
class Seen:
    """How far the test seasons of a run are untouched by choices.

    Attributes:
        development: Test seasons that defaults were chosen on.
        validation: Test seasons that choices were checked on.
        reported: All later ones.
        late: Keys of the choices in force that have seen reported seasons.
        changed: Keys whose value is not the one chosen.
    """

    development: list[str]
    validation: list[str]
    reported: list[str]
    late: list[str]
    changed: list[str]

    @property
    def line(self) -> str:
        """One line for people."""
        if not self.reported:
            return "Every test season has been seen by choices of defaults."
        first, last = self.reported[0], self.reported[-1]
        span = first if first == last else f"{first} to {last}"
        seen = (
            f"seen by choices of defaults, {len(self.late)}" if self.late else "unseen by choices"
        )
        return f"Test seasons {span}: {seen} (conf/choices.yaml)."
