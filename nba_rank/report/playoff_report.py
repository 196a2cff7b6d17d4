"""Who makes the playoffs, for people: tables, figures and an analysis of the classifier."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import RunDir
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.paired import MEAN
from nba_rank.evaluation.playoff_forecasts import SCORES, PlayoffFindings
from nba_rank.evaluation.predictions import as_json
from nba_rank.report.calibration_figures import plot_reliability
from nba_rank.report.differences import differences, measure_label, span, values
from nba_rank.report.format import console_table, number, pivot, print_table
from nba_rank.report.labels import POINT_LABELS
from nba_rank.report.render import Figure as Drawn
from nba_rank.report.render import write_analysis
from nba_rank.report.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    save,
    set_caption,
    set_title,
    style,
)
from nba_rank.samples.playoff_splits import REFERENCE, WALK_FORWARD, PlayoffSplit

FORECASTERS = {
    CLONE: "playoff classifier",
    "simulation": "season simulator",
    "standings": "standings logistic",
    "elo": "Elo logistic",
    "random": "chance",
}
"""Words for who forecasts, in order."""

DESIGNS = {WALK_FORWARD: "Walk-forward", REFERENCE: "Reference split"}
"""Words for the designs, in order."""

_SURPRISE_POINTS = ("0.25", "0.5", "0.75")
"""As-of points at which the forecasts furthest off are told, three teams each."""

_LINES: dict[str, tuple[str, float, str]] = {
    # forecaster: (colour, width, dash)
    CLONE: (BLUE, 3.0, "-"),
    "simulation": (PURPLE, 1.6, "--"),
    "standings": (ORANGE, 2.2, "-"),
    "elo": (INK, 1.4, ":"),
}


@dataclass(frozen=True)
class PlayoffReport:
    """What there is to report.

    Attributes:
        splits: The splits, the reference first.
        n_trees: Trees asked by each split's classifier, by name of the split.
        forecasts: What `nba_rank.evaluation.playoff_forecasts` was asked to judge.
        predictions: The classifier's forecasts on all dates of the test seasons.
        found: What was found.
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
    found = report.found
    run_dir.write_frame("metrics.csv", found.metrics)
    run_dir.write_frame("summary.csv", found.means)
    run_dir.write_frame("differences.csv", found.differences)
    run_dir.write_frame("calibration.csv", found.calibration)
    run_dir.write_frame("forecasts.csv", report.forecasts)
    run_dir.write_frame("predictions.parquet", report.predictions)
    run_dir.write_frame("predictions.csv", report.predictions)
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
    named = _named(found.means)
    splits = [
        {
            "design": DESIGNS[split.design], "train": span(split.train), "test": split.test,
            "validation": split.validation, "trees": report.n_trees[split.name],
        }
        for split in report.splits
    ]  # fmt: skip
    context = {
        "simulated": "simulation" in set(report.forecasts["ranker"]),
        "designs": [_design(report, design) for design in DESIGNS],
        "surprises": _surprises(report),
        "splits": pd.DataFrame(splits),
        "seconds": pd.DataFrame(
            {"stage": [*report.seconds], "seconds": [*report.seconds.values()]}
        ),
    }
    drawn = _figures(report, run_dir.path / "figures")
    analysis = write_analysis(run_dir, "playoff.md.j2", context, drawn)
    for design, words in DESIGNS.items():
        rows = named[(named["part"] == design) & (named["metric"] == "playoff_brier")]
        title = f"{words}, {span(report.tests(design))}: Brier score, lower is better"
        print_table(console_table(values(rows, "ranker", "list", "forecaster"), title), console)
    console.print(f"Run folder: {run_dir.path}, analysis: {analysis.name}")


def _named(rows: pd.DataFrame, column: str = "ranker") -> pd.DataFrame:
    """Return rows with forecasters in words and in order, with their seasons if they lack some."""
    rows = rows.sort_values(column, key=lambda one: one.map([*FORECASTERS].index), kind="stable")
    if "n_seasons" not in rows:
        return rows.assign(**{column: rows[column].map(FORECASTERS)})
    n = rows.groupby(["part", column])["n_seasons"].transform("max")
    most = rows.groupby("part")["n_seasons"].transform("max")
    few = [f" ({own} of {all_} seasons)" if own < all_ else "" for own, all_ in
           zip(n, most, strict=True)]  # fmt: skip
    return rows.assign(**{column: rows[column].map(FORECASTERS) + few})


