"""Everything that a finished run writes for people and for other programs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.schema import Config
from nba_rank.core.run_dir import RunDir
from nba_rank.data.tables import Tables
from nba_rank.evaluation.compare import seasons_ahead
from nba_rank.evaluation.predictions import as_json, flat
from nba_rank.evaluation.probability_assessment import ProbabilityFindings
from nba_rank.models.members import Scores
from nba_rank.models.model_a.uncertainty import NOMINAL_COVERAGE
from nba_rank.models.ranker import Ranker
from nba_rank.report.analysis import AnalysisContext, print_summary, write_analysis
from nba_rank.report.figures import (
    plot_blend_weights,
    plot_predicted_vs_actual,
    plot_skill_over_season,
)
from nba_rank.report.health import health_summary, last_epochs
from nba_rank.report.labels import LOSS_LABELS
from nba_rank.report.model_a_figures import plot_diagnostics, plot_losses, plot_occlusion
from nba_rank.report.model_a_section import ModelAFindings
from nba_rank.report.odds_findings import gather_odds, interval_coverage
from nba_rank.report.odds_report import champion_line, draw_odds, write_odds
from nba_rank.samples.folds import FoldPlan

_MOMENTS = {"opening": 0.0, "half-way": 0.5, "end": 1.0}
"""Shares of the season played at which blend weights are shown."""


@dataclass(frozen=True)
class RunReport:
    """What there is to report.

    Attributes:
        config: The run's config.
        ranker: Name of the final ranker: the stack, or its only member.
        plan: The folds.
        tables: The tables that were learned from.
        results: Outcomes by season and team; holds the test seasons.
        metrics: Tidy metrics of the test seasons, those of probabilities and of intervals included.
        summary: Means over test seasons with intervals and paired differences.
        predictions: The predictions table.
        probabilities: Odds, single games, series and finishes of the test seasons.
        completed: Forecasts by test season, with all that a simulation says.
        contributions: What `nba_rank.evaluation.contributions.contributions` returns; empty where
            no stack leaves a member out.
        learning_curves: Model A's losses, columns `fit`, `network`, `epoch`, `train_loss`,
            `val_loss` (NaN without a validation season); empty without model A.
        diagnostics: Model A's health, columns `fit`, `network`, `epoch` and the names of
            `nba_rank.models.model_a.diagnostics.Diagnostics.to_dict`; empty where it was not
            measured.
        occlusion: What `nba_rank.models.model_a.faithfulness.occlusion_effects` returns of the test
            seasons at the as-of points, with `as_of_point`; empty without model A.
        occlusion_summary: What `nba_rank.evaluation.occlusion.summarise_occlusion` makes of it;
            empty without model A.
        rankers: Final ranker by fit.
        seconds: Wall-clock seconds of each stage.
        group_seconds: Those of each feature group, when it was built.
        resample: Source of the resamples over seasons.
    """

    config: Config
    ranker: str
    plan: FoldPlan
    tables: Tables
    results: pd.DataFrame
    metrics: pd.DataFrame
    summary: pd.DataFrame
    predictions: pd.DataFrame
    probabilities: ProbabilityFindings
    completed: dict[str, Scores]
    contributions: pd.DataFrame
    learning_curves: pd.DataFrame
    diagnostics: pd.DataFrame
    occlusion: pd.DataFrame
    occlusion_summary: pd.DataFrame
    rankers: dict[str, Ranker]
    seconds: dict[str, float]
    group_seconds: dict[str, float]
    resample: np.random.Generator


def write_report(report: RunReport, run_dir: RunDir, console: Console) -> None:
    """Write metrics, predictions, figures and the analysis, and print the summary."""
    run_dir.write_frame("metrics.csv", report.metrics)
    run_dir.write_frame("predictions.csv", flat(report.predictions))
    run_dir.write_frame("predictions.parquet", flat(report.predictions))
    run_dir.write_text("predictions.json", as_json(report.predictions))
    for name, table in (
        ("contributions.csv", report.contributions),
        ("losses.csv", report.learning_curves),
        ("diagnostics.csv", report.diagnostics),
        ("faithfulness.csv", report.occlusion),
    ):
        if not table.empty:
            run_dir.write_frame(name, table)

    found = report.probabilities
    odds = gather_odds(
        found,
        report.completed,
        report.tables,
        report.results,
        report.ranker,
        report.resample,
        report.config.evaluation.bootstrap_samples,
    )
    write_odds(run_dir, found, report.completed, odds.players, report.predictions)

    weights, recovery, model_a = _weights(report), _recovery(report.metrics), _model_a(report)
    run_dir.write_json(
        "metrics.json",
        {
            "ranker": report.ranker,
            "test_seasons": report.plan.test_seasons,
            "summary": _records(report.summary),
            "probabilities": _records(odds.scores),
            "calibration": _records(odds.calibration),
            "series": _records(odds.series.reset_index()),
            "true_strength": _records(recovery),
            "blend_weights": _records(weights),
            "contributions": _records(report.contributions),
            "model_a": None if model_a is None else _short(model_a),
            "seconds": report.seconds,
        },
    )
    analysis = run_dir.next_analysis()
    write_analysis(
        analysis,
        AnalysisContext(
            run=run_dir.path.name,
            summary=report.summary,
            seasons_ahead=seasons_ahead(report.metrics, report.ranker),
            folds=_folds(report),
            data=_data(report),
            ranker=report.ranker,
            weights=None if weights.empty else weights,
            figures=_figures(report, weights, model_a, run_dir),
            odds=odds,
            timings=report.seconds,
            group_timings=report.group_seconds,
            recovery=None if recovery.empty else recovery,
            contributions=None if report.contributions.empty else report.contributions,
            model_a=model_a,
        ),
    )
    print_summary(console, report.summary)
    if line := champion_line(odds):
        console.print(line)
    if not recovery.empty:
        at_quarter = recovery[recovery["as_of_point"] == "0.25"].set_index("ranker")["spearman"]
        console.print(
            f"True strength at 25% of the season: {report.ranker} {at_quarter[report.ranker]:.3f}, "
            f"standings {at_quarter['standings']:.3f} (Spearman)"
        )
    console.print(f"Run folder: {run_dir.path}, analysis: {analysis.name}")


def _figures(
    report: RunReport, weights: pd.DataFrame, model_a: ModelAFindings | None, run_dir: RunDir
) -> list[tuple[str, str]]:
    """Draw the figures; return caption and relative path of each."""
    folder = run_dir.path / "figures"
    figures = [("Skill over the season against the baselines", "skill_over_season")]
    plot_skill_over_season(report.summary, folder / "skill_over_season.png")
    for season in report.plan.test_seasons:
        table = report.predictions[report.predictions["season"] == season]
        name = f"predicted_vs_actual_{season}"
        plot_predicted_vs_actual(
            table.rename(columns={"team": "abbreviation"}),
            folder / f"{name}.png",
            f"{season}: predicted against actual rank",
        )
        figures.append((f"Predicted against actual rank, {season}", name))
    figures += draw_odds(
        folder, report.probabilities, report.predictions, report.results, report.ranker
    )
    if not report.learning_curves.empty:
        loss = LOSS_LABELS[report.config.model.model_a.loss]
        plot_losses(report.learning_curves, folder / "losses.png", loss)
        figures.append(("Model A's loss by epoch", "losses"))
    if not report.diagnostics.empty:
        plot_diagnostics(report.diagnostics, folder / "attention_diagnostics.png")
        figures.append(("Health of model A's attention by epoch", "attention_diagnostics"))
    if model_a is not None and model_a.attends and not model_a.occlusion.empty:
        plot_occlusion(model_a.occlusion, folder / "attention_faithfulness.png")
        figures.append(("Scores without the player of most attention", "attention_faithfulness"))
    if not weights.empty:
        plot_blend_weights(weights, folder / "blend_weights.png")
        figures.append(("Blend weights of the stacker", "blend_weights"))
    return [(caption, f"figures/{name}.png") for caption, name in figures]


def _weights(report: RunReport) -> pd.DataFrame:
    """Return the blend weights of each stacker at three moments of a season."""
    rows = [
        (fit, moment, member, weight)
        for fit, ranker in report.rankers.items()
        if ranker.ensemble.stacker is not None
        for moment, progress in _MOMENTS.items()
        for member, weight in ranker.ensemble.stacker.weights(progress).items()
    ]
    return pd.DataFrame(rows, columns=["fit", "moment", "model", "weight"])


def _model_a(report: RunReport) -> ModelAFindings | None:
    """Gather what there is to say of model A, or None without it."""
    if report.learning_curves.empty:
        return None
    known = report.diagnostics
    return ModelAFindings(
        pooling=report.config.model.model_a.attention.pooling,
        last_epochs=known if known.empty else last_epochs(known),
        occlusion=report.occlusion_summary,
        coverage=interval_coverage(report.metrics, "model_a"),
        nominal=NOMINAL_COVERAGE,
    )


def _short(model_a: ModelAFindings) -> dict[str, object]:
    """Return the findings on model A as a JSON object."""
    last = model_a.last_epochs
    measured = not last.empty
    return {
        "networks": len(last),
        "networks_alive": int(last["alive"].sum()) if measured and model_a.attends else None,
        "last_epoch": _records(health_summary(last)) if measured else [],
        "faithfulness": _records(model_a.occlusion),
        "rank_intervals": {
            "nominal_coverage": model_a.nominal,
            "by_point": _records(model_a.coverage),
        },
    }


def _recovery(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over test seasons of the recovery of true strength."""
    rows = metrics[metrics["metric"] == "true_strength_spearman"]
    means = rows.groupby(["as_of_point", "ranker"], sort=False)["value"].mean()
    return means.rename("spearman").reset_index()


