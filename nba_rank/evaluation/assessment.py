"""Judge a run: the final ranker, its members and the baselines on the test seasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from nba_rank.config.schema import Config
from nba_rank.core.names import MARGINS
from nba_rank.core.workers import Tell, side_by_side
from nba_rank.data.calendar import AS_OF_POINTS, PLAYOFF_POINTS
from nba_rank.data.prepare import true_strength
from nba_rank.data.tables import Tables
from nba_rank.evaluation.baselines import baseline_scores, market_scores, with_random
from nba_rank.evaluation.evaluate import evaluate, interval_metrics, recovery_metrics
from nba_rank.evaluation.metrics import EXPONENTIAL_NDCG, LIST_METRICS
from nba_rank.evaluation.playoff_odds import playoff_metrics
from nba_rank.evaluation.probability_assessment import Forecast, assess_probabilities
from nba_rank.evaluation.result import WITHOUT, EvaluationResult, evaluation_result
from nba_rank.features.roster import PlayerSets
from nba_rank.features.store import KEY
from nba_rank.models.members import Members, Scores
from nba_rank.models.model_a.faithfulness import game_effects, occlusion_effects
from nba_rank.models.model_a.fitted import FittedModelA, TeamScores
from nba_rank.models.oof import final_scores, n_workers
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.margins_only import margins_only
from nba_rank.samples.dataset import PROJECTED, Dataset
from nba_rank.samples.folds import FoldPlan

MOMENTS = {"opening": 0.0, "half-way": 0.5, "end": 1.0}
"""Shares of the season played at which the weights of the stack are kept."""

_POINT = ["season", "as_of_date", "as_of_point"]


@dataclass(frozen=True)
class EvaluationInputs:
    """A run's models, by fit, and forecasts.

    `oof` are member scores by season, of models that have not seen it; `completed` are those of the
    test seasons with final score, probabilities and odds; `predictions` go on to the title where
    seasons are simulated; `games` are from `nba_rank.odds.next_games`, none where they are not.
    """

    plan: FoldPlan
    members: dict[str, Members]
    rankers: dict[str, Ranker]
    oof: dict[str, Scores]
    completed: dict[str, Scores]
    predictions: pd.DataFrame
    games: pd.DataFrame


def assess(
    judged: EvaluationInputs,
    data: Dataset,
    grid: pd.DataFrame,
    league: League,
    config: Config,
    *,
    rng: np.random.Generator,
    floor_rng: np.random.Generator,
) -> EvaluationResult:
    """Judge the test seasons.

    `rng` draws the random ranker and the players taken out at random, `floor_rng` the noise floors
    of calibration.
    """
    tables, results, ranker = league.tables, league.results, final_name(config)
    points = grid[(grid["as_of_point"] != "") & grid["season"].isin(judged.plan.test_seasons)]
    baselines = baseline_scores(tables, grid[grid["as_of_point"] != ""])
    in_playoffs = _at(PLAYOFF_POINTS, judged.predictions)
    simulated = pd.DataFrame(columns=_POINT)
    if config.odds.name == "monte_carlo":
        later = in_playoffs[_POINT].drop_duplicates()
        simulated = margins_only(
            tables,
            pd.concat([grid.loc[grid["as_of_point"] != "", _POINT], later]),
            judged.plan.test_seasons,
            n_simulations=config.odds.n_simulations,
            seed=config.seed,
            threads=config.trainer.num_threads,
        )
    before = _at(AS_OF_POINTS, simulated)
    scored = _scored(judged, points, baselines, before, tables, config, rng)
    without = _without_a_member(judged, points, data, config)
    chosen = LIST_METRICS | EXPONENTIAL_NDCG if config.evaluation.exponential_ndcg else LIST_METRICS
    rankings = evaluate(
        pd.concat([scored, without], ignore_index=True), truth_of(results, tables), chosen
    )
    forecasts = {
        season: Forecast(judged.rankers[part.fit], judged.completed[season])
        for part in judged.plan.tests
        for season in part.seasons
    }
    at_points = _at(AS_OF_POINTS, judged.predictions)
    more = [interval_metrics(at_points)]
    if len(in_playoffs):
        more.append(playoff_metrics(in_playoffs, simulated, tables, results, ranker))
    strength = true_strength(config.data)
    if strength is not None:
        more.append(recovery_metrics(scored, strength))
    networks = {
        name: fit.model_a for name, fit in judged.members.items() if fit.model_a is not None
    }
    return evaluation_result(
        ranker=ranker,
        rankings=rankings,
        probabilities=assess_probabilities(
            forecasts, league, baselines, grid, ranker, before, judged.games
        ),
        more=pd.concat(more, ignore_index=True),
        predictions=judged.predictions,
        completed=judged.completed,
        tables=tables,
        results=results,
        weights=_weights(judged.rankers),
        losses=_by_fit({name: fit.losses for name, fit in networks.items()}),
        diagnostics=_by_fit({name: fit.diagnostics for name, fit in networks.items()}),
        occlusion=_occlusion(judged, data, points, n_workers(config), rng),
        rng=floor_rng,
    )


def _at(points: Sequence[str], frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["as_of_point"].isin(points)]


def truth_of(results: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return outcomes with each team's conference, for `evaluate`."""
    key = ["season", "team_id"]
    return results.merge(tables.teams[[*key, "conference"]], on=key, validate="one_to_one")


