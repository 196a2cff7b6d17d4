"""What the parts of model A are worth, for people: a table, a figure and an analysis."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from rich import box
from rich.console import Console
from rich.table import Table

from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.files import write_atomically
from nba_rank.report.labels import POINT_LABELS
from nba_rank.report.style import BLUE, GREY, INK, PALE, save, set_caption, set_title, style
from nba_rank.report.text import markdown_table

_LINEAR = 0.01
"""Cost up to which the figure's scale is linear."""


@dataclass(frozen=True)
class AblationReport:
    """What there is to report.

    Attributes:
        run: Name of the run.
        full: Name of the full model among the variants.
        summary: What `nba_rank.evaluation.ablations.ablation_costs` returns.
        words: What each variant is, by name.
        left_out: Why a variant was not fitted, by name.
        seconds: Wall-clock seconds of fitting and scoring each variant.
        seasons: The test seasons, in order.
        prior: Store features of the team prior.
    """

    run: str
    full: str
    summary: pd.DataFrame
    words: Mapping[str, str]
    left_out: Mapping[str, str]
    seconds: Mapping[str, float]
    seasons: list[str]
    prior: list[str]

    @property
    def costs(self) -> pd.DataFrame:
        """The summary without the full model, but with `label` and `firm`.

        `label` is the words for the point; `firm`, whether the interval excludes zero to the three
        decimals that are printed.
        """
        rows = self.summary[self.summary["variant"] != self.full]
        firm = (rows["cost_low"].round(3) > 0) | (rows["cost_high"].round(3) < 0)
        return rows.assign(firm=firm, label=rows["as_of_point"].map(POINT_LABELS))


def write_ablation_analysis(path: Path, report: AblationReport, figure: str) -> None:
    """Write the analysis as Markdown.

    Args:
        path: File to write, `ANALYSIS_NN.md`.
        report: What it speaks of.
        figure: Path of the figure, relative to the analysis.
    """
    n, first, last = len(report.seasons), report.seasons[0], report.seasons[-1]
    tested = f"{n} test seasons, {first} to {last}" if n > 1 else f"1 test season, {first}"
    prior = ", ".join(report.prior) or "none"
    sections = [
        f"# {report.run}: what the parts of model A are worth",
        f"Model A was fitted whole and with one part taken away at a time, on the same folds with "
        f"the same seeds ({tested}; team prior: {prior}). Cost is the Spearman over all teams of "
        "the full model minus that of the variant, paired by season: above zero the part helps.",
        "\n".join(_sentences(report)),
        f"## Cost by point of the season, with 95% intervals\n\n{_cost_table(report)}",
        f"![Cost of taking a part of model A away]({figure})",
        f"## Mean Spearman over all teams\n\n{_mean_table(report)}",
        _how_to_read(report),
    ]
    text = "\n\n".join(sections) + "\n"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def print_costs(console: Console, report: AblationReport) -> None:
    """Print the costs by point; a cost is bold where its interval excludes zero."""
    title = "Spearman that taking a part of model A away costs"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("variant")
    for point in _points(report.summary):
        table.add_column(POINT_LABELS[point], justify="right", no_wrap=True)
    for variant, rows in report.costs.groupby("variant", sort=False):
        cells = [
            f"[bold]{_signed(cost)}[/]" if firm else _signed(cost)
            for cost, firm in zip(rows["cost"], rows["firm"], strict=True)
        ]
        table.add_row(str(variant), *cells)
    console.print(table)
    console.print(
        f"{_n_seasons(report.summary)}; above zero the full model is ahead; bold: the 95% interval "
        "excludes zero"
    )


def plot_ablations(report: AblationReport, path: Path) -> None:
    """Draw the cost of each variant with its interval, a panel an as-of point.

    Args:
        report: What to draw.
        path: PNG to write, about 1800 pixels wide. A dot is filled where the interval excludes
            zero.
    """
    costs, points = report.costs, _points(report.summary)
    variants = list(dict.fromkeys(costs["variant"]))
    with style():
        figure = Figure(figsize=(15, 2.2 + 0.42 * len(variants)), layout="constrained")
        axes = figure.subplots(1, len(points), sharex=True, sharey=True, squeeze=False)[0]
        for ax, point in zip(axes, points, strict=True):
            rows = costs[costs["as_of_point"] == point].set_index("variant").reindex(variants)
            ax.axvline(0, color=GREY, linewidth=1)
            for place, row in enumerate(rows.itertuples()):
                ax.plot([row.cost_low, row.cost_high], [place, place], color=BLUE, lw=2)
                fill = BLUE if row.firm else "white"
                ax.plot(row.cost, place, "o", ms=8, mfc=fill, mec=BLUE, mew=1.6)
            ax.grid(axis="x", color=PALE, linewidth=0.8)
            ax.set_axisbelow(True)
            ax.set_title(POINT_LABELS[point])
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
            f"(logarithmic beyond {_LINEAR:g}). {_n_seasons(report.summary)}. Bars: 95% intervals; "
            "filled dot: excludes zero.",
        )
        save(figure, path)


