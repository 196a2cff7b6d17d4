"""Typed schema of every config group, and the check that runs before any data is read.

The values live in `conf/`; the dataclasses here give names, types and meaning. Hydra merges the
files into the schema, so an unknown key or a value of another type is refused when the config is
composed. `validate` finds what types cannot: values out of range and combinations that make no
sense.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass
from math import isfinite
from pathlib import Path
from typing import cast

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.sim_params import SimParams
from nba_rank.core.errors import UserError
from nba_rank.core.names import CLONE, MEMBERS
from nba_rank.core.seasons import season_start_year

DIRECTIONS = ("without", "alone")
"""Ways to judge a feature group: taken from all that are on, and put on top of the record."""

TEAM_PRIORS = (
    "projected_win_pct", "full_strength", "roster_strength",
    "regressed_win_pct", "elo_rating", "massey_rating",
)  # fmt: skip
"""Store features that can stand beside the players of model A."""


STACK_FEATURES = (*TEAM_PRIORS, "projected_outcome", "projected_wins")
"""Store features that can be blended with the scores of the members."""


class ConfigError(UserError):
    """The config cannot be run; the message lists everything that is wrong with it."""


@dataclass(kw_only=True)
class SimConfig:
    """The simulated league; `nba_rank.config.sim_params.SimParams` explains each field."""

    seed: int
    first_season_year: int
    n_seasons: int
    home_edge: float
    back_to_back_cost: float
    talent_spread: float
    shooting_luck: float
    injury_rate: float
    trade_rate: float
    movement_rate: float
    shutdown_rate: float


@dataclass(kw_only=True)
class DataConfig:
    """Where the game logs come from.

    Attributes:
        source: `raw` reads `raw_dir` as it is; `sim` writes a simulated league there first;
            `dummy` reads nothing and is for `nba_rank.debug_model_a` alone.
        raw_dir: Folder of raw files.
        processed_dir: Folder of the checked tables.
        first_season: First season to learn from, such as `2012-13` (null: all in the tables).
        as_of_every_days: Days between two as-of dates of the even grid.
        sim: The simulated league, used where `source` is `sim`.
    """

    source: str
    raw_dir: str
    processed_dir: str
    first_season: str | None
    as_of_every_days: int
    sim: SimConfig


@dataclass(kw_only=True)
class RecordConfig:
    """Win share and margin to date, regressed, and over the newest games.

    Attributes:
        enabled: Whether the group is in the store.
        last_games: Newest games of the form columns.
        prior_games: Games that last season's record counts for in the regressed win share.
        prior_carry_over: Share of last season's distance from .500 that carries over.
    """

    enabled: bool
    last_games: int
    prior_games: float
    prior_carry_over: float


@dataclass(kw_only=True)
class PriorSeasonConfig:
    """Last season's win share, margin and playoff wins."""

    enabled: bool


@dataclass(kw_only=True)
class FourFactorsConfig:
    """Oliver's four factors to date: own, the opponents', and the difference."""

    enabled: bool


@dataclass(kw_only=True)
class EloConfig:
    """Elo in FiveThirtyEight's form; `k`, `home_edge` and `mean` in Elo points.

    Attributes:
        enabled: Whether the group is in the store.
        fit: Fit `k`, `home_edge` and `carry_over` on the seasons before each season; the values
            here are then those of the first season.
        home_edge_seasons: Newest seasons that the home edge is fitted on.
        k: Step size.
        home_edge: Lead of the home team.
        carry_over: Share of a rating's distance from the mean that stays over the summer.
        mean: Rating of the average team.
    """

    enabled: bool
    fit: bool
    home_edge_seasons: int
    k: float
    home_edge: float
    carry_over: float
    mean: float


@dataclass(kw_only=True)
class MasseyConfig:
    """Massey rating that starts from last season's.

    Attributes:
        enabled: Whether the group is in the store.
        ridge: Games that what is carried over counts for.
        fit: Fit the carry-over on the seasons before each season.
        carry_over: Share of last season's rating that carries over; with `fit`, until two
            seasons are known.
    """

    enabled: bool
    ridge: float
    fit: bool
    carry_over: float


@dataclass(kw_only=True)
class SrsConfig:
    """Simple rating and strength of schedule."""

    enabled: bool


@dataclass(kw_only=True)
class TeamRollingConfig:
    """Shooting and defence over the newest games, and the previous result.

    Attributes:
        enabled: Whether the group is in the store.
        windows: Numbers of games, one set of columns each.
    """

    enabled: bool
    windows: list[int]


@dataclass(kw_only=True)
class PythagoreanConfig:
    """Record that points for and against deserve, and luck.

    Attributes:
        enabled: Whether the group is in the store.
        exponent: Exponent of the points; 13.91 is Morey's.
        prior_games: Games that last season counts for in the regressed share.
        prior_carry_over: Share of last season's distance from .500 that carries over.
    """

    enabled: bool
    exponent: float
    prior_games: float
    prior_carry_over: float


