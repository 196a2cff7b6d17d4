"""What the parts of model A are worth, for people: a table, a figure and an analysis."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from rich.console import Console

from nba_rank.core.files import write_atomically
from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.report.gains import (
    at_lists,
    by_chance,
    gain_table,
    labelled,
    lists_of,
    print_gains,
    span,
    table,
    tested,
)
from nba_rank.report.style import BLUE, GREY, INK, PALE, save, set_caption, set_title, style
from nba_rank.report.text import seasons

_LINEAR = 0.01
"""Cost up to which the figure's scale is linear."""


@dataclass(frozen=True)
class AblationReport:
    """What there is to report.

    Attributes:
        run: Name of the run.
        full: Name of the full model among the variants.
        gains: What `nba_rank.evaluation.ablations.paired_gains` returns, a part a variant that
            lacks it: what the gain of the part is, taking it away costs.
        words: What each variant is, by name.
        left_out: Why a variant was not fitted, by name.
        seconds: Wall-clock seconds of fitting and scoring each variant.
        seasons: The test seasons, in order.
        prior: Store features of the team prior.
    """

    run: str
    full: str
    gains: pd.DataFrame
    words: Mapping[str, str]
    left_out: Mapping[str, str]
    seconds: Mapping[str, float]
    seasons: list[str]
    prior: list[str]


def write_ablation_analysis(path: Path, report: AblationReport, figure: str) -> None:
    """Write the analysis as Markdown.

    Args:
        path: File to write, `ANALYSIS_NN.md`.
        report: What it speaks of.
        figure: Path of the figure, relative to the analysis.
    """
    prior = ", ".join(report.prior) or "none"
    sections = [
        f"# {report.run}: what the parts of model A are worth",
        f"Model A was fitted whole and with one part taken away at a time, on the same folds with "
        f"the same seeds ({tested(report.seasons)}; team prior: {prior}). Cost is the Spearman of "
        "the full model minus that of the variant, paired by season: above zero the part helps. "
        "It is taken over all teams, at the end also inside the 16 playoff teams.",
        "\n".join(_sentences(report)),
        "## Cost by point of the season, with 95% intervals\n\n"
        + gain_table(report.gains, "variant"),
        f"![Cost of taking a part of model A away]({figure})",
        f"## Mean Spearman\n\n{_mean_table(report)}",
        _how_to_read(report),
    ]
    text = "\n\n".join(sections) + "\n"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def print_costs(console: Console, report: AblationReport) -> None:
    """Print the costs by list; a cost is bold where its interval excludes zero."""
    print_gains(
        console, report.gains, "variant", "Spearman that taking a part of model A away costs"
    )
    console.print(
        f"{seasons(report.gains)}; above zero the full model is ahead; bold: the 95% interval "
        "excludes zero"
    )


def plot_ablations(report: AblationReport, path: Path) -> None:
    """Draw the cost of each variant with its interval, a panel an as-of point.

    Args:
        report: What to draw.
        path: PNG to write, about 2000 pixels wide. A dot is filled where the interval excludes
            zero.
    """
    costs = labelled(report.gains)
    lists, variants = lists_of(costs), costs["part"].unique().tolist()
    with style():
        figure = Figure(figsize=(17, 2.2 + 0.42 * len(variants)), layout="constrained")
        axes = figure.subplots(1, len(lists), sharex=True, sharey=True, squeeze=False)[0]
        for ax, label in zip(axes, lists, strict=True):
            rows = costs[costs["label"] == label].set_index("part").reindex(variants)
            ax.axvline(0, color=GREY, linewidth=1)
            for place, row in enumerate(rows.itertuples()):
                ax.plot([row.gain_low, row.gain_high], [place, place], color=BLUE, lw=2)
                fill = BLUE if row.firm else "white"
                ax.plot(row.gain, place, "o", ms=8, mfc=fill, mec=BLUE, mew=1.6)
            ax.grid(axis="x", color=PALE, linewidth=0.8)
            ax.set_axisbelow(True)
            ax.set_title(label)
            ax.tick_params(axis="y", length=0)
            ax.tick_params(axis="x", labelsize=10)
            # The team prior can be worth ten times as much as any other part.
            ax.set_xscale("symlog", linthresh=_LINEAR)
            ax.xaxis.set_major_locator(FixedLocator([-0.1, -_LINEAR, 0, _LINEAR, 0.1]))
            ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_minor_locator(NullLocator())
        axes[0].set_yticks(range(len(variants)), variants, color=INK)
        axes[0].invert_yaxis()
        set_title(
            figure, "What taking a part of model A away costs in Spearman, by regular season played"
        )
        set_caption(
            figure,
            "Full model minus variant, paired by season: to the right of zero the part helps "
            f"(logarithmic beyond {_LINEAR:g}). {seasons(report.gains)}. Bars: 95% intervals; "
            "filled dot: excludes zero.",
        )
        save(figure, path)


def _sentences(report: AblationReport) -> list[str]:
    """Say of each variant what can be said, and of those left out why."""
    said = [
        f"- **{variant}** ({report.words[str(variant)]}): {_verdict(rows)}."
        for variant, rows in report.gains.groupby("part", sort=False)
    ]
    return [*said, *(f"- **{name}** was left out: {why}." for name, why in report.left_out.items())]


def _verdict(rows: pd.DataFrame) -> str:
    """Return one sentence about a variant: where it differs firmly, and what is left open."""
    n = seasons(rows)
    if rows["gain_low"].isna().all():
        return f"it costs {span(rows)}; {n}, fewer than {MIN_SEASONS}, give no interval"
    open_ = rows[rows["firm"] == 0]
    parts = []
    for word, sign in (("ahead", 1), ("behind", -1)):
        some = rows[rows["firm"] == sign]
        if not some.empty:
            by = at_lists(some, lambda gain: f"{abs(gain):.3f}")
            parts.append(f"the full model is {word} by {by}")
    if not parts:
        return f"it costs {span(rows)}, and at no point can {n} tell that from zero"
    if not open_.empty:
        parts.append(f"elsewhere it costs {span(open_)}, which {n} cannot tell from zero")
    return "; ".join(parts)


def _mean_table(report: AblationReport) -> str:
    gains = report.gains
    full = gains[gains["part"] == gains["part"].iloc[0]].assign(part=report.full)
    means = pd.concat(
        [full.assign(mean=full["spearman_with"]), gains.assign(mean=gains["spearman_without"])]
    )
    seconds = {name: f"{value:.1f}" for name, value in report.seconds.items()}
    cells = means["mean"].map("{:.3f}".format)
    return table(means.assign(cell=cells), "variant", {"seconds": seconds})


def _how_to_read(report: AblationReport) -> str:
    lines = [
        "Each variant is trained anew: a part that costs nothing is one that the others can stand "
        "in for, not one that the trained model ignores.",
        "Seeds are shared, but a network of another shape draws other weights: a small cost is "
        "partly the chance of training.",
    ]
    if report.prior:
        lines.append(
            "The team prior ranks well by itself, and every variant but `without team prior` keeps "
            "it: the cost of another part is what it adds to that prior. How the parts compare "
            "without it, a run with `model.model_a.team_prior=[]` tells."
        )
    chance = by_chance(report.gains)
    lines += [chance] if chance else []
    return "## How to read it\n\n" + "\n".join(f"- {line}" for line in lines)
