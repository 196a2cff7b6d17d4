"""What the feature groups are worth, for people: a table, a figure and an analysis."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from rich.console import Console

from nba_rank.core.files import write_atomically
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.evaluation.group_verdicts import BRINGS, COSTS, DEAR, OPEN, brings
from nba_rank.report.gains import (
    by_chance,
    gain_table,
    labelled,
    lists_of,
    print_gains,
    short,
    signed,
    table,
    tested,
)
from nba_rank.report.labels import ranker_label
from nba_rank.report.style import BLUE, GREY, INK, ORANGE, save, set_caption, set_title, style
from nba_rank.report.text import seasons

TITLES = {
    "without": "Beside all other groups",
    "alone": "On top of the record alone",
    "lean": "All that cost more than they bring, together",
}
"""Words for the directions, in order."""

_FIGURE = "figures/feature_groups.png"
_COLOURS = LinearSegmentedColormap.from_list("gain", [ORANGE, "white", BLUE])
_FULL_COLOUR = 0.1
"""Gain from which a cell of the figure has the full colour; below, colour goes by its root."""


@dataclass(frozen=True)
class GroupReport:
    """What there is to report.

    Attributes:
        run: Name of the run.
        ranker: Name of the final ranker.
        gains: What `nba_rank.evaluation.ablations.paired_gains` returns, a part a group, by
            `direction`.
        verdicts: What `nba_rank.evaluation.group_verdicts.verdicts` returns; empty where no group
            was taken from all others.
        left_out: Why a variant was not fitted, by name.
        seasons: The test seasons, in order.
    """

    run: str
    ranker: str
    gains: pd.DataFrame
    verdicts: pd.DataFrame
    left_out: dict[str, str]
    seasons: list[str]

    @property
    def by_direction(self) -> dict[str, pd.DataFrame]:
        """The gains of each direction that there is, in order."""
        parts = {name: self.gains[self.gains["direction"] == name] for name in TITLES}
        return {name: part for name, part in parts.items() if not part.empty}


def write_group_report(report: GroupReport, run_dir: RunDir) -> Path:
    """Draw the figure and write the analysis; return its path."""
    plot_groups(report, run_dir.path / _FIGURE)
    sections = [
        f"# {report.run}: what the feature groups are worth",
        "\n".join(f"- {line}" for line in _findings(report)),
        _rule(),
        f"The {ranker_label(report.ranker)} was fitted with and without each group on the same "
        f"folds with the same seeds ({tested(report.seasons)}). Gain is its Spearman with the "
        "outcome with the group minus that without it, paired by season, over all teams at each "
        "point of the season and at the end also inside the 16 playoff teams; `mean` is the mean "
        "over the points.",
        f"![Gain of each feature group]({_FIGURE})",
        *(_section(report, direction) for direction in report.by_direction),
        "## How to read it\n\n" + "\n".join(f"- {line}" for line in _how_to_read(report)),
    ]
    path, text = run_dir.next_analysis(), "\n\n".join(sections) + "\n"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
    return path


def print_groups(console: Console, report: GroupReport) -> None:
    """Print the gains of each direction, and what can be said of the groups."""
    for direction, gains in report.by_direction.items():
        if direction != "lean":  # the sentences tell it
            print_gains(console, gains, "group", f"Gain in Spearman {TITLES[direction].lower()}")
    for line in _findings(report):
        console.print(line.replace("**", ""), highlight=False)


def plot_groups(report: GroupReport, path: Path) -> None:
    """Draw the gains as a heatmap, a panel a direction, beside what each group costs to build.

    Args:
        report: What to draw.
        path: PNG to write, 1200 pixels or wider. Cells are framed where the interval excludes zero.
    """
    parts = {name: labelled(part) for name, part in report.by_direction.items() if name != "lean"}
    groups = list(dict.fromkeys(group for part in parts.values() for group in part["part"]))
    first = next(iter(parts.values()))
    means = first[first["label"] == "mean"].set_index("part")["gain"]
    groups.sort(key=lambda group: -means.get(group, np.inf))
    with style():
        figure = Figure(
            figsize=(4.5 + 7.5 * len(parts), 2.6 + 0.46 * len(groups)), layout="constrained"
        )
        costs = not report.verdicts.empty
        axes = figure.subplots(
            1,
            len(parts) + costs,
            sharey=True,
            squeeze=False,
            width_ratios=[5] * len(parts) + [1] * costs,
        )[0]
        for ax, (direction, part) in zip(axes, parts.items(), strict=False):
            _heatmap(ax, part, groups)
            ax.set_title(TITLES[direction])
        if costs:
            _costs(axes[-1], report.verdicts.set_index("group"), groups)
        axes[0].set_yticks(range(len(groups)), groups, color=INK)
        axes[0].set_ylim(len(groups) - 0.5, -0.5)
        set_title(figure, "What each feature group adds to the Spearman with the outcome")
        set_caption(
            figure,
            f"With the group minus without it, paired by season, {seasons(report.gains)}. Framed: "
            f"the 95% interval excludes zero. Colour by the root of the gain, full from "
            f"{_FULL_COLOUR:g} on.",
        )
        save(figure, path)


def _heatmap(ax: Axes, part: pd.DataFrame, groups: list[str]) -> None:
    labels = lists_of(part)
    cells = part.set_index(["part", "label"])[["gain", "firm"]].astype(float)
    cells = cells.reindex(pd.MultiIndex.from_product([groups, labels]))
    gain, firm = (cells[name].to_numpy().reshape(len(groups), -1) for name in cells)
    colour = np.sign(gain) * np.sqrt(np.abs(gain) / _FULL_COLOUR)
    ax.imshow(colour, cmap=_COLOURS, vmin=-1, vmax=1, aspect="auto")
    for row, column in np.argwhere(np.isfinite(gain)):
        value, sure = gain[row, column], bool(firm[row, column])
        dark = abs(colour[row, column]) > 0.7
        ax.text(
            column,
            row,
            short(value),
            ha="center",
            va="center",
            fontsize=10,
            color="white" if dark else INK,
            fontweight="bold" if sure else "normal",
        )
        if sure:
            corner = (column - 0.47, row - 0.46)
            ax.add_patch(Rectangle(corner, 0.94, 0.92, fill=False, ec=INK, lw=1.4))
    ax.set_xticks(range(len(labels)), labels, fontsize=10)
    ax.axvline(0.5, color=GREY, linewidth=1)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _costs(ax: Axes, verdicts: pd.DataFrame, groups: list[str]) -> None:
    share = verdicts["share"].reindex(groups)
    ax.barh(range(len(groups)), share, color=GREY, height=0.6)
    for place, value in enumerate(share):
        if np.isfinite(value):
            ax.text(value, place, f" {value:.1%}", va="center", fontsize=10)
    ax.set_xlim(0, 1.5 * share.max())
    ax.set_xticks([])
    ax.set_title("Build time")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _findings(report: GroupReport) -> list[str]:
    """Say which groups bring more than noise, which cost more than they bring, and the rest."""
    found, parts = report.verdicts, report.by_direction
    lines = []
    if not found.empty and found["gain_low"].isna().all():
        lines.append(
            f"{seasons(report.gains)}, fewer than {MIN_SEASONS}, give no interval: nothing can be "
            "told from noise."
        )
    elif not found.empty:
        lines += [
            f"**{words}**: {_named(found[found['verdict'] == verdict])}."
            for verdict, words in (
                (BRINGS, "More than noise beside all others"),
                (COSTS, "Cost more than they bring, and should be off by default"),
                (OPEN, "Cheap, above zero on average, not told from noise"),
            )
        ]
    if "alone" in parts:
        by_group = parts["alone"].groupby("part", sort=False)
        alone = [str(group) for group, rows in by_group if brings(rows)]
        lines.append(f"**More than noise on top of the record**: {', '.join(alone) or 'none'}.")
    if "lean" in parts:
        (row,) = labelled(parts["lean"]).query("label == 'mean'").to_dict("records")
        lines.append(
            "Those that should be off bring together "
            f"{signed(row['gain'])} ({signed(row['gain_low'])} to {signed(row['gain_high'])}) in "
            "the mean over the points: "
            + (
                "they stand in for each other, so switch them off one by one."
                if row["firm"] > 0
                else "no more than noise either."
            )
        )
    lines += [f"Left out: {name}, {why}." for name, why in report.left_out.items()]
    return lines


def _named(found: pd.DataFrame) -> str:
    """Return groups with their mean gain and share of the build time, the largest gain first."""
    ordered = found.sort_values("gain", ascending=False, kind="stable")
    columns = (ordered[name] for name in ("group", "gain", "share"))
    named = [
        f"{group} ({signed(gain)}, {share:.1%} of the build time)"
        for group, gain, share in zip(*columns, strict=True)
    ]
    return ", ".join(named) or "none"


def _rule() -> str:
    return (
        "The rule: a group brings more than noise where the 95% interval of its gain beside all "
        "other groups lies above zero in the mean over the points of the season, or at two "
        "neighbouring points. One that does not costs more than it brings where its mean gain is "
        f"not above zero to three decimals, or where it takes more than {DEAR:.0%} of the time to "
        "build all groups."
    )


def _section(report: GroupReport, direction: str) -> str:
    gains = report.by_direction[direction]
    extra = {}
    if direction == "without":
        columns = (report.verdicts[name] for name in ("group", "seconds", "share"))
        extra["build time"] = {
            group: f"{taken:.2f} s ({share:.1%})"
            for group, taken, share in zip(*columns, strict=True)
        }
    reference = "spearman_without" if direction == "alone" else "spearman_with"
    base = gains[gains["part"] == gains["part"].iloc[0]]
    base = base.assign(
        part="record alone" if direction == "alone" else "all groups",
        cell=base[reference].map("{:.3f}".format),
    )
    return (
        f"## {TITLES[direction]}\n\n{gain_table(gains, 'group', extra)}\n\n"
        f"What it is measured from, mean Spearman:\n\n{table(base, 'groups')}"
    )


def _how_to_read(report: GroupReport) -> list[str]:
    lines = [
        "Everything is fitted anew without a group: one that adds nothing is one that the others "
        "can stand in for. Two that stand in for each other both look idle; take one away and "
        "judge again.",
        "Only the groups that are on are judged: to judge one more, switch it on.",
        "`roster_strength` also gives model A's team prior; model A knows the players by itself. "
        "The projection reads the players' ratings whether or not `roster_strength` is on, and "
        "what the ratings take to make is in no group's build time.",
        "The build times are those of the machine that filled the cache; that of the projection is "
        "its simulations.",
    ]
    chance = by_chance(report.gains)
    return [*lines, chance] if chance else lines
