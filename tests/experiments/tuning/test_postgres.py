"""Two workers, one PostgreSQL study; skipped where PostgreSQL is not installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from programs import command, environment
from test_sweeper import SPACE, TINY, folder_of

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture
def server() -> Iterator[str]:
    """URL of a server of its own, stopped and removed afterwards."""
    pytest.importorskip("psycopg", reason="no driver: pip install nba_rank[postgres]")
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, programs = folder / "data", PROGRAMS[-1].parent

    def run(*words: str) -> None:
        subprocess.run([*as_user, *words], check=True, capture_output=True, cwd="/tmp")

    try:
        run(str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        control = str(programs / "pg_ctl")
        log = str(folder / "log")
        run(control, "-D", str(data), "-o", options, "-l", log, "-w", "start")
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            run(control, "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_two_workers_share_one_study(server, tmp_path):
    shared = [
        *TINY,
        *SPACE,
        f"data.raw_dir={tmp_path / 'raw'}",
        f"data.processed_dir={tmp_path / 'processed'}",
        f"paths.cache={tmp_path / 'cache'}",
        f"hydra.sweeper.storage={server}",
        "hydra.sweeper.n_trials=8",
    ]
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        place.mkdir()
    data = [word for word in shared if word.startswith(("data=", "data."))]
    # The first to come simulates the league.
    subprocess.run(command("ingest", *data), env=environment(), check=True)
    workers = [
        subprocess.Popen(
            command("train", "-m", *shared, f"paths.outputs={place}"),
            cwd=place,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for place in places
    ]
    told = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], told
    folders = [folder_of(place) for place in places]
    tables = [pd.read_csv(folder / "trials.csv") for folder in folders]
    last = max(tables, key=lambda table: (table["state"] != "running").sum())
    assert last["number"].tolist() == [*range(len(last))]
    # Two that begin a trial at the same moment may overshoot by one.
    assert len(last) in (8, 9)
    assert last["worker"].nunique() == 2
    assert not last.filter(like="params.").duplicated().any()
    assert any((folder / "ANALYSIS_01.md").exists() for folder in folders)
