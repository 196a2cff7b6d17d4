"""`python -m nba_rank.fetch`: from public sources to a folder of raw files."""

from itertools import groupby

from omegaconf import DictConfig
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from nba_rank.config.compose import as_config
from nba_rank.config.schema import FetchConfig, raw_dirs
from nba_rank.core.errors import UserError
from nba_rank.data.fetch import run
from nba_rank.data.fetch.run import FAILED, Outcome
from nba_rank.data.ingest import say

_NOTES = 3
"""Notes of one kind of data that are shown."""


def fetch(cfg: DictConfig, console: Console) -> list[Outcome]:
    """Fetch as configured; see `fetch_files`."""
    return fetch_files(as_config(cfg, FetchConfig), console)


def fetch_files(config: FetchConfig, console: Console) -> list[Outcome]:
    """Fetch into the last configured raw folder, and say what became of each kind of data.

    Raises:
        UserError: Something could not be fetched; what could lies in the folder.
    """
    folder = raw_dirs(config.data)[-1]
    say(console, f"Fetching to {folder} on {run.today_of(config)}.")
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=None)

        def tell(name: str, n_targets: int) -> None:
            if progress.tasks[task].total != n_targets:
                progress.reset(task, total=n_targets)
            progress.update(task, description=name, advance=1)

        outcomes = run.fetch(config, tell)
    console.print(_summary(outcomes))
    failures = [one for one in outcomes if one.status == FAILED]
    if failures:
        told = dict.fromkeys(f"  - {one.what} {one.season}: {one.note}" for one in failures)
        shown = [*told][: 2 * _NOTES]
        if len(told) > len(shown):
            shown.append(f"  - and {len(told) - len(shown)} more")
        lines = "\n".join(shown)
        raise UserError(f"{len(failures)} of {len(outcomes)} could not be fetched:\n{lines}")
    return outcomes


def _summary(outcomes: list[Outcome]) -> Table:
    """Return a row for each kind of data and status, over all seasons in succession."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for name in ("data", "seasons", "from", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("rows", justify="right")
    table.add_column("notes")
    for (what, source, status), group in groupby(
        outcomes, lambda one: (one.what, one.source, one.status)
    ):
        some = [*group]
        notes = [*dict.fromkeys(one.note for one in some if one.note)] if status != FAILED else []
        if len(notes) > _NOTES:
            notes = [*notes[:_NOTES], f"and {len(notes) - _NOTES} more"]
        seasons = [*dict.fromkeys(one.season for one in some)]
        span = seasons[0] if len(seasons) == 1 else f"{seasons[0]}..{seasons[-1]}"
        rows = sum(one.rows for one in some)
        table.add_row(
            what, span, source, status, f"{rows:,}" if rows else "",
            "; ".join(notes),
        )  # fmt: skip
    return table
