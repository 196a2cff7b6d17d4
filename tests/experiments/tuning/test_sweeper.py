"""Sweeps as their users start them, on a small simulated league."""

import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from programs import command, environment, program

from nba_rank.core.run_dir import read_manifest

TINY = [
    "experiment=quick",
    "data=sim",
    "data.sim.n_seasons=6",
    "data.as_of_every_days=60",
    "folds.n_oof_seasons=3",
    "tuning.n_validation_seasons=1",
    "model=rf",
    "model.rf.n_estimators=5",
    "trainer=cpu",
    "trainer.num_threads=1",
    "features=standings_only",
    "odds=none",
    "calibration=none",
    "evaluation.bootstrap_samples=200",
    "callbacks=quiet",
]
SPACE = ["hparams_search=forest", "model.rf.max_depth=range(3,9)"]


@pytest.fixture(scope="module")
def league(tmp_path_factory) -> list[str]:
    """Overrides that all sweeps of this module share; the data come with the first."""
    folder = tmp_path_factory.mktemp("league")
    return [
        *TINY,
        f"data.raw_dir={folder / 'raw'}",
        f"data.processed_dir={folder / 'processed'}",
        f"paths.cache={folder / 'cache'}",
    ]


@pytest.fixture(scope="module")
def swept(league, tmp_path_factory) -> Path:
    """The folder of a finished sweep of ten trials; not to be altered."""
    outputs = tmp_path_factory.mktemp("swept")
    done = sweep(league, outputs, "hydra.sweeper.n_trials=10")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return folder_of(outputs)


def sweep(league: list[str], outputs: Path, *overrides: str) -> subprocess.CompletedProcess:
    words = [*league, *SPACE, f"paths.outputs={outputs}", *overrides]
    return program("train", "-m", *words, cwd=outputs)


def folder_of(outputs: Path) -> Path:
    [folder] = (outputs / "sweeps").iterdir()
    return folder


def trials_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "trials.csv")


def test_a_sweep_leaves_everything_that_people_look_for(swept):
    assert swept.name.startswith("forest_")
    files = {path.name for path in swept.iterdir()}
    expected = {"trials.csv", "best.yaml", "study.db", "ANALYSIS_01.md", "manifest.json", "figures"}
    assert expected <= files
    assert {"default", "test_default", *map(str, range(10))} <= files
    drawn = {path.stem for path in (swept / "figures").iterdir()}
    assert drawn == {"history", "importances", "parallel", "slices"}
    manifest = read_manifest(swept)
    assert (manifest["kind"], manifest["status"]) == ("sweep", "finished")


def test_every_trial_is_in_the_table_with_its_parameters_and_metrics(swept):
    table = trials_of(swept)
    assert table["number"].tolist() == [*range(10)]
    assert (table["state"] == "complete").sum() >= 8
    assert table["params.model.rf.max_depth"].between(3, 8).all()
    assert table["params.model.rf.max_features"].nunique() == 10
    judged = table[table["state"] == "complete"]
    assert judged["metrics.rank_rmse"].notna().all()
    # A forest that tells no team from another has no Spearman correlation.
    failed = table[table["state"] == "failed"]
    assert failed["spearman"].isna().all()
    assert failed["error"].str.contains("ObjectiveError").all()


def test_a_trial_is_judged_on_the_validation_season_alone(swept):
    manifest = read_manifest(swept / "0")
    [part] = manifest["folds"]["tests"]
    judged = pd.read_csv(swept / "0" / "validation.csv")
    assert judged["season"].unique().tolist() == part["seasons"]
    tested = read_manifest(swept / "test_default")["folds"]["tests"]
    [test_season] = tested[0]["seasons"]
    fitted_on = {season for fit in manifest["folds"]["fits"] for season in fit["train"]}
    assert test_season not in {*fitted_on, *part["seasons"], *part["stack_train"]}


def test_the_analysis_names_the_seasons_and_the_standings(swept):
    text = (swept / "ANALYSIS_01.md").read_text()
    for words in ("validation seasons (2025-26)", "standings", "What mattered", "Trials"):
        assert words in text


