"""The one place that knows the order of the stages: from tables to a written run folder."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.schema import Config
from nba_rank.core.run_dir import RunDir
from nba_rank.core.stages import Stages
from nba_rank.evaluation import predictions
from nba_rank.evaluation.assessment import Judged, assess, final_name
from nba_rank.experiments.inputs import fit_members, read_inputs
from nba_rank.models.members import Scores
from nba_rank.models.oof import fit_ensemble, prepare_workers
from nba_rank.models.ranker import Ranker
from nba_rank.report.run_report import RunReport, write_report
from nba_rank.samples.folds import FoldPlan


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
        UserError: A stage has nothing to work on; the message says which and what to do.
    """
    stages = Stages(console, config.callbacks.progress)
    folds_seed, random_seed, bootstrap_seed, report_seed = np.random.SeedSequence(
        config.seed
    ).spawn(4)
    prepare_workers(config)
    inputs = read_inputs(config, run_dir, stages)
    config = inputs.config
    tables, results, plan = inputs.tables, inputs.results, inputs.plan
    data, grid = inputs.data, inputs.grid

    members, oof = fit_members(plan, data, config, folds_seed, run_dir, stages)
    run_dir.write_frame("oof.parquet", _oof_table(plan, oof))
    with stages.stage("stack", len(plan.tests)) as advance:
        rankers = {}
        for part in plan.tests:
            ensemble = fit_ensemble(part, oof, data.relevance, config, inputs.league)
            projection = inputs.projection.get(part.seasons[0])
            rankers[part.fit] = Ranker(members[part.fit], ensemble, projection)
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
            occlusion=found.occlusion,
            occlusion_summary=found.occlusion_summary,
            rankers=rankers,
            seconds=stages.seconds,
            group_seconds=inputs.group_seconds,
            resample=np.random.default_rng(report_seed),
        )
        write_report(report, run_dir, console)
    run_dir.note(seconds=stages.seconds)
    return RunResult(found.metrics, found.summary, table, plan)


def _oof_table(plan: FoldPlan, predicted: dict[str, Scores]) -> pd.DataFrame:
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
