"""The player logs cut into game days, in order of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import days, start_years

COUNTS = (
    "points", "fgm", "fga", "fg3m", "fg3a", "ftm", "fta",
    "oreb", "dreb", "ast", "stl", "blk", "tov", "pf",
)  # fmt: skip
"""Box-score counts of the box vector."""

State = dict[str, np.ndarray]
"""What a pass over the game days has gathered, as arrays by name."""


@dataclass(frozen=True)
class GameDay:
    """The G games of a day with n rows of players, sorted by game.

    Attributes:
        day: Days since 1970-01-01.
        season: Start year.
        player: Player slot, [n].
        team: Team slot, [n].
        game: Game of the day, 0 to G - 1, [n].
        place: Place among the players of the game, from 0, [n].
        side: 1 for the home team's players, -1 for the away team's, [n].
        minutes: [n].
        share: Five times the share of the team's minutes, so that a team's shares sum to 5, [n].
        counts: `COUNTS`, NaN where not recorded, [n, 14].
        margin: Final margin of the player's team in points, [n].
        plus_minus: On-court margin in points, NaN where not recorded, [n].
        home_margin: Final margin of the home team in points, [G].
        neutral: Whether nobody was at home, [G].
    """

    day: int
    season: int
    player: IntArray
    team: IntArray
    game: IntArray
    place: IntArray
    side: FloatArray
    minutes: FloatArray
    share: FloatArray
    counts: FloatArray
    margin: FloatArray
    plus_minus: FloatArray
    home_margin: FloatArray
    neutral: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PlayerGames:
    """All player games; iterating gives the game days in order.

    Attributes:
        player_ids: Player id of each slot, sorted, [P].
        team_ids: Team id of each slot, sorted, [T].
    """

    player_ids: IntArray
    team_ids: IntArray
    _days: list[GameDay]

    @classmethod
    def of(cls, tables: Tables, *, after: int | None = None) -> Self:
        """Cut the player logs into days, those up to the day `after` left out.

        Players of those days and of roster files have slots all the same.
        """
        rows = tables.player_games
        player_ids = np.union1d(rows["player_id"], tables.rosters["player_id"])
        if after is not None:
            rows = rows[days(rows["game_date"]) > after]
        rows = rows.merge(
            tables.games[["game_id", "home_team_id", "home_points", "away_points", "neutral_site"]],
            on="game_id",
            validate="many_to_one",
        )
        rows = rows.sort_values(["game_date", "game_id", "player_id"], ignore_index=True)
        team_ids = np.unique(tables.teams["team_id"])
        day = days(rows["game_date"])
        team_game = rows.groupby(["game_id", "team_id"], sort=False)["seconds"]
        seconds = rows["seconds"].to_numpy(dtype=np.float64)
        side = np.where(rows["team_id"] == rows["home_team_id"], 1.0, -1.0)
        home_margin = (rows["home_points"] - rows["away_points"]).to_numpy(dtype=np.float64)
        game = pd.factorize(rows["game_id"])[0]
        opening = np.flatnonzero(np.diff(game, prepend=-1))
        columns = {
            "player": np.searchsorted(player_ids, rows["player_id"]),
            "team": np.searchsorted(team_ids, rows["team_id"]),
            "game": game,
            "place": np.arange(len(game)) - opening[game],
            "side": side,
            "minutes": seconds / 60,
            "share": 5 * seconds / np.maximum(team_game.transform("sum").to_numpy(), 1.0),
            "counts": rows[list(COUNTS)].to_numpy(dtype=np.float64),
            "margin": side * home_margin,
            "plus_minus": rows["plus_minus"].to_numpy(dtype=np.float64),
        }
        season = start_years(rows["season"])
        neutral = rows["neutral_site"].to_numpy()
        cuts = [*np.flatnonzero(np.diff(day, prepend=-1)).tolist(), len(day)]
        parts = []
        for start, end in pairwise(cuts):
            part = {name: values[start:end] for name, values in columns.items()}
            part["game"] = part["game"] - part["game"][0]
            first = part["place"] == 0
            parts.append(
                GameDay(
                    day=int(day[start]),
                    season=int(season[start]),
                    home_margin=home_margin[start:end][first],
                    neutral=neutral[start:end][first],
                    **part,
                )
            )
        return cls(player_ids, team_ids, parts)

    def __iter__(self) -> Iterator[GameDay]:
        """Yield the game days in order of time."""
        return iter(self._days)
