"""Cells and tables as text, the same for Markdown, HTML and the console.

A table is made as a frame of text, a heading a column; `markdown_table` and `console_table` write
it. Escaping happens there and only there: cells hold plain text.
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
from nba_rank.report.labels import LABELS, POINT_LABELS

ABSENT = "–"  # noqa: RUF001
"""What stands for a value that is not there: not measured, or undefined."""

WITH_INTERVAL = "±"
"""End of a column's format that adds its interval from the columns `low` and `high`."""

Column = tuple[str, str] | tuple[str, str, str]
"""Name of a column, its heading, and its format as `formatted` takes it."""


def formatted(value: float | None, spec: str) -> str:
    """Return a number by a format specification of Python, such as `+.3f` or `.0%`.

    Not a number, infinite and None become `ABSENT`; what rounds to zero has no minus.
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
    if 0.99 < value < 1:
        return ">99%"
    return percent(value)


def interval(low: float, high: float, digits: int = 3, *, sign: bool = True) -> str:
    """Return an interval such as `-0.010 to +0.020`, or `ABSENT` without its bounds."""
    write = signed if sign else number
    if not np.isfinite([low, high]).all():
        return ABSENT
    return f"{write(low, digits)} to {write(high, digits)}"


def with_interval(
    value: float, low: float, high: float, digits: int = 3, *, sign: bool = True
) -> str:
    """Return a value and, where it has one, its interval in brackets."""
    write = signed if sign else number
    bounds = interval(low, high, digits, sign=sign)
    # What is the same in every season has no interval to tell.
    alone = bounds == ABSENT or write(low, digits) == write(high, digits)
    return write(value, digits) if alone else f"{write(value, digits)} ({bounds})"


def label(column: str, value: object) -> str:
    """Return the words for a name in a column such as `ranker`, or the name where it has none."""
    if value is None or value != value:
        return ABSENT
    return LABELS.get(column, {}).get(str(value), str(value))


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
        spec = spec.removesuffix(WITH_INTERVAL)
        bounds = zip(*(cells(frame, name, spec) for name in (column, "low", "high")), strict=True)
        return [
            value if low == high or ABSENT in (low, high) else f"{value} ({low} to {high})"
            for value, low, high in bounds
        ]
    if spec:
        return [formatted(value, spec) for value in values]
    if pd.api.types.is_bool_dtype(values):
        return ["yes" if value else "no" for value in values]
    if pd.api.types.is_integer_dtype(values):
        return [formatted(value, ",d") for value in values]
    if pd.api.types.is_float_dtype(values):
        return [number(value) for value in values]
    if pd.api.types.is_datetime64_any_dtype(values):
        return [ABSENT if pd.isna(day) else f"{day:%Y-%m-%d}" for day in values]
    return [label(column, value) for value in values]


def where(frame: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return the rows whose columns hold a value, such as `metric="spearman"`, or one of a list."""
    keep = np.ones(len(frame), dtype=bool)
    for column, value in wanted.items():
        one_of = list(value) if isinstance(value, list | tuple) else [value]
        keep &= frame[column].isin(one_of).to_numpy()
    return frame[keep]


def table(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return some columns of a frame as a table of text.

    Args:
        frame: Rows.
        columns: What to show, in order; columns that the frame lacks are left out.
    """
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
    texts = frame[[*rows, column]].assign(cell=cells(frame, value, spec))
    wide = texts.pivot(index=rows, columns=column, values="cell")  # noqa: PD010
    names = list(dict.fromkeys(frame[column]))
    if column == "as_of_point":
        names.sort(key=[*POINT_LABELS, *names].index)
    lines = pd.MultiIndex.from_frame(frame[rows].drop_duplicates())
    wide = wide.reindex(index=lines if len(rows) > 1 else lines.get_level_values(0))
    wide = wide.reindex(columns=names).fillna(ABSENT)
    first = pd.DataFrame({
        (heading or name.replace("_", " ")) if place == 0 else name.replace("_", " "): [
            label(name, value) for value in wide.index.get_level_values(place)
        ]
        for place, name in enumerate(rows)
    })  # fmt: skip
    wide.columns = pd.Index([label(column, name) for name in names])
    return first.join(wide.reset_index(drop=True))


def markdown_table(texts: pd.DataFrame) -> Markup:
    """Return a table of text as Markdown, escaped; first column to the left, others to the right.

    Returns:
        Nothing where there are no rows.
    """
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
    """Return a table of text for the terminal, escaped; no cell is cut.

    Args:
        texts: The table.
        title: What stands above it.
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
