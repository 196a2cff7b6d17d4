"""What types cannot find: values out of bounds and combinations that make no sense."""

import re
from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec
from operator import attrgetter

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.schema import (
    AblateConfig,
    Config,
    DataConfig,
    DebugConfig,
    FeaturesConfig,
    FetchConfig,
    LoggerConfig,
    ModelConfig,
    raw_dirs,
)
from nba_rank.config.schema.option import declared, problem
from nba_rank.core.errors import ConfigError
from nba_rank.core.names import CLONE, MEMBERS
from nba_rank.core.seasons import season_start_year

_LAST_START_YEAR = 2045  # of a simulated season: a game id has two digits for the year


def validate(config: object) -> None:
    """Check every option of a program's config.

    Raises:
        ConfigError: Names every problem, its key and the remedy, one a line.
    """
    problems = list(_problems(config))
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(f"the config has {len(problems)} problem(s):\n{lines}")


def check_logger(config: LoggerConfig) -> None:
    """Check that the logger's package is installed.

    Raises:
        ConfigError: Names the package and how to install it.
    """
    if config.name != "csv" and find_spec(config.name) is None:
        raise ConfigError(
            f"logger={config.name} needs a package that is not installed: "
            f"pip install -e '.[{config.name}]' in the checkout, or take logger=csv"
        )


def flat(config: object) -> Iterator[tuple[str, object]]:
    """Yield every option's dotted key and value."""
    return ((key, attrgetter(key)(config)) for key in declared(type(config)))


def _problems(config: object) -> Iterator[str]:
    yield from _option_problems(config)
    data = getattr(config, "data", None)
    if isinstance(data, DataConfig):
        yield from _data_problems(data, made_up=isinstance(config, DebugConfig))
    if isinstance(config, Config):
        if config.trainer.devices > 1:
            yield (
                f"trainer.devices={config.trainer.devices}: the networks are small and each trains "
                "on one device: set trainer.devices=1, and trainer.num_threads for fits side by "
                "side"
            )
        yield from _feature_problems(config.features)
        yield from _model_problems(config.model)
        yield from _season_problems("folds.first_test_season", config.folds.first_test_season)
        if config.folds.production and not config.folds.refit:
            yield (
                "folds.production=true is vouched for by models that are fitted anew before each "
                "test season: it needs folds.refit=true"
            )
        if config.folds.refit and config.folds.oof == "kfold":
            yield (
                "folds.refit=true predicts each season from earlier ones: it needs "
                "folds.oof=forward"
            )
        yield from _tuning_problems(config)
    if isinstance(config, FetchConfig) and config.data.source != "raw":
        yield f"data.source={config.data.source} makes its own files: fetch with data=nba"
    if isinstance(config, AblateConfig):
        yield from _ablation_problems(config)


def _option_problems(config: object) -> Iterator[str]:
    """Check each option by its own declaration."""
    fields_by_key = declared(type(config))
    for key, value in flat(config):
        if found := problem(fields_by_key[key], value):
            yield f"{key}={value}: {found}"


def _data_problems(data: DataConfig, *, made_up: bool) -> Iterator[str]:
    if data.source == "dummy" and not made_up:
        yield (
            "data.source=dummy is made up for python -m nba_rank.debug_model_a alone: "
            "take data=nba or data=sim"
        )
    yield from _folder_problems(data)
    seasons = data.first_season, data.last_season
    for key, season in zip(("data.first_season", "data.last_season"), seasons, strict=True):
        yield from _season_problems(key, season)
    if data.first_season and data.last_season and data.first_season > data.last_season:
        yield (
            f"data.first_season={data.first_season}: must not come after "
            f"data.last_season={data.last_season}"
        )
    last = data.sim.first_season_year + data.sim.n_seasons - 1
    if last > _LAST_START_YEAR:
        yield (
            f"data.sim.n_seasons={data.sim.n_seasons}: the last season would start in {last}, "
            f"it must start by {_LAST_START_YEAR}"
        )


