"""Small charts of a web page as inline SVG.

They are written by hand and not by matplotlib or Altair. A page has a chart for each of thirty
teams: with matplotlib they take 0.7 s, ten times the whole page, and colours and sizes of text are
fixed, so that a chart follows neither a dark screen nor a narrow one. Altair's runtime is 830 kB,
three times a page, and draws nothing without JavaScript. Here lines keep their width while the
drawing stretches, and words stand beside it as HTML, which keeps its size.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from nba_rank.core.arrays import FloatArray

_LINE = ' vector-effect="non-scaling-stroke"'


def share(values: npt.ArrayLike, low: float, high: float) -> FloatArray:
    """Return where values lie between two bounds, percent; half-way where these are equal."""
    given = np.asarray(values, dtype=np.float64)
    if high <= low:
        return np.full(given.shape, 50.0)
    return np.asarray(100 * (given - low) / (high - low))


def path(x: FloatArray, y: FloatArray) -> str:
    """Return a line through points, percent from the left and the top; a point alone is a dot."""
    known = ~np.isnan(y)
    points = [f"{a:.1f} {b:.1f}" for a, b in zip(x[known], y[known], strict=True)]
    if len(points) == 1:
        points *= 2
    return "M" + "L".join(points) if points else ""


def drawing(shapes: Sequence[str], label: str = "") -> Markup:
    """Return a picture of shapes; without a label it is hidden from those who cannot see it."""
    told = Markup('role="img" aria-label="{}"').format(label) if label else 'aria-hidden="true"'
    body = "".join(shapes)
    return Markup(f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" {told}>{body}</svg>')


def line(x: FloatArray, y: FloatArray, style: str) -> str:
    """Return a line of a class of the style sheet."""
    return f'<path class="{style}" d="{path(x, y)}"{_LINE}/>'


def rule(y: float, style: str = "grid") -> str:
    """Return a line across, percent from the top."""
    return f'<path class="{style}" d="M0 {y:.1f}H100"{_LINE}/>'


def band(x: FloatArray, low: FloatArray, high: FloatArray) -> str:
    """Return the area between two lines, percent from the left and the top."""
    known = ~(np.isnan(low) | np.isnan(high))
    x, low, high = x[known], low[known], high[known]
    if len(x) == 1:
        # A point alone has no area: it gets the width of a line.
        return f'<path class="bandline" d="M{x[0]:.1f} {low[0]:.1f}V{high[0]:.1f}"{_LINE}/>'
    if not len(x):
        return ""
    outline = path(np.r_[x, x[::-1]], np.r_[low, high[::-1]])
    return f'<path class="band" d="{outline}Z"/>'
