from pathlib import Path

import pytest

from nba_rank.experiments.tuning.study import SharedStudy
from nba_rank.experiments.tuning.trial import TrialOutcome


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'study.db'}"


@pytest.fixture
def outcome():
    """Makes what a trial found, the same on two seasons."""

    def make(pruned: bool = False, **objective: float) -> TrialOutcome:
        return TrialOutcome(
            objective=objective,
            seasons={"2020-21": dict(objective), "2021-22": dict(objective)},
            metrics={"kendall": 0.5},
            pruned=pruned,
            seconds=1.5,
            tables={"games": "abc"},
        )

    return make


@pytest.fixture
def study(url, outcome) -> SharedStudy:
    """A study of Spearman with three trials, the second the best, and a default."""
    made = SharedStudy(url, "three", ["spearman"])
    made.default = outcome(spearman=0.75)
    for depth, value in ((2, 0.7), (3, 0.8), (4, 0.6)):
        trial = made.ask()
        trial.suggest_int("model.xgb.max_depth", depth, depth)
        made.tell(trial.number, outcome(spearman=value))
    return made
