"""`python -m nba_rank.train model=clone_classifier`: boosted trees for making the playoffs."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.schema import CloneConfig, Config
from nba_rank.core.errors import UserError
from nba_rank.core.names import CLONE, SIMULATION
from nba_rank.core.run_dir import RunDir
from nba_rank.core.seeds import Seeds
from nba_rank.core.stages import Stages
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.evaluation.calibration import brier, ece
from nba_rank.evaluation.metrics import roc_auc
from nba_rank.evaluation.playoff_forecasts import judge_playoff_forecasts
from nba_rank.evaluation.references import reference_odds
from nba_rank.experiments.inputs import RunInputs, read_inputs
from nba_rank.experiments.run import RunResult
from nba_rank.features.store import KEY
from nba_rank.models.playoff_classifier import Cases, PlayoffClassifier, made_playoffs
from nba_rank.report.playoff_report import PlayoffReport, write_playoff_report
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.playoff_splits import PlayoffSplit, reference_split, walk_forward_splits

_FORECAST = ["design", "ranker", "season", "as_of_point", "team_id", "p"]


def validation_scores(
    data: Dataset,
    results: pd.DataFrame,
    config: CloneConfig,
    seasons: list[str],
    seed: int,
    cache: str | Path | None = None,
    *,
    n_jobs: int = 1,
) -> dict[str, float]:
    """Score settings on validation seasons, each forecast by a fit on earlier seasons only.

    The season before a validation season decides when to stop; later seasons are not read.

    Args:
        data: Features of the seasons and of two or more before each.
        results: As `nba_rank.data.outcomes.outcomes`.
        config: Trees and their penalties.
        seasons: Validation seasons.
        seed: Seed of the fits.
        cache: Folder of earlier fits; None: fit anew.
        n_jobs: Threads.

    Returns:
        Means over seasons of `clone_auc` and `clone_brier` (means over dates) and of `clone_ece`
        (dates pooled).

    Raises:
        FoldError: A season has fewer than two before it.
        UserError: No season is asked for.
    """
    if not seasons:
        raise UserError("no validation season to score the playoff classifier on")
    known = sorted(set(data.season.tolist()))
    splits = walk_forward_splits(known, seasons)
    cases = Cases.of(_until(data, max(seasons)), results)
    found = []
    for split in splits:
        p = _fit(split, cases, data.columns, config, seed, n_jobs, cache).predict_proba(
            cases.of_seasons([split.test]).X
        )
        rows = data.frame[data.frame["season"] == split.test]
        rows = rows.assign(p=p, made=made_playoffs(rows, results))
        dates = [date for _, date in rows.groupby("as_of_date")]
        found.append(
            {
                "clone_auc": np.mean([roc_auc(date["p"], date["made"]) for date in dates]),
                "clone_brier": np.mean([brier(date["p"], date["made"]) for date in dates]),
                "clone_ece": ece(rows["p"], rows["made"]),
            }
        )
    return {name: float(np.mean([of[name] for of in found])) for name in found[0]}


def run(config: Config, run_dir: RunDir, console: Console) -> RunResult:
    """Fit, judge and write both designs; see `nba_rank.experiments.run.run`."""
    stages = Stages(console, config.callbacks.progress)
    seeds = Seeds.of(config.seed)
    inputs = read_inputs(config, run_dir, stages)
    seasons = sorted(set(inputs.data.season.tolist()))
    splits = [
        reference_split(seasons),
        *walk_forward_splits(seasons, inputs.plan.test_seasons),
    ]
    run_dir.note(splits=[{"name": split.name, **asdict(split)} for split in splits])
    fitted: dict[str, PlayoffClassifier] = {}
    with stages.stage("models", len(splits)) as advance:
        cases = Cases.of(inputs.data, inputs.results)
        for split, seed in zip(splits, seeds.folds.generate_state(len(splits)), strict=True):
            fitted[split.name] = _fit(
                split, cases, inputs.data.columns, config.model.clone_classifier, int(seed),
                config.trainer.num_threads, config.paths.members,
            )  # fmt: skip
            fitted[split.name].save(run_dir.path / "models" / split.name)
            advance()
    table = pd.concat(
        [predictions_table(split, fitted[split.name], inputs) for split in splits],
        ignore_index=True,
    )
    with stages.stage("evaluation"):
        forecasts = _forecasts(table, splits, inputs)
        found = judge_playoff_forecasts(forecasts, CLONE, np.random.default_rng(seeds.noise_floor))
    with stages.stage("report"):
        report = PlayoffReport(
            splits=splits,
            n_trees={name: one.n_trees for name, one in fitted.items()},
            forecasts=forecasts,
            predictions=table,
            found=found,
            seconds=stages.seconds,
        )
        write_playoff_report(report, run_dir, console)
    run_dir.note(seconds=stages.seconds)
    return RunResult(found.metrics, table, inputs.plan)


def predictions_table(
    split: PlayoffSplit, fitted: PlayoffClassifier, inputs: RunInputs
) -> pd.DataFrame:
    """Return the forecasts of a split's test season, the likeliest team of each date first."""
    data = inputs.data.of_seasons([split.test])
    table = data.frame.assign(
        design=split.design,
        playoff_prob=fitted.forecast(data),
        made_playoffs=made_playoffs(data.frame, inputs.results),
    )
    table = table.merge(inputs.grid, on=["season", "as_of_date"], validate="many_to_one")
    names = inputs.tables.teams[["season", "team_id", "abbreviation", "name"]]
    table = table.merge(names, on=["season", "team_id"], validate="many_to_one")
    table = table.rename(columns={"abbreviation": "team"})
    columns = [
        "design", "season", "as_of_date", "as_of_point", "team_id", "team", "name", "conference",
        "playoff_prob", "made_playoffs",
    ]  # fmt: skip
    order = ["as_of_date", "playoff_prob", "team_id"]
    return table[columns].sort_values(order, ascending=[True, False, True], ignore_index=True)


