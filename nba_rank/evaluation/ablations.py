"""What each part of a model is worth: its skill with it minus its skill without it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.compare import bootstrap_mean
from nba_rank.evaluation.metrics import spearman

MEAN = "mean"
"""Stands among the as-of points for the mean over them."""

LISTS = [(MEAN, "league"), *((point, "league") for point in AS_OF_POINTS), ("end", "playoff16")]
"""Lists that are judged, as-of point and scope: all teams, and the playoff teams at the end."""

TIDY_COLUMNS = ["variant", "season", "as_of_point", "scope", "spearman"]

GAIN_COLUMNS = [
    "part", "as_of_point", "scope", "spearman_with", "spearman_without",
    "gain", "gain_low", "gain_high", "firm", "n_seasons",
]  # fmt: skip

_LIST = ["as_of_point", "scope"]


def spearman_by_point(
    scores: pd.DataFrame, points: pd.DataFrame, results: pd.DataFrame
) -> pd.DataFrame:
    """Judge scores against the outcome, over all teams of each as-of point.

    Args:
        scores: Columns `season`, `as_of_date`, `team_id`, `score` (higher is better); other dates
            than those of the points are ignored.
        points: Columns `season`, `as_of_date`, `as_of_point`.
        results: Columns `season`, `team_id`, `outcome_rank` (1 is best).

    Returns:
        Columns `season`, `as_of_point`, `spearman` (-1 to 1), sorted by season and point.

    Raises:
        ValueError: A team has no score at a point.
    """
    named = points.loc[points["as_of_point"] != "", ["season", "as_of_date", "as_of_point"]]
    judged = named.merge(scores, on=["season", "as_of_date"], how="left")
    unscored = judged["score"].isna()
    if unscored.any():
        first = judged[unscored].iloc[0]
        raise ValueError(
            f"no players are known in {first['season']} on {first['as_of_date']:%Y-%m-%d}, so "
            "there is no score to judge: test seasons with player logs, see folds.n_test_seasons"
        )
    judged = judged.merge(results, on=["season", "team_id"], validate="many_to_one")
    rows = [
        (season, point, spearman(rows["score"], rows["outcome_rank"]))
        for (season, point), rows in judged.groupby(["season", "as_of_point"])
    ]
    tidy = pd.DataFrame(rows, columns=["season", "as_of_point", "spearman"])
    return tidy.sort_values(["season", "as_of_point"], key=_position, ignore_index=True)


def spearman_by_list(
    scores: pd.DataFrame, points: pd.DataFrame, results: pd.DataFrame
) -> pd.DataFrame:
    """Judge scores on all of `LISTS`; arguments and errors as `spearman_by_point`.

    Args:
        scores: Scores.
        points: As-of points.
        results: Outcomes, with a column `made_playoffs` (bool).

    Returns:
        Columns `season`, `as_of_point`, `scope`, `spearman`; the mean over the points has
        the point `MEAN`.
    """
    league = spearman_by_point(scores, points, results)
    mean = league.groupby("season", as_index=False)["spearman"].mean().assign(as_of_point=MEAN)
    playoffs = results.loc[results["made_playoffs"], ["season", "team_id"]]
    inside = spearman_by_point(
        scores.merge(playoffs, on=["season", "team_id"]),
        points[points["as_of_point"] == "end"],
        results,
    )
    parts = [mean.assign(scope="league"), league.assign(scope="league")]
    parts.append(inside.assign(scope="playoff16"))
    return pd.concat(parts, ignore_index=True)[["season", *_LIST, "spearman"]]


def paired_gains(
    tidy: pd.DataFrame,
    pairs: Mapping[str, tuple[str, str]],
    rng: np.random.Generator,
    n_resamples: int,
) -> pd.DataFrame:
    """Pair a variant that has a part with one that has not, season by season.

    Args:
        tidy: Columns `variant`, `season`, `as_of_point`, `scope`, `spearman`.
        pairs: By part: names of the variant with it and of the one without. A pair of which one
            has not been judged is passed over.
        rng: Source of the resamples over seasons.
        n_resamples: Number of resamples.

    Returns:
        One row a part and list, in the order of `pairs` and `LISTS`: `part`, `as_of_point`,
        `scope`, `spearman_with` and `spearman_without` (means over seasons), `gain` (mean of their
        difference) and its 95% interval `gain_low`, `gain_high` (NaN with too few seasons), `firm`
        (1 or -1 where the interval lies above or below zero to three decimals, else 0),
        `n_seasons`. Above zero the part helps.
    """
    by_season = tidy.pivot(  # noqa: PD010
        index="season", columns=["variant", *_LIST], values="spearman"
    )
    judged = set(tidy["variant"])
    known = {part: pair for part, pair in pairs.items() if judged.issuperset(pair)}
    if not known:
        return pd.DataFrame(columns=GAIN_COLUMNS)
    lists = [one for one in LISTS if one in set(zip(*(tidy[name] for name in _LIST), strict=True))]
    cells = pd.DataFrame(
        [(part, *one) for part in known for one in lists], columns=["part", *_LIST]
    )

    def of(side: int) -> pd.DataFrame:
        names = cells["part"].map({part: pair[side] for part, pair in known.items()})
        wanted = pd.MultiIndex.from_arrays([names, *(cells[name] for name in _LIST)])
        return by_season.reindex(columns=wanted)

    with_, without = of(0), of(1)
    gain = bootstrap_mean(with_.to_numpy() - without.to_numpy(), rng, n_resamples)
    above, below = gain["low"].round(3) > 0, gain["high"].round(3) < 0
    return cells.assign(
        spearman_with=with_.mean().to_numpy(),
        spearman_without=without.mean().to_numpy(),
        gain=gain["mean"],
        gain_low=gain["low"],
        gain_high=gain["high"],
        firm=above.astype(int) - below.astype(int),
        n_seasons=gain["n_seasons"],
    )[GAIN_COLUMNS]


def _position(column: pd.Series) -> pd.Series:
    return column.map(AS_OF_POINTS.index) if column.name == "as_of_point" else column
