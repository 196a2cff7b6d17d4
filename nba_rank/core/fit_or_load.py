"""What has been fitted or scored before, by the hash of everything that it was made from."""

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from nba_rank.core.content_hash import code_hash, frame_hash

T = TypeVar("T")

_CONTENTS = "contents.json"  # hashes of the other files of an entry


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
        folder: Where the entries lie, a folder each; None keeps nothing.
        name: Starts the names of such entries.
        parts: Everything that the result depends on, besides code: arrays, frames, dataclasses
            and what its `repr` tells in full. The labels of a frame's rows do not count.
        made_by: Name of the module that makes it; its code counts, see
            `nba_rank.core.content_hash.code_hash`.
        make: Makes it.
        write: Writes it into a folder.
        read: Reads it back from there.

    Returns:
        The result, and whether it was there before. An entry is written beside its place and moved
        there whole; one that has been damaged since is made anew.
    """
    if folder is None:
        return make(), False
    entry = Path(folder) / f"{name}_{_key(made_by, parts)}"
    if _is_whole(entry):
        return read(entry), True
    made = make()
    _keep(entry, lambda path: write(made, path))
    return made, False


def _key(made_by: str, parts: Iterable[object]) -> str:
    digest = hashlib.sha256(code_hash(made_by).encode())
    for part in parts:
        digest.update(_hash(part))
    return digest.hexdigest()[:24]


def _hash(part: object) -> bytes:
    """Return the hash of one part, of the same length for all kinds."""
    if isinstance(part, pd.DataFrame):
        content: Iterable[bytes] = [frame_hash(part).encode()]
    elif isinstance(part, np.ndarray) and part.dtype != object:
        # NaN is NaN, whatever its bits: a file changes them.
        floating = part.dtype.kind == "f"
        known = np.where(np.isnan(part), part.dtype.type(np.nan), part) if floating else part
        content = [f"{part.dtype} {part.shape}".encode(), known.tobytes()]
    elif isinstance(part, np.ndarray):
        content = [repr(part.tolist()).encode()]
    elif is_dataclass(part):
        content = [field.name.encode() + _hash(getattr(part, field.name)) for field in fields(part)]
    else:
        content = [repr(part).encode()]
    digest = hashlib.sha256(type(part).__name__.encode())
    for piece in content:
        digest.update(hashlib.sha256(piece).digest())
    return digest.digest()


def _keep(entry: Path, write: Callable[[Path], object]) -> None:
    unfinished = entry.with_name(f".{uuid.uuid4().hex}.{entry.name}")
    unfinished.mkdir(parents=True)
    try:
        write(unfinished)
        contents = json.dumps(_file_hashes(unfinished), indent=2) + "\n"
        (unfinished / _CONTENTS).write_text(contents, encoding="utf-8")
        if not _is_whole(entry):
            shutil.rmtree(entry, ignore_errors=True)
        try:
            unfinished.rename(entry)
        except OSError:  # another run has just made the same
            if not _is_whole(entry):
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _is_whole(entry: Path) -> bool:
    """Return whether an entry holds the files that were written, byte for byte."""
    try:
        contents = json.loads((entry / _CONTENTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(contents == _file_hashes(entry))


def _file_hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.iterdir()) if path.name != _CONTENTS)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
