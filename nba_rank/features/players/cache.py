"""Player ratings kept in the cache, and what the games before a season said of its players.

Ratings are made in one pass over all games, so those of one more date would cost as much as those
of all. Two kinds of entries save that: the ratings of each season's dates, and the state of the
pass at the opening of the newest season that was rated. Both are named by the code, the config and
what had happened by then. What happens later plays no part; a past that has been changed gives
another name.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.config.schema import FeaturesConfig, ImpactConfig
from nba_rank.core.fit_or_load import Entry
from nba_rank.data.tables import Tables
from nba_rank.features.asof import days
from nba_rank.features.players.impact import PlayerBook, player_ratings, rated_dates
from nba_rank.features.players.state import State, read_state, write_state

_RATINGS, _STATE = "ratings.parquet", "state.npz"  # of an entry of the cache


def cached_ratings(
    tables: Tables, dates: pd.DataFrame, config: FeaturesConfig, cache: Path, threads: int = 1
) -> pd.DataFrame:
    """Return the player ratings of the dates from the cache, or make them and put them there.

    To the last bit what `nba_rank.features.players.impact.player_ratings` returns, by however many
    threads.
    """
    asked = rated_dates(tables, dates)
    if asked.empty:
        return player_ratings(tables, asked, config.impact)
    past = _Past(tables, config.impact)
    parts = {str(season): part for season, part in asked.groupby("season", sort=True)}
    entries = {
        season: Entry(
            cache,
            f"players_{season}",
            [*past.known(season, part["as_of_date"].max()), part],
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
        opening = _opening(tables, past, missing[-1], cache)
        state = opening.entry.load() if opening is not None and len(missing) == 1 else None
        book = PlayerBook(tables, config.impact, state)
        for season in missing:
            if season == missing[-1] and opening is not None and state is None:
                book.add_before(opening.last_day + 1)
                opening.entry.keep(book.state(opening.last_day))
            found[season] = book.ratings(parts[season], threads)
            entries[season].keep(found[season])
    return pd.concat([found[season] for season in entries], ignore_index=True)


class _Past:
    """What had happened by a day, as parts of an entry's name."""

    def __init__(self, tables: Tables, config: ImpactConfig) -> None:
        self._config = config
        played = tables.games, tables.player_games
        self._played = [(days(table["game_date"]), _rows(table)) for table in played]
        rosters = tables.rosters
        self._teams = tables.teams[["season", "team_id"]]
        self._rosters = days(rosters["date"]), rosters["season"], _rows(rosters)

    def known(self, season: str, date: pd.Timestamp) -> list[object]:
        """Return the config and what was known of players on the morning of a date of a season.

        The games before it, the teams, the roster files up to it, and those of earlier seasons,
        late or not.
        """
        day = int(days(pd.DatetimeIndex([date]))[0])
        listed, of_season, rows = self._rosters
        due = (listed <= day) | (of_season < season).to_numpy()
        played = [rows[on < day] for on, rows in self._played]
        teams = self._teams[self._teams["season"] <= season]
        return [self._config, *played, rows[due], teams]


@dataclass(frozen=True)
class _Opening:
    """The state before a season, and the last game day that it holds."""

    entry: Entry[State]
    last_day: int


def _opening(tables: Tables, past: _Past, season: str, cache: Path) -> _Opening | None:
    """Return the opening of a season; None where players have no earlier games."""
    games = tables.player_games
    earlier = games.loc[(games["season"] < season).to_numpy(), "game_date"]
    if earlier.empty:
        return None
    last = earlier.max()
    entry = Entry(
        cache,
        f"player_state_{season}",
        past.known(season, last + pd.Timedelta(days=1)),
        made_by=__name__,
        write=lambda state, folder: write_state(state, folder / _STATE),
        read=lambda folder: read_state(folder / _STATE),
    )
    return _Opening(entry, int(days(pd.DatetimeIndex([last]))[0]))


def _rows(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """Return a hash of each row."""
    return np.asarray(pd.util.hash_pandas_object(frame, index=False))
