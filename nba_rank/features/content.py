"""Names of cached files: the hash of all that their content is made from."""

import hashlib
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

from nba_rank.data.tables import Tables, frame_hash


def content_key(tables: Tables | None, parts: Iterable[str]) -> str:
    """Hash the tables, if given, the code that reads them and further parts into a file name."""
    digest = hashlib.sha256(_code_version().encode())
    hashes = [] if tables is None else tables.once("hashes", partial(_hashes, tables))
    for part in [*hashes, *parts]:
        digest.update(part.encode())
    return digest.hexdigest()[:24]


def source_hash(*patterns: str) -> str:
    """Hash the source code of the modules of this package that match."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for source in sorted(path for pattern in patterns for path in package.glob(pattern)):
        digest.update(str(source.relative_to(package)).encode() + source.read_bytes())
    return digest.hexdigest()


def _hashes(tables: Tables) -> list[str]:
    return [frame_hash(table) for _, table in tables.items()]


@cache
def _code_version() -> str:
    """Return the version of the code that runs: that of the files when it is first asked for."""
    return source_hash("data/**/*.py", "features/**/*.py", "odds/**/*.py")
