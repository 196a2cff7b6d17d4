"""From scores and outcomes to one tidy table of metrics."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.league import EAST, WEST
from nba_rank.evaluation.metrics import LIST_METRICS, ListMetric, average_rank, spearman

SCOPES = ("league", "playoff16", "east", "west")
"""Lists that are judged: all teams, the teams that made the playoffs, each conference."""

RANKERS = (
    "stack", "model_a", "xgb", "rf", "projected_outcome",
    "standings", "elo", "massey", "srs", "net_rating", "margins", "last_season", "market",
    "closing_spreads", "random",
)  # fmt: skip
"""Names of the rankers: the stack, its members, the projection, then the baselines."""

BASELINES = RANKERS[5:]

TIDY_COLUMNS = ["season", "as_of_point", "scope", "ranker", "metric", "value"]

_LIST_KEY = ["season", "as_of_point"]


def evaluate(
    scores: pd.DataFrame,
    truth: pd.DataFrame,
    metrics: Mapping[str, ListMetric] = LIST_METRICS,
    scopes: Sequence[str] = SCOPES,
) -> pd.DataFrame:
    """Judge every ranker at every point of every season on some of `SCOPES`.

    Args:
        scores: Columns `season`, `as_of_point`, `team_id`, `ranker`, `score` (higher is better). A
            ranker that is at a point scores every team of the season there.
        truth: Columns `season`, `team_id`, `conference`, `outcome_rank` (1 is best) and
            `made_playoffs`, one row a season and team.
        metrics: Metrics by name.
        scopes: Lists to judge.

    Returns:
        `TIDY_COLUMNS`, sorted by season and, within it, in the order of `AS_OF_POINTS`, `SCOPES`,
        rankers and metrics. Ranks are taken anew within each scope. A metric that needs more teams
        than the scope has gives no row; one that is undefined on a list gives NaN.

    Raises:
        ValueError: Teams, points, finite scores, needed standings or a season's truth are missing.
    """
    _check_keys(scores, truth)
    # Not pivot_table, which would average repeated scores instead of refusing them.
    key = [*_LIST_KEY, "team_id"]
    wide = scores.pivot(index=key, columns="ranker", values="score")  # noqa: PD010
    rankers = [name for name in RANKERS if name in wide.columns]
    rankers += [name for name in wide.columns if name not in RANKERS]
    expected = scores[_LIST_KEY].drop_duplicates().merge(truth, on="season")
    teams = expected.merge(wide.reset_index(), how="outer", on=key, indicator=True)
    if len(absent := teams[teams["_merge"] != "both"]):
        raise ValueError(
            "scores and truth do not hold the same teams, only one of them has "
            f"{absent[key].to_dict('records')}"
        )
    order = teams["as_of_point"].map(AS_OF_POINTS.index)
    teams = teams.assign(order=order).sort_values(["season", "order", "team_id"], ignore_index=True)
    needs_standings = any(metric.needs_standings for metric in metrics.values())
    scored, outcome = teams[rankers].to_numpy().T, teams["outcome_rank"].to_numpy()
    members = _scopes(teams, scopes)
    rows: list[tuple[str, str, str, str, str, float]] = []
    for (season, point), own in teams.groupby(_LIST_KEY, sort=False):
        where, at = f"season {season} at {point}", own.index.to_numpy()
        matrix = scored[:, at]
        # A ranker may be absent from a whole list (a model fitted for some seasons only).
        present = ~np.isnan(matrix).all(axis=1)
        here, matrix = list(np.array(rankers)[present]), matrix[present]
        finite = np.isfinite(matrix).all(axis=1)
        if not finite.all():
            bad = [name for name, known in zip(here, finite, strict=True) if not known]
            raise ValueError(f"{where}: a missing or infinite score of {bad}")
        if needs_standings and "standings" not in here:
            raise ValueError(f"{where}: no scores of the ranker 'standings'")
        for scope, member in members.items():
            inside = member[at]
            true_rank, list_scores = average_rank(-outcome[at][inside]), matrix[:, inside]
            standings = list_scores[here.index("standings") if needs_standings else 0]
            values = {
                name: metric(list_scores, true_rank, standings)
                for name, metric in metrics.items()
                if len(true_rank) >= metric.min_teams
            }
            rows += [
                (str(season), str(point), scope, ranker, name, float(value[place]))
                for place, ranker in enumerate(here)
                for name, value in values.items()
            ]
    return pd.DataFrame(rows, columns=TIDY_COLUMNS)


def tidy_rows(values: pd.DataFrame, **fixed: str) -> pd.DataFrame:
    """Return a column of values a metric as tidy rows, list by list.

    Keys that differ, `part` among them, are in the index, all others in `fixed`.
    """
    key = list(values.index.names)
    rows = values.reset_index().melt(key, var_name="metric", ignore_index=False)
    rows = rows.sort_index(kind="stable", ignore_index=True).assign(**fixed)
    return rows[[*TIDY_COLUMNS, *(["part"] if "part" in key else [])]]


def interval_metrics(
    predictions: pd.DataFrame,
    ranker: str = "model_a",
    low: str = "model_a_rank_spread_low",
    high: str = "model_a_rank_spread_high",
) -> pd.DataFrame:
    """Judge a ranker's intervals of `actual_rank`, from the best rank, `low`, to the worst, `high`.

    Returns tidy `rank_interval_coverage` (share of teams whose outcome rank lies within the bounds)
    and `rank_interval_width` (mean places, both bounds counted) of the teams that have an interval.
    """
    if low not in predictions:
        return pd.DataFrame(columns=TIDY_COLUMNS)
    known = predictions.dropna(subset=[low, high])
    judged = known[_LIST_KEY].assign(
        rank_interval_coverage=known["actual_rank"].between(known[low], known[high]),
        rank_interval_width=known[high] - known[low] + 1,
    )
    means = judged.groupby(_LIST_KEY, sort=False).mean().astype(float)
    return tidy_rows(means, scope="league", ranker=ranker)


def recovery_metrics(scores: pd.DataFrame, true_strength: pd.DataFrame) -> pd.DataFrame:
    """Return `true_strength_spearman` of each ranker in a simulated league, as tidy rows.

    `true_strength` is that of the full roster by `season`, `as_of_date` and `team_id`.
    """
    key = ["season", "as_of_date", "team_id"]
    paired = scores.merge(true_strength[[*key, "true_strength"]], on=key, validate="many_to_one")
    rows = [
        (
            season, point, "league", ranker, "true_strength_spearman",
            float(spearman(teams["score"], teams["true_strength"].rank(ascending=False))),
        )
        for (season, point, ranker), teams in paired.groupby([*_LIST_KEY, "ranker"], sort=False)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=TIDY_COLUMNS)


def _scopes(teams: pd.DataFrame, scopes: Sequence[str]) -> dict[str, np.ndarray]:
    conference = teams["conference"]
    masks = {
        "league": np.ones(len(teams), dtype=bool),
        "playoff16": teams["made_playoffs"].to_numpy(dtype=bool),
        "east": (conference == EAST).to_numpy(dtype=bool),
        "west": (conference == WEST).to_numpy(dtype=bool),
    }
    return {scope: masks[scope] for scope in SCOPES if scope in scopes}


def _check_keys(scores: pd.DataFrame, truth: pd.DataFrame) -> None:
    for name, frame, key in (
        ("scores", scores, [*_LIST_KEY, "ranker", "team_id"]),
        ("truth", truth, ["season", "team_id"]),
    ):
        repeated = frame.duplicated(key)
        if repeated.any():
            first = frame.loc[repeated, key].iloc[0].to_dict()
            raise ValueError(f"{name}: {int(repeated.sum())} repeated keys, the first {first}")
    unknown = sorted(set(scores["as_of_point"]) - set(AS_OF_POINTS))
    if unknown:
        raise ValueError(f"scores: unknown as_of_point {unknown}, known are {AS_OF_POINTS}")
    untold = sorted(set(scores["season"]) - set(truth["season"]))
    if untold:
        raise ValueError(f"scores: no truth for the seasons {untold}")
