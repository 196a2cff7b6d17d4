"""Which configuration a study chooses, and what it is worth beside the default."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.paired import MEAN, paired, t_interval

DEFAULT = "default"
"""Name of the configuration without any choice of the search space, the one to beat."""


CHOSEN = "chosen"
"""Name of the chosen configuration in comparisons."""

SeasonValues = Mapping[str, Mapping[str, float]]
"""Objectives by season and name."""


@dataclass(frozen=True)
class Candidate:
    """A configuration that was judged on all validation seasons.

    Attributes:
        number: The trial's number; None for the default configuration.
        params: What it chose, by dotted key or config group; nothing for the default.
        objective: Value of each objective by name, means over the validation seasons.
        seasons: Objectives by season and name.
        metrics: All other metrics, means likewise.
    """

    number: int | None
    params: dict[str, Any]
    objective: dict[str, float]
    seasons: SeasonValues
    metrics: dict[str, float]

    @property
    def name(self) -> str:
        """What people call it."""
        return DEFAULT if self.number is None else f"trial {self.number}"


def best_by(found: Sequence[Candidate], objective: str) -> Candidate:
    """Return the best by one objective; of equals the first, so the default before trials."""
    sign = -1.0 if OBJECTIVES[objective].maximize else 1.0
    return min(found, key=lambda candidate: sign * candidate.objective[objective])


def pareto_front(found: Sequence[Candidate], objectives: Sequence[str]) -> list[Candidate]:
    """Return those that none other beats in one objective without being worse in another."""
    losses = _losses(found, objectives)
    as_good = (losses[:, None] <= losses[None, :]).all(axis=2)
    better = (losses[:, None] < losses[None, :]).any(axis=2)
    beaten = np.asarray((as_good & better).any(axis=0))
    return [one for one, is_beaten in zip(found, beaten, strict=True) if not is_beaten]


def best(found: Sequence[Candidate], objectives: Sequence[str]) -> Candidate:
    """Return the best; with several objectives the one nearest to the best of each.

    The distance is Euclidean, after each objective has been scaled to 0 for the best and 1 for the
    worst of the Pareto front (the compromise of Zeleny, "Multiple Criteria Decision Making", 1982).
    Of equals the first is taken.
    """
    if len(objectives) == 1:
        return best_by(found, objectives[0])
    front = pareto_front(found, objectives)
    losses = _losses(front, objectives)
    low, spread = losses.min(axis=0), np.ptp(losses, axis=0)
    scaled = (losses - low) / np.where(spread > 0, spread, 1.0)
    return front[int(np.argmin((scaled**2).sum(axis=1)))]


def choose(found: Sequence[Candidate], objectives: Sequence[str], margin: float) -> Candidate:
    """Return the best, or the default where the best does not beat it by enough.

    The best of many trials on a few seasons is partly the luckiest, so it has to lead the default
    by `margin` standard errors of their difference, season by season, in one of the objectives
    (the one-standard-error rule of Breiman et al., "Classification and Regression Trees", 1984,
    section 3.4.3, with the default as the simplest model).

    Args:
        found: What was judged on all seasons, the default first.
        objectives: Names of the objectives.
        margin: Standard errors to lead by; 0 takes the best.
    """
    first = best(found, objectives)
    leads = [lead(first, found[0], name) for name in objectives]
    return first if any(gain > margin * error for gain, error in leads) else found[0]


def lead(one: Candidate, other: Candidate, objective: str) -> tuple[float, float]:
    """Return by how much one candidate is better than another, and the standard error of that.

    Returns:
        The mean lead over the seasons, above 0 where the first is better whatever the direction,
        and its standard error over the seasons, 0 for a single season.
    """
    sign = 1.0 if OBJECTIVES[objective].maximize else -1.0
    seasons = sorted(other.seasons)
    gains = sign * np.array(
        [one.seasons[s][objective] - other.seasons[s][objective] for s in seasons]
    )
    found = t_interval(gains[:, None]).iloc[0]
    return float(found["mean"]), float(found["se"]) if len(gains) > 1 else 0.0


def gain(chosen: SeasonValues, default: SeasonValues, objective: str) -> pd.Series:
    """Compare the chosen configuration with the default on the same seasons.

    Returns:
        The row of `nba_rank.evaluation.paired.paired`: chosen minus default.
    """
    metric, scope = OBJECTIVES[objective].metric, OBJECTIVES[objective].scope
    rows = [
        (season, MEAN, scope, name, metric, values[objective])
        for name, seasons in ((CHOSEN, chosen), (DEFAULT, default))
        for season, values in seasons.items()
    ]
    return paired(pd.DataFrame(rows, columns=TIDY_COLUMNS), DEFAULT).iloc[0]


def season_agreement(values: Sequence[Mapping[str, float]]) -> float:
    """Return how alike the seasons order the trials.

    Args:
        values: The objective by season of each trial, N trials with the same seasons.

    Returns:
        Mean rank correlation over pairs of seasons, -1 to 1: about 0 where the differences between
        trials are chance. NaN below 3 trials or 2 seasons, or where a season knows no difference.
    """
    frame = pd.DataFrame([*values])
    if len(frame) < 3 or frame.shape[1] < 2:
        return float("nan")
    correlation = frame.corr(method="spearman").to_numpy()
    return float(correlation[np.triu_indices_from(correlation, k=1)].mean())


def _losses(found: Sequence[Candidate], objectives: Sequence[str]) -> np.ndarray:
    """Return the objectives of each candidate, lower is better, [N, objectives]."""
    signs = [-1.0 if OBJECTIVES[name].maximize else 1.0 for name in objectives]
    return np.array([[one.objective[name] for name in objectives] for one in found]) * signs
