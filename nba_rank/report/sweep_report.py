"""The analysis of a sweep: what it chose, what mattered, how far validation and test agree."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import optuna
import pandas as pd
from markupsafe import Markup
from optuna.trial import FrozenTrial, TrialState
from optuna.visualization import matplotlib as plots
from rich.console import Console

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core import escape
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.sweeps import Candidate, SweepResult
from nba_rank.report.format import console_table, number, print_table, table
from nba_rank.report.labels import span
from nba_rank.report.render import Album, write_analysis
from nba_rank.report.style import GREY, ORANGE, look

_SHOWN_TRIALS, _SHOWN_DIMENSIONS = 10, 12
_MOST_SLICES, _MOST_LINES = 6, 12
"""Dimensions that fit beside each other in a figure."""


@dataclass(frozen=True)
class SweepFindings:
    """What there is to report.

    Attributes:
        overrides: The choice as arguments of the command line.
        trials: All trials, see `nba_rank.experiments.tuning.study.SharedStudy.table`.
        importances: Share of each objective's variance by dimension, the largest first; empty if
            unknown.
        margin: Standard errors by which a trial had to lead.
    """

    batch_id: str
    result: SweepResult
    overrides: list[str]
    trials: pd.DataFrame
    study: optuna.Study
    importances: Mapping[str, Mapping[str, float]]
    margin: float


def write_sweep_report(findings: SweepFindings, run_dir: RunDir, console: Console) -> None:
    """Write figures and the next analysis, and print what was chosen."""
    result = findings.result
    gains = table(
        result.gains,
        [
            ("objective", "objective"),
            ("seasons", "seasons"),
            ("value", "chosen", ".4f"),
            ("reference_value", "default", ".4f"),
            ("difference", "difference", "+.4f±"),
            ("verdict", "verdict"),
            ("standings", "standings", ".4f"),
        ],
    )
    command = " ".join(["python -m nba_rank.train", *findings.overrides])
    arrows = ["↑" if OBJECTIVES[name].maximize else "↓" for name in result.objectives]
    lists = {"The best": result.ranked[:_SHOWN_TRIALS]}
    if len(result.objectives) > 1:
        lists = {
            "The Pareto front": result.ranked,
            "The best by each objective": [*result.best_by.values()],
        }
    context = vars(result) | {
        "batch_id": findings.batch_id,
        "margin": f"{findings.margin:g}",
        "n_judged": len(result.candidates) - 1,
        "validation_seasons": span(sorted(result.default.seasons)),
        "test_seasons": span(result.test_seasons),
        "leads": result.leads.assign(objective=result.leads["objective"] + " " + arrows),
        # In a block of code nothing is escaped.
        "command": Markup(escape.plain(command).replace("`", "'")),
        "gains": gains,
        "states": findings.trials["state"].value_counts().to_dict(),
        "seconds": findings.trials["seconds"].astype("float64"),
        "shown": {title: _trials(some, result) for title, some in lists.items()},
        "importances": {
            name: _shares(shares) for name, shares in findings.importances.items() if shares
        },
    }
    print_table(console_table(gains, f"Chosen: {result.chosen.name}"), console)
    for word in findings.overrides:
        console.print(f"  {word}", markup=False, highlight=False)
    write_analysis(run_dir, "sweep.md.j2", context, draw(findings, run_dir), console)


def _trials(some: list[Candidate], result: SweepResult) -> pd.DataFrame:
    """Return some configurations, and the default, as a table of text."""
    return pd.DataFrame(
        {
            "configuration": one.name,
            **{name: number(one.objective[name], ".4f") for name in result.objectives},
            "choices": _choices(one) or "the config as it is",
        }
        for one in [*some, *[result.default] * (result.default not in some)]
    )


def _choices(one: Candidate) -> str:
    return ", ".join(
        f"{name.split('.')[-1].split('/')[-1]}="
        + (f"{value:.3g}" if isinstance(value, float) else str(value))
        for name, value in one.params.items()
    )


def _shares(shares: Mapping[str, float]) -> pd.DataFrame:
    top = list(shares.items())[:_SHOWN_DIMENSIONS]
    return pd.DataFrame(
        [{"choice": name, "share of variance": number(share, ".0%")} for name, share in top]
    )


@look
def draw(findings: SweepFindings, run_dir: RunDir) -> Album:
    """Draw the trials by order, by dimension and, for two objectives, against each other.

    The figures are Optuna's own, with the default configuration marked.
    """
    study, found = findings.study, findings.result
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    album = Album(run_dir)
    if not done:
        return album
    plt.switch_backend("agg")  # Optuna draws by pyplot
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for place, objective in enumerate(found.objectives):
            ending = f"_{objective}" if len(found.objectives) > 1 else ""
            names = list(findings.importances[objective]) or sorted(done[-1].params)
            of: dict[str, Any] = {"target": partial(_value, place), "target_name": objective}
            default = found.default.objective[objective]
            level: dict[str, Any] = {"y": default, "color": GREY, "ls": "--"}
            history = plots.plot_optimization_history(study, **of)
            history.axhline(**level, label="default")
            history.legend(frameon=False)
            _keep(album, f"{objective} by trial", f"history{ending}")
            plots.plot_slice(study, names[:_MOST_SLICES], **of)
            for ax in plt.gcf().axes[: len(names[:_MOST_SLICES])]:  # then the colour bar
                ax.axhline(**level)
            title = f"{objective} by each choice (dashed: the default)"
            _keep(album, title, f"slices{ending}")
            plots.plot_parallel_coordinate(study, names[:_MOST_LINES], **of)
            plt.subplots_adjust(bottom=0.25)  # room for the names of choices
            _keep(album, f"{objective}: each trial a line", f"parallel{ending}")
        if len(found.objectives) == 2:
            front = plots.plot_pareto_front(study, target_names=found.objectives)
            for name, one, marker, colour in (
                ("default", found.default, "D", GREY), ("chosen", found.chosen, "*", ORANGE)
            ):  # fmt: skip
                x, y = (one.objective[objective] for objective in found.objectives)
                front.scatter(x, y, s=120, marker=marker, color=colour, label=name, zorder=4)
            front.legend(frameon=False)
            _keep(album, "What one objective costs the other", "pareto_front")
    return album


def _keep(album: Album, caption: str, name: str) -> None:
    """Save the figure that Optuna has drawn."""
    figure = plt.gcf()
    for ax in figure.axes:
        if ax.get_xscale() == "log":  # labels of a narrow panel would run into each other
            ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_minor_formatter("{x:g}")
            ax.tick_params(axis="x", which="both", labelrotation=90, labelsize=8)
    album.add(caption, name, figure)
    plt.close(figure)


def _value(place: int, trial: FrozenTrial) -> float:
    """Return one of the objectives of a trial."""
    return float(trial.values[place])  # noqa: PD011
