"""Player ratings in the cache, and the state of the pass over all games when a season opens.

The ratings of a season's dates are one entry, and the state at the opening of the newest season
another, so that one more date costs only that season. An entry is named by what had happened by
then: a changed past gives another name, later games do not.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nba_rank.config.schema import FeaturesConfig, ImpactConfig
from nba_rank.core.fit_or_load import Entry
from nba_rank.data.tables import Tables
from nba_rank.features.asof import day_of
from nba_rank.features.players.game_days import State
from nba_rank.features.players.impact import PlayerBook, player_ratings, rated_dates

_DATE = ["season", "as_of_date"]
_RATINGS, _STATE = "ratings.parquet", "state.npz"  # of an entry of the cache


def cached_ratings(
    tables: Tables,
    dates: pd.DataFrame,
    config: FeaturesConfig,
    cache: Path,
    threads: int = 1,
    *,
    apart: Sequence[pd.DataFrame] = (),
) -> pd.DataFrame:
    """Return `player_ratings` of dates, in one pass over the games for all that the cache lacks.

    The dates of each frame of `apart` are rated with them, but have entries of their own, since not
    every run asks for them.
    """
    frames = pd.concat([frame.assign(part=n) for n, frame in enumerate([dates, *apart])])
    asked = rated_dates(tables, frames)
    with_stints = config.reads_stints
    if asked.empty:
        return player_ratings(tables, asked, config.impact, with_stints=with_stints)
    # A date belongs to the first frame that asks for it.
    asked = asked.merge(frames.drop_duplicates(_DATE)[[*_DATE, "part"]], on=_DATE)
    parts = {
        (str(season), n): part[_DATE].reset_index(drop=True)
        for (season, n), part in asked.groupby(["season", "part"], sort=True)
    }

    def known(season: str, date: pd.Timestamp) -> list[object]:
        return _known(tables, config.impact, season, date, with_stints=with_stints)

    entries = {
        (season, n): Entry(
            cache,
            f"players_{season}",
            [*known(season, part["as_of_date"].max()), part],
            made_by=__name__,
            write=lambda ratings, folder: ratings.to_parquet(folder / _RATINGS, index=False),
            read=lambda folder: pd.read_parquet(folder / _RATINGS),
        )
        for (season, n), part in parts.items()
    }
    loaded = {key: entry.load() for key, entry in entries.items()}
    found = {key: ratings for key, ratings in loaded.items() if ratings is not None}
    missing = sorted({season for season, n in entries if (season, n) not in found})
    if missing:
        newest = missing[-1]
        opening = _opening(tables, known, newest, cache)
        state = opening[0].load() if opening is not None and missing == [newest] else None
        book = PlayerBook(tables, config.impact, state, with_stints=with_stints)
        for season in missing:
            if opening is not None and state is None and season == newest:
                entry, last_day = opening
                book.add_before(last_day + 1)
                entry.keep(book.state(last_day))
            keys = [key for key in entries if key[0] == season and key not in found]
            together = pd.concat([parts[key] for key in keys]).sort_values("as_of_date")
            rated = book.ratings(together.reset_index(drop=True), threads)
            for key in keys:
                found[key] = rated.merge(parts[key], on=_DATE)
                entries[key].keep(found[key])
    together = pd.concat([found[key] for key in entries], ignore_index=True)
    return together.sort_values("as_of_date", kind="stable", ignore_index=True)


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
