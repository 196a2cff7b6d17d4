"""What a config field says of itself: its meaning, its bounds and its choices."""

import dataclasses
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

RESULT, RUN, SWEEP, NOTHING = "result", "run", "sweep", "nothing"
"""What an option decides: the result of a run and of a trial; of a whole run alone, such as how its
test seasons are judged, or the device, which may differ between the workers of a sweep; how a sweep
goes; or nothing but where files lie and what is shown."""


def option(
    text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
    filled: bool = False,
    role: str = RESULT,
    default: Any = MISSING,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Declare a config field.

    Args:
        text: What it means; the first sentence stands in the help of the programs.
        low: Least value of the number, or of each number of a list; None: no bound.
        high: Greatest value, likewise.
        choices: Values that the text, or each text of a list, may have; none: any. A list with
            choices names each at most once.
        filled: Whether a list needs at least one value.
        role: What it decides: `RESULT`, `RUN`, `SWEEP` or `NOTHING`.
        default: The value where `conf/` gives none.
    """
    metadata = {"text": text, "low": low, "high": high, "choices": choices, "filled": filled}
    return dataclasses.field(default=default, metadata=metadata | {"role": role})


def declared(kind: type, prefix: str = "") -> dict[str, Field[Any]]:
    """Return the field of every option of a schema, by dotted key."""
    found: dict[str, Field[Any]] = {}
    for one in fields(kind):
        if isinstance(one.type, type) and is_dataclass(one.type):
            found |= declared(one.type, f"{prefix}{one.name}.")
        else:
            found[f"{prefix}{one.name}"] = one
    return found


def roles(kind: type) -> dict[str, str]:
    """Return the role of every option of a schema, by dotted key."""
    return {key: one.metadata["role"] for key, one in declared(kind).items()}


def problem(field: Field[Any], value: object) -> str | None:
    """Say what is wrong with a value by its field's own declaration, if anything.

    Args:
        field: Made by `option`.
        value: A number, a text, a list of either, or None, which has no bounds.
    """
    about = field.metadata
    values = value if isinstance(value, list) else [value]
    if about["filled"] and not values:
        return "must hold at least one value"
    if about["choices"]:
        known = ", ".join(about["choices"])
        if not isinstance(value, list):
            return None if value in about["choices"] else f"must be one of {known}"
        if set(values) - set(about["choices"]) or len(set(values)) < len(values):
            return f"must name some of {known}, each once"
    low, high = about["low"], about["high"]
    for number in values:
        if isinstance(number, float) and not abs(number) < float("inf"):
            return "must be a finite number"
        if isinstance(number, int | float) and (
            (low is not None and number < low) or (high is not None and number > high)
        ):
            return _bounds(low, high)
    return None


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f"must be {low:g} or more"
    if low is None:
        return f"must be {high:g} or less"
    return f"must lie between {low:g} and {high:g}"


def first_sentence(field: Field[Any]) -> str:
    """Return the first sentence of what an option means, and its choices."""
    about = field.metadata
    text = about["text"].partition(". ")[0].rstrip(".") + "."
    return f"{text} One of {', '.join(about['choices'])}." if about["choices"] else text
