"""Who makes the playoffs, for people: tables, figures and an analysis of the playoff classifier."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table

from nba_rank.core.files import write_atomically
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import RunDir
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.calibration import VERDICTS, reliability_table
from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.evaluation.playoff_forecasts import ALL, MEAN, PlayoffFindings
from nba_rank.evaluation.predictions import as_json
from nba_rank.report.calibration_figures import plot_reliability
from nba_rank.report.labels import POINT_LABELS
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
from nba_rank.report.text import ABSENT, markdown_table, number, signed
from nba_rank.samples.playoff_splits import DESIGNS, REFERENCE, WALK_FORWARD, PlayoffSplit

FORECASTERS = {
    CLONE: "playoff classifier",
    "simulation": "season simulator",
    "standings": "standings logistic",
    "elo": "Elo logistic",
    "random": "chance",
}
"""Words for who forecasts, in order."""

DESIGN_LABELS = {WALK_FORWARD: "Walk-forward", REFERENCE: "Reference split"}
"""Words for the designs, in order."""

SCORE_LABELS = {
    "playoff_brier": "Brier score",
    "playoff_auc": "AUC",
    "playoff_log_loss": "log loss",
}
"""Words for the scores, in order."""

SURPRISE_POINTS = ("0.25", "0.5", "0.75")
"""As-of points at which the forecasts furthest off are told, three teams each."""

_LINES: dict[str, tuple[str, float, str]] = {
    # forecaster: (colour, width, dash)
    CLONE: (BLUE, 3.0, "-"),
    "simulation": (PURPLE, 1.6, "--"),
    "standings": (ORANGE, 2.2, "-"),
    "elo": (INK, 1.4, ":"),
}
_COLUMNS = {**POINT_LABELS, MEAN: "mean"}
_PRINTED = ("open", "0.25", "0.5", "0.75", "end", MEAN)
"""Columns that fit on a terminal of 80 characters."""


@dataclass(frozen=True)
class PlayoffReport:
    """What there is to report.

    Attributes:
        run: Name of the run.
        splits: The splits, the reference first.
        n_trees: Trees asked by each split's classifier, by name of the split.
        forecasts: What `nba_rank.evaluation.playoff_forecasts` was asked to judge.
        predictions: The classifier's forecasts on all dates of the test seasons.
        found: What was found.
        seconds: Seconds of each stage.
    """

    run: str
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
    """Write tables, figures and the analysis, and print the means."""
    run_dir.write_frame("metrics.csv", report.found.metrics)
    run_dir.write_frame("summary.csv", report.found.summary)
    run_dir.write_frame("differences.csv", report.found.differences)
    run_dir.write_frame("calibration.csv", report.found.calibration)
    run_dir.write_frame("forecasts.csv", report.forecasts)
    run_dir.write_frame("predictions.parquet", report.predictions)
    run_dir.write_frame("predictions.csv", report.predictions)
    run_dir.write_text("predictions.json", as_json(report.predictions))
    run_dir.write_text("metrics.json", _metrics_json(report))
    figures = _figures(report, run_dir.path / "figures")
    analysis = run_dir.next_analysis()
    text = analysis_text(report, figures)
    write_atomically(analysis, lambda part: part.write_text(text, encoding="utf-8"))
    for design in DESIGN_LABELS:
        _print_scores(console, report, design)
    console.print(f"Run folder: {run_dir.path}, analysis: {analysis.name}")


def analysis_text(report: PlayoffReport, figures: list[tuple[str, str]]) -> str:
    """Return the analysis as Markdown.

    Args:
        report: What there is to say.
        figures: Caption and relative path of each figure.
    """
    sections = [
        f"# {report.run}: who makes the playoffs, by the playoff classifier",
        "Boosted trees say how likely each team is to be among the 16 of the playoffs; who loses "
        "in the play-in is not. They read how far each feature of the team is from the median of "
        "its conference on the morning of the date. The bars: a logistic curve through the "
        "standings and one through Elo, fitted at the same point of all earlier seasons, "
        + (
            "the odds of the season simulator, "
            if "simulation" in set(report.forecasts["ranker"])
            else ""
        )
        + "and chance.",
        "## Does it beat them?\n\n" + "\n".join(f"- {line}" for line in _verdicts(report)),
        *[_design_section(report, design) for design in DESIGN_LABELS],
        f"## Furthest off\n\n{_surprises(report)}",
        f"## Splits\n\n{_splits(report)}",
        "## Figures\n\n" + "\n\n".join(f"![{caption}]({path})" for caption, path in figures),
        f"## Timings\n\n{_timings(report)}",
        _HOW_TO_READ,
    ]
    return "\n\n".join(sections) + "\n"


def plot_scores(summary: pd.DataFrame, path: Path) -> None:
    """Draw AUC and Brier score over the season, a row a score and a column a design.

    Args:
        summary: As in `PlayoffFindings`.
        path: PNG to write, about 1560 pixels wide. Bands, the 95% intervals over seasons, are
            drawn for the classifier only, where there are enough seasons.
    """
    designs = [name for name in DESIGN_LABELS if (summary["design"] == name).any()]
    with style():
        figure = Figure(figsize=(13, 9.6), layout="constrained")
        axes = figure.subplots(2, len(designs), squeeze=False, sharex=True, sharey="row")
        for row, metric in zip(axes, ("playoff_brier", "playoff_auc"), strict=True):
            for ax, design in zip(row, designs, strict=True):
                of = (summary["design"] == design) & (summary["metric"] == metric)
                _draw_lines(ax, summary[of])
                n = summary.loc[of, "n_seasons"].max()
                seasons = f"{n} test season{'' if n == 1 else 's'}"
                ax.set_title(f"{DESIGN_LABELS[design]}, {seasons}")
            better = "lower" if metric == "playoff_brier" else "higher"
            row[0].set_ylabel(f"{SCORE_LABELS[metric]} ({better} is better)")
        for ax in axes[-1]:
            ax.set_xlabel("regular season played")
        axes[0, 0].legend(frameon=False, loc="upper right")
        set_title(figure, "How well the playoff teams are foreseen")
        chance = summary[(summary["ranker"] == "random") & (summary["metric"] == "playoff_brier")]
        set_caption(
            figure,
            "Band: 95% bootstrap interval over seasons of the playoff classifier. Chance has an "
            f"AUC of .5 and a Brier score of {chance['mean'].mean():.3f} (not drawn).",
        )
        save(figure, path)


def _draw_lines(ax: Axes, rows: pd.DataFrame) -> None:
    x = np.arange(len(AS_OF_POINTS))
    for ranker, (colour, width, dash) in _LINES.items():
        line = rows[rows["ranker"] == ranker].set_index("as_of_point").reindex(AS_OF_POINTS)
        if line["mean"].isna().all():
            continue
        front = 3 if ranker == CLONE else 2
        ax.plot(
            x, line["mean"], color=colour, lw=width, ls=dash, zorder=front, marker="o", ms=4,
            label=FORECASTERS[ranker],
        )  # fmt: skip
        if ranker == CLONE and line["low"].notna().any():
            ax.fill_between(x, line["low"], line["high"], color=colour, alpha=0.13, lw=0)
    ax.set_xticks(x, [POINT_LABELS[point] for point in AS_OF_POINTS])
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(color=GREY)


def _figures(report: PlayoffReport, folder: Path) -> list[tuple[str, str]]:
    """Draw the figures; return caption and relative path of each."""
    plot_scores(report.found.summary, folder / "scores_over_season.png")
    figures = [("Brier score and AUC over the season", "scores_over_season")]
    for design, label in DESIGN_LABELS.items():
        own = report.forecasts[report.forecasts["design"] == design]
        tables = {
            _capital(words): reliability_table(rows["p"], rows["made"])
            for ranker, words in FORECASTERS.items()
            if ranker != "random" and not (rows := own[own["ranker"] == ranker]).empty
        }
        tested = _span(report.tests(design))
        title = f"In the playoffs as often as forecast? {label}, {tested}"
        plot_reliability(tables, folder / f"reliability_{design}.png", title)
        figures.append((f"Reliability, {label.lower()}", f"reliability_{design}"))
    return [(caption, f"figures/{name}.png") for caption, name in figures]


def _verdicts(report: PlayoffReport) -> list[str]:
    """Say of each design and bar whether the classifier beats it."""
    lines = []
    for design, label in DESIGN_LABELS.items():
        own = _mean_of(report.found.summary, design, CLONE)
        said = [
            f"**{label}** ({_span(report.tests(design))}), mean over the points of the season: "
            f"Brier score {number(own['playoff_brier'])}, AUC {number(own['playoff_auc'])}, "
            f"{_calibrated(report, design)}"
        ]
        rows = report.found.differences
        rows = rows[(rows["design"] == design) & (rows["as_of_point"] == MEAN)]
        for reference, words in FORECASTERS.items():
            cells = rows[rows["reference"] == reference].set_index("metric")
            if not cells.empty and reference != "random":
                said.append(_verdict(words, cells))
        compared = set(rows["reference"])
        absent = [FORECASTERS[name] for name in ("standings", "elo") if name not in compared]
        if absent:
            said.append(
                f"There is no {' and no '.join(absent)} at all points: fewer than three earlier "
                "seasons."
            )
        lines.append("\n  - ".join(said))
    return lines


def _verdict(words: str, cells: pd.DataFrame) -> str:
    """Say how the classifier compares with one bar in the mean over the points."""
    brier, auc = (cells.loc[[name]].iloc[0] for name in ("playoff_brier", "playoff_auc"))
    tail = ""
    if np.isfinite(brier["low"]):
        better, worse, noise = VERDICTS
        said = {better: "Beats", worse: "Loses to", noise: "Not told from"}
        same = brier["verdict"] == auc["verdict"]
        word = said[brier["verdict"]] if same else "Partly told from"
    else:
        n_ahead = int(brier["difference"] < 0) + int(auc["difference"] > 0)
        word = ("Behind", "Mixed against", "Ahead of")[n_ahead]
        tail = f"; fewer than {MIN_SEASONS} seasons cannot tell that from noise"
    return f"{word} the {words}: Brier {_gap(brier)}, AUC {_gap(auc)}{tail}."


def _gap(cell: pd.Series) -> str:
    """Return a difference with its interval."""
    if not np.isfinite(cell["low"]):
        return signed(cell["difference"])
    return f"{signed(cell['difference'])} ({signed(cell['low'])} to {signed(cell['high'])})"


def _design_section(report: PlayoffReport, design: str) -> str:
    found = report.found
    summary = found.summary[found.summary["design"] == design]
    parts = [f"## {DESIGN_LABELS[design]}: {_span(report.tests(design))}"]
    for metric, label in SCORE_LABELS.items():
        rows = summary[summary["metric"] == metric]
        wide = rows.pivot(index="ranker", columns="as_of_point", values="mean")  # noqa: PD010
        parts.append(f"### {_capital(label)}\n\n{_by_forecaster(wide.map(number), rows)}")
    parts.append(f"### ECE\n\n{_ece_table(report, design)}")
    rows = found.differences
    rows = rows[(rows["design"] == design) & (rows["metric"] == "playoff_brier")]
    cells = rows.assign(cell=[_marked(cell) for _, cell in rows.iterrows()])
    wide = cells.pivot(index="reference", columns="as_of_point", values="cell")  # noqa: PD010
    table = _by_forecaster(wide, rows.rename(columns={"reference": "ranker"}))
    parts.append(
        "### Brier score, the classifier minus the others\n\nPaired by season; below zero the "
        f"classifier is better. Bold: the 95% interval excludes zero.\n\n{table}"
    )
    return "\n\n".join(parts)


def _marked(cell: pd.Series) -> str:
    """Return a difference with its interval, bold where that excludes zero."""
    text = _gap(cell)
    return text if cell["verdict"] == VERDICTS[2] else f"**{text}**"


def _by_forecaster(wide: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Lay out text by forecaster and point, with the seasons of those that lack some."""
    counts = rows.groupby("ranker")["n_seasons"].max()
    table = wide.reindex(index=[name for name in FORECASTERS if name in wide.index])
    table = table.reindex(columns=[name for name in _COLUMNS if name in wide.columns])
    few = counts < counts.max()
    names = [
        FORECASTERS[name] + (f" ({counts[name]} of {counts.max()} seasons)" if few[name] else "")
        for name in table.index
    ]
    table = table.fillna(ABSENT).rename(columns=_COLUMNS)
    return markdown_table(pd.DataFrame({"forecaster": names, **dict(table.items())}))


