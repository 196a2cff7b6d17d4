"""The start of every command-line program: its help and its config.

Nothing heavy is imported before the config is known to be good: help, typos and config errors
come at once.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nba_rank.core.errors import ConfigError
from nba_rank.core.exits import exit_on_user_error
from nba_rank.core.interruption import interruptible
from nba_rank.core.startup import importing

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run_program(config_name: str, kind: type, place: str, sweeper: str | None = None) -> None:
    """Compose a config of `conf/` from the command line and run a program on it.

    Hydra's `version_base` is left at its default: Hydra 1.4, which the lock pins, deprecates it.
    Errors are told as by `exit_on_user_error`; those of a job of a sweep are the sweeper's.

    Args:
        config_name: Name of a file of `conf/`.
        kind: Its schema.
        place: Dotted name of a function that takes the composed config and a console. Its module
            is imported when the config has been found good.
        sweeper: Dotted name of a function that makes a sweeper known to Hydra; None: the program
            cannot search.
    """
    with interruptible(), exit_on_user_error():
        import hydra
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import OmegaConf
        from rich.console import Console
        from rich.markup import escape

        from nba_rank.config.compose import CONF, as_config, register_schemas
        from nba_rank.config.experiment_file import known_to_hydra
        from nba_rank.config.no_effect import without_effect
        from nba_rank.config.schema import Config

        # Hydra's own printing of errors would come before ours.
        os.environ.setdefault("HYDRA_FULL_ERROR", "1")
        register_schemas()
        words = [known_to_hydra(word) for word in sys.argv[1:]]
        if {"-h", "--help"} & {*words}:
            from nba_rank.config.program_help import program_help

            print(program_help(config_name, kind, [word for word in words if word[0] != "-"]))
            return
        if {"-m", "--multirun"} & {*words}:
            _check_common(config_name, kind, words)
            if sweeper is not None:
                _function(sweeper)()
            elif any(word.startswith("hparams_search=") for word in words):
                raise ConfigError("only nba_rank.train can search: leave hparams_search out")
        sys.argv[1:] = words

        def shell(cfg: "DictConfig") -> object:
            console = Console()
            if OmegaConf.select(cfg, "tuning.trial") is not None:
                return _function(place)(cfg, console)  # the sweeper hears of errors
            with exit_on_user_error(console):
                config: object = as_config(cfg, kind)
                given = [
                    word.split("=")[0].lstrip("+") for word in HydraConfig.get().overrides.task
                ]
                for note in without_effect(config, given) if isinstance(config, Config) else []:
                    console.print("[yellow]note:[/]", escape(note), highlight=False, soft_wrap=True)
                _function(place)(cfg, console)
            return None

        hydra.main(config_path=str(CONF), config_name=config_name)(shell)()


def _check_common(config_name: str, kind: type, words: list[str]) -> None:
    """Validate what the jobs of a sweep have in common."""
    from hydra import compose, initialize_config_dir
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from nba_rank.config.compose import CONF, as_config

    given = OverridesParser.create().parse_overrides([word for word in words if word[0] != "-"])
    fixed = [one.input_line for one in given if one.input_line and not one.is_sweep_override()]
    with initialize_config_dir(str(CONF)):
        as_config(compose(config_name, overrides=fixed), kind)


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.rpartition(".")
    with importing():
        return getattr(import_module(module), name)
