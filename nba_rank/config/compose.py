"""From a composed config to typed, checked objects, and from these to text and back."""

from pathlib import Path
from typing import TypeVar, cast

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError

from nba_rank.config.rules import validate
from nba_rank.config.schema import (
    AblateConfig,
    Config,
    DebugConfig,
    IngestConfig,
    PredictConfig,
)
from nba_rank.core.errors import ConfigError

Kind = TypeVar("Kind", AblateConfig, Config, DebugConfig, IngestConfig, PredictConfig)


def register_schemas() -> None:
    """Put the schemas where the defaults lists of `conf/` find them."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    store.store(name="ablate_schema", node=AblateConfig)
    store.store(name="ingest_schema", node=IngestConfig)
    store.store(name="predict_schema", node=PredictConfig)
    store.store(name="debug_schema", node=DebugConfig)


def as_config(cfg: DictConfig, kind: type[Kind]) -> Kind:
    """Turn a composed config into typed objects and validate it.

    Args:
        cfg: What Hydra composed.
        kind: The schema of the program.

    Raises:
        ConfigError: The config cannot be run.
    """
    config = _typed(cfg, kind)
    validate(config)
    return config


def config_from_yaml(path: Path) -> Config:
    """Read a config back from a run folder."""
    return _typed(cast(DictConfig, OmegaConf.load(path)), Config)


def config_yaml(config: object) -> str:
    """Return a config as YAML text."""
    return OmegaConf.to_yaml(OmegaConf.structured(config))


def _typed(cfg: DictConfig, kind: type[Kind]) -> Kind:
    """Merge into a fresh schema, which refuses keys that `+key=value` has added."""
    given = OmegaConf.to_container(cfg, resolve=True)
    try:
        merged = OmegaConf.merge(OmegaConf.structured(kind), given)
    except ConfigKeyError as error:
        raise ConfigError(f"unknown key in the config: {error.full_key}") from error
    missing = sorted(OmegaConf.missing_keys(merged))
    if missing:
        raise ConfigError("a value must be given: " + ", ".join(f"{key}=..." for key in missing))
    return cast(Kind, OmegaConf.to_object(merged))