def _folder_problems(data: DataConfig) -> Iterator[str]:
    given = raw_dirs(data)
    if not given:
        yield "data.raw_dir is empty: name the folder of raw files, or several as [one,two]"
    if data.source == "sim" and len(given) > 1:
        yield (
            f"data.raw_dir={data.raw_dir}: a simulated league is written to one folder: give "
            "data=sim a single folder"
        )
    for position, folder in enumerate(given):
        for other in given[position + 1 :]:
            one, two = sorted((folder.resolve(), other.resolve()))
            if one == two:
                yield f"data.raw_dir names {folder} twice: remove one of the two"
            elif two.is_relative_to(one):
                yield (
                    f"data.raw_dir names {folder} and {other}, one inside the other: a folder is "
                    "read with what is inside; put them side by side"
                )


def _season_problems(key: str, season: str | None) -> Iterator[str]:
    if season is not None:
        try:
            season_start_year(season)
        except ValueError as error:
            yield f"{key}: {error}"


def _tuning_problems(config: Config) -> Iterator[str]:
    names = config.tuning.objectives
    known = [OBJECTIVES[name] for name in names if name in OBJECTIVES]
    if any(objective.from_odds for objective in known) and config.odds.name == "none":
        yield f"tuning.objectives={names} needs odds: set odds=monte_carlo or odds=softmax"
    has_clone = config.include_clone_classifier or config.model.members == [CLONE]
    if any(objective.from_clone for objective in known) and not has_clone:
        yield f"tuning.objectives={names} needs include_clone_classifier=true"
    batch_id = config.tuning.batch_id
    if batch_id is not None and not re.fullmatch(r"\w[\w.-]*", batch_id):
        yield (
            f"tuning.batch_id={batch_id} names a folder: letters, digits, '_', '-' and '.' only, "
            "the first no dot"
        )


def _ablation_problems(config: AblateConfig) -> Iterator[str]:
    groups = vars(config.features)
    on = [name for name in groups if getattr(groups[name], "enabled", False)]
    if set(config.only) - set(on) or len(set(config.only)) < len(config.only):
        yield (
            f"only={config.only} must name some of the feature groups that are on, once: "
            f"{', '.join(on)}"
        )
    if "alone" in config.directions and "record" not in on:
        yield "directions: alone puts a group on top of the record, it needs features/record=on"


def _feature_problems(features: FeaturesConfig) -> Iterator[str]:
    names = [field.name for field in fields(features) if field.name != "projection"]
    if not any(getattr(getattr(features, name), "enabled", False) for name in names):
        yield "every feature group is off: switch one on, such as features/record=on"
    for group in ("roster", "team_rolling"):
        windows = getattr(features, group).windows
        if len(set(windows)) < len(windows):
            yield f"features.{group}.windows={windows}: must hold different numbers of games"
    momentum = features.momentum
    if momentum.short_games >= momentum.long_games:
        yield (
            f"features.momentum.short_games={momentum.short_games}: must be less than "
            f"features.momentum.long_games={momentum.long_games}"
        )
    columns = features.roster.columns
    rates = (columns.true_shooting, columns.usage, columns.game_score, columns.box_rating)
    if columns.last_season and not any(rates):
        yield (
            "features.roster.columns.last_season=true needs true_shooting, usage, game_score or "
            "box_rating"
        )
    if not any(vars(columns).values()):
        yield "every player column is off: switch one on, such as features.roster.columns.box_rates"


def _model_problems(model: ModelConfig) -> Iterator[str]:
    members = model.members
    if members != [CLONE] and (set(members) - set(MEMBERS) or len(set(members)) < len(members)):
        yield (
            f"model.members={members} must name some of {', '.join(MEMBERS)}, each once, or "
            f"{CLONE} alone"
        )
    dims, n_heads = model.model_a.encoder_dims, model.model_a.attention.n_heads
    if dims and n_heads > 0 and dims[-1] % n_heads:
        yield (
            f"model.model_a.attention.n_heads={n_heads} must divide the last of "
            f"model.model_a.encoder_dims={dims}"
        )
    targets, blended = model.stack.shrinkage_targets, model.stack.features
    if set(targets) - {*MEMBERS, *blended} or len(set(targets)) < len(targets):
        yield (
            f"model.stack.shrinkage_targets={targets} must name some of "
            f"{', '.join([*MEMBERS, *blended])}, each once"
        )
