"""Player ratings kept in the cache, and what the games before a season said of its players.

The ratings of a season's dates are one entry. The state of the pass over all games at the opening
of the newest season is another, so that one more date costs only that season. What names an entry
had happened by then: later games play no part, and a changed past gives another name.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nba_rank.config.schema import FeaturesConfig, ImpactConfig
from nba_rank.core.fit_or_load import Entry
from nba_rank.data.tables import Tables
from nba_rank.features.asof import day_of
from nba_rank.features.players.game_days import State
from nba_rank.features.players.impact import PlayerBook, player_ratings, rated_dates

_RATINGS, _STATE = "ratings.parquet", "state.npz"  # of an entry of the cache


def cached_ratings(
    tables: Tables, dates: pd.DataFrame, config: FeaturesConfig, cache: Path, threads: int = 1
) -> pd.DataFrame:
    """Return `player_ratings` of the dates, from the cache as far as they are there."""
    asked = rated_dates(tables, dates)
    if asked.empty:
        return player_ratings(tables, asked, config.impact)
    parts = {str(season): part for season, part in asked.groupby("season", sort=True)}
    entries = {
        season: Entry(
            cache,
            f"players_{season}",
            [*_known(tables, config.impact, season, part["as_of_date"].max()), part],
            made_by=__name__,
            write=lambda ratings, folder: ratings.to_parquet(folder / _RATINGS, index=False),
            read=lambda folder: pd.read_parquet(folder / _RATINGS),
        )
        for season, part in parts.items()
    }
    loaded = {season: entry.load() for season, entry in entries.items()}
    found = {season: ratings for season, ratings in loaded.items() if ratings is not None}
    missing = [season for season in entries if season not in found]
    if missing:
        opening = _opening(tables, config.impact, missing[-1], cache)
        state = opening[0].load() if opening is not None and len(missing) == 1 else None
        book = PlayerBook(tables, config.impact, state)
        for season in missing:
            if season == missing[-1] and opening is not None and state is None:
                entry, last_day = opening
                book.add_before(last_day + 1)
                entry.keep(book.state(last_day))
            found[season] = book.ratings(parts[season], threads)
            entries[season].keep(found[season])
    return pd.concat([found[season] for season in entries], ignore_index=True)


def _known(tables: Tables, config: ImpactConfig, season: str, date: pd.Timestamp) -> list[object]:
    """Return the config and what was known of players on the morning of a date of a season.

    The games before it, the teams, the roster files up to it, and those of earlier seasons,
    however late.
    """
    games, player_games = (
        tables.row_hashes(name)[getattr(tables, name)["game_date"] < date]
        for name in ("games", "player_games")
    )
    rosters, teams = tables.rosters, tables.teams[["season", "team_id"]]
    due = (rosters["date"] <= date) | (rosters["season"] < season)
    listed = tables.row_hashes("rosters")[due]
    return [config, games, player_games, listed, teams[teams["season"] <= season]]


def _opening(
    tables: Tables, config: ImpactConfig, season: str, cache: Path
) -> tuple[Entry[State], int] | None:
    """Return the state before a season and its last game day; None without earlier games."""
    games = tables.player_games
    earlier = games.loc[games["season"] < season, "game_date"]
    if earlier.empty:
        return None
    last = earlier.max()
    entry = Entry(
        cache,
        f"player_state_{season}",
        _known(tables, config, season, last + pd.Timedelta(days=1)),
        made_by=__name__,
        write=_write_state,
        read=_read_state,
    )
    return entry, day_of(last)


def _write_state(state: State, folder: Path) -> None:
    arrays: dict[str, Any] = {**state}
    np.savez(folder / _STATE, **arrays)


def _read_state(folder: Path) -> State:
    with np.load(folder / _STATE, allow_pickle=False) as file:
        return dict(file)
