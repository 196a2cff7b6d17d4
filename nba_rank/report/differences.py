"""Values and paired differences as tables of text, each to the digits of its metric."""

import numpy as np
import pandas as pd

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.evaluation.paired import MEAN, SIGNIFICANT
from nba_rank.report.format import number, pivot, with_interval
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, metric_label

LIST_LABELS = {
    (MEAN, "league"): "mean",
    **{(point, "league"): label for point, label in POINT_LABELS.items()},
    ("end", "playoff16"): "inside the 16",
}
"""Words for lists of teams, as-of point and scope, in order."""


def values(
    table: pd.DataFrame, row: str, column: str, heading: str = "", value: str = "value"
) -> pd.DataFrame:
    """Return a table of text with a line a `row` and a column a `column`.

    Args:
        table: One row a cell, with its `metric`.
        row: Column that names a line.
        column: Column that names a column; `list` stands for as-of point and scope together.
        heading: Heading of the first column.
        value: Column of the values.
    """
    pairs = zip(table["metric"], table[value], strict=True)
    cells = [number(one, METRICS[metric].digits) for metric, one in pairs]
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


def measure_label(metric: str, scope: str) -> str:
    """Return the words for a metric of some teams, with an arrow to where it is better."""
    where = "" if scope == "league" else f", {SCOPE_LABELS.get(scope, scope)}"
    arrow = {True: " ↑", False: " ↓", None: ""}[higher_is_better(metric)]
    words = METRICS[metric].words if metric in METRICS else metric_label(metric)
    return f"{words}{where}{arrow}"


def span(seasons: list[str]) -> str:
    """Return seasons in words, such as `2014-15 to 2015-16, 2 seasons`."""
    n = len(seasons)
    return f"{min(seasons)} to {max(seasons)}, {n} seasons" if n > 1 else seasons[0]


def _with_list(table: pd.DataFrame) -> pd.DataFrame:
    lists = zip(table["as_of_point"], table["scope"], strict=True)
    return table.assign(list=[LIST_LABELS.get(one, ", ".join(one)) for one in lists])
