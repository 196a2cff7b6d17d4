"""Figures of ranks, of the stack's weights and of what parts of a ranker are worth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from nba_rank.data.league import EAST, WEST
from nba_rank.evaluation.paired import SIGNIFICANT
from nba_rank.evaluation.predictions import verdict
from nba_rank.report.format import signed
from nba_rank.report.labels import LIST_LABELS, label
from nba_rank.report.style import BLUE, GREY, INK, ORANGE, PALE, SKY, panels, room_for

LEAST_WEIGHT = 0.02
"""Weight in the stack below which an input is not drawn."""

_VERDICTS = {"aligned": INK, "over-ranked": ORANGE, "under-ranked": BLUE}
_GAINS = LinearSegmentedColormap.from_list("gain", [ORANGE, "white", BLUE])
_FULL_COLOUR = 0.1
"""Gain from which a cell has the full colour; below, colour goes by its root."""


def plot_predicted_vs_actual(
    predictions: pd.DataFrame, path: Path, title: str, tolerance: int = 3
) -> None:
    """Draw each team's predicted rank against its actual one, a panel a conference and point.

    Args:
        predictions: Of one season: columns `as_of_point`, `conference`, `team`,
            `conference_rank` and `actual_conference_rank` (1 is best). A quarter into the season
            and its end are drawn, as far as there are such rows.
        path: PNG to write.
        title: Title of the figure.
        tolerance: Places that a rank may be off and still count as aligned.

    Raises:
        ValueError: The frame has neither point.
    """
    phrases = {"0.25": "25% into the season", "end": "at the end of the regular season"}
    points = [point for point in phrases if (predictions["as_of_point"] == point).any()]
    if not points:
        raise ValueError(f"predictions hold none of the points {list(phrases)}")
    caption = f"On the line: ranked as it finished. Grey: within {tolerance} places."
    shape = (len(points), 2)
    with panels(path, title, caption, (5.3, 4.6), shape, left=0.6, bottom=0.55) as axes:
        for row, point in zip(axes, points, strict=True):
            for ax, conference in zip(row, (EAST, WEST), strict=True):
                at = predictions["as_of_point"] == point
                _draw_ranks(
                    ax, predictions[at & (predictions["conference"] == conference)], tolerance
                )
                ax.set_title(f"{conference}, {phrases[point]}")
        _label_ranks(axes)


def _draw_ranks(ax: Axes, teams: pd.DataFrame, tolerance: int) -> None:
    actual, rank = teams["actual_conference_rank"], teams["conference_rank"]
    last = len(teams) + 0.5
    ends = np.array([0.5, last])
    ax.fill_between(ends, ends - tolerance, ends + tolerance, color=PALE, alpha=0.45, lw=0)
    ax.plot(ends, ends, color="white", linewidth=2)
    kinds = verdict(rank, actual, tolerance)
    for x, y, name, kind in zip(actual, rank, teams["team"], kinds, strict=True):
        ax.text(x, y, name, ha="center", va="center", fontsize=11, color=_VERDICTS[kind],
                fontweight="normal" if kind == "aligned" else "bold")  # fmt: skip
    ax.set(xlim=(0.3, last + 0.2), ylim=(last + 0.2, 0.3), xticks=[], yticks=[])
    corner: dict[str, Any] = {"transform": ax.transAxes, "fontsize": 11}
    ax.text(0.98, 0.97, "over-ranked", color=ORANGE, ha="right", va="top", **corner)
    ax.text(0.02, 0.03, "under-ranked", color=BLUE, ha="left", va="bottom", **corner)


def _label_ranks(axes: npt.NDArray[Any]) -> None:
    """Label the outer axes: all panels have the same scales, and ticks take long to draw."""
    for ax in axes[:, 0]:
        ax.set(yticks=[1, 5, 10, 15], ylabel="predicted rank in the conference")
    for ax in axes[-1]:
        ax.set(xticks=[1, 5, 10, 15], xlabel="actual rank in the conference")


def plot_blend_weights(weights: pd.DataFrame, path: Path) -> None:
    """Draw the weight that the stack gives to each of its inputs, by moment of the season.

    Args:
        weights: Columns `fit`, `moment` (text), `model` and `weight` (no unit, on standardised
            scores).
        path: PNG to write. Inputs that weigh less than `LEAST_WEIGHT` throughout are only named.
    """
    moments = list(dict.fromkeys(weights["moment"]))
    mean = weights.pivot_table("weight", "model", "moment", sort=False)
    largest = weights.groupby("model")["weight"].agg(lambda weight: weight.abs().max())
    shown = mean[largest.reindex(mean.index) >= LEAST_WEIGHT]
    shown = shown.loc[shown.mean(axis=1).sort_values(ascending=False).index]
    small = [label("model", name) for name in mean.index if name not in shown.index]
    several = len(set(weights["fit"])) > 1
    caption = ["Dot: mean over fits. Line: one fit."] * several
    if small:
        caption.append(f"Less than {LEAST_WEIGHT:g} throughout: {', '.join(small)}.")
    names = [label("model", name) for name in shown.index]
    left, size = room_for(names) + 0.2, (8.0, 0.3 + 0.75 * len(shown))
    title = "Weight of each input in the stack over the season"
    with panels(path, title, " ".join(caption), size, left=left, right=0.3) as axes:
        ax = axes.item()
        for place, (moment, colour) in enumerate(zip(moments, (SKY, BLUE, ORANGE), strict=False)):
            y = np.arange(len(shown)) + 0.24 * (place - (len(moments) - 1) / 2)
            ax.hlines(y, 0, shown[moment], color=colour, lw=2)
            ax.plot(shown[moment], y, "o", color=colour, ms=9, label=moment)
            rows = weights[(weights["moment"] == moment) & weights["model"].isin(shown.index)]
            if several:
                of_fit = y[shown.index.get_indexer(rows["model"])]
                ax.plot(rows["weight"], of_fit, "|", color=INK, ms=9, alpha=0.6)
        ax.axvline(0, color=GREY, linewidth=1)
        ax.set_yticks(range(len(shown)), names)
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
        ax.set_xlabel("share of all weights")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(moments))


def plot_gains(by_ranker: Mapping[str, pd.DataFrame], title: str, path: Path) -> None:
    """Draw what parts gain as a heatmap, a panel a ranker.

    Args:
        by_ranker: Gains by ranker, parts in the same order.
        title: Title of the figure.
        path: PNG to write. Cells are framed where a gain is significant.
    """
    parts = next(iter(by_ranker.values()))["part"].unique().tolist()
    caption = (
        "With the part minus without it, paired by season, by regular season played. Framed: "
        f"significant. Colour by the root of the gain, full from {_FULL_COLOUR:g} on."
    )
    size, shape, left = (7, 0.1 + 0.46 * len(parts)), (1, len(by_ranker)), room_for(parts) + 0.2
    with panels(path, title, caption, size, shape, left=max(left, 3), bottom=0.35) as axes:
        for ax, (ranker, rows) in zip(axes.flat, by_ranker.items(), strict=True):
            _draw_gains(ax, rows, parts)
            ax.set_title(label("ranker", ranker))


def _draw_gains(ax: Axes, rows: pd.DataFrame, parts: list[str]) -> None:
    key = ["as_of_point", "scope"]
    present = set(zip(*(rows[name] for name in key), strict=True))
    lists = [one for one in LIST_LABELS if one in present]
    cells = rows.set_index(["part", *key]).loc[[(part, *one) for part in parts for one in lists]]
    shape = (len(parts), len(lists))
    gain = cells["difference"].to_numpy(dtype=np.float64).reshape(shape)
    significant = cells["verdict"].isin(SIGNIFICANT).to_numpy().reshape(shape)
    colour = np.sign(gain) * np.sqrt(np.abs(gain) / _FULL_COLOUR)
    ax.imshow(colour, cmap=_GAINS, vmin=-1, vmax=1, aspect="auto")
    for row, column in np.ndindex(shape):
        ax.text(
            column, row, signed(float(gain[row, column])).replace("0.", ".", 1),
            ha="center", va="center", fontsize=10,
            color="white" if abs(colour[row, column]) > 0.7 else INK,
        )  # fmt: skip
        if significant[row, column]:
            corner = (column - 0.47, row - 0.46)
            ax.add_patch(Rectangle(corner, 0.94, 0.92, fill=False, ec=INK, lw=1.4))
    ax.set_xticks(range(len(lists)), [LIST_LABELS[one] for one in lists], fontsize=10)
    ax.set_yticks(range(len(parts)), parts, color=INK)
    ax.axvline(0.5, color=GREY, linewidth=1)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
