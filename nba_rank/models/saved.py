"""Reading fitted models from files that a stranger may have written."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

from nba_rank.core.errors import UserError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in the error of a reader that finds it damaged or of another kind.

    The readers inside must not execute what they read: JSON, XGBoost's UBJSON, NumPy without
    pickles, torch with `weights_only=True`.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        yield
    except (
        UnpicklingError, zipfile.BadZipFile, OSError, EOFError, RuntimeError,
        ValueError, TypeError, LookupError, AttributeError,
    ) as error:  # fmt: skip
        raise UserError(
            f"{path} is no file of fitted models that can be read safely, or it is damaged "
            f"({type(error).__name__}): train again, or copy the folder anew from where it was made"
        ) from error
