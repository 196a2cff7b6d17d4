"""Values and paired differences as tables of text, each to the digits of its metric."""

import numpy as np
import pandas as pd

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.evaluation.paired import MEAN, SIGNIFICANT
from nba_rank.report.format import number, pivot, with_interval
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, metric_label, ranker_label

LIST_LABELS = {
    (MEAN, "league"): "mean",
    **{(point, "league"): label for point, label in POINT_LABELS.items()},
    ("end", "playoff16"): "inside the 16",
}
"""Words for lists of teams, as-of point and scope, in order."""


def values(
    table: pd.DataFrame,
    row: str,
    column: str,
    heading: str = "",
    value: str = "value",
    *,
    intervals: bool = False,
) -> pd.DataFrame:
    """Return a table of text with a line a `row` and a column a `column`.

    Args:
        table: One row a cell, with its `metric`.
        row: Column that names a line.
        column: Column that names a column; `list` stands for as-of point and scope together.
        heading: Heading of the first column.
        value: Column of the values.
        intervals: Whether to show the intervals in `low` and `high`.
    """
    low, high = (table[name] if intervals else [np.nan] * len(table) for name in ("low", "high"))
    cells = [
        with_interval(one, below, above, METRICS[metric].digits, sign=False)
        for metric, one, below, above in zip(table["metric"], table[value], low, high, strict=True)
    ]
    return pivot(_with_list(table).assign(cell=cells), row, column, "cell", "", heading)


def differences(
    table: pd.DataFrame, row: str, column: str, heading: str = "", *, intervals: bool = True
) -> pd.DataFrame:
    """Return differences with their intervals likewise, with a star where they are significant.

    Args:
        table: What `nba_rank.evaluation.paired.paired` returns.
        row: As in `values`.
        column: As in `values`.
        heading: As in `values`.
        intervals: Whether to show the intervals.
    """
    bounds = table[["low", "high"]] if intervals else table[["low", "high"]] * np.nan
    cells = [
        with_interval(gap, low, high, METRICS[metric].digits) + "*" * (verdict in SIGNIFICANT)
        for metric, gap, verdict, (low, high) in zip(
            table["metric"], table["difference"], table["verdict"], bounds.to_numpy(), strict=True
        )
    ]
    return pivot(_with_list(table).assign(cell=cells), row, column, "cell", "", heading)


def leads(behind: pd.DataFrame) -> pd.DataFrame:
    """Return who leads by how much, a line a measure and a column a point.

    Args:
        behind: What `nba_rank.evaluation.result.behind` returns.
    """
    columns = (behind[name] for name in ("reference", "metric", "lead", "verdict"))
    cells = [
        f"{ranker_label(who)} {number(lead, METRICS[metric].digits)}"
        + "*" * (verdict in SIGNIFICANT)
        for who, metric, lead, verdict in zip(*columns, strict=True)
    ]
    measures = zip(behind["metric"], behind["scope"], strict=True)
    measure = [measure_label(*one) for one in measures]
    table = behind.assign(measure=measure, cell=cells)
    return pivot(table, "measure", "as_of_point", "cell", "")


def fewer_seasons(means: pd.DataFrame) -> str:
    """Name the rankers of which there are fewer seasons than of others, such as `Elo (2 of 9)`."""
    counts = means.groupby("ranker", sort=False)["n_seasons"].max()
    most = counts.max()
    return ", ".join(
        f"{ranker_label(str(name))} ({n} of {most})" for name, n in counts.items() if n < most
    )


def measure_label(metric: str, scope: str) -> str:
    """Return the words for a metric of some teams, with an arrow to where it is better."""
    where = "" if scope == "league" else f", {SCOPE_LABELS.get(scope, scope)}"
    arrow = {True: " ↑", False: " ↓", None: ""}[higher_is_better(metric)]
    return f"{metric_label(metric)}{where}{arrow}"


def span(seasons: list[str]) -> str:
    """Return seasons in words, such as `2014-15 to 2015-16, 2 seasons`."""
    n = len(seasons)
    return f"{min(seasons)} to {max(seasons)}, {n} seasons" if n > 1 else seasons[0]


def _with_list(table: pd.DataFrame) -> pd.DataFrame:
    lists = zip(table["as_of_point"], table["scope"], strict=True)
    return table.assign(list=[LIST_LABELS.get(one, ", ".join(one)) for one in lists])
