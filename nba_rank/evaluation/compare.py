"""Means over seasons with intervals, and paired differences to the baselines.

Seasons are the only independent unit: the daily lists of one season are near-duplicates. So
everything is resampled by season, and a difference is taken within a season before it is averaged.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.metrics import METRICS
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.evaluate import RANKERS, SCOPES

MIN_SEASONS = 3
"""Below this many seasons an interval would be made up, so none is given."""

_CELL = ["as_of_point", "scope", "ranker", "metric"]
_BEST_OF = ["standings", "elo"]
_MAX_BLOCK = 512


def bootstrap_mean(
    values: npt.NDArray[np.float64],
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Mean of each column with a percentile bootstrap interval over the rows.

    Args:
        values: Float, shape (seasons, columns). NaN leaves a season out of that column.
        rng: Source of the resamples. Columns with the same seasons share them.
        n_resamples: Number of resamples.
        confidence: Share of resampled means inside the interval.

    Returns:
        One row a column, in the unit of the values: `mean`, `se` (sample standard deviation
        / sqrt(n), NaN below 2 seasons), `low`, `high` (NaN below `MIN_SEASONS`), `n_seasons`.
        With few seasons a percentile interval is somewhat too narrow.

    Source: Efron and Tibshirani 1993, chapter 13.
    """
    values = np.asarray(values, dtype=np.float64)
    present = np.isfinite(values)
    result = np.full((values.shape[1], 4), np.nan)
    for pattern in np.unique(present, axis=1).T:
        n = int(pattern.sum())
        columns = np.flatnonzero((present == pattern[:, None]).all(axis=0))
        if n == 0:
            continue
        seasons = values[np.ix_(pattern, columns)]
        result[columns, 0] = seasons.mean(axis=0)
        if n >= 2:
            result[columns, 1] = seasons.std(axis=0, ddof=1) / np.sqrt(n)
        if n < MIN_SEASONS:
            continue
        weight = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples) / n
        tail = (1 - confidence) / 2
        for start in range(0, len(columns), _MAX_BLOCK):
            block = slice(start, start + _MAX_BLOCK)
            means = seasons[:, block].T @ weight.T
            result[columns[block], 2:] = np.quantile(means, [tail, 1 - tail], axis=1).T
    frame = pd.DataFrame(result, columns=["mean", "se", "low", "high"])
    return frame.assign(n_seasons=present.sum(axis=0))


def summarise(
    tidy: pd.DataFrame,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
) -> pd.DataFrame:
    """Average the metrics over seasons and pair every ranker with the baselines.

    Args:
        tidy: What `evaluate` returns.
        rng: Source of the resamples.
        n_resamples: Number of resamples over seasons.

    Returns:
        One row per `as_of_point, scope, ranker, metric`, with `mean, se, low, high` of the metric;
        `diff_to_standings, diff_se, diff_low, diff_high`: ranker minus standings, paired by
        season; `diff_to_best, diff_to_best_low, diff_to_best_high`: ranker minus the better of
        standings and Elo in each season, chosen with hindsight and so a hard bar; `n_seasons`;
        `note` (empty, or why there is no interval). Differences are in the metric's unit and not
        flipped: for `rank_mae` and `rank_rmse` below zero is better.

    Raises:
        ValueError: The table holds no ranker `standings`.
    """
    if not (tidy["ranker"] == "standings").any():
        raise ValueError("no ranker 'standings' to compare with")
    # Not pivot_table, which would average repeated rows instead of refusing them.
    by_season = tidy.pivot(index="season", columns=_CELL, values="value")  # noqa: PD010
    cells = by_season.columns
    values = by_season.to_numpy(dtype=np.float64)

    def of_ranker(ranker: str) -> npt.NDArray[np.float64]:
        same = cells.to_frame(index=False).assign(ranker=ranker)
        return by_season.reindex(columns=pd.MultiIndex.from_frame(same)).to_numpy(dtype=np.float64)

    standings = of_ranker("standings")
    higher = np.array([METRICS[name].higher_is_better for name in cells.get_level_values("metric")])
    baselines = np.stack([of_ranker(ranker) for ranker in _BEST_OF])
    best = np.where(higher, np.fmax.reduce(baselines), np.fmin.reduce(baselines))

    boot = bootstrap_mean(np.hstack([values, values - standings, values - best]), rng, n_resamples)
    own, diff, to_best = (
        boot.iloc[i * len(cells) : (i + 1) * len(cells)].reset_index(drop=True) for i in range(3)
    )
    summary = cells.to_frame(index=False).assign(
        **own[["mean", "se", "low", "high"]],
        diff_to_standings=diff["mean"],
        diff_se=diff["se"],
        diff_low=diff["low"],
        diff_high=diff["high"],
        diff_to_best=to_best["mean"],
        diff_to_best_low=to_best["low"],
        diff_to_best_high=to_best["high"],
        n_seasons=own["n_seasons"],
        note=[
            "" if n >= MIN_SEASONS else f"no interval: {n} of at least {MIN_SEASONS} seasons"
            for n in own["n_seasons"]
        ],
    )
    known = {"as_of_point": AS_OF_POINTS, "scope": SCOPES, "ranker": RANKERS, "metric": [*METRICS]}

    def position(column: pd.Series) -> pd.Series:
        order = {name: i for i, name in enumerate(known[str(column.name)])}
        return column.map(order).fillna(len(order))

    return summary.sort_values(_CELL, key=position, kind="stable", ignore_index=True)


