"""The look that all figures share.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; no meaning rests on
colour alone.
"""

from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from nba_rank.files import write_atomically

BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
INK, GREY, PALE = "#222222", "#777777", "#DDDDDD"

_DPI = 120


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
    figure.supxlabel(text, fontsize=11, color=GREY, x=0.01, ha="left")


def save(figure: Figure, path: Path) -> None:
    """Write a PNG of 120 pixels an inch, whole or not at all."""
    write_atomically(
        path, lambda part: figure.savefig(part, format="png", dpi=_DPI, facecolor="white")
    )
