"""Tables ready to use, whatever the source: simulate where asked, ingest where stale."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from rich.console import Console

from nba_rank.config.schema import DataConfig, manifest_path
from nba_rank.data.ingest import IngestResult, ingest
from nba_rank.data.simulated.league import (
    PARAMS_FILE,
    TRUE_STRENGTH_FILE,
    SimParams,
    params_hash,
    simulate_league,
    write_league,
)


def prepare_tables(
    config: DataConfig, console: Console | None, *, force: bool = False
) -> IngestResult:
    """Return the checked tables of a data source.

    Args:
        config: Where the game logs come from; a simulated league is written there first unless
            the one asked for is already there.
        console: Where progress and the quality report are printed; None prints nothing.
        force: Read the raw files even where nothing has changed.

    Raises:
        IngestError: The raw files cannot be used.
        FileExistsError: A simulated league would replace files that are not one.
    """
    raw_dir = Path(config.raw_dir)
    if config.source == "sim":
        _simulate(SimParams(**asdict(config.sim)), raw_dir, console)
    return ingest(
        raw_dir,
        Path(config.processed_dir),
        force=force,
        manifest_path=manifest_path(config),
        console=console,
    )


def true_strength(config: DataConfig) -> pd.DataFrame | None:
    """Return a simulated league's true strength by season, date and team; None for real data."""
    if config.source != "sim":
        return None
    return pd.read_parquet(Path(config.raw_dir) / TRUE_STRENGTH_FILE)


def _simulate(params: SimParams, raw_dir: Path, console: Console | None) -> None:
    record = raw_dir / PARAMS_FILE
    if record.exists() and json.loads(record.read_text())["hash"] == params_hash(params):
        return
    if raw_dir.exists() and any(raw_dir.iterdir()) and not record.exists():
        raise FileExistsError(
            f"{raw_dir} holds files that are not a simulated league: "
            "give data=sim another data.raw_dir"
        )
    if console is not None:
        console.print(f"Simulating {params.n_seasons} seasons in {raw_dir}.")
    fresh = raw_dir.with_name(f".{raw_dir.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    write_league(simulate_league(params), fresh)
    shutil.rmtree(raw_dir, ignore_errors=True)
    fresh.rename(raw_dir)
