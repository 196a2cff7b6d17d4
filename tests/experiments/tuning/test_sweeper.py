"""Sweeps as their users start them, on a small simulated league."""

import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from programs import command, environment, read, sweep_folder

from nba_rank.core.run_dir import read_manifest

pytestmark = pytest.mark.slow  # whole sweeps


def test_a_sweep_leaves_everything_that_people_look_for(swept):
    assert swept.name.startswith("forest_")
    files = {path.name for path in swept.iterdir()}
    expected = {
        "trials.csv", "best.yaml", "validation.json", "study.db", "ANALYSIS_01.md", "manifest.json",
        "figures",
    }  # fmt: skip
    assert expected <= files
    assert {"default", "test_default", *map(str, range(4))} <= files
    drawn = {path.stem for path in (swept / "figures").iterdir()}
    assert {"history", "parallel", "slices"} <= drawn
    manifest = read_manifest(swept)
    assert (manifest["kind"], manifest["status"]) == ("sweep", "finished")
    text = (swept / "ANALYSIS_01.md").read_text()
    for words in ("validation seasons (2025-26)", "standings", "Trials"):
        assert words in text
    table = read(swept, "trials.csv")
    assert table["number"].tolist() == [*range(4)]
    assert table["params.model.rf.max_depth"].between(3, 8).all()
    assert table["params.model.rf.max_features"].nunique() == 4
    metrics = table.loc[table["state"] == "complete", "metrics.rank_rmse"]
    assert metrics.notna().any()
    assert metrics.notna().all()


def test_a_trial_is_judged_on_the_validation_season_alone(swept):
    manifest = read_manifest(swept / "0")
    [part] = manifest["folds"]["tests"]
    judged = pd.read_csv(swept / "0" / "validation.csv")
    assert judged["season"].unique().tolist() == part["seasons"]
    tested = read_manifest(swept / "test_default")["folds"]["tests"]
    [test_season] = tested[0]["seasons"]
    fitted_on = {season for fit in manifest["folds"]["fits"] for season in fit["train"]}
    assert test_season not in {*fitted_on, *part["seasons"], *part["stack_train"]}


def test_the_same_command_goes_on_with_the_same_study(sweep, swept, tmp_path):
    outputs = tmp_path / "again"
    shutil.copytree(swept.parents[1], outputs)
    before = read(swept, "trials.csv")
    # A study in a file belongs to its folder: the copy goes on by itself.
    folder = sweep(outputs, "hydra.sweeper.n_trials=5")
    after = read(folder, "trials.csv")
    assert after["number"].tolist() == [*range(5)]
    pd.testing.assert_frame_equal(after.iloc[:4][[*before]], before, check_dtype=False)
    assert not after.filter(like="params.").duplicated().any()
    assert (folder / "ANALYSIS_02.md").exists()


def test_several_objectives_in_local_processes_give_a_front(sweep, tmp_path):
    objectives = "tuning.objectives=[spearman,rank_rmse]"
    processes = ["hydra/launcher=joblib", "hydra.sweeper.n_jobs=2"]
    folder = sweep(tmp_path, objectives, "hydra.sweeper.n_trials=2", *processes)
    for name in ("best.yaml", "best_spearman.yaml", "best_rank_rmse.yaml"):
        assert (folder / name).exists()
    assert (folder / "figures" / "pareto_front.png").exists()
    assert "The Pareto front" in (folder / "ANALYSIS_01.md").read_text()
    judged = read(folder, "trials.csv").query("state == 'complete'")
    assert judged[["spearman", "rank_rmse"]].notna().all(axis=None)


def test_two_workers_of_a_ray_cluster_share_a_sweep(sweep, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
    cluster = ["hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2"]
    folder = sweep(tmp_path, *cluster, "hydra.sweeper.n_jobs=2", "hydra.sweeper.n_trials=2")
    table = read(folder, "trials.csv")
    assert set(table["state"]) <= {"complete", "failed"}
    assert table["number"].tolist() == [0, 1]


def test_a_killed_sweep_loses_its_running_trial_and_repeats_none(sweep, searched, tmp_path):
    n_trials = "hydra.sweeper.n_trials=5"
    victim = _worker(searched, tmp_path, n_trials)
    try:
        _wait_for_trials(tmp_path, 2, victim)
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
    finished = _finished(sweep_folder(tmp_path) / "study.db")
    assert 2 <= finished < 5
    table = read(sweep(tmp_path, n_trials), "trials.csv")
    lost = table["state"] == "lost"
    assert lost.sum() <= 1
    assert (~lost).sum() == 5
    assert not table[~lost].filter(like="params.").duplicated().any()
    assert table["number"].tolist() == [*range(len(table))]


def test_two_machines_share_one_study(swept, searched, postgres, tmp_path):
    # `swept` has made the league.
    places = [tmp_path / "one", tmp_path / "two"]
    words = [f"hydra.sweeper.storage={postgres()}", "hydra.sweeper.n_trials=6"]
    for place in places:
        place.mkdir()
    workers = [_worker(searched, place, *words) for place in places]
    told = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], told
    folders = [sweep_folder(place) for place in places]
    last = max(
        (read(one, "trials.csv") for one in folders),
        key=lambda table: (table["state"] != "running").sum(),
    )
    assert last["number"].tolist() == [*range(len(last))]
    # Two that begin a trial at the same moment may overshoot by one.
    assert len(last) in (6, 7)
    assert last["worker"].nunique() == 2
    assert not last.filter(like="params.").duplicated().any()
    assert any((folder / "ANALYSIS_01.md").exists() for folder in folders)


def _worker(searched: list[str], outputs: Path, *overrides: str) -> subprocess.Popen:
    return subprocess.Popen(
        command("train", *searched, f"paths.outputs={outputs}", *overrides),
        cwd=outputs,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_for_trials(outputs: Path, n: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, "the sweep has ended before it could be killed"
        databases = [*outputs.glob("sweeps/*/study.db")]
        if databases and _finished(databases[0]) >= n:
            return
        time.sleep(0.1)
    raise TimeoutError(f"no {n} trials in time")


def _finished(database: Path) -> int:
    with sqlite3.connect(database, timeout=30) as connection:
        try:
            query = "select count(*) from trials where state in ('COMPLETE', 'PRUNED')"
            return connection.execute(query).fetchone()[0]
        except sqlite3.OperationalError:  # the tables are not there yet
            return 0
