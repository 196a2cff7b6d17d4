"""Figures of a sweep, drawn off screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

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
_BEST_SHARE = 0.1


@dataclass(frozen=True)
class Searched:
    """One dimension of a search space.

    Attributes:
        name: Dotted key or config group.
        taken: What each trial took, one a row of the table of trials.
        log: Whether it was searched on a log scale.
        default: The default configuration's value; None where it has none of its own.
    """

    name: str
    taken: pd.Series
    log: bool
    default: Any

    @property
    def label(self) -> str:
        """The last two parts of the name, which tell it from its neighbours."""
        return ".".join(self.name.replace("/", ".").split(".")[-2:])

    @property
    def whole(self) -> bool:
        """Whether all values are whole numbers."""
        return pd.api.types.is_integer_dtype(self.taken.convert_dtypes())

    @property
    def levels(self) -> list[Any] | None:
        """The values of a choice, in order; None of a number."""
        if pd.api.types.is_numeric_dtype(self.taken) and self.taken.dtype != bool:
            return None
        return sorted(self.taken.dropna().unique(), key=str)

    @property
    def holds_default(self) -> bool:
        """Whether the default's value is among those searched."""
        if self.default is None:
            return False
        if self.levels is not None:
            return self.default in self.levels
        low, high = _range(self)
        return low <= self.default <= high

    def position(self, values: pd.Series) -> npt.NDArray[np.float64]:
        """Return where values lie on an axis: themselves, or the numbers of their levels."""
        levels = self.levels
        if levels is None:
            return values.to_numpy(dtype=np.float64)
        return values.map({level: i for i, level in enumerate(levels)}).to_numpy(dtype=np.float64)


