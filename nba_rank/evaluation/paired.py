"""The one comparison: paired differences over seasons, with interval, p-value and verdict.

Seasons are the only independent unit: the daily lists of one season are near-duplicates. A tidy
table has the columns `season, as_of_point, scope, ranker, metric, value` and, optionally, `part`:
a key that keeps comparisons apart, such as an event, a design or what was left out.

Intervals are Student's t over seasons. The share of 95% intervals that hold the true mean, in
20,000 samples of n seasons (4,000 for the bootstraps, each with 1,000 resamples):

| differences | n | t | percentile bootstrap | bootstrap t |
|---|---:|---:|---:|---:|
| normal | 5 | .949 | .836 | .951 |
| normal | 9 | .953 | .901 | .952 |
| normal | 17 | .949 | .921 | .950 |
| exponential | 5 | .879 | .778 | .931 |
| exponential | 9 | .901 | .858 | .949 |
| exponential | 17 | .914 | .897 | .941 |
| log-normal | 5 | .823 | .731 | .895 |
| log-normal | 9 | .835 | .791 | .906 |
| log-normal | 17 | .861 | .840 | .910 |

The bootstrap t covers skewed differences best, but is wider on normal ones (by a third at n = 5).
Differences between rankers over nine seasons are close to normal: their median absolute skewness is
.45, against .38 for normal samples and .90 for exponential ones. So t is used; its intervals are
too narrow where one season stands out.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray
from nba_rank.core.metrics import METRICS, higher_is_better

MIN_SEASONS = 5
"""Fewest seasons for an interval, a p-value or a claim."""

LEVEL = 0.05
"""Share of true null hypotheses that may be called significant."""

BETTER, WORSE = "better", "worse"
WITHIN_NOISE = "within noise"
TOO_FEW_SEASONS = "too few seasons"

SIGNIFICANT = (BETTER, WORSE)
"""Verdicts that claim something."""

MEAN = "mean"
"""The as-of point of means over the points."""

CELL = ["part", "as_of_point", "scope", "metric"]
"""What is compared, apart from who."""

MEAN_COLUMNS = [*CELL, "ranker", "value", "se", "low", "high", "n_seasons"]

PAIRED_COLUMNS = [
    *CELL, "ranker", "reference", "value", "reference_value",
    "difference", "low", "high", "p", "n_seasons", "verdict",
]  # fmt: skip

_MAX_EXACT = 40
_SUMS_AT_ONCE = 2**22


def paired(tidy: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Compare every ranker with a reference, season by season.

    A difference is significant where its 95% t interval, to the digits in which the metric is
    printed, excludes zero and the exact sign-flip test has p < .05. With five seasons that p is
    at least 2/32 = .0625, so five seasons give an interval but no significant difference; six are
    the fewest that can (2/64 = .031).

    Returns:
        `PAIRED_COLUMNS`, a row a ranker and cell, in the order in which they come in `tidy`:
        `value` and `reference_value` (means over the seasons that both have), `difference` (ranker
        minus reference), `low` and `high` (95% t interval), `p` (two-sided), `n_seasons`;
        `verdict`, from the ranker's side: `better` or `worse` where the difference is significant,
        `within noise` where it is not, `too few seasons` below `MIN_SEASONS`, where interval and p
        are NaN.

    Raises:
        ValueError: A value is repeated, the reference has none, or a metric has no direction.
    """
    tidy = _with_part(tidy).dropna(subset="value", ignore_index=True)
    is_reference = tidy["ranker"] == reference
    if not tidy.empty and not is_reference.any():
        raise ValueError(f"no values of the reference {reference!r} to compare with")
    return _judge(_pairs(tidy[~is_reference], tidy[is_reference]))


def against_each(tidy: pd.DataFrame, rankers: Collection[str]) -> pd.DataFrame:
    """Compare some rankers with every other one, each other included, as `paired` does."""
    tidy = _with_part(tidy).dropna(subset="value", ignore_index=True)
    pairs = _pairs(tidy[tidy["ranker"].isin(rankers)], tidy)
    order = pd.Index(tidy["ranker"].unique()).get_indexer(pairs["reference"])
    return _judge(pairs.iloc[order.argsort(kind="stable")])


def _pairs(own: pd.DataFrame, references: pd.DataFrame) -> pd.DataFrame:
    """Put beside each row the rows of other rankers in the same season and cell."""
    if absent := [name for name in references["metric"].unique() if higher_is_better(name) is None]:
        raise ValueError(f"metrics without a direction cannot be compared: {absent}")
    key = ["season", *CELL]
    references = references.rename(columns={"ranker": "reference", "value": "reference_value"})
    pairs = own.merge(references[[*key, "reference", "reference_value"]], on=key)
    return pairs[pairs["ranker"] != pairs["reference"]]


def _judge(pairs: pd.DataFrame) -> pd.DataFrame:
    pairs = pairs.assign(difference=pairs["value"] - pairs["reference_value"])
    who = [*CELL, "ranker", "reference"]
    table, gaps = _wide(pairs, who, "difference")
    means = pairs.groupby(who, sort=False)[["value", "reference_value"]].mean()
    gap = t_interval(gaps)
    p = sign_flip_p(gaps)
    sign = np.array([1 if higher_is_better(name) else -1 for name in table["metric"]])
    scale = np.array([10.0 ** METRICS[name].digits for name in table["metric"]])
    low, high = (np.round(gap[bound].to_numpy() * scale) for bound in ("low", "high"))
    side = sign * np.where(p < LEVEL, (low > 0).astype(int) - (high < 0).astype(int), 0)
    verdict = np.select(
        [gap["n_seasons"] < MIN_SEASONS, side > 0, side < 0],
        [TOO_FEW_SEASONS, BETTER, WORSE],
        WITHIN_NOISE,
    )
    table = pd.concat([table, means.reset_index(drop=True)], axis=1)
    gap = gap.rename(columns={"mean": "difference"}).drop(columns="se")
    return pd.concat([table, gap], axis=1).assign(p=p, verdict=verdict)[PAIRED_COLUMNS]


