"""Atomic writes of files and folders, their hashes, and locks."""

import errno
import hashlib
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from nba_rank.core import escape

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
"""Numbers of the errors of writing where one may only read."""


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file with `write(temporary path)`, and rename it when it is complete."""
    with written_together() as place:
        write(place(path))


@contextmanager
def written_together() -> Iterator[Callable[[Path], Path]]:
    """Give files temporary names and rename them all at the end; after an error, remove them all.

    Yields:
        Function that returns the temporary name of a file and makes its folder if missing.
    """
    temporary: dict[Path, Path] = {}

    def place(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        return temporary.setdefault(path, _beside(path))

    try:
        yield place
        for path, written in temporary.items():
            written.replace(path)
    finally:
        for written in temporary.values():
            written.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as parquet, or as CSV without spreadsheet formulas, by the name's ending."""
    writers: dict[str, Callable[[Path], None]] = {
        ".parquet": lambda part: frame.to_parquet(part, index=False),
        ".csv": lambda part: escape.csv_frame(frame).to_csv(part, index=False),
    }
    write_atomically(path, writers[path.suffix])


def replace_folder(folder: Path, write: Callable[[Path], object]) -> None:
    """Write a folder with `write(temporary folder)`, and move it to its place when it is complete.

    It replaces the old folder, which stays if `write` raises.

    Raises:
        OSError: Something cannot be written, or another process made the folder meanwhile.
    """
    new, old = _beside(folder), _beside(folder)
    new.mkdir(parents=True)
    try:
        write(new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)


def _beside(path: Path) -> Path:
    """Return an unused hidden name, and clear those left by dead processes of this machine."""
    host = socket.gethostname()
    for left in path.parent.glob(f".*@{host}@*@{path.name}"):
        if not is_alive(int(left.name[1:].partition("@")[0])):
            with suppress(OSError):  # another process clears it too
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return path.with_name(f".{os.getpid()}@{host}@{uuid.uuid4().hex}@{path.name}")


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder, by its path relative to the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): file_hash(path) for path in files}


@contextmanager
def locked(path: Path, on_wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold a lock, one process or thread at a time; the system frees it if the process dies.

    A lock file that cannot be written guards files that cannot either, so nothing is locked.

    Args:
        path: The lock file, which is not removed.
        on_wait: Called once if the lock is taken.
    """
    lock = FileLock(path)
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            lock.acquire()
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
    try:
        yield
    finally:
        lock.release()
