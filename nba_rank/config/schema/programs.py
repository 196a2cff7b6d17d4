"""The whole config of each program."""

from dataclasses import dataclass

from nba_rank.config.schema.data import DataConfig
from nba_rank.config.schema.evaluation import EvaluationConfig, FoldsConfig, TargetConfig
from nba_rank.config.schema.features import FeaturesConfig
from nba_rank.config.schema.fetch import ServersConfig
from nba_rank.config.schema.model import ModelConfig
from nba_rank.config.schema.odds import CalibrationConfig, OddsConfig
from nba_rank.config.schema.option import NOTHING, SWEEP, option
from nba_rank.config.schema.trainer import CallbacksConfig, LoggerConfig, TrainerConfig
from nba_rank.config.schema.tuning import TuningConfig


@dataclass(kw_only=True)
class PathsConfig:
    """Folders."""

    outputs: str = option("Folder of the run folders.", role=NOTHING)
    cache: str = option("Folder of features, ratings and projections.", role=NOTHING)
    members: str | None = option(
        "Folder of fitted members, which are fitted again only where their inputs have changed; "
        "null: fit all anew.",
        role=NOTHING,
    )


@dataclass(kw_only=True)
class Config:
    """One run."""

    seed: int = option("Root of every random draw.", low=0)
    include_clone_classifier: bool = option(
        "Also judge the playoff classifier in the trials of a sweep.", role=SWEEP
    )
    tuning: TuningConfig
    evaluation: EvaluationConfig
    data: DataConfig
    features: FeaturesConfig
    target: TargetConfig
    folds: FoldsConfig
    model: ModelConfig
    calibration: CalibrationConfig
    odds: OddsConfig
    trainer: TrainerConfig
    callbacks: CallbacksConfig
    logger: LoggerConfig
    paths: PathsConfig


@dataclass(kw_only=True)
class AblateConfig(Config):
    """A run, and which of its feature groups are judged."""

    only: list[str] = option("Groups to judge; none: all that are on.")
    directions: list[str] = option(
        "Take a group from all that are on, and put it on top of the record.",
        choices=("without", "alone"),
        filled=True,
    )


@dataclass(kw_only=True)
class AblateModelAConfig(Config):
    """A run, and which parts of its model A are judged."""

    only: list[str] = option("Variants of model A to judge beside the whole; none: all.")


@dataclass(kw_only=True)
class IngestConfig:
    """One ingest."""

    data: DataConfig
    force: bool = option("Read the raw files even where nothing has changed.")


@dataclass(kw_only=True)
class PredictDataConfig:
    """Where the tables lie."""

    processed_dir: str | None = option("Folder of the tables; null: the run's own.")


@dataclass(kw_only=True)
class FreshnessConfig:
    """How old the data may be."""

    max_missed_days: int = option(
        "Days before the date on which games were due and none is known, at most.", low=0
    )


@dataclass(kw_only=True)
class ForecastConfig(FreshnessConfig):
    """What a forecast tells, and how old its data may be."""

    days: int = option("Days whose games are forecast, from the date on.", low=0)


@dataclass(kw_only=True)
class WhatIfConfig:
    """What a hypothetical forecast assumes; see `nba_rank.experiments.what_if`."""

    out: list[str] = option(
        "Players who are out, `NAME` for the rest of the season or `NAME until DATE`."
    )
    back: list[str] = option("Players who are out and come back, `NAME` now or `NAME from DATE`.")
    trades: list[str] = option("Players who change teams, `NAME to TEAM`.")
    results: list[str] = option(
        "Games to come, `TEAM beats TEAM`, with the score, `on DATE` or both where needed."
    )


@dataclass(kw_only=True)
class PredictConfig(ForecastConfig):
    """One prediction from a run folder."""

    run: str = option("Run folder.")
    as_of: str = option("Date to rank, such as 2024-01-15.")
    data: PredictDataConfig
    what_if: WhatIfConfig
    out: str | None = option("CSV file to write; null: `predictions_<as_of>.csv` of the run.")


@dataclass(kw_only=True)
class ExplainConfig(FreshnessConfig):
    """One explanation from a run folder."""

    run: str = option("Run folder.")
    as_of: str | None = option(
        "Date whose ranks are explained, such as 2024-01-15; null: the test seasons on the whole."
    )
    team: str | None = option("Team, such as BOS; null: every team.")
    against: str | None = option("Team from which `team` differs, such as NYK; null: none.")
    since: str | None = option(
        "Earlier date of the season from which the ranks have moved; null: none."
    )
    players: int | None = option(
        "Players of a team without whom it is forecast again; null: 8 of one team, 2 each of all.",
        low=0,
    )
    data: PredictDataConfig
    what_if: WhatIfConfig
    out: str | None = option("Folder to write to; null: the run's.")


@dataclass(kw_only=True)
class TodayConfig(ServersConfig, ForecastConfig):
    """The forecast of the day from a run."""

    fetch: bool = option("Fetch the season in progress first, into the raw folder of the run.")
    run: str | None = option("Run folder; null: the newest finished one in `outputs`.")
    as_of: str | None = option("Date to rank, such as 2024-01-15; null: today, US Eastern.")
    outputs: str = option("Folder of the run folders and of the seasons' forecasts.")


@dataclass(kw_only=True)
class DebugConfig(Config):
    """A run, and the batch on which its untrained model A is looked at."""

    batch: int = option("Number of the batch, in date order from 0.", low=0)
