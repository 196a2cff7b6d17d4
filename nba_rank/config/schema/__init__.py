"""Names, types, meaning and bounds of every option, by group; the values live in `conf/`.

Hydra merges the files of `conf/` into these dataclasses, so an unknown key or a value of another
type is refused when the config is composed. What depends on several options is in
`nba_rank.config.rules`.
"""

from nba_rank.config.schema.data import DataConfig, SimParams, manifest_path, raw_dirs
from nba_rank.config.schema.evaluation import EvaluationConfig, FoldsConfig, TargetConfig
from nba_rank.config.schema.features import (
    EloConfig,
    FeaturesConfig,
    GroupConfig,
    ImpactConfig,
    InjuriesConfig,
    MarketConfig,
    MasseyConfig,
    MomentumConfig,
    MotivationConfig,
    PaceConfig,
    PlayerColumnsConfig,
    ProjectionConfig,
    PythagoreanConfig,
    RaptorConfig,
    RecordConfig,
    RestConfig,
    RosterConfig,
    StatusWeightsConfig,
    TeamRollingConfig,
)
from nba_rank.config.schema.fetch import (
    AddressesConfig,
    FetchConfig,
    InjuryReportsConfig,
    ServersConfig,
    SourceConfig,
    WebConfig,
)
from nba_rank.config.schema.model import (
    RANKING,
    STACK_FEATURES,
    TEAM_PRIORS,
    AttentionConfig,
    BoostingConfig,
    CloneConfig,
    GamesConfig,
    ModelAConfig,
    ModelConfig,
    RfConfig,
    StackConfig,
    XgbConfig,
)
from nba_rank.config.schema.odds import CalibrationConfig, OddsConfig
from nba_rank.config.schema.programs import (
    AblateConfig,
    AblateModelAConfig,
    Config,
    DebugConfig,
    ExplainConfig,
    IngestConfig,
    PathsConfig,
    PredictConfig,
    PredictDataConfig,
    TodayConfig,
    WhatIfConfig,
)
from nba_rank.config.schema.trainer import (
    AttentionDiagnosticsConfig,
    CallbacksConfig,
    LoggerConfig,
    NotLearningConfig,
    TrainerConfig,
)
from nba_rank.config.schema.tuning import StudySweeperConf, TuningConfig
