"""The analysis of a comparison: runs and sweeps side by side."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup
from rich.console import Console

from nba_rank.core import escape
from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.core.names import STANDINGS
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.paired import SIGNIFICANT
from nba_rank.evaluation.past_forecasts import PastForecasts
from nba_rank.evaluation.past_runs import (
    Found,
    PastRun,
    comparable_fields,
    differing,
    standings_gap,
)
from nba_rank.evaluation.past_training import LOSSES, learned, mean_curves
from nba_rank.report.forecast_figures import plot_reliability
from nba_rank.report.format import (
    console_table,
    number,
    pivot,
    print_table,
    table,
    where,
)
from nba_rank.report.labels import ABSENT, POINT_LABELS, label, measure_label, sentence, span
from nba_rank.report.model_a_figures import plot_learning_curves
from nba_rank.report.render import PAGE, Album, write_analysis
from nba_rank.report.season_figures import SCOPES, plot_by_point, plot_differences, run_looks

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
_NOTHING = object()


@dataclass(frozen=True)
class Comparison:
    """What there is to report.

    Attributes:
        baseline: Name of the run that the others are compared with.
        metric: Metric of the figures, the console and the first tables.
        scores: What `nba_rank.evaluation.past_runs.common_scores` returns.
        means: What `nba_rank.evaluation.paired.season_means` makes of them.
        differences: What `nba_rank.evaluation.paired.paired` makes of them.
        sweeps: What `nba_rank.evaluation.past_runs.sweep_scores` returns, by name of the sweep.
        forecasts: What `nba_rank.evaluation.past_forecasts` returns.
        curves: What `nba_rank.evaluation.past_training.learning_curves` returns.
        first_epochs: What `nba_rank.evaluation.past_training.first_epochs` returns.
    """

    found: Found
    baseline: str
    metric: str
    scores: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame
    sweeps: Mapping[str, pd.DataFrame]
    forecasts: PastForecasts
    curves: pd.DataFrame
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
    measured = _measured(first, [one for some in MEASURES.values() for one in some])
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
        "verdicts": _verdicts(where(first, metric=metric, scope="league"), measured),
        "runs": _runs(comparison),
        "reports": _reports(runs, run_dir.path),
        "differences": gaps,
        "summed_up": measured,
        "sweeps": [
            (
                sweep.folder.name,
                sweep.n_trials,
                comparison.sweeps[sweep.folder.name].assign(
                    objective=lambda rows: [
                        measure_label(*one)
                        for one in zip(rows["metric"], rows["scope"], strict=True)
                    ]
                ),
            )
            for sweep in comparison.found.sweeps
        ],
        "changes": _changes(runs),
        "unlike": _unlike(comparison),
        "by_season": by_season[by_season["as_of_point"] == by_season["as_of_point"].iloc[0]],
        "means": {title: _measured(means, some) for title, some in MEASURES.items()},
        "learned": learned(comparison.curves),
        "without_model_a": [name for name in runs if name not in set(comparison.curves["run"])],
        "forecasts": comparison.forecasts,
        "bins": _bins(comparison.forecasts.reliability),
        "first_epochs": _first_epochs(comparison),
        "seconds": pd.DataFrame(seconds, columns=["stage", "run", "seconds"]),
    }
    write_analysis(run_dir, "comparison.md.j2", context, draw(comparison, run_dir), console)


def draw(comparison: Comparison, run_dir: RunDir) -> Album:
    """Draw the figures, as far as there is something to draw."""
    metric, baseline = comparison.metric, comparison.baseline
    album = Album(run_dir, "svg")
    drawn = where(comparison.means, metric=metric, as_of_point=[*POINT_LABELS])
    for scope in SCOPES:
        if scope in set(drawn["scope"]):
            words = f"{METRICS[metric].words}, {label('scope', scope)}"
            figure = plot_by_point(comparison.means, baseline, metric, scope)
            album.add(f"{words}: each run over the season", f"by_point_{scope}", figure)
            figure = plot_differences(comparison.differences, baseline, metric, scope)
            album.add(f"{words}: differences to {baseline}", f"differences_{scope}", figure)
    looks = run_looks(comparison.runs, baseline)
    for loss, curves in comparison.curves.groupby("loss", sort=False):
        means = mean_curves(curves)
        for column, words in LOSSES.items():
            if means[column].notna().any():
                words = f"{sentence(words)} of model A, {label('loss', loss)}"
                figure = plot_learning_curves(curves, means, column, words, looks)
                album.add(f"{words}, by epoch", f"learning_{loss}_{column}", figure)
    bins = comparison.forecasts.reliability
    for event, rows in bins.groupby("event", sort=False) if len(bins) else ():
        words = sentence(label("event", event))
        by_run = {str(run): own for run, own in rows.groupby("variant", sort=False)}
        figure = plot_reliability(by_run, f"{words}: does it happen as often as forecast?",
                                  same_axes=True)  # fmt: skip
        album.add(f"{words}: how often against how likely", f"reliability_{event}", figure)
    return album


def _verdicts(main: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Say of each run by which measures it is better and by which it is worse, the best run first.

    Args:
        main: Differences to the baseline by the metric that decides, a row a run.
        measured: Differences by all measures.
    """
    main = main.sort_values("difference", ascending=not higher_is_better(main["metric"].iloc[0]),
                            kind="stable")  # fmt: skip
    of_runs = [where(measured, ranker=name) for name in main["ranker"]]
    told = {
        verdict: [_listed(where(own, verdict=verdict)) for own in of_runs]
        for verdict in SIGNIFICANT
    }
    return main.assign(n_measures=[*map(len, of_runs)], **told)


