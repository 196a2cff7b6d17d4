import errno
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from programs import environment, program
from rich.console import Console
from yaml.scanner import ScannerError

import nba_rank
from nba_rank.core.errors import ConfigError, UserError
from nba_rank.core.exits import exit_on_user_error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UserError("take another [run]"), "error: take another [run]\n"),
        (ConfigError("seed=-1"), "error: seed=-1\n"),
        (OSError(errno.ENOSPC, "No space left", "run_001/oof"), "run_001/oof: No space left: free"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), "out: Permission denied: take"),
        (OSError(errno.EROFS, "Read-only file system", "out"), "out: Read-only file system: take"),
        (MemoryError("8 GiB"), "memory ran out (8 GiB): close other"),
        (ScannerError(problem="found a tab"), "cannot be read as YAML: found a tab"),
    ],
)
def test_an_error_that_a_user_can_fix_is_told_without_a_traceback(error, told):
    console = Console(record=True, width=200)
    with pytest.raises(SystemExit) as ended, exit_on_user_error(console):
        raise error
    assert ended.value.code == 1
    assert told in console.export_text()


@pytest.mark.parametrize("kind", [ValueError, FileNotFoundError])
def test_a_mistake_in_the_code_keeps_its_traceback(kind):
    with pytest.raises(kind), exit_on_user_error(Console(quiet=True)):
        raise kind("a mistake")


OPTIONS = {
    "predict": ["run=...", "as_of=...", "data.processed_dir=null", "out=null"],
    "explain": ["run=...", "team=null", "against=null", "since=null", "players=null"],
    "today": ["run=null", "as_of=null", "outputs=outputs3", "max_missed_days=7"],
    "ingest": ["force=false", "data.raw_dir=", "data=nba"],
    "train": [
        "seed=42",
        "model.xgb.max_depth=",
        "data.sim.n_seasons=8",
        "folds=holdout",
        "-m, --multirun",
    ],
    "ablate": ["only=[]", "directions=[without,alone]"],
    "debug_model_a": ["batch=0", "trainer.accelerator=auto"],
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_help_of_a_program_explains_its_own_options(tmp_path, name):
    told = program(name, "--help", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(f"python -m nba_rank.{name}: ")
    for option in OPTIONS[name]:
        assert re.search(rf"^  {re.escape(option)}.*  \w", told.stdout, re.MULTILINE), option
    assert ("folds" in told.stdout) == (name in ("train", "ablate", "debug_model_a"))
    assert "@" not in told.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["typo=1"], "Key 'typo' not in 'Config'"),
        (["seed=-1"], "seed=-1: must be 0 or more"),
        (["model=typo"], "model/typo"),
        (["-m", "hparams_search=quick", "seed=-1"], "seed=-1: must be 0 or more"),
        (["experiment=no.yaml"], "there is no such file"),
    ],
)
def test_a_config_error_comes_before_anything_heavy_is_imported(tmp_path, words, told):
    watched = (
        "import runpy, sys\n"
        "try: runpy.run_module('nba_rank.train', run_name='__main__', alter_sys=True)\n"
        "finally: print({'torch', 'xgboost', 'optuna', 'matplotlib', 'pandas'} & {*sys.modules})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", watched, *words],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert told in ended.stdout
    assert (ended.stdout.splitlines()[-1], ended.stderr) == ("set()", "")
    assert not list(tmp_path.iterdir())


def test_only_train_searches(tmp_path):
    done = program("bench", "-m", "hparams_search=quick", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "only nba_rank.train can search" in done.stdout


def test_a_run_shows_its_folder_before_it_imports_its_models():
    watched = (
        "import sys, nba_rank.experiments.train\n"
        "print({'torch', 'xgboost', 'optuna', 'matplotlib'} & {*sys.modules})"
    )
    shown = subprocess.run(
        [sys.executable, "-c", watched],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "set()\n"


SHELLS = {path.stem: path.read_text() for path in Path(nba_rank.__file__).parent.glob("*.py")}


@pytest.mark.parametrize("name", [name for name, text in SHELLS.items() if "run_program" in text])
def test_every_program_is_where_its_shell_says(name):
    places = re.findall(r'"(nba_rank\.[\w.]+)"', SHELLS[name])
    assert places
    for place in places:
        module, _, function = place.rpartition(".")
        assert callable(getattr(import_module(module), function))
