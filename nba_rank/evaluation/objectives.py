"""Values of the objectives of a sweep, read off tidy metrics."""

from collections.abc import Iterable
from math import isfinite

import pandas as pd

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core.errors import UserError
from nba_rank.core.names import CLONE


class ObjectiveError(UserError):
    """An objective that is missing or not finite: the trial has failed."""


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
        ranker: Whose metrics count, but for objectives of the playoff classifier.

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
