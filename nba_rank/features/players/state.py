"""What a recursion over game days has gathered, as arrays that can be written to a file."""

from pathlib import Path
from typing import Any

import numpy as np

State = dict[str, np.ndarray]
"""Arrays by name."""


def join(parts: dict[str, State]) -> State:
    """Put the states of several parts into one, `<part>.<name>`."""
    return {f"{part}.{name}": v for part, state in parts.items() for name, v in state.items()}


def part_of(state: State, part: str) -> State:
    """Return the state of one part out of a joined one."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}


def write_state(state: State, path: Path) -> None:
    """Write a state to a file."""
    arrays: dict[str, Any] = {**state}
    np.savez(path, **arrays)


def read_state(path: Path) -> State:
    """Read a state back, to the last bit."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
