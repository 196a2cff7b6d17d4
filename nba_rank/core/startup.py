"""Imports of heavy packages."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Import without a search for garbage, and leave what was imported out of all later searches.

    The packages under a run make half a million objects that live to the end: searching them costs
    a second at the start and one more at the end of the process.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
