"""The candidates of a study, and the best so far."""

from collections.abc import Mapping
from typing import Any

from optuna.trial import TrialState

from nba_rank.evaluation.sweeps import Candidate, best
from nba_rank.experiments.tuning.study import SharedStudy


def to_overrides(params: Mapping[str, Any]) -> list[str]:
    """Return a trial's parameters as overrides."""
    return [f"{name}={value}" for name, value in params.items()]


def candidates(study: SharedStudy) -> list[Candidate]:
    """Return the default, once known, and all trials that were judged on all seasons."""
    found = []
    if study.default is not None:
        told = study.default
        found.append(Candidate(None, {}, told.objective, told.seasons, told.metrics))
    for trial in study.trials(TrialState.COMPLETE):
        seasons, metrics = study.told(trial)
        values = dict(zip(study.objectives, trial.values, strict=True))
        found.append(Candidate(trial.number, trial.params, values, seasons, metrics))
    return found


def best_so_far(study: SharedStudy) -> str:
    """Describe the best so far in a few words."""
    found = candidates(study)
    if not found:
        return ""
    names = study.objectives
    first = best(found, names)
    values = ", ".join(f"{name} {first.objective[name]:.4f}" for name in names)
    return f"best {values} ({first.name})"
