"""One trial of a sweep: a configuration judged on the validation seasons alone."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.schema import Config
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import RunDir
from nba_rank.core.seeds import Seeds
from nba_rank.core.stages import Stages
from nba_rank.evaluation.advancement import advancement_metrics
from nba_rank.evaluation.assessment import final_name, truth_of
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.evaluation.evaluate import TIDY_COLUMNS, evaluate
from nba_rank.evaluation.metrics import LIST_METRICS
from nba_rank.evaluation.sweeps import TRIAL_METRICS_FILE, season_values
from nba_rank.experiments.inputs import RunInputs, read_inputs
from nba_rank.experiments.playoff_classifier import validation_metrics
from nba_rank.experiments.tuning.study import TrialOutcome
from nba_rank.models.members import Scores
from nba_rank.models.oof import each_fit, fit_ensemble, n_steps
from nba_rank.models.ranker import Ranker
from nba_rank.samples.folds import FoldPlan, validation_plan

_POINT = ["season", "as_of_date", "as_of_point"]
_KEPT_INPUTS = 2  # of feature configs that differ, in one process


@dataclass(frozen=True)
class SharedInputs:
    """Inputs that trials share, hashes of the tables by name, scores of the standings."""

    inputs: RunInputs
    tables: dict[str, str]
    standings: pd.DataFrame


class TrialInputs:
    """Inputs of the trials of one process: those with the same data and features read them once.

    A copy in another process starts empty.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, SharedInputs] = OrderedDict()

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Leave the inputs behind: they are large and read quickly from the caches."""
        return TrialInputs, ()

    def get(self, config: Config, run_dir: RunDir, stages: Stages) -> SharedInputs:
        """Return the inputs of a trial and note the hashes of its tables."""
        names = "seed", "data", "features", "target", "folds", "paths"
        key = repr([*(getattr(config, name) for name in names), config.model.members])
        if key not in self._kept:
            inputs = read_inputs(config, run_dir, stages)
            points = inputs.grid.loc[inputs.grid["as_of_point"] != "", _POINT]
            baselines = baseline_scores(inputs.tables, points)
            standings = baselines[baselines["ranker"] == "standings"]
            self._kept[key] = SharedInputs(inputs, run_dir.manifest["tables"], standings)
            while len(self._kept) > _KEPT_INPUTS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        run_dir.note(tables=self._kept[key].tables)
        return self._kept[key]


def run_trial(
    config: Config,
    run_dir: RunDir,
    stages: Stages,
    is_hopeless: Callable[[list[dict[str, float]]], bool],
    trial_inputs: TrialInputs,
) -> TrialOutcome:
    """Judge a configuration on the validation seasons and write `TRIAL_METRICS_FILE`.

    Test seasons are neither fitted nor scored. The fits are those of a run's out-of-fold scores, so
    trials and runs share their caches.

    Args:
        config: A validated config.
        run_dir: The trial's folder, open.
        stages: Where progress is shown.
        is_hopeless: Whether to stop, given the objectives of the first validation seasons in order.
        trial_inputs: Inputs of this process's trials.

    Raises:
        ObjectiveError: An objective is missing or not finite.
        FoldError: The data holds too few seasons.
    """
    start = time.perf_counter()
    shared = trial_inputs.get(config, run_dir, stages)
    inputs = shared.inputs
    # The data may not serve all members that are asked for.
    config = replace(config, model=replace(config.model, members=inputs.config.model.members))
    plan = validation_plan(inputs.plan, config.tuning.n_validation_seasons)
    run_dir.note(folds=asdict(plan))
    names = config.tuning.objectives
    by_season: dict[str, dict[str, float]] = {}
    tidy: list[pd.DataFrame] = []
    pruned = False
    for season, of_season in _judged_seasons(config, plan, shared, stages):
        tidy.append(of_season)
        by_season[season] = season_values(of_season, names, final_name(config))
        pruned = len(by_season) < len(plan.tests) and is_hopeless([*by_season.values()])
        if pruned:
            break
    found = pd.concat(tidy, ignore_index=True)
    run_dir.write_frame(TRIAL_METRICS_FILE, found)
    values = {name: float(np.mean([v[name] for v in by_season.values()])) for name in names}
    means, seconds = _means(found, final_name(config)), time.perf_counter() - start
    outcome = TrialOutcome(values, by_season, means, pruned, seconds, shared.tables)
    run_dir.note(objectives=values, pruned=pruned, trial_seconds=outcome.seconds)
    return outcome


def _judged_seasons(
    config: Config, plan: FoldPlan, shared: SharedInputs, stages: Stages
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Fit the members of each validation season, in order, and yield its tidy metrics.

    Without calibration, which no objective reads.
    """
    inputs = shared.inputs
    if config.model.members == [CLONE]:
        with stages.stage("models", len(plan.test_seasons)) as advance:
            for season in plan.test_seasons:
                yield season, validation_metrics(season, inputs.data, inputs.results, config)
                advance()
        return
    part_of = {part.fit: part for part in plan.tests}
    predicted: dict[str, Scores] = {}
    # Without test seasons no intervals are drawn: trials are judged by scores.
    fits = FoldPlan(plan.fits, [])
    seed = Seeds.of(config.seed).folds
    bare = replace(config, calibration=replace(config.calibration, name="none"))
    league = inputs.league if _needs_odds(config) else None
    with stages.stage("models", n_steps(fits, config)) as advance:
        for fitted in each_fit(fits, inputs.data, config, seed, advance):
            predicted |= fitted.predicted
            if (part := part_of.get(fitted.fit.name)) is None:
                continue
            [season] = part.seasons
            ensemble = fit_ensemble(part, predicted, inputs.data.relevance, bare, league)
            ranker = Ranker(fitted.members, ensemble, inputs.projection.get(season))
            tidy = [_judge(season, ranker, predicted[season], shared, config)]
            if config.include_clone_classifier:
                tidy.append(validation_metrics(season, inputs.data, inputs.results, config))
            yield season, pd.concat(tidy, ignore_index=True)


