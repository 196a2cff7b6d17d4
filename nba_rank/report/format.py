"""Cells and tables as text, the same for Markdown, HTML and the console.

A table is a frame of plain text; only `markdown_table` and `console_table` escape it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from nba_rank.core import escape
from nba_rank.core.arrays import FloatArray
from nba_rank.core.metrics import METRICS
from nba_rank.evaluation.paired import SIGNIFICANT
from nba_rank.report.labels import (
    ABSENT,
    PLAYOFF_LABELS,
    POINT_LABELS,
    label,
    list_label,
    measure_label,
)

GAIN = "+±*"
"""Format of a difference: signed, with its interval, and with a star where it is significant."""

Column = tuple[str, str] | tuple[str, str, str]
"""Name of a column, its heading, and its format as in `cells`."""

_COMPOSED: dict[str, tuple[Callable[..., str], list[str]]] = {
    "list": (list_label, ["as_of_point", "scope"]),
    "measure": (measure_label, ["metric", "scope"]),
}
"""Columns for `pivot` that are made of others."""


def number(value: float | None, spec: str = ".3f") -> str:
    """Return a number by a format specification of Python, such as `+.3f` or `.0%`.

    NaN, infinity and None become `ABSENT`; what rounds to zero has no minus.
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    text = format(value, spec)
    return text if any(digit in text for digit in "123456789") else format(0.0, spec)


def summing(values: FloatArray, digits: int) -> list[float]:
    """Return numbers rounded so that they sum to their rounded sum.

    Those are rounded the other way that lie nearest to it (the method of largest remainders).
    """
    unit = 10.0**-digits
    steps = np.asarray(values, dtype=np.float64) / unit
    low = np.floor(steps)
    up = round(float(steps.sum())) - int(low.sum())
    low[np.argsort(low - steps, kind="stable")[:up]] += 1
    return [round(float(step) * unit, digits) for step in low]


def chance(value: float, digits: int = 0) -> str:
    """Return a probability as percents; `<1%` and `>99%` where it is not quite 0 or 1."""
    least = 10.0 ** -(2 + digits)
    if 0 < value < least:
        return f"<{least:.{digits}%}"
    if 1 - least < value < 1 - 1e-9:
        return f">{1 - least:.{digits}%}"
    return number(value, f".{digits}%")


def undecided(value: float, digits: int = 0) -> str:
    """Return the `chance` of what is not decided: never 0% and never 100%."""
    return chance(value if math.isnan(value) else min(max(value, 1e-6), 1 - 1e-6), digits)


def html_chance(value: float) -> str:
    """Return the same as HTML."""
    return undecided(value).replace("<", "&lt;").replace(">", "&gt;")


def heat(value: float, style: str = "") -> Markup:
    """Return a cell of HTML with an `undecided` chance, shaded in ten steps and sorted by value."""
    step = math.ceil(10 * min(value, 1.0)) if value >= 0.005 else 0
    shade = f" h{step}" if step else ""
    told = f'class="{style}{shade}" data-heat data-sort="{value:.6f}"'
    return Markup(f"<td {told}>{html_chance(value)}</td>")


def first_names(names: str, most: int) -> str:
    """Return the first names of a list with commas, and how many more there are."""
    each = names.split(", ")
    return ", ".join(each[:most]) + (f" +{len(each) - most}" if len(each) > most else "")


def with_interval(value: float, low: float, high: float, spec: str) -> str:
    """Return a number and its interval in brackets, unless it has none or its bounds are equal."""
    text, below, above = (number(one, spec) for one in (value, low, high))
    return text if below == above or ABSENT in (below, above) else f"{text} ({below} to {above})"


