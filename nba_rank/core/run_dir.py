"""Run folders: reserved atomically, described by a manifest, closed with a status."""

import json
import platform
import subprocess
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.core.files import write_atomically, write_frame

_ERROR_FILE = "error.txt"
_PACKAGES = (
    "numpy", "pandas", "torch", "pytorch-lightning", "xgboost", "scikit-learn", "hydra-core",
)  # fmt: skip


@dataclass
class RunDir:
    """One run's folder; as a context manager it keeps the manifest's status.

    Status is `running` inside the context, then `finished`, `interrupted` (Ctrl-C) or `failed`,
    with the error's text.

    Attributes:
        path: The folder.
        manifest: What `manifest.json` holds; `note` adds to it.
    """

    path: Path
    manifest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def reserve(cls, outputs: Path) -> Self:
        """Create the next free `run_NNN`; two runs that start at once get different ones."""
        outputs.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.name[4:]) for path in outputs.glob("run_*") if path.name[4:].isdigit()]
        number = max(numbers, default=0) + 1
        while True:
            path = outputs / f"run_{number:03d}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
                continue
            _write_text(outputs / ".current_run", f"{path.name}\n")
            return cls(path)

    def __enter__(self) -> Self:
        """Open the manifest; the error of an earlier start in this folder goes."""
        (self.path / _ERROR_FILE).unlink(missing_ok=True)
        self.note(
            run=self.path.name,
            status="running",
            started=_now(),
            git_revision=_git_revision(),
            python=platform.python_version(),
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
        status = "interrupted" if issubclass(kind, KeyboardInterrupt) else "failed"
        self.note(status=status, finished=_now(), error=f"{kind.__name__}: {error}")
        self.write_text(_ERROR_FILE, "".join(traceback.format_exception(kind, error, trace)))

    def note(self, **facts: object) -> None:
        """Add facts to the manifest and write it."""
        self.manifest.update(facts)
        self.write_json("manifest.json", self.manifest)

    def write_json(self, name: str, content: object) -> None:
        """Write a JSON file."""
        self.write_text(name, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

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


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run folder.

    Raises:
        UserError: The folder is none of a run.
    """
    path = folder / "manifest.json"
    if not path.exists():
        raise UserError(f"{folder} is no run folder: it holds no manifest.json")
    return json.loads(path.read_text(encoding="utf-8"))


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
