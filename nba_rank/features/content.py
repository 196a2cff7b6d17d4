"""Names of cached files: the hash of all that their content is made from."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from nba_rank.data.tables import Tables, frame_hash


def content_key(tables: Tables | None, parts: Iterable[str]) -> str:
    """Hash the tables, if given, the code that reads them and further parts into a file name."""
    digest = hashlib.sha256(_code_version().encode())
    for _, table in tables.items() if tables is not None else ():
        digest.update(frame_hash(table).encode())
    for part in parts:
        digest.update(part.encode())
    return digest.hexdigest()[:24]


def source_hash(*patterns: str) -> str:
    """Hash the source code of the modules of this package that match."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for source in sorted(path for pattern in patterns for path in package.glob(pattern)):
        digest.update(str(source.relative_to(package)).encode() + source.read_bytes())
    return digest.hexdigest()


def _code_version() -> str:
    return source_hash("data/**/*.py", "features/**/*.py", "odds/**/*.py")
