"""Runs and sweeps side by side, for people: an analysis, figures and a table on the console."""

from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nba_rank.core.files import write_atomically
from nba_rank.core.metrics import higher_is_better
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.paired import MEAN, MIN_SEASONS, SIGNIFICANT
from nba_rank.evaluation.past_runs import STANDINGS, differing, standings_gap
from nba_rank.report.compare_figures import plot_by_point, plot_differences
from nba_rank.report.compare_sections import (
    differences_section,
    means_sections,
    runs_section,
    seasons_section,
    seconds_section,
    sweep_section,
    unlike_section,
)
from nba_rank.report.comparison import (
    Comparison,
    Row,
    difference,
    is_significant,
    measure_label,
    number,
    point_label,
    records,
    signed,
    when,
)
from nba_rank.report.differences import span as tested
from nba_rank.report.labels import metric_label
from nba_rank.report.text import ABSENT

_FIGURES = {
    "figures/by_point.png": "Each run over the season",
    "figures/differences.png": "Differences to the baseline run",
}
_SAME = 1e-9


def write_comparison(comparison: Comparison, run_dir: RunDir) -> Path:
    """Draw the figures and write the analysis; return its path."""
    shown = (comparison.differences, comparison.baseline, comparison.metric)
    for draw, name in zip((plot_by_point, plot_differences), _FIGURES, strict=True):
        draw(*shown, run_dir.path / name)
    said = [*_warnings(comparison), *_findings(comparison)]
    sections = [
        f"# {comparison.run}: {len(comparison.runs)} runs side by side",
        "\n".join(f"- {line}" for line in said),
        "Every run is judged by its final ranker on what all of them were tested on "
        f"({tested(comparison.seasons)}). Differences are a run minus {comparison.baseline}, taken "
        "within a season, in the metric's own unit.",
        *(f"![{caption}]({name})" for name, caption in _FIGURES.items()),
        runs_section(comparison),
        differences_section(comparison),
        *(sweep_section(sweep) for sweep in comparison.found.sweeps),
        unlike_section(comparison),
        seasons_section(comparison),
        *means_sections(comparison),
        seconds_section(comparison),
        "## How to read it\n\n" + "\n".join(f"- {line}" for line in _how_to_read(comparison)),
    ]
    text = "\n\n".join(sections) + "\n"
    path = run_dir.next_analysis()
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
    return path


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print the chosen metric over all teams by run and point, and what is to be said of it."""
    metric, baseline = comparison.metric, escape(comparison.baseline)
    for line in _warnings(comparison):
        console.print(line.replace("**", ""), markup=False, highlight=False)
    better = "higher" if higher_is_better(metric) else "lower"
    table = Table(
        title=f"Mean {metric_label(metric)}, {better} is better (below: difference to "
        f"{baseline}, bold where significant)",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    rows = comparison.of_metric(metric, "league")
    at_point = rows.drop_duplicates("as_of_point").set_index("as_of_point")["reference_value"]
    table.add_column("run", overflow="fold")
    for point in at_point.index:
        table.add_column(point_label(point), justify="right", no_wrap=True)
    table.add_row(_in_lines(comparison.baseline), *(number(value, metric) for value in at_point))
    for run in [*comparison.others, STANDINGS]:
        own = {row["as_of_point"]: row for row in records(rows[rows["ranker"] == run])}
        cells = [_cell(own[point]) if point in own else ABSENT for point in at_point.index]
        table.add_row(_in_lines(run), *cells)
    console.print(table)
    for line in _findings(comparison):
        console.print(line.replace("**", ""), markup=False, highlight=False)


def _in_lines(name: str) -> str:
    """Return a name with a new line after each folder: cells have two lines anyway."""
    return escape(name).replace("/", "/\n")


def _cell(row: Row) -> str:
    gap = signed(row["difference"], row["metric"]).replace("0.", ".", 1)
    return f"{number(row['value'], row['metric'])}\n" + (
        f"[bold]{gap}[/]" if is_significant(row) else gap
    )


def _warnings(comparison: Comparison) -> list[str]:
    """Say what should not be taken for skill, what was left out and what is not there yet."""
    lines = []
    runs = comparison.runs
    tables = differing({name: run.tables for name, run in runs.items()})
    hashes = [set(row) - {""} for row in tables.to_numpy().tolist()]
    n_hashes = pd.Series([len(known) for known in hashes], index=tables.index, dtype=int)
    if (n_hashes > 1).any():
        gap = standings_gap({name: run.standings for name, run in runs.items()})
        lines.append(
            f"**The runs learned from different data**: {', '.join(tables.index[n_hashes > 1])} "
            "differ, so a difference between them may be one of data as well as of skill; "
            + (
                "the standings score the same in all of them."
                if gap < _SAME
                else f"even the standings score differently, by up to {gap:.3f}."
            )
        )
    if (n_hashes == 1).any():
        partly = ", ".join(tables.index[n_hashes == 1])
        lines.append(f"Not every run knew the tables {partly}.")
    seasons = {season for run in runs.values() for season in run.rows["season"]}
    if apart := sorted(seasons - set(comparison.seasons)):
        lines.append(
            f"Not every run was tested on {', '.join(apart)}, so nothing below speaks of them."
        )
    return lines + [f"{note[0].upper()}{note[1:]}." for note in comparison.found.notes]


def _findings(comparison: Comparison) -> list[str]:
    """Say of each run whether it beats the baseline, by the chosen metric and by the others."""
    lines = []
    for name in comparison.others:
        own = comparison.differences[comparison.differences["ranker"] == name]
        if (own["difference"].abs() < _SAME).all():
            lines.append(f"**{name}** scores exactly as {comparison.baseline} by every metric.")
            continue
        rows = comparison.of_metric(comparison.metric, "league")
        main, *points = records(rows[rows["ranker"] == name])
        words = [
            f"**{name}**: {metric_label(comparison.metric)} over all teams "
            f"{number(main['value'], comparison.metric)} {when(comparison.main_point)}, "
            f"{difference(main)} against {comparison.baseline}, {main['verdict']}"
        ]
        others = comparison.summed_up()
        main_measure = measure_label(comparison.metric, "league")
        others = others[(others["ranker"] == name) & (others["measure"] != main_measure)]
        for verdict in SIGNIFICANT:
            at = [point_label(row["as_of_point"]) for row in points if row["verdict"] == verdict]
            if at:
                words.append(f"{verdict} at {', '.join(at)}")
            by = others.loc[others["verdict"] == verdict, "measure"].str[:-2]
            if len(by):
                words.append(f"by other measures {verdict}: {', '.join(by)}")
        lines.append("; ".join(words) + ".")
    return lines


def _how_to_read(comparison: Comparison) -> list[str]:
    n_intervals = int(comparison.differences["low"].notna().sum())
    lines = [
        "↑ higher is better, ↓ lower is better; * the difference to "
        f"{comparison.baseline} is significant: its 95% t interval over seasons excludes zero and "
        f"an exact sign-flip test over seasons has p < .05; {ABSENT} is not known or not there.",
        f"`{MEAN}` is the mean over the as-of points.",
        f"`{STANDINGS}` is no run but the teams' record to date, by the data of "
        f"{comparison.baseline}: a bar for all of them.",
        "`comparison.csv` holds every metric by season; `differences.csv` the means and the paired "
        "differences, also of the metrics and conferences that are not tabulated here.",
    ]
    if not n_intervals:
        few = (
            f"With fewer than {MIN_SEASONS} common seasons no interval is given: nothing can be "
            "told from noise."
        )
        return [*lines, few]
    return [
        *lines,
        f"Of the {n_intervals} differences in `differences.csv` one in twenty would be significant "
        "by chance: believe what neighbouring points and related measures agree on.",
    ]
