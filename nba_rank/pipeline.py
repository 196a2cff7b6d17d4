"""The one place that knows the order of the stages: from tables to a written run folder."""

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank import predictions
from nba_rank.assessment import Judged, assess, final_name
from nba_rank.config import Config
from nba_rank.data.calendar import as_of_grid
from nba_rank.data.outcomes import outcomes
from nba_rank.data.tables import Tables, frame_hash
from nba_rank.dataset import PROJECTION, Dataset
from nba_rank.features.players.cache import cached_ratings
from nba_rank.features.roster import player_sets
from nba_rank.features.store import BuiltGroup, cached_store
from nba_rank.folds import FoldPlan, plan_folds
from nba_rank.models.loggers import model_loggers
from nba_rank.models.members import Members, Predicted
from nba_rank.models.oof import fit_folds, n_steps
from nba_rank.models.ranker import Head, League, Ranker
from nba_rank.odds.inputs import strength_inputs
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.prepare import prepare_tables
from nba_rank.projection import Projection, project, projected_seasons
from nba_rank.report.run_report import RunReport, write_report
from nba_rank.run_dir import RunDir
from nba_rank.stages import Stages
from nba_rank.target import relevance


@dataclass(frozen=True)
class RunResult:
    """What a run found.

    Attributes:
        metrics: Tidy metrics of the test seasons, as in `metrics.csv`.
        summary: Means over test seasons with intervals and paired differences.
        predictions: The predictions table of the test seasons.
        plan: The folds.
    """

    metrics: pd.DataFrame
    summary: pd.DataFrame
    predictions: pd.DataFrame
    plan: FoldPlan


def run(config: Config, run_dir: RunDir, console: Console) -> RunResult:
    """Run everything and fill the run folder.

    Args:
        config: A validated config.
        run_dir: The reserved folder, opened as a context.
        console: Where progress and results are shown.

    Raises:
        IngestError: The raw files cannot be used.
        FoldError: The data holds too few seasons.
        ValueError: A stage has nothing to work on; the message says which and what to do.
    """
    stages = Stages(console, config.callbacks.progress)
    folds_seed, random_seed, bootstrap_seed, report_seed = np.random.SeedSequence(
        config.seed
    ).spawn(4)
    inputs = read_inputs(config, run_dir, stages)
    config = inputs.config
    tables, results, plan = inputs.tables, inputs.results, inputs.plan
    data, grid = inputs.data, inputs.grid

    members, oof = fit_members(plan, data, config, folds_seed, run_dir, stages)
    run_dir.write_frame("oof.parquet", _oof_table(plan, oof))
    with stages.stage("stack", len(plan.tests)) as advance:
        rankers = {}
        for part in plan.tests:
            known = pd.concat([oof[season].frame for season in part.stack_train])
            head = Head.fit(known, data.relevance, config).calibrated(known, inputs.league, config)
            projection = inputs.projection.get(part.seasons[0])
            rankers[part.fit] = Ranker(members[part.fit], head, projection)
            rankers[part.fit].save(run_dir.path / "models" / part.fit)
            advance()
    tested = data.frame[data.frame["season"].isin(plan.test_seasons)]
    with stages.stage("odds", len(tested.drop_duplicates(["season", "as_of_date"]))) as advance:
        completed = {
            season: rankers[part.fit].complete(
                oof[season], inputs.league, threads=config.trainer.num_threads, on_date=advance
            )
            for part in plan.tests
            for season in part.seasons
        }
    table = pd.concat(
        [
            predictions.predictions_table(
                predicted, data.of_seasons([season]).sets, tables, results
            )
            for season, predicted in completed.items()
        ],
        ignore_index=True,
    )

    with stages.stage("evaluation"):
        found = assess(
            Judged(plan, members, rankers, oof, completed, table),
            data,
            grid,
            inputs.league,
            config,
            rng=np.random.default_rng(random_seed),
            resample=np.random.default_rng(bootstrap_seed),
        )
    networks = {name: fit.model_a for name, fit in members.items() if fit.model_a is not None}
    with stages.stage("report"):
        report = RunReport(
            config=config,
            ranker=final_name(config),
            plan=plan,
            tables=tables,
            results=results,
            metrics=found.metrics,
            summary=found.summary,
            predictions=table,
            probabilities=found.probabilities,
            completed=completed,
            learning_curves=_by_fit({name: fit.losses for name, fit in networks.items()}),
            diagnostics=_by_fit({name: fit.diagnostics for name, fit in networks.items()}),
            contributions=found.contributions,
            removal=found.removal,
            removal_summary=found.removal_summary,
            rankers=rankers,
            seconds=stages.seconds,
            group_seconds=inputs.group_seconds,
            resample=np.random.default_rng(report_seed),
        )
        write_report(report, run_dir, console)
    run_dir.note(seconds=stages.seconds)
    return RunResult(found.metrics, found.summary, table, plan)


