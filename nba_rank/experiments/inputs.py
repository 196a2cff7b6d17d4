"""The inputs of a run, and the members that it fits."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from nba_rank.config.schema import Config
from nba_rank.core.errors import UserError
from nba_rank.core.run_dir import RunDir
from nba_rank.core.stages import Stages
from nba_rank.data.calendar import as_of_grid, game_days, playoff_dates
from nba_rank.data.outcomes import outcomes
from nba_rank.data.prepare import prepare_tables
from nba_rank.data.tables import Tables
from nba_rank.features.players.cache import cached_ratings
from nba_rank.features.players.game_log import GameLog
from nba_rank.features.roster import PlayerSets, player_sets
from nba_rank.features.store import BuiltGroup, build_store, cached_store
from nba_rank.models.members import Members, Scores
from nba_rank.models.model_a.device import device_of
from nba_rank.models.oof import fit_folds, n_steps
from nba_rank.models.ranker import League
from nba_rank.odds.inputs import strength_inputs
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.mornings import morning_inputs, mornings_entry
from nba_rank.odds.next_games import Mornings
from nba_rank.odds.projection import Projection, project, projected_seasons
from nba_rank.samples.dataset import PROJECTION, Dataset
from nba_rank.samples.folds import FoldPlan, plan_folds
from nba_rank.samples.target import relevance


@dataclass(frozen=True)
class RunInputs:
    """All that a run learns from and is judged by.

    Attributes:
        config: The config, without members that the data cannot serve.
        tables: The canonical tables.
        results: Outcomes by season and team.
        plan: The folds.
        data: Features and player sets of all as-of dates.
        grid: The as-of dates.
        league: Inputs of the odds.
        projection: Simulator of each projected season; empty if the projection is off.
        projected: What it simulated; likewise.
        groups: The feature groups, the projection among them.
        games: The games of all seasons with their mornings; None unless asked for.
    """

    config: Config
    tables: Tables
    results: pd.DataFrame
    plan: FoldPlan
    data: Dataset
    grid: pd.DataFrame
    league: League
    projection: dict[str, MonteCarloOdds]
    projected: pd.DataFrame
    groups: dict[str, BuiltGroup]
    games: Mornings | None

    @property
    def group_seconds(self) -> dict[str, float]:
        """Seconds that each feature group took to build, the longest first."""
        seconds = {name: group.seconds for name, group in self.groups.items()}
        return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def read_inputs(
    config: Config, run_dir: RunDir, stages: Stages, *, with_games: bool = False
) -> RunInputs:
    """Prepare the tables, plan the folds and build the features; raises as `run`.

    With `with_games` players are also rated on all game days, for forecasts of single games, and
    in the playoffs of the test seasons, for `inputs_on`; and the inputs of the odds are those of
    `morning_inputs`, which the next games of series need.
    """
    device = device_of(config.trainer)
    run_dir.note(environment=run_dir.manifest.get("environment", {}) | {"device": str(device)})
    with stages.stage("tables"):
        tables = prepare_tables(config.data, stages.console).tables
    run_dir.note(tables=tables.hashes())
    config = _served(config, tables, run_dir, stages)
    seasons, first_predictable = _learnable(tables, config)
    plan = plan_folds(seasons, first_predictable, config.folds)
    run_dir.note(folds=asdict(plan))
    results = outcomes(tables)
    grid = as_of_grid(tables, seasons, config.data.as_of_every_days)
    dates = grid[["season", "as_of_date"]]
    cache = Path(config.paths.cache)
    with stages.stage("players"):
        ratings, games = _rated(tables, dates, seasons, plan, config, with_games=with_games)
        sets = sets_of(tables, ratings, dates, config)
    run_dir.note(players={"columns": sets.columns, "dates_without_players": sets.dates_left_out})
    with stages.stage("features"):
        store = cached_store(tables, ratings, dates, config.features, cache)
        if with_games:
            rated = morning_inputs(tables, ratings, dates, config.features)
        else:
            rated = strength_inputs(tables, ratings, dates, config.features.market)
        league = League(tables, rated, results)
    data, groups = Dataset.of(store, sets, relevance(results, config.target.name)), store.groups
    odds: dict[str, MonteCarloOdds] = {}
    summary = pd.DataFrame()
    if config.features.projection.enabled:
        projected = _projection(league, plan, seasons, config, stages)
        summary, odds = projected.summary, projected.odds
        data = data.with_projection(summary)
        groups = {**groups, "projection": BuiltGroup([*PROJECTION], projected.seconds)}
    inputs = RunInputs(
        config, tables, results, plan, data, grid, league, odds, summary, groups, games
    )
    stages.groups(inputs.group_seconds)
    run_dir.note(store={"columns": store.columns, "build_seconds": inputs.group_seconds})
    return inputs


def _rated(
    tables: Tables,
    dates: pd.DataFrame,
    seasons: list[str],
    plan: FoldPlan,
    config: Config,
    *,
    with_games: bool,
) -> tuple[pd.DataFrame, Mornings | None]:
    """Return the player ratings of dates, and the games as `RunInputs` has them.

    All dates that a run rates players on are rated in one pass over the games.
    """
    cache, apart, mornings = Path(config.paths.cache), [], None
    if with_games:
        if plan.test_seasons:
            every_days = config.data.as_of_every_days
            apart.append(playoff_dates(tables, plan.test_seasons, every_days))
        game_mornings = game_days(tables, seasons)
        entry = mornings_entry(tables, seasons, config.features, cache)
        mornings = entry.load()
        if mornings is None:
            apart.append(game_mornings)
    ratings = ratings_on(tables, dates, config, apart=apart)
    if with_games and mornings is None:
        mornings = morning_inputs(tables, ratings, game_mornings, config.features)
        entry.keep(mornings)
    games = None if mornings is None else Mornings.of(tables, mornings)
    return ratings.merge(dates, on=["season", "as_of_date"]), games


def ratings_on(
    tables: Tables, dates: pd.DataFrame, config: Config, *, apart: Sequence[pd.DataFrame] = ()
) -> pd.DataFrame:
    """Return `cached_ratings` by the config of a run, from its cache."""
    cache, threads = Path(config.paths.cache), config.trainer.num_threads
    return cached_ratings(tables, dates, config.features, cache, threads, apart=apart)


def inputs_on(
    tables: Tables,
    ratings: pd.DataFrame,
    dates: pd.DataFrame,
    results: pd.DataFrame,
    config: Config,
) -> tuple[Dataset, League]:
    """Return what a fitted ranker reads on other dates than those of its run.

    Args:
        tables: The canonical tables.
        ratings: Of the players, from `ratings_on`.
        dates: Columns `season` and `as_of_date`.
        results: Outcomes by season and team, as far as they are known.
        config: The run's config.
    """
    features = config.features
    data = Dataset.of(
        build_store(tables, ratings, dates, features),
        sets_of(tables, ratings, dates, config),
        relevance=pd.DataFrame(),
    )
    inputs = morning_inputs(tables, ratings, dates, features)
    return data, League(tables, inputs, results)


def sets_of(
    tables: Tables, ratings: pd.DataFrame, dates: pd.DataFrame, config: Config
) -> PlayerSets:
    """Return the player sets of the dates, with the players' games where model A reads them."""
    sets = player_sets(tables, ratings, dates, config.features.roster)
    reads = "model_a" in config.model.members and config.model.model_a.games.enabled
    return replace(sets, games=GameLog.of(tables)) if reads else sets


