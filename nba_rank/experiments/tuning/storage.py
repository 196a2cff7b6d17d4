"""Storages of studies: opened by any number of workers at once, shown without passwords."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from nba_rank.core.errors import UserError
from nba_rank.core.passwords import is_password, redact_password

JOURNAL = "journal://"
"""Scheme of a journal file, which workers on a shared disk append to."""

_LOCK_NUMBER = 7302461195  # of the advisory lock in PostgreSQL; any number, the same for all


class StudyError(UserError):
    """A study that cannot be opened, or that asks something else than this sweep."""


def open_storage(url: str) -> BaseStorage:
    """Open an Optuna storage, and make its tables if it is empty.

    Args:
        url: An SQLAlchemy URL such as `sqlite:///study.db` or
            `postgresql+psycopg://user@host/name`, or `journal:///path/study.log`.

    Raises:
        StudyError: The storage cannot be opened, its driver is missing, or the URL is malformed.
            The message contains no password.
    """
    if url.startswith(JOURNAL):
        path = Path(url.removeprefix(JOURNAL))
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    parsed = _parsed(url)
    arguments: dict[str, Any] = {}
    if url.startswith("sqlite"):
        arguments = {"connect_args": {"timeout": 60}}  # another worker may be writing
    try:
        with storage_lock(url):  # Optuna fails where another worker is making the tables
            return RDBStorage(url, engine_kwargs=arguments)
    except (SQLAlchemyError, ImportError, OSError) as error:
        told = redact_password(str(error))
        for password in _passwords(parsed):
            told = told.replace(password, "***")
        # Without its cause, whose text may hold the password.
        raise StudyError(f"the study cannot be opened at {redact_password(url)}: {told}") from None


@contextmanager
def storage_lock(url: str) -> Iterator[None]:
    """Hold the lock of a storage: an advisory lock in PostgreSQL, a lock file beside other files.

    Either is released when its process dies. Databases of other kinds are not locked.
    """
    if url.startswith(JOURNAL):
        with _file_lock(Path(url.removeprefix(JOURNAL))):
            yield
        return
    parsed = _parsed(url)
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
        raise StudyError(
            f"the study cannot be opened at {file}: there is no folder {file.parent}, make it first"
        )
    return FileLock(file.with_name(f".{file.name}.lock"))


def _parsed(url: str) -> URL:
    """Parse an SQLAlchemy URL; an unencoded password is refused, since errors would show it."""
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        parsed = None
    if parsed is None or "@" in (parsed.host or ""):
        raise StudyError(
            f"the study cannot be opened at {redact_password(url)}: this is no URL such as "
            "postgresql+psycopg://user@host/name. In a password, write @ as %40, : as %3A and / "
            "as %2F, or keep it in ~/.pgpass"
        )
    return parsed


def _passwords(url: URL) -> list[str]:
    found = [url.password or ""]
    for key, value in url.query.items():
        if is_password(key):
            found += [value] if isinstance(value, str) else value
    return [password for password in found if password]
