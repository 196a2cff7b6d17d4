"""The analysis of a comparison: runs and sweeps side by side."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core.names import STANDINGS
from nba_rank.core.run_dir import RunDir
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
from nba_rank.report.format import console_table, number, pivot, print_table, table, where
from nba_rank.report.labels import ABSENT, label, measure_label, span
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


def write_comparison(comparison: Comparison, run_dir: RunDir, console: Console) -> None:
    """Draw the figures, print the first tables and write the analysis."""
    metric, baseline = comparison.metric, comparison.baseline
    means, gaps, runs = comparison.means, comparison.differences, comparison.runs
    album = Album(run_dir)
    album.add("Each run over the season", "by_point", plot_by_point(means, baseline, metric))
    figure = plot_differences(gaps, baseline, metric)
    album.add("Differences to the baseline run", "differences", figure)
    warnings = _warnings(comparison)
    for line in warnings:
        console.print(line, markup=False, highlight=False)
    title = f"{measure_label(metric)}: mean, and difference to {baseline}"
    own_means, own_gaps, by_season = (
        where(frame, metric=metric, scope="league") for frame in (means, gaps, comparison.scores)
    )
    own_means = pivot(own_means, "ranker", "as_of_point", heading="run")
    own_gaps = pivot(own_gaps, "ranker", "as_of_point", "difference", "+*", "run")
    print_table(console_table(own_means, title), console)
    print_table(console_table(own_gaps), console)
    # The mean over the points comes before the points; a single point stands for itself.
    first = gaps[gaps["ranker"] != STANDINGS].drop_duplicates(["ranker", "metric", "scope"])
    seconds = [
        (stage, name, taken)
        for name, run in runs.items()
        for stage, taken in (run.seconds | {"all": sum(run.seconds.values())}).items()
    ]
    context = {
        "n_runs": len(runs),
        "warnings": warnings,
        "seasons": span(comparison.seasons),
        "baseline": baseline,
        "metric": metric,
        "runs": _runs(comparison),
        "differences": gaps,
        "summed_up": _measured(first, [one for some in MEASURES.values() for one in some]),
        "sweeps": [_sweep(sweep) for sweep in comparison.found.sweeps],
        "unlike": _unlike(comparison),
        "by_season": by_season[by_season["as_of_point"] == by_season["as_of_point"].iloc[0]],
        "means": {title: _measured(means, some) for title, some in MEASURES.items()},
        "first_epochs": _first_epochs(comparison),
        "seconds": pd.DataFrame(seconds, columns=["stage", "run", "seconds"]),
    }
    write_analysis(run_dir, "comparison.md.j2", context, album, console)


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
            "seconds": number(sum(run.seconds.values()), ".0f"),
        }
        for name, run in comparison.runs.items()
    ]
    return pd.DataFrame(rows)


def _measured(rows: pd.DataFrame, measures: list[tuple[str, str]]) -> pd.DataFrame:
    """Return the rows of some measures, in their order."""
    return pd.DataFrame(measures, columns=["metric", "scope"]).merge(rows)


def _sweep(sweep: Sweep) -> tuple[str, dict[str, int], pd.DataFrame]:
    """Return what validation promised and what the test seasons gave."""
    lines = []
    for name in sweep.objectives:
        metric, scope = OBJECTIVES[name].metric, OBJECTIVES[name].scope
        scores: dict[str, dict[str, float | None]] = {
            "validation": {which: own.get(name) for which, own in sweep.validation.items()},
            "test": {
                which: mean_score(run.rows, metric, scope) for which, run in sweep.runs.items()
            },
        }
        for seasons, known in scores.items():
            default, best = (known.get(which, np.nan) for which in (DEFAULT, BEST))
            lines.append((measure_label(metric, scope), metric, seasons, default, best))
    columns = ["objective", "metric", "seasons", "default", "best"]
    table = pd.DataFrame(lines, columns=columns).astype({"default": float, "best": float})
    return sweep.folder.name, sweep.n_trials, table.assign(gain=table["best"] - table["default"])


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


def _first_epochs(comparison: Comparison) -> pd.DataFrame:
    """Return the first epochs as a table of text; empty where not all runs have them."""
    epochs = comparison.first_epochs
    return table(
        epochs.assign(
            statistic=epochs["statistic"].str.replace("_", " "),
            epoch=epochs["epoch"].map({0: "before training", 1: "after the first"}),
        ),
        [
            ("statistic", "statistic"),
            ("epoch", "epoch"),
            *((name, name, ".7g") for name in comparison.runs),
            ("largest_gap", "largest gap", ".1e"),
            ("n_networks", "networks"),
        ],
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
