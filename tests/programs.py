"""Runs the command-line programs as their users do."""

import os
import subprocess
import sys
from pathlib import Path

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
