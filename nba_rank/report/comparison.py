"""What there is to report of runs side by side, and how its numbers are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.evaluation.paired import MEAN, SIGNIFICANT
from nba_rank.evaluation.past_runs import STANDINGS, Found, PastRun
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, metric_label
from nba_rank.report.text import ABSENT

Row = Mapping[str, Any]
"""A row of the differences."""

RANKING = [
    *((name, "league") for name in (
        "spearman", "kendall", "rank_mae", "rank_rmse",
        "ndcg_4", "ndcg_16", "ndcg_20", "precision_8",
    )),
    ("spearman", "playoff16"),
]  # fmt: skip
"""Measures of rankings that are tabulated, metric and scope; the others are in the files."""

PROBABILITIES = [
    (name, "league") for name in (
        "champion_log_loss", "champion_brier", "finals_brier", "round_2_brier", "round_1_brier",
        "playoff_brier", "playoff_log_loss", "advancement_log_loss",
    )
]  # fmt: skip
"""Likewise those of probabilities at the as-of points."""

GAMES = [
    *((name, scope) for scope in ("regular", "playoffs")
      for name in ("game_brier", "game_log_loss")),
    ("series_brier", "league"), ("series_log_loss", "league"),
]  # fmt: skip
"""Likewise those of games and playoff series, of which there is one value a season."""

MEASURES = [*RANKING, *PROBABILITIES, *GAMES]


@dataclass(frozen=True)
class Comparison:
    """What there is to report.

    Attributes:
        run: Name of the comparison's own run folder.
        found: The runs and sweeps.
        baseline: Name of the run that differences are taken to.
        metric: Metric of the figures, the console and the first tables.
        scores: What `nba_rank.evaluation.past_runs.common_scores` returns.
        differences: What `nba_rank.evaluation.paired.paired` returns.
    """

    run: str
    found: Found
    baseline: str
    metric: str
    scores: pd.DataFrame
    differences: pd.DataFrame

    @property
    def runs(self) -> dict[str, PastRun]:
        """The runs by name, the baseline first."""
        ordered = sorted(self.found.runs, key=lambda run: run.name != self.baseline)
        return {run.name: run for run in ordered}

    @property
    def others(self) -> list[str]:
        """Names of the runs but the baseline."""
        return [name for name in self.runs if name != self.baseline]

    @property
    def seasons(self) -> list[str]:
        """The seasons that all runs were tested on, in order."""
        return sorted(self.scores["season"].unique())

    @property
    def main_point(self) -> str:
        """The point that stands for all of them: the mean, or the only one that there is."""
        return str(self.of_metric(self.metric, "league")["as_of_point"].iloc[0])

    def of_metric(self, metric: str, scope: str) -> pd.DataFrame:
        """Return the differences of one metric of some teams, the standings' among them."""
        rows = self.differences
        return rows[(rows["metric"] == metric) & (rows["scope"] == scope)]

    def summed_up(self) -> pd.DataFrame:
        """Return the runs' differences by the measures that are tabulated, one row a measure.

        Each is that of the mean over the points, or of the only point, under `measure` in words.
        """
        label = {measure: measure_label(*measure) for measure in MEASURES}
        rows = self.differences[self.differences["ranker"] != STANDINGS]
        # The mean over the points comes before the points.
        rows = rows.drop_duplicates(["ranker", "metric", "scope"])
        measures = zip(rows["metric"], rows["scope"], strict=True)
        rows = rows.assign(measure=[label.get(measure, "") for measure in measures])
        order = {words: place for place, words in enumerate(label.values())}
        return rows[rows["measure"] != ""].sort_values(
            "measure", key=lambda column: column.map(order), kind="stable", ignore_index=True
        )


def records(rows: pd.DataFrame) -> list[Row]:
    """Return rows as mappings."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def is_significant(row: Row) -> bool:
    """Return whether a difference is significant."""
    return row["verdict"] in SIGNIFICANT


def number(value: float, metric: str) -> str:
    """Return a value of a metric, or `ABSENT`."""
    return f"{value:.{METRICS[metric].digits}f}" if np.isfinite(value) else ABSENT


def signed(value: float, metric: str) -> str:
    """Return a difference with its sign, or `ABSENT`; what rounds to zero has a plus."""
    digits = METRICS[metric].digits
    return f"{round(value, digits) + 0.0:+.{digits}f}" if np.isfinite(value) else ABSENT


def difference(row: Row) -> str:
    """Return a difference with its interval, where it has one."""
    gap, low, high = (signed(row[name], row["metric"]) for name in ("difference", "low", "high"))
    return gap if low == ABSENT else f"{gap} ({low} to {high})"


def measure_label(metric: str, scope: str) -> str:
    """Return the words for a metric of some teams, with an arrow to where it is better."""
    where = "" if scope == "league" else f", {SCOPE_LABELS.get(scope, scope)}"
    return f"{metric_label(metric)}{where} {'↑' if higher_is_better(metric) else '↓'}"


def point_label(point: str) -> str:
    """Return the words for an as-of point, or for the mean over them."""
    return POINT_LABELS.get(point, point)


def when(point: str) -> str:
    """Return the words for an as-of point in a sentence."""
    return "in the mean over the points" if point == MEAN else f"at {point_label(point)}"
