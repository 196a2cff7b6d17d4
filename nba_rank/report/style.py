"""The look that all figures share.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; no meaning rests on
colour alone.
"""

import textwrap
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from nba_rank.core.files import write_atomically

BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
INK, GREY, PALE = "#222222", "#777777", "#DDDDDD"

_DPI = 120
_COLOURS = 128


def style() -> AbstractContextManager[None]:
    """Return a context in which new figures have the common look."""
    return mpl.rc_context(
        {
            "font.size": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.titlesize": 14,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "text.color": INK,
        }
    )


def set_title(figure: Figure, text: str) -> None:
    """Write a title over the whole figure."""
    figure.suptitle(text, fontsize=16, fontweight="bold", x=0.01, ha="left")


def set_caption(figure: Figure, text: str) -> None:
    """Write a sentence under the whole figure."""
    wrapped = textwrap.fill(text, int(11 * figure.get_figwidth()))
    figure.supxlabel(wrapped, fontsize=11, color=GREY, x=0.01, ha="left")


def save(figure: Figure, path: Path) -> None:
    """Write a PNG of 120 pixels an inch with a palette, whole or not at all.

    A palette of `_COLOURS` takes a quarter of the bytes; no figure has more colours than it can
    tell apart.
    """
    canvas = FigureCanvasAgg(figure)
    figure.set(dpi=_DPI, facecolor="white")
    canvas.draw()
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
    small = picture.convert("RGB").quantize(
        _COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    write_atomically(path, lambda part: small.save(part, format="png"))


def spread_apart(
    target: npt.NDArray[np.float64], gap: float, low: float, high: float
) -> npt.NDArray[np.float64]:
    """Move descending positions at least `gap` apart, as little as possible, within bounds.

    Args:
        target: Float, shape (N,), descending.
        gap: Least distance of neighbours.
        low: Lower bound.
        high: Upper bound.

    Returns:
        Float, shape (N,), descending.

    With the gaps taken out this is isotonic regression: neighbours that are too close are pooled.
    """
    offsets = gap * np.arange(len(target))
    blocks: list[list[float]] = []
    for value in target + offsets:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) < np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    pooled = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    return np.minimum(np.maximum(pooled, low + offsets[-1]), high) - offsets
