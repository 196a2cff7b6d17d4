"""Gains by list of teams, for people: what all ablations say in words and tables.

Every function takes what `nba_rank.evaluation.ablations.paired_gains` returns.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from nba_rank.evaluation.ablations import MEAN
from nba_rank.report.labels import POINT_LABELS
from nba_rank.report.text import markdown_table

LIST_LABELS = {
    (MEAN, "league"): "mean",
    **{(point, "league"): label for point, label in POINT_LABELS.items()},
    ("end", "playoff16"): "inside the 16",
}
"""Words for the lists of `nba_rank.evaluation.ablations.LISTS`, in order."""


def labelled(gains: pd.DataFrame) -> pd.DataFrame:
    """Return the gains with the words for each list in `label`."""
    lists = zip(gains["as_of_point"], gains["scope"], strict=True)
    return gains.assign(label=[LIST_LABELS[one] for one in lists])


def gain_table(
    gains: pd.DataFrame, first: str, extra: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """Return the gains with their intervals as Markdown, a row a part and a column a list.

    Args:
        gains: The gains.
        first: Heading of the column of the parts.
        extra: Further columns by heading: text by part.
    """
    columns = ("gain", "gain_low", "gain_high")
    cells = map(_with_interval, *(gains[column] for column in columns))
    return table(gains.assign(cell=[*cells]), first, extra)


def table(
    rows: pd.DataFrame, first: str, extra: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """Return the texts in `cell` as Markdown, a row a part and a column a list."""
    rows = labelled(rows)
    wide = rows.pivot(index="part", columns="label", values="cell")  # noqa: PD010
    wide = wide.reindex(index=rows["part"].unique(), columns=lists_of(rows))
    wide = wide.rename_axis(index=first).reset_index()
    return markdown_table(
        wide.assign(**{name: wide[first].map(texts) for name, texts in (extra or {}).items()})
    )


def print_gains(console: Console, gains: pd.DataFrame, first: str, title: str) -> None:
    """Print the gains by list; a gain is bold where its interval excludes zero."""
    shown = Table(title=title, box=box.SIMPLE_HEAD, padding=0)
    shown.add_column(first, no_wrap=True)
    for label in lists_of(labelled(gains)):
        shown.add_column(label, justify="right", min_width=max(map(len, label.split())))
    for part, rows in gains.groupby("part", sort=False):
        cells = [
            f"[bold]{short(gain)}[/]" if firm else short(gain)
            for gain, firm in zip(rows["gain"], rows["firm"], strict=True)
        ]
        shown.add_row(str(part), *cells)
    console.print(shown)


def lists_of(rows: pd.DataFrame) -> list[str]:
    """Return the labels of the lists that labelled rows hold, in order."""
    present = set(rows["label"])
    return [label for label in LIST_LABELS.values() if label in present]


def signed(value: float) -> str:
    """Return a number with its sign; what rounds to zero reads +0.000."""
    return f"{round(value, 3) + 0.0:+.3f}"


def short(value: float) -> str:
    """Return a number below one with its sign and without its zero, such as +.012."""
    return signed(value).replace("0.", ".", 1)


def span(rows: pd.DataFrame) -> str:
    """Return the gains of one part as words, from the lowest to the highest."""
    rows = labelled(rows)
    gain, label = rows["gain"].to_numpy(), rows["label"].to_numpy()
    low, high = (f"{signed(gain[i])} ({label[i]})" for i in (gain.argmin(), gain.argmax()))
    return low if len(rows) == 1 else f"from {low} to {high}"


def at_lists(rows: pd.DataFrame, of: Callable[[float], str]) -> str:
    """Return the gains of one part as words, one by one."""
    rows = labelled(rows)
    return ", ".join(
        f"{of(gain)} ({label})" for gain, label in zip(rows["gain"], rows["label"], strict=True)
    )


def tested(seasons_: list[str]) -> str:
    """Return the test seasons in words."""
    n, first, last = len(seasons_), seasons_[0], seasons_[-1]
    return f"{n} test seasons, {first} to {last}" if n > 1 else f"1 test season, {first}"


def by_chance(gains: pd.DataFrame) -> str | None:
    """Say how many intervals would exclude zero by chance; None where there are none."""
    n_intervals = int(gains["gain_low"].notna().sum())
    if not n_intervals:
        return None
    return (
        "Intervals are 95% percentile bootstrap over seasons, and with few seasons somewhat too "
        f"narrow. Of {n_intervals} intervals {0.05 * n_intervals:.0f} or more would exclude zero "
        "by chance alone: believe a part where neighbouring points agree."
    )


def _with_interval(gain: float, low: float, high: float) -> str:
    interval = "" if np.isnan(low) else f" ({signed(low)} to {signed(high)})"
    return f"{signed(gain)}{interval}"