def _needs_odds(config: Config) -> bool:
    return any(OBJECTIVES[name].from_odds for name in config.tuning.objectives)


def _judge(
    season: str, ranker: Ranker, predicted: Scores, shared: SharedInputs, config: Config
) -> pd.DataFrame:
    inputs = shared.inputs
    grid, results, name = inputs.grid, inputs.results, final_name(config)
    points = grid.loc[(grid["as_of_point"] != "") & (grid["season"] == season), _POINT]
    at_points = predicted.frame.merge(points, on=_POINT[:2])
    scored = Scores(at_points.drop(columns="as_of_point"), predicted.attention)
    if _needs_odds(config):
        frame = ranker.complete(scored, inputs.league, threads=config.trainer.num_threads).frame
    else:
        frame = scored.frame.assign(score=ranker.ensemble.score(scored.frame, ranker.members.names))
    frame = frame.merge(points, on=_POINT[:2])
    truth = truth_of(results, inputs.tables)
    standings = shared.standings[shared.standings["season"] == season]
    scores = pd.concat([frame[[*_POINT, "team_id", "score"]].assign(ranker=name), standings])
    parts = [evaluate(scores, truth, LIST_METRICS, ("league", "playoff16"))]
    if _needs_odds(config):
        odds = [column for column in map(str, frame) if column.endswith("_prob")]
        judged = frame[["season", "as_of_point", "team_id", *odds]].assign(ranker=name)
        parts.append(advancement_metrics(judged, results))
    return pd.concat(parts, ignore_index=True)[TIDY_COLUMNS]


def _means(tidy: pd.DataFrame, ranker: str) -> dict[str, float]:
    """Return the mean of each metric over points and seasons; NaN if any value is undefined."""
    own, of_clone = tidy["ranker"] == ranker, tidy["ranker"] == CLONE
    kinds = {
        "clone_": of_clone,
        "": own & ~of_clone & (tidy["scope"] == "league"),
        "playoff16_": own & (tidy["scope"] == "playoff16"),
    }
    means: dict[str, float] = {}
    for prefix, kind in kinds.items():
        of_metric = tidy[kind].groupby("metric", sort=False)["value"]
        means |= {f"{prefix}{name}": float(v.mean(skipna=False)) for name, v in of_metric}
    return means
