"""`python -m nba_rank.train model=clone_classifier`: boosted trees for making the playoffs."""

from dataclasses import asdict

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.schema import Config
from nba_rank.core.names import ALL, CLONE, SIMULATION
from nba_rank.core.run_dir import RunDir
from nba_rank.core.seeds import Seeds
from nba_rank.core.stages import Stages
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.evaluation.calibration import brier, ece
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
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


def validation_metrics(
    season: str, data: Dataset, results: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """Score a fit on the seasons before a season; the newest of them decides when to stop.

    Returns:
        Tidy metrics of all dates: `playoff_auc` and `playoff_brier`, means over the dates, and
        `playoff_ece` of the dates pooled.

    Raises:
        FoldError: The season has fewer than two before it.
    """
    (split,) = walk_forward_splits(sorted(set(data.season.tolist())), [season])
    data = data.of_seasons([*split.train, split.validation, season])
    fitted = _fit(split, Cases.of(data, results), data.columns, config, config.seed)
    tested = data.of_seasons([season])
    made = made_playoffs(tested.frame, results)
    rows = tested.frame.assign(p=fitted.forecast(tested), made=made)
    dates = [date for _, date in rows.groupby("as_of_date")]
    values = {
        "playoff_auc": np.mean([roc_auc(date["p"], date["made"]) for date in dates]),
        "playoff_brier": np.mean([brier(date["p"], date["made"]) for date in dates]),
        "playoff_ece": ece(rows["p"], rows["made"]),
    }
    found = [(season, ALL, "league", CLONE, name, value) for name, value in values.items()]
    return pd.DataFrame(found, columns=TIDY_COLUMNS)


def run(config: Config, run_dir: RunDir, console: Console) -> RunResult:
    """Fit, judge and write both designs; see `nba_rank.experiments.run.run`."""
    stages = Stages(console, config.callbacks.progress)
    seeds = Seeds.of(config.seed)
    inputs = read_inputs(config, run_dir, stages)
    seasons = sorted(set(inputs.data.season.tolist()))
    splits = [reference_split(seasons), *walk_forward_splits(seasons, inputs.plan.test_seasons)]
    run_dir.note(splits=[{"name": split.name, **asdict(split)} for split in splits])
    fitted: dict[str, PlayoffClassifier] = {}
    with stages.stage("models", len(splits)) as advance:
        cases = Cases.of(inputs.data, inputs.results)
        for split, seed in zip(splits, seeds.folds.generate_state(len(splits)), strict=True):
            fitted[split.name] = _fit(split, cases, inputs.data.columns, config, int(seed))
            fitted[split.name].save(run_dir.path / "models" / split.name)
            advance()
    table = pd.concat(
        [_predictions(split, fitted[split.name], inputs) for split in splits], ignore_index=True
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


def _predictions(split: PlayoffSplit, fitted: PlayoffClassifier, inputs: RunInputs) -> pd.DataFrame:
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
    split: PlayoffSplit, cases: Cases, columns: list[str], config: Config, seed: int
) -> PlayoffClassifier:
    return PlayoffClassifier.fit(
        cases.of_seasons(split.train),
        cases.of_seasons([split.validation]),
        columns,
        config.model.clone_classifier,
        seed,
        config.trainer.num_threads,
        cache=config.paths.members,
    )


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
