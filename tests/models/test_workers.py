import importlib
import io
import os
import signal
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.callbacks.not_learning import NotLearningError
from nba_rank.models.oof import each_fit, fit_folds
from nba_rank.models.workers import side_by_side
from nba_rank.samples.folds import Fit, FoldPlan

PLAN = FoldPlan(
    [Fit("2020-21", ["2019-20"], ["2020-21"]), Fit("2021-22", ["2019-20", "2020-21"], ["2021-22"])],
    [],
)


def work(shared, task, tell):
    """Signals itself for a negative task; otherwise tells how many threads it has."""
    if task < 0:
        os.kill(os.getpid(), -task)
    tell(torch.get_num_threads())
    if task == 3:
        raise UserError(f"{task} is refused")
    if task == 4:
        raise RuntimeError("a bug")
    return os.getpid(), shared + task


def do(tasks, n_workers=2):
    heard = []
    return side_by_side(work, 10, tasks, n_workers, heard.append), heard


def test_results_come_in_order_from_processes_of_one_thread(tmp_path, monkeypatch):
    """Which do not run the main module again."""
    (tmp_path / "some_program.py").write_text(f"open(r'{tmp_path}/runs', 'a').write('once')")
    monkeypatch.syspath_prepend(tmp_path)
    program = importlib.import_module("some_program")
    monkeypatch.setitem(sys.modules, "__main__", program)
    done, heard = do([2, 1, 0])
    results = list(done)
    assert [value for _, value in results] == [12, 11, 10]
    assert len({pid for pid, _ in results} - {os.getpid()}) == 2
    assert heard == [1, 1, 1]
    assert sys.modules["__main__"] is program
    assert (tmp_path / "runs").read_text() == "once"


@pytest.mark.parametrize("n_workers", [1, 2])
def test_an_error_is_raised_in_its_turn_and_ends_the_workers(n_workers):
    """And Ctrl-C ends none of them: that is the parent's part."""
    done, _ = do([1 if n_workers == 1 else -signal.SIGINT, 3, 1], n_workers)
    pid, _ = next(done)
    with pytest.raises(UserError, match="3 is refused"):
        next(done)
    if n_workers > 1:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_bug_names_its_place_and_a_killed_worker_its_status():
    with pytest.raises(RuntimeError, match="a bug") as caught:
        list(do([4, -signal.SIGKILL])[0])
    assert "in work\n" in caught.value.__notes__[0]
    with pytest.raises(UserError, match=r"status -9.*trainer\.num_threads"):
        list(do([1, -signal.SIGKILL])[0])


def test_the_number_of_workers_changes_no_bit_and_every_step_is_reported(
    data, small_config, changed
):
    small = {
        "model.model_a.n_seeds": 2,
        "model.model_a.team_prior": ["elo_rating"],
        "callbacks.attention_diagnostics.enabled": True,
    }
    found = []
    for n_workers in (1, 2):
        config = changed(small_config, small | {"trainer.num_threads": n_workers})
        seed, epochs = np.random.SeedSequence(7), []
        fits = fit_folds(PLAN, data, config, seed, partial(epochs.append, 1))
        found.append((*fits, epochs))
    (one, scores, epochs), (other, scores_of_two, epochs_of_two) = found
    assert list(one) == list(other) == ["2020-21", "2021-22"]
    assert len(epochs) == len(epochs_of_two) == 2 * (2 * 2 + 1)
    for season, own in scores.items():
        pd.testing.assert_frame_equal(own.frame, scores_of_two[season].frame, check_exact=True)
        assert np.array_equal(own.attention, scores_of_two[season].attention)
    for name, members in one.items():
        for kind in ("losses", "diagnostics"):
            first, second = getattr(members.model_a, kind), getattr(other[name].model_a, kind)
            pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_network_that_does_not_learn_is_reported_from_a_worker(data, small_config, changed):
    flat = data.relevance.assign(relevance=0.5)
    patience = {"callbacks.not_learning.enabled": True, "callbacks.not_learning.patience": 1}
    config = changed(small_config, patience | {"trainer.num_threads": 2})
    console = Console(record=True, width=200, file=io.StringIO())
    with pytest.raises(NotLearningError, match="network 0 of model A") as caught:
        list(
            each_fit(
                PLAN, replace(data, relevance=flat), config, np.random.SeedSequence(1),
                lambda: None, console=console,
            )
        )  # fmt: skip
    assert caught.value.verdict.cause == "constant targets"
    assert "Model A does not learn: constant targets" in console.export_text()
