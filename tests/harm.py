"""Ways in which a file of a cache can be harmed."""

from pathlib import Path

import numpy as np
import pandas as pd


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def shuffle(path: Path) -> None:
    """Turn the values of a file around, which stays readable."""
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        turned = frame.iloc[::-1].reset_index(drop=True)
        turned.attrs = frame.attrs
        turned.to_parquet(path, index=False)
    else:
        with np.load(path) as file:
            arrays = {
                name: values[::-1] if values.ndim else values for name, values in file.items()
            }
        np.savez(path, **arrays)


def cut(path: Path) -> None:
    """Cut a file off in the middle."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


HARMS = [flip, shuffle, cut, Path.unlink]
