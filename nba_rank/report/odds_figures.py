"""Figures of odds, drawn off screen. Each function takes a frame and writes one PNG."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from nba_rank.data.outcomes import EVENTS, FINISHES
from nba_rank.report.format import ABSENT
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

RACERS = 8
"""Teams whose title odds are drawn with a name."""

_OTHERS = ((ORANGE, "-"), (GREEN, "-"), (PURPLE, "-"), (SKY, "-"), (INK, "--"), (ORANGE, "--"),
           (GREEN, "--"), (PURPLE, "--"))  # fmt: skip
_COLUMNS = {
    "playoff_prob": "Make the\nplayoffs",
    "round_1_prob": "Win\nround 1",
    "round_2_prob": "Win\nround 2",
    "finals_prob": "Reach the\nFinals",
    "title_prob": "Win the\ntitle",
}
_SHADES = LinearSegmentedColormap.from_list("odds", ["#FFFFFF", "#CFE3F2", "#6BAED6", BLUE])


def plot_title_odds(
    odds: pd.DataFrame, path: Path, title: str, champion: str | None = None
) -> None:
    """Draw the race for the title over a season, a line a team.

    Args:
        odds: Of one season: columns `as_of_date`, `team` (abbreviation) and `title_prob` (0 to 1).
        path: PNG to write, about 1440 pixels wide. The `RACERS` teams whose odds were the highest
            at any time have a name and a colour, and so has the champion; all others are thin.
        title: Title of the figure.
        champion: Abbreviation of the champion, whose line is bold; None while unknown.

    Raises:
        ValueError: The frame is empty, or holds no team of the champion's name.
    """
    wide = odds.pivot(index="as_of_date", columns="team", values="title_prob")  # noqa: PD010
    if wide.empty:
        raise ValueError("no title odds to draw")
    if champion is not None and champion not in wide:
        raise ValueError(f"no title odds of the champion {champion!r}, only of {list(wide)}")
    named = wide.max().sort_values(ascending=False, kind="stable").index[:RACERS].tolist()
    if champion is not None and champion not in named:
        named.append(champion)
    rest = [team for team in wide if team not in named]
    with style():
        figure = Figure(figsize=(12, 6.8), layout="constrained")
        ax = figure.subplots()
        ax.plot(wide.index, wide[rest], color="#C8C8C8", lw=1, zorder=1)
        looks = {champion: (BLUE, "-")} if champion is not None else {}
        plain = [team for team in named if team != champion]
        looks |= dict(zip(plain, _OTHERS if champion else ((BLUE, "-"), *_OTHERS), strict=False))
        for team, (colour, dash) in looks.items():
            bold = team == champion
            ax.plot(wide.index, wide[team], color=colour, lw=3.4 if bold else 1.7, ls=dash,
                    zorder=3 if bold else 2, marker="o" if len(wide) == 1 else None)  # fmt: skip
        top = 1.06 * wide.to_numpy().max()
        ax.set_ylim(-0.015 * top, top)
        before = pd.Timedelta(days=0 if len(wide) > 1 else 7)
        ax.set_xlim(wide.index[0] - before, wide.index[-1])
        ax.grid(axis="y", color=PALE, linewidth=0.8)
        ax.set_axisbelow(True)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        locator = AutoDateLocator(minticks=4, maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
        ax.set_ylabel("odds of winning the title")
        _name_lines(ax, wide[list(looks)].iloc[-1], looks, champion)
        set_title(figure, title)
        others = f"Thin: the other {len(rest)} teams. " if rest else ""
        winner = f"Bold: {champion}, the later champion. " if champion is not None else ""
        set_caption(figure, f"{winner}{others}On the right: odds on {wide.index[-1]:%B %-d, %Y}.")
        save(figure, path)


def plot_odds_heatmap(odds: pd.DataFrame, path: Path, title: str) -> None:
    """Draw a table of how far each team may go, shaded by its odds, the favourite first.

    Args:
        odds: Of one date: columns `team` (abbreviation), `playoff_prob`, `round_1_prob`,
            `round_2_prob`, `finals_prob`, `title_prob` (0 to 1); where known `finish` (one of
            `nba_rank.data.outcomes.FINISHES`) and `expected_wins` (games).
        path: PNG to write, about 1080 pixels wide. What came true is framed.
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
    known = table["finish"].notna().all() if "finish" in table else False
    wins = "expected_wins" in table and bool(table["expected_wins"].notna().all())
    n, last = len(table), len(_COLUMNS)
    with style():
        figure = Figure(figsize=(9, 1.9 + 0.29 * n), layout="constrained")
        ax = figure.subplots()
        ax.set(xlim=(-1.75 if wins else -0.8, last + (1.75 if known else 0)), ylim=(n + 0.1, -1.6))
        ax.set_axis_off()
        # Small odds differ most where a linear scale would show white alone.
        ax.pcolormesh(np.arange(last + 1), np.arange(n + 1), values**0.6, cmap=_SHADES, vmin=0,
                      vmax=1, edgecolor="white", linewidth=1.2)  # fmt: skip
        for place, label in enumerate(_COLUMNS.values()):
            ax.text(place + 0.5, -0.15, label, ha="center", va="bottom", fontsize=11)
        for row, (team, chances) in enumerate(zip(table["team"], values, strict=True)):
            ax.text(-0.75, row + 0.5, team, va="center", fontsize=11, fontweight="bold")
            for place, chance in enumerate(chances):
                ax.text(
                    place + 0.5, row + 0.5, percent(chance), ha="center", va="center",
                    fontsize=10.5, color="white" if chance**0.6 > 0.8 else INK,
                )  # fmt: skip
        if wins:
            ax.text(-1.25, -0.15, "Expected\nwins", ha="center", va="bottom", fontsize=11)
            for row, expected in enumerate(table["expected_wins"]):
                ax.text(-1.25, row + 0.5, f"{expected:.0f}", ha="center", va="center", fontsize=11)
        if known:
            ax.text(last + 0.15, -0.15, "Actual\nfinish", va="bottom", fontsize=11)
            for row, finish in enumerate(table["finish"]):
                _mark_finish(ax, row, str(finish))
        set_title(figure, title)
        frames = "Framed: what came true. " if known else ""
        set_caption(figure, f"{frames}Teams by odds of the title. {ABSENT} is below 1 in 2,000.")
        save(figure, path)


