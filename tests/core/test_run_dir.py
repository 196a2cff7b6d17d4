import json
import subprocess
import sys
from pathlib import Path

import pytest

from nba_rank.core.errors import UserError
from nba_rank.core.run_dir import RunDir, read_manifest


def reserve(outputs: Path) -> str:
    return RunDir.reserve(outputs).path.name


def test_folders_are_numbered_on_from_the_highest(tmp_path):
    assert [reserve(tmp_path / "new"), reserve(tmp_path / "new")] == ["run_001", "run_002"]
    assert (tmp_path / "new" / ".current_run").read_text() == "run_002\n"
    for name in ("run_007", "run_x", "run_", "sweeps", "run_007_old"):
        (tmp_path / name).mkdir()
    assert reserve(tmp_path) == "run_008"
    (tmp_path / "run_1041").mkdir()
    assert reserve(tmp_path) == "run_1042"


def test_a_folder_taken_between_looking_and_making_is_passed_over(tmp_path, monkeypatch):
    make, taken = Path.mkdir, []

    def mkdir(path, *args, **kwargs):
        if path.name == "run_001" and not taken:
            taken.append(path)
            make(path)
        return make(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert reserve(tmp_path) == "run_002"


def test_the_manifest_is_opened_at_the_start_and_closed_as_finished(tmp_path):
    with RunDir.reserve(tmp_path) as run:
        running = read_manifest(run.path)
        run.note(seed=3)
    assert (running["status"], running["run"]) == ("running", "run_001")
    assert {"started", "git_revision", "python"} <= running.keys()
    assert {"numpy", "torch", "hydra-core"} <= running["versions"].keys()
    assert {"os", "cpu", "cores", "gpu", "cuda", "cudnn"} <= running["environment"].keys()
    assert "finished" not in running
    closed = read_manifest(run.path)
    assert (closed["status"], closed["seed"]) == ("finished", 3)
    assert closed["started"] <= closed["finished"]
    assert "error" not in closed
    assert not (run.path / "error.txt").exists()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no such season"), "failed"),
        (UserError("too large"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_an_error_marks_a_folder_with_results_and_is_passed_on(tmp_path, error, status):
    run = RunDir.reserve(tmp_path)

    def work():
        with run:
            run.write_text("half.txt", "so far")
            raise error

    with pytest.raises(type(error)):
        work()
    manifest = read_manifest(run.path)
    assert manifest["status"] == status
    assert manifest["error"] == f"{type(error).__name__}: {error}"
    assert "finished" in manifest
    trace = (run.path / "error.txt").read_text()
    assert all(word in trace for word in ("Traceback", type(error).__name__, "raise error"))
    assert (run.path / "half.txt").read_text() == "so far"


@pytest.mark.parametrize("error", [UserError("no data"), OSError("full"), KeyboardInterrupt()])
def test_a_run_that_ends_without_a_result_leaves_no_folder(tmp_path, error):
    kept = RunDir.reserve(tmp_path)
    run = RunDir.reserve(tmp_path)
    run.write_text("config.yaml", "seed: 1")
    with pytest.raises(type(error)), run:
        raise error
    assert [path.name for path in tmp_path.glob("run_*")] == [kept.path.name]
    assert (tmp_path / ".current_run").read_text() == "run_001\n"


def test_the_folders_of_a_bug_and_of_a_sweep_stay(tmp_path):
    for run, error in ((RunDir.reserve(tmp_path), KeyError), (RunDir(tmp_path), UserError)):
        with pytest.raises(error), run:
            raise error("why")
        assert read_manifest(run.path)["status"] == "failed"


def test_the_next_run_marks_those_whose_process_has_died(tmp_path):
    # As after SIGKILL: nothing closes the manifest.
    worker = subprocess.Popen([sys.executable, "-c", ""])
    worker.wait()
    alive, dead, elsewhere = (RunDir.reserve(tmp_path).__enter__() for _ in range(3))
    dead.note(pid=worker.pid)
    elsewhere.note(pid=worker.pid, host="another-machine")
    RunDir.reserve(tmp_path)
    found = [
        json.loads((run.path / "manifest.json").read_text()) for run in (alive, dead, elsewhere)
    ]
    assert [manifest["status"] for manifest in found] == ["running", "dead", "running"]
    dead.note(status="running")
    assert read_manifest(dead.path)["error"] == f"process {worker.pid} died"


def test_analyses_are_numbered_in_the_order_written(tmp_path):
    run = RunDir(tmp_path)
    for name in ("ANALYSIS_01.md", "ANALYSIS_02.md", "ANALYSIS_03.md"):
        path = run.next_analysis()
        assert path == run.path / name
        path.write_text("text")
    (run.path / "ANALYSIS_02.md").unlink()
    (run.path / "ANALYSIS_draft.md").touch()
    assert run.next_analysis().name == "ANALYSIS_04.md"


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no run folder.*manifest\.json"):
        read_manifest(tmp_path)
