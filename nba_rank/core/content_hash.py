"""Hashes of content and code, and the keys of caches that follow from them."""

import hashlib
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import metadata

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.imports import PACKAGE, closure, modules

PACKAGES = (
    "numpy", "pandas", "scipy", "scikit-learn", "xgboost", "torch", "pytorch-lightning", "pyarrow",
)  # fmt: skip
"""Packages whose version can change a result."""


def row_hashes(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """Return a hash of the values of each row."""
    return np.ascontiguousarray(pd.util.hash_pandas_object(frame, index=False))


def frame_hash(frame: pd.DataFrame, rows: npt.NDArray[np.uint64] | None = None) -> str:
    """Return the SHA-256 of a frame's column names, dtypes and values in row order.

    `rows` are its `row_hashes`, where they are known already.
    """
    digest = hashlib.sha256()
    digest.update(repr([(name, str(dtype)) for name, dtype in frame.dtypes.items()]).encode())
    digest.update((row_hashes(frame) if rows is None else rows).tobytes())
    return digest.hexdigest()


def content_key(made_by: str | None, parts: Iterable[object]) -> str:
    """Return the key of a result in a cache.

    Args:
        made_by: Name of the module that makes it, see `code_hash`; None: the parts are all.
        parts: Everything else that it depends on: text, arrays, frames, dataclasses, and values
            whose `repr` is complete. A frame's index does not count.
    """
    digest = hashlib.sha256(b"" if made_by is None else code_hash(made_by).encode())
    for part in parts:
        digest.update(_hash(part))
    return digest.hexdigest()[:24]


def _hash(part: object) -> bytes:
    if isinstance(part, pd.DataFrame):
        content: Iterable[bytes] = [frame_hash(part).encode()]
    elif isinstance(part, np.ndarray) and part.dtype != object:
        # A file may change the bits of NaN.
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


@cache
def code_hash(module: str) -> str:
    """Hash a module by dotted name, all of this package that it imports, and package versions.

    Of the package's own name everything in it counts, which is known without reading imports.
    """
    digest = hashlib.sha256()
    for name in sorted(modules() if module == PACKAGE else closure(module)):
        digest.update(name.encode() + modules()[name].read_bytes())
    for package in PACKAGES:
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()
