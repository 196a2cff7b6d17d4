"""The look that all figures share: colours, places of panels and names, and how they are saved.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; no meaning rests on
colour alone.
"""

import io
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from nba_rank.core.files import write_atomically, write_text

BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
INK, GREY, PALE = "#222222", "#777777", "#DDDDDD"

_DPI = 120
_COLOURS = 128

_OF_THE_PAGE = {
    BLUE: "c1", ORANGE: "c2", GREEN: "c3", PURPLE: "c4", SKY: "c5",
    INK: "ink", GREY: "faint", PALE: "rule", "#FFFFFF": "paper", "#000000": "ink",
}  # fmt: skip
"""Variables of the style sheet of pages that stand for colours, in the light and in the dark."""


look = mpl.rc_context(
    {
        "font.size": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "axes.titlesize": 14,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titley": 1.0,
        "axes.axisbelow": True,
        "grid.color": PALE,
        "legend.frameon": False,
        "legend.fontsize": 11,
        "text.color": INK,
        "text.hinting": "none",
        "text.parse_math": False,
    }
)
"""Decorator of functions that draw: gives their figures the common look."""


class Look(NamedTuple):
    """How a line is drawn; a bold one lies in front and has a bold name."""

    colour: str
    width: float = 1.4
    dash: str = "-"
    marker: str = ""
    bold: bool = False

    def draw(self, ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike) -> None:
        """Draw a line."""
        ax.plot(x, y, color=self.colour, lw=self.width, ls=self.dash, marker=self.marker, ms=4,
                zorder=3 if self.bold else 2)  # fmt: skip


def panels(
    title: str,
    caption: str,
    size: tuple[float, float],
    shape: tuple[int, int] = (1, 1),
    *,
    left: float = 0.8,
    right: float = 0.15,
    bottom: float = 0.65,
    top: float = 0.4,
) -> tuple[Figure, npt.NDArray[Any]]:
    """Return a new figure and its axes, an array of `shape`.

    All places are fixed: to find them takes matplotlib as long as to draw.

    Args:
        title: Written over the figure.
        caption: Written below it.
        size: Width and height of each panel, in inches like all lengths.
        shape: Rows and columns of panels.
        left: Room to the left of each panel, for its labels.
        right: Room to the right.
        bottom: Room below.
        top: Room above.
    """
    rows, columns = shape
    width = columns * (left + size[0] + right)
    lines = textwrap.wrap(caption, int(11 * width))
    head, foot = 0.42, 0.12 + 0.19 * len(lines)
    height = head + rows * (top + size[1] + bottom) + foot
    figure = Figure(figsize=(width, height), dpi=_DPI)
    figure.suptitle(title, x=0.12 / width, y=1 - 0.08 / height, ha="left", va="top",
                    fontsize=16, fontweight="bold")  # fmt: skip
    figure.supxlabel("\n".join(lines), x=0.12 / width, y=0.08 / height, ha="left",
                     fontsize=11, color=GREY)  # fmt: skip
    axes = np.empty(shape, dtype=object)
    for row, column in np.ndindex(shape):
        x = left + column * (left + size[0] + right)
        y = foot + bottom + (rows - 1 - row) * (top + size[1] + bottom)
        place = (x / width, y / height, size[0] / width, size[1] / height)
        axes[row, column] = ax = figure.add_axes(place)
        ax.xaxis.set_label_coords(0.5, -0.33 / size[1])
        ax.yaxis.set_label_coords(-(left - 0.3) / size[0], 0.5)
    return figure, axes


@look
def save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all, as PNG or as SVG, by the ending of the path.

    A PNG has a palette, which takes a quarter of the bytes. A page takes an SVG in as it is: its
    colours are those of the page, by the names in `_OF_THE_PAGE`, or else those of the figure; its
    text is text in the font of the page; its ids begin with the name of the file.
    """
    if path.suffix == ".svg":
        figure.set(facecolor="white")
        write_text(path, _svg(figure, path.stem))
        return
    canvas = FigureCanvasAgg(figure)
    figure.set(dpi=_DPI, facecolor="white")
    canvas.draw()
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
    small = picture.convert("RGB").quantize(
        _COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    write_atomically(path, lambda part: small.save(part, format="png"))


def _svg(figure: Figure, name: str) -> str:
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        FigureCanvasSVG(figure).print_svg(text, metadata=dict.fromkeys(("Date", "Creator")))
    svg = text.getvalue()
    svg = svg[svg.index("<svg ") :]
    svg = re.sub(
        r"(?s) <metadata>.*?</metadata>\n| <defs>\n  <style.*?</style>\n </defs>\n", "", svg
    )
    svg = svg.replace(
        "<svg ",
        '<svg stroke-linejoin="round" stroke-linecap="butt" '
        "font-family=\"system-ui, 'DejaVu Sans', sans-serif\" ",
        1,
    )
    svg = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\ufffd", svg)  # no characters of XML
    svg = re.sub(r' font-family: [^;"<]*', "", svg)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r"(?<=: )#[0-9a-f]{6}\b", _colour, svg)


def _colour(found: re.Match[str]) -> str:
    colour = found[0]
    name = _OF_THE_PAGE.get(colour.upper())
    return f"var(--{name}, {colour})" if name else colour


def draw_together(ax: Axes, wide: pd.DataFrame, **style: Any) -> None:  # noqa: ANN401
    """Draw the columns of a frame over its index, as one line with gaps: many lines take long."""
    n = wide.shape[1]
    y = np.vstack([wide, np.full(n, np.nan)]).ravel(order="F")
    ax.plot(np.tile(wide.index.append(pd.Index([None])), n), y, **style)


def room_for(names: Iterable[str]) -> float:
    """Return the inches that the longest of some names takes."""
    return 0.3 + 0.088 * max(map(len, names), default=0)


def name_ends(ax: Axes, ends: Mapping[str, tuple[float, Look]]) -> None:
    """Write the name of each line to its right, moved apart where lines end together."""
    low, high = ax.get_ylim()
    names = sorted(ends, key=lambda name: -ends[name][0])
    target = (np.array([ends[name][0] for name in names]) - low) / (high - low)
    places = spread_apart(target, gap=min(0.05, 0.9 / len(names)), low=0, high=1)
    inch = _DPI / ax.bbox.width
    start, end, text = (1 + inch * inches for inches in (0.06, 0.3, 0.36))
    for name, y, place in zip(names, target, places, strict=True):
        look = ends[name][1]
        ax.plot([start, end], [y, place], color=look.colour, lw=1, ls=look.dash, clip_on=False,
                transform=ax.transAxes)  # fmt: skip
        ax.text(text, place, name, color=look.colour, va="center", fontsize=11,
                fontweight="bold" if look.bold else "normal", transform=ax.transAxes)  # fmt: skip


def spread_apart(
    target: npt.NDArray[np.float64], gap: float, low: float, high: float
) -> npt.NDArray[np.float64]:
    """Move descending positions at least `gap` apart, as little as possible, within bounds.

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