def cells(frame: pd.DataFrame, column: str, spec: str = "") -> list[str]:
    """Return a column as text.

    Args:
        frame: Rows.
        column: Name of the column.
        spec: `chance`, or a format of `number`; then `±` to add the interval in `low` and `high`,
            then `*` to add a star where the `verdict` is significant. A format of nothing or `+`
            prints a value to the digits of its `metric`, and without that column text as its label,
            truth values as yes or no, whole numbers with commas, others with three decimals.
    """
    values = frame[column]
    starred, spec = spec.endswith("*"), spec.removesuffix("*")
    interval, spec = spec.endswith("±"), spec.removesuffix("±")
    if spec == "chance":
        texts = [chance(value) for value in values]
    elif pd.api.types.is_bool_dtype(values):
        texts = ["yes" if value else "no" for value in values]
    elif pd.api.types.is_numeric_dtype(values):
        whole = pd.api.types.is_integer_dtype(values)
        specs = [spec or (",d" if whole else ".3f")] * len(frame)
        if spec in ("", "+") and "metric" in frame and not whole:
            specs = [f"{spec}.{METRICS[name].digits}f" for name in frame["metric"]]
        low, high = (frame[name] if interval else values for name in ("low", "high"))
        texts = [with_interval(*row) for row in zip(values, low, high, specs, strict=True)]
    else:
        texts = [label(column, value) for value in values]
    stars = frame["verdict"].isin(SIGNIFICANT) if starred else [False] * len(frame)
    return [text + "*" * star for text, star in zip(texts, stars, strict=True)]


def where(frame: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return the rows whose columns hold a value, such as `metric="spearman"`, or one of a list."""
    keep = np.ones(len(frame), dtype=bool)
    for column, value in wanted.items():
        keep &= frame[column].isin(value if isinstance(value, list | tuple) else [value]).to_numpy()
    return frame[keep]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame, each by column, as plain values of Python."""
    names = [str(name) for name in frame.columns]
    columns = (column.tolist() for _, column in frame.items())
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def table(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return some columns of a frame, in order, as text; columns that it lacks are left out."""
    shown = [column for column in columns if column[0] in frame]
    return pd.DataFrame({column[1]: cells(frame, column[0], *column[2:]) for column in shown})


def pivot(
    frame: pd.DataFrame,
    row: str | Sequence[str],
    column: str,
    value: str = "value",
    spec: str = "",
    heading: str = "",
) -> pd.DataFrame:
    """Return a tidy frame as a table of text with a line a `row` and a column a `column`.

    Args:
        frame: One row a cell.
        row: Column, or columns, that name a line. `list` stands for as-of point and scope together,
            `measure` for metric and scope, here as in `column`.
        column: Column that names a column; as-of points come in the order of the season, other
            names in that in which they first appear, as lines do.
        value: Column of the values.
        spec: As in `cells`.
        heading: Heading of the first column, by default the name of `row`.

    Raises:
        ValueError: Two rows belong into one cell.
    """
    rows = [row] if isinstance(row, str) else list(row)
    key = [*rows, column]
    for name, (words, parts) in _COMPOSED.items():
        if name in key:
            made = zip(*(frame[part] for part in parts), strict=True)
            frame = frame.assign(**{name: [words(*one) for one in made]})
    if frame.duplicated(key).any():
        raise ValueError(f"duplicate rows: {rows} and {column} must name one cell")
    lines: dict[tuple[object, ...], dict[object, str]] = {}
    keys = zip(*(frame[name] for name in rows), strict=True)
    for line, name, cell in zip(keys, frame[column], cells(frame, value, spec), strict=True):
        lines.setdefault(line, {})[name] = cell
    names = list(dict.fromkeys(frame[column]))
    if column == "as_of_point":
        names.sort(key=[*POINT_LABELS, *PLAYOFF_LABELS, *names].index)
    headings = [name.replace("_", " ") for name in rows]
    headings[0] = heading or headings[0]
    return pd.DataFrame(
        [
            [*map(label, rows, line), *(texts.get(name, ABSENT) for name in names)]
            for line, texts in lines.items()
        ],
        columns=[*headings, *(label(column, name) for name in names)],
    )


def leads(behind: pd.DataFrame) -> pd.DataFrame:
    """Return who leads by how much, a line a measure and a column a point.

    Args:
        behind: As in `nba_rank.evaluation.result.EvaluationResult`.
    """
    leads = zip(behind["reference"], cells(behind, "lead", "*"), strict=True)
    texts = [f"{label('reference', who)} {lead}" for who, lead in leads]
    return pivot(behind.assign(text=texts), "measure", "as_of_point", "text")


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
    """Return a table of text for the terminal, escaped; `styles` of `rich` by number of line."""
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


FILTERS = {
    function.__name__: function
    for function in (number, chance, where, table, pivot, leads, fewer_seasons, measure_label)
}
"""What templates may call."""
