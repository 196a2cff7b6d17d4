"""The tables of runs side by side: differences, means, what the runs differ in, sweeps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core.metrics import higher_is_better
from nba_rank.evaluation.paired import MEAN
from nba_rank.evaluation.past_runs import (
    BEST,
    DEFAULT,
    STANDINGS,
    PastRun,
    Sweep,
    comparable_fields,
    differing,
    mean_score,
)
from nba_rank.report.comparison import (
    GAMES,
    PROBABILITIES,
    RANKING,
    Comparison,
    difference,
    is_significant,
    measure_label,
    number,
    point_label,
    records,
    signed,
    when,
)
from nba_rank.report.labels import POINT_LABELS, SCOPE_LABELS, metric_label, ranker_label
from nba_rank.report.text import ABSENT, markdown_table

_LONGEST = 60


def runs_section(comparison: Comparison) -> str:
    """Tabulate where each run comes from."""
    runs = comparison.runs
    table = pd.DataFrame(
        {
            "run": [f"{comparison.baseline} (baseline)", *comparison.others],
            "folder": [str(run.folder) for run in runs.values()],
            "final ranker": [ranker_label(run.ranker) for run in runs.values()],
            "started": [str(run.manifest.get("started", ABSENT))[:16] for run in runs.values()],
            "git revision": [_revision(run) for run in runs.values()],
            "test seasons": [str(run.rows["season"].nunique()) for run in runs.values()],
            "seconds": [f"{sum(run.seconds.values()):.0f}" for run in runs.values()],
        }
    )
    return f"## The runs\n\n{markdown_table(table)}"


def differences_section(comparison: Comparison) -> str:
    """Tabulate the differences: of the chosen metric by point, of all measures in the mean."""
    parts = [f"## Differences to {comparison.baseline}"]
    for scope in ("league", "playoff16"):
        rows = comparison.of_metric(comparison.metric, scope)
        rows = rows[rows["ranker"] != STANDINGS]
        if not rows.empty:
            rows = rows.assign(point=rows["as_of_point"].map(point_label))
            parts.append(
                f"{metric_label(comparison.metric)}, {SCOPE_LABELS[scope]}, by as-of point:\n\n"
                f"{_wide(rows, 'ranker', 'point')}"
            )
    table = _wide(comparison.summed_up(), "measure", "ranker")
    parts.append(f"By every measure, in the mean over the points of the season:\n\n{table}")
    return "\n\n".join(parts)


def _wide(rows: pd.DataFrame, index: str, columns: str) -> str:
    """Return differences with interval and verdict as Markdown."""
    cells = [
        difference(row) + (f", {row['verdict']}" if is_significant(row) else "")
        for row in records(rows)
    ]
    wide = rows.assign(cell=cells).pivot(index=index, columns=columns, values="cell")  # noqa: PD010
    wide = wide.reindex(index=rows[index].unique(), columns=rows[columns].unique())
    return markdown_table(wide.fillna(ABSENT).reset_index())


def seasons_section(comparison: Comparison) -> str:
    """Tabulate the chosen metric season by season."""
    rows = comparison.scores
    rows = rows[(rows["metric"] == comparison.metric) & (rows["scope"] == "league")]
    rows = rows[rows["as_of_point"] == comparison.main_point]
    wide = rows.pivot(index="season", columns="ranker", values="value")  # noqa: PD010
    wide = wide.reindex(columns=[*comparison.runs, STANDINGS])
    table = wide.map(lambda value: number(value, comparison.metric)).reset_index()
    return (
        f"## Season by season\n\n{metric_label(comparison.metric)}, all teams, "
        f"{when(comparison.main_point)}:\n\n{markdown_table(table)}"
    )


def means_sections(comparison: Comparison) -> list[str]:
    """Tabulate the means of all measures, a table an as-of point."""
    sections = []
    for title, measures in (
        ("Rankings", RANKING),
        ("Probabilities of how far teams go", PROBABILITIES),
    ):
        tables = {point: _means(comparison, measures, point) for point in [MEAN, *POINT_LABELS]}
        parts = [f"### {when(point)[0].upper()}{when(point)[1:]}\n\n{table}"
                 for point, table in tables.items() if table]  # fmt: skip
        if parts:
            sections.append("\n\n".join([f"## {title}", *parts]))
    if table := _means(comparison, GAMES):
        sections.append(f"## Games and playoff series\n\n{table}")
    return sections


def _means(
    comparison: Comparison, measures: Sequence[tuple[str, str]], point: str | None = None
) -> str:
    """Return a row a run and a column a measure; a star where the difference is significant."""
    columns: dict[str, list[str]] = {}
    for metric, scope in measures:
        rows = comparison.of_metric(metric, scope)
        if point is not None:
            rows = rows[rows["as_of_point"] == point]
        by_run = {row["ranker"]: row for row in records(rows)}
        if not by_run:
            continue
        first = next(iter(by_run.values()))
        cells = [number(first["reference_value"], metric)]
        cells += [
            number(by_run[name]["value"], metric) + "*" * is_significant(by_run[name])
            for name in comparison.others
        ]
        cells.append(number(by_run[STANDINGS]["value"], metric) if STANDINGS in by_run else ABSENT)
        columns[measure_label(metric, scope)] = cells
    if not columns:
        return ""
    return markdown_table(pd.DataFrame({"run": [*comparison.runs, STANDINGS], **columns}))


def sweep_section(sweep: Sweep) -> str:
    """Set what validation promised beside what the test seasons gave."""
    rows = []
    for objective in sweep.objectives:
        metric, scope = OBJECTIVES[objective].metric, OBJECTIVES[objective].scope
        known = higher_is_better(metric) is not None
        cells = [measure_label(metric, scope) if known else objective]
        validation = {
            which: sweep.validation[which].get(objective, np.nan) for which in (DEFAULT, BEST)
        }
        test = {
            which: mean_score(sweep.runs[which].rows, metric, scope)
            if which in sweep.runs
            else np.nan
            for which in (DEFAULT, BEST)
        }
        for values in (validation, test):
            cells += [number(value, metric) for value in values.values()]
            cells.append(signed(values[BEST] - values[DEFAULT], metric))
        rows.append(cells)
    head = [
        f"{what}, {seasons}"
        for seasons in ("validation", "test")
        for what in ("default", "best", "best minus default")
    ]
    told = ", ".join(f"{n} {state}" for state, n in sweep.n_trials.items()) or "none yet"
    table = markdown_table(pd.DataFrame(rows, columns=["objective", *head]))
    return (
        f"## Sweep {sweep.folder.name}\n\nTrials: {told}. Validation: what the same parameters "
        "scored on the validation seasons, by which the best trial was picked, so its score there "
        f"is too good on average. Test: the mean over all test seasons of the run.\n\n{table}"
    )


def unlike_section(comparison: Comparison) -> str:
    """Tabulate config fields, tables and versions in which the runs differ."""
    runs = comparison.runs
    fields = differing({name: comparable_fields(run.fields) for name, run in runs.items()})
    everywhere = (fields != "").all(axis=1)
    tables = differing({name: run.tables for name, run in runs.items()})
    versions = differing({name: _versions(run) for name, run in runs.items()})
    parts = [
        "## What the runs differ in",
        _table_of("Config fields, without those that say where files lie", fields[everywhere])
        or "No config field that all runs know differs.",
        _table_of(
            "Config fields that not all runs know, since they ran on another version of the "
            "program",
            fields[~everywhere].map(_shortened),
        ),
        _table_of("Tables, by the first digits of their hash", tables.map(lambda cell: cell[:8])),
        _table_of("Versions", versions),
    ]
    return "\n\n".join(part for part in parts if part)


def _table_of(title: str, cells: pd.DataFrame) -> str:
    if cells.empty:
        return ""
    table = cells.replace("", ABSENT).rename_axis(index="of").reset_index()
    return f"{title}:\n\n{markdown_table(table)}"


def seconds_section(comparison: Comparison) -> str:
    """Tabulate the wall-clock seconds of each stage."""
    runs = comparison.runs
    stages = list(dict.fromkeys(stage for run in runs.values() for stage in run.seconds))
    columns = {}
    for name, run in runs.items():
        taken = [f"{run.seconds[stage]:.1f}" if stage in run.seconds else ABSENT
                 for stage in stages]  # fmt: skip
        columns[name] = [*taken, f"{sum(run.seconds.values()):.1f}"]
    return (
        "## Seconds by stage\n\nWhat the cache held already took next to no time, and other "
        "programs may have shared the machine.\n\n"
        f"{markdown_table(pd.DataFrame({'stage': [*stages, 'all'], **columns}))}"
    )


def _versions(run: PastRun) -> dict[str, Any]:
    facts = {"git revision": _revision(run), "Python": run.manifest.get("python", ABSENT)}
    return facts | dict(run.manifest.get("versions", {}))


def _revision(run: PastRun) -> str:
    revision = str(run.manifest.get("git_revision") or ABSENT)
    return revision[:9] + "+" * revision.endswith("+")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