def _listed(rows: pd.DataFrame) -> str:
    names = zip(rows["metric"], rows["scope"], strict=True)
    return ", ".join(measure_label(*one) for one in names)


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
    return lines + [f"{sentence(note)}." for note in comparison.found.notes]


def _runs(comparison: Comparison) -> pd.DataFrame:
    """Return where each run comes from."""
    rows = [
        {
            "run": name + " (baseline)" * (name == comparison.baseline),
            "folder": str(run.folder),
            "final ranker": label("ranker", run.ranker),
            "started": str(run.manifest.get("started", ABSENT))[:16],
            "git revision": str(run.environment.get("git revision", ABSENT)),
            "test seasons": str(run.rows["season"].nunique()),
            "seconds": number(sum(run.seconds.values()), ".0f"),
        }
        for name, run in comparison.runs.items()
    ]
    return pd.DataFrame(rows)


def _reports(runs: Mapping[str, PastRun], folder: Path) -> list[Markup]:
    """Return links in Markdown to the pages of the runs, those that there are."""
    links = []
    for name, run in runs.items():
        page = (run.folder / PAGE).resolve()
        if page.exists():
            way = PurePosixPath(os.path.relpath(page, folder.resolve())).as_posix()
            links.append(Markup(f"[{escape.markdown(name)}]({quote(way)})"))
    return links


def _measured(rows: pd.DataFrame, measures: list[tuple[str, str]]) -> pd.DataFrame:
    """Return the rows of some measures, in their order."""
    return pd.DataFrame(measures, columns=["metric", "scope"]).merge(rows)


def _changes(runs: Mapping[str, PastRun]) -> pd.DataFrame:
    """Return the config fields that differ, with what each run changes against the first."""
    fields = {name: comparable_fields(run.fields) for name, run in runs.items()}
    unlike = differing(fields)
    baseline = next(iter(fields))
    rows = []
    for key, (old, *others) in zip(unlike.index, unlike.to_numpy().tolist(), strict=True):
        values = [own.get(key, _NOTHING) for own in fields.values()]
        row = {"field": key, f"{baseline} (baseline)": ABSENT if values[0] is _NOTHING else old}
        for name, value, text in zip(unlike.columns[1:], values[1:], others, strict=True):
            row[name] = "same" if text == old else _change(values[0], value, text)
        rows.append(row)
    return pd.DataFrame(rows)


def _change(old: object, new: object, text: str) -> str:
    """Say in words what becomes of a field; of long lists, which items come and go."""
    if new is _NOTHING:
        return "removed"
    if old is _NOTHING:
        return f"added: {text}"
    if isinstance(old, list) and isinstance(new, list) and len(text) > _LONGEST:
        more, less = ([one for one in a if one not in b] for a, b in ((new, old), (old, new)))
        parts = [
            f"{words} {', '.join(map(str, some))}"
            for words, some in (("with", more), ("without", less))
            if some
        ]
        text = "; ".join(parts) or text
    return f"changed: {text}"


def _bins(reliability: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the bins of each event as text, a line a bin and a column a run."""
    if reliability.empty:
        return []
    shares = [
        f"{'<0.1%' if 0 < p < 0.0005 else number(p, '.1%')} → {number(share, '.1%')} ({count:,})"
        for p, share, count in zip(
            reliability["mean_p"], reliability["frequency"], reliability["count"], strict=True
        )
    ]
    rows = reliability.assign(text=shares, bin=reliability["bin"].astype(str))
    return [
        (str(event), pivot(own, "bin", "variant", "text"))
        for event, own in rows.groupby("event", sort=False)
    ]


def _unlike(comparison: Comparison) -> list[tuple[str, pd.DataFrame]]:
    """Return tables and environments in which the runs differ."""
    runs = comparison.runs
    tables = differing({name: run.tables for name, run in runs.items()})
    parts = {
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
