"""The analysis of a sweep: what it chose, what mattered, how far validation and test agree."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.rules import flat
from nba_rank.config.schema import Config
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.choice import (
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
from nba_rank.evaluation.past_runs import STANDINGS
from nba_rank.evaluation.series import ALL_SEASONS
from nba_rank.report.labels import POINT_LABELS
from nba_rank.report.sweep_figures import (
    Searched,
    plot_front,
    plot_history,
    plot_importances,
    plot_parallel,
    plot_slices,
)
from nba_rank.report.text import ABSENT, markdown_table, points_of

_FEWEST_FOR_IMPORTANCES = 8
_SHOWN_TRIALS = 10
_SHOWN_DIMENSIONS = 12


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
        study: The study, for importances and scales.
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
    def gains(self) -> dict[tuple[str, str], pd.Series]:
        """Gains of the chosen configuration by objective and kind of seasons, see `gain`."""
        gains = {}
        for name in self.objectives:
            of: dict[str, tuple[SeasonValues, SeasonValues]] = {
                "validation": (self.chosen.seasons, self.default.seasons)
            }
            if OBJECTIVES[name].from_clone == (self.ranker == CLONE):
                of["test"] = (_tested(self, "chosen", name), _tested(self, DEFAULT, name))
            for kind, (chosen, default) in of.items():
                gains[name, kind] = gain(chosen, default, name)
        return gains


def write_sweep_report(findings: SweepFindings, run_dir: RunDir, console: Console) -> None:
    """Write figures and the next `ANALYSIS_NN.md`, and print what was chosen.

    Args:
        findings: What the sweep found.
        run_dir: The sweep's folder.
        console: Where the verdict is printed.
    """
    importances = {name: _importances(findings, name) for name in findings.objectives}
    (run_dir.path / "figures").mkdir(exist_ok=True)
    figures = _draw(findings, importances, run_dir)
    sections = [
        f"# Sweep {findings.batch_id}",
        *_verdict(findings),
        _agreement_section(findings),
        _test_section(findings),
        _trials_section(findings),
        _importance_section(importances, findings),
        "## Figures",
        *[f"![{name}](figures/{name})" for name in figures],
    ]
    path = run_dir.next_analysis()
    run_dir.write_text(path.name, "\n\n".join(filter(None, sections)) + "\n")
    _print(findings, console)
    console.print(f"Sweep folder: {run_dir.path}, analysis: {path.name}")


def _tested(findings: SweepFindings, which: str, objective: str) -> SeasonValues:
    """Return an objective by test season of a tested configuration."""
    tidy = findings.tested.get(which, findings.tested[DEFAULT])
    judged = tidy[tidy["metric"] == OBJECTIVES[objective].metric]
    return {
        str(season): season_values(rows, [objective], findings.ranker)
        for season, rows in judged.groupby("season")
    }


def _verdict(findings: SweepFindings) -> list[str]:
    """Say first what was chosen and what it is worth."""
    chosen, n = findings.chosen, len(findings.candidates) - 1
    if chosen.number is None:
        return [_why_default(findings), _sentence(findings, "test")]
    lines = [
        f"**Chosen: {chosen.name}** of {n} that were judged on all validation seasons.",
        *[_sentence(findings, kind) for kind in ("validation", "test")],
        "Run it anywhere:",
        "```\npython -m nba_rank.train " + " ".join(findings.overrides) + "\n```",
        "or `experiment=<this folder>/best.yaml`, which also sets what all trials had in common.",
    ]
    return lines


def _why_default(findings: SweepFindings) -> str:
    """Say why the default is kept."""
    n, first = len(findings.candidates) - 1, best(findings.candidates, findings.objectives)
    if first.number is None:
        values = ", ".join(f"{k} {v:.4f}" for k, v in findings.default.objective.items())
        return (
            f"**Keep the default: no trial beats it** on the validation seasons "
            f"{_season_names(findings, 'validation')}, of {n} that were judged on all of them. It "
            f"has {values}."
        )
    margin, parts = findings.config.tuning.margin, []
    for name in findings.objectives:
        ahead, error = lead(first, findings.default, name)
        parts.append(
            f"{name} {first.objective[name]:.4f} against {findings.default.objective[name]:.4f}, "
            f"better by {ahead:.4f} with a standard error of {error:.4f}"
        )
    return (
        f"**Keep the default: no trial beats it by {margin:g} standard error(s)** on the "
        f"validation seasons {_season_names(findings, 'validation')}, of {n} that were judged on "
        f"all of them. The best, {first.name}, has {'; '.join(parts)}. (`tuning.margin=0` takes "
        "it all the same.)"
    )


def _sentence(findings: SweepFindings, kind: str) -> str:
    """Say what the chosen configuration has on one kind of seasons, for each objective."""
    parts = []
    for name in findings.objectives:
        if (name, kind) not in findings.gains:
            continue
        row = findings.gains[name, kind]
        better = "higher" if OBJECTIVES[name].maximize else "lower"
        compared = (
            f" against {row['reference_value']:.4f} of the default, "
            f"{row['difference']:+.4f} ({_noise(row)}; {better} is better)"
        )
        is_default = findings.chosen.number is None
        parts.append(f"{name} {row['value']:.4f}" + ("" if is_default else compared))
    if not parts:
        return ""
    looked = "" if kind == "validation" else ", looked at once, after the choice"
    return f"On the {kind} seasons {_season_names(findings, kind)}{looked}: {'; '.join(parts)}."


def _noise(row: pd.Series) -> str:
    if np.isfinite(row["low"]):
        return f"95% interval {row['low']:+.4f} to {row['high']:+.4f}, {row['verdict']}"
    return f"{row['n_seasons']} seasons, too few for an interval"


def _season_names(findings: SweepFindings, kind: str) -> str:
    if kind == "validation":
        return ", ".join(sorted(findings.default.seasons))
    seasons = set(findings.tested[DEFAULT]["season"]) - {ALL_SEASONS}
    return ", ".join(sorted(seasons))


def _agreement_section(findings: SweepFindings) -> str:
    rows = []
    for name in findings.objectives:
        validation = findings.gains[name, "validation"]
        row = {
            "objective": f"{name} ({'higher' if OBJECTIVES[name].maximize else 'lower'} is better)",
            "default, validation": f"{validation['reference_value']:.4f}",
            "chosen, validation": f"{validation['value']:.4f}",
            "gain, validation": f"{validation['difference']:+.4f}",
        }
        test = findings.gains.get((name, "test"))
        if test is not None:
            known = np.isfinite(test["low"])
            row |= {
                "default, test": f"{test['reference_value']:.4f}",
                "chosen, test": f"{test['value']:.4f}",
                "gain, test": f"{test['difference']:+.4f}",
                "95% interval": f"{test['low']:+.4f} to {test['high']:+.4f}" if known else ABSENT,
                "standings, test": _standings(findings, name),
            }
        rows.append(row)
    lines = [
        "## How far validation and test agree",
        markdown_table(pd.DataFrame(rows).fillna(ABSENT)),
    ]
    for name in findings.objectives:
        trials = [
            {season: values[name] for season, values in one.seasons.items()}
            for one in findings.candidates
        ]
        agreement = season_agreement(trials)
        if np.isfinite(agreement):
            lines.append(
                f"The validation seasons order the trials by {name} with a mean rank correlation "
                f"of {agreement:.2f} from one season to another: "
                + (
                    "the differences between trials carry over."
                    if agreement > 0.3
                    else "most of the difference between trials does not carry over to another "
                    "season, so the best on validation is partly the luckiest."
                )
            )
    return "\n\n".join(lines)


def _standings(findings: SweepFindings, objective: str) -> str:
    rows = objective_rows(findings.tested[DEFAULT], objective, STANDINGS)
    mean = rows.groupby("season")["value"].mean().mean()
    return f"{mean:.4f}" if np.isfinite(mean) else ABSENT


def _test_section(findings: SweepFindings) -> str:
    """Show the first objective on the test seasons by as-of point."""
    name = findings.objectives[0]
    if (name, "test") not in findings.gains:
        return ""
    rows = []
    for label, which, ranker in (
        ("chosen", "chosen", findings.ranker),
        (DEFAULT, DEFAULT, findings.ranker),
        (STANDINGS, DEFAULT, STANDINGS),
    ):
        tidy = findings.tested.get(which)
        if tidy is None:
            continue
        mine = objective_rows(tidy, name, ranker)
        means = mine.groupby("as_of_point")["value"].mean()
        cells = {POINT_LABELS[p]: f"{means[p]:.3f}" for p in points_of(mine)}
        if cells:
            rows.append({"configuration": label, **cells})
    return (
        f"## Test seasons by as-of point\n\nMean {name}; the whole runs with every metric lie in "
        "`test_default/` and `test_best/`.\n\n" + markdown_table(pd.DataFrame(rows).fillna(ABSENT))
    )


def _trials_section(findings: SweepFindings) -> str:
    names = findings.objectives
    counts = findings.trials["state"].value_counts()
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    seconds = findings.trials["seconds"].astype("float64")
    lines = [
        "## Trials",
        f"{told}. Median {seconds.median():.1f} s, together {seconds.sum() / 60:.1f} min. "
        "All parameters and metrics stand in `trials.csv`.",
    ]
    for name in names if len(names) > 1 else []:
        best = best_by(findings.candidates, name)
        lines.append(
            f"Best by {name}: {best.name}, {best.objective[name]:.4f} (`best_{name}.yaml`)."
        )
    if len(names) > 1:
        front = pareto_front(findings.candidates, names)
        shown, title = front, "The Pareto front:"
    else:
        sign = -1 if OBJECTIVES[names[0]].maximize else 1
        ordered = sorted(findings.candidates, key=lambda one: sign * one.objective[names[0]])
        shown, title = ordered[:_SHOWN_TRIALS], "The best:"
        if findings.default not in shown:
            shown = [*shown, findings.default]
    rows = [
        {
            "configuration": one.name,
            **{name: f"{one.objective[name]:.4f}" for name in names},
            "choices": ", ".join(f"{_last(k)}={_text(v)}" for k, v in one.params.items())
            or "the config as it is",
        }
        for one in shown
    ]
    return "\n\n".join([*lines, title, markdown_table(pd.DataFrame(rows))])


def _importance_section(
    importances: Mapping[str, Mapping[str, float]], findings: SweepFindings
) -> str:
    lines = ["## What mattered"]
    for objective, shares in importances.items():
        if not shares:
            n = len(findings.candidates) - 1
            lines.append(
                f"For {objective} nothing can be said: {n} trials were judged on all seasons "
                f"({_FEWEST_FOR_IMPORTANCES} are needed), or all have the same value."
            )
            continue
        top = list(shares.items())[:_SHOWN_DIMENSIONS]
        table = pd.DataFrame(
            [{"choice": name, "share of variance": f"{share:.0%}"} for name, share in top]
        )
        lines += [f"Of {objective}:", markdown_table(table)]
    return "\n\n".join(lines)


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
            findings.study,
            evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0),
            target=target,
        )
    return {name: float(share) for name, share in found.items()}


def _draw(
    findings: SweepFindings, importances: Mapping[str, Mapping[str, float]], run_dir: RunDir
) -> list[str]:
    """Draw all figures; return their names."""
    folder = run_dir.path / "figures"
    done = findings.trials[findings.trials["state"] == "complete"]
    names: list[str] = []
    if done.empty:
        return names
    known = {name: shares for name, shares in importances.items() if shares}
    if known:
        names.append("importances.png")
        plot_importances(known, folder / names[-1])
    for objective in findings.objectives:
        default, maximize = findings.default.objective[objective], OBJECTIVES[objective].maximize
        ending = f"_{objective}.png" if len(findings.objectives) > 1 else ".png"
        dimensions = _dimensions(findings, done, importances[objective])[:_SHOWN_DIMENSIONS]
        history, slices, parallel = (
            f"{kind}{ending}" for kind in ("history", "slices", "parallel")
        )
        plot_history(findings.trials, objective, default, maximize, folder / history)
        plot_slices(dimensions, done[objective], objective, default, folder / slices)
        plot_parallel(dimensions, done[objective], objective, maximize, folder / parallel)
        names += [history, slices, parallel]
    if len(findings.objectives) == 2:
        names.append("pareto_front.png")
        front = pareto_front(findings.candidates, findings.objectives)
        plot_front(
            done,
            findings.objectives,
            [one.objective for one in front],
            findings.chosen.objective,
            findings.default.objective,
            folder / names[-1],
        )
    return names


def _dimensions(
    findings: SweepFindings, done: pd.DataFrame, shares: Mapping[str, float]
) -> list[Searched]:
    """Return the dimensions of the search space, the most important first."""
    last = findings.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))[-1]
    logs = {
        name: isinstance(kind, FloatDistribution | IntDistribution) and kind.log
        for name, kind in last.distributions.items()
    }
    order = sorted(logs, key=lambda name: -shares.get(name, 0.0))
    return [
        Searched(name, done[f"params.{name}"], logs[name], _default_of(name, findings.config))
        for name in order
    ]


def _default_of(name: str, config: Config) -> Any:  # noqa: ANN401
    """Return what the default configuration has for a dimension, as trials would write it."""
    if "/" in name:
        group = getattr(config.features, name.split("/")[-1], None)
        enabled = getattr(group, "enabled", None)
        return None if enabled is None else ("on" if enabled else "off")
    value = dict(flat(config)).get(name)
    return "[" + ",".join(map(str, value)) + "]" if isinstance(value, list) else value


def _last(name: str) -> str:
    return name.split(".")[-1].split("/")[-1]


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _print(findings: SweepFindings, console: Console) -> None:
    table = Table(title=f"Chosen: {findings.chosen.name}")
    table.add_column("objective")
    for column in ("seasons", "chosen", "default", "difference"):
        table.add_column(column, justify="right")
    for (name, kind), row in findings.gains.items():
        cells = (f"{row[column]:.4f}" for column in ("value", "reference_value"))
        table.add_row(name, kind, *cells, f"{row['difference']:+.4f}")
    console.print(table)
    for word in findings.overrides:
        console.print(f"  {word}", markup=False, highlight=False)
