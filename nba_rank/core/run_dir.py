"""Run folders: reserved atomically, described by a manifest with a status."""

import itertools
import json
import os
import platform
import shutil
import socket
import subprocess
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from nba_rank.core.content_hash import PACKAGES
from nba_rank.core.errors import UserError
from nba_rank.core.files import is_alive, write_frame, write_text

_ERROR_FILE = "error.txt"
_BEFORE_ANY_RESULT = {"manifest.json", "config.yaml", ".hydra", _ERROR_FILE}


@dataclass
class RunDir:
    """One run's folder; as a context manager it keeps the manifest's status.

    The status is `running` inside the context, then `finished`, `interrupted` (Ctrl-C, SIGTERM) or
    `failed`. A killed process leaves `running` behind, which `mark_dead` turns into `dead`.

    Attributes:
        path: The folder.
        manifest: Content of `manifest.json`; `note` adds to it.
        reserved: Whether the folder was made for this run: it is removed if a user error or an
            interruption ends the run before there is any result.
    """

    path: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    reserved: bool = False

    @classmethod
    def reserve(cls, outputs: Path) -> Self:
        """Create the next free `run_NNN`; two runs that start at once get different ones."""
        outputs.mkdir(parents=True, exist_ok=True)
        earlier = _run_folders(outputs)
        for folder in earlier:
            mark_dead(folder)
        for number in itertools.count(_number(earlier[-1]) + 1 if earlier else 1):
            path = outputs / f"run_{number:03d}"
            with suppress(FileExistsError):
                path.mkdir()
                break
        write_text(outputs / ".current_run", f"{path.name}\n")
        return cls(path, reserved=True)

    def __enter__(self) -> Self:
        """Open the manifest, and remove the error of an earlier start in this folder."""
        (self.path / _ERROR_FILE).unlink(missing_ok=True)
        self.note(
            run=self.path.name,
            status="running",
            started=now(),
            pid=os.getpid(),
            host=socket.gethostname(),
            git_revision=git_revision(),
            python=platform.python_version(),
            environment=_environment(),
            versions={name: metadata.version(name) for name in (*PACKAGES, "hydra-core")},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the manifest; an error is passed on."""
        if kind is None:
            self.note(status="finished", finished=now())
            return
        if (
            self.reserved
            and issubclass(kind, UserError | OSError | KeyboardInterrupt)
            and {path.name for path in self.path.iterdir()} <= _BEFORE_ANY_RESULT
        ):
            self._remove()
            return
        status = "interrupted" if issubclass(kind, KeyboardInterrupt) else "failed"
        self.note(status=status, finished=now(), error=f"{kind.__name__}: {error}")
        self.write_text(_ERROR_FILE, "".join(traceback.format_exception(kind, error, trace)))

    def _remove(self) -> None:
        shutil.rmtree(self.path)
        current = self.path.parent / ".current_run"
        if earlier := _run_folders(self.path.parent):
            write_text(current, f"{earlier[-1].name}\n")
        else:
            current.unlink(missing_ok=True)

    def note(self, **facts: object) -> None:
        """Add facts to the manifest and write it."""
        self.manifest.update(facts)
        self.write_json("manifest.json", self.manifest)

    def write_json(self, name: str, content: object) -> None:
        """Write a JSON file."""
        self.write_text(name, _json(content))

    def write_text(self, name: str, text: str) -> None:
        """Write a text file."""
        write_text(self.path / name, text)

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Write a frame as parquet or CSV, by the name's ending."""
        write_frame(self.path / name, frame)

    def next_analysis(self) -> Path:
        """Return the path of the next `ANALYSIS_NN.md`."""
        taken = [int(path.stem[9:]) for path in self.path.glob("ANALYSIS_[0-9]*.md")]
        return self.path / f"ANALYSIS_{max(taken, default=0) + 1:02d}.md"


def mark_dead(folder: Path) -> None:
    """Change a run's status from `running` to `dead` if its process on this machine is gone."""
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # being made, or not ours
    here = manifest.get("host") == socket.gethostname()
    if manifest.get("status") != "running" or not here or is_alive(manifest["pid"]):
        return
    manifest |= {"status": "dead", "error": f"process {manifest['pid']} died"}
    write_text(path, _json(manifest))


def _number(folder: Path) -> int:
    return int(folder.name[4:])


def _run_folders(outputs: Path) -> list[Path]:
    """Return the numbered run folders in order."""
    folders = (path for path in outputs.glob("run_*") if path.name[4:].isdigit())
    return sorted(folders, key=_number)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run folder.

    Raises:
        UserError: The folder is not a run's, or its manifest cannot be read.
    """
    path = folder / "manifest.json"
    if not path.exists():
        raise UserError(f"{folder} is no run folder: it holds no manifest.json")
    mark_dead(folder)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def newest_finished(outputs: Path, holding: str) -> Path:
    """Return the newest finished run folder that holds a file of a pattern.

    Raises:
        UserError: There is none.
    """
    for folder in reversed(_run_folders(outputs)):
        if (
            (folder / "manifest.json").exists()
            and read_manifest(folder)["status"] == "finished"
            and any(folder.glob(holding))
        ):
            return folder
    raise UserError(
        f"{outputs} holds no finished run that ranks teams: run `python -m nba_rank.train data=nba "
        "folds=production`"
    )


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def now() -> str:
    """Return the time in UTC, to the second, as manifests hold it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def git_revision() -> str | None:
    """Return the checkout's revision, with `+` if files were changed; None outside git."""
    root = Path(__file__).parent.parent.parent
    command = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    first, *others = told.splitlines()  # `# branch.oid <revision>`
    return first.split()[-1] + ("+" if any(line[0] != "#" for line in others) else "")


def _environment() -> dict[str, str | int | None]:
    """Return the operating system, CPU, GPU and its libraries; None where there is none."""
    import torch  # takes seconds, and only programs with a run folder need it

    has_gpu = torch.cuda.is_available()
    return {
        "os": platform.platform(),
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if has_gpu else None,
        "cuda": torch.version.cuda if has_gpu else None,
        "cudnn": torch.backends.cudnn.version() if has_gpu else None,
    }


def _cpu_name() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
