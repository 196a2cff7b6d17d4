"""What the members rest on over whole seasons: by feature group, by feature and by player column.

Letters: N rows (dates and teams), F features, G points of a grid.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from xgboost import XGBModel

from nba_rank.core.arrays import Float32Array, FloatArray, IntArray
from nba_rank.evaluation.metrics import spearman
from nba_rank.evaluation.paired import t_interval
from nba_rank.explain.names import ABLATION, BY_FEATURE, CHANGE, PART, PERMUTATION, SHAP
from nba_rank.explain.trees import contributions
from nba_rank.models.members import Members
from nba_rank.models.model_a.fitted import FittedModelA
from nba_rank.models.ranker import Ensemble
from nba_rank.models.trees import Forest
from nba_rank.samples.dataset import PROGRESS, Dataset

PLAYERS = "all player columns"

_FAMILIES = {
    "last_season": "last season", "returning_minutes": "returning minutes",
    "per_game": "box score per game", "availability": "availability",
    "plus_minus_share": "plus-minus", "minutes": "expected minutes",
    "impact_rating": "ratings", "prior_rating": "ratings", "box_rating": "box rating",
    "game_rating": "rating by games",
}  # fmt: skip
"""Family of player columns by a piece of their names, the first that fits; others go by their name
without the window."""

_EVERY = 4
"""Of the dates of a season one in so many counts in partial dependence."""

STRONGEST, GRID = 6, 15
"""Features whose partial dependence is measured, and points of each."""

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
    for name, member in _trees(members):
        shap, _ = contributions(member, data.X)
        of_each = pd.DataFrame(shap, columns=data.columns)
        sizes = (of_each - of_each.groupby(date).transform("mean")).abs().mean()
        rows += [(name, str(one), BY_FEATURE, float(size)) for one, size in sizes.items()]
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


def model_a_importance(
    model: FittedModelA, data: Dataset, outcome_rank: FloatArray
) -> pd.DataFrame:
    """Measure the inputs of model A on one season, by holding them at the average.

    Player columns are at their training mean, as where they are unknown, a family of them at a
    time or all together; a feature of the team prior is at the mean of the date's teams.

    Args:
        model: Model A.
        data: What it reads on dates of the season, with the projection.
        outcome_rank: Of the team of each row of the player sets at the season's end, 1 is best.

    Returns:
        As `season_importance`.
    """
    sets, prior = data.sets, data.set_features(model.inputs.features)
    date = pd.factorize(sets.frame["as_of_date"])[0]
    mean = dict(zip(model.inputs.scaler.columns, model.inputs.scaler.mean, strict=True))
    families: dict[str, list[str]] = {}
    for column in sets.columns:
        families.setdefault(family(column), []).append(column)
    cases = {}
    for name, columns in {**families, PLAYERS: sets.columns}.items():
        stats = sets.stats.copy()
        for column in columns:
            stats[..., sets.columns.index(column)] = mean[column]
        cases[name] = (replace(sets, stats=stats), prior)
    for name in prior.columns:
        if name != PROGRESS:
            level = prior[name].groupby(date).transform("mean")
            cases[f"team prior: {name}"] = (sets, prior.assign(**{name: level}))
    whole = model.predict(sets, prior, with_intervals=False).score
    skill, rows = _skill(whole, outcome_rank, date), []
    for name, case in cases.items():
        score = model.predict(*case, with_intervals=False).score
        change = pd.Series(whole - score)
        change -= change.groupby(date).transform("mean")
        rows += [
            ("model_a", name, CHANGE, float(change.abs().mean())),
            ("model_a", name, ABLATION, skill - _skill(score, outcome_rank, date)),
        ]
    found = pd.DataFrame(rows, columns=["member", "group", "measure", "value"])
    return found.assign(season=sets.frame["season"].iloc[0])


def family(column: str) -> str:
    """Return the family of a player column."""
    for piece, name in _FAMILIES.items():
        if piece in column:
            return name
    return re.sub(r"_\d+$", "", column).replace("_", " ")


def strongest(importance: pd.DataFrame) -> list[str]:
    """Return the `STRONGEST` features of what `season_importance` returns, mean of the trees."""
    own = importance[importance["measure"] == BY_FEATURE]
    return own.groupby("group")["value"].mean().nlargest(STRONGEST).index.tolist()


def partial_dependence(
    seasons: Sequence[tuple[Members, Dataset]], features: Sequence[str]
) -> pd.DataFrame:
    """Measure how the scores of the trees depend on a feature, all others as they are.

    Source: Friedman (2001), "Greedy Function Approximation".

    Args:
        seasons: Members with what they read in a season that they have not seen.
        features: Features.

    Returns:
        `member`, `feature`, `at` (the feature's value), and of the mean score there less that over
        the whole grid, over the seasons, `mean`, `low`, `high` and `n_seasons`, see `t_interval`.
    """
    rows = []
    for feature in features:
        known = np.concatenate([data.features([feature])[feature] for _, data in seasons])
        grid = np.unique(np.nanquantile(known, np.linspace(0.02, 0.98, GRID)).astype(np.float32))
        for name in ("xgb", "rf"):
            curves = [
                _curve(member, data, feature, grid)
                for members, data in seasons
                for own, member in _trees(members)
                if own == name
            ]
            if curves:
                found = t_interval(np.stack(curves)).drop(columns="se")
                rows.append(found.assign(member=name, feature=feature, at=grid))
    columns = ["member", "feature", "at", "mean", "low", "high", "n_seasons"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _curve(
    member: Forest | XGBModel, data: Dataset, feature: str, grid: Float32Array
) -> FloatArray:
    """Return the mean score with a feature at each point, less their mean, [G]."""
    chosen = pd.factorize(data.frame["as_of_date"])[0] % _EVERY == 0
    X, column = data.X[chosen], data.columns.index(feature)
    at = np.repeat(X[None], len(grid), axis=0)
    at[:, :, column] = grid[:, None]
    score = np.asarray(member.predict(at.reshape(-1, X.shape[1])), dtype=np.float64)
    curve = score.reshape(len(grid), -1).mean(axis=1)
    return curve - curve.mean()


def _trees(members: Members) -> list[tuple[str, Forest | XGBModel]]:
    both = (("xgb", members.xgb), ("rf", members.rf))
    return [(name, member) for name, member in both if member is not None]


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