@dataclass(kw_only=True)
class PaceConfig:
    """Possessions per 48 minutes.

    Attributes:
        enabled: Whether the group is in the store.
        prior_games: Games that last season counts for beside the league's mean.
        prior_carry_over: Share of last season's distance from the mean that carries over.
    """

    enabled: bool
    prior_games: float
    prior_carry_over: float


@dataclass(kw_only=True)
class MomentumConfig:
    """Margin above expectation over the last `short_games` games, and against `long_games`."""

    enabled: bool
    short_games: int
    long_games: int


@dataclass(kw_only=True)
class RestConfig:
    """Days of rest; games and time zones crossed in the last `window_days` days."""

    enabled: bool
    window_days: int


@dataclass(kw_only=True)
class MotivationConfig:
    """What is left to play for; the season is late from `late_season_share` of it on."""

    enabled: bool
    late_season_share: float


@dataclass(kw_only=True)
class PlayerColumnsConfig:
    """Which player columns model A reads; see `nba_rank.features.roster`.

    Attributes:
        box_rates: Points, rebounds, assists, steals, blocks and turnovers per game.
        availability: Share of the team's games played.
        plus_minus_share: A fifth of the on-court plus-minus per game.
        returning_minutes: Share of the team's minutes last season.
        true_shooting: True shooting.
        usage: Usage.
        game_score: Hollinger's Game Score per 36 minutes.
        box_rating: Box rating per 100 possessions with the coefficients of BPM 2.0.
        last_season: Last season's value of the four above.
        impact_rating: Prior and updated impact rating, see `nba_rank.features.players.impact`.
        expected_minutes: Expected minutes, as things are and with everybody healthy.
    """

    box_rates: bool
    availability: bool
    plus_minus_share: bool
    returning_minutes: bool
    true_shooting: bool
    usage: bool
    game_score: bool
    box_rating: bool
    last_season: bool
    impact_rating: bool
    expected_minutes: bool


@dataclass(kw_only=True)
class RosterConfig:
    """Player sets, the input of model A.

    Attributes:
        size: Players kept for each team and date.
        windows: Games over which a player's rates are rolled, one set of columns each.
        columns: Which player columns there are.
    """

    size: int
    windows: list[int]
    columns: PlayerColumnsConfig


@dataclass(kw_only=True)
class ImpactConfig:
    """Player impact ratings and expected minutes, see `nba_rank.features.players.impact`.

    Attributes:
        box_decay_days: Days in which a game's weight in the box vector falls to 1/e.
        shrink_minutes: Weighted minutes at the low-minute mean added to each player's rates.
        prior_ridge: Penalty of the box prior's weights, on standardised columns.
        margin_decay_days: Days in which a game's weight in the update falls to 1/e.
        update_ridge: Penalty of each player's distance from his prior in the update.
        margin_cap: Points at which margins are clipped.
        minutes_half_life: Games in which a game's weight in expected minutes halves.
    """

    box_decay_days: float
    shrink_minutes: float
    prior_ridge: float
    margin_decay_days: float
    update_ridge: float
    margin_cap: float
    minutes_half_life: float


@dataclass(kw_only=True)
class RosterStrengthConfig:
    """Strength of the current roster: share times impact rating, summed."""

    enabled: bool


@dataclass(kw_only=True)
class ContinuityConfig:
    """Shares of the team's minutes that its present players have played."""

    enabled: bool


@dataclass(kw_only=True)
class MarketConfig:
    """What bookmakers said before the season, where the raw folder holds their figures."""

    enabled: bool


@dataclass(kw_only=True)
class PriorRecordsConfig:
    """Last season's margin of victory, strength of schedule and simple rating, as published."""

    enabled: bool


@dataclass(kw_only=True)
class RaptorConfig:
    """Last season's RAPTOR of the players whom a team has now.

    Attributes:
        enabled: Whether the group is in the store.
        players: Leading players whose ratings are added.
        prior_minutes: Minutes at replacement level added to those that a rating rests on.
    """

    enabled: bool
    players: int
    prior_minutes: float


@dataclass(kw_only=True)
class StatusWeightsConfig:
    """Probability to play, 0 to 1, of each status of an injury report."""

    out: float
    doubtful: float
    questionable: float
    probable: float
    available: float


@dataclass(kw_only=True)
class InjuriesConfig:
    """Who can play, from injury reports or from who has stopped appearing.

    Attributes:
        enabled: Whether the group is in the store.
        source: `reports`, `inferred`, or `auto`: reports where there is a current one.
        report_max_age_days: Days after which a report says nothing of who can play now.
        status_weights: Probability to play by status.
        season_ending: Phrases, all of whose words in a reason mean that the season of a player
            hurt in it is over. Add `out for season` only where it was written at the time: see
            `nba_rank.features.players.availability`.
    """

    enabled: bool
    source: str
    report_max_age_days: int
    status_weights: StatusWeightsConfig
    season_ending: list[str]


