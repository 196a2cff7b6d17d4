"""The projection: the rest of every season simulated from ratings alone, as features.

The strength models that a season's dates are simulated with are fitted on seasons
before it, and before the first test season where the models are fitted only once.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from nba_rank.core.content_hash import content_key, frame_hash
from nba_rank.core.files import write_atomically
from nba_rank.data.tables import Tables
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames, has_players


@dataclass(frozen=True)
class Projection:
    """Simulated seasons.

    Attributes:
        summary: What `MonteCarloOdds.predict` returns, of the dates that were simulated.
        odds: What each season was simulated with.
        seconds: What models and simulations took when they were made.
    """

    summary: pd.DataFrame
    odds: dict[str, MonteCarloOdds]
    seconds: float


def project(
    tables: Tables,
    inputs: pd.DataFrame,
    learn_from: dict[str, list[str]],
    *,
    n_simulations: int,
    seed: int,
    cache: Path,
    threads: int,
    on_season: Callable[[], None] = lambda: None,
) -> Projection:
    """Simulate the rest of the season from all dates of seasons.

    Args:
        tables: The canonical tables.
        inputs: From `nba_rank.odds.inputs.strength_inputs`.
        learn_from: Seasons that are simulated, and those that each one's models are learned from.
        n_simulations: Simulations of each date.
        seed: Seed of each date's simulations.
        cache: Folder of simulated seasons and what they were simulated with, named by the hash of
            all that they are made from.
        threads: Seasons, or groups of dates of a single one, that are simulated at once; does not
            change the result.
        on_season: Called after each season.
    """
    key = content_key(__name__, [*tables.hashes().values(), repr((n_simulations, seed))])
    hashes = {str(season): frame_hash(part) for season, part in inputs.groupby("season")}
    paths = {
        season: cache / f"projection_{season}_{_name(key, hashes, season, earlier)}.parquet"
        for season, earlier in learn_from.items()
    }
    missing = [season for season, path in paths.items() if not path.exists()]
    training_games = TrainingGames.of(tables, inputs) if missing else None

    def simulate(season: str) -> None:
        if training_games is not None and season in missing:
            start = time.perf_counter()
            learned = training_games.of_seasons(learn_from[season])
            fitted = MonteCarloOdds.learn(learned, n_simulations=n_simulations, seed=seed)
            dates = inputs[inputs["season"] == season]
            summary = fitted.predict(dates, tables, threads=max(1, threads // len(missing)))
            summary.attrs = {"odds": fitted.to_dict(), "seconds": time.perf_counter() - start}
            write_atomically(paths[season], partial(summary.to_parquet, index=False))

    # Set here for all threads: each of them setting it anew would undo what another has set.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(simulate, paths):
            on_season()
    parts, odds, seconds = [], {}, 0.0
    for season, path in paths.items():
        part = pd.read_parquet(path)
        odds[season] = MonteCarloOdds.from_dict(part.attrs.pop("odds"))
        seconds += part.attrs.pop("seconds")
        parts.append(part)
    return Projection(pd.concat(parts, ignore_index=True), odds, seconds)


def _name(key: str, hashes: dict[str, str], season: str, earlier: list[str]) -> str:
    """Return a name for what a season is simulated from, with models of earlier ones."""
    return content_key(__name__, [key, *[hashes.get(name, name) for name in [*earlier, season]]])


def projected_seasons(inputs: pd.DataFrame, needed: list[str]) -> list[str]:
    """Return the seasons worth simulating: those that are needed, and all with known players."""
    known = inputs.loc[has_players(inputs), "season"].unique().tolist()
    return sorted({*known, *needed})
