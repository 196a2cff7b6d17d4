"""What the members rest on over whole seasons: SHAP values and permutations of feature groups.

Letters: N rows (dates and teams), F features.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nba_rank.core.arrays import Float32Array, FloatArray, IntArray
from nba_rank.evaluation.metrics import spearman
from nba_rank.evaluation.paired import t_interval
from nba_rank.explain.trees import forest_contributions, xgb_contributions
from nba_rank.models.members import Members
from nba_rank.models.ranker import Ensemble
from nba_rank.models.trees import Forest
from nba_rank.samples.dataset import Dataset

SHAP, PERMUTATION, PART = "mean_absolute_shap", "spearman_lost", "mean_absolute_part"
"""Measures: of a group's SHAP values against the average team of the date; how much lower the rank
correlation with the outcome is where the group's values are dealt to the teams of a date anew; and
of an input's part of the stack's score against the average team."""

_REPEATS = 5


def season_importance(
    members: Members,
    ensemble: Ensemble,
    data: Dataset,
    outcome_rank: FloatArray,
    groups: Mapping[str, list[str]],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Measure the feature groups of the trees, and the inputs of the stack, on one season.

    Args:
        members: The fitted members.
        ensemble: What blends them.
        data: What they read on dates of the season, with the projection.
        outcome_rank: Of the team of each row at the season's end, 1 is best, [N].
        groups: Features by group.
        rng: Deals the values of a group to the teams of a date anew.

    Returns:
        `season`, `member` (or `stack`), `group` (or input), `measure`, `value`.
    """
    date = pd.factorize(data.frame["as_of_date"])[0]
    rows = []
    for name in ("xgb", "rf"):
        member = getattr(members, name)
        if member is None:
            continue
        is_forest = isinstance(member, Forest)
        shap = (forest_contributions if is_forest else xgb_contributions)(member, data.X)[0]
        skill = _skill(member.predict(data.X), outcome_rank, date)
        for group, features in groups.items():
            columns = [data.columns.index(one) for one in features if one in data.columns]
            if not columns:
                continue
            own = pd.Series(shap[:, columns].sum(axis=1))
            apart = own - own.groupby(date).transform("mean")
            left = [
                _skill(member.predict(_dealt(data.X, columns, date, rng)), outcome_rank, date)
                for _ in range(_REPEATS)
            ]
            rows += [
                (name, group, SHAP, float(apart.abs().mean())),
                (name, group, PERMUTATION, skill - float(np.mean(left))),
            ]
    scored = members.predict(data, with_intervals=False).frame
    for _, of_date in scored.groupby("as_of_date"):
        parts = ensemble.parts(of_date, members.names).drop(columns="intercept", errors="ignore")
        size = (parts - parts.mean()).abs().mean()
        rows += [("stack", str(part), PART, float(value)) for part, value in size.items()]
    found = pd.DataFrame(rows, columns=["member", "group", "measure", "value"])
    found = found.groupby(["member", "group", "measure"], sort=False, as_index=False).mean()
    return found.assign(season=data.frame["season"].iloc[0])


def over_seasons(importance: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over seasons of what `season_importance` returns of each.

    Returns:
        `member`, `group`, `measure`, and as `t_interval` has them `mean`, `low`, `high` and
        `n_seasons`.
    """
    key = ["member", "group", "measure"]
    wide = importance.pivot(index=key, columns="season", values="value")  # noqa: PD010
    found = t_interval(wide.to_numpy(dtype=np.float64).T).drop(columns="se")
    table = pd.concat([wide.index.to_frame(index=False), found], axis=1)
    return table.sort_values(
        ["member", "measure", "mean"], ascending=[True, True, False], ignore_index=True
    )


def _skill(score: FloatArray, outcome_rank: FloatArray, date: IntArray) -> float:
    """Return the mean rank correlation with the outcome over the dates."""
    lists = pd.DataFrame({"score": score, "rank": outcome_rank, "date": date}).groupby("date")
    return float(
        np.mean([spearman(own["score"].to_numpy(), own["rank"].to_numpy()) for _, own in lists])
    )


def _dealt(
    X: Float32Array, columns: list[int], date: IntArray, rng: np.random.Generator
) -> Float32Array:
    """Return the features with some columns dealt anew to the teams of each date, together."""
    order, shuffled = np.argsort(date, kind="stable"), np.lexsort((rng.random(len(X)), date))
    result = X.copy()
    for column in columns:
        result[order, column] = X[shuffled, column]
    return result