def _ece_table(report: PlayoffReport, design: str) -> str:
    rows = report.found.calibration
    rows = rows[rows["design"] == design]
    cells = rows.assign(
        cell=[
            f"{error:.3f} ({floor:.3f}, {high:.3f})"
            for error, floor, high in zip(
                rows["ece"], rows["ece_floor"], rows["ece_floor_95"], strict=True
            )
        ]
    )
    wide = cells.pivot(index="ranker", columns="as_of_point", values="cell")  # noqa: PD010
    columns = {**POINT_LABELS, ALL: "all points"}
    wide = wide.reindex(index=[name for name in FORECASTERS if name in wide.index])
    wide = wide.reindex(columns=[name for name in columns if name in wide.columns])
    table = wide.fillna(ABSENT).rename(columns=columns)
    names = [FORECASTERS[name] for name in wide.index]
    return (
        "The seasons pooled, ten bins of equal mass. In brackets what a perfect forecaster with "
        "the same probabilities would score: his mean, and his 95th percentile.\n\n"
        + markdown_table(pd.DataFrame({"forecaster": names, **dict(table.items())}))
    )


def _calibrated(report: PlayoffReport, design: str) -> str:
    """Say how far the classifier's probabilities are from frequencies, pooled and by point."""
    rows = report.found.calibration
    own = rows[(rows["design"] == design) & (rows["ranker"] == CLONE)].set_index("as_of_point")
    pooled, above = own.loc[ALL], own["ece"] > own["ece_floor_95"]
    places = [POINT_LABELS[point] for point in POINT_LABELS if above.get(point, False)]
    return (
        f"ECE of all points pooled {pooled['ece']:.3f}, {'above' if above[ALL] else 'within'} what "
        f"a perfect forecaster would score ({pooled['ece_floor']:.3f} on average, up to "
        f"{pooled['ece_floor_95']:.3f})"
        + (f"; at {', '.join(places)} it is above" if places else "")
        + "."
    )