def test_the_best_can_be_run_at_once(swept, league, tmp_path):
    best = swept / "best.yaml"
    words = [word for word in league if word.startswith(("data.raw", "data.proc", "paths"))]
    done = program("train", f"experiment={best}", *words, f"paths.outputs={tmp_path}", cwd=tmp_path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    chosen = "test_best" if (swept / "test_best").exists() else "test_default"
    again = pd.read_csv(tmp_path / "run_001" / "metrics.csv")
    pd.testing.assert_frame_equal(again, pd.read_csv(swept / chosen / "metrics.csv"))


def test_the_same_command_goes_on_with_the_same_study(league, swept, tmp_path):
    outputs = tmp_path / "again"
    shutil.copytree(swept.parents[1], outputs)
    before = trials_of(folder_of(outputs))
    # A study in a file belongs to its folder: the copy goes on by itself.
    done = sweep(league, outputs, "hydra.sweeper.n_trials=12")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    after = trials_of(folder_of(outputs))
    assert after["number"].tolist() == [*range(12)]
    pd.testing.assert_frame_equal(after.iloc[:10][[*before]], before)
    params = after.filter(like="params.")
    assert not params.duplicated().any()
    assert (folder_of(outputs) / "ANALYSIS_02.md").exists()


def test_another_question_under_the_same_name_is_refused(league, swept, tmp_path):
    outputs = tmp_path / "again"
    shutil.copytree(swept.parents[1], outputs)
    batch = f"tuning.batch_id={swept.name}"
    done = sweep(league, outputs, batch, "seed=7")
    assert done.returncode == 1
    assert "seed: 42 then, 7 now" in done.stdout


def test_too_few_seasons_stop_a_sweep_before_its_trials(league, tmp_path):
    done = sweep(league, tmp_path, "hydra.sweeper.n_trials=2", "folds.n_oof_seasons=2")
    assert done.returncode == 1
    assert "2 or more are needed" in done.stdout.replace("\n", " ")


def test_several_objectives_in_local_processes_give_a_front(league, tmp_path):
    asked = ["tuning.objectives=[spearman,rank_rmse]", "hydra.sweeper.n_trials=4"]
    done = sweep(league, tmp_path, *asked, "hydra/launcher=joblib", "hydra.sweeper.n_jobs=2")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    folder = folder_of(tmp_path)
    for name in ("best.yaml", "best_spearman.yaml", "best_rank_rmse.yaml"):
        assert (folder / name).exists()
    assert (folder / "figures" / "pareto_front.png").exists()
    assert "The Pareto front" in (folder / "ANALYSIS_01.md").read_text()
    judged = trials_of(folder).query("state == 'complete'")
    assert judged[["spearman", "rank_rmse"]].notna().all(axis=None)


@pytest.mark.slow
def test_a_killed_sweep_loses_its_running_trial_and_repeats_none(league, tmp_path):
    words = [*league, *SPACE, f"paths.outputs={tmp_path}", "hydra.sweeper.n_trials=8"]
    victim = subprocess.Popen(
        command("train", "-m", *words),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_trials(tmp_path, 3, victim)
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    finished = _finished(folder_of(tmp_path) / "study.db")
    assert 3 <= finished < 8
    done = sweep(league, tmp_path, "hydra.sweeper.n_trials=8")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    table = trials_of(folder_of(tmp_path))
    counts = table["state"].value_counts()
    assert counts.get("lost", 0) <= 1
    assert len(table) - counts.get("lost", 0) == 8
    judged = table[table["state"] != "lost"]
    assert not judged.filter(like="params.").duplicated().any()
    assert table["number"].tolist() == [*range(len(table))]


@pytest.mark.slow
def test_two_workers_of_a_ray_cluster_share_a_sweep(league, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
    cluster = ["hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2"]
    asked = ["hydra.sweeper.n_jobs=2", "hydra.sweeper.n_trials=4"]
    done = sweep(league, tmp_path, *cluster, *asked)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    table = trials_of(folder_of(tmp_path))
    assert set(table["state"]) <= {"complete", "failed"}
    assert table["number"].tolist() == [0, 1, 2, 3]


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
