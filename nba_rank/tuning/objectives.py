"""What a sweep can optimise, by name: the metric behind each and which way is better."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

import pandas as pd

from nba_rank.models.names import CLONE


class ObjectiveError(ValueError):
    """An objective that is missing or not finite: the trial has failed."""


@dataclass(frozen=True)
class Objective:
    """One quantity to optimise.

    Attributes:
        metric: Name of the metric in tidy tables.
        scope: Which teams it is about, see `nba_rank.evaluation.tidy.SCOPES`.
        maximize: Whether higher is better.
        from_odds: Whether it is read off simulated odds.
        from_clone: Whether it is about the clone classifier, not the final ranker.
    """

    metric: str
    scope: str
    maximize: bool
    from_odds: bool = False
    from_clone: bool = False

    @property
    def direction(self) -> str:
        """The direction as Optuna calls it."""
        return "maximize" if self.maximize else "minimize"


OBJECTIVES = {
    "spearman": Objective("spearman", "league", maximize=True),
    "ndcg4": Objective("ndcg_4", "league", maximize=True),
    "ndcg16": Objective("ndcg_16", "league", maximize=True),
    "ndcg20": Objective("ndcg_20", "league", maximize=True),
    "playoff_spearman": Objective("spearman", "playoff16", maximize=True),
    "rank_rmse": Objective("rank_rmse", "league", maximize=False),
    "champion_log_loss": Objective("champion_log_loss", "league", maximize=False, from_odds=True),
    "clone_auc": Objective("playoff_auc", "league", maximize=True, from_clone=True),
    "clone_brier": Objective("playoff_brier", "league", maximize=False, from_clone=True),
}
"""Objectives by name. Each is a mean over the as-of points, then over the validation seasons."""


def objective_rows(tidy: pd.DataFrame, name: str, ranker: str) -> pd.DataFrame:
    """Return the rows of tidy metrics that hold an objective of a ranker."""
    metric, scope = OBJECTIVES[name].metric, OBJECTIVES[name].scope
    of_objective = (tidy["metric"] == metric) & (tidy["scope"] == scope)
    return tidy[of_objective & (tidy["ranker"] == ranker)]


def season_values(tidy: pd.DataFrame, names: Iterable[str], ranker: str) -> dict[str, float]:
    """Return objectives of one season.

    Args:
        tidy: Columns `as_of_point`, `scope`, `ranker`, `metric`, `value` of one season.
        names: Names of `OBJECTIVES`.
        ranker: Whose metrics count, but for objectives of the clone classifier.

    Returns:
        The mean of each over the as-of points.

    Raises:
        ObjectiveError: One is missing or not finite at some point; a mean over the others would
            reward what failed there.
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
