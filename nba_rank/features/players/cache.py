"""Player ratings kept in files, and what the games before a season said of its players.

Ratings are made in one pass over all games, so those of one more date would cost as much as those
of all. Two kinds of files save that: the ratings of each season's dates, and the state of the pass
at the opening of the newest season that was rated. Both are named by what they are made from: the
code, the config and what had happened by then. What happens later plays no part; a past that has
been changed gives another name.
"""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.config.schema import FeaturesConfig, ImpactConfig
from nba_rank.core.content_hash import content_key, frame_hash
from nba_rank.core.files import write_atomically
from nba_rank.data.tables import Tables
from nba_rank.features.asof import days
from nba_rank.features.players.impact import PlayerBook, player_ratings, rated_dates
from nba_rank.features.players.state import read_state, write_state


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
    paths = {
        season: cache
        / f"players_{season}_{past.key(season, part['as_of_date'].max(), part)}.parquet"
        for season, part in parts.items()
    }
    missing = [season for season, path in paths.items() if not path.exists()]
    if missing:
        opening = _opening(tables, past, missing[-1], cache)
        state = None
        if len(missing) == 1 and opening is not None and opening.path.exists():
            state = read_state(opening.path)
        book = PlayerBook(tables, config.impact, state)
        for season in missing:
            if season == missing[-1] and opening is not None and state is None:
                book.add_before(opening.last_day + 1)
                write_state(book.state(opening.last_day), opening.path)
            ratings = book.ratings(parts[season], threads)
            write_atomically(paths[season], partial(ratings.to_parquet, index=False))
    return pd.concat([pd.read_parquet(path) for path in paths.values()], ignore_index=True)


class _Past:
    """What had happened by a day, as a hash."""

    def __init__(self, tables: Tables, config: ImpactConfig) -> None:
        self._made_by = content_key(__name__, [repr(config)])
        played = [(name, getattr(tables, name)) for name in ("games", "player_games")]
        self._played = [(name, days(t["game_date"]), _rows(t)) for name, t in played]
        rosters = tables.rosters
        self._rosters = days(rosters["date"]), rosters["season"], _rows(rosters)

    def key(self, season: str, date: pd.Timestamp, dates: pd.DataFrame | None = None) -> str:
        """Return a name for what was known of players on a morning of a season.

        The games before it, the roster files up to it, and those of earlier seasons, late or not.

        Args:
            season: Season.
            date: The morning of this date.
            dates: Dates that the name is to tell apart too.
        """
        day = int(days(pd.DatetimeIndex([date]))[0])
        known = [f"{name} {_digest(rows[on < day])}" for name, on, rows in self._played]
        listed, of_season, rows = self._rosters
        due = (listed <= day) | (of_season < season).to_numpy()
        asked = "" if dates is None else frame_hash(dates)
        return content_key(
            __name__, [self._made_by, *known, f"rosters {_digest(rows[due])}", asked]
        )


@dataclass(frozen=True)
class _Opening:
    """The file of the state before a season, and the last game day that it holds."""

    path: Path
    last_day: int


def _opening(tables: Tables, past: _Past, season: str, cache: Path) -> _Opening | None:
    """Return the opening of a season; None where players have no earlier games."""
    games = tables.player_games
    earlier = games.loc[(games["season"] < season).to_numpy(), "game_date"]
    if earlier.empty:
        return None
    last = earlier.max()
    name = past.key(season, last + pd.Timedelta(days=1))
    last_day = int(days(pd.DatetimeIndex([last]))[0])
    return _Opening(cache / f"player_state_{season}_{name}.npz", last_day)


def _rows(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """Return a hash of each row."""
    return np.asarray(pd.util.hash_pandas_object(frame, index=False))


def _digest(rows: npt.NDArray[np.uint64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
