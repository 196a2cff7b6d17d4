"""The stages of a run: progress bars and times."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

Advance = Callable[[], None]
"""Call when one step of a stage is done."""


@dataclass
class Stages:
    """Shows a bar for each stage and measures its wall-clock time.

    Attributes:
        console: Where to print.
        show: Whether to show bars on a terminal; one line a stage is printed in any case.
        seconds: Seconds of each finished stage, in order.
    """

    console: Console
    show: bool
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, steps: int = 1) -> Iterator[Advance]:
        """Time a stage; yields the function that advances its bar."""
        start = time.perf_counter()
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not (self.show and self.console.is_terminal),
        ) as progress:
            task = progress.add_task(name, total=steps)
            yield lambda: progress.advance(task)
        self.seconds[name] = time.perf_counter() - start
        self.console.print(f"{name:<12} {self.seconds[name]:7.1f} s")

    def groups(self, seconds: dict[str, float]) -> None:
        """Print the build time of each feature group in this or an earlier run, longest first."""
        total = sum(seconds.values())
        table = Table(box=None, padding=(0, 1), show_header=False)
        table.add_column()
        for _ in range(2):
            table.add_column(justify="right")
        for name, of_group in sorted(seconds.items(), key=lambda item: -item[1]):
            table.add_row(f"  {name}", f"{of_group:.2f} s", f"{of_group / total:.0%}")
        self.console.print(table)
