"""The run folder of a program that compares variants of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from rich.console import Console

from nba_rank.config.compose import config_yaml
from nba_rank.config.schema import Config
from nba_rank.core.errors import ConfigError
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import RunDir


@contextmanager
def comparison_run(config: Config, kind: str, console: Console) -> Iterator[RunDir]:
    """Reserve a run folder; `kind` tells the manifest what is compared.

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
