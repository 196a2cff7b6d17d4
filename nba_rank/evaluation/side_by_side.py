"""Runs side by side: how well their final rankers do on what all of them were judged on.

Runs are paired by season: a difference is taken within a season before it is averaged.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.core.metrics import higher_is_better
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.calibration import VERDICTS
from nba_rank.evaluation.compare import bootstrap_mean
from nba_rank.evaluation.paired import MEAN
from nba_rank.evaluation.series import ALL_SEASONS

STANDINGS = "standings"
"""Stands among the runs for the standings, which are no run but a bar for all of them."""

COMPARISON_COLUMNS = ["season", "as_of_point", "scope", "metric", "run", "value"]

DIFFERENCE_COLUMNS = [
    "run", "as_of_point", "scope", "metric", "higher_is_better", "mean", "baseline_mean",
    "difference", "low", "high", "n_better", "n_seasons", "verdict",
]  # fmt: skip

_CELL = ["as_of_point", "scope", "metric"]
_KEY = ["season", *_CELL]


def rows_of(metrics: pd.DataFrame, *rankers: str) -> pd.DataFrame:
    """Return what rankers score, season by season.

    Args:
        metrics: Tidy metrics, as in `metrics.csv`.
        rankers: Names of rankers that are not judged by the same metrics, such as the final ranker
            of a run and `nba_rank.evaluation.advancement.SIMULATION`.

    Returns:
        Columns `season`, `as_of_point`, `scope`, `metric`, `value`; metrics that have a direction
        alone, see `nba_rank.core.metrics.higher_is_better`.
    """
    directed = [name for name in metrics["metric"].unique() if higher_is_better(name) is not None]
    chosen = metrics["ranker"].isin(rankers) & metrics["metric"].isin(directed)
    chosen &= metrics["season"] != ALL_SEASONS
    return metrics.loc[chosen, [*_KEY, "value"]].reset_index(drop=True)


def side_by_side(runs: Mapping[str, pd.DataFrame], standings: pd.DataFrame) -> pd.DataFrame:
    """Put the final rankers of runs beside each other on what all were judged on.

    Args:
        runs: By name of the run: what `rows_of` returns.
        standings: The same of the standings.

    Returns:
        `COMPARISON_COLUMNS`, the runs in order and `STANDINGS` last, where they have a value.
        A season, point, scope and metric of which a run has no value is left out of all; the point
        `MEAN` is the mean over the points that any season is left with, of the seasons with all.

    Raises:
        UserError: There are no seasons, or no points of a season, that all runs were judged on.
    """
    for name, what in (("season", "test season"), ("as_of_point", "as-of point of a season")):
        if not set.intersection(*(set(rows[name]) for rows in runs.values())):
            spans = "; ".join(f"{run}: {_words(rows[name])}" for run, rows in runs.items())
            raise UserError(f"no {what} is common to all runs, so nothing can be paired. {spans}")
    wide = pd.concat({run: _values(rows) for run, rows in runs.items()}, axis=1, join="inner")
    wide = wide.dropna()
    if wide.empty:
        raise UserError("the runs have no metric in common at any point of a season")
    wide[STANDINGS] = _values(standings).reindex(wide.index)
    wide = pd.concat([wide, _means_over_points(wide)])
    tidy = wide.reset_index().melt(_KEY, var_name="run").dropna()
    return tidy.sort_values(
        ["metric", "scope", "as_of_point", "season"],
        key=_position,
        kind="stable",
        ignore_index=True,
    )[COMPARISON_COLUMNS]


def differences(
    tidy: pd.DataFrame, baseline: str, rng: np.random.Generator, n_resamples: int = 10_000
) -> pd.DataFrame:
    """Pair every run, and the standings, with the baseline run.

    Args:
        tidy: What `side_by_side` returns.
        baseline: Name of the run that differences are taken to.
        rng: Source of the resamples over seasons.
        n_resamples: Number of resamples.

    Returns:
        One row a run other than the baseline, point, scope and metric, with the metrics, scopes
        and points in order: `higher_is_better`; `mean` and `baseline_mean` over the seasons;
        `difference`, run minus baseline in the metric's unit and not flipped, with its 95%
        interval `low`, `high` (NaN with too few seasons); `n_better`, the seasons in which the run
        is the better; `n_seasons`; `verdict`, one of `nba_rank.evaluation.calibration.VERDICTS`,
        by the interval to the digits that are printed, see `decimals`.
    """
    cells = tidy[_CELL].drop_duplicates()
    wide = tidy.pivot(index="season", columns=["run", *_CELL], values="value")  # noqa: PD010
    others = [run for run in tidy["run"].unique() if run != baseline]
    rows = cells.merge(pd.DataFrame({"run": others}), how="cross")
    own = wide.reindex(columns=pd.MultiIndex.from_frame(rows[["run", *_CELL]])).to_numpy()
    base = wide.reindex(columns=pd.MultiIndex.from_frame(
        rows.assign(run=baseline)[["run", *_CELL]])).to_numpy()  # fmt: skip
    paired = np.isfinite(own) & np.isfinite(base)
    gap = np.where(paired, own - base, np.nan)
    boot = bootstrap_mean(gap, rng, n_resamples)
    higher = np.array([bool(higher_is_better(name)) for name in rows["metric"]], dtype=bool)
    sign = np.where(higher, 1, -1)
    digits = [decimals(name) for name in rows["metric"]]
    low, high = (
        np.array([round(value, n) for value, n in zip(boot[name], digits, strict=True)])
        for name in ("low", "high")
    )
    firm = sign * ((low > 0).astype(int) - (high < 0).astype(int))
    table = rows.assign(
        higher_is_better=higher,
        mean=_mean(np.where(paired, own, np.nan)),
        baseline_mean=_mean(np.where(paired, base, np.nan)),
        difference=boot["mean"],
        low=boot["low"],
        high=boot["high"],
        n_better=(sign * np.nan_to_num(gap) > 0).sum(axis=0),
        n_seasons=boot["n_seasons"],
        verdict=np.select([firm > 0, firm < 0], VERDICTS[:2], default=VERDICTS[2]),
    )
    return table.loc[table["n_seasons"] > 0, DIFFERENCE_COLUMNS].reset_index(drop=True)


def by_point(tidy: pd.DataFrame) -> list[str]:
    """Return the metrics that all teams are judged by at the as-of points of a season.

    Args:
        tidy: What `side_by_side` returns.
    """
    chosen = (tidy["scope"] == "league") & tidy["as_of_point"].isin(AS_OF_POINTS)
    return tidy.loc[chosen, "metric"].unique().tolist()


def standings_gap(standings: Mapping[str, pd.DataFrame]) -> float:
    """Return how far the standings of different runs are apart, which tell whether truths differ.

    Args:
        standings: By name of the run: what `rows_of` returns of the standings.

    Returns:
        The largest difference of any metric that is common to all, in its unit; NaN without one.
    """
    wide = pd.concat({run: _values(rows) for run, rows in standings.items()}, axis=1, join="inner")
    return float((wide.max(axis=1) - wide.min(axis=1)).max())


def mean_score(rows: pd.DataFrame, metric: str, scope: str) -> float:
    """Return the mean of a metric over the as-of points, then over the seasons; NaN without any.

    Args:
        rows: What `rows_of` returns.
        metric: Its name.
        scope: Which teams it is about.
    """
    mine = (rows["metric"] == metric) & (rows["scope"] == scope)
    return float(rows[mine].groupby("season")["value"].mean().mean())


def decimals(metric: str) -> int:
    """Return the digits to which a metric is printed: Brier scores differ in the fourth."""
    return 4 if metric.endswith("_brier") else 3


def _values(rows: pd.DataFrame) -> pd.Series:
    """Return the values by season, point, scope and metric; repeated ones are refused."""
    if (repeated := rows.duplicated(_KEY)).any():
        raise ValueError(f"repeated metrics, the first {rows[repeated].iloc[0].to_dict()}")
    return rows.set_index(_KEY)["value"]


def _means_over_points(wide: pd.DataFrame) -> pd.DataFrame:
    """Return the means over the points, of metrics with several, in the seasons with all."""
    by_season = wide.groupby(["season", "scope", "metric"])
    n = by_season.size()
    most = n.groupby(level=["scope", "metric"]).transform("max")
    # A point of which a run has no value, as of the standings at times, leaves no mean.
    means = by_season.mean(skipna=False)[(n == most) & (most > 1)]
    return means.assign(as_of_point=MEAN).set_index("as_of_point", append=True).reorder_levels(_KEY)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over the rows that are known; NaN where none is."""
    known = np.isfinite(values)
    n = known.sum(axis=0)
    return np.where(n > 0, np.nansum(values, axis=0) / np.maximum(n, 1), np.nan)


def _position(column: pd.Series) -> pd.Series:
    """Return the place of each value: seasons and points in time, others as they come first."""
    if column.name == "season":
        return column
    names = [MEAN, *AS_OF_POINTS] if column.name == "as_of_point" else column.unique().tolist()
    return column.map({name: place for place, name in enumerate(names)}).fillna(len(names))


def _words(names: pd.Series) -> str:
    return ", ".join(sorted(set(names))) or "none"
