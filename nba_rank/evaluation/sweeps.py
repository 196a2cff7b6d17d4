"""Sweeps: the value of an objective, the configuration that is chosen, and what it is worth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core.arrays import FloatArray
from nba_rank.core.errors import UserError
from nba_rank.core.names import ALL, CLONE, STANDINGS
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.paired import MEAN, MEAN_COLUMNS, paired, season_means, t_interval

TRIALS_FILE, BEST_FILE, VALIDATION_FILE = "trials.csv", "best.yaml", "validation.json"
"""Files in a sweep's folder: trials, the choice, validation of `TEST_DEFAULT` and `TEST_BEST`."""

TRIAL_METRICS_FILE = "validation.csv"
"""File in a trial's folder: its tidy metrics on the validation seasons."""

TEST_BEST, TEST_DEFAULT = "test_best", "test_default"
"""Folders of the two whole runs after a sweep."""

DEFAULT, CHOSEN = "default", "chosen"
"""Names of the configuration without choices, and of the chosen one."""

SeasonValues = Mapping[str, Mapping[str, float]]
"""Objectives by season and name."""


class ObjectiveError(UserError):
    """An objective that is missing or not finite: the trial has failed."""


@dataclass(frozen=True)
class Candidate:
    """A configuration that was judged on all validation seasons.

    `number` is None for the default configuration, which has no `params`; `objective` are means
    over the validation seasons, `seasons` the objectives of each, `metrics` means of all others.
    """

    number: int | None
    params: dict[str, Any]
    objective: dict[str, float]
    seasons: SeasonValues
    metrics: dict[str, float]

    @property
    def name(self) -> str:
        """Its name in reports."""
        return DEFAULT if self.number is None else f"trial {self.number}"


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """The outcome of a sweep.

    Attributes:
        candidates: All candidates, the default first.
        best: The best on the validation seasons, whether chosen or not.
        ranked: With one objective all candidates, best first; with several the Pareto front.
        leads: `best` against the default, by `objective`: `value`, `reference_value`, `lead`, `se`.
        agreement: What `season_agreement` returns of the candidates, by `objective`.
        gains: Chosen against default, as `paired`, by `objective` and kind of `seasons`
            (`validation`, and `test` where the whole runs score the objective, with the mean of the
            `standings`).
        by_point: `season_means` of the first objective on the test seasons, of `CHOSEN`, `DEFAULT`
            and the standings; empty where the whole runs do not score it.
    """

    objectives: list[str]
    candidates: list[Candidate]
    chosen: Candidate
    best: Candidate
    ranked: list[Candidate]
    best_by: dict[str, Candidate]
    leads: pd.DataFrame
    agreement: pd.DataFrame
    gains: pd.DataFrame
    by_point: pd.DataFrame
    test_seasons: list[str]

    @property
    def default(self) -> Candidate:
        """The configuration without any choice of the search space."""
        return self.candidates[0]


def sweep_result(
    candidates: list[Candidate],
    chosen: Candidate,
    objectives: list[str],
    tested: Mapping[str, pd.DataFrame],
    ranker: str,
) -> SweepResult:
    """Compare the chosen candidate with the default, the first; `ranker` is the final ranker.

    `tested` are tidy metrics of the whole runs of `DEFAULT` and, if it is another, `CHOSEN`.
    """
    default, first = candidates[0], best(candidates, objectives)
    own, bar = tested.get(CHOSEN, tested[DEFAULT]), tested[DEFAULT]
    leads, agreement, gains = [], [], []
    for name in objectives:
        ahead, se = lead(first, default, name)
        values = {"value": first.objective[name], "reference_value": default.objective[name]}
        leads.append({"objective": name, **values, "lead": ahead, "se": se})
        trials = [{s: found[name] for s, found in one.seasons.items()} for one in candidates]
        agreement.append({"objective": name, "agreement": season_agreement(trials)})
        found = gain(chosen.seasons, default.seasons, name)
        gains.append({**found, "objective": name, "seasons": "validation"})
        if OBJECTIVES[name].from_clone == (ranker == CLONE):
            mine, theirs = (_by_season(tidy, name, ranker) for tidy in (own, bar))
            found = gain(mine, theirs, name)
            level = objective_rows(bar, name, STANDINGS).groupby("season")["value"].mean().mean()
            gains.append({**found, "objective": name, "seasons": "test", "standings": level})
    by_point = pd.DataFrame(columns=MEAN_COLUMNS)
    if OBJECTIVES[objectives[0]].from_clone == (ranker == CLONE):
        runs = [(which, tested[which], ranker) for which in (CHOSEN, DEFAULT) if which in tested]
        rows = [
            objective_rows(tidy, objectives[0], name).assign(ranker=label)
            for label, tidy, name in [*runs, (STANDINGS, bar, STANDINGS)]
        ]
        by_point = season_means(pd.concat(rows, ignore_index=True))
    sign = _signs(objectives[:1])[0]
    return SweepResult(
        objectives=objectives,
        candidates=candidates,
        chosen=chosen,
        best=first,
        ranked=pareto_front(candidates, objectives)
        if len(objectives) > 1
        else sorted(candidates, key=lambda one: sign * one.objective[objectives[0]]),
        best_by={name: best_by(candidates, name) for name in objectives},
        leads=pd.DataFrame(leads),
        agreement=pd.DataFrame(agreement),
        gains=pd.DataFrame(gains),
        by_point=by_point,
        test_seasons=sorted(set(bar["season"]) - {ALL}),
    )


