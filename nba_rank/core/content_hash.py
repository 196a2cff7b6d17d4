"""Hashes of content, and keys of caches: everything that what is kept was made from."""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import metadata

import numpy as np
import pandas as pd

from nba_rank.core.imports import closure, modules

_PACKAGES = (
    "numpy", "pandas", "scipy", "scikit-learn", "xgboost", "torch", "pytorch-lightning", "pyarrow",
)  # fmt: skip
"""Packages whose version can change a result."""


def frame_hash(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a frame's content: column names, dtypes and values in row order."""
    digest = hashlib.sha256()
    digest.update(repr([(name, str(dtype)) for name, dtype in frame.dtypes.items()]).encode())
    digest.update(np.ascontiguousarray(pd.util.hash_pandas_object(frame, index=False)).tobytes())
    return digest.hexdigest()


def content_key(made_by: str, parts: Iterable[str]) -> str:
    """Return the key of something kept in a cache.

    Args:
        made_by: Name of the module that makes it, see `code_hash`.
        parts: Everything else that it is made from, such as hashes of tables.
    """
    digest = hashlib.sha256(code_hash(made_by).encode())
    for part in parts:
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()[:24]


@cache
def code_hash(module: str) -> str:
    """Hash the code that a module runs: its own, all that it imports, and the packages' versions.

    The modules are found by following the imports, so none can be forgotten. The files are read
    when the hash is first asked for.

    Args:
        module: Dotted name of a module of this package, such as `__name__`.
    """
    digest = hashlib.sha256()
    for name in sorted(closure(module)):
        digest.update(name.encode() + modules()[name].read_bytes())
    for package in _PACKAGES:
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()
