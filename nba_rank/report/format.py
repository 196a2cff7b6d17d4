"""Cells and tables as text, the same for Markdown, HTML and the console.

A table is a frame of plain text; only `markdown_table` and `console_table` escape it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from nba_rank.core import escape
from nba_rank.core.metrics import METRICS
from nba_rank.evaluation.paired import SIGNIFICANT
from nba_rank.report.labels import ABSENT, LIST_LABELS, POINT_LABELS, label, measure_label

WITH_INTERVAL = "±"
"""End of a column's format that adds its interval from the columns `low` and `high`."""

Column = tuple[str, str] | tuple[str, str, str]
"""Name of a column, its heading, and its format as in `cells`."""


def formatted(value: float | None, spec: str) -> str:
    """Return a number by a format specification of Python, such as `+.3f` or `.0%`.

    NaN, infinity and None become `ABSENT`; what rounds to zero has no minus.
    """
    if value is None or not np.isfinite(value):
        return ABSENT
    text = format(value, spec)
    return text if any(digit in text for digit in "123456789") else format(0.0, spec)


def number(value: float, digits: int = 3) -> str:
    """Return a number with fixed decimals, or `ABSENT`."""
    return formatted(value, f".{digits}f")


def signed(value: float, digits: int = 3) -> str:
    """Return a number with its sign, or `ABSENT`; what rounds to zero has a plus."""
    return formatted(value, f"+.{digits}f")


def percent(value: float, digits: int = 0) -> str:
    """Return a share (0 to 1) as percents, or `ABSENT`."""
    return formatted(value, f".{digits}%")


def chance(value: float) -> str:
    """Return a probability as whole percents; `<1%` and `>99%` where it is not quite 0 or 1."""
    if 0 < value < 0.01:
        return "<1%"
    if 0.99 < value < 1 - 1e-9:
        return ">99%"
    return percent(value)


def with_interval(value: float, low: float, high: float, spec: str) -> str:
    """Return a number and its interval in brackets, unless it has none or its bounds are equal."""
    text, below, above = (formatted(one, spec) for one in (value, low, high))
    return text if below == above or ABSENT in (below, above) else f"{text} ({below} to {above})"


def cells(frame: pd.DataFrame, column: str, spec: str = "") -> list[str]:
    """Return a column as text.

    Args:
        frame: Rows.
        column: Name of the column.
        spec: As in `formatted`, with `WITH_INTERVAL` at its end to add the interval; or `chance`.
            Without it text becomes its label, a truth value yes or no, a whole number gets commas
            and any other number three decimals.
    """
    values = frame[column]
    if spec == "chance":
        return [chance(value) for value in values]
    if spec.endswith(WITH_INTERVAL):
        spec, rows = spec[:-1], zip(values, frame["low"], frame["high"], strict=True)
        return [with_interval(*row, spec) for row in rows]
    if not spec and pd.api.types.is_bool_dtype(values):
        return ["yes" if value else "no" for value in values]
    if not spec and pd.api.types.is_numeric_dtype(values):
        spec = ",d" if pd.api.types.is_integer_dtype(values) else ".3f"
    return [formatted(value, spec) if spec else label(column, value) for value in values]


