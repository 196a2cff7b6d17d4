"""Figures of model A's training: its losses and the health of its attention."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, PercentFormatter

from nba_rank.evaluation.attention import ALIVE_ENTROPY_RATIO, GRADIENTS
from nba_rank.models.model_a.diagnostics import PARTS
from nba_rank.report.labels import sentence
from nba_rank.report.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Look,
    draw_together,
    look,
    name_ends,
    panels,
    room_for,
)


@look
def plot_losses(losses: pd.DataFrame, loss: str) -> Figure:
    """Draw the training and validation loss of model A by epoch, a line a fit.

    Args:
        losses: Columns `fit` (text), `network`, `epoch`, `train_loss`, `val_loss` (mean over the
            lists; NaN where a fit has no validation); lower is better.
        loss: Name of the loss, in words.
    """
    fits = list(dict.fromkeys(losses["fit"]))
    colours = mpl.colormaps["cividis"](np.linspace(0, 0.9, len(fits)))
    several = bool((losses["network"] != 0).any())
    shown = {"train_loss": "Training loss", "val_loss": "Validation loss"}
    shown = {column: words for column, words in shown.items() if losses[column].notna().any()}
    notes = ["Thin: one network. Bold: mean over the networks of a fit."] * several
    notes += ["Dot: lowest validation loss."] * (len(shown) == 2)
    size, shape = (9.4 if len(shown) == 1 else 4.3, 4.2), (1, len(shown))
    title, caption = "Loss of model A by epoch", " ".join(notes)
    figure, axes = panels(title, caption, size, shape, right=1.4)
    for ax, (column, words) in zip(axes.flat, shown.items(), strict=True):
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
        ax.set_title(words)
        ax.set(xlabel="epoch", ylabel=f"{loss}, mean over lists (lower is better)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(axis="y")
    axes.flat[-1].legend(title="fit", loc="upper left", bbox_to_anchor=(1, 1))
    return figure


@look
def plot_learning_curves(
    curves: pd.DataFrame, means: pd.DataFrame, column: str, words: str, looks: Mapping[str, Look]
) -> Figure:
    """Draw a loss of model A in several runs by epoch, a thin line a network.

    Args:
        curves: What `nba_rank.evaluation.past_training.learning_curves` returns, of one kind.
        means: What `mean_curves` makes of it.
        column: The loss, a column of both.
        words: Its name.
        looks: How each run is drawn.
    """
    rows = curves.dropna(subset=[column])
    names = [name for name in looks if (rows["run"] == name).any()]
    caption = (
        "Lower is better. Thin: one network. Bold: mean over the networks of a run, as long as all "
        "of them learn."
    )
    right = room_for(names) + 0.4
    figure, axes = panels(sentence(words), caption, (4.4, 3.6), left=1, right=right)
    ax = axes.item()
    for name in names:
        own = rows[rows["run"] == name]
        wide = own.pivot(index="epoch", columns=["fit", "network"], values=column)  # noqa: PD010
        draw_together(ax, wide, color=looks[name].colour, lw=0.7, alpha=0.25)
    ends = {}
    for name in names:
        line = means[means["run"] == name].dropna(subset=[column])
        style = looks[name]._replace(width=2.4, marker="o")
        style.draw(ax, line["epoch"], line[column])
        ends[name] = (float(line[column].iloc[-1]), style)
    ax.set(xlabel="epoch", ylabel="mean over lists")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(axis="y")
    name_ends(ax, ends)
    return figure


_PANELS: dict[str, dict[str, tuple[str, str]]] = {
    "Entropy over that of equal weights": {"entropy_ratio": (BLUE, "mean of the heads")},
    "Divergence from minutes, nats": {"prior_kl": (BLUE, "")},
    "Largest weight of a team": {"attention_max": (BLUE, "")},
    "Fallbacks, share of heads": {"fallback_share": (BLUE, "")},
    "Training loss, the set's part": {"set_loss": (BLUE, "")},
    "Spread of the scores in a list": {"score_spread": (BLUE, "")},
    "Variance within a list": {
        "encoded_variance": (GREEN, "encoded players"), "pooled_variance": (BLUE, "pooled teams"),
    },
    "Gradient norms before clipping": dict(
        zip(GRADIENTS, zip((BLUE, GREEN, ORANGE), PARTS, strict=True), strict=True)
    ),
}  # fmt: skip
"""Colour and words of each column that a panel shows."""

_LEGENDS = ("center right", "center right", "lower right")
"""Places of the legends of the first and the last two panels."""


@look
def plot_diagnostics(diagnostics: pd.DataFrame) -> Figure:
    """Draw the health of model A by epoch, a thin line a network and a bold one for their mean.

    Args:
        diagnostics: Columns `fit`, `network`, `epoch` (-1 is before training) and the names of
            `nba_rank.models.model_a.diagnostics.Diagnostics.to_dict`.
    """
    known = diagnostics.replace([np.inf, -np.inf], np.nan)
    title = "Is model A's attention alive? Its health by epoch"
    caption = (
        "Thin: one network. Bold: mean over networks. Before: the first batch, untrained. "
        "Fallbacks are counted over an epoch, the rest is of its last batch. Norms of zero are not "
        "drawn. Minutes: weights by minutes alone. The set's part: the loss less that of the team "
        "prior alone."
    )
    size, shape = (3.4, 2.6), (2, 4)
    figure, axes = panels(title, caption, size, shape, left=0.75, right=0.1)
    for ax, (title, columns) in zip(axes.flat, _PANELS.items(), strict=True):
        for column, (colour, words) in columns.items():
            _draw_networks(ax, known, column, colour)
            mean = known.groupby("epoch")[column].mean()
            ax.plot(mean.index, mean, color=colour, lw=2.8, label=words)
        if len(columns) > 1:
            _scale_by_powers(ax)
        else:
            ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
        ax.set_title(title, fontsize=12)
        ax.tick_params(labelsize=10.5)
        ax.grid(axis="y")
        _label_epochs(ax, known["epoch"])
    _draw_heads(axes[0, 0], known)
    # No fallbacks is the rule: the line must not vanish in the axis.
    top = max(0.1, 1.1 * known["fallback_share"].max())
    axes[0, 3].set_ylim(-0.03 * top, top)
    axes[0, 3].yaxis.set_major_formatter(PercentFormatter(1))
    for ax, place in zip((axes[0, 0], *axes[1, 2:]), _LEGENDS, strict=True):
        ax.legend(fontsize=10, loc=place)
    return figure


def _draw_networks(ax: Axes, rows: pd.DataFrame, column: str, colour: object) -> None:
    """Draw a thin line a network."""
    wide = rows.pivot(index="epoch", columns=["fit", "network"], values=column)  # noqa: PD010
    draw_together(ax, wide, color=colour, lw=0.8, alpha=0.3)


def _scale_by_powers(ax: Axes) -> None:
    """Make the y axis logarithmic, with ticks between the powers of ten where it spans few."""
    ax.set_yscale("log", nonpositive="mask")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()


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