@dataclass(kw_only=True)
class ProjectionConfig:
    """Expected outcome and wins from simulations of the rest of the season.

    Attributes:
        enabled: Whether the models read them.
        n_simulations: Simulations of each date.
    """

    enabled: bool
    n_simulations: int


@dataclass(kw_only=True)
class FeaturesConfig:
    """All feature groups of the store, the projection, and the player sets."""

    record: RecordConfig
    prior_season: PriorSeasonConfig
    four_factors: FourFactorsConfig
    elo: EloConfig
    massey: MasseyConfig
    srs: SrsConfig
    team_rolling: TeamRollingConfig
    pythagorean: PythagoreanConfig
    pace: PaceConfig
    momentum: MomentumConfig
    rest: RestConfig
    motivation: MotivationConfig
    market: MarketConfig
    prior_records: PriorRecordsConfig
    roster_strength: RosterStrengthConfig
    continuity: ContinuityConfig
    raptor: RaptorConfig
    injuries: InjuriesConfig
    projection: ProjectionConfig
    impact: ImpactConfig
    roster: RosterConfig


@dataclass(kw_only=True)
class TargetConfig:
    """What the models learn: `playoff_outcome`, `final_rank` or `standings`."""

    name: str


@dataclass(kw_only=True)
class FoldsConfig:
    """Which seasons are held out, and how the stacker gets its out-of-fold scores.

    Attributes:
        n_test_seasons: Complete seasons held out, the last in the data.
        first_test_season: First season held out, such as `2023-24`, with all after it; null goes
            by `n_test_seasons`.
        refit: Fit anew before each test season (walk-forward) or once before all of them.
        oof: `forward` (each out-of-fold season is predicted from earlier ones only) or `kfold`
            (K-fold by season inside the training seasons).
        n_oof_seasons: Out-of-fold seasons before the first test season, for `forward`.
        k: Number of folds, for `kfold`.
    """

    n_test_seasons: int
    first_test_season: str | None
    refit: bool
    oof: str
    n_oof_seasons: int
    k: int


@dataclass(kw_only=True)
class AttentionConfig:
    """Pooling of a team's players; see `nba_rank.models.model_a.set_attention`.

    Attributes:
        pooling: `attention`; `uniform`, every player the same weight in each head; or `mean`, the
            plain mean of the encoded players.
        query: `seed`, a learned query, or `mean`, a projection of the mean encoded player.
        n_heads: Heads; divides the model width.
        minutes_bias_weight: Weight of log expected-minutes share in the logits.
        minutes_sum_min: Sum of a team's minutes below which its minutes count as missing.
        temperature: Divides the logits; where it is learned, its start.
        learn_temperature: Learn one temperature a head.
        dropout: Share of attention weights dropped in training.
        sigma_reparam: Divide each projection by its spectral norm, times a learned gain.
        pre_norm: Normalise the encoded players before the projections.
        residual: Add the query to the pooled vector and pass it through a residual layer.
        fallback: What pools where the weights cannot: `minutes`, `uniform` or `error`.
        weight_sum_min: Sum of a team's raw weights below which they cannot pool.
    """

    pooling: str
    query: str
    n_heads: int
    minutes_bias_weight: float
    minutes_sum_min: float
    temperature: float
    learn_temperature: bool
    dropout: float
    sigma_reparam: bool
    pre_norm: bool
    residual: bool
    fallback: str
    weight_sum_min: float


@dataclass(kw_only=True)
class ModelAConfig:
    """Model A, the set-attention ranker over rosters.

    Attributes:
        list_scope: Teams of one list: `conference` or `league`.
        loss: `list_mle`, `p_list_mle` (position-aware) or `soft_spearman`.
        team_prior: Store features, where their group is on, that enter as a linear skip beside
            the set, whose score then starts at zero; none: the players alone.
        embedding_dim: Size of a player's embedding; 0 is none.
        encoder_dims: Widths of the player encoder's layers; the last is the model width.
        dropout: Dropout share in the encoder.
        attention: Pooling of a team's players.
        unknown_player_share: Share of players that a training step treats as unknown, so that the
            shared embedding row learns to stand for newcomers.
        learning_rate: Step size of AdamW.
        weight_decay: Weight decay of AdamW.
        lists_per_batch: Lists in one step.
        dates_per_season: Dates of each season that an epoch draws, one from each of that many
            equal stretches, since neighbouring dates are near-duplicates; 0 takes all.
        n_seeds: Networks trained from different seeds and averaged.
        mc_dropout_samples: Forward passes with dropout on, per network, behind the intervals of
            score and rank; 0 gives none.
    """

    list_scope: str
    loss: str
    team_prior: list[str]
    embedding_dim: int
    encoder_dims: list[int]
    dropout: float
    attention: AttentionConfig
    unknown_player_share: float
    learning_rate: float
    weight_decay: float
    lists_per_batch: int
    dates_per_season: int
    n_seeds: int
    mc_dropout_samples: int