def _sentences(report: AblationReport) -> list[str]:
    """Say of each variant what can be said, and of those left out why."""
    said = [
        f"- **{variant}** ({report.words[str(variant)]}): {_verdict(rows)}."
        for variant, rows in report.costs.groupby("variant", sort=False)
    ]
    return [*said, *(f"- **{name}** was left out: {why}." for name, why in report.left_out.items())]


def _verdict(rows: pd.DataFrame) -> str:
    """Return one sentence about a variant: where it differs firmly, and what is left open."""
    seasons = _n_seasons(rows)
    if rows["cost_low"].isna().all():
        return f"{_range(rows)}; {seasons}, fewer than {MIN_SEASONS}, give no interval"
    firm, open_ = rows[rows["firm"]], rows[~rows["firm"]]
    parts = []
    for word, some in (("ahead", firm[firm["cost"] > 0]), ("behind", firm[firm["cost"] < 0])):
        by = some["cost"].abs()
        cells = [f"{cost:.3f} ({label})" for cost, label in zip(by, some["label"], strict=True)]
        if cells:
            parts.append(f"the full model is {word} by {', '.join(cells)}")
    if not parts:
        return f"{_range(rows)}, and at no point can {seasons} tell that from zero"
    if not open_.empty:
        parts.append(f"elsewhere {_range(open_)}, which {seasons} cannot tell from zero")
    return "; ".join(parts)


def _range(rows: pd.DataFrame) -> str:
    """Return the costs as words, from the lowest to the highest."""
    cost, label = rows["cost"].to_numpy(), rows["label"].to_numpy()
    low, high = (f"{_signed(cost[i])} ({label[i]})" for i in (cost.argmin(), cost.argmax()))
    return f"it costs {low}" if len(rows) == 1 else f"it costs from {low} to {high}"


def _cost_table(report: AblationReport) -> str:
    columns = ("cost", "cost_low", "cost_high")
    cells = map(_with_interval, *(report.costs[column] for column in columns))
    return _by_variant(report, report.costs.assign(cell=[*cells]))


def _mean_table(report: AblationReport) -> str:
    cells = report.summary["mean"].map("{:.3f}".format)
    return _by_variant(report, report.summary.assign(cell=cells), seconds=True)


def _by_variant(report: AblationReport, rows: pd.DataFrame, *, seconds: bool = False) -> str:
    """Return the texts in `cell` as a table, a row a variant and a column a point."""
    wide = rows.pivot(index="variant", columns="as_of_point", values="cell")  # noqa: PD010
    wide = wide.reindex(index=rows["variant"].unique(), columns=_points(rows))
    table = wide.rename(columns=POINT_LABELS).reset_index()
    if seconds:
        table["seconds"] = [f"{report.seconds[variant]:.1f}" for variant in table["variant"]]
    return markdown_table(table)


def _with_interval(cost: float, low: float, high: float) -> str:
    interval = "" if np.isnan(low) else f" ({_signed(low)} to {_signed(high)})"
    return f"{_signed(cost)}{interval}"


def _signed(value: float) -> str:
    """Return a number with its sign; what rounds to zero reads +0.000."""
    return f"{round(value, 3) + 0.0:+.3f}"


def _points(rows: pd.DataFrame) -> list[str]:
    return [point for point in POINT_LABELS if (rows["as_of_point"] == point).any()]


def _n_seasons(rows: pd.DataFrame) -> str:
    n = int(rows["n_seasons"].max())
    return f"{n} test season{'' if n == 1 else 's'}"


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
    n_intervals = int(report.costs["cost_low"].notna().sum())
    if n_intervals:
        lines.append(
            "Intervals are 95% percentile bootstrap over seasons, and with few seasons somewhat "
            f"too narrow. Of {n_intervals} intervals {0.05 * n_intervals:.0f} or more would "
            "exclude zero by chance alone: believe a part where neighbouring points agree."
        )
    return "## How to read it\n\n" + "\n".join(f"- {line}" for line in lines)
