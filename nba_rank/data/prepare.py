"""Checked tables of any source: simulated where asked, ingested where stale."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from nba_rank.config.schema import DataConfig, manifest_path, raw_dirs
from nba_rank.core.errors import UserError
from nba_rank.core.files import locked, replace_folder
from nba_rank.data.ingest import IngestResult, ingest, say
from nba_rank.data.raw.files import PARAMS_FILE, TRUE_STRENGTH_FILE
from nba_rank.data.rosters import without_first_day
from nba_rank.data.simulated.league import (
    SimParams,
    holds_league,
    simulate_league,
    write_league,
)
from nba_rank.data.tables import Tables


def prepare_tables(
    config: DataConfig, console: Console | None, *, force: bool = False, brief: bool = False
) -> IngestResult:
    """Return the checked tables of a data source, simulated first where that is the source.

    They are those of the folders as far as a run may see them, see `seen`. Any number of runs may
    do so at once: one of them simulates and ingests, the others wait. `console`, `force` and
    `brief` are those of `ingest`.

    Raises:
        IngestError: The raw files cannot be used.
        UserError: A run sees no season of them, or a simulated league would replace files
            that are not one.
    """
    folders = raw_dirs(config)

    def ingested() -> IngestResult:
        result = ingest(
            folders,
            Path(config.processed_dir),
            force=force,
            manifest_path=manifest_path(config),
            console=console,
            brief=brief,
        )
        return replace(result, tables=seen(result.tables, config))

    if config.source != "sim":
        return ingested()
    (raw_dir,) = folders
    lock = raw_dir.with_name(f".{raw_dir.name}.lock")
    with locked(lock, lambda: say(console, f"Waiting for another run that prepares {raw_dir}.")):
        _simulate(config.sim, raw_dir, console)
        return ingested()


def seen(tables: Tables, config: DataConfig) -> Tables:
    """Return the part of the tables that a run sees.

    Raises:
        UserError: It is empty.
    """
    part = tables.until(config.last_season)
    if part.seasons.empty:
        raise UserError(
            f"data.last_season={config.last_season} is before the first season of the tables, "
            f"{tables.seasons['season'].min()}"
        )
    return part if config.opening_rosters == "files" else without_first_day(part)


def true_strength(config: DataConfig) -> pd.DataFrame | None:
    """Return a simulated league's true strength by season, date and team; None for real data.

    Raises:
        UserError: The folder holds another league by now.
    """
    if config.source != "sim":
        return None
    (raw_dir,) = raw_dirs(config)
    if not holds_league(raw_dir, config.sim):
        raise UserError(
            f"{raw_dir} no longer holds the league of this run: give each league a data.raw_dir "
            "and a data.processed_dir of its own"
        )
    return pd.read_parquet(raw_dir / TRUE_STRENGTH_FILE)


def _simulate(params: SimParams, raw_dir: Path, console: Console | None) -> None:
    if holds_league(raw_dir, params):
        return
    if raw_dir.exists() and any(raw_dir.iterdir()) and not (raw_dir / PARAMS_FILE).exists():
        raise UserError(
            f"{raw_dir} holds files that are not a simulated league: "
            "give data=sim another data.raw_dir"
        )
    say(console, f"Simulating {params.n_seasons} seasons in {raw_dir}.")
    replace_folder(raw_dir, lambda folder: write_league(simulate_league(params), folder))
