"""Figures of metrics over the season: of rankings, runs and forecasts of the playoffs."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.core.names import CLONE, STANDINGS
from nba_rank.evaluation.paired import MEAN, SIGNIFICANT
from nba_rank.report.format import fewer_seasons, where
from nba_rank.report.labels import POINT_LABELS, label, sentence
from nba_rank.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    Look,
    look,
    name_ends,
    panels,
    room_for,
)

_RANKERS = {
    "stack": Look(BLUE, 3.2, bold=True),
    "model_a": Look(PURPLE),
    "xgb": Look(GREEN),
    "rf": Look(SKY),
    "projected_outcome": Look(PURPLE, dash="--"),
    "standings": Look(ORANGE, 2.6, bold=True),
    "elo": Look(INK, dash="--"),
    "massey": Look(GREY, dash=":"),
    "srs": Look(GREY, dash="-."),
    "net_rating": Look(GREY, 1.0),
    "margins": Look(ORANGE, 1.0, "--"),
    "last_season": Look(GREY, 1.0, "--"),
    "market": Look(INK, 1.8, ":"),
    "closing_spreads": Look(INK, 1.0, "-."),
}
_FORECASTERS = {
    CLONE: Look(BLUE, 3.0, bold=True),
    "simulation": Look(PURPLE, 1.6, "--"),
    "standings": Look(ORANGE, 2.2),
    "elo": Look(INK, dash=":"),
}
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
_DASHES = ("-", "--", "-.", ":")
_MARKERS = "osD^vP"
SCOPES = ("league", "playoff16")
"""Teams of which metrics are drawn over the season."""

_SMALL = (4.4, 3.6)
"""Width and height of a panel of which a page shows several beside each other."""


@look
def plot_skill_over_season(means: pd.DataFrame) -> Figure:
    """Draw the mean Spearman of every ranker over the season: all teams, and the playoff teams.

    The random ranker is only named in the caption: its line would squeeze all others.

    Args:
        means: `nba_rank.evaluation.result.EvaluationResult.means`.
    """
    skill = means[means["metric"] == "spearman"]
    n = int(skill["n_seasons"].max())
    random = skill[(skill["ranker"] == "random") & (skill["scope"] == "league")]["value"]
    caption = f"{n} test season{'s' if n > 1 else ''}."
    if skill["low"].notna().any():
        caption += " Bands: 95% t intervals over seasons, stack and standings."
    if len(random):
        caption += f" A random order: {random.mean():+.2f} on average (not drawn)."
    if fewer := fewer_seasons(skill):
        caption += f" Not in all of them: {fewer}."
    title = "Higher is better: how well each ranking foresees the outcome"
    return _means_by_scope(skill, _RANKERS, title, caption)


@look
def plot_playoff_scores(means: pd.DataFrame, words: Mapping[str, str]) -> Figure:
    """Draw Brier score and AUC of playoff forecasts over the season, a column a design.

    Args:
        means: As in `nba_rank.evaluation.playoff_forecasts.PlayoffFindings`.
        words: Words for each design, its `part`, in order.
    """
    chance = means[(means["ranker"] == "random") & (means["metric"] == "playoff_brier")]
    caption = (
        "Band: 95% t interval over seasons of the playoff classifier. Chance has an AUC of .5 and "
        f"a Brier score of {chance['value'].mean():.3f} (not drawn)."
    )
    designs = [name for name in words if (means["part"] == name).any()]
    title, shape = "How well the playoff teams are foreseen", (2, len(designs))
    figure, axes = panels(title, caption, (4.2, 3.4), shape, left=0.9, right=1.8)
    for row, metric in zip(axes, ("playoff_brier", "playoff_auc"), strict=True):
        for ax, design in zip(row, designs, strict=True):
            rows = means[(means["part"] == design) & (means["metric"] == metric)]
            _draw_means(ax, rows, _FORECASTERS, "forecaster")
            ax.set_title(f"{words[design]}, test seasons: {rows['n_seasons'].max()}")
            ax.sharey(row[0])
        better = "higher" if higher_is_better(metric) else "lower"
        row[0].set_ylabel(f"{METRICS[metric].words} ({better} is better)")
    return figure


def run_looks(runs: Iterable[str], baseline: str) -> dict[str, Look]:
    """Return what tells runs apart, the baseline first; the first twenty others all differ."""
    others = [run for run in runs if run != baseline]
    return {baseline: Look(INK, 2.6, marker="o", bold=True)} | {
        run: Look(_COLOURS[i % 5], 1.6, _DASHES[i // 5 % 4], _MARKERS[i % 6])
        for i, run in enumerate(others)
    }


@look
def plot_by_point(means: pd.DataFrame, baseline: str, metric: str, scope: str) -> Figure:
    """Draw the mean of a metric over the season, a line a run, the standings in grey.

    Args:
        means: What `nba_rank.evaluation.paired.season_means` returns, the runs as rankers.
        baseline: Name of the run that differences are taken to.
        metric: The metric.
        scope: The teams, `league` or `playoff16`.
    """
    rows = where(means, metric=metric, scope=scope, as_of_point=[*POINT_LABELS])
    rows = rows.assign(low=np.nan)
    names = rows["ranker"].unique()
    looks = run_looks([run for run in names if run != STANDINGS], baseline)
    looks |= {STANDINGS: Look(GREY, 2.6)}
    better = "Higher" if higher_is_better(metric) else "Lower"
    title = f"{sentence(METRICS[metric].words)} over the season"
    caption = (
        f"{better} is better. Means over the {rows['n_seasons'].max()} seasons that all runs were "
        f"tested on. Bold: {baseline}, the baseline."
    )
    return _means_by_scope(rows, looks, title, caption, _SMALL)


@look
def plot_differences(differences: pd.DataFrame, baseline: str, metric: str, scope: str) -> Figure:
    """Draw the paired differences of a metric to the baseline run, with their intervals.

    Args:
        differences: What `nba_rank.evaluation.paired.paired` returns.
        baseline: Name of the run that it takes differences to.
        metric: As in `plot_by_point`, like `scope`.
        scope: The teams.
    """
    rows = where(differences, metric=metric, scope=scope, as_of_point=[MEAN, *POINT_LABELS])
    rows = rows[rows["ranker"] != STANDINGS]
    points = _points(rows)
    looks = run_looks(rows["ranker"].unique(), baseline)
    del looks[baseline]
    step = min(0.16, 0.8 / len(looks))
    words = METRICS[metric].words
    better = "above" if higher_is_better(metric) else "below"
    title = f"{sentence(words)}: difference to the baseline"
    bars = "Bars: 95% t intervals over seasons; filled where significant."
    if rows["low"].isna().all():
        bars = "Too few seasons for intervals."
    caption = (
        f"Better than {baseline} is {better} zero. Paired by season, {rows['n_seasons'].max()} "
        f"seasons. {bars}"
    )
    figure, parts = _panel_a_scope(rows, looks, title, caption, _SMALL)
    for ax, part in parts:
        ax.axhline(0, color=INK, linewidth=1)
        for place, (run, style) in enumerate(looks.items()):
            own = part[part["ranker"] == run]
            x = own["as_of_point"].map(points.index) + (place - (len(looks) - 1) / 2) * step
            ax.vlines(x, own["low"], own["high"], color=style.colour, lw=2)
            significant = own["verdict"].isin(SIGNIFICANT)
            for chosen, face in ((significant, style.colour), (~significant, "white")):
                ax.plot(x[chosen], own.loc[chosen, "difference"], style.marker, ms=7,
                        color=style.colour, mfc=face, mew=1.8)  # fmt: skip
            ax.plot([], [], style.marker, ls="-", color=style.colour, label=run)
        _label_points(ax, points, 0.5)
        ax.set_ylabel(f"{words}, run minus baseline")
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _means_by_scope(
    rows: pd.DataFrame,
    looks: Mapping[str, Look],
    title: str,
    caption: str,
    size: tuple[float, float] | None = None,
) -> Figure:
    figure, parts = _panel_a_scope(rows, looks, title, caption, size)
    for ax, part in parts:
        _draw_means(ax, part, looks)
        ax.set_ylabel(f"{METRICS[rows['metric'].iloc[0]].words}, mean over seasons")
    return figure


def _panel_a_scope(
    rows: pd.DataFrame,
    names: Collection[str],
    title: str,
    caption: str,
    size: tuple[float, float] | None,
) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]]]:
    """Return a panel for all teams and one for the playoff teams, as far as there are such rows."""
    parts = [part for scope in SCOPES if not (part := rows[rows["scope"] == scope]).empty]
    size, shape = size or (8.2 if len(parts) == 1 else 5, 5), (1, len(parts))
    right = room_for(label("ranker", name) for name in names) + 0.4
    figure, axes = panels(title, caption, size, shape, left=1, right=right)
    for ax, part in zip(axes.flat, parts, strict=True):
        ax.set_title(sentence(label("scope", part["scope"].iloc[0])))
    return figure, list(zip(axes.flat, parts, strict=True))


def _points(rows: pd.DataFrame) -> list[str]:
    """Return the as-of points of some rows in order, their mean first."""
    present = set(rows["as_of_point"])
    return [point for point in (MEAN, *POINT_LABELS) if point in present]


def _draw_means(
    ax: Axes, means: pd.DataFrame, looks: Mapping[str, Look], names: str = "ranker"
) -> None:
    """Draw the mean of each ranker by as-of point, and the intervals of bold ones as bands."""
    points = [point for point in _points(means) if point != MEAN]
    x = np.arange(len(points))
    ends = {}
    for ranker, style in looks.items():
        line = means[means["ranker"] == ranker].set_index("as_of_point").reindex(points)
        if line["value"].isna().all():
            continue
        style.draw(ax, x, line["value"])
        if style.bold and line["low"].notna().any():
            ax.fill_between(x, line["low"], line["high"], color=style.colour, alpha=0.13, lw=0)
        ends[label(names, ranker)] = (float(line["value"].dropna().iloc[-1]), style)
    _label_points(ax, points, 0.1)
    if ends:
        name_ends(ax, ends)


def _label_points(ax: Axes, points: Sequence[str], margin: float) -> None:
    ax.set_xticks(range(len(points)), [label("as_of_point", point) for point in points])
    ax.tick_params(axis="x", labelsize=11)
    ax.set_xlim(-margin, len(points) - 1 + margin)
    ax.set_xlabel("regular season played")
    ax.grid(axis="y")
