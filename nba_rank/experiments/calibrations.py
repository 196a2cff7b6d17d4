"""`python -m nba_rank.compare_calibration`: simulated probabilities against both Platt scalings.

The models are fitted once. Meant for `folds=walk_forward`, whose many test seasons can tell a gain
from chance.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import CalibrationConfig, Config
from nba_rank.core.run_dir import RunDir
from nba_rank.core.seeds import Seeds
from nba_rank.core.stages import Stages
from nba_rank.data.outcomes import EVENTS, events
from nba_rank.evaluation.assessment import final_name, truth_of
from nba_rank.evaluation.calibration import calibration_table, reliability_tables, season_scores
from nba_rank.evaluation.evaluate import evaluate
from nba_rank.evaluation.metrics import SPEARMAN
from nba_rank.evaluation.paired import paired, season_means, with_mean
from nba_rank.evaluation.probability_assessment import Forecast, win_probabilities
from nba_rank.experiments.ablations import without_intervals
from nba_rank.experiments.comparison_run import comparison_run
from nba_rank.experiments.inputs import RunInputs, fit_members, read_inputs
from nba_rank.features.store import KEY
from nba_rank.models.calibration import CALIBRATIONS, WIN
from nba_rank.models.members import Members, Scores
from nba_rank.models.oof import fit_ensemble
from nba_rank.models.ranker import Ranker
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
    parts, rankings = [], []
    for variant in VARIANTS:
        with stages.stage(variant, len(inputs.plan.tests)) as advance:
            for part in inputs.plan.tests:
                ranker = _ranker(variant, part, members[part.fit], oof, inputs, config)
                for season in part.seasons:
                    found, ranked = _forecasts(variant, season, ranker, oof[season], inputs)
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


def _ranker(
    variant: str,
    part: TestPart,
    members: Members,
    oof: dict[str, Scores],
    inputs: RunInputs,
    config: Config,
) -> Ranker:
    odds = replace(config.odds, name="monte_carlo" if variant == SIMULATED else "none")
    changed = replace(config, calibration=CalibrationConfig(name=variant), odds=odds)
    ensemble = fit_ensemble(part, oof, inputs.data.relevance, changed, inputs.league)
    return Ranker(members, ensemble, None)


def _forecasts(
    variant: str, season: str, ranker: Ranker, scores: Scores, inputs: RunInputs
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the forecasts of a season, and the skill of ranking by them.

    Teams are forecast at the as-of points, games by the newest as-of date before them.
    """
    grid = inputs.grid[(inputs.grid["season"] == season) & (inputs.grid["as_of_point"] != "")]
    points = grid[["season", "as_of_date", "as_of_point"]]
    frame = scores.frame.merge(points[["as_of_date"]], on="as_of_date")
    completed = ranker.complete(Scores(frame, None), inputs.league).frame.merge(points)
    ending = "prob" if variant == SIMULATED else "prob_platt"
    chances = completed[[f"{event}_{ending}" for event in EVENTS]].set_axis([*EVENTS], axis=1)
    completed = completed[[*KEY, "as_of_point"]].join(chances)
    teams = completed.melt([*KEY, "as_of_point"], EVENTS, "event", "p").assign(variant=variant)
    happened = events(inputs.results).melt(["season", "team_id"], EVENTS, "event", "happened")
    teams = teams.merge(happened)
    dated = scores.frame
    dated = dated.assign(score=ranker.ensemble.score(dated, ranker.members.names))
    games = win_probabilities(Forecast(ranker, Scores(dated, None)), inputs.league, variant)
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
    truth = truth_of(inputs.results, inputs.tables)
    skill = evaluate(order, truth, SPEARMAN, ["league"]).assign(part="order")
    return pd.concat([teams[FORECASTS], games], ignore_index=True), skill