def season_means(tidy: pd.DataFrame) -> pd.DataFrame:
    """Average every ranker's values over the seasons; missing ones are left out.

    Returns:
        `MEAN_COLUMNS`, a row a ranker and cell, in the order in which they come: `value` (mean) and
        what `t_interval` returns of it.
    """
    table, values = _wide(_with_part(tidy).dropna(subset="value"), [*CELL, "ranker"], "value")
    return pd.concat([table, t_interval(values).rename(columns={"mean": "value"})], axis=1)[
        MEAN_COLUMNS
    ]


def with_mean(tidy: pd.DataFrame) -> pd.DataFrame:
    """Add the mean over the as-of points, at the point `MEAN`, before the points.

    Metrics with one point have no mean, nor has a ranker in a season that lacks a value at a point
    of the metric: another set of points is another quantity.
    """
    tidy = _with_part(tidy)
    known = tidy.dropna(subset="value")
    over = ["part", "scope", "metric"]
    n_points = known.groupby(over)["as_of_point"].nunique().rename("n_points")
    means = (
        known.groupby(["part", "season", "scope", "ranker", "metric"], sort=False)["value"]
        .agg(value="mean", n="size")
        .reset_index()
        .merge(n_points.reset_index(), on=over)
    )
    whole = means[(means["n"] == means["n_points"]) & (means["n_points"] > 1)]
    return pd.concat([whole.assign(as_of_point=MEAN)[tidy.columns], tidy], ignore_index=True)


def t_interval(values: FloatArray) -> pd.DataFrame:
    """Return the mean of each column, [seasons, columns], with its 95% t interval over the rows.

    Returns:
        One row a column: `mean` (NaN without a season), `se` (sample standard deviation / sqrt(n),
        NaN for one season), `low`, `high` (NaN below `MIN_SEASONS`), `n_seasons` (not NaN).
    """
    from scipy import stats  # half a second, and who only tells verdicts needs none

    present = np.isfinite(values)
    n = present.sum(axis=0)
    known = np.where(present, values, 0.0)
    mean = known.sum(axis=0) / np.where(n > 0, n, np.nan)
    squares = np.where(present, (known - mean) ** 2, 0.0).sum(axis=0)
    se = np.sqrt(squares / np.where(n > 1, n - 1, np.nan) / n.clip(min=1))
    half = np.where(n >= MIN_SEASONS, stats.t.ppf(1 - LEVEL / 2, (n - 1).clip(min=1)) * se, np.nan)
    return pd.DataFrame(
        {"mean": mean, "se": se, "low": mean - half, "high": mean + half, "n_seasons": n}
    )


def sign_flip_p(differences: FloatArray) -> FloatArray:
    """Test whether differences are as likely above as below zero, by flipping their signs.

    The p-value is the share of all 2^n sets of signs whose sum is at least as far from zero. It is
    exact: the sums of two halves of the seasons are enumerated, and the pairs of them that are far
    enough are counted. Above 40 seasons, where both agree, it is that of the t test.

    Returns:
        The two-sided p-value of each column, [seasons, columns]; NaN below `MIN_SEASONS`.

    Source: Fisher, "The Design of Experiments", 1935, section 21.
    """
    n_seasons, n_columns = differences.shape
    present = np.isfinite(differences)
    if n_seasons > _MAX_EXACT:
        from scipy import stats

        p = stats.ttest_1samp(differences, 0.0, nan_policy="omit").pvalue
        return np.where(present.sum(axis=0) >= MIN_SEASONS, p, np.nan)
    # The sign of an absent season's zero changes no sum, and so no share.
    known = np.where(present, differences, 0.0)
    # Sums that are equal but for the order of their terms count as equal.
    far = np.abs(known.sum(axis=0)) - 1e-9 * np.abs(known).sum(axis=0)
    half = n_seasons // 2
    p = np.full(n_columns, np.nan)
    block = max(1, _SUMS_AT_ONCE >> (n_seasons - half))
    for start in range(0, n_columns, block):
        some = slice(start, start + block)
        left = _signs(half) @ known[:half, some]
        right = np.sort(_signs(n_seasons - half) @ known[half:, some], axis=0)
        n_near = [
            np.searchsorted(sums, bound).sum()
            for sums, bound in zip(right.T, (far[some] - left).T, strict=True)
        ]
        p[some] = 2 * (1 - np.array(n_near) / 2**n_seasons)
    return np.where(present.sum(axis=0) >= MIN_SEASONS, np.minimum(p, 1.0), np.nan)


def _signs(n: int) -> FloatArray:
    flipped = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return np.asarray(1 - 2 * flipped, dtype=np.float64)


def _with_part(tidy: pd.DataFrame) -> pd.DataFrame:
    return tidy if "part" in tidy else tidy.assign(part="")


def _wide(rows: pd.DataFrame, cell: list[str], value: str) -> tuple[pd.DataFrame, FloatArray]:
    """Return the cells in the order in which they come, and the values, [seasons, cells]."""
    if (repeated := rows.duplicated([*cell, "season"])).any():
        raise ValueError(f"repeated values, the first {rows[repeated].iloc[0].to_dict()}")
    table = rows[cell].drop_duplicates(ignore_index=True)
    column = rows.groupby(cell, sort=False).ngroup().to_numpy()
    season, names = pd.factorize(rows["season"], sort=True)
    values = np.full((len(names), len(table)), np.nan)
    values[season, column] = rows[value]
    return table, values
