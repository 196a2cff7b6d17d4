"""The analysis of a comparison of calibrations: ways to probabilities side by side."""

from dataclasses import dataclass

import pandas as pd
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.report.forecast_figures import plot_reliability
from nba_rank.report.format import console_table, pivot, print_table, where
from nba_rank.report.labels import FORECAST_LABELS, span
from nba_rank.report.render import Album, write_analysis

VARIANT_LABELS = {
    "none": "simulation alone",
    "platt_stack": "Platt of the stack",
    "platt_per_model": "Platt of each model",
}
"""Words for the ways."""


@dataclass(frozen=True)
class CalibrationReport:
    """What there is to report.

    Attributes:
        reliability: Bins by `variant` and `event`, see
            `nba_rank.evaluation.calibration.reliability_tables`.
        means: Scores by variant as `ranker` and event as `part`, means over the seasons; the part
            `order` is the skill of ranking the teams by the sum of their probabilities.
        differences: The same scores minus those of the simulation alone.
        calibration: What `nba_rank.evaluation.calibration.calibration_table` returns.
    """

    ranker: str
    seasons: list[str]
    reliability: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame


def write_calibration_report(report: CalibrationReport, run_dir: RunDir, console: Console) -> None:
    """Draw the figures, write the analysis and print the Brier scores."""
    album = Album(run_dir)
    for variant, rows in report.reliability.groupby("variant", sort=False):
        tables = {words: rows[rows["event"] == event] for event, words in FORECAST_LABELS.items()}
        words = VARIANT_LABELS[str(variant)]
        figure = plot_reliability(tables, f"How often it happened: {words}")
        album.add(f"Reliability, {words}", f"reliability_{variant}", figure)
    means = _named(report.means)
    context = {
        "ranker": report.ranker,
        "seasons": span(report.seasons),
        "means": means,
        "differences": _named(report.differences),
        "calibration": _named(report.calibration),
        "events": [*FORECAST_LABELS.values()],
    }
    brier = pivot(where(means, metric="brier"), "event", "way")
    print_table(console_table(brier, "Brier score, lower is better"), console)
    write_analysis(run_dir, "calibration.md.j2", context, album, console)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the words for ways and events, and put the events in order, `order` last."""
    frame = frame.assign(
        way=frame["ranker"].map(VARIANT_LABELS), event=frame["part"].replace(FORECAST_LABELS)
    )
    order = [*FORECAST_LABELS, "order"]
    return frame.sort_values("part", key=lambda part: part.map(order.index), kind="stable")