def objective_rows(tidy: pd.DataFrame, name: str, ranker: str) -> pd.DataFrame:
    """Return the rows of tidy metrics that hold an objective of a ranker."""
    metric, scope = OBJECTIVES[name].metric, OBJECTIVES[name].scope
    of_objective = (tidy["metric"] == metric) & (tidy["scope"] == scope)
    return tidy[of_objective & (tidy["ranker"] == ranker)]


def season_values(tidy: pd.DataFrame, names: Iterable[str], ranker: str) -> dict[str, float]:
    """Return objectives of one season, each the mean over the as-of points.

    Objectives of the playoff classifier are read off its own rows, the others off the ranker's. One
    that is missing or not finite at any point is refused: a mean over the others would reward it.
    """
    values = {}
    for name in names:
        objective = OBJECTIVES[name]
        rows = objective_rows(tidy, name, CLONE if objective.from_clone else ranker)
        value = float(rows["value"].mean(skipna=False))
        if not isfinite(value):
            found = "missing" if rows.empty else f"{value}"
            raise ObjectiveError(
                f"the objective {name} is {found}: metric {objective.metric} of scope "
                f"{objective.scope} must be a finite number at every as-of point"
            )
        values[name] = value
    return values


def best_by(found: Sequence[Candidate], objective: str) -> Candidate:
    """Return the best by one objective; of equals the first, which is the default."""
    return found[int(np.argmin(_losses(found, [objective])))]


def pareto_front(found: Sequence[Candidate], objectives: Sequence[str]) -> list[Candidate]:
    """Return those that no other one beats in an objective without being worse in another."""
    losses = _losses(found, objectives)
    as_good = (losses[:, None] <= losses[None, :]).all(axis=2)
    better = (losses[:, None] < losses[None, :]).any(axis=2)
    beaten = np.asarray((as_good & better).any(axis=0))
    return [one for one, is_beaten in zip(found, beaten, strict=True) if not is_beaten]


def best(found: Sequence[Candidate], objectives: Sequence[str]) -> Candidate:
    """Return the best; with several objectives the first that is nearest to the best of each.

    The distance is Euclidean; each objective is scaled from 0 to 1 over the Pareto front.

    Source: the compromise of Zeleny, "Multiple Criteria Decision Making", 1982.
    """
    if len(objectives) == 1:
        return best_by(found, objectives[0])
    front = pareto_front(found, objectives)
    losses = _losses(front, objectives)
    low, spread = losses.min(axis=0), np.ptp(losses, axis=0)
    scaled = (losses - low) / np.where(spread > 0, spread, 1.0)
    return front[int(np.argmin((scaled**2).sum(axis=1)))]


def choose(found: Sequence[Candidate], objectives: Sequence[str], margin: float) -> Candidate:
    """Return the best, or the default, which is first, where the lead is too small.

    The best of many trials on a few seasons is partly the luckiest, so it has to lead the default
    by `margin` standard errors of their difference over seasons in one of the objectives.

    Source: the one-standard-error rule of Breiman et al., "Classification and Regression Trees",
        1984, section 3.4.3, with the default as the simplest model.
    """
    first = best(found, objectives)
    leads = [lead(first, found[0], name) for name in objectives]
    return first if any(ahead > margin * error for ahead, error in leads) else found[0]


def lead(one: Candidate, other: Candidate, objective: str) -> tuple[float, float]:
    """Return by how much the first is better, and the standard error over seasons, 0 for one."""
    seasons = sorted(other.seasons)
    gains = -_signs([objective]) * [
        one.seasons[s][objective] - other.seasons[s][objective] for s in seasons
    ]
    found = t_interval(gains[:, None]).iloc[0]
    return float(found["mean"]), float(found["se"]) if len(gains) > 1 else 0.0


def gain(chosen: SeasonValues, default: SeasonValues, name: str) -> pd.Series:
    """Return the row of `paired` for chosen minus default in an objective."""
    metric, scope = OBJECTIVES[name].metric, OBJECTIVES[name].scope
    rows = [
        (season, MEAN, scope, which, metric, values[name])
        for which, seasons in ((CHOSEN, chosen), (DEFAULT, default))
        for season, values in seasons.items()
    ]
    return paired(pd.DataFrame(rows, columns=TIDY_COLUMNS), DEFAULT).iloc[0]


def season_agreement(values: Sequence[Mapping[str, float]]) -> float:
    """Return the mean rank correlation of trials between seasons, given an objective by season.

    It is about 0 where the trials differ by chance, and NaN below 3 trials or 2 seasons or where
    all trials of a season are equal.
    """
    frame = pd.DataFrame([*values])
    if len(frame) < 3 or frame.shape[1] < 2:
        return float("nan")
    correlation = frame.corr(method="spearman").to_numpy()
    return float(correlation[np.triu_indices_from(correlation, k=1)].mean())


def _by_season(tidy: pd.DataFrame, objective: str, ranker: str) -> SeasonValues:
    judged = tidy[tidy["metric"] == OBJECTIVES[objective].metric]
    return {
        str(season): season_values(rows, [objective], ranker)
        for season, rows in judged.groupby("season")
    }


def _signs(objectives: Sequence[str]) -> FloatArray:
    return np.array([-1.0 if OBJECTIVES[name].maximize else 1.0 for name in objectives])


def _losses(found: Sequence[Candidate], objectives: Sequence[str]) -> FloatArray:
    """Return the objectives of each candidate, lower is better, [N, objectives]."""
    values = np.array([[one.objective[name] for name in objectives] for one in found])
    return values * _signs(objectives)
