"""Figures of a sweep: Optuna's own, with the default configuration marked."""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import optuna
from optuna.importance import BaseImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState
from optuna.visualization import matplotlib as plots

from nba_rank.report.render import Figure
from nba_rank.report.style import GREY, ORANGE, save, style

_MOST_SLICES, _MOST_LINES = 6, 12
"""Dimensions that fit beside each other."""


def draw_sweep(
    study: optuna.Study,
    objectives: Sequence[str],
    importances: Mapping[str, Mapping[str, float]],
    default: Mapping[str, float],
    chosen: Mapping[str, float],
    evaluator: BaseImportanceEvaluator,
    folder: Path,
) -> list[Figure]:
    """Draw the trials by order, by dimension and, for two objectives, against each other.

    Args:
        study: The study.
        objectives: Names of its objectives, in order.
        importances: Share of each objective's variance by name of the dimension, the largest
            first; empty where nothing can be said.
        default: Objectives of the default configuration.
        chosen: Those of the chosen one.
        evaluator: What measures importances.
        folder: The sweep's folder; figures go into `figures/`.

    Returns:
        Caption and relative path of each figure; none before the first finished trial.
    """
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not done:
        return []
    drawn: list[Figure] = []
    plt.switch_backend("agg")  # Optuna draws by pyplot

    def keep(caption: str, name: str) -> None:
        figure = plt.gcf()
        for ax in figure.axes:
            if ax.get_xscale() == "log":  # labels of a narrow panel would run into each other
                ax.xaxis.set_major_formatter("{x:g}")
                ax.xaxis.set_minor_formatter("{x:g}")
                ax.tick_params(axis="x", which="both", labelrotation=90, labelsize=8)
        save(figure, folder / "figures" / f"{name}.png")
        plt.close(figure)
        drawn.append((caption, f"figures/{name}.png"))

    with style(), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for place, objective in enumerate(objectives):
            known, ending = importances[objective], f"_{objective}" if len(objectives) > 1 else ""
            names = list(known) or sorted(done[-1].params)
            of = partial(_value, place)
            level = default[objective]
            history = plots.plot_optimization_history(study, target=of, target_name=objective)
            history.axhline(level, color=GREY, ls="--", label="default")
            history.legend(frameon=False)
            keep(f"{objective} by trial", f"history{ending}")
            if known:
                plots.plot_param_importances(study, evaluator, target=of, target_name=objective)
                keep(f"What mattered for {objective}", f"importances{ending}")
            plots.plot_slice(study, names[:_MOST_SLICES], target=of, target_name=objective)
            for ax in plt.gcf().axes[: len(names[:_MOST_SLICES])]:  # then the colour bar
                ax.axhline(level, color=GREY, ls="--")
            keep(f"{objective} by each choice (dashed: the default)", f"slices{ending}")
            plots.plot_parallel_coordinate(
                study, names[:_MOST_LINES], target=of, target_name=objective
            )
            plt.subplots_adjust(bottom=0.25)  # room for the names of choices
            keep(f"{objective}: each trial a line", f"parallel{ending}")
        if len(objectives) == 2:
            front = plots.plot_pareto_front(study, target_names=list(objectives))
            for name, one, marker, colour in (
                ("default", default, "D", GREY), ("chosen", chosen, "*", ORANGE)
            ):  # fmt: skip
                x, y = (one[objective] for objective in objectives)
                front.scatter(x, y, s=120, marker=marker, color=colour, label=name, zorder=4)
            front.legend(frameon=False)
            keep("What one objective costs the other", "pareto_front")
    return drawn


def _value(place: int, trial: FrozenTrial) -> float:
    """Return one of the objectives of a trial."""
    return float(trial.values[place])
