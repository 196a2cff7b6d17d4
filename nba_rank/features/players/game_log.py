"""Every game of every player as columns, and the place of a date among them.

Letters: n player games, C columns, G games, M places of a set.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import DAY_SPAN, days, ratio, start_years
from nba_rank.features.players.game_days import COUNTS, court_share

LEAGUE_DAYS = 365
"""Days up to a game whose league rates are taken off the player's."""

GAME_COLUMNS = (
    *[f"{count}_per_36" for count in COUNTS],
    "plus_minus_per_36", "team_margin", "home", "minutes", "plus_minus_unknown",
)  # fmt: skip
"""Columns of a player game; see `GameLog.x`."""

_SECONDS_MIN = 60
"""Seconds that a game counts for at least, so that rates of a few seconds stay small."""


@dataclass(frozen=True)
class GameLog:
    """Games of players, sorted by player and day, and the games they were played in.

    Attributes:
        player: Player id, [n].
        day: Days since 1970-01-01, [n].
        season: Start year, [n].
        minutes: At least 1, float32 [n].
        x: `GAME_COLUMNS`, float32 [C, n]: each count per 36 minutes as deviation from the league's
            rate of the last `LEAGUE_DAYS` days, 0 where not recorded; plus-minus beyond his share
            of the team's margin, per 36 minutes, 0 where not recorded and then flagged; the team's
            margin in points; 1 at home; minutes over 36; and that flag.
        game: Number of the game, [n].
        share: Five times his share of the team's minutes, negative for the away team, float32 [n].
        margin: Margin of the home team in points, float32 [G].
        neutral: Whether nobody was at home, bool [G].
        seasons: Season of each game, such as `2023-24`, [G].
    """

    player: IntArray
    day: IntArray
    season: IntArray
    minutes: npt.NDArray[np.float32]
    x: npt.NDArray[np.float32]
    game: IntArray
    share: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float32]
    neutral: npt.NDArray[np.bool_]
    seasons: npt.NDArray[np.object_]

    @classmethod
    def of(cls, tables: Tables) -> Self:
        """Read the player logs; the order of their rows does not matter."""
        games, rows = tables.games, tables.player_games
        game = pd.Index(games["game_id"]).get_indexer(rows["game_id"])
        day = days(rows["game_date"])
        order = np.lexsort((game, day, rows["player_id"].to_numpy()))
        rows, game, day = rows.iloc[order], game[order], day[order]
        seconds = rows["seconds"].to_numpy(dtype=np.float64)
        at_home = rows["team_id"].to_numpy() == games["home_team_id"].to_numpy()[game]
        side = np.where(at_home, 1.0, -1.0)
        home_margin = (games["home_points"] - games["away_points"]).to_numpy(dtype=np.float64)
        neutral = games["neutral_site"].to_numpy(dtype=np.bool_)
        margin = side * home_margin[game]
        share = court_share(seconds, 2 * game + at_home)
        played = np.maximum(seconds, _SECONDS_MIN)
        beyond = rows["plus_minus"].to_numpy(dtype=np.float64) - margin * share
        counts = rows[list(COUNTS)].to_numpy(dtype=np.float64).T
        x = np.stack(
            [
                *(2160 * (counts - _league_rates(counts, seconds, day) * seconds) / played),
                2160 * beyond / played,
                margin,
                np.where(neutral[game], 0.5, at_home),
                seconds / 2160,
                np.isnan(beyond),
            ]
        )
        return cls(
            player=rows["player_id"].to_numpy(),
            day=day,
            season=start_years(rows["season"]),
            minutes=(played / 60).astype(np.float32),
            x=np.nan_to_num(x).astype(np.float32),
            game=game,
            share=(side * share).astype(np.float32),
            margin=home_margin.astype(np.float32),
            neutral=neutral,
            seasons=games["season"].to_numpy(dtype=object),
        )

    def take(self, rows: BoolArray) -> Self:
        """Return the log with some of the player games."""
        own = ("player", "day", "season", "minutes", "game", "share")
        kept = {name: getattr(self, name)[rows] for name in own}
        return replace(self, x=self.x[:, rows], **kept)

    def newest_before(self, player: IntArray, day: IntArray) -> IntArray:
        """Return the row of each player's newest game before a day, -1 if he has none, [M]."""
        row = np.searchsorted(self._key, player * DAY_SPAN + day) - 1
        known = (row >= 0) & (self.player[np.maximum(row, 0)] == player)
        return np.where(known, row, -1)

    def first_of(self, row: IntArray) -> IntArray:
        """Return the row of the first game of the player of each row, [M]."""
        return np.searchsorted(self.player, self.player[row])

    @property
    def _key(self) -> IntArray:
        return self.player * DAY_SPAN + self.day


def _league_rates(counts: FloatArray, seconds: FloatArray, day: IntArray) -> FloatArray:
    """Return the league's counts per second of the days up to each game, [counts, n].

    Sums of whole numbers: they are exact, whatever came before them and in whatever order.
    """
    dates, slot = np.unique(day, return_inverse=True)
    since = np.searchsorted(dates, dates - LEAGUE_DAYS)

    def recent(values: FloatArray) -> FloatArray:
        total = np.bincount(slot, values, len(dates)).cumsum()
        return total - np.append(0.0, total)[since]

    rates = [
        ratio(recent(np.nan_to_num(own)), recent(np.where(np.isnan(own), 0.0, seconds)))
        for own in counts
    ]
    return np.nan_to_num(np.stack(rates))[:, slot]