def _folds(report: RunReport) -> pd.DataFrame:
    """Return the folds as dated rows, one a fit."""
    games, tests = report.tables.games, report.plan.test_seasons
    opening = report.tables.seasons.set_index("season")["first_date"]
    rows = []
    for fit in report.plan.fits:
        newest = max(fit.train)
        ended = games.loc[games["season"] == newest, "game_date"].max()
        rows.append(
            {
                "fit": fit.name,
                "learns from": f"{min(fit.train)} to {newest} ({len(fit.train)} seasons)",
                "last game seen": f"{ended:%Y-%m-%d}",
                "predicts": ", ".join(fit.predict),
                "from": f"{opening[fit.predict[0]]:%Y-%m-%d}",
                "role": "test" if fit.predict[0] in tests else "out-of-fold",
            }
        )
    return pd.DataFrame(rows)


def _data(report: RunReport) -> dict[str, str]:
    tables = report.tables
    seasons = tables.seasons
    return {
        "source": report.config.data.source,
        "seasons": _span(seasons["season"]),
        "player logs": _span(seasons.loc[seasons["has_player_games"], "season"]),
        "opening rosters": _opening_rosters(report),
        "injury reports": _span(tables.injury_report_dates["season"]),
        "team records": _span(tables.team_records["season"]),
        "RAPTOR": _span(tables.raptor["season"]),
        "bookmakers' win totals": _span(tables.market_totals["season"]),
        "games": f"{len(tables.games):,}",
        "target": report.config.target.name,
    }


def _span(seasons: pd.Series) -> str:
    n = seasons.nunique()
    return f"{seasons.min()} to {seasons.max()} ({n})" if n else "none"


def _opening_rosters(report: RunReport) -> str:
    """Say whose players each team was taken to have on the opening nights of the test seasons."""
    opening = report.tables.seasons.set_index("season")["first_date"]
    rosters = report.tables.rosters
    known = rosters["date"] <= rosters["season"].map(opening)
    tests = report.plan.test_seasons
    n = rosters.loc[known & rosters["season"].isin(tests), "season"].nunique()
    elsewhere = "" if n == len(tests) else "; elsewhere the players of last season's end"
    return f"from roster files in {n} of {len(tests)} test seasons{elsewhere}"


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return rows as JSON objects; NaN becomes null."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