def where(frame: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return the rows whose columns hold a value, such as `metric="spearman"`, or one of a list."""
    keep = np.ones(len(frame), dtype=bool)
    for column, value in wanted.items():
        keep &= frame[column].isin(value if isinstance(value, list | tuple) else [value]).to_numpy()
    return frame[keep]


def table(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return some columns of a frame, in order, as text; columns that it lacks are left out."""
    shown = [column for column in columns if column[0] in frame]
    return pd.DataFrame({column[1]: cells(frame, column[0], *column[2:]) for column in shown})


def pivot(
    frame: pd.DataFrame,
    row: str | Sequence[str],
    column: str,
    value: str = "value",
    spec: str = ".3f",
    heading: str = "",
) -> pd.DataFrame:
    """Return a tidy frame as a table of text with a line a `row` and a column a `column`.

    Args:
        frame: One row a cell.
        row: Column, or columns, that name a line.
        column: Column that names a column; as-of points come in the order of the season, other
            names in that in which they first appear, as lines do.
        value: Column of the values.
        spec: As in `cells`.
        heading: Heading of the first column, by default the name of `row`.

    Raises:
        ValueError: Two rows belong into one cell.
    """
    rows = [row] if isinstance(row, str) else list(row)
    if frame.duplicated([*rows, column]).any():
        raise ValueError(f"duplicate rows: {rows} and {column} must name one cell")
    lines: dict[tuple[object, ...], dict[object, str]] = {}
    keys = zip(*(frame[name] for name in rows), strict=True)
    for key, name, cell in zip(keys, frame[column], cells(frame, value, spec), strict=True):
        lines.setdefault(key, {})[name] = cell
    names = list(dict.fromkeys(frame[column]))
    if column == "as_of_point":
        names.sort(key=[*POINT_LABELS, *names].index)
    headings = [name.replace("_", " ") for name in rows]
    headings[0] = heading or headings[0]
    return pd.DataFrame(
        [
            [*map(label, rows, key), *(line.get(name, ABSENT) for name in names)]
            for key, line in lines.items()
        ],
        columns=[*headings, *(label(column, name) for name in names)],
    )


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
        table: One row a cell, with its `metric`, to whose digits values are rounded.
        row: Column that names a line.
        column: Column that names a column; `list` stands for as-of point and scope together.
        heading: Heading of the first column.
        value: Column of the values.
        intervals: Whether to show the intervals in `low` and `high`.
    """
    return _pivoted(table, row, column, heading, _rounded(table, value, "", intervals=intervals))


def differences(
    table: pd.DataFrame, row: str, column: str, heading: str = "", *, intervals: bool = True
) -> pd.DataFrame:
    """Return what `nba_rank.evaluation.paired.paired` found likewise; a star: significant."""
    texts = _rounded(table, "difference", "+", intervals=intervals)
    return _pivoted(table, row, column, heading, _starred(texts, table))


def leads(behind: pd.DataFrame) -> pd.DataFrame:
    """Return who leads by how much, a line a measure and a column a point.

    Args:
        behind: What `nba_rank.evaluation.result.behind` returns.
    """
    leads = zip(behind["reference"], _rounded(behind, "lead", ""), strict=True)
    texts = [f"{label('reference', who)} {lead}" for who, lead in leads]
    measures = [measure_label(*one) for one in zip(behind["metric"], behind["scope"], strict=True)]
    table = behind.assign(measure=measures)
    return _pivoted(table, "measure", "as_of_point", "", _starred(texts, behind))


def fewer_seasons(means: pd.DataFrame) -> str:
    """Name the rankers of which there are fewer seasons than of others, such as `Elo (2 of 9)`."""
    counts = means.groupby("ranker", sort=False)["n_seasons"].max()
    most = counts.max()
    return ", ".join(
        f"{label('ranker', name)} ({n} of {most})" for name, n in counts.items() if n < most
    )


def markdown_table(texts: pd.DataFrame) -> Markup:
    """Return a table of text as Markdown, escaped: nothing where there are no rows."""
    if texts.empty:
        return Markup()
    rule = ["---"] + ["---:"] * (texts.shape[1] - 1)
    header, *body = (
        [escape.markdown(str(cell)) for cell in line]
        for line in [list(texts.columns), *texts.to_numpy().tolist()]
    )
    return Markup("\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *body]))


def console_table(
    texts: pd.DataFrame, title: str = "", styles: Mapping[int, str] | None = None
) -> Table:
    """Return a table of text for the terminal, escaped.

    Args:
        texts: The table.
        title: What is written above it.
        styles: Styles of `rich` by number of the line.
    """
    shown = Table(title=escape.terminal(title) or None, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, heading in enumerate(texts.columns):
        shown.add_column(
            escape.terminal(str(heading)), justify="right" if place else "left", no_wrap=True
        )
    for place, line in enumerate(texts.to_numpy().tolist()):
        style = (styles or {}).get(place)
        shown.add_row(*(escape.terminal(str(cell)) for cell in line), style=style)
    return shown


def width_of(table: Table, console: Console) -> int:
    """Return the columns of a terminal that a table needs so that no cell is cut."""
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum


def print_table(table: Table, console: Console) -> None:
    """Print a table whole; a terminal that is too narrow wraps its lines."""
    table.width = width_of(table, console)
    console.print(table, crop=False, soft_wrap=True)


def _rounded(table: pd.DataFrame, value: str, sign: str, *, intervals: bool = False) -> list[str]:
    """Return a column as text, each value to the digits of its metric."""
    low, high = (table[name] if intervals else [np.nan] * len(table) for name in ("low", "high"))
    rows = zip(table["metric"], table[value], low, high, strict=True)
    return [
        with_interval(one, below, above, f"{sign}.{METRICS[metric].digits}f")
        for metric, one, below, above in rows
    ]


def _starred(texts: list[str], table: pd.DataFrame) -> list[str]:
    stars = table["verdict"].isin(SIGNIFICANT)
    return [text + "*" * star for text, star in zip(texts, stars, strict=True)]


def _pivoted(
    table: pd.DataFrame, row: str, column: str, heading: str, texts: list[str]
) -> pd.DataFrame:
    lists = zip(table["as_of_point"], table["scope"], strict=True)
    names = [LIST_LABELS.get(one, ", ".join(one)) for one in lists]
    return pivot(table.assign(list=names, cell=texts), row, column, "cell", "", heading)


FILTERS = {
    function.__name__: function
    for function in (
        number, signed, percent, chance, where, table, pivot, values, differences, leads,
        fewer_seasons,
    )
}  # fmt: skip
"""What templates may call."""
