"""Where studies are kept: opened by any number of workers at once, shown without passwords."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from nba_rank.core.errors import UserError

JOURNAL = "journal://"
"""Starts the storage URL of a journal file, which workers on a shared disk append to."""

_LOCK_NUMBER = 7302461195  # of the advisory lock in PostgreSQL; any number, the same for all


class StudyError(UserError):
    """A study that cannot be opened, or that does not ask what this sweep asks."""


def open_storage(url: str) -> BaseStorage:
    """Open an Optuna storage, and make its tables if it is empty.

    Args:
        url: An SQLAlchemy URL such as `sqlite:///study.db` or
            `postgresql+psycopg://user@host/name`, or `journal:///path/study.log`.

    Raises:
        StudyError: There is no such storage, it does not answer, or its driver is not installed.
    """
    if url.startswith(JOURNAL):
        path = Path(url.removeprefix(JOURNAL))
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    arguments: dict[str, Any] = {}
    if url.startswith("sqlite"):
        arguments = {"connect_args": {"timeout": 60}}  # another worker may be writing
    try:
        with storage_lock(url):  # Optuna fails where another worker is making the tables
            return RDBStorage(url, engine_kwargs=arguments)
    except (SQLAlchemyError, ImportError, OSError) as error:
        raise StudyError(f"the study cannot be opened at {_safely_shown(url)}: {error}") from error


@contextmanager
def storage_lock(url: str) -> Iterator[None]:
    """Keep all other workers out of `storage_lock` of the same storage.

    PostgreSQL holds an advisory lock until the transaction ends; beside a file of SQLite or a
    journal a lock file is held. Either goes with the process that holds it. Databases of other
    kinds are not locked.
    """
    if url.startswith(JOURNAL):
        with _file_lock(Path(url.removeprefix(JOURNAL))):
            yield
        return
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite" and parsed.database:
        with _file_lock(Path(parsed.database)):
            yield
    elif kind == "postgresql":
        engine = create_engine(url)
        try:
            with engine.begin() as connection:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})"))
                yield
        finally:
            engine.dispose()
    else:
        yield


def _file_lock(file: Path) -> FileLock:
    if not file.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {file.parent}")
    return FileLock(file.with_name(f".{file.name}.lock"))


def _safely_shown(url: str) -> str:
    try:
        return shown(url)
    except SQLAlchemyError:
        return "that URL"


def shown(url: str) -> str:
    """Return a storage URL without its password."""
    return url if url.startswith(JOURNAL) else make_url(url).render_as_string(hide_password=True)
