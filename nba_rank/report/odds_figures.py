"""Figures of probabilities: the title race, how far teams go, and how often forecasts come true."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator, PercentFormatter

from nba_rank.data.outcomes import EVENTS, FINISHES
from nba_rank.report.format import chance
from nba_rank.report.labels import ABSENT
from nba_rank.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    Look,
    draw_together,
    name_ends,
    panels,
)

RACERS = 8
"""Teams whose title odds are drawn with a name."""

_OTHERS = (
    *(Look(colour, 1.7) for colour in (ORANGE, GREEN, PURPLE, SKY)),
    *(Look(colour, 1.7, "--") for colour in (INK, ORANGE, GREEN, PURPLE)),
)
_COLUMNS = {
    "playoff_prob": "Make the\nplayoffs",
    "round_1_prob": "Win\nround 1",
    "round_2_prob": "Win\nround 2",
    "finals_prob": "Reach the\nFinals",
    "title_prob": "Win the\ntitle",
}
_SHADES = LinearSegmentedColormap.from_list("odds", ["#FFFFFF", "#CFE3F2", "#6BAED6", BLUE])

_LARGEST_AREA, _SMALLEST_AREA = 95.0, 12.0
_TICKS = {0.05: 0.01, 0.1: 0.02, 0.2: 0.05, 0.3: 0.1, 0.4: 0.1, 0.6: 0.2, 0.8: 0.2, 1.0: 0.25}
"""Ends that the axes of a reliability diagram may have, and the steps of their ticks."""


def plot_title_odds(
    odds: pd.DataFrame,
    path: Path,
    title: str,
    champion: str | None = None,
    playoffs_begin: pd.Timestamp | None = None,
) -> None:
    """Draw the race for the title over a season, a line a team.

    Args:
        odds: Of one season: columns `as_of_date`, `team` (abbreviation) and `title_prob` (0 to 1).
        path: PNG to write. The `RACERS` teams whose odds were the highest at any time have a name
            and a colour, and so has the champion; all others are thin.
        title: Title of the figure.
        champion: Abbreviation of the champion, whose line is bold; None while unknown.
        playoffs_begin: Morning after the regular season, marked if there are dates after it.

    Raises:
        ValueError: The frame is empty, or has no team of the champion's name.
    """
    wide = odds.pivot(index="as_of_date", columns="team", values="title_prob")  # noqa: PD010
    if wide.empty:
        raise ValueError("no title odds to draw")
    if champion is not None and champion not in wide:
        raise ValueError(f"no title odds of the champion {champion!r}, only of {list(wide)}")
    named = wide.max().sort_values(ascending=False, kind="stable").index[:RACERS].tolist()
    first = [] if champion is None else [champion]
    plain = [team for team in named if team != champion]
    best = Look(BLUE, 3.4, bold=True) if first else Look(BLUE, 1.7)
    looks = dict(zip([*first, *plain], [best, *_OTHERS], strict=False))
    rest = [team for team in wide if team not in looks]
    dates = wide.index
    caption = f"Thin: the other {len(rest)} teams. " if rest else ""
    caption += f"On the right: odds on {dates[-1]:%B %-d, %Y}."
    if first:
        caption = f"Bold: {champion}, the later champion. {caption}"
    with panels(path, title, caption, (10, 5.8), right=1.35, bottom=0.4, top=0.1) as axes:
        ax = axes.item()
        draw_together(ax, wide[rest], color="#C8C8C8", lw=1, zorder=1)
        for team, look in looks.items():
            look._replace(marker="o" if len(wide) == 1 else "").draw(ax, dates, wide[team])
        top = 1.06 * wide.to_numpy().max()
        before = pd.Timedelta(days=0 if len(wide) > 1 else 7)
        ax.set(ylim=(-0.015 * top, top), xlim=(dates[0] - before, dates[-1]))
        ax.grid(axis="y")
        if playoffs_begin is not None and playoffs_begin < dates[-1]:
            begin = float(date2num(playoffs_begin))
            ax.axvline(begin, color=GREY, lw=1, ls=":", zorder=1)
            ax.annotate(
                "playoffs begin", (begin, top), xytext=(-6, -4), ha="right", va="top",
                textcoords="offset points", fontsize=11, color=GREY,
            )  # fmt: skip
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        locator = AutoDateLocator(minticks=4, maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
        ax.set_ylabel("odds of winning the title")
        ends = wide.iloc[-1]
        name_ends(
            ax,
            {f"{team}  {_percent(ends[team])}": (ends[team], look) for team, look in looks.items()},
        )


def plot_odds_heatmap(odds: pd.DataFrame, path: Path, title: str) -> None:
    """Draw a table of how far each team may go, shaded by its odds, the favourite first.

    Args:
        odds: Of one date: columns `team` (abbreviation), `playoff_prob`, `round_1_prob`,
            `round_2_prob`, `finals_prob`, `title_prob` (0 to 1); where known `finish` (one of
            `nba_rank.data.outcomes.FINISHES`) and `expected_wins` (games).
        path: PNG to write. What came true is framed.
        title: Title of the figure.

    Raises:
        ValueError: The frame is empty or lacks odds.
    """
    missing = [name for name in _COLUMNS if name not in odds]
    if odds.empty or missing:
        raise ValueError(f"no odds to draw{f': {missing} are missing' if missing else ''}")
    order = list(_COLUMNS)[::-1]
    table = odds.sort_values([*order, "team"], ascending=[*[False] * len(order), True])
    values = table[list(_COLUMNS)].to_numpy(dtype=np.float64)
    known, wins = (
        name in table and table[name].notna().all() for name in ("finish", "expected_wins")
    )
    n, last = len(table), len(_COLUMNS)
    caption = f"Teams by odds of the title. {ABSENT} is below 1 in 2,000."
    if known:
        caption = f"Framed: what came true. {caption}"
    size = (8.8, 0.29 * (n + 1.7))
    with panels(path, title, caption, size, left=0.1, right=0.1, bottom=0.05, top=0) as axes:
        ax = axes.item()
        ax.set(xlim=(-1.75 if wins else -0.8, last + (1.75 if known else 0)), ylim=(n + 0.1, -1.6))
        ax.set_axis_off()
        # By their root: on a linear scale small odds would all look white.
        ax.pcolormesh(np.arange(last + 1), np.arange(n + 1), values**0.6, cmap=_SHADES, vmin=0,
                      vmax=1, edgecolor="white", linewidth=1.2)  # fmt: skip
        for place, words in enumerate(_COLUMNS.values()):
            ax.text(place + 0.5, -0.15, words, ha="center", va="bottom", fontsize=11)
        for row, (team, chances) in enumerate(zip(table["team"], values, strict=True)):
            ax.text(-0.75, row + 0.5, team, va="center", fontsize=11, fontweight="bold")
            for place, p in enumerate(chances):
                ax.text(
                    place + 0.5, row + 0.5, _percent(p), ha="center", va="center",
                    fontsize=10.5, color="white" if p**0.6 > 0.8 else INK,
                )  # fmt: skip
        if wins:
            ax.text(-1.25, -0.15, "Expected\nwins", ha="center", va="bottom", fontsize=11)
            for row, expected in enumerate(table["expected_wins"]):
                ax.text(-1.25, row + 0.5, f"{expected:.0f}", ha="center", va="center", fontsize=11)
        if known:
            ax.text(last + 0.15, -0.15, "Actual\nfinish", va="bottom", fontsize=11)
            for row, finish in enumerate(table["finish"]):
                _mark_finish(ax, row, str(finish))


def _percent(p: float) -> str:
    return ABSENT if p < 0.0005 else chance(p)


def _mark_finish(ax: Axes, row: int, finish: str) -> None:
    """Frame the odds of what a team reached, and write how it ended."""
    # Champion is first among the finishes, and every finish after it is one event less.
    reached = max(len(EVENTS) - FINISHES.index(finish), 0)
    if reached:
        ax.add_patch(
            Rectangle((0.03, row + 0.06), reached - 0.06, 0.88, fill=False, ec=INK, lw=1.5)
        )
    ax.text(len(_COLUMNS) + 0.15, row + 0.5, finish, va="center", fontsize=11,
            color=INK if reached else GREY,
            fontweight="bold" if finish == FINISHES[0] else "normal")  # fmt: skip


def plot_reliability(tables: Mapping[str, pd.DataFrame], path: Path, title: str) -> None:
    """Draw how often events happened against how likely they were called, a panel a table.

    Args:
        tables: What `nba_rank.evaluation.calibration.reliability_table` returns, by the title of
            its panel; at least one.
        path: PNG to write. Axes end early in the panel of an event that is rare throughout.
        title: Title of the figure.

    Raises:
        ValueError: There is no table, or one has no bin.
    """
    empty = [name for name, table in tables.items() if table.empty]
    if not tables or empty:
        raise ValueError(f"no bins to draw{f' for {empty}' if empty else ''}")
    caption = (
        "On the line: it happened as often as forecast. Area of a point: forecasts in its bin. "
        "Bars: 95% intervals (Wilson), which take outcomes as independent. Orange diamond: the "
        "interval misses the line."
    )
    n, columns = len(tables), min(3, len(tables))
    side, shape = (3.4 if columns > 1 else 5.2), (-(-n // columns), columns)
    with panels(path, title, caption, (side, side), shape, left=0.85) as axes:
        for ax in axes.flat[n:]:
            ax.remove()
        for ax, (name, table) in zip(axes.flat, tables.items(), strict=False):
            _draw_reliability(ax, table)
            ax.set_title(name, fontsize=13)
        for ax in axes[:, 0]:
            ax.set_ylabel("frequency with which it happened")
        for ax in axes.flat[max(0, n - columns) : n]:
            ax.set_xlabel("probability forecast")


def _draw_reliability(ax: Axes, table: pd.DataFrame) -> None:
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
