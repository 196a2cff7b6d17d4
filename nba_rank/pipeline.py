"""The one place that knows the order of the stages: from tables to a written run folder."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank import predictions
from nba_rank.config import Config
from nba_rank.data.calendar import as_of_grid
from nba_rank.data.outcomes import outcomes
from nba_rank.data.tables import Tables, frame_hash
from nba_rank.dataset import Dataset
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.evaluation.compare import summarise
from nba_rank.evaluation.metrics import EXPONENTIAL_NDCG, METRICS
from nba_rank.evaluation.probabilities import probability_metrics, recovery_metrics
from nba_rank.evaluation.tidy import evaluate
from nba_rank.features.roster import player_sets
from nba_rank.features.store import cached_store
from nba_rank.folds import FoldPlan, plan_folds
from nba_rank.models.members import Members, Predicted
from nba_rank.models.ranker import Head, Ranker
from nba_rank.prepare import prepare_tables, true_strength
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
    folds_seed, random_seed, bootstrap_seed = np.random.SeedSequence(config.seed).spawn(3)
    with stages.stage("tables"):
        tables = prepare_tables(config.data, console).tables
    run_dir.note(tables={name: frame_hash(table) for name, table in tables.items()})

    seasons = _learnable(tables, config)
    plan = plan_folds(seasons, _first_predictable(tables, seasons, config), config.folds)
    run_dir.note(folds=asdict(plan))
    results = outcomes(tables)
    data, grid = _dataset(tables, seasons, results, config, run_dir, stages)

    members, oof = _fit(plan, data, config, folds_seed, stages)
    run_dir.write_frame("oof.parquet", _oof_table(plan, oof))
    learning_curves = _learning_curves(members)
    with stages.stage("stack"):
        rankers = {}
        for part in plan.tests:
            known = pd.concat([oof[season].frame for season in part.stack_train])
            head = Head.fit(known, results, data.relevance, config)
            rankers[part.fit] = Ranker(members[part.fit], head)
            rankers[part.fit].save(run_dir.path / "models" / part.fit)
        table = pd.concat(
            [
                predictions.predictions_table(
                    rankers[part.fit].complete(oof[season]),
                    data.of_seasons([season]).sets,
                    tables,
                    results,
                )
                for part in plan.tests
                for season in part.seasons
            ],
            ignore_index=True,
        )

    with stages.stage("evaluation"):
        metrics, recovery = _evaluate(
            table, oof, plan, grid, tables, results, config, np.random.default_rng(random_seed)
        )
        summary = summarise(
            metrics,
            np.random.default_rng(bootstrap_seed),
            config.evaluation.bootstrap_samples,
            METRICS | EXPONENTIAL_NDCG,
        )
    with stages.stage("report"):
        extra = [probability_metrics(_at_points(table), final_name(config)), recovery]
        metrics = pd.concat([metrics, *extra], ignore_index=True)
        report = RunReport(
            config=config,
            ranker=final_name(config),
            plan=plan,
            tables=tables,
            metrics=metrics,
            summary=summary,
            predictions=table,
            learning_curves=learning_curves,
            rankers=rankers,
            seconds=stages.seconds,
        )
        write_report(report, run_dir, console)
    run_dir.note(seconds=stages.seconds)
    return RunResult(metrics, summary, table, plan)


def final_name(config: Config) -> str:
    """Return the name of the ranker that a run is about: the stack, or its only member."""
    members = config.model.members
    return "stack" if len(members) > 1 else members[0]


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


def _dataset(
    tables: Tables,
    seasons: list[str],
    results: pd.DataFrame,
    config: Config,
    run_dir: RunDir,
    stages: Stages,
) -> tuple[Dataset, pd.DataFrame]:
    """Build features and player sets of all as-of dates; also return the dates."""
    grid = as_of_grid(tables, seasons, config.data.as_of_every_days)
    dates = grid[["season", "as_of_date"]]
    with stages.stage("features"):
        store = cached_store(tables, dates, config.features, Path(config.paths.cache))
    run_dir.note(store={"columns": store.columns, "built": store.seconds or "from the cache"})
    with stages.stage("players"):
        sets = player_sets(tables, dates, config.features.roster)
    run_dir.note(players={"columns": sets.columns, "dates_without_players": sets.dates_left_out})
    return Dataset.of(store, sets, relevance(results, config.target.name)), grid


def _fit(
    plan: FoldPlan,
    data: Dataset,
    config: Config,
    seed: np.random.SeedSequence,
    stages: Stages,
) -> tuple[dict[str, Members], dict[str, Predicted]]:
    """Fit every fold; return the members by fit and the predictions by season."""
    members, predicted = {}, {}
    steps = len(plan.fits) * (config.trainer.max_epochs + 1)
    with stages.stage("models", steps) as advance:
        for fit, fit_seed in zip(plan.fits, seed.generate_state(len(plan.fits)), strict=True):
            fitted = Members.fit(data.of_seasons(fit.train), config, int(fit_seed), advance)
            members[fit.name] = fitted
            for season in fit.predict:
                predicted[season] = fitted.predict(data.of_seasons([season]))
            advance()
    return members, predicted


def _oof_table(plan: FoldPlan, predicted: dict[str, Predicted]) -> pd.DataFrame:
    """Return every season's member scores by models that have not seen it."""
    fit_of = {season: fit.name for fit in plan.fits for season in fit.predict}
    tests = plan.test_seasons
    parts = [
        prediction.frame.assign(fit=fit_of[season], role="test" if season in tests else "oof")
        for season, prediction in sorted(predicted.items())
    ]
    return pd.concat(parts, ignore_index=True)


def _learning_curves(members: dict[str, Members]) -> pd.DataFrame:
    """Return model A's losses: columns `fit`, `epoch`, `train_loss`, `val_loss` (or NaN)."""
    columns = ["fit", "epoch", "train_loss", "val_loss"]
    curves = [
        fitted.model_a.losses.assign(fit=name).reindex(columns=columns)
        for name, fitted in members.items()
        if fitted.model_a is not None
    ]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=columns)


def _at_points(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["as_of_point"] != ""]


def _evaluate(
    table: pd.DataFrame,
    oof: dict[str, Predicted],
    plan: FoldPlan,
    grid: pd.DataFrame,
    tables: Tables,
    results: pd.DataFrame,
    config: Config,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge the ranker, its members and the baselines on the test seasons.

    Returns:
        Tidy metrics, and the tidy recovery of true strength (empty for real data).
    """
    points = grid[(grid["as_of_point"] != "") & grid["season"].isin(plan.test_seasons)]
    key = ["season", "as_of_date", "as_of_point", "team_id"]
    final = _at_points(table)[[*key, "score"]].assign(ranker=final_name(config))
    scores = [final, baseline_scores(tables, points, rng)]
    if len(config.model.members) > 1:
        tested = pd.concat([oof[season].frame for season in plan.test_seasons])
        at_points = tested.merge(points, on=["season", "as_of_date"])
        scores += [
            at_points[key].assign(score=at_points[name], ranker=name)
            for name in config.model.members
        ]
    scored = pd.concat(scores, ignore_index=True)
    conferences = tables.teams[["season", "team_id", "conference"]]
    truth = results.merge(conferences, on=["season", "team_id"], validate="one_to_one")
    strength = true_strength(config.data)
    recovery = pd.DataFrame() if strength is None else recovery_metrics(scored, strength)
    chosen = METRICS | EXPONENTIAL_NDCG if config.evaluation.exponential_ndcg else METRICS
    return evaluate(scored, truth, chosen), recovery
