"""What parts of a ranker are worth, for people: tables, figures and an analysis."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.paired import MEAN, SIGNIFICANT
from nba_rank.report.differences import LIST_LABELS, differences, span, values
from nba_rank.report.format import console_table, label, number, percent, print_table, signed
from nba_rank.report.render import write_analysis
from nba_rank.report.style import BLUE, GREY, INK, ORANGE, save, set_caption, set_title, style

TITLES = {
    "without": "Beside everything else",
    "alone": "On top of the record alone",
    "lean": "All that bring nothing, together",
}
"""Words for the directions, in order."""

_NOTES = {
    "without": "The second table is what the gains are measured from: the mean with everything.",
    "alone": "The second table is the mean of the record alone.",
    "lean": "Parts that stand in for each other look idle one by one: this takes them all away.",
}
_COLOURS = LinearSegmentedColormap.from_list("gain", [ORANGE, "white", BLUE])
_FULL_COLOUR = 0.1
"""Gain from which a cell of the figure has the full colour; below, colour goes by its root."""


@dataclass(frozen=True)
class AblationReport:
    """What there is to report.

    Attributes:
        kind: What was taken away, in words.
        gains: What `nba_rank.experiments.ablations.VariantRunner.gains` returns.
        words: What each variant is, by name; empty where the name says it.
        left_out: Why a variant was not fitted, by name.
        seconds: Wall-clock seconds of fitting and scoring each variant.
        build_seconds: Those of building what a part consists of, by part; empty where that takes
            nothing.
        seasons: The test seasons, in order.
        prior: Store features of model A's team prior; None where its parts are not what is judged.
    """

    kind: str
    gains: pd.DataFrame
    words: Mapping[str, str]
    left_out: Mapping[str, str]
    seconds: Mapping[str, float]
    build_seconds: Mapping[str, float]
    seasons: list[str]
    prior: list[str] | None

    @property
    def by_direction(self) -> dict[str, pd.DataFrame]:
        """The gains of each direction that there is, in order."""
        parts = {name: self.gains[self.gains["direction"] == name] for name in TITLES}
        return {name: part for name, part in parts.items() if not part.empty}


def write_ablation_report(report: AblationReport, run_dir: RunDir, console: Console) -> Path:
    """Draw the figures, write the analysis and print the gains; return the analysis' path."""
    figures, sections = [], []
    for direction, gains in report.by_direction.items():
        by_ranker = {str(ranker): rows for ranker, rows in gains.groupby("ranker", sort=False)}
        if direction != "lean":
            path, title = f"figures/gains_{direction}.png", f"{TITLES[direction]}: gain in Spearman"
            plot_gains(by_ranker, title, run_dir.path / path)
            figures.append((title, path))
        tables = [
            (ranker, _gains(rows, report), _means(rows)) for ranker, rows in by_ranker.items()
        ]
        sections.append((TITLES[direction], _NOTES[direction], tables))
        for ranker, rows in by_ranker.items():
            title = f"{TITLES[direction]}, {label('ranker', ranker)}: gain in Spearman"
            print_table(
                console_table(differences(rows, "part", "list", intervals=False), title), console
            )
    context = {
        "kind": report.kind,
        "seasons": span(report.seasons),
        "sections": sections,
        "variants": _variants(report),
        "left_out": report.left_out,
        "prior": report.prior,
    }
    return write_analysis(run_dir, "ablation.md.j2", context, figures)


def plot_gains(by_ranker: Mapping[str, pd.DataFrame], title: str, path: Path) -> None:
    """Draw the gains as a heatmap, a panel a ranker.

    Args:
        by_ranker: Gains by ranker, parts in the same order.
        title: Title of the figure.
        path: PNG to write, 1200 pixels or wider. Cells are framed where a gain is significant.
    """
    first = next(iter(by_ranker.values()))
    parts = first["part"].unique().tolist()
    with style():
        size = (4.5 + 6.5 * len(by_ranker), 2.6 + 0.46 * len(parts))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(1, len(by_ranker), sharey=True, squeeze=False)[0]
        for ax, (ranker, rows) in zip(axes, by_ranker.items(), strict=True):
            _heatmap(ax, rows, parts)
            ax.set_title(label("ranker", ranker))
        axes[0].set_yticks(range(len(parts)), parts, color=INK)
        axes[0].set_ylim(len(parts) - 0.5, -0.5)
        set_title(figure, title)
        set_caption(
            figure,
            "With the part minus without it, paired by season, by regular season played. Framed: "
            f"significant. Colour by the root of the gain, full from {_FULL_COLOUR:g} on.",
        )
        save(figure, path)


def _heatmap(ax: Axes, rows: pd.DataFrame, parts: list[str]) -> None:
    key = ["as_of_point", "scope"]
    present = set(zip(*(rows[name] for name in key), strict=True))
    lists = [one for one in LIST_LABELS if one in present]
    cells = rows.set_index(["part", *key]).loc[[(part, *one) for part in parts for one in lists]]
    shape = (len(parts), len(lists))
    gain = cells["difference"].to_numpy(dtype=np.float64).reshape(shape)
    significant = cells["verdict"].isin(SIGNIFICANT).to_numpy().reshape(shape)
    colour = np.sign(gain) * np.sqrt(np.abs(gain) / _FULL_COLOUR)
    ax.imshow(colour, cmap=_COLOURS, vmin=-1, vmax=1, aspect="auto")
    for row, column in np.ndindex(shape):
        ax.text(
            column, row, signed(float(gain[row, column])).replace("0.", ".", 1),
            ha="center", va="center", fontsize=10,
            color="white" if abs(colour[row, column]) > 0.7 else INK,
        )  # fmt: skip
        if significant[row, column]:
            corner = (column - 0.47, row - 0.46)
            ax.add_patch(Rectangle(corner, 0.94, 0.92, fill=False, ec=INK, lw=1.4))
    ax.set_xticks(range(len(lists)), [LIST_LABELS[one] for one in lists], fontsize=10)
    ax.axvline(0.5, color=GREY, linewidth=1)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _gains(rows: pd.DataFrame, report: AblationReport) -> pd.DataFrame:
    """Return the gains of one ranker as text, the largest in the mean over the points first."""
    means = rows[rows["as_of_point"] == MEAN].sort_values("difference", ascending=False)
    order = {part: place for place, part in enumerate(means["part"])}
    rows = rows.sort_values("part", key=lambda part: part.map(order), kind="stable")
    table = differences(rows, "part", "list")
    total = sum(report.build_seconds.values())
    if not set(table["part"]) <= report.build_seconds.keys():
        return table
    seconds = [report.build_seconds[part] for part in table["part"]]
    return table.assign(
        **{"build time": [f"{one:.2f} s ({percent(one / total)})" for one in seconds]}
    )


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