def final_name(config: Config) -> str:
    """Return the name of the ranker that a run is about: the stack, or its only member."""
    members = config.model.members
    return "stack" if len(members) > 1 else members[0]


def _scored(
    judged: EvaluationInputs,
    points: pd.DataFrame,
    baselines: pd.DataFrame,
    simulated: pd.DataFrame,
    tables: Tables,
    config: Config,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the scores of the final ranker, its members and the baselines at the points."""
    key = ["season", "as_of_date", "as_of_point", "team_id"]
    tests = judged.plan.test_seasons
    tested = pd.concat([judged.oof[season].frame for season in tests])
    tested = tested.merge(points, on=["season", "as_of_date"])
    own = [*config.model.members] if len(config.model.members) > 1 else []
    if config.features.projection.enabled:
        own.append(PROJECTED)
    final = _at(AS_OF_POINTS, judged.predictions)
    if len(simulated):
        margins = simulated.assign(score=-simulated["projected_rank"], ranker=MARGINS)
        baselines = pd.concat([baselines, margins[[*key, "score", "ranker"]]])
    scores = [
        final[[*key, "score"]].assign(ranker=final_name(config)),
        with_random(baselines[baselines["season"].isin(tests)], rng),
        market_scores(tables, points, config.features.market),
        *[tested[key].assign(score=tested[name], ranker=name) for name in own],
    ]
    return pd.concat([frame for frame in scores if not frame.empty], ignore_index=True)


def _without_a_member(
    judged: EvaluationInputs, points: pd.DataFrame, data: Dataset, config: Config
) -> pd.DataFrame:
    """Score the points by stacks that leave one member out; empty where nothing is stacked."""
    members = config.model.members
    if len(members) < 2:
        return pd.DataFrame()
    scores = [
        final_scores(judged.plan, data, config, judged.oof, without=left_out).assign(
            ranker=WITHOUT + left_out
        )
        for left_out in members
    ]
    return pd.concat(scores).merge(points, on=["season", "as_of_date"])


def _occlusion(
    judged: EvaluationInputs,
    data: Dataset,
    points: pd.DataFrame,
    workers: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Take players and games out of model A's test teams at the points."""
    tasks = []
    fits = [(part.fit, season) for part in judged.plan.tests for season in part.seasons]
    for (fit, season), own_rng in zip(fits, rng.spawn(len(fits)), strict=True):
        model, scores = judged.members[fit].model_a, judged.oof[season]
        if model is None or scores.attention is None:
            continue
        tested = data.of_seasons([season])
        at_point = tested.sets.frame.merge(points, on=["season", "as_of_date"], how="left")
        rows = np.flatnonzero(at_point["as_of_point"].notna())
        score = tested.sets.frame[KEY].merge(scores.frame, how="left", on=KEY)["model_a"]
        whole = TeamScores(score.to_numpy()[rows], scores.attention[rows], None)
        prior = tested.set_features(model.inputs.features).iloc[rows]
        tasks.append(_Occluded(model, tested.sets.take(rows), prior, own_rng, whole))
    parts = [*side_by_side(_take_out, None, tasks, workers)]
    found = [effects.merge(points, on=["season", "as_of_date"]) for effects in parts]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


class _Occluded(NamedTuple):
    """A season's arguments of `occlusion_effects` and `game_effects`."""

    model: FittedModelA
    sets: PlayerSets
    team_prior: pd.DataFrame
    rng: np.random.Generator
    whole: TeamScores


def _take_out(shared: None, season: _Occluded, tell: Tell) -> pd.DataFrame:
    return pd.concat([occlusion_effects(*season), game_effects(*season)], ignore_index=True)


def _weights(rankers: dict[str, Ranker]) -> pd.DataFrame:
    rows = [
        (fit, moment, member, weight)
        for fit, ranker in rankers.items()
        if ranker.ensemble.stacker is not None
        for moment, progress in MOMENTS.items()
        for member, weight in ranker.ensemble.stacker.weights(progress).items()
    ]
    return pd.DataFrame(rows, columns=["fit", "moment", "model", "weight"])


def _by_fit(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    parts = [frame.assign(fit=name) for name, frame in frames.items() if not frame.empty]
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    return table[["fit", *[name for name in table.columns if name != "fit"]]]
