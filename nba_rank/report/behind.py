"""Where the ranker of a run is behind a baseline, by which measure, by how much and why."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.evaluation.evaluate import BASELINES
from nba_rank.evaluation.metrics import METRICS
from nba_rank.report.labels import METRIC_LABELS, POINT_LABELS, SCOPE_LABELS, ranker_label
from nba_rank.report.text import points_of

MEASURES = {
    name: METRIC_LABELS[name]
    for name in ("spearman", "kendall", "rank_mae", "rank_rmse", "ndcg_16", "precision_8")
}
"""Measures by which rankers are compared, in words."""

SCOPES = ("league", "playoff16")
"""Lists of teams on which they are compared."""

_RECORDS = (
    "All teams at the end: the ranks of those outside the playoffs are their records, which the "
    "standings know without error; only the playoff teams leave anything to tell."
)
_FEW = (
    "Inside the 16: eight of them leave in the first round and are then ordered by their records, "
    "and the rest is decided by a handful of series a season, most of it luck."
)
_LEVEL = (
    "Every gap to the standings there lies within the 95% interval of what the seasons can tell."
)


def behind_section(summary: pd.DataFrame, ranker: str) -> str:
    """List the baselines that do better on average, by measure, list of teams and as-of point.

    Args:
        summary: What `nba_rank.evaluation.compare.summarise` returns.
        ranker: The ranker that is judged.
    """
    lines, found = [], []
    for scope in SCOPES:
        for metric, words in MEASURES.items():
            rows = summary[(summary["scope"] == scope) & (summary["metric"] == metric)]
            parts = []
            for point in points_of(rows):
                at_point = rows[rows["as_of_point"] == point].set_index("ranker")
                better = _better(at_point, ranker, METRICS[metric].higher_is_better)
                if better:
                    parts.append(f"{POINT_LABELS[point]} behind {', '.join(better)}")
                    interval = at_point.loc[[ranker], ["diff_low", "diff_high"]].to_numpy()[0]
                    found.append((scope, point, interval))
            if parts:
                lines.append(f"- {SCOPE_LABELS[scope]}, {words}: {'; '.join(parts)}")
    title = "## Where it is behind a baseline\n\n"
    if not lines:
        return f"{title}Nowhere, by the mean of {', '.join(MEASURES.values())}."
    return title + "\n".join(lines) + "\n\nWhy: " + " ".join(_reasons(found))


def _better(at_point: pd.DataFrame, ranker: str, higher_is_better: bool) -> list[str]:
    """Name the better baselines, the best first, with their leads."""
    means = at_point["mean"]
    own, sign = means.get(ranker, np.nan), 1 if higher_is_better else -1
    # A mean over other seasons would be no match for it.
    same = at_point["n_seasons"] == at_point["n_seasons"].get(ranker)
    leads = (sign * (means[means.index.isin(BASELINES) & same] - own)).round(3)
    leads = leads[leads > 0].sort_values(ascending=False)
    return [f"{ranker_label(str(name))} by {lead:.3f}" for name, lead in leads.items()]


def _reasons(found: list[tuple[str, str, npt.NDArray[np.float64]]]) -> list[str]:
    """Say why, of each place as scope, point and interval of the difference to the standings."""
    places = {(scope, point) for scope, point, _ in found}
    reasons = []
    if ("league", "end") in places:
        reasons.append(_RECORDS)
    if any(scope == "playoff16" for scope, _ in places):
        reasons.append(_FEW)
    if all(low <= 0 <= high for _, _, (low, high) in found):
        reasons.append(_LEVEL)
    return reasons or ["not known: the baseline uses what the ranker should have learned."]
