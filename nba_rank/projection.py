"""The projection: the rest of every season simulated from ratings alone, as features.

The maps from ratings to strength that a season's dates are simulated with are fitted on seasons
before it, and before the first test season where the models are fitted only once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache as once
from functools import partial
from pathlib import Path

import pandas as pd

from nba_rank.data.tables import Tables, frame_hash
from nba_rank.features.content import content_key
from nba_rank.files import write_atomically
from nba_rank.odds.monte_carlo import Lessons, MonteCarloOdds, has_players


@dataclass(frozen=True)
class Projection:
    """Simulated seasons.

    Attributes:
        summary: What `MonteCarloOdds.predict` returns, of the dates that were simulated.
        odds: What each season was simulated with.
        seconds: What maps and simulations took when they were made.
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
        learn_from: Seasons that are simulated, and those that each one's maps are learned from.
        n_simulations: Simulations of each date.
        seed: Seed of each date's simulations.
        cache: Folder of simulated seasons and what they were simulated with, named by the hash of
            all that they are made from.
        threads: Dates that are simulated at once; does not change the result.
        on_season: Called after each season.
    """
    key = content_key(tables, [repr((n_simulations, seed))])
    lessons = once(lambda: Lessons.of(tables, inputs))
    parts, odds, seconds = [], {}, 0.0
    for season, earlier in learn_from.items():
        known, dates = (inputs[inputs["season"].isin(some)] for some in (earlier, [season]))
        name = content_key(None, [key, frame_hash(known), frame_hash(dates)])
        path = cache / f"projection_{season}_{name}.parquet"
        if not path.exists():
            start = time.perf_counter()
            fitted = MonteCarloOdds.learn(
                lessons().of_seasons(earlier), n_simulations=n_simulations, seed=seed
            )
            summary = fitted.predict(dates, tables, threads=threads)
            summary.attrs = {"odds": fitted.to_dict(), "seconds": time.perf_counter() - start}
            write_atomically(path, partial(summary.to_parquet, index=False))
        part = pd.read_parquet(path)
        odds[season] = MonteCarloOdds.from_dict(part.attrs.pop("odds"))
        seconds += part.attrs.pop("seconds")
        parts.append(part)
        on_season()
    return Projection(pd.concat(parts, ignore_index=True), odds, seconds)


def projected_seasons(inputs: pd.DataFrame, needed: list[str]) -> list[str]:
    """Return the seasons worth simulating: those that are needed, and all with known players."""
    known = inputs.loc[has_players(inputs), "season"].unique().tolist()
    return sorted({*known, *needed})
