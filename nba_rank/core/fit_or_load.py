"""The one cache: results by the hash of everything that they depend on."""

import json
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from nba_rank.core.content_hash import content_key
from nba_rank.core.files import READ_ONLY, file_hashes, replace_folder

T = TypeVar("T")

_CONTENTS = "contents.json"  # hashes of the other files of an entry


class Entry(Generic[T]):
    """A place in a cache: a folder of files, and their hashes in `contents.json`.

    Args:
        folder: The cache's folder.
        name: Start of the entry's name.
        parts: Everything that the result depends on besides code; see `content_key`.
        made_by: Name of the module that makes the result; see `content_key`.
        write: Writes the result into a folder.
        read: Reads it from there.
    """

    def __init__(
        self,
        folder: str | Path,
        name: str,
        parts: Iterable[object],
        *,
        made_by: str,
        write: Callable[[T, Path], object],
        read: Callable[[Path], T],
    ) -> None:
        self.path = Path(folder) / f"{name}_{content_key(made_by, parts)}"
        self._write, self._read = write, read

    def load(self) -> T | None:
        """Return the result; None if there is none or a file differs from what was written."""
        if not self._is_whole():
            return None
        try:
            return self._read(self.path)
        except FileNotFoundError:  # another run is replacing a damaged entry
            return None

    def keep(self, made: T) -> None:
        """Write the result, replacing a damaged entry.

        Where the cache may only be read nothing is kept, which a warning says: a run that others
        have made may name a cache of theirs.
        """

        def write(folder: Path) -> None:
            self._write(made, folder)
            contents = json.dumps(file_hashes(folder), indent=2) + "\n"
            (folder / _CONTENTS).write_text(contents, encoding="utf-8")

        if self._is_whole():  # another run has made the same meanwhile
            return
        try:
            replace_folder(self.path, write)
        except OSError as error:
            if error.errno in READ_ONLY:
                warnings.warn(
                    f"the cache {self.path.parent} cannot be written ({error.strerror}): what it "
                    "lacks is made anew each time",
                    stacklevel=2,
                )
            elif not self._is_whole():
                raise

    def _is_whole(self) -> bool:
        try:
            contents = json.loads((self.path / _CONTENTS).read_text(encoding="utf-8"))
            present = file_hashes(self.path)
        except (OSError, ValueError):
            return False
        present.pop(_CONTENTS, None)
        return bool(contents == present)


def fit_or_load(
    folder: str | Path | None,
    name: str,
    parts: Iterable[object],
    *,
    made_by: str,
    make: Callable[[], T],
    write: Callable[[T, Path], object],
    read: Callable[[Path], T],
) -> tuple[T, bool]:
    """Return a result from the cache, or make and keep it.

    The arguments are those of `Entry`; `folder=None` keeps nothing, and `make` makes the result.

    Returns:
        The result, and whether it came from the cache.
    """
    if folder is None:
        return make(), False
    entry = Entry(folder, name, parts, made_by=made_by, write=write, read=read)
    known = entry.load()
    if known is not None:
        return known, True
    made = make()
    entry.keep(made)
    return made, False
