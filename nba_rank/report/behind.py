"""Where the ranker of a run is behind a baseline, by which measure and by how much."""

import numpy as np
import pandas as pd

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.evaluation.evaluate import BASELINES
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, ranker_label
from nba_rank.report.text import points_of

MEASURES = {
    name: METRICS[name].words
    for name in ("spearman", "kendall", "rank_mae", "rank_rmse", "ndcg_16", "precision_8")
}
"""Measures by which rankers are compared, in words."""

SCOPES = ("league", "playoff16")
"""Lists of teams on which they are compared."""


def behind_section(summary: pd.DataFrame, ranker: str) -> str:
    """List the baselines that do better on average, by measure, list of teams and as-of point.

    Args:
        summary: What `nba_rank.evaluation.compare.summarise` returns.
        ranker: The ranker that is judged.
    """
    lines = []
    for scope in SCOPES:
        for metric, words in MEASURES.items():
            rows = summary[(summary["scope"] == scope) & (summary["metric"] == metric)]
            parts = []
            for point in points_of(rows):
                at_point = rows[rows["as_of_point"] == point].set_index("ranker")
                better = _better(at_point, ranker, higher_is_better(metric) is True)
                if better:
                    parts.append(f"{POINT_LABELS[point]} behind {', '.join(better)}")
            if parts:
                lines.append(f"- {SCOPE_LABELS[scope]}, {words}: {'; '.join(parts)}")
    title = "## Where it is behind a baseline\n\n"
    if not lines:
        return f"{title}Nowhere, by the mean of {', '.join(MEASURES.values())}."
    return title + "\n".join(lines)


def _better(at_point: pd.DataFrame, ranker: str, higher: bool) -> list[str]:
    """Name the better baselines, the best first, with their leads."""
    means = at_point["mean"]
    own, sign = means.get(ranker, np.nan), 1 if higher else -1
    # A mean over other seasons would be no match for it.
    same = at_point["n_seasons"] == at_point["n_seasons"].get(ranker)
    leads = (sign * (means[means.index.isin(BASELINES) & same] - own)).round(3)
    leads = leads[leads > 0].sort_values(ascending=False)
    return [f"{ranker_label(str(name))} by {lead:.3f}" for name, lead in leads.items()]
