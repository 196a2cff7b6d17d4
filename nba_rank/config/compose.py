"""From a composed config to typed, checked objects, and from these to text and back."""

from pathlib import Path
from typing import TypeVar, cast

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from nba_rank.config.rules import validate
from nba_rank.config.schema import (
    AblateConfig,
    AblateModelAConfig,
    Config,
    DebugConfig,
    ExplainConfig,
    FetchConfig,
    IngestConfig,
    PredictConfig,
    StudySweeperConf,
    TodayConfig,
)
from nba_rank.core.errors import ConfigError

_IN_PACKAGE, _IN_CHECKOUT = (Path(__file__).parents[n] / "conf" for n in (1, 2))
CONF = _IN_PACKAGE if _IN_PACKAGE.is_dir() else _IN_CHECKOUT
"""The configs: a wheel holds them in the package, a checkout beside it."""

Kind = TypeVar("Kind")


def register_schemas() -> None:
    """Put the schemas where the defaults lists of `conf/` find them."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    store.store(name="ablate_schema", node=AblateConfig)
    store.store(name="ablate_model_a_schema", node=AblateModelAConfig)
    store.store(name="explain_schema", node=ExplainConfig)
    store.store(name="fetch_schema", node=FetchConfig)
    store.store(name="ingest_schema", node=IngestConfig)
    store.store(name="predict_schema", node=PredictConfig)
    store.store(name="today_schema", node=TodayConfig)
    store.store(name="debug_schema", node=DebugConfig)
    store.store(group="hydra/sweeper", name="study", node=StudySweeperConf)


def as_config(cfg: DictConfig, kind: type[Kind]) -> Kind:
    """Turn what Hydra composed into the typed objects of a program's schema, and validate them.

    Raises:
        ConfigError: The config cannot be run.
    """
    config = _typed(cfg, kind)
    validate(config)
    return config


def config_from_yaml(path: Path) -> Config:
    """Read a config back from a run folder.

    Raises:
        ConfigError: The file is not a config of this version of the program.
    """
    try:
        content = cast(DictConfig, OmegaConf.load(path))
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(f"{path} cannot be read as a config: {error}") from error
    try:
        return _typed(content, Config)
    except (ConfigError, OmegaConfBaseException) as error:
        raise ConfigError(
            f"{path} was written by another version of nba_rank ({error}): train again, or check "
            "out the git revision that the folder's manifest.json names"
        ) from error


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
