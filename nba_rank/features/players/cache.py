"""Player ratings in the cache, and the state of the pass over all games when a season opens.

The ratings of a season's dates are one entry, those of its playoffs another, and the state at the
opening of the newest season a third, so that one more date costs only that season. An entry is
named by what had happened by then: a changed past gives another name, later games do not.
"""

from collections.abc import Callable
from pathlib import Path

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
    """Return `player_ratings` of the dates, those from the cache that are there."""
    asked = rated_dates(tables, dates)
    with_stints = config.reads_stints
    if asked.empty:
        return player_ratings(tables, asked, config.impact, with_stints=with_stints)
    # Dates after the regular season have an entry of their own: not every run asks for them.
    ended = asked["season"].map(tables.seasons.set_index("season")["last_regular_date"])
    later = asked["as_of_date"] > ended + pd.Timedelta(days=1)
    parts = {
        (str(season), bool(is_later)): part
        for (season, is_later), part in asked.groupby([asked["season"], later], sort=True)
    }

    def known(season: str, date: pd.Timestamp) -> list[object]:
        return _known(tables, config.impact, season, date, with_stints=with_stints)

    entries = {
        (season, is_later): Entry(
            cache,
            f"players_{season}",
            [*known(season, part["as_of_date"].max()), part],
            made_by=__name__,
            write=lambda ratings, folder: ratings.to_parquet(folder / _RATINGS, index=False),
            read=lambda folder: pd.read_parquet(folder / _RATINGS),
        )
        for (season, is_later), part in parts.items()
    }
    loaded = {key: entry.load() for key, entry in entries.items()}
    found = {key: ratings for key, ratings in loaded.items() if ratings is not None}
    missing = [key for key in entries if key not in found]
    if missing:
        (first, _), (newest, _) = missing[0], missing[-1]
        opening = _opening(tables, known, newest, cache)
        state = opening[0].load() if opening is not None and first == newest else None
        book = PlayerBook(tables, config.impact, state, with_stints=with_stints)
        for key in missing:
            if opening is not None and state is None and key[0] == newest:
                entry, last_day = opening
                book.add_before(last_day + 1)
                entry.keep(book.state(last_day))
                opening = None
            found[key] = book.ratings(parts[key], threads)
            entries[key].keep(found[key])
    return pd.concat([found[key] for key in entries], ignore_index=True)


def _known(
    tables: Tables, config: ImpactConfig, season: str, date: pd.Timestamp, *, with_stints: bool
) -> list[object]:
    """Return what player ratings on a date of a season depend on.

    The config, the games before the date, the teams, the roster files up to the date, and all those
    of earlier seasons.
    """
    read = ["games", "player_games", *(["team_games", "stints"] if with_stints else [])]
    games = [tables.row_hashes(name)[getattr(tables, name)["game_date"] < date] for name in read]
    rosters, teams = tables.rosters, tables.teams[["season", "team_id"]]
    due = (rosters["date"] <= date) | (rosters["season"] < season)
    listed = tables.row_hashes("rosters")[due]
    return [config, *games, listed, teams[teams["season"] <= season]]


def _opening(
    tables: Tables,
    known: Callable[[str, pd.Timestamp], list[object]],
    season: str,
    cache: Path,
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
        known(season, last + pd.Timedelta(days=1)),
        made_by=__name__,
        write=_write_state,
        read=_read_state,
    )
    return entry, day_of(last)


def _write_state(state: State, folder: Path) -> None:
    np.savez(folder / _STATE, allow_pickle=False, **state)


def _read_state(folder: Path) -> State:
    with np.load(folder / _STATE, allow_pickle=False) as file:
        return dict(file)
