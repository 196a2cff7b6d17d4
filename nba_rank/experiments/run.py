"""The order of the stages of a run: from tables to a written run folder."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.choices import Choices
from nba_rank.config.schema import Config
from nba_rank.core.run_dir import RunDir
from nba_rank.core.seeds import Seeds
from nba_rank.core.stages import Stages
from nba_rank.data.calendar import playoff_dates
from nba_rank.evaluation.assessment import EvaluationInputs, assess
from nba_rank.evaluation.predictions import predictions_table
from nba_rank.experiments.inputs import (
    RunInputs,
    fit_members,
    inputs_on,
    ratings_on,
    read_inputs,
)
from nba_rank.experiments.pages import link_run
from nba_rank.models.members import Scores
from nba_rank.models.oof import prepare_workers
from nba_rank.models.ranker import Ranker
from nba_rank.models.seasons import complete_seasons, fit_ensembles, predict_seasons
from nba_rank.odds.bracket import MisfitError
from nba_rank.odds.next_games import NextGames
from nba_rank.report.run_report import Setting, write_report
from nba_rank.samples.folds import FoldPlan


@dataclass(frozen=True)
class RunResult:
    """Tidy metrics, predictions of the test seasons with their playoffs, and the folds.

    The frames are empty where no test season is left.
    """

    metrics: pd.DataFrame
    predictions: pd.DataFrame
    plan: FoldPlan


def run(config: Config, run_dir: RunDir, console: Console) -> RunResult:
    """Run all stages and fill the run folder.

    Args:
        config: A validated config.
        run_dir: The reserved folder, open.
        console: Where progress and results are shown.

    Raises:
        IngestError: The raw files cannot be used.
        FoldError: The data holds too few seasons.
        UserError: A stage has nothing to work on.
    """
    stages = Stages(console, config.callbacks.progress)
    seeds = Seeds.of(config.seed)
    prepare_workers(config)
    inputs = read_inputs(config, run_dir, stages, with_games=config.odds.name == "monte_carlo")
    config = inputs.config
    tables, results, plan = inputs.tables, inputs.results, inputs.plan
    data, grid = inputs.data, inputs.grid
    seen = None
    if config.data.source == "raw" and plan.test_seasons:
        seen = Choices.read().seen(plan.test_seasons, config)
        run_dir.note(choices=asdict(seen))
        console.print(seen.line)

    members, oof = fit_members(plan, data, config, seeds.folds, run_dir, stages)
    run_dir.write_frame("oof.parquet", _oof_table(plan, oof))
    with stages.stage("stack", len(plan.tests)) as advance:
        rankers, next_games = {}, _next_games(inputs)
        ensembles = fit_ensembles(plan.tests, oof, data.relevance, config, inputs.league)
        for part, ensemble in zip(plan.tests, ensembles, strict=True):
            projection = inputs.projection.get(part.fit)
            models = next_games.get(part.fit)
            rankers[part.fit] = Ranker(members[part.fit], ensemble, projection, models)
            rankers[part.fit].save(run_dir.path / "models" / part.fit)
            advance()
    if not plan.test_seasons:
        console.print("[yellow]No season is left to judge these models by[/]: add earlier ones.")
        run_dir.note(seconds=stages.seconds)
        return RunResult(pd.DataFrame(), pd.DataFrame(), plan)
    of_season = {season: rankers[part.fit] for part in plan.tests for season in part.seasons}
    tested = data.frame[data.frame["season"].isin(plan.test_seasons)]
    with stages.stage("odds", len(tested.drop_duplicates(["season", "as_of_date"]))) as advance:
        completed = complete_seasons(of_season, oof, config, inputs.league, advance)
    table = pd.concat(
        [
            predictions_table(scores, data.of_seasons([season]).sets, tables, results)
            for season, scores in completed.items()
        ],
        ignore_index=True,
    )

    if config.odds.name == "monte_carlo":
        with stages.stage("playoffs"):
            table = pd.concat([table, *_playoffs(of_season, inputs, console)], ignore_index=True)
            table = table.sort_values(["season", "as_of_date", "rank"], ignore_index=True)
    with stages.stage("evaluation"):
        games = pd.DataFrame()
        if inputs.games is not None:
            fits = {season: part.fit for part in plan.tests for season in part.seasons}
            models_of = {season: next_games[fit] for season, fit in fits.items()}
            games = inputs.games.forecasts(models_of, tables)
            run_dir.write_frame("game_forecasts.parquet", games)
        result = assess(
            EvaluationInputs(plan, members, rankers, oof, completed, table, games),
            data,
            grid,
            inputs.league,
            config,
            rng=np.random.default_rng(seeds.baselines),
            floor_rng=np.random.default_rng(seeds.noise_floor),
        )
    with stages.stage("report"):
        setting = Setting(config, plan, tables, stages.seconds, inputs.group_seconds, seen)
        write_report(result, setting, run_dir, console)
        link_run(run_dir.path, Path(config.paths.outputs), plan.test_seasons)
    run_dir.note(seconds=stages.seconds)
    return RunResult(result.metrics, table, plan)


def _next_games(inputs: RunInputs) -> dict[str, NextGames]:
    """Return the models of single games by fit; none where they are not asked for."""
    if inputs.games is None:
        return {}
    half_life = inputs.config.folds.season_half_life
    return {
        part.fit: NextGames.fit(inputs.games, before=part.fit, season_half_life=half_life)
        for part in inputs.plan.tests
    }


def _playoffs(
    of_season: dict[str, Ranker], inputs: RunInputs, console: Console
) -> list[pd.DataFrame]:
    """Return the predictions tables of the test seasons' playoffs."""
    tables, results, config = inputs.tables, inputs.results, inputs.config
    dates = playoff_dates(tables, [*of_season], config.data.as_of_every_days)
    ratings = ratings_on(tables, dates, config)
    data, league = inputs_on(tables, ratings, dates, results, config)
    found = []
    for season, predicted in predict_seasons(of_season, data, config, league).items():
        if isinstance(predicted, MisfitError):
            console.print(f"{season}: no title odds after the regular season: {predicted}")
        else:
            sets = data.of_seasons([season]).sets
            found.append(predictions_table(predicted, sets, tables, results))
    return found


def _oof_table(plan: FoldPlan, predicted: dict[str, Scores]) -> pd.DataFrame:
    """Return every season's member scores by models that have not seen it."""
    fit_of = {season: fit.name for fit in plan.fits for season in fit.predict}
    tests = plan.test_seasons
    parts = [
        scores.frame.assign(fit=fit_of[season], role="test" if season in tests else "oof")
        for season, scores in sorted(predicted.items())
    ]
    return pd.concat(parts, ignore_index=True)
