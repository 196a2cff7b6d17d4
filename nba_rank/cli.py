"""What the command-line programs share: composing a config, and errors told plainly."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import hydra
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config import ConfigError, register_schemas
from nba_rank.data.ingest import IngestError
from nba_rank.folds import FoldError
from nba_rank.models.callbacks.not_learning import NotLearningError

CONF = Path(__file__).parent.parent / "conf"
"""The configs of a checkout; an absolute path, so that any working folder will do."""

_USER_ERRORS = (
    ConfigError, FoldError, IngestError, FileNotFoundError, FileExistsError, ValueError,
    FloatingPointError, NotLearningError,
)  # fmt: skip


def run_program(config_name: str, program: Callable[[DictConfig, Console], object]) -> None:
    """Compose a config of `conf/` from the command line and run a program on it.

    Hydra's `version_base` is left at its default: Hydra 1.4, which the lock pins, deprecates it.
    An error that the user can mend is printed without a traceback and ends with status 1; Ctrl-C
    ends with status 130.
    """
    register_schemas()
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)

    @hydra.main(config_path=str(CONF), config_name=config_name)
    def shell(cfg: DictConfig) -> None:
        console = Console()
        try:
            program(cfg, console)
        except KeyboardInterrupt:
            console.print("[yellow]interrupted[/]")
            sys.exit(130)
        except _USER_ERRORS as error:
            console.print("[bold red]error:[/]", end=" ")
            console.print(str(error), markup=False, highlight=False, soft_wrap=True)
            sys.exit(1)

    shell()