def _mean_of(summary: pd.DataFrame, design: str, ranker: str) -> pd.Series:
    rows = summary[(summary["design"] == design) & (summary["ranker"] == ranker)]
    return rows[rows["as_of_point"] == MEAN].set_index("metric")["mean"]


def _surprises(report: PlayoffReport) -> str:
    """Name the teams of the reference hold-out whose forecasts were furthest off."""
    table = report.predictions
    table = table[(table["design"] == REFERENCE) & table["as_of_point"].isin(SURPRISE_POINTS)]
    off = (table["playoff_prob"] - table["made_playoffs"]).abs()
    ordered = table.assign(off=off).sort_values(["as_of_date", "off"], ascending=[True, False])
    rows = ordered.groupby("as_of_date").head(3)
    (season,) = set(table["season"])
    shown = pd.DataFrame(
        {
            "season played": rows["as_of_point"].map(POINT_LABELS).to_numpy(),
            "team": rows["name"].to_numpy(),
            "forecast": [f"{p:.0%}" for p in rows["playoff_prob"]],
            "made the playoffs": np.where(rows["made_playoffs"], "yes", "no"),
        }
    )
    return f"Of {season}, which the reference split holds out:\n\n{markdown_table(shown)}"


def _splits(report: PlayoffReport) -> str:
    return markdown_table(
        pd.DataFrame(
            {
                "design": [DESIGN_LABELS[split.design] for split in report.splits],
                "learns from": [_span(split.train) for split in report.splits],
                "stops by": [split.validation for split in report.splits],
                "forecasts": [split.test for split in report.splits],
                "trees": [str(report.n_trees[split.name]) for split in report.splits],
            }
        )
    )


