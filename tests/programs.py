"""Runs the command-line programs as their users do."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

import nba_rank


def program(name: str, *overrides: str, cwd: Path) -> subprocess.CompletedProcess:
    """Run `python -m nba_rank.<name>` in a folder."""
    return subprocess.run(
        command(name, *overrides),
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def command(name: str, *overrides: str) -> list[str]:
    """Return the words of a program's command line."""
    return [sys.executable, "-m", f"nba_rank.{name}", *overrides]


def environment() -> dict[str, str]:
    """Return variables under which programs find this checkout, whatever the folder."""
    root = Path(nba_rank.__file__).parents[1]
    return os.environ | {"PYTHONPATH": str(root), "COLUMNS": "200"}


def newest(outputs: Path) -> Path:
    """Return the newest run folder."""
    return max(outputs.glob("run_*"))


def sweep_folder(outputs: Path) -> Path:
    """Return the folder of the only sweep."""
    [folder] = (outputs / "sweeps").iterdir()
    return folder


def files_of(folder: Path) -> set[str]:
    """Return the paths of all files of a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def read(folder: Path, name: str) -> pd.DataFrame:
    """Read a table of a run folder."""
    return pd.read_csv(folder / name, dtype={"as_of_point": "str"})
