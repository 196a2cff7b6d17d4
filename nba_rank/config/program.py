"""The start of every command-line program: its help, its config, and its errors told plainly.

Nothing heavy is imported before the config is known to be good: help, typos and config errors
come at once.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from nba_rank.core.errors import UserError
from nba_rank.core.interruption import Terminated, interruptible
from nba_rank.core.startup import importing

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from rich.console import Console

_REMEDIES = {
    errno.ENOSPC: "free some space, or take another folder",
    errno.EDQUOT: "free some space, or take another folder",
    errno.EACCES: "take a folder that may be read and written, see paths.outputs and paths.cache",
    errno.EPERM: "take a folder that may be read and written, see paths.outputs and paths.cache",
    errno.EROFS: "take a folder that can be written, see paths.outputs and paths.cache",
}


def run_program(config_name: str, kind: type, place: str) -> None:
    """Compose a config of `conf/` from the command line and run a program on it.

    Hydra's `version_base` is left at its default: Hydra 1.4, which the lock pins, deprecates it.
    Errors are told as by `exit_on_user_error`; those of a job of a sweep are the sweeper's.

    Args:
        config_name: Name of a file of `conf/`.
        kind: Its schema.
        place: Dotted name of a function that takes the composed config and a console. Its module
            is imported when the config has been found good.
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
            import_module("nba_rank.experiments.tuning.sweeper").register_sweeper()
        sys.argv[1:] = words

        def shell(cfg: "DictConfig") -> object:
            console = Console()
            if OmegaConf.select(cfg, "tuning.trial") is not None:
                return _function(place)(cfg, console)  # the sweeper hears of errors
            with exit_on_user_error(console):
                config = as_config(cfg, kind)
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


def _function(place: str) -> "Callable[[DictConfig, Console], object]":
    module, _, name = place.rpartition(".")
    with importing():
        return getattr(import_module(module), name)


@contextmanager
def exit_on_user_error(console: "Console | None" = None) -> Iterator[None]:
    """End the process without a traceback where somebody can mend the cause.

    Status 1 after an error to mend, 130 after Ctrl-C, 143 after SIGTERM. Any other error goes on.

    Args:
        console: Where the error is told; None: on the standard output.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        _tell(console, "[yellow]interrupted[/]", "")
        sys.exit(143 if isinstance(error, Terminated) else 130)
    except Exception as error:
        told = _plain(error)
        if told is None:
            raise
        _tell(console, "[bold red]error:[/] ", told)
        sys.exit(1)


def _plain(error: Exception) -> str | None:
    """Say what there is to mend; None for a mistake in the code."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return (
            f"memory ran out ({error}): close other programs, or ask for less, such as fewer "
            "simulations or trees"
        )
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}: {_REMEDIES[error.errno]}"
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if isinstance(error, YAMLError):
        return f"a config file cannot be read as YAML: {error}"
    if isinstance(error, HydraException | OmegaConfBaseException):
        cause = error.__cause__
        return f"{error}\n{cause}" if isinstance(cause, OmegaConfBaseException) else str(error)
    return None


def _tell(console: "Console | None", label: str, text: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    (console or Console()).print(label + escape(text), highlight=False, soft_wrap=True)
