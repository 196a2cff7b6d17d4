"""`python -m nba_rank.compare_calibration`: simulated probabilities against both Platt scalings.

The models are fitted once. Meant for `folds=walk_forward`, whose many test seasons can tell a gain
from chance.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import CalibrationConfig, Config
from nba_rank.core.run_dir import RunDir
from nba_rank.core.seeds import Seeds
from nba_rank.core.stages import Stages
from nba_rank.core.workers import Tell, side_by_side
from nba_rank.data.outcomes import EVENTS, events
from nba_rank.evaluation.assessment import final_name, truth_of
from nba_rank.evaluation.calibration import calibration_table, reliability_tables, season_scores
from nba_rank.evaluation.evaluate import evaluate
from nba_rank.evaluation.metrics import SPEARMAN
from nba_rank.evaluation.paired import paired, season_means, with_mean
from nba_rank.evaluation.probability_assessment import Forecast, win_probabilities
from nba_rank.experiments.ablations import without_intervals
from nba_rank.experiments.comparison_run import comparison_run
from nba_rank.experiments.inputs import fit_members, read_inputs
from nba_rank.features.store import KEY
from nba_rank.models.calibration import CALIBRATIONS, WIN
from nba_rank.models.members import Members, Scores
from nba_rank.models.oof import fit_ensemble, n_workers
from nba_rank.models.ranker import League, Ranker
from nba_rank.report.calibration_report import CalibrationReport, write_calibration_report
from nba_rank.samples.folds import TestPart

SIMULATED = "none"
"""The variant without calibration: the probabilities of the simulation."""

VARIANTS = (SIMULATED, *CALIBRATIONS)

FORECASTS = ["variant", "event", "season", "as_of_point", "team_id", "p", "happened"]
"""Columns of the forecasts; single games have their home team and the point `all`."""


def compare(cfg: DictConfig, console: Console) -> pd.DataFrame:
    """Compare the calibrations on the same folds and write a run folder.

    Returns:
        Each calibration against the simulation, as `nba_rank.evaluation.paired.paired`; `part` is
        the event, or `order` for the skill of ranking by the probabilities.
    """
    config = without_intervals(as_config(cfg, Config))
    with comparison_run(config, "comparison of calibrations", console) as run_dir:
        return _compare(config, run_dir, console)


def _compare(config: Config, run_dir: RunDir, console: Console) -> pd.DataFrame:
    stages = Stages(console, config.callbacks.progress)
    inputs = read_inputs(config, run_dir, stages)
    config = inputs.config
    seeds = Seeds.of(config.seed)
    members, oof = fit_members(inputs.plan, inputs.data, config, seeds.folds, run_dir, stages)
    known = _Known(oof, inputs.data.relevance, config, inputs.league.without_players(), inputs.grid)
    tasks = [
        (variant, part, members[part.fit])
        for variant in VARIANTS
        for part in inputs.plan.tests
        if part.seasons  # the fit of a production run is judged by none
    ]
    parts, rankings = [], []
    with stages.stage("calibrations", len(tasks)) as advance:
        for found, ranked in side_by_side(_judge, known, tasks, n_workers(config)):
            parts.append(found)
            rankings.append(ranked)
            advance()
    forecasts = pd.concat(parts, ignore_index=True)
    ranking = pd.concat(rankings, ignore_index=True)
    run_dir.write_frame("forecasts.parquet", forecasts)
    rng = np.random.default_rng(seeds.noise_floor)
    is_game = forecasts["event"] == WIN
    scores = pd.concat([season_scores(forecasts), with_mean(ranking)], ignore_index=True)
    report = CalibrationReport(
        ranker=final_name(config),
        seasons=inputs.plan.test_seasons,
        reliability=reliability_tables(forecasts, ["variant", "event"]),
        means=season_means(scores),
        differences=paired(scores, SIMULATED),
        calibration=pd.concat(
            [
                calibration_table(forecasts[~is_game], rng, same_outcome=["season", "team_id"]),
                calibration_table(forecasts[is_game], rng),
            ],
            ignore_index=True,
        ),
    )
    run_dir.write_frame("metrics.csv", scores)
    run_dir.write_frame("differences.csv", report.differences)
    run_dir.write_frame("calibration.csv", report.calibration)
    run_dir.note(seconds=stages.seconds)
    write_calibration_report(report, run_dir, console)
    return report.differences


class _Known(NamedTuple):
    """What every variant learns from and is judged by."""

    oof: dict[str, Scores]
    relevance: pd.DataFrame
    config: Config
    league: League
    grid: pd.DataFrame


def _judge(
    known: _Known, task: tuple[str, TestPart, Members], tell: Tell
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the forecasts of a test part by a variant, and the skill of ranking by them."""
    variant, part, members = task
    odds = replace(known.config.odds, name="monte_carlo" if variant == SIMULATED else "none")
    config = replace(known.config, calibration=CalibrationConfig(name=variant), odds=odds)
    ensemble = fit_ensemble(part, known.oof, known.relevance, config, known.league)
    ranker = Ranker(members, ensemble, None)
    found = [_forecasts(variant, season, ranker, known) for season in part.seasons]
    forecasts, skill = zip(*found, strict=True)
    return pd.concat(forecasts, ignore_index=True), pd.concat(skill, ignore_index=True)


def _forecasts(
    variant: str, season: str, ranker: Ranker, known: _Known
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the forecasts of a season, and the skill of ranking by them.

    Teams are forecast at the as-of points, games by the newest as-of date before them.
    """
    scores, league = known.oof[season], known.league
    grid = known.grid[(known.grid["season"] == season) & (known.grid["as_of_point"] != "")]
    points = grid[["season", "as_of_date", "as_of_point"]]
    frame = scores.frame.merge(points[["as_of_date"]], on="as_of_date")
    completed = ranker.complete(Scores(frame, None), league).frame.merge(points)
    ending = "prob" if variant == SIMULATED else "prob_platt"
    chances = completed[[f"{event}_{ending}" for event in EVENTS]].set_axis([*EVENTS], axis=1)
    completed = completed[[*KEY, "as_of_point"]].join(chances)
    teams = completed.melt([*KEY, "as_of_point"], EVENTS, "event", "p").assign(variant=variant)
    happened = events(league.results).melt(["season", "team_id"], EVENTS, "event", "happened")
    teams = teams.merge(happened)
    dated = scores.frame
    dated = dated.assign(score=ranker.ensemble.score(dated, ranker.members.names))
    games = win_probabilities(Forecast(ranker, Scores(dated, None)), league, variant)
    games = games[games["kind"] == "regular"]
    games = pd.DataFrame(
        {
            "variant": variant,
            "event": WIN,
            "season": season,
            "as_of_point": "all",
            "team_id": games["home_team_id"],
            "p": games["p_home"],
            "happened": games["home_won"],
        }
    )
    # Ranked by the expected number of stages reached.
    order = completed.assign(score=chances.sum(axis=1), ranker=variant)
    truth = truth_of(league.results, league.tables)
    skill = evaluate(order, truth, SPEARMAN, ["league"]).assign(part="order")
    return pd.concat([teams[FORECASTS], games], ignore_index=True), skill
