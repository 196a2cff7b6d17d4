"""Names, types, meaning and bounds of every option, by group; the values live in `conf/`.

Hydra merges the files of `conf/` into these dataclasses, so an unknown key or a value of another
type is refused when the config is composed. What depends on several options is in
`nba_rank.config.rules`.
"""

from functools import partial
from importlib import import_module
from typing import Any

from nba_rank.config.schema.data import (
    DataConfig,
    SimParams,
    manifest_path,
)
from nba_rank.config.schema.evaluation import (
    EvaluationConfig,
    FoldsConfig,
    TargetConfig,
)
from nba_rank.config.schema.features import (
    ContinuityConfig,
    EloConfig,
    FeaturesConfig,
    FourFactorsConfig,
    ImpactConfig,
    InjuriesConfig,
    MarketConfig,
    MasseyConfig,
    MomentumConfig,
    MotivationConfig,
    PaceConfig,
    PlayerColumnsConfig,
    PriorRecordsConfig,
    PriorSeasonConfig,
    ProjectionConfig,
    PythagoreanConfig,
    RaptorConfig,
    RecordConfig,
    RestConfig,
    RosterConfig,
    RosterStrengthConfig,
    SrsConfig,
    StatusWeightsConfig,
    TeamRollingConfig,
)
from nba_rank.config.schema.model import (
    STACK_FEATURES,
    TEAM_PRIORS,
    AttentionConfig,
    CloneConfig,
    ModelAConfig,
    ModelConfig,
    RfConfig,
    StackConfig,
    XgbConfig,
)
from nba_rank.config.schema.odds import (
    CalibrationConfig,
    OddsConfig,
)
from nba_rank.config.schema.programs import (
    AblateConfig,
    Config,
    DebugConfig,
    IngestConfig,
    PathsConfig,
    PredictConfig,
    PredictDataConfig,
)
from nba_rank.config.schema.trainer import (
    AttentionDiagnosticsConfig,
    CallbacksConfig,
    LoggerConfig,
    NotLearningConfig,
    TrainerConfig,
)
from nba_rank.config.schema.tuning import (
    StudySweeperConf,
    TuningConfig,
)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Find what has moved to `compose`, `rules` and `core.errors`, until nothing asks here."""
    compose = import_module("nba_rank.config.compose")
    if name in ("as_config", "as_ablate_config", "as_ingest_config", "as_predict_config",
                "as_debug_config"):  # fmt: skip
        kind = {"as_config": "Config"}.get(name, f"{name[3:].partition('_')[0].title()}Config")
        return partial(compose.as_config, kind=globals()[kind])
    for place in (
        compose,
        import_module("nba_rank.config.rules"),
        import_module("nba_rank.core.errors"),
    ):
        if hasattr(place, name):
            return getattr(place, name)
    raise AttributeError(name)
