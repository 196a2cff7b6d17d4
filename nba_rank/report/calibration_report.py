"""Ways to calibrate probabilities side by side, for people: tables, figures and an analysis."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from nba_rank.core.files import write_atomically
from nba_rank.core.run_dir import RunDir
from nba_rank.data.outcomes import EVENTS
from nba_rank.evaluation.calibration import reliability_table
from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.report.calibration_figures import plot_reliability
from nba_rank.report.labels import POINT_LABELS, ranker_label
from nba_rank.report.text import ABSENT, markdown_table, number, points_of

VARIANT_LABELS = {
    "none": "simulation alone",
    "platt_stack": "Platt of the stack",
    "platt_per_model": "Platt of each model",
}
EVENT_LABELS = {
    "win": "wins a given game",
    "playoff": "makes the playoffs",
    "round_1": "wins the first round",
    "round_2": "wins the second round",
    "finals": "reaches the Finals",
    "title": "wins the title",
}
_ORDER = ["win", *EVENTS]


@dataclass(frozen=True)
class CalibrationReport:
    """What there is to report.

    Attributes:
        run: Name of the run.
        ranker: Name of the final ranker.
        seasons: The test seasons, in order.
        forecasts: Columns `variant`, `event`, `season`, `as_of_point`, `team_id`, `p`, `happened`.
        summary: What `nba_rank.evaluation.calibration.summarise_calibration` returns.
        differences: What `nba_rank.evaluation.calibration.compare_variants` returns; the reference
            is the simulation alone.
        ranking: Columns `variant`, `season`, `as_of_point`, `spearman`: skill of ranking the teams
            by the sum of their probabilities.
        seconds: Wall-clock seconds of each stage.
    """

    run: str
    ranker: str
    seasons: list[str]
    forecasts: pd.DataFrame
    summary: pd.DataFrame
    differences: pd.DataFrame
    ranking: pd.DataFrame
    seconds: Mapping[str, float]


def write_calibration_report(report: CalibrationReport, run_dir: RunDir) -> Path:
    """Draw the figures and write the analysis; return its path."""
    figures = []
    for variant, rows in report.forecasts.groupby("variant", sort=False):
        tables = {
            EVENT_LABELS[event]: reliability_table(
                rows.loc[rows["event"] == event, "p"].to_numpy(),
                rows.loc[rows["event"] == event, "happened"].to_numpy(dtype=np.bool_),
            )
            for event in _ORDER
        }
        name = f"figures/reliability_{variant}.png"
        label = VARIANT_LABELS[str(variant)]
        plot_reliability(tables, run_dir.path / name, f"How often it happened: {label}")
        figures.append((f"Reliability, {label}", name))
    path = run_dir.next_analysis()
    write_atomically(path, lambda part: part.write_text(_text(report, figures), encoding="utf-8"))
    return path


def print_calibration(console: Console, report: CalibrationReport) -> None:
    """Print the Brier score of every event by variant."""
    table = Table(title="Brier score, lower is better", box=box.SIMPLE_HEAD)
    table.add_column("event", no_wrap=True)
    variants = list(dict.fromkeys(report.summary["variant"]))
    for variant in variants:
        table.add_column(VARIANT_LABELS[variant], justify="right")
    wide = report.summary.pivot(index="event", columns="variant", values="brier")  # noqa: PD010
    for event in _ORDER:
        table.add_row(EVENT_LABELS[event], *[f"{wide.loc[event, name]:.4f}" for name in variants])
    console.print(table)


def _text(report: CalibrationReport, figures: list[tuple[str, str]]) -> str:
    n = len(report.seasons)
    tested = f"{n} test season{'' if n == 1 else 's'}, {report.seasons[0]} to {report.seasons[-1]}"
    sections = [
        f"# {report.run}: ways to calibrate the {ranker_label(report.ranker)}",
        f"The same models, fitted once on the same folds ({tested}), say how likely it is that a "
        "team wins a given game, makes the playoffs, wins its first and second round, reaches the "
        "Finals and wins the title. Teams are forecast at the as-of points, games on the newest "
        "as-of date before them. Whatever is fitted has seen earlier seasons only.",
        "\n".join(_sentences(report)),
        "## Scores\n\nECE: mean distance between probability and frequency in ten bins of equal "
        "mass. Its floor is what a perfect forecaster with these probabilities would score, with "
        "his 95th percentile in brackets. Brier = reliability - resolution + uncertainty + what "
        "varies within the bins.\n\n" + "\n\n".join(_scores(report, event) for event in _ORDER),
        f"## Difference to the simulation alone, paired by season\n\n{_differences(report)}",
        "## Skill of the order\n\nA calibration never changes the order by one score on one date. "
        "Ranked by the sum of their probabilities (mean Spearman with the outcome), the teams come "
        f"out like this:\n\n{_ranking(report)}",
        "## Figures\n\n" + "\n\n".join(f"![{caption}]({path})" for caption, path in figures),
        "## How to read it\n\n- Lower is better for Brier score, log loss and ECE. ECE alone says "
        "little: a uniform forecast of the title has none.\n- Only seasons are independent; "
        "intervals are 95% bootstrap intervals over seasons.\n- Platt scaling treats teams and "
        "dates one by one: its title probabilities need not sum to 1, those of the simulation do.",
    ]
    return "\n\n".join(sections) + "\n"


def _sentences(report: CalibrationReport) -> list[str]:
    """Say which variant is best, over all and at each event, and whether by more than noise."""
    best = report.summary.loc[report.summary.groupby("event")["brier"].idxmin()]
    counts = best["variant"].value_counts()
    words = ", ".join(f"{VARIANT_LABELS[str(name)]} at {n}" for name, n in counts.items())
    lines = [f"Of {len(best)} events the best Brier score has: {words}.", ""]
    for event in _ORDER:
        rows = report.summary[report.summary["event"] == event].set_index("variant")
        values = ", ".join(
            f"{VARIANT_LABELS[str(name)]} {rows.loc[name, 'brier']:.4f}" for name in rows.index
        )
        lines.append(f"- {EVENT_LABELS[event]}: {values}. {_noise(report, event)} {_floor(rows)}")
    return lines


def _noise(report: CalibrationReport, event: str) -> str:
    """Say in which direction each calibration differs from the simulation."""
    rows = report.differences
    rows = rows[(rows["event"] == event) & (rows["score"] == "brier")]
    if rows["low"].isna().all():
        return f"Fewer than {MIN_SEASONS} test seasons cannot tell a difference from noise."
    sentences = {
        "better": "{} is better than the simulation.",
        "worse": "{} is worse than the simulation.",
    }
    return " ".join(
        sentences.get(verdict, "{} differs from the simulation by no more than noise.").format(
            VARIANT_LABELS[variant]
        )
        for variant, verdict in zip(rows["variant"], rows["verdict"], strict=True)
    )


def _floor(rows: pd.DataFrame) -> str:
    within = rows["ece"] <= 2 * rows["ece_floor"]
    if within.all():
        return "Every ECE is within twice its floor."
    beyond = ", ".join(VARIANT_LABELS[name] for name in rows.index[~within])
    return f"ECE beyond twice its floor: {beyond}."


def _scores(report: CalibrationReport, event: str) -> str:
    rows = report.summary[report.summary["event"] == event]
    table = pd.DataFrame(
        {
            "variant": [VARIANT_LABELS[name] for name in rows["variant"]],
            "ECE": rows["ece"].map(number).to_numpy(),
            "floor": [
                f"{mean:.3f} ({high:.3f})"
                for mean, high in zip(rows["ece_floor"], rows["ece_floor_95"], strict=True)
            ],
            "Brier": [f"{value:.4f}" for value in rows["brier"]],
            "reliability": [f"{value:.4f}" for value in rows["reliability"]],
            "resolution": [f"{value:.4f}" for value in rows["resolution"]],
            "uncertainty": [f"{value:.4f}" for value in rows["uncertainty"]],
            "log loss": rows["log_loss"].map(number).to_numpy(),
            "95% interval": _range(rows["log_loss_low"], rows["log_loss_high"], ".3f"),
        }
    )
    n = int(rows["n"].iloc[0])
    title = EVENT_LABELS[event]
    return f"### {title[0].upper()}{title[1:]} ({n:,} forecasts)\n\n{markdown_table(table)}"


def _range(low: pd.Series, high: pd.Series, form: str) -> list[str]:
    return [
        f"{a:{form}} to {b:{form}}" if np.isfinite([a, b]).all() else ABSENT
        for a, b in zip(low, high, strict=True)
    ]


def _differences(report: CalibrationReport) -> str:
    rows = report.differences
    table = pd.DataFrame(
        {
            "event": [EVENT_LABELS[event] for event in rows["event"]],
            "variant": [VARIANT_LABELS[name] for name in rows["variant"]],
            "score": rows["score"].str.replace("_", " ").to_numpy(),
            "difference": [f"{value:+.4f}" for value in rows["difference"]],
            "95% interval": _range(rows["low"], rows["high"], "+.4f"),
            "verdict": rows["verdict"].to_numpy(),
        }
    )
    return markdown_table(table)


def _ranking(report: CalibrationReport) -> str:
    points = points_of(report.ranking)
    mean = report.ranking.groupby(["variant", "as_of_point"], sort=False)["spearman"].mean()
    table = mean.unstack("as_of_point")[points]  # noqa: PD010
    frame = pd.DataFrame({"variant": [VARIANT_LABELS[str(name)] for name in table.index]})
    for point in points:
        frame[POINT_LABELS[point]] = [number(value) for value in table[point]]
    return markdown_table(frame)
