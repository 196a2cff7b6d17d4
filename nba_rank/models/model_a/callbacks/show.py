"""Diagnostics of model A for the eye."""

import logging

from rich import box
from rich.console import Console
from rich.table import Table

from nba_rank.models.model_a.diagnostics import ENTROPY_RATIO_MIN, PARTS, Diagnostics

_HEALTHY = {
    "entropy_ratio": f"{ENTROPY_RATIO_MIN:g} to 1",
    "fallback_share": "below 1",
    "score_spread": "above 0",
    "relevance_spread": "above 0",
    "input_spread": "about 1",
    "minutes_sum": "1",
} | {f"gradient_{part}": "above 0" for part in PARTS}


def diagnostics_table(title: str, found: Diagnostics) -> Table:
    """Return a table with one statistic a row."""
    table = Table(title=title, box=box.SIMPLE_HEAD)
    table.add_column("statistic", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("healthy where", no_wrap=True)
    for name, value in found.to_dict().items():
        table.add_row(name, _text(value), _HEALTHY.get(name, ""))
    return table


def show_diagnostics(title: str, found: Diagnostics, console: Console | None) -> None:
    """Print the table, or write the numbers to the log where there is no console."""
    if console is not None:
        console.print(diagnostics_table(title, found))
        return
    numbers = ", ".join(f"{name} {_text(value)}" for name, value in found.to_dict().items())
    logging.getLogger(__name__).info("%s: %s", title, numbers)


def _text(value: float) -> str:
    return f"{value:.4g}"
