"""The written analysis of a run, and the table that is printed when it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from nba_rank.core.files import write_atomically
from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.report.behind import SCOPES, behind_section
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, ranker_label
from nba_rank.report.model_a_section import ModelAFindings, contribution_section, model_a_sections
from nba_rank.report.odds_findings import OddsFindings
from nba_rank.report.odds_section import odds_sections
from nba_rank.report.text import (
    ABSENT,
    by_sign,
    excludes_zero,
    intervals,
    labels_of,
    markdown_table,
    number,
    points_of,
    seasons,
    signed,
)

_AGAINST = {1: "ahead of the standings", 0: "level with the standings", -1: "behind the standings"}


@dataclass(frozen=True)
class AnalysisContext:
    """Everything that the analysis of a run speaks of.

    Attributes:
        run: Name of the run.
        summary: What `nba_rank.evaluation.compare.summarise` returns.
        seasons_ahead: What `nba_rank.evaluation.compare.seasons_ahead` returns for `ranker`
            against the standings.
        folds: One row a test season, columns as they are to be printed (dates as dates).
        data: What was read, as words for each label.
        ranker: The ranker that the analysis is about.
        weights: Columns `fit`, `moment`, `model`, `weight`; None where nothing is blended.
        figures: Caption and path, relative to the analysis.
        timings: Wall-clock seconds of each stage, in the order in which they ran; without a
            total, which is added.
        group_timings: Seconds of each feature group; empty where none was built.
        recovery: Columns `as_of_point`, `ranker`, `spearman`: mean rank correlation with the
            true strength on the date; None where true strength is unknown.
        contributions: What `nba_rank.evaluation.contributions.contributions` returns; None where
            no stack leaves a member out.
        model_a: What there is to say of model A alone; None without it.
        odds: What there is to say of probabilities; None says nothing.
    """

    run: str
    summary: pd.DataFrame
    seasons_ahead: pd.DataFrame
    folds: pd.DataFrame
    data: Mapping[str, str]
    ranker: str = "stack"
    weights: pd.DataFrame | None = None
    figures: Sequence[tuple[str, str]] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    group_timings: Mapping[str, float] = field(default_factory=dict)
    recovery: pd.DataFrame | None = None
    contributions: pd.DataFrame | None = None
    model_a: ModelAFindings | None = None
    odds: OddsFindings | None = None


def write_analysis(path: Path, context: AnalysisContext) -> None:
    """Write the analysis of a run as Markdown, under a temporary name that is then renamed.

    Args:
        path: File to write, `ANALYSIS_NN.md`.
        context: What it speaks of.

    Raises:
        ValueError: The summary does not hold the ranker or the standings.
    """
    present = set(context.summary["ranker"])
    absent = [ranker for ranker in (context.ranker, "standings") if ranker not in present]
    if absent:
        raise ValueError(f"the summary holds no ranker {absent}, only {sorted(present)}")
    sections = [
        f"# {context.run}: {ranker_label(context.ranker)} against the standings",
        _verdict(context),
        behind_section(context.summary, context.ranker),
        _skill(context, "league"),
        _skill(context, "playoff16"),
        _other_metrics(context),
        *odds_sections(context.odds),
        _weights(context.weights),
        contribution_section(context.contributions),
        *model_a_sections(context.model_a),
        _recovery(context.recovery),
        _folds_and_data(context),
        _figures(context.figures),
        _timings(context.timings, context.group_timings),
        _how_to_read(context),
    ]
    text = "\n\n".join(part for part in sections if part) + "\n"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def print_summary(console: Console, summary: pd.DataFrame) -> None:
    """Print the mean Spearman over all teams by point, and its difference to the standings.

    Args:
        console: Where to print.
        summary: What `nba_rank.evaluation.compare.summarise` returns.
    """
    rows = _spearman(summary, "league")
    points = points_of(rows)
    table = Table(title="Mean Spearman with the outcome (below: difference to the standings)")
    table.add_column("ranker")
    for point in points:
        table.add_column(POINT_LABELS[point], justify="right")
    labels = labels_of(rows)
    for ranker in labels:
        line = rows[rows["ranker"] == ranker].set_index("as_of_point").reindex(points)
        cells = []
        for mean, diff in zip(line["mean"], line["diff_to_standings"], strict=True):
            colour = "green" if diff > 0 else "red" if diff < 0 else "dim"
            below = "" if ranker == "standings" else f"\n[{colour}]{signed(diff)}[/]"
            cells.append(f"{number(mean)}{below}")
        style = "bold" if ranker in ("stack", "standings") else None
        table.add_row(labels[ranker], *cells, style=style)
    console.print(table)
    console.print(f"{seasons(rows)}; higher is better")


def _verdict(context: AnalysisContext) -> str:
    """Say first whether the ranker beats the standings, then show it point by point."""
    name = ranker_label(context.ranker)
    sentences, lines = [], []
    for scope in SCOPES:
        rows = _spearman(context.summary, scope)
        own = rows[rows["ranker"] == context.ranker].set_index("as_of_point")
        own = own.reindex(points_of(own.reset_index()))
        if own.empty:
            continue
        firmness = excludes_zero(own["diff_low"], own["diff_high"], "difference", "ahead", "behind")
        sentences.append(
            f"**By mean Spearman over {SCOPE_LABELS[scope]} the {name} is "
            f"{by_sign(own['diff_to_standings'], _AGAINST)}** ({seasons(own)}). {firmness}"
        )
        bar = rows[rows["ranker"] == "standings"].set_index("as_of_point")["mean"]
        counts = context.seasons_ahead[context.seasons_ahead["scope"] == scope]
        won = {c.as_of_point: f"{c.n_ahead} of {c.n_seasons}" for c in counts.itertuples()}
        table = {
            SCOPE_LABELS[scope]: [POINT_LABELS[point] for point in own.index],
            name: own["mean"].map(number),
            "standings": bar.reindex(own.index).map(number),
            "difference": own["diff_to_standings"].map(signed),
            "95% interval": intervals(own["diff_low"], own["diff_high"]),
            "seasons ahead": [won.get(point, ABSENT) for point in own.index],
            "to the better of standings and Elo": own["diff_to_best"].map(signed),
            "its interval": intervals(own["diff_to_best_low"], own["diff_to_best_high"]),
        }
        lines.append(markdown_table(pd.DataFrame(table)))
    return "\n\n".join([*sentences, *lines])


def _skill(context: AnalysisContext, scope: str) -> str:
    rows = _spearman(context.summary, scope)
    if rows.empty:
        return ""
    points = points_of(rows)
    table = {
        POINT_LABELS[point]: rows[rows["as_of_point"] == point].set_index("ranker")["mean"]
        for point in points
    }
    return f"## Mean Spearman, {SCOPE_LABELS[scope]}\n\n{_by_ranker(labels_of(rows), table)}"


def _other_metrics(context: AnalysisContext) -> str:
    """Tabulate what Spearman does not show, at three points, over all teams."""
    shown = {
        "rank_mae": "rank MAE (places, lower is better)",
        "ndcg_4": "NDCG@4",
        "ndcg_16": "NDCG@16",
        "precision_8": "precision@8",
        "upset_auc": "upset AUC",
    }
    league = context.summary[context.summary["scope"] == "league"]
    parts = []
    for point in ("0.25", "0.5", "end"):
        rows = league[(league["as_of_point"] == point) & league["metric"].isin(shown)]
        if rows.empty:
            continue
        table = {
            label: rows[rows["metric"] == metric].set_index("ranker")["mean"]
            for metric, label in shown.items()
        }
        parts.append(f"### {POINT_LABELS[point]}\n\n{_by_ranker(labels_of(rows), table)}")
    return "## Other measures, all teams\n\n" + "\n\n".join(parts) if parts else ""


def _by_ranker(labels: Mapping[str, str], columns: Mapping[str, pd.Series]) -> str:
    table = {"ranker": list(labels.values())}
    for label, values in columns.items():
        table[label] = [number(value) for value in values.reindex(list(labels))]
    return markdown_table(pd.DataFrame(table))


def _weights(weights: pd.DataFrame | None) -> str:
    if weights is None or weights.empty:
        return ""
    models = list(dict.fromkeys(weights["model"]))
    wide = weights.pivot(index=["fit", "moment"], columns="model", values="weight")  # noqa: PD010
    rows = pd.MultiIndex.from_frame(weights[["fit", "moment"]].drop_duplicates())
    table = wide.reindex(index=rows, columns=models).map(signed).rename(columns=ranker_label)
    return f"## Blend weights\n\n{markdown_table(table.reset_index())}"


def _recovery(recovery: pd.DataFrame | None) -> str:
    if recovery is None or recovery.empty:
        return ""
    table = {
        POINT_LABELS[point]: recovery[recovery["as_of_point"] == point]
        .set_index("ranker")["spearman"]
        for point in points_of(recovery)
    }  # fmt: skip
    labels = {name: ranker_label(name) for name in recovery["ranker"].unique()}
    return (
        "## Recovery of true strength\n\nMean Spearman of each ranking with the simulated teams' "
        f"true strength on the date; higher is better.\n\n{_by_ranker(labels, table)}"
    )


def _folds_and_data(context: AnalysisContext) -> str:
    folds = context.folds.copy()
    for column in folds.select_dtypes("datetime"):
        folds[column] = folds[column].dt.strftime("%Y-%m-%d")
    folds = folds.astype(object).where(folds.notna(), ABSENT)
    data = "\n".join(f"- {label}: {words}" for label, words in context.data.items())
    return f"## Folds\n\n{markdown_table(folds)}\n\n## Data\n\n{data}"


def _figures(figures: Sequence[tuple[str, str]]) -> str:
    if not figures:
        return ""
    return "## Figures\n\n" + "\n\n".join(f"![{caption}]({path})" for caption, path in figures)


def _timings(timings: Mapping[str, float], groups: Mapping[str, float]) -> str:
    if not timings:
        return ""
    table = pd.DataFrame({
        "stage": [*timings, "all"],
        "seconds": [f"{seconds:.1f}" for seconds in [*timings.values(), sum(timings.values())]],
    })  # fmt: skip
    text = f"## Timings\n\n{markdown_table(table)}"
    if not groups:
        return text
    total = sum(groups.values())
    shares = pd.DataFrame({
        "feature group": list(groups),
        "seconds": [f"{seconds:.2f}" for seconds in groups.values()],
        "share": [f"{seconds / total:.0%}" for seconds in groups.values()],
    })  # fmt: skip
    return f"{text}\n\nBuilding the features:\n\n{markdown_table(shares)}"


def _how_to_read(context: AnalysisContext) -> str:
    n = int(context.summary["n_seasons"].max())
    return f"""## How to read it

- Higher is better for Spearman, Kendall, NDCG, MRR, precision and upset AUC; lower is better for
  rank MAE and RMSE. A difference is the ranker minus the standings, taken within a season.
- Only seasons are independent, and there are only {n}. Intervals are 95% percentile bootstrap over
  seasons; below {MIN_SEASONS} seasons none is given, and with few they are somewhat too narrow.
- The random ranker shows what no knowledge scores. NDCG has linear gain, under which a random
  order of 30 teams scores .52 at 4 and .62 at 16.
- At the end of the regular season the standings are close to their ceiling over all teams, since
  the teams outside the playoffs are ranked by their record: look inside the 16.
- Upset AUC asks which pairs of teams finish against the standings; .5 is chance. The standings
  are judged by the size of their own gaps.
- The better of standings and Elo is chosen in each season with hindsight: a hard bar.
- {ABSENT} means not measured or undefined."""


def _spearman(summary: pd.DataFrame, scope: str) -> pd.DataFrame:
    return summary[(summary["metric"] == "spearman") & (summary["scope"] == scope)]
