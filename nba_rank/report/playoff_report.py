"""The analysis of the playoff classifier: who makes the playoffs."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from rich.console import Console

from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.paired import MEAN
from nba_rank.evaluation.playoff_forecasts import PlayoffFindings
from nba_rank.evaluation.predictions import as_json
from nba_rank.report.forecast_figures import plot_reliability
from nba_rank.report.format import console_table, pivot, print_table, where
from nba_rank.report.labels import FORECASTER_LABELS, span
from nba_rank.report.render import Album, write_analysis
from nba_rank.report.season_figures import plot_playoff_scores
from nba_rank.samples.playoff_splits import REFERENCE, WALK_FORWARD, PlayoffSplit

DESIGNS = {WALK_FORWARD: "Walk-forward", REFERENCE: "Reference split"}
"""Words for the designs, in order."""

_SURPRISE_POINTS = ("0.25", "0.5", "0.75")
"""As-of points of which the forecasts furthest off are shown, three teams each."""


@dataclass(frozen=True)
class PlayoffReport:
    """What there is to report.

    Attributes:
        splits: The splits, the reference first.
        n_trees: Trees asked by each split's classifier, by name of the split.
        forecasts: The forecasts that `found` judges.
        predictions: The classifier's forecasts on all dates of the test seasons.
        seconds: Seconds of each stage.
    """

    splits: list[PlayoffSplit]
    n_trees: Mapping[str, int]
    forecasts: pd.DataFrame
    predictions: pd.DataFrame
    found: PlayoffFindings
    seconds: Mapping[str, float]

    def tests(self, design: str) -> list[str]:
        """Return the test seasons of a design, in order."""
        return [split.test for split in self.splits if split.design == design]


def write_playoff_report(report: PlayoffReport, run_dir: RunDir, console: Console) -> None:
    """Write tables, figures and the analysis, and print the Brier scores."""
    _write_tables(report, run_dir)
    means = _named(report.found.means)
    splits = [
        {
            "design": DESIGNS[split.design], "train": span(split.train), "test": split.test,
            "validation": split.validation, "trees": report.n_trees[split.name],
        }
        for split in report.splits
    ]  # fmt: skip
    calibration = _named(report.found.calibration)
    context = {
        "simulated": "simulation" in set(report.forecasts["ranker"]),
        "designs": {name: (words, span(report.tests(name))) for name, words in DESIGNS.items()},
        "means": means,
        "differences": _named(where(report.found.differences, as_of_point=MEAN), "reference"),
        "calibration": calibration.rename(columns={"ece_floor": "low", "ece_floor_95": "high"}),
        "surprises": _surprises(report),
        "splits": pd.DataFrame(splits),
        "seconds": pd.DataFrame([*report.seconds.items()], columns=["stage", "seconds"]),
    }
    for design, words in DESIGNS.items():
        rows = where(means, part=design, metric="playoff_brier")
        title = f"{words}, {span(report.tests(design))}: Brier score, lower is better"
        print_table(console_table(pivot(rows, "ranker", "list"), title), console)
    write_analysis(run_dir, "playoff.md.j2", context, draw(report, run_dir), console)


def _write_tables(report: PlayoffReport, run_dir: RunDir) -> None:
    found = report.found
    tables = {
        "metrics.csv": found.metrics,
        "summary.csv": found.means,
        "differences.csv": found.differences,
        "calibration.csv": found.calibration,
        "forecasts.csv": report.forecasts,
        "predictions.parquet": report.predictions,
        "predictions.csv": report.predictions,
    }
    for name, table in tables.items():
        run_dir.write_frame(name, table)
    run_dir.write_text("predictions.json", as_json(report.predictions))
    run_dir.write_json(
        "metrics.json",
        {
            "ranker": CLONE,
            "test_seasons": {design: report.tests(design) for design in DESIGNS},
            "trees": dict(report.n_trees),
            "seconds": dict(report.seconds),
        },
    )


def _named(rows: pd.DataFrame, column: str = "ranker") -> pd.DataFrame:
    """Return rows with forecasters in words and in order."""
    order = [*FORECASTER_LABELS]
    rows = rows.sort_values(column, key=lambda one: one.map(order.index), kind="stable")
    return rows.assign(**{column: rows[column].map(FORECASTER_LABELS)})


def _surprises(report: PlayoffReport) -> pd.DataFrame:
    """Return the teams of the reference hold-out whose forecasts were furthest off."""
    table = where(report.predictions, design=REFERENCE, as_of_point=_SURPRISE_POINTS)
    off = (table["playoff_prob"] - table["made_playoffs"]).abs()
    ordered = table.assign(off=off).sort_values(["as_of_date", "off"], ascending=[True, False])
    return ordered.groupby("as_of_date").head(3)


def draw(report: PlayoffReport, run_dir: RunDir) -> Album:
    """Draw the figures."""
    album = Album(run_dir)
    figure = plot_playoff_scores(report.found.means, DESIGNS)
    album.add("Brier score and AUC over the season", "scores_over_season", figure)
    for design, words in DESIGNS.items():
        own = where(report.found.reliability, design=design)
        tables = {
            name: rows
            for ranker, name in FORECASTER_LABELS.items()
            if ranker != "random" and not (rows := own[own["ranker"] == ranker]).empty
        }
        title = f"In the playoffs as often as forecast? {words}, {span(report.tests(design))}"
        figure = plot_reliability(tables, title)
        album.add(f"Reliability, {words.lower()}", f"reliability_{design}", figure)
    return album
