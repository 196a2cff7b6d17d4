"""The projection: the rest of every season simulated from ratings alone, as features.

The strength models that a season's dates are simulated with are fitted on seasons
before it, and before the first test season where the models are fitted only once.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import pandas as pd

from nba_rank.core.content_hash import frame_hash
from nba_rank.core.fit_or_load import Entry
from nba_rank.core.workers import Tell, side_by_side
from nba_rank.data.tables import Tables
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames, has_players

_SUMMARY, _ODDS = "summary.parquet", "odds.json"  # of an entry of the cache


@dataclass(frozen=True)
class Projection:
    """Simulated seasons.

    Attributes:
        summary: What `MonteCarloOdds.predict` returns of the simulated dates, without the rounds.
        odds: What each season was simulated with.
        seconds: What models and simulations took when they were made.
    """

    summary: pd.DataFrame
    odds: dict[str, MonteCarloOdds]
    seconds: float

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        self.summary.to_parquet(folder / _SUMMARY, index=False)
        odds = {season: odds.to_dict() for season, odds in self.odds.items()}
        (folder / _ODDS).write_text(json.dumps({"odds": odds, "seconds": self.seconds}))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it back."""
        content = json.loads((folder / _ODDS).read_text())
        odds = {season: MonteCarloOdds.from_dict(of) for season, of in content["odds"].items()}
        return cls(pd.read_parquet(folder / _SUMMARY), odds, content["seconds"])


def project(
    tables: Tables,
    inputs: pd.DataFrame,
    learn_from: dict[str, list[str]],
    *,
    n_simulations: int,
    seed: int,
    cache: Path,
    threads: int,
    season_half_life: float | None = None,
    on_season: Callable[[], None] = lambda: None,
) -> Projection:
    """Simulate the rest of the season from all dates of seasons.

    Args:
        tables: The canonical tables.
        inputs: From `nba_rank.odds.inputs.strength_inputs`.
        learn_from: Seasons that are simulated, and those that each one's models are learned from.
        n_simulations: Simulations of each date.
        seed: Seed of each date's simulations.
        cache: Folder of simulated seasons and what they were simulated with.
        threads: Seasons, or groups of dates of a single one, that are simulated at once; does not
            change the result.
        season_half_life: Of the weights of the seasons learned from.
        on_season: Called after each season.
    """
    tables = tables.without_players()
    settings = (n_simulations, seed, season_half_life)
    hashes = {str(season): frame_hash(part) for season, part in inputs.groupby("season")}
    entries = {
        season: Entry(
            cache,
            f"projection_{season}",
            [
                *tables.hashes(until=season).values(),
                settings,
                *[hashes.get(name, name) for name in [*earlier, season]],
            ],
            made_by=__name__,
            write=Projection.write,
            read=Projection.read,
        )
        for season, earlier in learn_from.items()
    }
    loaded = {season: entry.load() for season, entry in entries.items()}
    parts = {season: part for season, part in loaded.items() if part is not None}
    for _ in parts:
        on_season()
    missing = [season for season in entries if season not in parts]
    if missing:
        games = TrainingGames.of(tables, inputs)
        at_once = max(1, threads // len(missing))
        known = _Known(tables, inputs, games, n_simulations, seed, season_half_life, at_once)
        tasks = [(season, learn_from[season]) for season in missing]
        made = side_by_side(_simulate, known, tasks, threads)
        for season, part in zip(missing, made, strict=True):
            entries[season].keep(part)
            parts[season] = part
            on_season()
    return Projection(
        pd.concat([parts[season].summary for season in entries], ignore_index=True),
        {season: parts[season].odds[season] for season in entries},
        sum(part.seconds for part in parts.values()),
    )


class _Known(NamedTuple):
    """What every season is simulated with; `threads` are those of its dates."""

    tables: Tables
    inputs: pd.DataFrame
    games: TrainingGames
    n_simulations: int
    seed: int
    season_half_life: float | None
    threads: int


def _simulate(known: _Known, task: tuple[str, list[str]], tell: Tell) -> Projection:
    """Simulate a season with what others teach."""
    start = time.perf_counter()
    season, learn_from = task
    odds = MonteCarloOdds.fit(
        known.games.of_seasons(learn_from),
        n_simulations=known.n_simulations,
        seed=known.seed,
        season_half_life=known.season_half_life,
    )
    dates = known.inputs[known.inputs["season"] == season]
    summary = dates
    if len(dates):  # a season to come is simulated by whoever ranks it
        summary = odds.predict(dates, known.tables, rounds=False, threads=known.threads)
    return Projection(summary, {season: odds}, time.perf_counter() - start)


def projected_seasons(inputs: pd.DataFrame, needed: list[str]) -> list[str]:
    """Return the seasons worth simulating: those that are needed, and all with known players."""
    known = inputs.loc[has_players(inputs), "season"].unique().tolist()
    return sorted({*known, *needed})