@dataclass(kw_only=True)
class XgbConfig:
    """Model B, boosted trees; names as in XGBoost.

    `early_stopping_rounds` 0 grows all trees; otherwise the last training season is held out to
    decide when to stop.
    """

    n_estimators: int
    max_depth: int
    learning_rate: float
    min_child_weight: float
    subsample: float
    colsample_bytree: float
    reg_lambda: float
    reg_alpha: float
    early_stopping_rounds: int


@dataclass(kw_only=True)
class RfConfig:
    """Model C, a random forest; names as in scikit-learn.

    `max_samples`: share of the rows that each tree draws. Neighbouring dates are near-duplicates,
    so a small share makes the trees differ and costs nothing.
    """

    n_estimators: int
    max_depth: int
    min_samples_leaf: int
    max_features: float
    max_samples: float


@dataclass(kw_only=True)
class CloneConfig(XgbConfig):
    """The clone classifier, boosted trees for making the playoffs or not; names as in XGBoost.

    At most `n_estimators` trees grow; they end where the validation season has not become better
    for `early_stopping_rounds` trees, 1 or more.
    """


@dataclass(kw_only=True)
class StackConfig:
    """The ridge stacker over the members.

    Attributes:
        alphas: Penalties to choose from by cross-validation over seasons. The dates of a season are
            near-duplicates, dozens of them: a penalty of a thousand is not a large one.
        vary_with_progress: Let the weights move with the share of the season played, where the
            record group is on, which knows it.
        features: Store features, where their group is on, that are blended with the members.
        shrinkage_targets: Members and features whose plain average the weights are shrunk towards;
            those that are not there are left out, and where none is left all inputs are targets.
    """

    alphas: list[float]
    vary_with_progress: bool
    features: list[str]
    shrinkage_targets: list[str]


@dataclass(kw_only=True)
class ModelConfig:
    """Which members are fitted, and their parameters; two or more members are stacked."""

    members: list[str]
    model_a: ModelAConfig
    xgb: XgbConfig
    rf: RfConfig
    clone_classifier: CloneConfig
    stack: StackConfig


@dataclass(kw_only=True)
class CalibrationConfig:
    """Probabilities of events from scores, by Platt scaling: see `nba_rank.models.calibration`.

    Attributes:
        name: `none`; `platt_stack`, of the final score; or `platt_per_model`, of each member's
            score, combined in log odds.
    """

    name: str


@dataclass(kw_only=True)
class OddsConfig:
    """How far each team will go.

    Attributes:
        name: `none`; `softmax`, title odds with a temperature fitted on earlier seasons; or
            `monte_carlo`, the rest of the season simulated.
        n_simulations: Simulations of each date.
        playoff_strength: Give the playoffs a strength of their own, learned from playoff games;
            otherwise that of the regular season stands for both.
        playoff_residual: Let the playoff strength also read what the regular season may miss:
            experience, health and shooting, turnover and rebound differentials.
    """

    name: str
    n_simulations: int
    playoff_strength: bool
    playoff_residual: bool


@dataclass(kw_only=True)
class TrainerConfig:
    """Lightning trainer of model A; `num_threads` bounds the CPU threads of torch and XGBoost."""

    accelerator: str
    devices: int
    max_epochs: int
    precision: str
    gradient_clip_val: float
    num_threads: int


@dataclass(kw_only=True)
class AttentionDiagnosticsConfig:
    """Health of model A by epoch, see `nba_rank.models.model_a.diagnostics`.

    Attributes:
        enabled: Whether it is measured.
        attention_debug: Also print the first batch before training, the first and the last epoch.
    """

    enabled: bool
    attention_debug: bool


@dataclass(kw_only=True)
class NotLearningConfig:
    """Stops model A where it does not learn, and names the most likely cause.

    Attributes:
        enabled: Whether it is watched.
        min_delta: Fall of the training loss that counts as learning.
        patience: Epochs without such a fall, or without living attention, before it stops.
        restart: Start once more with another seed before giving up.
    """

    enabled: bool
    min_delta: float
    patience: int
    restart: bool


@dataclass(kw_only=True)
class CallbacksConfig:
    """Callbacks of model A's trainer.

    Attributes:
        progress: Show a bar for each stage and fit.
        early_stopping_patience: Epochs without a lower validation loss before training stops; the
            validation season is the last training season. 0: train all epochs on all seasons.
    """

    progress: bool
    early_stopping_patience: int
    attention_diagnostics: AttentionDiagnosticsConfig
    not_learning: NotLearningConfig


@dataclass(kw_only=True)
class LoggerConfig:
    """Model A's losses and diagnostics by epoch: always CSV, and `tensorboard` or `mlflow` too."""

    name: str


