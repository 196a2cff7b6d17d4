"""Pieces of text that the sections of an analysis share."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.report.labels import POINT_LABELS, ranker_label

ABSENT = "–"  # noqa: RUF001


def markdown_table(frame: pd.DataFrame) -> str:
    """Return a frame of text as a Markdown table: first column to the left, others to the right."""
    header = [str(name) for name in frame.columns]
    rule = ["---"] + ["---:"] * (len(header) - 1)
    body = frame.astype(str).to_numpy().tolist()
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
        for row in [header, rule, *body]
    )


def number(value: float) -> str:
    """Return three decimals, or `ABSENT`."""
    return f"{value:.3f}" if np.isfinite(value) else ABSENT


def signed(value: float) -> str:
    """Return three decimals with their sign, or `ABSENT`."""
    return f"{value:+.3f}" if np.isfinite(value) else ABSENT


def share(value: float) -> str:
    """Return whole percents, or `ABSENT`."""
    return f"{value:.0%}" if np.isfinite(value) else ABSENT


def intervals(low: pd.Series, high: pd.Series) -> list[str]:
    """Return one interval a row, or `ABSENT`."""
    return [
        f"{a:+.3f} to {b:+.3f}" if np.isfinite([a, b]).all() else ABSENT
        for a, b in zip(low, high, strict=True)
    ]


def points_of(rows: pd.DataFrame) -> list[str]:
    """Return the as-of points that a table holds, in order."""
    present = set(rows["as_of_point"])
    return [point for point in POINT_LABELS if point in present]


def seasons(rows: pd.DataFrame) -> str:
    """Return the number of test seasons in words."""
    n = int(rows["n_seasons"].max())
    return f"{n} test season{'' if n == 1 else 's'}"


def labels_of(rows: pd.DataFrame) -> dict[str, str]:
    """Return the words for each ranker of a summary, with its seasons where they are not all."""
    counts = rows.groupby("ranker", sort=False)["n_seasons"].max()
    n = counts.max()
    return {
        str(name): ranker_label(str(name)) + (f" ({count} of {n} seasons)" if count < n else "")
        for name, count in counts.items()
    }


def by_sign(difference: pd.Series, phrases: Mapping[int, str]) -> str:
    """Put into words at which points a difference is above, at and below zero.

    Args:
        difference: By as-of point; judged to the three decimals that are printed, since a
            difference that reads 0.000 is none.
        phrases: What to say of 1, 0 and -1, in the order in which to say it.
    """
    sign = np.sign(difference.round(3))
    parts = []
    for value, phrase in phrases.items():
        points = [POINT_LABELS[point] for point in difference.index[sign == value]]
        if points:
            every = len(points) == len(difference)
            where = "every point of the season" if every else ", ".join(points)
            parts.append(f"{phrase} at {where}")
    return "; ".join(parts)


def excludes_zero(low: pd.Series, high: pd.Series, what: str, above: str, below: str) -> str:
    """Say at which points a 95% interval excludes zero.

    Args:
        low: Lower bound by as-of point; NaN where there is no interval.
        high: Upper bound, likewise.
        what: Name of the quantity.
        above: What it is above zero, such as `ahead`.
        below: What it is below zero.
    """
    if low.isna().all():
        return f"With fewer than {MIN_SEASONS} seasons no interval is given."
    firm = [
        f"{word} at {', '.join(POINT_LABELS[point] for point in low.index[mask])}"
        for word, mask in ((above, low > 0), (below, high < 0))
        if mask.any()
    ]
    if not firm:
        return f"At no point does the 95% interval of the {what} exclude zero."
    return f"The 95% interval of the {what} excludes zero where it is {'; '.join(firm)}."