def _fit(
    split: PlayoffSplit,
    cases: Cases,
    columns: list[str],
    config: CloneConfig,
    seed: int,
    n_jobs: int,
    cache: str | Path | None,
) -> PlayoffClassifier:
    return PlayoffClassifier.fit(
        cases.of_seasons(split.train),
        cases.of_seasons([split.validation]),
        columns,
        config,
        seed,
        n_jobs,
        cache=cache,
    )


def _until(data: Dataset, last: str) -> Dataset:
    return data.of_seasons([season for season in set(data.season.tolist()) if season <= last])


def _forecasts(table: pd.DataFrame, splits: list[PlayoffSplit], inputs: RunInputs) -> pd.DataFrame:
    """Return the forecasts of the classifier and of references at the as-of points.

    References, the same in both designs: curves through the standings and Elo, fitted at each point
    on all earlier seasons, the season simulation where the run has it, and chance.
    """
    at_points = table[table["as_of_point"] != ""]
    own = at_points.assign(ranker=CLONE, p=at_points["playoff_prob"])
    points = inputs.grid[inputs.grid["as_of_point"] != ""]
    tested = sorted({split.test for split in splits})
    scores = baseline_scores(inputs.tables, points)
    others = [reference_odds(scores, inputs.results, tested)]
    if not inputs.projected.empty:
        others.append(inputs.projected.merge(points, on=KEY[:2]).assign(ranker=SIMULATION))
    references = pd.concat(others, ignore_index=True).dropna(subset="playoff_prob")
    references = references.rename(columns={"playoff_prob": "p"})
    parts = [own] + [
        references[references["season"] == split.test].assign(design=split.design)
        for split in splits
    ]
    forecasts = pd.concat([part[_FORECAST] for part in parts], ignore_index=True)
    return forecasts.assign(made=made_playoffs(forecasts, inputs.results))
