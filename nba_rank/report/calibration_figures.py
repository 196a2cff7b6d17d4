"""Figures of the calibration of probabilities, drawn off screen."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from nba_rank.report.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    save,
    set_caption,
    set_title,
    style,
)

_COLUMNS = 3
_PANEL_INCHES = 4.2
_LEAST_INCHES = 6.4
_LARGEST_AREA, _SMALLEST_AREA = 95.0, 12.0
_TICKS = {0.05: 0.01, 0.1: 0.02, 0.2: 0.05, 0.3: 0.1, 0.4: 0.1, 0.6: 0.2, 0.8: 0.2, 1.0: 0.25}
"""Ends that the axes may have, and the step of their ticks: a rare event is seen up close."""

_CAPTION = (
    "On the line: it happened as often as forecast. Area of a point: forecasts in its bin. Bars: "
    "95% intervals (Wilson), which take outcomes as independent. Orange diamond: the interval "
    "misses the line."
)


def plot_reliability(tables: Mapping[str, pd.DataFrame], path: Path, title: str) -> None:
    """Draw how often events happened against how likely they were called, a panel a table.

    Args:
        tables: What `nba_rank.evaluation.calibration.reliability_table` returns, by the words over
            its panel, such as an event or a variant; at least one.
        path: PNG to write, about 500 pixels wide a panel, three panels a row. Axes end early in
            the panel of an event that is rare throughout.
        title: Title of the figure.

    Raises:
        ValueError: There is no table, or one has no bin.
    """
    empty = [label for label, table in tables.items() if table.empty]
    if not tables or empty:
        raise ValueError(f"no bins to draw{f' for {empty}' if empty else ''}")
    n_columns = min(_COLUMNS, len(tables))
    n_rows = -(-len(tables) // n_columns)
    width = max(_PANEL_INCHES * n_columns, _LEAST_INCHES)
    height = 1.2 + (width / n_columns - 0.15) * n_rows
    with style():
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(n_rows, n_columns, squeeze=False)
        for ax in axes.flat[len(tables) :]:
            ax.set_axis_off()
        for ax, (label, table) in zip(axes.flat, tables.items(), strict=False):
            _draw_panel(ax, table, label)
        for ax in axes[:, 0]:
            ax.set_ylabel("frequency with which it happened")
        for number in range(max(0, len(tables) - n_columns), len(tables)):
            axes.flat[number].set_xlabel("probability forecast")
        set_title(figure, fill(title, int(6.5 * width)))
        set_caption(figure, fill(_CAPTION, int(12.8 * width)))
        save(figure, path)


def _draw_panel(ax: Axes, table: pd.DataFrame, label: str) -> None:
    """Draw the bins of one table around the diagonal."""
    top = table[["mean_p", "high"]].to_numpy().max()
    limit = next((end for end in _TICKS if end >= top), 1.0)
    ax.plot([0, limit], [0, limit], color=GREY, lw=1.2, zorder=1)
    # Bounds are rounded: an interval that ends at 0 or 1 holds a forecast of 0 or 1.
    off = (table["mean_p"] < table["low"] - 1e-9) | (table["mean_p"] > table["high"] + 1e-9)
    area = np.maximum(_LARGEST_AREA * table["count"] / table["count"].max(), _SMALLEST_AREA)
    for some, colour, marker in ((~off, BLUE, "o"), (off, ORANGE, "D")):
        bins = table[some]
        ax.vlines(bins["mean_p"], bins["low"], bins["high"], color=colour, lw=1.8, zorder=2)
        ax.scatter(
            bins["mean_p"], bins["frequency"], s=area[some], color=colour, marker=marker,
            edgecolor="white", linewidth=0.9, zorder=3,
        )  # fmt: skip
    margin = 0.035 * limit
    ax.set(xlim=(-margin, limit + margin), ylim=(-margin, limit + margin))
    ax.set_box_aspect(1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MultipleLocator(_TICKS[limit]))
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.tick_params(labelsize=10.5, color=GREY)
    ax.grid(color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_title(label, fontsize=13)
    ax.text(
        0.03, 0.975, _counts(table), transform=ax.transAxes, ha="left", va="top", fontsize=10.5,
        color=INK, zorder=1.5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85},
    )  # fmt: skip


def _counts(table: pd.DataFrame) -> str:
    """Say how many forecasts there are, how the bins share them, and how many came true."""
    count = table["count"]
    share = float(np.average(table["frequency"], weights=count))
    low, high = count.min(), count.max()
    each = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    bins = f"{len(table)} bins of {each}" if len(table) > 1 else "1 bin"
    return f"{count.sum():,} forecasts\n{bins}\n{share:.{0 if share >= 0.1 else 1}%} happened"
