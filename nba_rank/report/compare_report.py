"""The analysis of a comparison: runs and sweeps side by side."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core.metrics import METRICS
from nba_rank.core.names import STANDINGS
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.paired import MEAN
from nba_rank.evaluation.past_runs import (
    BEST,
    DEFAULT,
    Found,
    PastRun,
    Sweep,
    comparable_fields,
    differing,
    mean_score,
    standings_gap,
)
from nba_rank.report.format import (
    console_table,
    differences,
    number,
    print_table,
    signed,
    values,
    where,
)
from nba_rank.report.labels import ABSENT, POINT_LABELS, label, measure_label, span
from nba_rank.report.render import Album, write_analysis
from nba_rank.report.season_figures import plot_by_point, plot_differences

MEASURES = {
    "Rankings": [
        *((name, "league") for name in (
            "spearman", "kendall", "rank_mae", "rank_rmse",
            "ndcg_4", "ndcg_16", "ndcg_20", "precision_8",
        )),
        ("spearman", "playoff16"),
    ],
    "Probabilities of how far teams go": [
        (name, "league") for name in (
            "champion_log_loss", "champion_brier", "finals_brier", "round_2_brier",
            "round_1_brier", "playoff_brier", "playoff_auc", "playoff_log_loss",
            "advancement_log_loss",
        )
    ],
    "Games and playoff series": [
        *((name, scope) for scope in ("regular", "playoffs")
          for name in ("game_brier", "game_log_loss")),
        ("series_brier", "league"), ("series_log_loss", "league"),
    ],
}  # fmt: skip
"""Measures that are tabulated, metric and scope; the others are in the files."""

_SAME = 1e-9
_LONGEST = 60


@dataclass(frozen=True)
class Comparison:
    """What there is to report.

    Attributes:
        baseline: Name of the run that the others are compared with.
        metric: Metric of the figures, the console and the first tables.
        scores: What `nba_rank.evaluation.past_runs.common_scores` returns.
        means: What `nba_rank.evaluation.paired.season_means` makes of them.
        differences: What `nba_rank.evaluation.paired.paired` makes of them.
        first_epochs: What `nba_rank.evaluation.past_runs.first_epochs` returns.
    """

    found: Found
    baseline: str
    metric: str
    scores: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame
    first_epochs: pd.DataFrame

    @property
    def runs(self) -> dict[str, PastRun]:
        """The runs by name, the baseline first."""
        ordered = sorted(self.found.runs, key=lambda run: run.name != self.baseline)
        return {run.name: run for run in ordered}

    @property
    def seasons(self) -> list[str]:
        """The seasons that all runs were tested on, in order."""
        return sorted(self.scores["season"].unique())


def write_comparison(comparison: Comparison, run_dir: RunDir, console: Console) -> Path:
    """Draw the figures, write the analysis and print its first tables; return its path."""
    metric, baseline = comparison.metric, comparison.baseline
    album = Album(run_dir.path)
    path = album.add("Each run over the season", "by_point")
    plot_by_point(comparison.means, baseline, metric, path)
    path = album.add("Differences to the baseline run", "differences")
    plot_differences(comparison.differences, baseline, metric, path)
    warnings = _warnings(comparison)
    for line in warnings:
        console.print(line, markup=False, highlight=False)
    title = f"{measure_label(metric)}: mean, and difference to {baseline}"
    means, gaps, by_season = (
        where(frame, metric=metric, scope="league")
        for frame in (comparison.means, comparison.differences, comparison.scores)
    )
    means = values(means, "ranker", "as_of_point", "run")
    gaps = differences(gaps, "ranker", "as_of_point", "run", intervals=False)
    print_table(console_table(means, title), console)
    print_table(console_table(gaps), console)
    # The mean over the points comes before the points; a single point stands for itself.
    by_season = by_season[by_season["as_of_point"] == by_season["as_of_point"].iloc[0]]
    context = {
        "n_runs": len(comparison.runs),
        "warnings": warnings,
        "seasons": span(comparison.seasons),
        "baseline": baseline,
        "metric": label("metric", metric),
        "runs": _runs(comparison),
        "by_point": [
            (label("scope", scope), differences(rows, "ranker", "as_of_point", "run"))
            for scope in ("league", "playoff16")
            if not (rows := where(comparison.differences, metric=metric, scope=scope)).empty
        ],
        "summed_up": differences(_summed_up(comparison), "measure", "ranker", "measure"),
        "sweeps": [_sweep(sweep) for sweep in comparison.found.sweeps],
        "unlike": _unlike(comparison),
        "by_season": values(by_season, "season", "ranker"),
        "means": _means(comparison),
        "first_epochs": _first_epochs(comparison),
        "seconds": _seconds(comparison),
    }
    return write_analysis(run_dir, "comparison.md.j2", context, album.figures)


def _warnings(comparison: Comparison) -> list[str]:
    """Say what may be mistaken for skill, what was left out and what is missing."""
    lines = []
    runs = comparison.runs
    tables = differing({name: run.tables for name, run in runs.items()})
    hashes = [set(row) - {""} for row in tables.to_numpy().tolist()]
    n_hashes = pd.Series([len(known) for known in hashes], index=tables.index, dtype=int)
    if (n_hashes > 1).any():
        gap = standings_gap({name: run.standings for name, run in runs.items()})
        lines.append(
            f"The runs learned from different data: {', '.join(tables.index[n_hashes > 1])} "
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
    same = comparison.differences.groupby("ranker")["difference"].apply(
        lambda own: (own.abs() < _SAME).all()
    )
    lines += [f"{name} scores exactly as {comparison.baseline} by every metric."
              for name in same.index[same]]  # fmt: skip
    return lines + [f"{note[0].upper()}{note[1:]}." for note in comparison.found.notes]


def _runs(comparison: Comparison) -> pd.DataFrame:
    """Return where each run comes from."""
    rows = [
        {
            "run": name + " (baseline)" * (name == comparison.baseline),
            "folder": str(run.folder),
            "final ranker": label("ranker", run.ranker),
            "started": str(run.manifest.get("started", ABSENT))[:16],
            "git revision": str(run.environment["git revision"]) or ABSENT,
            "test seasons": str(run.rows["season"].nunique()),
            "seconds": number(sum(run.seconds.values()), 0),
        }
        for name, run in comparison.runs.items()
    ]
    return pd.DataFrame(rows)


def _summed_up(comparison: Comparison) -> pd.DataFrame:
    """Return the runs' differences by measure, in the mean over the points or at the only point."""
    rows = comparison.differences[comparison.differences["ranker"] != STANDINGS]
    # The mean over the points comes before the points.
    rows = rows.drop_duplicates(["ranker", "metric", "scope"])
    return _measured(rows, [one for some in MEASURES.values() for one in some])


