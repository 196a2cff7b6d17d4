"""Figures of runs side by side, drawn off screen. Each function writes one PNG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nba_rank.core.metrics import higher_is_better
from nba_rank.core.names import STANDINGS
from nba_rank.evaluation.paired import MEAN, SIGNIFICANT
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, metric_label
from nba_rank.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    save,
    set_caption,
    set_title,
    spread_apart,
    style,
)

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
_DASHES = ("-", "--", "-.", ":")
_MARKERS = "osD^vP"
_Look = tuple[str, str, str]
"""Colour, dash and marker."""


def plot_by_point(means: pd.DataFrame, baseline: str, metric: str, path: Path) -> None:
    """Draw the mean of a metric over the season, a line a run, the standings in grey.

    Args:
        means: What `nba_rank.evaluation.paired.season_means` returns, the runs as rankers.
        baseline: Name of the run that differences are taken to.
        metric: The metric; all teams, and the playoff teams where it is known of them.
        path: PNG to write, 1200 pixels or wider.
    """
    rows = _at_points(means, metric)
    scopes, points = _in_order(rows["scope"], SCOPE_LABELS), _in_order(rows["as_of_point"])
    looks = _looks([run for run in rows["ranker"].unique() if run not in (baseline, STANDINGS)])
    looks |= {baseline: (INK, "-", "o"), STANDINGS: (GREY, "-", "")}
    with style():
        figure = Figure(figsize=(4.5 + 6 * len(scopes), 6.2), layout="constrained")
        for ax, scope in zip(
            figure.subplots(1, len(scopes), squeeze=False)[0], scopes, strict=True
        ):
            ends = {}
            for run, (colour, dash, marker) in looks.items():
                line = rows[(rows["scope"] == scope) & (rows["ranker"] == run)]
                values = line.set_index("as_of_point")["value"].reindex(points)
                if values.notna().any():
                    width = 2.6 if run in (baseline, STANDINGS) else 1.6
                    ax.plot(range(len(points)), values, color=colour, ls=dash, marker=marker,
                            ms=4, lw=width, zorder=2 if run == STANDINGS else 3)  # fmt: skip
                    ends[run] = float(values.dropna().iloc[-1])
            _axis_of_points(ax, points, scope)
            ax.set_ylabel(f"{metric_label(metric)}, mean over seasons")
            _name_ends(ax, ends, looks, baseline)
        better = "Higher" if higher_is_better(metric) else "Lower"
        set_title(figure, f"{better} is better: {metric_label(metric)} of each run over the season")
        set_caption(
            figure,
            f"Means over the {_seasons(rows)} that all runs were tested on. Differences to "
            f"{baseline} (bold) are paired in the next figure.",
        )
        save(figure, path)


def plot_differences(differences: pd.DataFrame, baseline: str, metric: str, path: Path) -> None:
    """Draw the paired differences of a metric to the baseline run, with their intervals.

    Args:
        differences: What `nba_rank.evaluation.paired.paired` returns.
        baseline: Name of the run that it takes differences to.
        metric: The metric; all teams, and the playoff teams where it is known of them.
        path: PNG to write, 1200 pixels or wider. Filled dots: significant.
    """
    rows = _at_points(differences, metric, also=MEAN)
    rows = rows[rows["ranker"] != STANDINGS]
    scopes, points = _in_order(rows["scope"], SCOPE_LABELS), _in_order(rows["as_of_point"])
    looks = _looks(rows["ranker"].unique().tolist())
    step = min(0.16, 0.8 / len(looks))
    with style():
        figure = Figure(figsize=(4 + 6.5 * len(scopes), 6.2), layout="constrained")
        for ax, scope in zip(
            figure.subplots(1, len(scopes), squeeze=False)[0], scopes, strict=True
        ):
            ax.axhline(0, color=INK, linewidth=1)
            for number, (run, (colour, _, marker)) in enumerate(looks.items()):
                part = rows[(rows["scope"] == scope) & (rows["ranker"] == run)]
                x = part["as_of_point"].map(points.index) + (number - (len(looks) - 1) / 2) * step
                ax.vlines(x, part["low"], part["high"], color=colour, lw=2)
                significant = part["verdict"].isin(SIGNIFICANT)
                for chosen, face in ((significant, colour), (~significant, "white")):
                    ax.plot(x[chosen], part.loc[chosen, "difference"], marker, ms=7,
                            color=colour, mfc=face, mew=1.8)  # fmt: skip
                ax.plot([], [], marker, ls="-", color=colour, mfc=colour, label=run)
            _axis_of_points(ax, points, scope)
            ax.set_ylabel(f"{metric_label(metric)}, run minus {baseline}")
        names, handles = ax.get_legend_handles_labels()[::-1]
        figure.legend(handles, names, loc="outside right center", frameon=False, fontsize=11)
        better = "Above" if higher_is_better(metric) else "Below"
        set_title(figure, f"{better} zero is better than {baseline}: {metric_label(metric)}")
        told = "Bars: 95% t intervals over seasons; filled where significant."
        if rows["low"].isna().all():
            told = "Too few seasons for intervals."
        set_caption(figure, f"Paired by season, {_seasons(rows)}. {told}")
        save(figure, path)


def _seasons(rows: pd.DataFrame) -> str:
    return f"{rows['n_seasons'].max()} seasons"


def _at_points(differences: pd.DataFrame, metric: str, also: str = "") -> pd.DataFrame:
    """Return a metric of all teams and of the playoff teams at the points of the season."""
    at_points = differences["as_of_point"].isin([*POINT_LABELS, also])
    chosen = (differences["metric"] == metric) & at_points
    return differences[chosen & differences["scope"].isin(["league", "playoff16"])]


def _in_order(names: pd.Series, known: Sequence[str] | dict[str, str] = ()) -> list[str]:
    present = set(names)
    return [name for name in known or [MEAN, *POINT_LABELS] if name in present]


def _looks(runs: Sequence[str]) -> dict[str, _Look]:
    """Return what tells runs apart; no two look alike among the first twenty."""
    return {
        run: (_COLOURS[i % 5], _DASHES[i // 5 % 4], _MARKERS[i % 6]) for i, run in enumerate(runs)
    }


def _axis_of_points(ax: Axes, points: Sequence[str], scope: str) -> None:
    ax.set_xticks(range(len(points)), [POINT_LABELS.get(point, point) for point in points])
    ax.set_xlim(-0.5, len(points) - 0.5)
    ax.set_xlabel("regular season played")
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_title(SCOPE_LABELS[scope][0].upper() + SCOPE_LABELS[scope][1:])


def _name_ends(
    ax: Axes, ends: dict[str, float], looks: dict[str, _Look], baseline: str
) -> None:  # fmt: skip
    """Write each run's name to the right of its line, moved apart where lines end together."""
    low, high = ax.get_ylim()
    last, edge = len(ax.get_xticks()) - 1, ax.get_xlim()[1]
    names = sorted(ends, key=lambda name: -ends[name])
    target = np.array([ends[name] for name in names])
    gap = min(0.05, 0.9 / len(names)) * (high - low)
    places = spread_apart(target, gap=gap, low=low, high=high)
    for name, y, place in zip(names, target, places, strict=True):
        colour, dash, _ = looks[name]
        ax.plot([last + 0.06, edge - 0.1], [y, place], color=colour, lw=1, ls=dash, clip_on=False)
        ax.text(edge - 0.05, place, name, color=colour, va="center", fontsize=11,
                fontweight="bold" if name == baseline else "normal")  # fmt: skip
    ax.set(xlim=(-0.5, edge), ylim=(low, high))
