"""The analysis of a sweep: what it chose, what mattered, how far validation and test agree."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import optuna
import pandas as pd
from markupsafe import Markup
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.schema import Config
from nba_rank.core import escape
from nba_rank.core.names import ALL, CLONE, STANDINGS
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.choice import (
    CHOSEN,
    DEFAULT,
    Candidate,
    SeasonValues,
    best,
    best_by,
    gain,
    lead,
    pareto_front,
    season_agreement,
)
from nba_rank.evaluation.objectives import objective_rows, season_values
from nba_rank.evaluation.paired import season_means
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
        objectives: Names of what was optimised.
        candidates: All configurations that were judged on all validation seasons, the default
            first.
        chosen: The one of them that was chosen.
        overrides: What was chosen, as words of the command line.
        trials: All trials, see `nba_rank.experiments.tuning.study.SharedStudy.table`.
        study: The study, for importances and figures.
        tested: Tidy metrics of the whole run of the default and, where another was chosen, of the
            chosen configuration, by `default` and `chosen`.
        ranker: Name of the final ranker in them.
        config: What all trials have in common.
    """

    batch_id: str
    objectives: list[str]
    candidates: list[Candidate]
    chosen: Candidate
    overrides: list[str]
    trials: pd.DataFrame
    study: optuna.Study
    tested: dict[str, pd.DataFrame]
    ranker: str
    config: Config

    @property
    def default(self) -> Candidate:
        """The configuration without any choice of the search space."""
        return self.candidates[0]

    @cached_property
    def gains(self) -> pd.DataFrame:
        """Chosen minus default: rows of `gain`, by `objective` and kind of `seasons`.

        Those of test seasons have the `standings` beside them; objectives that the whole runs do
        not score have no such row.
        """
        rows = []
        for name in self.objectives:
            found = gain(self.chosen.seasons, self.default.seasons, name)
            rows.append({**found, "objective": name, "seasons": "validation"})
            if OBJECTIVES[name].from_clone == (self.ranker == CLONE):
                chosen, default = (self._tested(which, name) for which in (CHOSEN, DEFAULT))
                bar = objective_rows(self.tested[DEFAULT], name, STANDINGS)
                level = bar.groupby("season")["value"].mean().mean()
                found = gain(chosen, default, name)
                rows.append({**found, "objective": name, "seasons": "test", "standings": level})
        return pd.DataFrame(rows)

    @property
    def test_seasons(self) -> list[str]:
        """The test seasons, in order."""
        return sorted(set(self.tested[DEFAULT]["season"]) - {ALL})

    def _tested(self, which: str, objective: str) -> SeasonValues:
        """Return an objective by test season of a tested configuration."""
        tidy = self.tested.get(which, self.tested[DEFAULT])
        judged = tidy[tidy["metric"] == OBJECTIVES[objective].metric]
        return {
            str(season): season_values(rows, [objective], self.ranker)
            for season, rows in judged.groupby("season")
        }


def write_sweep_report(findings: SweepFindings, run_dir: RunDir, console: Console) -> None:
    """Write figures and the next analysis, and print what was chosen.

    Args:
        findings: What the sweep found.
        run_dir: The sweep's folder.
        console: Where the choice is printed.
    """
    importances = {name: _importances(findings, name) for name in findings.objectives}
    figures = draw_sweep(
        findings.study,
        findings.objectives,
        importances,
        findings.default.objective,
        findings.chosen.objective,
        _EVALUATOR,
        run_dir.path,
    )
    gains = table(
        findings.gains,
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
    first = best(findings.candidates, findings.objectives)
    context = {
        "batch_id": findings.batch_id,
        "chosen": findings.chosen,
        "first": first,
        "margin": f"{findings.config.tuning.margin:g}",
        "n_judged": len(findings.candidates) - 1,
        "validation_seasons": span(sorted(findings.default.seasons)),
        "test_seasons": span(findings.test_seasons),
        "leads": _leads(findings, first),
        "command": _code(" ".join(["python -m nba_rank.train", *findings.overrides])),
        "gains": gains,
        "agreement": _agreement(findings),
        "by_point": _by_point(findings),
        "states": findings.trials["state"].value_counts().to_dict(),
        "seconds": findings.trials["seconds"].astype("float64"),
        "shown": _shown_trials(findings),
        "importances": [(name, _shares(shares)) for name, shares in importances.items() if shares],
    }
    path = write_analysis(run_dir, "sweep.md.j2", context, figures)
    print_table(console_table(gains, f"Chosen: {findings.chosen.name}"), console)
    for word in findings.overrides:
        console.print(f"  {word}", markup=False, highlight=False)
    console.print(f"Sweep folder: {run_dir.path}, analysis: {path.name}")


def _code(text: str) -> Markup:
    """Return text that stands in a block of code as it is."""
    return Markup(escape.plain(text).replace("`", "'"))


def _leads(findings: SweepFindings, first: Candidate) -> pd.DataFrame:
    """Return how far the best trial leads the default, as the choice sees it."""
    rows = []
    for name in findings.objectives:
        ahead, error = lead(first, findings.default, name)
        rows.append(
            {
                "objective": f"{name} {'↑' if OBJECTIVES[name].maximize else '↓'}",
                "best trial": number(first.objective[name], 4),
                "default": number(findings.default.objective[name], 4),
                "lead": number(ahead, 4),
                "standard error": number(error, 4),
            }
        )
    return pd.DataFrame(rows)


def _agreement(findings: SweepFindings) -> pd.DataFrame:
    """Return how alike the validation seasons order the trials, by objective."""
    rows = []
    for name in findings.objectives:
        trials = [
            {season: own[name] for season, own in one.seasons.items()}
            for one in findings.candidates
        ]
        rows.append(
            {"objective": name, "mean rank correlation": number(season_agreement(trials), 2)}
        )
    return pd.DataFrame(rows)


def _by_point(findings: SweepFindings) -> pd.DataFrame | None:
    """Return the first objective on the test seasons by as-of point; None where it has none."""
    name = findings.objectives[0]
    if OBJECTIVES[name].from_clone != (findings.ranker == CLONE):
        return None
    parts = [
        objective_rows(findings.tested[which], name, ranker).assign(ranker=label)
        for label, which, ranker in (
            (CHOSEN, CHOSEN, findings.ranker),
            (DEFAULT, DEFAULT, findings.ranker),
            (STANDINGS, DEFAULT, STANDINGS),
        )
        if which in findings.tested
    ]
    means = season_means(pd.concat(parts, ignore_index=True))
    return values(means, "ranker", "as_of_point", "configuration")


def _shown_trials(findings: SweepFindings) -> list[tuple[str, pd.DataFrame]]:
    """Return the best trials by each objective, or the Pareto front of several, and the default."""
    names = findings.objectives
    if len(names) > 1:
        shown = {"The Pareto front": pareto_front(findings.candidates, names)}
        shown["The best by each objective"] = [best_by(findings.candidates, name) for name in names]
    else:
        sign = -1 if OBJECTIVES[names[0]].maximize else 1
        ordered = sorted(findings.candidates, key=lambda one: sign * one.objective[names[0]])
        shown = {"The best": ordered[:_SHOWN_TRIALS]}
    return [
        (
            title,
            pd.DataFrame(
                [_line(one, names) for one in some]
                + [_line(findings.default, names)] * (findings.default not in some)
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
    place = findings.objectives.index(objective)

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