def _projection(
    league: League,
    plan: FoldPlan,
    seasons: list[str],
    config: Config,
    stages: Stages,
) -> Projection:
    """Project each season that the models learn from or are judged by."""
    predicted = [season for fit in plan.fits for season in fit.predict or [fit.name]]
    asked = projected_seasons(league.inputs, predicted)
    # Models that are fitted once have seen no later season.
    known = {
        season: part.stack_train for part in plan.tests for season in part.seasons or [part.fit]
    }
    limit = {season: max(before, default="") for season, before in known.items()}
    learn_from = {
        season: [s for s in seasons if s < season and s <= limit.get(season, season)]
        for season in asked
    }
    with stages.stage("projection", len(asked)) as advance:
        return project(
            league.tables,
            league.inputs,
            learn_from,
            n_simulations=config.features.projection.n_simulations,
            seed=config.seed,
            cache=Path(config.paths.cache),
            threads=config.trainer.num_threads,
            season_half_life=config.folds.season_half_life,
            on_season=advance,
        )


def _served(config: Config, tables: Tables, run_dir: RunDir, stages: Stages) -> Config:
    """Return the config, without model A if no season has player logs."""
    members = [name for name in config.model.members if name != "model_a"]
    if tables.seasons["has_player_games"].any() or not members:
        return config
    if len(members) < len(config.model.members):
        left_out = "model A is left out: no season has player game logs"
        stages.console.print(left_out)
        run_dir.note(left_out=left_out)
    return replace(config, model=replace(config.model, members=members))


def _learnable(tables: Tables, config: Config) -> tuple[list[str], str]:
    """Return the seasons, and the first before which every member has one to learn from."""
    seasons = tables.seasons[tables.seasons["complete"]]
    seasons = seasons[seasons["season"] >= (config.data.first_season or "")]
    usable = seasons
    if "model_a" in config.model.members:
        usable = seasons[seasons["has_player_games"]]
    if len(usable) < 2:
        raise UserError(
            f"the data holds {len(usable)} complete season(s) that {config.model.members} can "
            "learn from; at least 2 are needed"
        )
    return seasons["season"].tolist(), str(usable["season"].iloc[1])


def fit_members(
    plan: FoldPlan,
    data: Dataset,
    config: Config,
    seed: np.random.SeedSequence,
    run_dir: RunDir,
    stages: Stages,
) -> tuple[dict[str, Members], dict[str, Scores]]:
    """Fit every fold and log it; return the members by fit and the predictions by season."""
    # Lightning takes seconds to import, and who only reads inputs needs none.
    from nba_rank.models.model_a.loggers import model_loggers

    logs = run_dir.path / "logs"
    with stages.stage("models", n_steps(plan, config)) as advance:
        return fit_folds(
            plan,
            data,
            config,
            seed,
            advance,
            loggers=lambda fit: partial(model_loggers, config.logger, logs / fit),
            console=stages.console,
        )
