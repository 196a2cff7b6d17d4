"""Figures of forecasts: ranks and outcomes, the title race, and how often forecasts come true."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from nba_rank.data.league import EAST, WEST
from nba_rank.evaluation.predictions import verdict
from nba_rank.report.format import chance
from nba_rank.report.labels import ABSENT
from nba_rank.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    Look,
    draw_together,
    look,
    name_ends,
    panels,
)

RACERS = 8
"""Teams whose title odds are drawn with a name."""

OTHERS = (
    *(Look(colour, 1.7) for colour in (ORANGE, GREEN, PURPLE, SKY)),
    *(Look(colour, 1.7, "--") for colour in (INK, ORANGE, GREEN, PURPLE)),
)
_VERDICTS = {"aligned": INK, "over-ranked": ORANGE, "under-ranked": BLUE}
_PHRASES = {"0.25": "25% into the season", "end": "at the end of the regular season"}
_APART = 18  # places from a conference or a point to the next

_LARGEST_AREA, _SMALLEST_AREA = 95.0, 12.0
_TICKS = {0.05: 0.01, 0.1: 0.02, 0.2: 0.05, 0.3: 0.1, 0.4: 0.1, 0.6: 0.2, 0.8: 0.2, 1.0: 0.25}
"""Ends that the axes of a reliability diagram may have, and the steps of their ticks."""


@look
def plot_predicted_vs_actual(predictions: pd.DataFrame, title: str, tolerance: int = 3) -> Figure:
    """Draw each team's predicted rank against its actual one, by conference and point.

    Args:
        predictions: Of one season: columns `as_of_point`, `conference`, `team`,
            `conference_rank` and `actual_conference_rank` (1 is best). A quarter into the season
            and its end are drawn, as far as there are such rows.
        title: Title of the figure.
        tolerance: Places that a rank may be off and still count as aligned.
    """
    points = [point for point in _PHRASES if (predictions["as_of_point"] == point).any()]
    caption = f"On the line: ranked as it finished. Grey: within {tolerance} places."
    size = (11.4, 0.3 * (_APART * len(points) - 1))
    figure, axes = panels(title, caption, size, left=0.6, bottom=0.55, top=0)
    # One panel for all: each further one takes as long as its thirty names.
    ax = axes.item()
    for (row, point), (column, conference) in product(enumerate(points), enumerate((EAST, WEST))):
        at = (predictions["as_of_point"] == point) & (predictions["conference"] == conference)
        x, y = _APART * column, _APART * row
        _draw_ranks(ax, predictions[at], x, y, tolerance)
        ax.text(x, y, f"{conference}, {_PHRASES[point]}", fontsize=14, fontweight="bold")
    ranks = [1, 5, 10, 15]
    for axis, n, of in ((ax.xaxis, 2, "actual"), (ax.yaxis, len(points), "predicted")):
        axis.set_ticks(np.add.outer(np.arange(n) * _APART, ranks).ravel(), ranks * n)
        axis.set_label_text(f"{of} rank in the conference")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlim=(0, 2 * _APART - 2), ylim=(_APART * len(points) - 2, -1))
    return figure


def _draw_ranks(ax: Axes, teams: pd.DataFrame, x: int, y: int, tolerance: int) -> None:
    actual, rank = teams["actual_conference_rank"], teams["conference_rank"]
    first, last = 0.5, len(teams) + 0.5
    bends = np.array([first, first + tolerance, last - tolerance, last])
    low, high = (np.clip(bends + shift, first, last) for shift in (-tolerance, tolerance))
    ax.fill_between(x + bends, y + low, y + high, color=PALE, alpha=0.45, lw=0)
    ax.plot([x + first, x + last], [y + first, y + last], color="white", linewidth=2)
    kinds = verdict(rank, actual, tolerance)
    for place, ranked, name, kind in zip(actual, rank, teams["team"], kinds, strict=True):
        weight = "normal" if kind == "aligned" else "bold"
        ax.text(x + place, y + ranked, name, ha="center", va="center", fontsize=11,
                fontweight=weight, color=_VERDICTS[kind])  # fmt: skip
    ax.text(x + last, y + first, "over-ranked", color=ORANGE, ha="right", va="top", fontsize=11)
    ax.text(x + first, y + last, "under-ranked", color=BLUE, fontsize=11)


@look
def plot_title_odds(
    odds: pd.DataFrame,
    title: str,
    champion: str | None = None,
    playoffs_begin: pd.Timestamp | None = None,
) -> Figure:
    """Draw the race for the title over a season, a line a team.

    Args:
        odds: Of one season: columns `as_of_date`, `team` (abbreviation) and `title_prob` (0 to 1).
        title: Title of the figure. The `RACERS` teams whose odds were the highest at any time have
            a name and a colour, and so has the champion; all others are thin.
        champion: Abbreviation of the champion, whose line is bold; None while unknown.
        playoffs_begin: Morning after the regular season, marked if there are dates after it.
    """
    wide = odds.pivot(index="as_of_date", columns="team", values="title_prob")  # noqa: PD010
    named = wide.max().sort_values(ascending=False, kind="stable").index[:RACERS].tolist()
    first = [] if champion is None else [champion]
    plain = [team for team in named if team != champion]
    best = Look(BLUE, 3.4, bold=True) if first else Look(BLUE, 1.7)
    looks = dict(zip([*first, *plain], [best, *OTHERS], strict=False))
    rest = [team for team in wide if team not in looks]
    dates = wide.index
    caption = f"Thin: the other {len(rest)} teams. " if rest else ""
    caption += f"On the right: odds on {dates[-1]:%B %-d, %Y}."
    if first:
        caption = f"Bold: {champion}, the later champion. {caption}"
    figure, axes = panels(title, caption, (10, 5.8), right=1.35, bottom=0.4, top=0.1)
    ax = axes.item()
    draw_together(ax, wide[rest], color="#C8C8C8", lw=1, zorder=1)
    for team, style in looks.items():
        style._replace(marker="o" if len(wide) == 1 else "").draw(ax, dates, wide[team])
    top = 1.06 * wide.to_numpy().max()
    before = pd.Timedelta(days=0 if len(wide) > 1 else 7)
    ax.set(ylim=(-0.015 * top, top), xlim=(dates[0] - before, dates[-1]))
    ax.grid(axis="y")
    if playoffs_begin is not None and playoffs_begin < dates[-1]:
        begin = float(date2num(playoffs_begin))
        ax.axvline(begin, color=GREY, lw=1, ls=":", zorder=1)
        ax.annotate("playoffs begin", (begin, top), xytext=(-6, -4), ha="right", va="top",
                    textcoords="offset points", fontsize=11, color=GREY)  # fmt: skip
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    locator = AutoDateLocator(minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.set_ylabel("odds of winning the title")
    ends = wide.iloc[-1]
    texts = {team: ABSENT if ends[team] < 0.0005 else chance(ends[team]) for team in looks}
    name_ends(ax, {f"{team}  {texts[team]}": (ends[team], style) for team, style in looks.items()})
    return figure


@look
def plot_reliability(
    tables: Mapping[str, pd.DataFrame], title: str, *, same_axes: bool = False
) -> Figure:
    """Draw how often events happened against how likely they were called, a panel a table.

    Args:
        tables: What `nba_rank.evaluation.calibration.reliability_table` returns, by the title of
            its panel; at least one. Axes end early in the panel of an event that is rare.
        title: Title of the figure.
        same_axes: Whether the axes of all panels end alike, as for forecasts of the same event.
    """
    caption = (
        "On the line: it happened as often as forecast. Area of a point: forecasts in its bin. "
        "Bars: 95% intervals (Wilson), which take outcomes as independent. Orange diamond: the "
        "interval misses the line."
    )
    n, columns = len(tables), min(3, len(tables))
    side, shape = (3.4 if columns > 1 else 5.2), (-(-n // columns), columns)
    figure, axes = panels(title, caption, (side, side), shape, left=0.85)
    for ax in axes.flat[n:]:
        ax.remove()
    tops = {name: _end_of_axes(table) for name, table in tables.items()}
    for ax, (name, table) in zip(axes.flat, tables.items(), strict=False):
        _draw_reliability(ax, table, max(tops.values()) if same_axes else tops[name])
        ax.set_title(name, fontsize=13)
    for ax in axes[:, 0]:
        ax.set_ylabel("frequency with which it happened")
    for ax in axes.flat[max(0, n - columns) : n]:
        ax.set_xlabel("probability forecast")
    return figure


def _end_of_axes(table: pd.DataFrame) -> float:
    top = table[["mean_p", "high"]].to_numpy().max()
    return next((end for end in _TICKS if end >= top), 1.0)


def _draw_reliability(ax: Axes, table: pd.DataFrame, limit: float) -> None:
    """Draw the bins of one table around the diagonal, on axes from 0 to a limit."""
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
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MultipleLocator(_TICKS[limit]))
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.tick_params(labelsize=10.5, color=GREY)
    ax.grid()
    ax.text(
        0.03, 0.975, _counts(table), transform=ax.transAxes, va="top", fontsize=10.5, zorder=1.5,
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