def _timings(report: PlayoffReport) -> str:
    return markdown_table(
        pd.DataFrame(
            {
                "stage": list(report.seconds),
                "seconds": [f"{seconds:.1f}" for seconds in report.seconds.values()],
            }
        )
    )


def _print_scores(console: Console, report: PlayoffReport, design: str) -> None:
    """Print the Brier score of each forecaster by point, and its AUC in the mean over points."""
    summary = report.found.summary
    rows = summary[summary["design"] == design]
    table = Table(
        title=f"{DESIGN_LABELS[design]}, {_span(report.tests(design))}: Brier score, lower is "
        "better",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("forecaster", no_wrap=True)
    for label in (*[_COLUMNS[point] for point in _PRINTED], "mean AUC"):
        table.add_column(label, justify="right", min_width=max(map(len, label.split())))
    cells = rows.set_index(["ranker", "metric", "as_of_point"])["mean"]
    for ranker, words in FORECASTERS.items():
        keys = [(ranker, "playoff_brier", point) for point in _PRINTED]
        values = [*keys, (ranker, "playoff_auc", MEAN)]
        if (rows["ranker"] == ranker).any():
            table.add_row(words, *[number(cells.get(key, np.nan)) for key in values])
    console.print(table)


def _metrics_json(report: PlayoffReport) -> str:
    found = report.found

    def records(frame: pd.DataFrame) -> list[dict[str, object]]:
        known = frame.astype(object).where(frame.notna(), None)
        return [{str(name): value for name, value in row.items()} for row in
                known.to_dict("records")]  # fmt: skip

    content = {
        "ranker": CLONE,
        "test_seasons": {design: report.tests(design) for design in DESIGNS},
        "summary": records(found.summary),
        "differences": records(found.differences),
        "calibration": records(found.calibration),
        "trees": dict(report.n_trees),
        "seconds": dict(report.seconds),
    }
    return json.dumps(content, indent=2, default=float) + "\n"


def _span(seasons: list[str]) -> str:
    n = len(seasons)
    return f"{min(seasons)} to {max(seasons)}, {n} seasons" if n > 1 else seasons[0]


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


_HOW_TO_READ = f"""## How to read it

- AUC: how often a team that makes the playoffs has a higher forecast than one that does not, among
  the teams of one date; 1 is best, .5 is chance. Brier score: mean squared error; log loss: nats;
  both lower is better.
- Only seasons are independent. Intervals are 95% percentile bootstrap over seasons; below
  {MIN_SEASONS} seasons none is given. One held-out season shows no more than that nothing is
  broken: the walk-forward tells which forecaster is better.
- ECE is above zero for a perfect forecaster too; read it beside his score, and beside the Brier
  score: chance has none.
- At the end of the regular season the play-in still has to be played (since 2020-21). The season
  simulator plays it, and knows seeds and tie-breaks; the trees see records alone."""
