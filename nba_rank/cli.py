"""What the command-line programs share: composing a config, and errors told plainly."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config import Config, ConfigError, config_yaml, register_schemas
from nba_rank.data.ingest import IngestError
from nba_rank.folds import FoldError
from nba_rank.models.callbacks.not_learning import NotLearningError
from nba_rank.run_dir import RunDir

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


@contextmanager
def comparison_run(config: Config, kind: str, console: Console) -> Iterator[RunDir]:
    """Reserve a run folder for a program that compares variants of a run.

    Args:
        config: The config that all variants start from.
        kind: What is compared, for the manifest.
        console: Where the folder is named.
    """
    with RunDir.reserve(Path(config.paths.outputs)) as run_dir:
        console.print(f"Run folder: {run_dir.path}")
        run_dir.write_text("config.yaml", config_yaml(config))
        run_dir.note(kind=kind, seed=config.seed)
        if HydraConfig.initialized():
            run_dir.note(overrides=list(HydraConfig.get().overrides.task))
        yield run_dir