@dataclass(frozen=True)
class RunInputs:
    """What a run learns from and is judged by.

    Attributes:
        config: The config, without the members that the data cannot serve.
        tables: The canonical tables.
        results: Outcomes by season and team.
        plan: The folds.
        data: Features and player sets of all as-of dates.
        grid: The as-of dates.
        league: What odds are made from.
        projection: What the projection of each season was simulated with; empty where it is off.
        projected: What it simulated, see `nba_rank.odds.season_sim.summarise`; likewise.
        groups: The feature groups of the data, the projection among them.
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

    @property
    def group_seconds(self) -> dict[str, float]:
        """Seconds of each feature group when it was built, the longest first."""
        seconds = {name: group.seconds for name, group in self.groups.items()}
        return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def read_inputs(config: Config, run_dir: RunDir, stages: Stages) -> RunInputs:
    """Prepare the tables, lay out the folds and build the features; errors as `run`."""
    with stages.stage("tables"):
        tables = prepare_tables(config.data, stages.console).tables
    run_dir.note(tables={name: frame_hash(table) for name, table in tables.items()})
    config = _served(config, tables, run_dir, stages)
    seasons = _learnable(tables, config)
    plan = plan_folds(seasons, _first_predictable(tables, seasons, config), config.folds)
    run_dir.note(folds=asdict(plan))
    results = outcomes(tables)
    grid = as_of_grid(tables, seasons, config.data.as_of_every_days)
    dates = grid[["season", "as_of_date"]]
    cache = Path(config.paths.cache)
    with stages.stage("players"):
        threads = config.trainer.num_threads
        ratings = cached_ratings(tables, dates, config.features, cache, threads)
        sets = player_sets(tables, ratings, dates, config.features.roster)
    run_dir.note(players={"columns": sets.columns, "dates_without_players": sets.dates_left_out})
    with stages.stage("features"):
        store = cached_store(tables, ratings, dates, config.features, cache)
        league = League(tables, strength_inputs(tables, ratings, dates), results)
    data, groups = Dataset.of(store, sets, relevance(results, config.target.name)), store.groups
    odds: dict[str, MonteCarloOdds] = {}
    summary = pd.DataFrame()
    if config.features.projection.enabled:
        projected = _projection(league, plan, seasons, config, stages)
        summary, odds = projected.summary, projected.odds
        data = data.with_projection(summary)
        groups = {**groups, "projection": BuiltGroup([*PROJECTION], projected.seconds)}
    inputs = RunInputs(config, tables, results, plan, data, grid, league, odds, summary, groups)
    stages.groups(inputs.group_seconds)
    run_dir.note(store={"columns": store.columns, "build_seconds": inputs.group_seconds})
    return inputs


def _projection(
    league: League,
    plan: FoldPlan,
    seasons: list[str],
    config: Config,
    stages: Stages,
) -> Projection:
    """Project the rest of each season that the models learn from or are judged by."""
    predicted = [season for fit in plan.fits for season in fit.predict]
    asked = projected_seasons(league.inputs, predicted)
    # Models that are fitted once know no season after that.
    known = {season: part.stack_train for part in plan.tests for season in part.seasons}
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
            on_season=advance,
        )


def _served(config: Config, tables: Tables, run_dir: RunDir, stages: Stages) -> Config:
    """Return the config without model A where no season has the players that it needs."""
    members = [name for name in config.model.members if name != "model_a"]
    if tables.seasons["has_player_games"].any() or not members:
        return config
    if len(members) < len(config.model.members):
        left_out = "model A is left out: no season has player game logs"
        stages.console.print(left_out)
        run_dir.note(left_out=left_out)
    return replace(config, model=replace(config.model, members=members))


def _learnable(tables: Tables, config: Config) -> list[str]:
    """Return the complete seasons from the configured first one on."""
    seasons = tables.seasons
    complete = seasons.loc[seasons["complete"], "season"].tolist()
    return [season for season in complete if season >= (config.data.first_season or "")]


def _first_predictable(tables: Tables, seasons: list[str], config: Config) -> str:
    """Return the first season before which every member has a season to learn from."""
    usable = seasons
    if "model_a" in config.model.members:
        with_players = tables.seasons.loc[tables.seasons["has_player_games"], "season"].tolist()
        usable = [season for season in seasons if season in with_players]
    if len(usable) < 2:
        raise ValueError(
            f"the data holds {len(usable)} complete season(s) that {config.model.members} can "
            "learn from; at least 2 are needed"
        )
    return usable[1]


def fit_members(
    plan: FoldPlan,
    data: Dataset,
    config: Config,
    seed: np.random.SeedSequence,
    run_dir: RunDir,
    stages: Stages,
) -> tuple[dict[str, Members], dict[str, Predicted]]:
    """Fit every fold and log it; return the members by fit and the predictions by season."""
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


def _oof_table(plan: FoldPlan, predicted: dict[str, Predicted]) -> pd.DataFrame:
    """Return every season's member scores by models that have not seen it."""
    fit_of = {season: fit.name for fit in plan.fits for season in fit.predict}
    tests = plan.test_seasons
    parts = [
        prediction.frame.assign(fit=fit_of[season], role="test" if season in tests else "oof")
        for season, prediction in sorted(predicted.items())
    ]
    return pd.concat(parts, ignore_index=True)


def _by_fit(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Put frames of several fits below each other, with the name of the fit first."""
    parts = [frame.assign(fit=name) for name, frame in frames.items() if not frame.empty]
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    return table[["fit", *[name for name in table.columns if name != "fit"]]]