def percent(chance: float) -> str:
    """Return whole percents as such tables have them: `<1%`, `>99%`, a dash for next to nothing."""
    if chance < 0.0005:
        return ABSENT
    if chance < 0.01:
        return "<1%"
    if 0.99 < chance < 1 - 1e-9:
        return ">99%"
    return f"{chance:.0%}"


def _name_lines(
    ax: Axes, ends: pd.Series, looks: dict[str, tuple[str, str]], champion: str | None
) -> None:
    """Write each line's team and odds to its right, moved apart where lines end together."""
    low, high = ax.get_ylim()
    start, end = ax.get_xlim()
    span = end - start
    ordered = ends.sort_values(ascending=False, kind="stable")
    places = spread_apart(ordered.to_numpy(), gap=0.05 * (high - low), low=low, high=high)
    for (team, value), place in zip(ordered.items(), places, strict=True):
        colour, dash = looks[str(team)]
        ax.plot([end + 0.008 * span, end + 0.032 * span], [value, place], color=colour, lw=1,
                ls=dash, clip_on=False)  # fmt: skip
        ax.text(end + 0.038 * span, place, f"{team}  {percent(value)}", color=colour,
                va="center", fontsize=12,
                fontweight="bold" if team == champion else "normal")  # fmt: skip
    ax.set(xlim=(start, end), ylim=(low, high))


def _mark_finish(ax: Axes, row: int, finish: str) -> None:
    """Frame the odds of what a team reached, and write how it ended."""
    last = len(_COLUMNS)
    # Champion is first among the finishes, and every finish after it is one event less.
    reached = max(len(EVENTS) - FINISHES.index(finish), 0)
    if reached:
        ax.add_patch(
            Rectangle((0.03, row + 0.06), reached - 0.06, 0.88, fill=False, ec=INK, lw=1.5)
        )
    weight = "bold" if finish == FINISHES[0] else "normal"
    colour = INK if reached else GREY
    ax.text(last + 0.15, row + 0.5, finish, va="center", color=colour, fontsize=11,
            fontweight=weight)  # fmt: skip