def seasons_ahead(tidy: pd.DataFrame, ranker: str, baseline: str = "standings") -> pd.DataFrame:
    """Count the seasons in which a ranker has the higher Spearman than a baseline.

    Args:
        tidy: What `evaluate` returns.
        ranker: Name of the ranker.
        baseline: Name of the ranker to compare with.

    Returns:
        One row per `as_of_point, scope`: `n_ahead` (equal counts as not ahead), `n_seasons`.
    """
    rows = tidy[(tidy["metric"] == "spearman") & tidy["ranker"].isin([ranker, baseline])]
    key = ["as_of_point", "scope", "season"]
    wide = rows.pivot(index=key, columns="ranker", values="value")  # noqa: PD010
    pairs = wide.reindex(columns=[ranker, baseline]).dropna()
    ahead = (pairs[ranker] > pairs[baseline]).groupby(level=key[:2])
    return ahead.agg(n_ahead="sum", n_seasons="size").reset_index()


def agreement(ranks: npt.ArrayLike, n_teams: int) -> npt.NDArray[np.float64]:
    """How closely the models agree on each team's rank.

    Args:
        ranks: Shape (L, models); 1 is best, NaN where a model has none.
        n_teams: Teams that were ranked together, at least 2.

    Returns:
        Float, shape (L,): 1 - (worst rank - best rank) / (n_teams - 1); 1 where all models give
        the same rank, 0 where one puts the team first and another last.
    """
    by_model = np.asarray(ranks, dtype=np.float64)
    return 1 - (np.nanmax(by_model, axis=1) - np.nanmin(by_model, axis=1)) / (n_teams - 1)


def verdict(
    rank: npt.ArrayLike, actual_rank: npt.ArrayLike, tolerance: float
) -> npt.NDArray[np.object_]:
    """Say which teams were ranked better or worse than they finished.

    Args:
        rank: Predicted rank, shape (L,); 1 is best.
        actual_rank: Rank in the outcome, shape (L,); 1 is best, NaN while unknown.
        tolerance: Places that a rank may be off and still count as aligned.

    Returns:
        Shape (L,): `over-ranked` (predicted better than it finished), `under-ranked`, `aligned`,
        or None where the outcome is unknown.
    """
    places = np.asarray(actual_rank, dtype=np.float64) - np.asarray(rank, dtype=np.float64)
    return np.select(
        [np.isnan(places), places > tolerance, places < -tolerance],
        np.array([None, "over-ranked", "under-ranked"], dtype=object)[:, None],
        default="aligned",
    ).astype(object)
