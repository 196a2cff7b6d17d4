"""What has been made before, by the hash of everything that it was made from: the one cache."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Self, TypeVar

from nba_rank.core.content_hash import content_key
from nba_rank.core.files import file_hashes, replace_folder

T = TypeVar("T")

_CONTENTS = "contents.json"  # hashes of the other files of an entry


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A place in a cache: a folder of files, and their hashes in `contents.json`.

    Attributes:
        path: The folder, whether it is there or not.
        write: Writes what is kept into a folder.
        read: Reads it back from there.
    """

    path: Path
    write: Callable[[T, Path], object]
    read: Callable[[Path], T]

    @classmethod
    def of(
        cls,
        folder: str | Path,
        name: str,
        parts: Iterable[object],
        *,
        made_by: str,
        write: Callable[[T, Path], object],
        read: Callable[[Path], T],
    ) -> Self:
        """Return the entry of what is made from some parts.

        Args:
            folder: The cache's folder.
            name: Starts the names of such entries.
            parts: Everything that the result depends on, besides code; see `content_key`.
            made_by: Name of the module that makes it; see `content_key`.
            write: Writes the result into a folder.
            read: Reads it back from there.
        """
        return cls(Path(folder) / f"{name}_{content_key(made_by, parts)}", write, read)

    def load(self) -> T | None:
        """Return what is kept; None if nothing is, or if a file is not what was written."""
        if not self._is_whole():
            return None
        try:
            return self.read(self.path)
        except FileNotFoundError:  # another run is replacing a damaged entry
            return None

    def keep(self, made: T) -> None:
        """Keep what was made, in the place of a damaged entry if there is one."""

        def write(folder: Path) -> None:
            self.write(made, folder)
            contents = json.dumps(file_hashes(folder), indent=2) + "\n"
            (folder / _CONTENTS).write_text(contents, encoding="utf-8")

        if self._is_whole():  # another run has made the same meanwhile
            return
        try:
            replace_folder(self.path, write)
        except OSError:
            if not self._is_whole():
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
    """Return what was made of the same parts before, or make it and keep it.

    Args:
        folder: The cache's folder; None keeps nothing.
        name: As of `Entry.of`, like the other arguments.
        parts: Everything that the result depends on, besides code.
        made_by: Name of the module that makes it.
        make: Makes it.
        write: Writes it into a folder.
        read: Reads it back from there.

    Returns:
        The result, and whether it was there before. A damaged entry is made anew.
    """
    if folder is None:
        return make(), False
    entry = Entry.of(folder, name, parts, made_by=made_by, write=write, read=read)
    known = entry.load()
    if known is not None:
        return known, True
    made = make()
    entry.keep(made)
    return made, False
