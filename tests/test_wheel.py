import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import nba_rank

ROOT = Path(nba_rank.__file__).parents[1]


def pip(*words, **kwargs):
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *words], check=True, **kwargs
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Runs a program of an installed wheel, outside the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, so that nothing is built inside the checkout.
    source = folder / "source"
    source.mkdir()
    for name in ("nba_rank", "conf", "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        subprocess.run(["cp", "-r", ROOT / name, source], check=True)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    held = {name.removeprefix("nba_rank/") for name in ZipFile(wheel).namelist()}
    beside = {*(ROOT / "nba_rank").rglob("*.j2"), *(ROOT / "nba_rank").rglob("*.css")}
    assert {path.relative_to(ROOT / "nba_rank").as_posix() for path in beside} <= held
    pip("install", "--no-deps", "--no-index", "--target", folder / "site", wheel)
    work = folder / "work"
    work.mkdir()

    def run(name, *words):
        return subprocess.run(
            [sys.executable, "-m", f"nba_rank.{name}", *words],
            cwd=work,
            env=os.environ | {"PYTHONPATH": str(folder / "site")},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.slow
def test_an_installed_wheel_needs_no_checkout(installed):
    told = installed("train", "--help", "experiment=quick")
    assert (told.returncode, told.stderr) == (0, "")
    assert "model.rf.n_estimators=30 " in told.stdout
    refused = installed("train", "seed=-1")
    assert (refused.returncode, refused.stderr) == (1, "")
    assert "seed=-1: must be 0 or more" in refused.stdout
    done = installed("ingest", "data=sim", "data.sim.n_seasons=1")
    assert done.returncode == 0, done.stderr
