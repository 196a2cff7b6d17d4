"""Figures of a run's rankings, drawn off screen. Each function takes frames and writes one PNG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from nba_rank.data.league import EAST, WEST
from nba_rank.evaluation.predictions import verdict
from nba_rank.report.differences import fewer_seasons
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, ranker_label
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

_LINES: dict[str, tuple[str, float, str]] = {
    # ranker: (colour, width, dash)
    "stack": (BLUE, 3.2, "-"),
    "model_a": (PURPLE, 1.4, "-"),
    "xgb": (GREEN, 1.4, "-"),
    "rf": (SKY, 1.4, "-"),
    "projected_outcome": (PURPLE, 1.4, "--"),
    "standings": (ORANGE, 2.6, "-"),
    "elo": (INK, 1.4, "--"),
    "massey": (GREY, 1.4, ":"),
    "srs": (GREY, 1.4, "-."),
    "net_rating": (GREY, 1.0, "-"),
    "last_season": (GREY, 1.0, "--"),
    "market": (INK, 1.8, ":"),
}
_BANDS = ("stack", "standings")
_MOMENT_COLOURS = (SKY, BLUE, ORANGE)

LEAST_WEIGHT = 0.02
"""Weight in the stack below which an input is not drawn."""


def plot_predicted_vs_actual(
    predictions: pd.DataFrame,
    path: Path,
    title: str,
    points: Sequence[str] = ("0.25", "end"),
    tolerance: float = 3.0,
) -> None:
    """Draw each team's predicted rank against its actual one, a panel a conference and point.

    Args:
        predictions: Of one season: columns `as_of_point`, `conference`, `team`,
            `conference_rank` and `actual_conference_rank` (1 is best).
        path: PNG to write, about 1440 pixels wide.
        title: Title of the figure.
        points: Values of `as_of_point` to draw, a row each; absent ones are left out.
        tolerance: Places that a rank may be off and still count as aligned.

    Raises:
        ValueError: The frame holds none of the points.
    """
    shown = [point for point in points if (predictions["as_of_point"] == point).any()]
    if not shown:
        raise ValueError(f"predictions hold none of the points {list(points)}")
    colour = {"aligned": INK, "over-ranked": ORANGE, "under-ranked": BLUE}
    with style():
        figure = Figure(figsize=(12, 0.9 + 5.2 * len(shown)), layout="constrained")
        axes = figure.subplots(len(shown), 2, squeeze=False)
        for row, point in zip(axes, shown, strict=True):
            for ax, conference in zip(row, (EAST, WEST), strict=True):
                teams = predictions[
                    (predictions["as_of_point"] == point)
                    & (predictions["conference"] == conference)
                ]
                actual, rank = teams["actual_conference_rank"], teams["conference_rank"]
                last = len(teams) + 0.5
                ax.fill_between(
                    [0.5, last],
                    [0.5 - tolerance, last - tolerance],
                    [0.5 + tolerance, last + tolerance],
                    color=PALE, alpha=0.45, linewidth=0,
                )  # fmt: skip
                ax.plot([0.5, last], [0.5, last], color=GREY, linewidth=1)
                for x, y, name, kind in zip(
                    actual, rank, teams["team"], verdict(rank, actual, tolerance),
                    strict=True,
                ):  # fmt: skip
                    ax.text(
                        x, y, name, ha="center", va="center", fontsize=11, color=colour[kind],
                        fontweight="normal" if kind == "aligned" else "bold",
                        path_effects=[withStroke(linewidth=3, foreground="#F4F4F4")],
                    )  # fmt: skip
                ax.set(xlim=(0.3, last + 0.2), ylim=(last + 0.2, 0.3))
                ax.set(xticks=range(1, len(teams) + 1), yticks=range(1, len(teams) + 1))
                ax.tick_params(labelsize=10, length=0)
                ax.set_title(f"{conference}, {_point_phrase(point)}")
                ax.set_ylabel("predicted rank in the conference")
                ax.set_xlabel("actual rank in the conference")
                corner = {"transform": ax.transAxes, "fontsize": 11}
                ax.text(0.98, 0.97, "over-ranked", color=ORANGE, ha="right", va="top", **corner)
                ax.text(0.02, 0.03, "under-ranked", color=BLUE, ha="left", va="bottom", **corner)
        set_title(figure, title)
        set_caption(
            figure, f"On the line: ranked as it finished. Grey: within {tolerance:g} places."
        )
        save(figure, path)


def plot_skill_over_season(means: pd.DataFrame, path: Path) -> None:
    """Draw the mean Spearman of every ranker over the season: all teams, and the playoff teams.

    Args:
        means: `nba_rank.evaluation.result.EvaluationResult.means`.
        path: PNG to write, about 1560 pixels wide. Bands, the 95% intervals over seasons, are
            drawn for stack and standings only. The random ranker is named in the caption: its
            line would squeeze all others.
    """
    skill = means[means["metric"] == "spearman"]
    points = [point for point in POINT_LABELS if (skill["as_of_point"] == point).any()]
    with style():
        figure = Figure(figsize=(13, 6.6), layout="constrained")
        for ax, scope in zip(figure.subplots(1, 2), ("league", "playoff16"), strict=True):
            ends: dict[str, float] = {}
            for ranker, (colour, width, dash) in _LINES.items():
                rows = skill[(skill["scope"] == scope) & (skill["ranker"] == ranker)]
                line = rows.set_index("as_of_point").reindex(points)
                if not line["value"].notna().any():
                    continue
                x = np.arange(len(points))
                front = 3 if ranker in _BANDS else 2
                ax.plot(x, line["value"], color=colour, lw=width, ls=dash, zorder=front)
                if ranker in _BANDS and line["low"].notna().any():
                    ax.fill_between(x, line["low"], line["high"], color=colour, alpha=0.13, lw=0)
                ends[ranker] = float(line["value"].dropna().iloc[-1])
            ax.set_xticks(range(len(points)), [POINT_LABELS[point] for point in points])
            ax.grid(axis="y", color=PALE, linewidth=0.8)
            ax.set_axisbelow(True)
            ax.set_title(SCOPE_LABELS[scope][0].upper() + SCOPE_LABELS[scope][1:])
            ax.set_xlabel("regular season played")
            ax.set_ylabel("Spearman with the outcome, mean over seasons")
            if ends:
                _label_ends(ax, ends, x=len(points) - 1)
        seasons = int(skill["n_seasons"].max())
        random = skill[(skill["ranker"] == "random") & (skill["scope"] == "league")]["value"]
        caption = f"{seasons} test season{'s' if seasons > 1 else ''}."
        if skill["low"].notna().any():
            caption += " Bands: 95% t intervals over seasons, stack and standings."
        if len(random):
            caption += f" A random order: {random.mean():+.2f} on average (not drawn)."
        if fewer := fewer_seasons(skill):
            caption += f" Not in all of them: {fewer}."
        set_title(figure, "Higher is better: how well each ranking foresees the outcome")
        set_caption(figure, caption)
        save(figure, path)


def plot_blend_weights(weights: pd.DataFrame, path: Path) -> None:
    """Draw the weight that the stack gives to each of its inputs, by moment of the season.

    Args:
        weights: Columns `fit`, `moment` (text), `model` and `weight` (no unit, on standardised
            scores).
        path: PNG to write, about 1200 pixels wide. A large dot is the mean over fits, small ones
            are fits; inputs that weigh less than `LEAST_WEIGHT` throughout are only named.
    """
    moments = list(dict.fromkeys(weights["moment"]))
    mean = weights.pivot_table("weight", "model", "moment", sort=False)
    largest = weights.groupby("model")["weight"].agg(lambda weight: weight.abs().max())
    shown = mean[largest.reindex(mean.index) >= LEAST_WEIGHT]
    shown = shown.loc[shown.mean(axis=1).sort_values(ascending=False).index]
    small = [ranker_label(str(name)) for name in mean.index if name not in shown.index]
    several = len(set(weights["fit"])) > 1
    with style():
        figure = Figure(figsize=(10, 1.9 + 0.75 * len(shown)), layout="constrained")
        ax = figure.subplots()
        for number, (moment, colour) in enumerate(zip(moments, _MOMENT_COLOURS, strict=False)):
            places = np.arange(len(shown)) + 0.24 * (number - (len(moments) - 1) / 2)
            ax.hlines(places, 0, shown[moment], color=colour, lw=2)
            ax.plot(shown[moment], places, "o", color=colour, ms=9, label=moment)
            rows = weights[(weights["moment"] == moment) & weights["model"].isin(shown.index)]
            if several:
                of_fit = places[shown.index.get_indexer(rows["model"])]
                ax.plot(rows["weight"], of_fit, "|", color=INK, ms=9, alpha=0.6)
        ax.axvline(0, color=GREY, linewidth=1)
        ax.set_yticks(range(len(shown)), [ranker_label(str(name)) for name in shown.index])
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color=PALE, linewidth=0.8)
        ax.set_axisbelow(True)
        ax.set_xlabel("share of all weights")
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(moments))
        set_title(figure, "Weight of each input in the stack over the season")
        caption = ["Dot: mean over fits. Line: one fit."] * several
        if small:
            caption.append(f"Less than {LEAST_WEIGHT:g} throughout: {', '.join(small)}.")
        set_caption(figure, " ".join(caption))
        save(figure, path)


def _point_phrase(point: str) -> str:
    phrase = {"open": "at opening", "end": "at the end of the regular season"}
    return phrase.get(point, f"{POINT_LABELS.get(point, point)} into the season")


def _label_ends(ax: Axes, ends: dict[str, float], x: float) -> None:
    """Write each line's name to its right, moved apart where lines end together."""
    low, high = ax.get_ylim()
    high = min(high, 1.0)
    names = sorted(ends, key=lambda name: -ends[name])
    target = np.array([ends[name] for name in names])
    place = spread_apart(target, gap=0.047 * (high - low), low=low, high=high)
    for name, y, label_y in zip(names, target, place, strict=True):
        colour, _, dash = _LINES[name]
        ax.plot([x + 0.06, x + 0.3], [y, label_y], color=colour, lw=1, ls=dash, clip_on=False)
        ax.text(x + 0.36, label_y, ranker_label(name), color=colour, va="center", fontsize=11,
                fontweight="bold" if name in _BANDS else "normal")  # fmt: skip
    ax.set(xlim=(-0.15, x + 0.05), ylim=(low, high))
