"""Files and folders that a reader never sees half written, their hashes, and locks."""

import errno
import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from nba_rank.core import escape


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call a writer with a temporary name and rename the file when it is whole.

    Args:
        path: File to make or replace; its folder is made if missing.
        write: Writes the path that it is given. If it raises, nothing of the file stays.
    """
    with written_together() as place:
        write(place(path))


@contextmanager
def written_together() -> Iterator[Callable[[Path], Path]]:
    """Give files temporary names and rename all of them at the end, in the order asked for.

    Yields:
        Returns the temporary name of a file to make or replace, whose folder is made if missing.
        After an error inside, nothing of any of the files stays.
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


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as parquet or CSV, by the name's ending, whole or not at all.

    Text in a CSV file cannot become a formula of a spreadsheet.
    """
    writers: dict[str, Callable[[Path], None]] = {
        ".parquet": lambda part: frame.to_parquet(part, index=False),
        ".csv": lambda part: escape.csv_frame(frame).to_csv(part, index=False),
    }
    write_atomically(path, writers[path.suffix])


def replace_folder(folder: Path, write: Callable[[Path], object]) -> None:
    """Call a writer with a temporary folder and move it to its place when it is whole.

    Args:
        folder: Folder to make or replace; nothing that it held stays.
        write: Writes into the folder that it is given. If it raises, the old folder stays.

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
    """Return a hidden name in the same folder that nobody else uses."""
    return path.with_name(f".{uuid.uuid4().hex}.{path.name}")


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

    Where the lock's file cannot be written, neither can what it guards: then nothing is locked.

    Args:
        path: The lock's file; it stays there.
        on_wait: Called once if another holds the lock.
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
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
    try:
        yield
    finally:
        lock.release()