def plot_history(
    trials: pd.DataFrame, objective: str, default: float, maximize: bool, path: Path
) -> None:
    """Draw the objective of each trial in order, the best so far and the default.

    Args:
        trials: Columns `number`, `state` and the objective.
        objective: Name of its column.
        default: Value of the default configuration.
        maximize: Whether higher is better.
        path: PNG to write.
    """
    done = trials[trials["state"] == "complete"]
    value = done[objective].to_numpy(dtype=np.float64)
    best = np.maximum.accumulate(value) if maximize else np.minimum.accumulate(value)
    with style():
        figure = Figure(figsize=(9, 5), layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(default, color=GREY, linestyle="--", linewidth=1.5, label="default")
        axes.scatter(done["number"], value, color=BLUE, s=28, label="trial", zorder=3)
        axes.step(done["number"], best, where="post", color=ORANGE, label="best so far")
        for state, marker in (("pruned", "|"), ("failed", "x")):
            numbers = trials.loc[trials["state"] == state, "number"]
            if len(numbers):
                low = axes.get_ylim()[0]
                axes.scatter(numbers, np.full(len(numbers), low), marker=marker, color=INK,
                             label=state, clip_on=False)  # fmt: skip
        axes.set_xlabel("trial")
        axes.set_ylabel(f"{objective} on the validation seasons")
        axes.legend(frameon=False)
        set_title(figure, f"{objective}: {len(done)} trials")
        better = "higher" if maximize else "lower"
        set_caption(figure, f"Mean over as-of points and validation seasons; {better} is better.")
        save(figure, path)


def plot_importances(importances: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Draw which dimensions mattered, a panel an objective.

    Args:
        importances: Share of the objective's variance (0 to 1) by objective and name, the largest
            first.
        path: PNG to write.
    """
    longest = max(len(shares) for shares in importances.values())
    with style():
        figure = Figure(figsize=(9, (1.2 + 0.36 * longest) * len(importances) + 0.6),
                        layout="constrained")  # fmt: skip
        panels = figure.subplots(len(importances), 1, squeeze=False)[:, 0]
        for axes, (objective, shares) in zip(panels, importances.items(), strict=True):
            names = [*shares][::-1]
            axes.barh(names, [shares[name] for name in names], color=BLUE, height=0.65)
            axes.set_xlim(0, 1)
            axes.set_title(objective)
            axes.tick_params(axis="y", length=0)
        panels[-1].set_xlabel("share of the variance between trials")
        set_title(figure, "What mattered")
        set_caption(figure, "Functional ANOVA (Hutter, Hoos, Leyton-Brown 2014) over the trials "
                            "judged on all validation seasons.")  # fmt: skip
        save(figure, path)


def plot_slices(
    searched: Sequence[Searched], values: pd.Series, objective: str, default: float, path: Path
) -> None:
    """Draw the objective against each dimension, a panel each.

    Args:
        searched: The dimensions, most important first.
        values: The objective of the same trials.
        objective: Its name.
        default: The objective of the default configuration.
        path: PNG to write.
    """
    n_columns = min(_COLUMNS, len(searched))
    n_rows = -(-len(searched) // n_columns)
    rng = np.random.default_rng(0)  # jitter only
    with style():
        figure = Figure(figsize=(5 * n_columns, 3.0 * n_rows + 1), layout="constrained")
        panels = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True).ravel()
        for axes, one in zip(panels, searched, strict=False):
            place = one.position(one.taken)
            if one.levels is not None:
                place = place + rng.uniform(-0.12, 0.12, len(place))
            axes.axhline(default, color=GREY, linestyle="--", linewidth=1)
            axes.scatter(place, values, color=BLUE, s=22, alpha=0.8)
            _mark_default(axes, one)
            _scale(axes, one)
            outside = one.default is not None and not one.holds_default
            told = str(one.default) if len(str(one.default)) < 10 else "outside"
            axes.set_xlabel(f"{one.label} (default {told})" if outside else one.label)
        for axes in panels[len(searched) :]:
            axes.set_axis_off()
        for axes in panels[::n_columns]:
            axes.set_ylabel(objective)
        set_title(figure, f"{objective} by each choice")
        set_caption(
            figure,
            "A point a trial. Dashed: the default's objective; orange: its value, where that was "
            "among the values that were searched.",
        )
        save(figure, path)


def plot_parallel(
    searched: Sequence[Searched], values: pd.Series, objective: str, maximize: bool, path: Path
) -> None:
    """Draw every trial as a line over the dimensions, the best ones on top.

    Args:
        searched: The dimensions, most important first.
        values: The objective of the same trials.
        objective: Its name.
        maximize: Whether higher is better.
        path: PNG to write.
    """
    loss = -values.to_numpy(dtype=np.float64) if maximize else values.to_numpy(dtype=np.float64)
    order = np.argsort(-loss)  # the best is drawn last
    rank = np.empty(len(loss))
    rank[order] = np.linspace(0, 1, len(loss))
    n_best = max(1, round(_BEST_SHARE * len(loss)))
    heights = np.column_stack([_scaled(one) for one in searched])
    with style():
        figure = Figure(figsize=(max(9, 1.15 * len(searched) + 2), 5.5), layout="constrained")
        axes = figure.add_subplot()
        for trial in order:
            is_best = trial in order[-n_best:]
            axes.plot(
                heights[trial],
                color=ORANGE if is_best else colormaps["Blues"](0.25 + 0.6 * rank[trial]),
                linewidth=2.2 if is_best else 1,
                alpha=1 if is_best else 0.6,
            )
        for i, one in enumerate(searched):
            axes.axvline(i, color=PALE, linewidth=1, zorder=0)
            ends = _ends(one)
            for height, text in ends:
                axes.annotate(text, (i, height), xytext=(3, 0), textcoords="offset points",
                              fontsize=8, va="center", color=INK)  # fmt: skip
        axes.set_xticks(range(len(searched)), [one.label for one in searched],
                        rotation=30, ha="right")  # fmt: skip
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.legend(
            [Line2D([], [], color=ORANGE, linewidth=2.2), Line2D([], [], color=BLUE)],
            [
                "best trial" if n_best == 1 else f"best {n_best} trials",
                "others, the darker the better",
            ],
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(0, 1.12),
            ncols=2,
        )
        set_title(figure, f"Trials by {objective}")
        save(figure, path)


def plot_front(
    trials: pd.DataFrame,
    objectives: Sequence[str],
    front: Sequence[Mapping[str, float]],
    chosen: Mapping[str, float],
    default: Mapping[str, float],
    path: Path,
) -> None:
    """Draw two objectives against each other, with the Pareto front.

    Args:
        trials: Columns of the two objectives.
        objectives: Names of the two.
        front: Values of the front by objective.
        chosen: Values of the chosen configuration.
        default: Values of the default configuration.
        path: PNG to write.
    """
    x, y = objectives
    line = pd.DataFrame([*front]).sort_values(x)
    with style():
        figure = Figure(figsize=(7, 6), layout="constrained")
        axes = figure.add_subplot()
        axes.scatter(trials[x], trials[y], color=BLUE, s=24, label="trial")
        axes.plot(line[x], line[y], color=INK, linewidth=1, marker="o", markersize=4,
                  label="Pareto front")  # fmt: skip
        axes.scatter(default[x], default[y], marker="D", s=60, color=GREY, label="default")
        axes.scatter(chosen[x], chosen[y], marker="*", s=180, color=ORANGE, label="chosen",
                     zorder=4)  # fmt: skip
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.legend(frameon=False)
        set_title(figure, "What one objective costs the other")
        save(figure, path)


def _mark_default(axes: Axes, one: Searched) -> None:
    if one.holds_default:
        place = one.position(pd.Series([one.default]))[0]
        axes.axvline(place, color=ORANGE, linewidth=1.5, zorder=0)


def _scale(axes: Axes, one: Searched) -> None:
    if one.levels is not None:
        axes.set_xticks(range(len(one.levels)), [_lines(level) for level in one.levels], fontsize=7)
    elif one.log:
        axes.set_xscale("log")
        ticks = np.unique([float(f"{tick:.1g}") for tick in np.geomspace(*_range(one), 4)])
        axes.xaxis.set_major_locator(FixedLocator([*ticks]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    elif one.whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _range(one: Searched) -> tuple[float, float]:
    return float(one.taken.min()), float(one.taken.max())


def _scaled(one: Searched) -> npt.NDArray[np.float64]:
    """Return the heights of all trials on a dimension's own axis, 0 to 1."""
    place = one.position(one.taken)
    if one.log:
        place = np.log(place)
    low, spread = np.nanmin(place), np.ptp(place[np.isfinite(place)])
    return (place - low) / spread if spread > 0 else np.full(len(place), 0.5)


def _ends(one: Searched) -> list[tuple[float, str]]:
    """Return the heights and texts to write on a dimension's axis."""
    if one.levels is not None:
        n = len(one.levels)
        return [(i / (n - 1) if n > 1 else 0.5, _lines(v)) for i, v in enumerate(one.levels)]
    low, high = _range(one)
    return [(0.0, f"{low:.3g}"), (1.0, f"{high:.3g}")] if high > low else [(0.5, f"{low:.3g}")]


def _lines(value: object) -> str:
    """Return a value as text, a line an item of a list."""
    return str(value).strip("[]").replace(",", "\n") or "none"
