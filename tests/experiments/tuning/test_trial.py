import pickle

import numpy as np
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.core.stages import Stages
from nba_rank.experiments import inputs as pipeline
from nba_rank.experiments.tuning import trial as module
from nba_rank.experiments.tuning.study import TrialOutcome
from nba_rank.experiments.tuning.trial import TrialInputs, run_trial
from nba_rank.models import members

pytestmark = pytest.mark.slow  # whole programs

SMALL = [
    "folds.n_oof_seasons=4",
    "tuning.n_validation_seasons=2",
    "model.members=[xgb,rf]",
    "model.xgb.n_estimators=10",
    "model.rf.n_estimators=10",
    "features=base",
]
TEST_SEASON = "2026-27"
VALIDATION = ["2024-25", "2025-26"]


@pytest.fixture(scope="module")
def kept() -> TrialInputs:
    """What the trials of this module have read."""
    return TrialInputs()


@pytest.fixture
def trial(league, compose_as_is, tmp_path, kept):
    """Runs a trial of the simulated league: overrides and what tells it to give up."""

    def run(*overrides: str, is_hopeless=lambda _: False, inputs=kept) -> TrialOutcome:
        config = compose_as_is(*league, *SMALL, *overrides)
        with RunDir(tmp_path) as run_dir:
            stages = Stages(Console(quiet=True), False)
            return run_trial(config, run_dir, stages, is_hopeless, inputs)

    return run


@pytest.fixture
def fitted(monkeypatch):
    """Seasons that members are fitted up to, in order, by name of the member."""
    seen: dict[str, list[int]] = {"fit_xgb": [], "fit_rf": []}
    for name, rows in seen.items():
        original = getattr(members, name)

        def spy(X, *more, rows=rows, original=original):
            rows.append(len(X))
            return original(X, *more)

        monkeypatch.setattr(members, name, spy)
    return seen


def test_a_trial_is_the_mean_over_the_validation_seasons(trial):
    asked: list[int] = []
    found = trial(is_hopeless=lambda seasons: asked.append(len(seasons)))
    assert asked == [1]  # and nothing after the last season
    assert sorted(found.seasons) == VALIDATION
    mean = np.mean([found.seasons[season]["spearman"] for season in VALIDATION])
    assert found.objective == pytest.approx({"spearman": mean})
    assert found.metrics["spearman"] == pytest.approx(mean)
    assert not found.pruned


def test_how_the_test_season_ended_does_not_matter(trial, monkeypatch):
    first = trial()
    original = pipeline.outcomes

    def poisoned(tables):
        results = original(tables)
        tested = results["season"] == TEST_SEASON
        upside_down = 31 - results["outcome_rank"]
        return results.assign(outcome_rank=results["outcome_rank"].where(~tested, upside_down))

    monkeypatch.setattr(pipeline, "outcomes", poisoned)
    second = trial("paths.members=null", inputs=TrialInputs())
    assert (second.seasons, second.metrics) == (first.seasons, first.metrics)


def test_only_what_has_changed_is_fitted_again(trial, fitted, monkeypatch):
    trial("model.rf.min_samples_leaf=6")
    for rows in fitted.values():
        rows.clear()
    monkeypatch.setattr(module, "read_inputs", None)  # would raise
    trial("model.rf.min_samples_leaf=7")
    assert fitted["fit_xgb"] == []
    assert len(fitted["fit_rf"]) == 4


def test_another_process_reads_its_own_inputs(kept):
    assert not pickle.loads(pickle.dumps(kept))._kept


def test_a_hopeless_trial_stops_before_its_next_fit(trial, fitted):
    asked: list[int] = []

    def after_one(seasons):
        asked.append(len(seasons))
        return True

    found = trial("model.rf.min_samples_leaf=9", is_hopeless=after_one)
    assert found.pruned
    assert asked == [1]
    assert [*found.seasons] == VALIDATION[:1]
    assert len(fitted["fit_rf"]) == 3  # two for the stack of the first season, and its own


def test_odds_are_simulated_where_an_objective_needs_them(trial):
    asked = "tuning.objectives=[spearman,champion_log_loss]"
    found = trial(asked, "odds.n_simulations=20", "features.roster_strength.enabled=true")
    assert found.objective["champion_log_loss"] > 0
    assert "champion_log_loss" not in trial().metrics


def test_the_clone_classifier_is_tuned_beside_the_stack_or_alone(trial):
    found = trial("include_clone_classifier=true", "tuning.objectives=[spearman,clone_brier]")
    assert 0 < found.objective["clone_brier"] < 0.25
    assert {"clone_playoff_auc", "clone_playoff_brier", "clone_playoff_ece"} <= {*found.metrics}
    assert not any(name.startswith("clone") for name in trial().metrics)
    alone = trial("model.members=[clone_classifier]", "tuning.objectives=[clone_brier]")
    assert sorted(alone.seasons) == VALIDATION
    assert alone.objective["clone_brier"] == found.objective["clone_brier"]
