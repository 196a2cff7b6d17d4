"""Writing files so that a reader never sees a part of one."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from nba_rank.core import escape


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call a writer with a temporary name and rename the file when it is whole.

    Args:
        path: File to make or replace; its folder is made if missing.
        write: Writes the path that it is given. If it raises, nothing of the file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        write(temporary)
        temporary.replace(path)
    except BaseException:  # Ctrl-C too must leave no part; the error goes on
        temporary.unlink(missing_ok=True)
        raise


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as parquet or CSV, by the name's ending, whole or not at all.

    Text in a CSV file cannot become a formula of a spreadsheet.
    """
    writers: dict[str, Callable[[Path], None]] = {
        ".parquet": lambda part: frame.to_parquet(part, index=False),
        ".csv": lambda part: escape.csv_frame(frame).to_csv(part, index=False),
    }
    write_atomically(path, writers[path.suffix])
