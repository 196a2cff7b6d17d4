"""The written analysis of a run, and the table that is printed when it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.evaluation.tidy import BASELINES
from nba_rank.files import write_atomically
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, ranker_label

_ABSENT = "–"  # noqa: RUF001
_HEADLINE_SCOPES = ("league", "playoff16")


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
        recovery: Columns `as_of_point`, `ranker`, `spearman`: mean rank correlation with the
            true strength on the date; None where true strength is unknown.
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
    recovery: pd.DataFrame | None = None


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
        _behind(context),
        _skill(context, "league"),
        _skill(context, "playoff16"),
        _other_metrics(context),
        _weights(context.weights),
        _recovery(context.recovery),
        _folds_and_data(context),
        _figures(context.figures),
        _timings(context.timings),
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
    points = _points(rows)
    table = Table(title="Mean Spearman with the outcome (below: difference to the standings)")
    table.add_column("ranker")
    for point in points:
        table.add_column(POINT_LABELS[point], justify="right")
    for ranker in dict.fromkeys(rows["ranker"]):
        line = rows[rows["ranker"] == ranker].set_index("as_of_point").reindex(points)
        cells = []
        for mean, diff in zip(line["mean"], line["diff_to_standings"], strict=True):
            colour = "green" if diff > 0 else "red" if diff < 0 else "dim"
            below = "" if ranker == "standings" else f"\n[{colour}]{_signed(diff)}[/]"
            cells.append(f"{_number(mean)}{below}")
        style = "bold" if ranker in ("stack", "standings") else None
        table.add_row(ranker_label(ranker), *cells, style=style)
    console.print(table)
    console.print(f"{_seasons(rows)}; higher is better")


def markdown_table(frame: pd.DataFrame) -> str:
    """Return a frame of text as a Markdown table: first column to the left, others to the right."""
    header = [str(name) for name in frame.columns]
    rule = ["---"] + ["---:"] * (len(header) - 1)
    body = frame.astype(str).to_numpy().tolist()
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
        for row in [header, rule, *body]
    )


def _verdict(context: AnalysisContext) -> str:
    """Say first whether the ranker beats the standings, then show it point by point."""
    name = ranker_label(context.ranker)
    sentences, lines = [], []
    for scope in _HEADLINE_SCOPES:
        rows = _spearman(context.summary, scope)
        own = rows[rows["ranker"] == context.ranker].set_index("as_of_point")
        own = own.reindex(_points(own.reset_index()))
        if own.empty:
            continue
        sentences.append(
            f"**By mean Spearman over {SCOPE_LABELS[scope]} the {name} is "
            f"{_against(own['diff_to_standings'])}** ({_seasons(own)}). {_firmness(own)}"
        )
        bar = rows[rows["ranker"] == "standings"].set_index("as_of_point")["mean"]
        counts = context.seasons_ahead[context.seasons_ahead["scope"] == scope]
        won = {c.as_of_point: f"{c.n_ahead} of {c.n_seasons}" for c in counts.itertuples()}
        table = {
            SCOPE_LABELS[scope]: [POINT_LABELS[point] for point in own.index],
            name: own["mean"].map(_number),
            "standings": bar.reindex(own.index).map(_number),
            "difference": own["diff_to_standings"].map(_signed),
            "95% interval": _intervals(own["diff_low"], own["diff_high"]),
            "seasons ahead": [won.get(point, _ABSENT) for point in own.index],
            "to the better of standings and Elo": own["diff_to_best"].map(_signed),
            "its interval": _intervals(own["diff_to_best_low"], own["diff_to_best_high"]),
        }
        lines.append(markdown_table(pd.DataFrame(table)))
    return "\n\n".join([*sentences, *lines])


def _against(diff: pd.Series) -> str:
    """Put into words at which points a ranker is ahead of the standings and at which behind."""
    # To the three decimals that are printed: a difference that reads 0.000 is no lead.
    sign = np.sign(diff.round(3))
    parts = []
    for word, value in (("ahead of", 1), ("level with", 0), ("behind", -1)):
        points = [POINT_LABELS[point] for point in diff.index[sign == value]]
        if points:
            where = ", ".join(points) if len(points) < len(diff) else "every point of the season"
            parts.append(f"{word} the standings at {where}")
    return "; ".join(parts)


def _firmness(own: pd.DataFrame) -> str:
    """Say at which points the interval of the difference excludes zero."""
    if own["diff_low"].isna().all():
        return f"With fewer than {MIN_SEASONS} seasons no interval is given."
    firm = [
        f"{word} at {', '.join(POINT_LABELS[point] for point in own.index[mask])}"
        for word, mask in (("ahead", own["diff_low"] > 0), ("behind", own["diff_high"] < 0))
        if mask.any()
    ]
    if not firm:
        return "At no point does the 95% interval of the difference exclude zero."
    return f"The 95% interval of the difference excludes zero where it is {'; '.join(firm)}."


def _behind(context: AnalysisContext) -> str:
    """List the baselines that have the higher mean Spearman, and by how much."""
    lines = []
    for scope in _HEADLINE_SCOPES:
        rows = _spearman(context.summary, scope)
        for point in _points(rows):
            means = rows[rows["as_of_point"] == point].set_index("ranker")["mean"]
            own = means.get(context.ranker, np.nan)
            gaps = (means[means.index.isin(BASELINES)] - own).sort_values(ascending=False)
            better = [
                f"{ranker_label(str(b))} by {gap:.3f}"
                for b, gap in gaps.round(3).items()
                if gap > 0
            ]
            if better:
                where = f"{SCOPE_LABELS[scope]}, {POINT_LABELS[point]}"
                lines.append(f"- {where}: behind {', '.join(better)}")
    title = "## Where it is behind a baseline\n\n"
    return title + ("\n".join(lines) or "Nowhere, by mean Spearman.")


def _skill(context: AnalysisContext, scope: str) -> str:
    rows = _spearman(context.summary, scope)
    if rows.empty:
        return ""
    points = _points(rows)
    table = {
        POINT_LABELS[point]: rows[rows["as_of_point"] == point].set_index("ranker")["mean"]
        for point in points
    }
    return f"## Mean Spearman, {SCOPE_LABELS[scope]}\n\n{_by_ranker(rows, table)}"


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
        parts.append(f"### {POINT_LABELS[point]}\n\n{_by_ranker(rows, table)}")
    return "## Other measures, all teams\n\n" + "\n\n".join(parts) if parts else ""


def _by_ranker(rows: pd.DataFrame, columns: Mapping[str, pd.Series]) -> str:
    rankers = list(dict.fromkeys(rows["ranker"]))
    table = {"ranker": [ranker_label(ranker) for ranker in rankers]}
    for label, values in columns.items():
        table[label] = [_number(value) for value in values.reindex(rankers)]
    return markdown_table(pd.DataFrame(table))


def _weights(weights: pd.DataFrame | None) -> str:
    if weights is None or weights.empty:
        return ""
    models = list(dict.fromkeys(weights["model"]))
    wide = weights.pivot(index=["fit", "moment"], columns="model", values="weight")  # noqa: PD010
    rows = pd.MultiIndex.from_frame(weights[["fit", "moment"]].drop_duplicates())
    table = wide.reindex(index=rows, columns=models).map(_signed).rename(columns=ranker_label)
    return f"## Blend weights\n\n{markdown_table(table.reset_index())}"


def _recovery(recovery: pd.DataFrame | None) -> str:
    if recovery is None or recovery.empty:
        return ""
    table = {
        POINT_LABELS[point]: recovery[recovery["as_of_point"] == point]
        .set_index("ranker")["spearman"]
        for point in _points(recovery)
    }  # fmt: skip
    return (
        "## Recovery of true strength\n\nMean Spearman of each ranking with the simulated teams' "
        f"true strength on the date; higher is better.\n\n{_by_ranker(recovery, table)}"
    )


def _folds_and_data(context: AnalysisContext) -> str:
    folds = context.folds.copy()
    for column in folds.select_dtypes("datetime"):
        folds[column] = folds[column].dt.strftime("%Y-%m-%d")
    folds = folds.astype(object).where(folds.notna(), _ABSENT)
    data = "\n".join(f"- {label}: {words}" for label, words in context.data.items())
    return f"## Folds\n\n{markdown_table(folds)}\n\n## Data\n\n{data}"


def _figures(figures: Sequence[tuple[str, str]]) -> str:
    if not figures:
        return ""
    return "## Figures\n\n" + "\n\n".join(f"![{caption}]({path})" for caption, path in figures)


def _timings(timings: Mapping[str, float]) -> str:
    if not timings:
        return ""
    table = pd.DataFrame({
        "stage": [*timings, "all"],
        "seconds": [f"{seconds:.1f}" for seconds in [*timings.values(), sum(timings.values())]],
    })  # fmt: skip
    return f"## Timings\n\n{markdown_table(table)}"


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
- {_ABSENT} means not measured or undefined."""


def _spearman(summary: pd.DataFrame, scope: str) -> pd.DataFrame:
    return summary[(summary["metric"] == "spearman") & (summary["scope"] == scope)]


def _points(rows: pd.DataFrame) -> list[str]:
    present = set(rows["as_of_point"])
    return [point for point in POINT_LABELS if point in present]


def _seasons(rows: pd.DataFrame) -> str:
    n = int(rows["n_seasons"].max())
    return f"{n} test season{'' if n == 1 else 's'}"


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else _ABSENT


def _signed(value: float) -> str:
    return f"{value:+.3f}" if np.isfinite(value) else _ABSENT


def _intervals(low: pd.Series, high: pd.Series) -> list[str]:
    return [
        f"{a:+.3f} to {b:+.3f}" if np.isfinite([a, b]).all() else _ABSENT
        for a, b in zip(low, high, strict=True)
    ]
