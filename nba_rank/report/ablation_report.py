"""The analysis of an ablation: what parts of a ranker are worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
from rich.console import Console

from nba_rank.core.metrics import higher_is_better
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.paired import MEAN
from nba_rank.report.format import (
    GAIN,
    Column,
    console_table,
    number,
    pivot,
    print_table,
    table,
    where,
)
from nba_rank.report.labels import label, span
from nba_rank.report.render import write_analysis

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

_NETWORKS: list[Column] = [
    ("variant", "variant"),
    ("margin_error", "error of margins", ".2f"), ("margin_error_sd", "spread of the error", ".3f"),
    ("spearman", "Spearman", ".4f"), ("spearman_sd", "spread of Spearman", ".4f"),
    ("set_variance", "variance of set to skip", ".4f"), ("prior_kl", "divergence", ".4f"),
]  # fmt: skip


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
        against: Variants of model A against roster strength alone, as `paired` returns it with the
            variant as `part`; None likewise.
        networks: What `nba_rank.evaluation.networks.network_summary` returns; None likewise.
    """

    kind: str
    gains: pd.DataFrame
    words: Mapping[str, str]
    left_out: Mapping[str, str]
    seconds: Mapping[str, float]
    seasons: list[str]
    build_seconds: Mapping[str, float] = field(default_factory=dict)
    prior: list[str] | None = None
    against: pd.DataFrame | None = None
    networks: pd.DataFrame | None = None


def write_ablation_report(report: AblationReport, run_dir: RunDir, console: Console) -> None:
    """Write the analysis and print the gains."""
    references = []
    for metric, rows in (
        [] if report.against is None else report.against.groupby("metric", sort=False)
    ):
        heading = f"Against roster strength alone: {label('metric', metric)}"
        print_table(
            console_table(pivot(rows, "part", "list", "difference", "+*"), heading), console
        )
        references.append((metric, _against(rows), _level(rows)))
    networks = None
    if report.networks is not None:
        networks = table(report.networks, _NETWORKS)
        print_table(console_table(networks, "Network by network"), console)
    sections = []
    for direction, (title, note) in _DIRECTIONS.items():
        tables = []
        gains = where(report.gains, direction=direction)
        for (measure, ranker), rows in gains.groupby(["metric", "ranker"], sort=False):
            heading = f"{title}, {label('ranker', ranker)}: gain in {label('metric', measure)}"
            print_table(
                console_table(pivot(rows, "part", "list", "difference", "+*"), heading), console
            )
            tables.append((measure, ranker, _gains(rows, report), _means(rows)))
        if tables:
            sections.append((title, note, tables))
    words = report.words
    variants = {
        "variant": [*words], "what it is": [*words.values()],
        "seconds": [number(report.seconds[name], ".1f") for name in words],
    }  # fmt: skip
    context = vars(report) | {
        "seasons": span(report.seasons),
        "references": references,
        "networks": networks,
        "sections": sections,
        "variants": pd.DataFrame(variants) if any(words.values()) else None,
    }
    write_analysis(run_dir, "ablation.md.j2", context, [], console)


def _gains(rows: pd.DataFrame, report: AblationReport) -> pd.DataFrame:
    """Return the gains of one ranker as text, the largest in the mean over the points first."""
    lower = higher_is_better(rows["metric"].iloc[0]) is False
    means = rows[rows["as_of_point"] == MEAN].sort_values("difference", ascending=lower)
    rows = rows.sort_values(
        "part", key=lambda part: part.map([*means["part"]].index), kind="stable"
    )
    gains = pivot(rows, "part", "list", "difference", GAIN)
    build = report.build_seconds
    if set(gains["part"]) <= build.keys():
        shares = {
            part: number(seconds / sum(build.values()), ".0%") for part, seconds in build.items()
        }
        gains["build time"] = [f"{build[part]:.2f} s ({shares[part]})" for part in gains["part"]]
    return gains


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what the gains of one ranker are measured from."""
    on_top = rows["direction"].iloc[0] == "alone"
    base = rows[rows["part"] == rows["part"].iloc[0]]
    name = "the record alone" if on_top else "everything"
    column = "reference_value" if on_top else "value"
    heading = f"mean {label('metric', base['metric'].iloc[0])}"
    return pivot(base.assign(part=name), "part", "list", column, heading=heading)


def _level(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what roster strength alone reaches."""
    base = rows[rows["part"] == rows["part"].iloc[0]]
    return pivot(base, "reference", "list", "reference_value", heading=" ")


def _against(rows: pd.DataFrame) -> pd.DataFrame:
    """Return differences from roster strength alone as text, with the p-value of the mean."""
    p = rows[rows["as_of_point"] == MEAN].set_index("part")["p"]
    texts = pivot(rows, "part", "list", "difference", GAIN, heading="variant")
    return texts.assign(**{"p of the mean": [number(p[name]) for name in texts["variant"]]})