def _design(report: PlayoffReport, design: str) -> dict[str, object]:
    """Return what the template says of one design."""
    means, gaps, calibration = (
        frame[frame["part"] == design]
        for frame in (report.found.means, report.found.differences, report.found.calibration)
    )
    gaps = _named(gaps[gaps["as_of_point"] == MEAN], "reference")
    measures = [measure_label(metric, "league") for metric in gaps["metric"]]
    means = _named(means)
    bounds = zip(*(calibration[name] for name in ("ece", "ece_floor", "ece_floor_95")), strict=True)
    texts = [f"{number(a)} ({number(b)}, {number(c)})" for a, b, c in bounds]
    calibration = _named(calibration.assign(text=texts))
    return {
        "title": DESIGNS[design],
        "seasons": span(report.tests(design)),
        "differences": differences(gaps.assign(measure=measures), "reference", "measure", "minus"),
        "scores": [
            (measure_label(metric, "league"), values(rows, "ranker", "list", "forecaster"))
            for metric in SCORES
            for rows in [means[means["metric"] == metric]]
        ],
        "calibration": pivot(calibration, "ranker", "as_of_point", "text", "", "forecaster"),
    }


def _surprises(report: PlayoffReport) -> pd.DataFrame:
    """Return the teams of the reference hold-out whose forecasts were furthest off."""
    table = report.predictions
    table = table[(table["design"] == REFERENCE) & table["as_of_point"].isin(_SURPRISE_POINTS)]
    off = (table["playoff_prob"] - table["made_playoffs"]).abs()
    ordered = table.assign(off=off).sort_values(["as_of_date", "off"], ascending=[True, False])
    return ordered.groupby("as_of_date").head(3)


def _figures(report: PlayoffReport, folder: Path) -> list[Drawn]:
    """Draw the figures; return caption and relative path of each."""
    plot_scores(report.found.means, folder / "scores_over_season.png")
    figures = [("Brier score and AUC over the season", "scores_over_season")]
    for design, label in DESIGNS.items():
        own = report.found.reliability[report.found.reliability["design"] == design]
        tables = {
            words: rows
            for ranker, words in FORECASTERS.items()
            if ranker != "random" and not (rows := own[own["ranker"] == ranker]).empty
        }
        title = f"In the playoffs as often as forecast? {label}, {span(report.tests(design))}"
        plot_reliability(tables, folder / f"reliability_{design}.png", title)
        figures.append((f"Reliability, {label.lower()}", f"reliability_{design}"))
    return [(caption, f"figures/{name}.png") for caption, name in figures]


def plot_scores(means: pd.DataFrame, path: Path) -> None:
    """Draw AUC and Brier score over the season, a row a score and a column a design.

    Args:
        means: As in `PlayoffFindings`.
        path: PNG to write, about 1560 pixels wide. Bands, the 95% intervals over seasons, are
            drawn for the classifier only, where there are enough seasons.
    """
    designs = [name for name in DESIGNS if (means["part"] == name).any()]
    with style():
        figure = Figure(figsize=(13, 9.6), layout="constrained")
        axes = figure.subplots(2, len(designs), squeeze=False, sharex=True, sharey="row")
        for row, metric in zip(axes, ("playoff_brier", "playoff_auc"), strict=True):
            for ax, design in zip(row, designs, strict=True):
                of = (means["part"] == design) & (means["metric"] == metric)
                _draw_lines(ax, means[of])
                n = means.loc[of, "n_seasons"].max()
                ax.set_title(f"{DESIGNS[design]}, test seasons: {n}")
            better = "higher" if higher_is_better(metric) else "lower"
            row[0].set_ylabel(f"{METRICS[metric].words} ({better} is better)")
        for ax in axes[-1]:
            ax.set_xlabel("regular season played")
        axes[0, 0].legend(frameon=False, loc="upper right")
        set_title(figure, "How well the playoff teams are foreseen")
        chance = means[(means["ranker"] == "random") & (means["metric"] == "playoff_brier")]
        set_caption(
            figure,
            "Band: 95% t interval over seasons of the playoff classifier. Chance has an "
            f"AUC of .5 and a Brier score of {chance['value'].mean():.3f} (not drawn).",
        )
        save(figure, path)


def _draw_lines(ax: Axes, rows: pd.DataFrame) -> None:
    x = np.arange(len(AS_OF_POINTS))
    for ranker, (colour, width, dash) in _LINES.items():
        line = rows[rows["ranker"] == ranker].set_index("as_of_point").reindex(AS_OF_POINTS)
        if line["value"].isna().all():
            continue
        front = 3 if ranker == CLONE else 2
        ax.plot(
            x, line["value"], color=colour, lw=width, ls=dash, zorder=front, marker="o", ms=4,
            label=FORECASTERS[ranker],
        )  # fmt: skip
        if ranker == CLONE and line["low"].notna().any():
            ax.fill_between(x, line["low"], line["high"], color=colour, alpha=0.13, lw=0)
    ax.set_xticks(x, [POINT_LABELS[point] for point in AS_OF_POINTS])
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(color=GREY)
