"""What the command-line programs share: composing a config, and errors told plainly."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from nba_rank.config.compose import config_yaml, register_schemas
from nba_rank.config.experiment_file import known_to_hydra
from nba_rank.config.schema import Config
from nba_rank.core.errors import ConfigError, UserError
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import RunDir

CONF = Path(__file__).parent.parent.parent / "conf"
"""The configs of a checkout; an absolute path, so that any working folder will do."""


def run_program(config_name: str, program: Callable[[DictConfig, Console], object]) -> None:
    """Compose a config of `conf/` from the command line and run a program on it.

    Hydra's `version_base` is left at its default: Hydra 1.4, which the lock pins, deprecates it.
    Errors are told as by `exit_on_user_error`; those of a job of a sweep are the sweeper's.
    """
    register_schemas()
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)

    with exit_on_user_error(Console()):
        sys.argv[1:] = [known_to_hydra(word) for word in sys.argv[1:]]

    @hydra.main(config_path=str(CONF), config_name=config_name)
    def shell(cfg: DictConfig) -> object:
        console = Console()
        if OmegaConf.select(cfg, "tuning.trial") is not None:
            return program(cfg, console)  # the sweeper hears of errors, and takes the result
        with exit_on_user_error(console):
            program(cfg, console)
        return None

    shell()


@contextmanager
def exit_on_user_error(console: Console) -> Iterator[None]:
    """End the process without a traceback: status 1 after an error to mend, 130 after Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("[yellow]interrupted[/]")
        sys.exit(130)
    except UserError as error:
        console.print("[bold red]error:[/]", end=" ")
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


@contextmanager
def comparison_run(config: Config, kind: str, console: Console) -> Iterator[RunDir]:
    """Reserve a run folder for a program that compares variants of a run.

    Args:
        config: The config that all variants start from.
        kind: What is compared, for the manifest.
        console: Where the folder is named.

    Raises:
        ConfigError: The run ranks nobody, so there is nothing to compare.
    """
    if config.model.members == [CLONE]:
        raise ConfigError(f"model={CLONE} ranks no teams: compare with another model")
    with RunDir.reserve(Path(config.paths.outputs)) as run_dir:
        console.print(f"Run folder: {run_dir.path}")
        run_dir.write_text("config.yaml", config_yaml(config))
        run_dir.note(kind=kind, seed=config.seed)
        if HydraConfig.initialized():
            run_dir.note(overrides=list(HydraConfig.get().overrides.task))
        yield run_dir
