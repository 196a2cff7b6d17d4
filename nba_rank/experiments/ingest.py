"""`python -m nba_rank.ingest`: from a folder of raw files to checked tables."""

from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import IngestConfig
from nba_rank.data.ingest import IngestResult
from nba_rank.data.prepare import prepare_tables


def ingest(cfg: DictConfig, console: Console) -> IngestResult:
    """Ingest the configured raw folder."""
    config = as_config(cfg, IngestConfig)
    return prepare_tables(config.data, console, force=config.force)