def _measured(rows: pd.DataFrame, measures: list[tuple[str, str]]) -> pd.DataFrame:
    """Return the rows of some measures, in their order, with the words for each in `measure`."""
    place = {measure: number_ for number_, measure in enumerate(measures)}
    keys = zip(rows["metric"], rows["scope"], strict=True)
    rows = rows.assign(order=[place.get(key, -1) for key in keys])
    rows = rows[rows["order"] >= 0].sort_values("order", kind="stable")
    return rows.assign(measure=[measure_label(*measures[one]) for one in rows["order"]])


def _means(comparison: Comparison) -> list[tuple[str, list[tuple[str, pd.DataFrame]]]]:
    """Return the means of all measures, a table an as-of point."""
    sections, words = [], {MEAN: "Mean over the points", "all": "All season"}
    for title, measures in MEASURES.items():
        rows = _measured(comparison.means, measures)
        points = [point for point in [MEAN, *POINT_LABELS, "all"]
                  if (rows["as_of_point"] == point).any()]  # fmt: skip
        if title.startswith("Games"):  # one value a season, at a point or at all
            rows, points = rows.assign(as_of_point="all"), ["all"] if points else []
        tables = [
            (
                words.get(point, f"At {label('as_of_point', point)}"),
                values(rows[rows["as_of_point"] == point], "ranker", "measure", "run"),
            )
            for point in points
        ]
        if tables:
            sections.append((title, tables))
    return sections


def _sweep(sweep: Sweep) -> tuple[str, str, pd.DataFrame]:
    """Return what validation promised beside what the test seasons gave."""
    lines = []
    for name in sweep.objectives:
        metric, scope = OBJECTIVES[name].metric, OBJECTIVES[name].scope
        digits = METRICS[metric].digits
        line = {"objective": measure_label(metric, scope)}
        test = {which: mean_score(run.rows, metric, scope) for which, run in sweep.runs.items()}
        validation = {which: own.get(name, np.nan) for which, own in sweep.validation.items()}
        for kind, known in (("validation", validation), ("test", test)):
            default, best = (known.get(which, np.nan) for which in (DEFAULT, BEST))
            line |= {
                f"default, {kind}": number(default, digits),
                f"best, {kind}": number(best, digits),
                f"best minus default, {kind}": signed(best - default, digits),
            }
        lines.append(line)
    told = ", ".join(f"{n} {state}" for state, n in sweep.n_trials.items()) or "none yet"
    return sweep.folder.name, told, pd.DataFrame(lines)


def _unlike(comparison: Comparison) -> list[tuple[str, pd.DataFrame]]:
    """Return config fields, tables and environments in which the runs differ."""
    runs = comparison.runs
    fields = differing({name: comparable_fields(run.fields) for name, run in runs.items()})
    everywhere = (fields != "").all(axis=1)
    tables = differing({name: run.tables for name, run in runs.items()})
    parts = {
        "Config fields, without those that say where files lie": fields[everywhere],
        "Config fields that not all runs know, since they ran on another version of the program": (
            fields[~everywhere].map(_shortened)
        ),
        "Tables, by the first digits of their hash": tables.map(lambda cell: cell[:8]),
        "Environment": differing({name: run.environment for name, run in runs.items()}),
    }
    return [
        (title, cells.replace("", ABSENT).rename_axis(index="of").reset_index())
        for title, cells in parts.items()
        if not cells.empty
    ]


def _first_epochs(comparison: Comparison) -> pd.DataFrame | None:
    """Return the first epochs as a table of text; None where not all runs have them."""
    table = comparison.first_epochs
    if table.empty:
        return None
    runs = {name: [f"{value:.7g}" for value in table[name]] for name in comparison.runs}
    return pd.DataFrame(
        {
            "statistic": table["statistic"].str.replace("_", " "),
            "epoch": table["epoch"].map({0: "before training", 1: "after the first"}),
            **runs,
            "largest gap": [f"{gap:.1e}" for gap in table["largest_gap"]],
            "networks": table["n_networks"].astype(str),
        }
    )


def _seconds(comparison: Comparison) -> pd.DataFrame:
    """Return the wall-clock seconds of each stage."""
    runs = comparison.runs
    stages = list(dict.fromkeys(stage for run in runs.values() for stage in run.seconds))
    columns = {
        name: [
            *(number(run.seconds.get(stage, np.nan), 1) for stage in stages),
            number(sum(run.seconds.values()), 1),
        ]
        for name, run in runs.items()
    }
    return pd.DataFrame({"stage": [*stages, "all"], **columns})


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