@dataclass(kw_only=True)
class PathsConfig:
    """Folders: `outputs` for run folders, `cache` for the feature store.

    `members` keeps fitted members, so that one whose inputs have not changed is not fitted again;
    null fits every member anew.
    """

    outputs: str
    cache: str
    members: str | None


@dataclass(kw_only=True)
class EvaluationConfig:
    """How the test seasons are judged.

    Attributes:
        bootstrap_samples: Resamples of the test seasons behind each interval.
        exponential_ndcg: Also report NDCG with exponential gain, as `ndcg_<k>_exponential`.
    """

    bootstrap_samples: int
    exponential_ndcg: bool


@dataclass(kw_only=True)
class TuningConfig:
    """How a sweep judges its trials.

    Attributes:
        objectives: Names of `nba_rank.config.objectives.OBJECTIVES`; several: a Pareto front.
        n_validation_seasons: Last seasons before the first test season that trials are judged on.
        prune_after: Trials that are judged on all seasons before those that cannot become the best
            are given up, see `nba_rank.experiments.tuning.pruning`; null: none is. With several
            objectives none is either.
        margin: Standard errors by which the best trial has to lead the default to be chosen, see
            `nba_rank.evaluation.choice.choose`.
        batch_id: Name of the study and of its folder; null: made from what is asked, so that the
            same command goes on with the same study.
        trial: Folder of one job of a sweep; the sweeper sets it.
        judged_on: Seasons that a job of a sweep is judged on, `validation` or `test`; the sweeper
            sets it.
    """

    objectives: list[str]
    n_validation_seasons: int
    prune_after: int | None
    margin: float
    batch_id: str | None
    trial: str | None
    judged_on: str


@dataclass(kw_only=True)
class Config:
    """One run; `include_clone_classifier` adds that classifier to the trials of a sweep."""

    seed: int
    include_clone_classifier: bool
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
    """A run, and which of its feature groups are judged.

    Attributes:
        only: Groups to judge; none: all that are on.
        directions: Some of `DIRECTIONS`.
    """

    only: list[str]
    directions: list[str]


@dataclass(kw_only=True)
class IngestConfig:
    """One ingest; `force` reads the raw files even where nothing has changed."""

    data: DataConfig
    force: bool


@dataclass(kw_only=True)
class PredictDataConfig:
    """`processed_dir`: folder of the tables to predict from (null: the run's own)."""

    processed_dir: str | None


@dataclass(kw_only=True)
class PredictConfig:
    """One prediction from a run folder.

    Attributes:
        run: Run folder.
        as_of: Date to rank, such as `2024-01-15`.
        data: Where the tables lie.
        out: CSV file to write (null: `predictions_<as_of>.csv` in the run folder).
    """

    run: str
    as_of: str
    data: PredictDataConfig
    out: str | None


@dataclass(kw_only=True)
class DebugConfig:
    """One look at an untrained model A on one batch.

    Attributes:
        seed: Seed of the weights, and of the made-up data where `data` is `dummy`.
        batch: Number of the batch, in date order from 0.
        data: Where the game logs come from; `dummy` makes up a batch.
        features: Player columns, and the store features of the team prior.
        target: What there is to learn.
        model: Model A's architecture; the other members do not matter.
        trainer: Device, precision and threads.
    """

    seed: int
    batch: int
    data: DataConfig
    features: FeaturesConfig
    target: TargetConfig
    model: ModelConfig
    trainer: TrainerConfig


