"""Figures of model A, drawn off screen. Each function takes frames and writes one PNG."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from nba_rank.evaluation.attention import ALIVE_ENTROPY_RATIO, GRADIENTS
from nba_rank.models.model_a.diagnostics import PARTS
from nba_rank.report.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    save,
    set_caption,
    set_title,
    style,
)

_NETWORK = ["fit", "network"]


def plot_losses(losses: pd.DataFrame, path: Path, loss: str) -> None:
    """Draw the training and validation loss of model A by epoch, a line a fit.

    Args:
        losses: Columns `fit` (text), `network`, `epoch`, `train_loss`, `val_loss` (mean over the
            lists; NaN where a fit has no validation); lower is better.
        path: PNG to write, about 1440 pixels wide. A line is the mean over a fit's networks, which
            are drawn thin where there are several, and a dot its lowest validation loss.
        loss: Name of the loss, in words.
    """
    fits = list(dict.fromkeys(losses["fit"]))
    colours = mpl.colormaps["cividis"](np.linspace(0, 0.9, len(fits)))
    several = bool((losses["network"] != 0).any())
    panels = [("train_loss", "Training loss"), ("val_loss", "Validation loss")]
    panels = [panel for panel in panels if losses[panel[0]].notna().any()]
    with style():
        figure = Figure(figsize=(12, 5.2), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for ax, (column, name) in zip(axes, panels, strict=True):
            for fit, colour in zip(fits, colours, strict=True):
                rows = losses[losses["fit"] == fit].dropna(subset=[column])
                if rows.empty:
                    continue
                if several:
                    _draw_networks(ax, rows, column, colour)
                mean = rows.groupby("epoch")[column].mean()
                ax.plot(mean.index, mean, color=colour, lw=1.8, label=str(fit))
                if column == "val_loss":
                    ax.plot(mean.idxmin(), mean.min(), "o", color=colour, markersize=7)
            ax.set_title(name)
            ax.set_xlabel("epoch")
            ax.set_ylabel(f"{loss}, mean over lists (lower is better)")
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.grid(axis="y", color=PALE, linewidth=0.8)
        # Fits end close together, so names at the line ends would overlap.
        axes[-1].legend(title="fit", frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        set_title(figure, "Loss of model A by epoch")
        notes = ["Thin: one network. Bold: mean over the networks of a fit."] * several
        notes += ["Dot: lowest validation loss."] * (len(panels) == 2)
        set_caption(figure, " ".join(notes))
        save(figure, path)


class _Panel(NamedTuple):
    """One panel of the diagnostics: colour and words of each column that it shows."""

    title: str
    columns: Mapping[str, tuple[str, str]]
    log: bool = False


_PANELS = (
    _Panel("Entropy over that of equal weights", {"entropy_ratio": (BLUE, "mean of the heads")}),
    _Panel("Largest weight of a team", {"attention_max": (BLUE, "")}),
    _Panel("Fallbacks, share of teams and heads", {"fallback_share": (BLUE, "")}),
    _Panel("Spread of the scores in a list", {"score_spread": (BLUE, "")}),
    _Panel(
        "Variance within a list",
        {"encoded_variance": (GREEN, "encoded players"), "pooled_variance": (BLUE, "pooled teams")},
        log=True,
    ),
    _Panel(
        "Gradient norms before clipping",
        dict(zip(GRADIENTS, zip((BLUE, GREEN, ORANGE), PARTS, strict=True), strict=True)),
        log=True,
    ),
)


def plot_diagnostics(diagnostics: pd.DataFrame, path: Path) -> None:
    """Draw the health of model A by epoch, a thin line a network and a bold one for their mean.

    Args:
        diagnostics: Columns `fit`, `network`, `epoch` (-1 is before training) and the names of
            `nba_rank.models.model_a.diagnostics.Diagnostics.to_dict`.
        path: PNG to write, about 1680 pixels wide.
    """
    known = diagnostics.replace([np.inf, -np.inf], np.nan)
    with style():
        figure = Figure(figsize=(14, 7.6), layout="constrained")
        axes = figure.subplots(2, 3, sharex=True)
        for ax, panel in zip(axes.flat, _PANELS, strict=True):
            for column, (colour, label) in panel.columns.items():
                _draw_networks(ax, known, column, colour)
                mean = known.groupby("epoch")[column].mean()
                ax.plot(mean.index, mean, color=colour, lw=2.8, label=label)
            if panel.log:
                _scale_by_powers(ax)
            else:
                ax.set_ylim(bottom=0)
            ax.set_title(panel.title, fontsize=12.5)
            ax.grid(axis="y", color=PALE, linewidth=0.8)
        entropy, _, fallback = axes[0]
        _draw_heads(entropy, known)
        # No fallbacks is the rule: the line shall not vanish in the axis.
        top = max(0.1, 1.1 * known["fallback_share"].max())
        fallback.set_ylim(-0.03 * top, top)
        fallback.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        for ax in (entropy, *axes[1, 1:]):
            ax.legend(frameon=False, fontsize=10.5, loc="best")
        for ax in axes[1]:
            _label_epochs(ax, known["epoch"])
        set_title(figure, "Is model A's attention alive? Its health by epoch")
        set_caption(
            figure,
            "Thin: one network. Bold: mean over networks. Before: the first batch, untrained. "
            "Fallbacks are counted over an epoch, the rest is of its last batch. Norms of zero are "
            "not drawn.",
        )
        save(figure, path)


def _draw_networks(ax: Axes, rows: pd.DataFrame, column: str, colour: object) -> None:
    """Draw a thin line a network."""
    for _, network in rows.groupby(_NETWORK):
        own = network.sort_values("epoch")
        ax.plot(own["epoch"], own[column], color=colour, lw=0.8, alpha=0.3)


def _scale_by_powers(ax: Axes) -> None:
    """Make the y axis logarithmic, with ticks between the powers of ten where it spans few."""
    ax.set_yscale("log", nonpositive="mask")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())


def _draw_heads(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw the range of the heads, and the range within which attention counts as alive."""
    heads = rows.filter(regex=r"^entropy_ratio_head_").columns
    means = rows.groupby("epoch")[list(heads)].mean()
    ax.fill_between(
        means.index, means.min(axis=1), means.max(axis=1), color=BLUE, alpha=0.15, lw=0,
        label="lowest to highest head",
    )  # fmt: skip
    for number, bound in enumerate(ALIVE_ENTROPY_RATIO):
        ax.axhline(bound, color=GREY, lw=1, ls="--", label="" if number else "alive is between")
    ax.set_ylim(0, 1.02)


def _label_epochs(ax: Axes, epoch: pd.Series) -> None:
    """Name the epochs, -1 `before`, so that no names overlap."""
    last = int(epoch.max())
    step = max(1, round((last + 1) / 6))
    ticks = [tick for tick in range(0, last + 1, step) if tick + 1 >= step]
    ax.set_xticks([-1, *ticks], ["before", *map(str, ticks)])
    ax.set_xlabel("epoch")
