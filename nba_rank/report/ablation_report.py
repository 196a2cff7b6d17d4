"""The analysis of an ablation: what parts of a ranker are worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.paired import MEAN
from nba_rank.report.figures import plot_gains
from nba_rank.report.format import (
    console_table,
    differences,
    number,
    percent,
    print_table,
    values,
    where,
)
from nba_rank.report.labels import label, span
from nba_rank.report.render import Album, write_analysis

_DIRECTIONS = {
    "without": (
        "Beside everything else",
        "The second table is what the gains are measured from: the mean with everything.",
    ),
    "alone": (
        "On top of the record alone",
        "The second table is the mean of the record alone.",
    ),
    "lean": (
        "All that bring nothing, together",
        "Parts that stand in for each other look idle one by one: this takes them all away.",
    ),
}
"""Title of each direction, in order, and what to say of its tables."""


@dataclass(frozen=True)
class AblationReport:
    """What there is to report.

    Attributes:
        gains: What `nba_rank.experiments.ablations.VariantRunner.gains` returns.
        words: What each variant is, by name; empty where the name says it all.
        left_out: Why each variant was not fitted, by name.
        seconds: Wall-clock seconds of fitting and scoring each variant.
        build_seconds: Those of building each part; empty where there is nothing to build.
        prior: Store features of model A's team prior; None where its parts are not judged.
    """

    kind: str
    gains: pd.DataFrame
    words: Mapping[str, str]
    left_out: Mapping[str, str]
    seconds: Mapping[str, float]
    build_seconds: Mapping[str, float]
    seasons: list[str]
    prior: list[str] | None


def write_ablation_report(report: AblationReport, run_dir: RunDir, console: Console) -> Path:
    """Draw the figures, write the analysis and print the gains; return the analysis' path."""
    album, sections = Album(run_dir.path), []
    for direction, (title, note) in _DIRECTIONS.items():
        gains = where(report.gains, direction=direction)
        by_ranker = {str(ranker): rows for ranker, rows in gains.groupby("ranker", sort=False)}
        if by_ranker and direction != "lean":
            heading = f"{title}: gain in Spearman"
            plot_gains(by_ranker, heading, album.add(heading, f"gains_{direction}"))
        tables = [(name, _gains(rows, report), _means(rows)) for name, rows in by_ranker.items()]
        sections += [(title, note, tables)] * bool(tables)
        for ranker, rows in by_ranker.items():
            heading = f"{title}, {label('ranker', ranker)}: gain in Spearman"
            short = differences(rows, "part", "list", intervals=False)
            print_table(console_table(short, heading), console)
    context = vars(report) | {
        "seasons": span(report.seasons),
        "sections": sections,
        "variants": _variants(report),
    }
    return write_analysis(run_dir, "ablation.md.j2", context, album.figures)


def _gains(rows: pd.DataFrame, report: AblationReport) -> pd.DataFrame:
    """Return the gains of one ranker as text, the largest in the mean over the points first."""
    means = rows[rows["as_of_point"] == MEAN].sort_values("difference", ascending=False)
    rows = rows.sort_values(
        "part", key=lambda part: part.map([*means["part"]].index), kind="stable"
    )
    table = differences(rows, "part", "list")
    build = report.build_seconds
    if set(table["part"]) <= build.keys():
        shares = {part: percent(seconds / sum(build.values())) for part, seconds in build.items()}
        table["build time"] = [f"{build[part]:.2f} s ({shares[part]})" for part in table["part"]]
    return table


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what the gains of one ranker are measured from."""
    on_top = rows["direction"].iloc[0] == "alone"
    base = rows[rows["part"] == rows["part"].iloc[0]]
    name = "the record alone" if on_top else "everything"
    column = "reference_value" if on_top else "value"
    return values(base.assign(part=name), "part", "list", "mean Spearman", column)


def _variants(report: AblationReport) -> pd.DataFrame | None:
    """Return what each variant is and how long it took; None where their names say it."""
    if not any(report.words.values()):
        return None
    seconds = [number(report.seconds[name], 1) for name in report.words]
    return pd.DataFrame(
        {"variant": [*report.words], "what it is": [*report.words.values()], "seconds": seconds}
    )
