"""Run folders: reserved atomically, described by a manifest, closed with a status."""

import json
import os
import platform
import shutil
import socket
import subprocess
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from nba_rank.core.environment import environment
from nba_rank.core.errors import UserError
from nba_rank.core.files import write_atomically, write_frame

_ERROR_FILE = "error.txt"
_BEFORE_ANY_RESULT = {"manifest.json", "config.yaml", ".hydra", _ERROR_FILE}
_PACKAGES = (
    "numpy", "pandas", "torch", "pytorch-lightning", "xgboost", "scikit-learn", "hydra-core",
)  # fmt: skip


@dataclass
class RunDir:
    """One run's folder; as a context manager it keeps the manifest's status.

    Status is `running` inside the context, then `finished`, `interrupted` (Ctrl-C, SIGTERM) or
    `failed`, with the error's text. A process that died without a word leaves `running` behind,
    which `mark_dead` turns into `dead`.

    Attributes:
        path: The folder.
        manifest: What `manifest.json` holds; `note` adds to it.
        reserved: Whether the folder was made for this run: it goes where the run ends, by an error
            that the user can mend or by an interruption, before anything was found.
    """

    path: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    reserved: bool = False

    @classmethod
    def reserve(cls, outputs: Path) -> Self:
        """Create the next free `run_NNN`; two runs that start at once get different ones."""
        outputs.mkdir(parents=True, exist_ok=True)
        for folder in _run_folders(outputs):
            mark_dead(folder)
        numbers = [_number(path) for path in _run_folders(outputs)]
        number = max(numbers, default=0) + 1
        while True:
            path = outputs / f"run_{number:03d}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
                continue
            _write_text(outputs / ".current_run", f"{path.name}\n")
            return cls(path, reserved=True)

    def __enter__(self) -> Self:
        """Open the manifest; the error of an earlier start in this folder goes."""
        (self.path / _ERROR_FILE).unlink(missing_ok=True)
        self.note(
            run=self.path.name,
            status="running",
            started=_now(),
            pid=os.getpid(),
            host=socket.gethostname(),
            git_revision=_git_revision(),
            python=platform.python_version(),
            environment=environment(),
            versions={name: metadata.version(name) for name in _PACKAGES},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the manifest; an error goes on to the caller."""
        if kind is None:
            self.note(status="finished", finished=_now())
            return
        if (
            self.reserved
            and issubclass(kind, UserError | OSError | KeyboardInterrupt)
            and {path.name for path in self.path.iterdir()} <= _BEFORE_ANY_RESULT
        ):
            self._remove()
            return
        status = "interrupted" if issubclass(kind, KeyboardInterrupt) else "failed"
        self.note(status=status, finished=_now(), error=f"{kind.__name__}: {error}")
        self.write_text(_ERROR_FILE, "".join(traceback.format_exception(kind, error, trace)))

    def _remove(self) -> None:
        shutil.rmtree(self.path)
        newest = max(
            _run_folders(self.path.parent), default=None, key=lambda path: int(path.name[4:])
        )
        current = self.path.parent / ".current_run"
        if newest is None:
            current.unlink(missing_ok=True)
        else:
            _write_text(current, f"{newest.name}\n")

    def note(self, **facts: object) -> None:
        """Add facts to the manifest and write it."""
        self.manifest.update(facts)
        self.write_json("manifest.json", self.manifest)

    def write_json(self, name: str, content: object) -> None:
        """Write a JSON file."""
        self.write_text(name, _json(content))

    def write_text(self, name: str, text: str) -> None:
        """Write a text file."""
        _write_text(self.path / name, text)

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Write a frame as parquet or CSV, by the name's ending."""
        write_frame(self.path / name, frame)

    def next_analysis(self) -> Path:
        """Return the path of the next `ANALYSIS_NN.md`."""
        taken = [int(path.stem[9:]) for path in self.path.glob("ANALYSIS_[0-9]*.md")]
        return self.path / f"ANALYSIS_{max(taken, default=0) + 1:02d}.md"


def mark_dead(folder: Path) -> None:
    """Say in the manifest of a run that its process is gone, where that was on this machine."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # being made, or not ours
    here = manifest.get("host") == socket.gethostname()
    if manifest.get("status") != "running" or not here or _lives(manifest["pid"]):
        return
    manifest |= {"status": "dead", "error": f"process {manifest['pid']} ended without a word"}
    _write_text(path, _json(manifest))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _number(folder: Path) -> int:
    return int(folder.name[4:])


def _run_folders(outputs: Path) -> list[Path]:
    return [path for path in outputs.glob("run_*") if path.name[4:].isdigit()]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run folder.

    Raises:
        UserError: The folder is none of a run, or its manifest cannot be read.
    """
    path = folder / "manifest.json"
    if not path.exists():
        raise UserError(f"{folder} is no run folder: it holds no manifest.json")
    mark_dead(folder)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git_revision() -> str | None:
    """Return the checkout's revision, with `+` where files were changed; None outside of git."""
    root = Path(__file__).parent.parent.parent
    try:
        revision = _git(root, "rev-parse", "HEAD")
        return revision + ("+" if _git(root, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
