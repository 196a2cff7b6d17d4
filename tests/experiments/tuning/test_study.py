import os
import subprocess
import sys
import time

import pytest
from optuna.trial import TrialState

from nba_rank.experiments.tuning import study as module
from nba_rank.experiments.tuning.storage import StudyError
from nba_rank.experiments.tuning.study import SharedStudy


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_study_is_found_again(tmp_path, outcome, kind):
    url = {
        "sqlite": f"sqlite:///{tmp_path / 'study.db'}",
        "journal": f"journal://{tmp_path / 'new' / 'study.log'}",
    }[kind]
    first = SharedStudy(url, "one", ["spearman"])
    first.default = outcome(spearman=0.5)
    first.tell(first.ask().number, outcome(spearman=0.7))
    again = SharedStudy(url, "one", ["spearman"])
    assert again.default == outcome(spearman=0.5)
    assert [trial.value for trial in again.trials(TrialState.COMPLETE)] == [0.7]


def test_another_question_is_refused_and_named(study):
    study.check_same_question({"seed": "1", "folds.k": "5"})
    study.check_same_question({"seed": "1", "folds.k": "5"})
    with pytest.raises(StudyError, match=r"seed: 1 then, 2 now") as error:
        study.check_same_question({"seed": "2", "folds.k": "5"})
    assert "folds.k" not in str(error.value)


def test_other_tables_are_refused_and_named(study):
    study.check_same_tables({"games": "a", "rosters": "b"})
    with pytest.raises(StudyError, match="on other data: rosters differ"):
        study.check_same_tables({"games": "a", "rosters": "c"})


def test_failed_trials_count_lost_ones_do_not_and_neither_is_a_candidate(study, outcome):
    failed, lost, pruned = (study.ask().number for _ in range(3))
    study.fail(failed, "ValueError: x")
    study.lose(lost)
    study.tell(pruned, outcome(pruned=True, spearman=0.99))
    assert [trial.number for trial in study.trials()] == [0, 1, 2, failed, pruned]
    table = study.table().set_index("number")
    assert table.loc[failed, ["state", "error"]].tolist() == ["failed", "ValueError: x"]
    assert table.loc[[lost, pruned], "state"].tolist() == ["lost", "pruned"]
    found = study.candidates()
    assert [one.name for one in found] == ["default", "trial 0", "trial 1", "trial 2"]
    assert found[2].params == {"model.xgb.max_depth": 3}
    assert study.best_so_far() == "best spearman 0.8000 (trial 1)"


def test_the_table_has_every_parameter_metric_and_season(study):
    table = study.table()
    assert table["params.model.xgb.max_depth"].tolist() == [2, 3, 4]
    assert table["metrics.kendall"].tolist() == [0.5] * 3
    assert table["seasons.2020-21.spearman"].tolist() == [0.7, 0.8, 0.6]
    assert table["seconds"].tolist() == [1.5] * 3
    assert table["worker"].str.endswith(f"/{os.getpid()}").all()


def test_an_empty_study_has_a_table(url):
    table = SharedStudy(url, "empty", ["spearman"]).table()
    assert [*table] == ["number", "state", "spearman"]
    assert table.empty


def test_a_trial_is_lost_once_its_process_is_gone(study):
    mine = study.ask().number
    gone = study.ask()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    gone.set_user_attr("worker", study._worker | {"pid": dead.pid})
    assert study.fail_stale_trials() == [gone.number]
    assert mine in [trial.number for trial in study.trials(TrialState.RUNNING)]


def test_a_trial_elsewhere_is_lost_once_it_has_been_silent(study, monkeypatch):
    trial = study.ask()
    trial.set_user_attr("worker", {"host": "elsewhere", "pid": 1})
    assert study.fail_stale_trials() == []
    monkeypatch.setattr(module, "SILENT_SECONDS", -1.0)
    assert study.fail_stale_trials() == [trial.number]


def test_a_worker_says_that_its_trials_are_alive(study, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    number = study.ask().number
    before = study.study.trials[number].user_attrs["beat"]
    with study.alive([number]):
        deadline = time.monotonic() + 20
        while study.study.trials[number].user_attrs["beat"] == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