def register_schemas() -> None:
    """Put the schemas where the defaults lists of `conf/` find them."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    store.store(name="ablate_schema", node=AblateConfig)
    store.store(name="ingest_schema", node=IngestConfig)
    store.store(name="predict_schema", node=PredictConfig)
    store.store(name="debug_schema", node=DebugConfig)


def as_config(cfg: DictConfig) -> Config:
    """Turn a composed config into typed objects and validate it.

    Raises:
        ConfigError: The config cannot be run.
        omegaconf.errors.OmegaConfBaseException: A mandatory value is missing.
    """
    config = cast(Config, _typed(Config, cfg))
    validate(config)
    return config


def as_ablate_config(cfg: DictConfig) -> AblateConfig:
    """Turn a composed ablation config into typed objects and validate it; errors as `as_config`."""
    config = cast(AblateConfig, _typed(AblateConfig, cfg))
    _refuse([*_problems(config), *_ablation_problems(config)])
    return config


def as_ingest_config(cfg: DictConfig) -> IngestConfig:
    """Turn a composed ingest config into typed objects and validate it; errors as `as_config`."""
    config = cast(IngestConfig, _typed(IngestConfig, cfg))
    problems = _data_problems(config.data, dict(flat(config)))
    _refuse([*problems, *_dummy_problems(config.data)])
    return config


def as_predict_config(cfg: DictConfig) -> PredictConfig:
    """Turn a composed predict config into typed objects; errors as `as_config`."""
    return cast(PredictConfig, _typed(PredictConfig, cfg))


def as_debug_config(cfg: DictConfig) -> DebugConfig:
    """Turn a composed debug config into typed objects and validate it; errors as `as_config`."""
    config = cast(DebugConfig, _typed(DebugConfig, cfg))
    _refuse([*_data_problems(config.data, dict(flat(config))), *_model_problems(config)])
    return config


def _typed(schema: type, cfg: DictConfig) -> object:
    """Merge into a fresh schema, which refuses keys that `+key=value` has added."""
    given = OmegaConf.to_container(cfg, resolve=True)
    try:
        merged = OmegaConf.merge(OmegaConf.structured(schema), given)
    except ConfigKeyError as error:
        raise ConfigError(f"unknown key in the config: {error.full_key}") from error
    missing = sorted(OmegaConf.missing_keys(merged))
    if missing:
        raise ConfigError("a value must be given: " + ", ".join(f"{key}=..." for key in missing))
    return OmegaConf.to_object(merged)


def config_from_yaml(path: Path) -> Config:
    """Read a config back from a run folder."""
    return cast(Config, _typed(Config, cast(DictConfig, OmegaConf.load(path))))


def config_yaml(config: object) -> str:
    """Return a config as YAML text."""
    return OmegaConf.to_yaml(OmegaConf.structured(config))


def manifest_path(data: DataConfig) -> Path:
    """Return where the manifest lies: `data/manifest.json`, or beside tables put elsewhere."""
    processed = Path(data.processed_dir)
    default = processed == Path("data/processed")
    return (processed.parent if default else processed) / "manifest.json"


def validate(config: Config) -> None:
    """Check ranges and combinations.

    Raises:
        ConfigError: Names every problem, its key and the remedy, one a line.
    """
    _refuse(_problems(config))


def _problems(config: Config) -> Iterator[str]:
    yield from _data_problems(config.data, dict(flat(config)))
    yield from _dummy_problems(config.data)
    yield from _model_problems(config)
    yield from _fold_problems(config.folds)
    yield from _tuning_problems(config)


def _refuse(problems: Iterable[str]) -> None:
    problems = list(problems)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(f"the config has {len(problems)} problem(s):\n{lines}")


_CHOICES = {
    "data.source": ("raw", "sim", "dummy"),
    "target.name": ("playoff_outcome", "final_rank", "standings"),
    "features.injuries.source": ("auto", "reports", "inferred"),
    "folds.oof": ("forward", "kfold"),
    "model.model_a.list_scope": ("conference", "league"),
    "model.model_a.loss": ("list_mle", "p_list_mle", "soft_spearman"),
    "model.model_a.attention.pooling": ("attention", "uniform", "mean"),
    "model.model_a.attention.query": ("seed", "mean"),
    "model.model_a.attention.fallback": ("minutes", "uniform", "error"),
    "calibration.name": ("none", "platt_stack", "platt_per_model"),
    "odds.name": ("none", "softmax", "monte_carlo"),
    "trainer.accelerator": ("auto", "cpu", "gpu"),
    "trainer.precision": ("32-true", "16-mixed", "bf16-mixed"),
    "tuning.judged_on": ("validation", "test"),
    "logger.name": ("csv", "tensorboard", "mlflow"),
}

# Inclusive bounds; None is open.
_BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "seed": (0, None),
    "batch": (0, None),
    "evaluation.bootstrap_samples": (100, None),
    "data.as_of_every_days": (1, None),
    "features.record.last_games": (1, 82),
    "features.record.prior_games": (0.1, None),
    "features.record.prior_carry_over": (0, 1),
    "features.elo.home_edge_seasons": (1, None),
    "features.elo.k": (0, None),
    "features.elo.carry_over": (0, 1),
    "features.massey.ridge": (1e-6, None),
    "features.massey.carry_over": (0, 1),
    "features.pythagorean.exponent": (1, 50),
    "features.pythagorean.prior_games": (0.1, None),
    "features.pythagorean.prior_carry_over": (0, 1),
    "features.pace.prior_games": (0.1, None),
    "features.pace.prior_carry_over": (0, 1),
    "features.rest.window_days": (1, 60),
    "features.motivation.late_season_share": (0, 1),
    "features.raptor.players": (1, 15),
    "features.raptor.prior_minutes": (0, None),
    "features.injuries.report_max_age_days": (0, 30),
    **dict.fromkeys(
        (
            f"features.injuries.status_weights.{status}"
            for status in ("out", "doubtful", "questionable", "probable", "available")
        ),
        (0, 1),
    ),
    "features.roster.size": (1, 30),
    "features.impact.box_decay_days": (1, None),
    "features.impact.shrink_minutes": (0, None),
    "features.impact.prior_ridge": (1e-6, None),
    "features.impact.margin_decay_days": (30, None),
    "features.impact.update_ridge": (1e-6, None),
    "features.impact.margin_cap": (1, None),
    "features.impact.minutes_half_life": (0.5, None),
    "features.projection.n_simulations": (2, None),
    "odds.n_simulations": (2, None),
    "folds.n_test_seasons": (1, None),
    "folds.n_oof_seasons": (1, None),
    "folds.k": (2, None),
    "model.model_a.embedding_dim": (0, None),
    "model.model_a.dropout": (0, 0.95),
    "model.model_a.attention.n_heads": (1, None),
    "model.model_a.attention.minutes_bias_weight": (0, None),
    "model.model_a.attention.minutes_sum_min": (0, 1),
    "model.model_a.attention.temperature": (1e-3, None),
    "model.model_a.attention.dropout": (0, 0.95),
    "model.model_a.attention.weight_sum_min": (0, 0.99),
    "model.model_a.unknown_player_share": (0, 1),
    "model.model_a.learning_rate": (1e-8, None),
    "model.model_a.weight_decay": (0, None),
    "model.model_a.lists_per_batch": (1, None),
    "model.model_a.dates_per_season": (0, None),
    "model.model_a.n_seeds": (1, None),
    "model.model_a.mc_dropout_samples": (0, None),
    "model.xgb.n_estimators": (1, None),
    "model.xgb.max_depth": (1, None),
    "model.xgb.learning_rate": (1e-6, 1),
    "model.xgb.min_child_weight": (0, None),
    "model.xgb.subsample": (1e-3, 1),
    "model.xgb.colsample_bytree": (1e-3, 1),
    "model.xgb.reg_lambda": (0, None),
    "model.xgb.reg_alpha": (0, None),
    "model.xgb.early_stopping_rounds": (0, None),
    "model.clone_classifier.n_estimators": (1, None),
    "model.clone_classifier.max_depth": (1, None),
    "model.clone_classifier.learning_rate": (1e-6, 1),
    "model.clone_classifier.min_child_weight": (0, None),
    "model.clone_classifier.subsample": (1e-3, 1),
    "model.clone_classifier.colsample_bytree": (1e-3, 1),
    "model.clone_classifier.reg_lambda": (0, None),
    "model.clone_classifier.reg_alpha": (0, None),
    "model.clone_classifier.early_stopping_rounds": (1, None),
    "model.rf.n_estimators": (1, None),
    "model.rf.max_depth": (1, None),
    "model.rf.min_samples_leaf": (1, None),
    "model.rf.max_features": (1e-3, 1),
    "model.rf.max_samples": (1e-3, 1),
    "trainer.devices": (1, None),
    "trainer.max_epochs": (1, None),
    "trainer.gradient_clip_val": (0, None),
    "trainer.num_threads": (1, None),
    "callbacks.early_stopping_patience": (0, None),
    "callbacks.not_learning.min_delta": (0, None),
    "callbacks.not_learning.patience": (1, None),
    "tuning.n_validation_seasons": (1, None),
    "tuning.margin": (0, None),
}


def _data_problems(data: DataConfig, values: dict[str, object]) -> Iterator[str]:
    """Check choices and bounds of whatever keys there are, and the data group."""
    for key, choices in _CHOICES.items():
        if key in values and values[key] not in choices:
            yield f"{key}={values[key]} is none of {', '.join(choices)}"
    for key, (low, high) in _BOUNDS.items():
        value = cast(float, values.get(key, low if low is not None else high))
        if not (low is None or low <= value) or not (high is None or value <= high):
            yield f"{key}={value} must lie between {_text(low)} and {_text(high)}"
    for key, number in values.items():
        if isinstance(number, float) and not isfinite(number) and not key.startswith("data.sim."):
            yield f"{key}={number} must be a finite number"
    try:
        SimParams(**asdict(data.sim))
    except ValueError as error:
        yield from (f"data.sim.{problem}" for problem in str(error).split(": ", 1)[1].split("; "))
    for key in ("data.first_season", "folds.first_test_season"):
        if values.get(key) is not None:
            try:
                season_start_year(str(values[key]))
            except ValueError as error:
                yield f"{key}: {error}"


def _dummy_problems(data: DataConfig) -> Iterator[str]:
    if data.source == "dummy":
        yield (
            "data.source=dummy is made up for python -m nba_rank.debug_model_a alone: "
            "take data=nba or data=sim"
        )


def _fold_problems(folds: FoldsConfig) -> Iterator[str]:
    if folds.refit and folds.oof == "kfold":
        yield "folds.refit=true predicts each season from earlier ones: it needs folds.oof=forward"


def _tuning_problems(config: Config) -> Iterator[str]:
    names = config.tuning.objectives
    if set(names) - set(OBJECTIVES) or not names or len(set(names)) < len(names):
        yield f"tuning.objectives={names} must name some of {', '.join(OBJECTIVES)}, each once"
    known = [OBJECTIVES[name] for name in names if name in OBJECTIVES]
    if any(objective.from_odds for objective in known) and config.odds.name == "none":
        yield f"tuning.objectives={names} needs odds: set odds=monte_carlo or odds=softmax"
    has_clone = config.include_clone_classifier or config.model.members == [CLONE]
    if any(objective.from_clone for objective in known) and not has_clone:
        yield f"tuning.objectives={names} needs include_clone_classifier=true"
    prune_after = config.tuning.prune_after
    if prune_after is not None and prune_after < 1:
        yield f"tuning.prune_after={prune_after} must be 1 or more, or null to prune no trial"
    batch_id = config.tuning.batch_id
    if batch_id is not None and not re.fullmatch(r"[\w.-]+", batch_id):
        yield f"tuning.batch_id={batch_id} names a folder: letters, digits, '_', '-' and '.' only"


def _ablation_problems(config: AblateConfig) -> Iterator[str]:
    groups = vars(config.features)
    on = [name for name in groups if getattr(groups[name], "enabled", False)]
    only, directions = config.only, config.directions
    if set(only) - set(on) or len(set(only)) < len(only):
        yield f"only={only} must name some of the feature groups that are on, once: {', '.join(on)}"
    if (
        set(directions) - set(DIRECTIONS)
        or not directions
        or len(set(directions)) < len(directions)
    ):
        yield f"directions={directions} must name some of {', '.join(DIRECTIONS)}, each once"
    if "alone" in directions and "record" not in on:
        yield "directions: alone puts a group on top of the record, it needs features/record=on"


def _model_problems(config: Config | DebugConfig) -> Iterator[str]:
    names = [field.name for field in fields(config.features) if field.name != "projection"]
    groups = [getattr(config.features, name) for name in names]
    if not any(getattr(group, "enabled", False) for group in groups):
        yield "every feature group is off: switch one on, such as features/record=on"
    for group in ("roster", "team_rolling"):
        windows = getattr(config.features, group).windows
        if not windows or min(windows) < 1 or len(set(windows)) < len(windows):
            key = f"features.{group}.windows={windows}"
            yield f"{key} must hold different numbers of games, 1 or more"
    momentum = config.features.momentum
    if not 1 <= momentum.short_games < momentum.long_games:
        yield (
            f"features.momentum.short_games={momentum.short_games} must be 1 or more, and less "
            f"than features.momentum.long_games={momentum.long_games}"
        )
    columns = config.features.roster.columns
    rates = (columns.true_shooting, columns.usage, columns.game_score, columns.box_rating)
    if columns.last_season and not any(rates):
        yield (
            "features.roster.columns.last_season=true needs true_shooting, usage, game_score or "
            "box_rating"
        )
    if not any(vars(columns).values()):
        yield "every player column is off: switch one on, such as features.roster.columns.box_rates"
    members = config.model.members
    unknown = [member for member in members if member not in MEMBERS]
    if members != [CLONE] and (unknown or not members or len(set(members)) < len(members)):
        yield (
            f"model.members={members} must name some of {', '.join(MEMBERS)}, each once, or "
            f"{CLONE} alone"
        )
    dims = config.model.model_a.encoder_dims
    if not dims or min(dims) < 1:
        yield f"model.model_a.encoder_dims={dims} must hold one or more positive widths"
    elif dims[-1] % max(config.model.model_a.attention.n_heads, 1):
        yield (
            f"model.model_a.attention.n_heads={config.model.model_a.attention.n_heads} must "
            "divide the last of "
            f"model.model_a.encoder_dims={dims}"
        )
    prior = config.model.model_a.team_prior
    if set(prior) - set(TEAM_PRIORS) or len(set(prior)) < len(prior):
        yield f"model.model_a.team_prior={prior} must name some of {', '.join(TEAM_PRIORS)}, once"
    stack = config.model.stack
    blended = stack.features
    if set(blended) - set(STACK_FEATURES) or len(set(blended)) < len(blended):
        yield f"model.stack.features={blended} must name some of {', '.join(STACK_FEATURES)}, once"
    if set(stack.shrinkage_targets) - {*MEMBERS, *blended} or len(
        set(stack.shrinkage_targets)
    ) < len(stack.shrinkage_targets):
        yield (
            f"model.stack.shrinkage_targets={stack.shrinkage_targets} must name some of "
            f"{', '.join([*MEMBERS, *blended])}, once"
        )
    if not config.model.stack.alphas or min(config.model.stack.alphas) <= 0:
        yield f"model.stack.alphas={config.model.stack.alphas} must hold positive penalties"


def flat(node: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield (dotted key, value) for every leaf of nested dataclasses."""
    for field in fields(node):  # type: ignore[arg-type]
        value = getattr(node, field.name)
        if is_dataclass(value):
            yield from flat(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value


def _text(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"
