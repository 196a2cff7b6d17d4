"""The analysis of a sweep: what it chose, what mattered, how far validation and test agree."""

import warnings
from dataclasses import dataclass

import optuna
import pandas as pd
from markupsafe import Markup
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.schema import Config
from nba_rank.core import escape
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.sweeps import Candidate, SweepResult
from nba_rank.report.differences import span, values
from nba_rank.report.format import console_table, number, percent, print_table, table
from nba_rank.report.render import write_analysis
from nba_rank.report.sweep_figures import draw_sweep

_FEWEST_FOR_IMPORTANCES = 8
_SHOWN_TRIALS = 10
_SHOWN_DIMENSIONS = 12

_EVALUATOR = FanovaImportanceEvaluator(seed=0)


@dataclass(frozen=True)
class SweepFindings:
    """What a sweep found.

    Attributes:
        batch_id: Name of the sweep.
        result: Choice and comparisons.
        overrides: What was chosen, as words of the command line.
        trials: All trials, see `nba_rank.experiments.tuning.study.SharedStudy.table`.
        study: The study, for importances and figures.
        config: What all trials have in common.
    """

    batch_id: str
    result: SweepResult
    overrides: list[str]
    trials: pd.DataFrame
    study: optuna.Study
    config: Config


def write_sweep_report(findings: SweepFindings, run_dir: RunDir, console: Console) -> None:
    """Write figures and the next analysis, and print what was chosen.

    Args:
        findings: What the sweep found.
        run_dir: The sweep's folder.
        console: Where the choice is printed.
    """
    result = findings.result
    importances = {name: _importances(findings, name) for name in result.objectives}
    figures = draw_sweep(
        findings.study,
        result.objectives,
        importances,
        result.default.objective,
        result.chosen.objective,
        _EVALUATOR,
        run_dir.path,
    )
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
    context = {
        "batch_id": findings.batch_id,
        "chosen": result.chosen,
        "first": result.best,
        "margin": f"{findings.config.tuning.margin:g}",
        "n_judged": len(result.candidates) - 1,
        "validation_seasons": span(sorted(result.default.seasons)),
        "test_seasons": span(result.test_seasons),
        "leads": _leads(result),
        "command": _code(" ".join(["python -m nba_rank.train", *findings.overrides])),
        "gains": gains,
        "agreement": table(
            result.agreement,
            [("objective", "objective"), ("agreement", "mean rank correlation", ".2f")],
        ),
        "by_point": None
        if result.by_point.empty
        else values(result.by_point, "ranker", "as_of_point", "configuration"),
        "states": findings.trials["state"].value_counts().to_dict(),
        "seconds": findings.trials["seconds"].astype("float64"),
        "shown": _shown_trials(result),
        "importances": [(name, _shares(shares)) for name, shares in importances.items() if shares],
    }
    path = write_analysis(run_dir, "sweep.md.j2", context, figures)
    print_table(console_table(gains, f"Chosen: {result.chosen.name}"), console)
    for word in findings.overrides:
        console.print(f"  {word}", markup=False, highlight=False)
    console.print(f"Sweep folder: {run_dir.path}, analysis: {path.name}")


def _code(text: str) -> Markup:
    """Return text that stands in a block of code as it is."""
    return Markup(escape.plain(text).replace("`", "'"))


def _leads(result: SweepResult) -> pd.DataFrame:
    """Return how far the best trial leads the default, as the choice sees it."""
    arrows = ["↑" if OBJECTIVES[name].maximize else "↓" for name in result.objectives]
    return table(
        result.leads.assign(objective=result.leads["objective"] + " " + arrows),
        [
            ("objective", "objective"),
            ("value", "best trial", ".4f"),
            ("reference_value", "default", ".4f"),
            ("lead", "lead", ".4f"),
            ("se", "standard error", ".4f"),
        ],
    )


def _shown_trials(result: SweepResult) -> list[tuple[str, pd.DataFrame]]:
    """Return the best trials by each objective, or the Pareto front of several, and the default."""
    names = result.objectives
    if len(names) > 1:
        shown = {"The Pareto front": result.ranked}
        shown["The best by each objective"] = [*result.best_by.values()]
    else:
        shown = {"The best": result.ranked[:_SHOWN_TRIALS]}
    return [
        (
            title,
            pd.DataFrame(
                [_line(one, names) for one in some]
                + [_line(result.default, names)] * (result.default not in some)
            ),
        )
        for title, some in shown.items()
    ]


def _line(one: Candidate, names: list[str]) -> dict[str, str]:
    choices = ", ".join(
        f"{name.split('.')[-1].split('/')[-1]}="
        + (f"{value:.3g}" if isinstance(value, float) else str(value))
        for name, value in one.params.items()
    )
    return {
        "configuration": one.name,
        **{name: number(one.objective[name], 4) for name in names},
        "choices": choices or "the config as it is",
    }


def _importances(findings: SweepFindings, objective: str) -> dict[str, float]:
    """Return each dimension's share of the variance of an objective, the largest first."""
    done = findings.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    place = findings.result.objectives.index(objective)

    def target(trial: FrozenTrial) -> float:
        return float(trial.values[place])  # noqa: PD011

    if len(done) < _FEWEST_FOR_IMPORTANCES or len({target(t) for t in done}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(
            findings.study, evaluator=_EVALUATOR, target=target
        )
    return {name: float(share) for name, share in found.items()}


def _shares(shares: dict[str, float]) -> pd.DataFrame:
    top = list(shares.items())[:_SHOWN_DIMENSIONS]
    return pd.DataFrame(
        [{"choice": name, "share of variance": percent(share)} for name, share in top]
    )
