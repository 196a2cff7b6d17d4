import importlib
import os
import signal
import sys
import time

import pytest
import torch

from nba_rank.core.errors import UserError
from nba_rank.core.workers import side_by_side


def work(shared, task, tell):
    """Signals itself for a negative task; otherwise tells how many threads it has."""
    if task < 0:
        os.kill(os.getpid(), -task)
    tell(torch.get_num_threads())
    if task == 5:
        time.sleep(0.5)
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
    """In the order of the tasks, whichever is heard of first."""
    with pytest.raises(RuntimeError, match="a bug") as caught:
        list(do([4, -signal.SIGKILL])[0])
    assert "in work\n" in caught.value.__notes__[0]
    with pytest.raises(UserError, match=r"status -9.*trainer\.num_threads"):
        list(do([1, -signal.SIGKILL])[0])
    done, _ = do([5, -signal.SIGKILL])
    assert next(done)[1] == 15
    with pytest.raises(UserError, match="status -9"):
        next(done)
