import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from programs import program, sweep_folder

from nba_rank.experiments.tuning.study import SharedStudy, TrialOutcome

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Makes databases on a PostgreSQL server of its own; returns the URL of an empty one."""
    psycopg = pytest.importorskip("psycopg", reason="no driver: pip install -e '.[postgres]'")
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
            server = f"postgresql://postgres@127.0.0.1:{port}/"
            names = (f"study_{n}" for n in itertools.count())

            def make() -> str:
                name = next(names)
                with psycopg.connect(server + "postgres", autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}")
                return f"{server}{name}".replace("postgresql:", "postgresql+psycopg:")

            yield make
        finally:
            run(control, "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def league(tmp_path_factory) -> list[str]:
    """Overrides of a small simulated league; the first who asks for its data makes them."""
    folder = tmp_path_factory.mktemp("league")
    return [
        "experiment=quick",
        "data=sim",
        "data.sim.n_seasons=6",
        "data.as_of_every_days=60",
        "trainer=cpu",
        "trainer.num_threads=1",
        "callbacks=quiet",
        f"data.raw_dir={folder / 'raw'}",
        f"data.processed_dir={folder / 'processed'}",
        f"paths.cache={folder / 'cache'}",
    ]


@pytest.fixture(scope="session")
def searched(league) -> list[str]:
    """Words of a small sweep of the forest."""
    return [
        "-m",
        *league,
        "hparams_search=forest",
        "folds.n_oof_seasons=3",
        "tuning.n_validation_seasons=1",
        "model.rf.n_estimators=choice(4,5,6)",
        "model.rf.max_depth=range(3,9)",
        "features=standings_only",
        "odds=none",
        "calibration=none",
    ]


@pytest.fixture(scope="session")
def sweep(searched) -> Callable[..., Path]:
    """Runs that sweep with outputs and overrides, and returns its folder."""

    def run(outputs: Path, *overrides: str) -> Path:
        done = program("train", *searched, f"paths.outputs={outputs}", *overrides, cwd=outputs)
        assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
        return sweep_folder(outputs)

    return run


@pytest.fixture(scope="session")
def swept(sweep, tmp_path_factory) -> Path:
    """The folder of a finished sweep of four trials; not to be altered."""
    return sweep(tmp_path_factory.mktemp("swept"), "hydra.sweeper.n_trials=4")


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
