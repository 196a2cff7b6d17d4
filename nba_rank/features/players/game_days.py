"""The player logs cut into game days, in order of time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import LINE_UP, SIDES, Tables
from nba_rank.features.asof import days, group_sums, start_years
from nba_rank.features.team_sums import possession_columns, possessions, side_values

COUNTS = (
    "points", "fgm", "fga", "fg3m", "fg3a", "ftm", "fta",
    "oreb", "dreb", "ast", "stl", "blk", "tov", "pf",
)  # fmt: skip
"""Box-score counts of the box vector."""

State = dict[str, np.ndarray]
"""What a pass over the game days has gathered, as arrays by name."""


class Part(Protocol):
    """A part of such a pass."""

    def state(self, known: IntArray) -> State:
        """Return all that was added; `known` holds all players seen."""

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state whose players are in the slots `known`."""


def state_of(parts: Mapping[str, Part], known: IntArray) -> State:
    """Return the states of all parts as one, each array under `part.name`."""
    return {
        f"{name}.{key}": value
        for name, part in parts.items()
        for key, value in part.state(known).items()
    }


def restore_parts(parts: Mapping[str, Part], state: State, known: IntArray) -> None:
    """Give each part its own of what `state_of` returned."""
    for name, part in parts.items():
        own = (key for key in state if key.startswith(f"{name}."))
        part.restore({key.removeprefix(f"{name}."): state[key] for key in own}, known)


@dataclass(frozen=True)
class Stints:
    """The S stints of a day, sorted by game; none of games that have none.

    Attributes:
        game: Game of the day, [S].
        number: Number in the game, from 0, [S].
        place: Places of the ten on the court among the players of the game, -1 where unknown, the
            home team's first, [S, 10].
        possessions: Of the home and the away team, [S, 2].
        points: Likewise, [S, 2].
    """

    game: IntArray
    number: IntArray
    place: IntArray
    possessions: FloatArray
    points: FloatArray

    @classmethod
    def none(cls) -> Self:
        """Return no stints."""
        nothing = np.zeros((0, 2))
        no_game = np.zeros(0, dtype=np.int64)
        return cls(no_game, no_game, np.zeros((0, 10), dtype=np.int64), nothing, nothing)

    @classmethod
    def of(cls, table: pd.DataFrame, games: pd.Series, game: IntArray, player: pd.Series) -> Self:
        """Find the players of the stints of some games.

        Args:
            table: The table `stints`.
            games: Their ids.
            game: Place of each player's game in `games`, ascending, [n].
            player: His id, ascending within a game, [n]. Others on the court are unknown.
        """
        number = pd.Index(games).get_indexer(pd.Index(table["game_id"]))
        table, number = table[number >= 0], number[number >= 0]
        order = np.lexsort((table["start"], table["period"], number))
        table, number = table.iloc[order], number[order]
        ids, slot = np.unique(player, return_inverse=True)
        on = table[[*LINE_UP]].to_numpy()
        on_slot = np.minimum(np.searchsorted(ids, on), len(ids) - 1)
        key, on_key = (
            of * len(ids) + who for of, who in ((game, slot), (number[:, None], on_slot))
        )
        row = np.minimum(np.searchsorted(key, on_key), len(key) - 1)
        known = (ids[on_slot] == on) & (key[row] == on_key)
        first = np.searchsorted(game, number)[:, None]
        opening = np.searchsorted(number, number)
        return cls(
            game=number,
            number=np.arange(len(number)) - opening,
            place=np.where(known, row - first, -1),
            possessions=table[[f"{side}_possessions" for side in SIDES]].to_numpy(np.float64),
            points=table[[f"{side}_points" for side in SIDES]].to_numpy(np.float64),
        )

    def between(self, start: int, end: int, first_game: int) -> Self:
        """Return some of them, with games counted from another one."""
        some = {field.name: getattr(self, field.name)[start:end] for field in fields(self)}
        return replace(self, **(some | {"game": some["game"] - first_game}))


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
        points: Final scores of the home and the away team, [G, 2].
        possessions: Of a side by the box scores, NaN where they lack a count, [G].
        stints: Who was on the court when, where it is known.
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
    points: FloatArray
    possessions: FloatArray
    stints: Stints


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
    def of(cls, tables: Tables, *, after: int | None = None, with_stints: bool = False) -> Self:
        """Cut the player logs into days, those up to the day `after` left out.

        Players of those days and of roster files have slots all the same. Without stints,
        possessions are not known either.
        """

        def later(table: pd.DataFrame) -> pd.DataFrame:
            return table if after is None else table[days(table["game_date"]) > after]

        player_ids = np.union1d(tables.player_games["player_id"], tables.rosters["player_id"])
        rows = later(tables.player_games).merge(
            tables.games[["game_id", "home_team_id", "home_points", "away_points", "neutral_site"]],
            on="game_id",
            validate="many_to_one",
        )
        rows = rows.sort_values(["game_date", "game_id", "player_id"], ignore_index=True)
        team_ids = np.unique(tables.teams["team_id"])
        day = days(rows["game_date"])
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
            "share": court_share(seconds, 2 * game + (side > 0)),
            "counts": rows[list(COUNTS)].to_numpy(dtype=np.float64),
            "margin": side * home_margin,
            "plus_minus": rows["plus_minus"].to_numpy(dtype=np.float64),
        }
        season = start_years(rows["season"])
        of_game = rows.iloc[opening]
        possessions = np.full(len(opening), np.nan)
        stints = Stints.none()
        if with_stints:
            possessions = _box_possessions(later(tables.team_games), of_game["game_id"])
            stints = Stints.of(later(tables.stints), of_game["game_id"], game, rows["player_id"])
        neutral = of_game["neutral_site"].to_numpy()
        points = of_game[["home_points", "away_points"]].to_numpy(dtype=np.float64)
        cuts = [*np.flatnonzero(np.diff(day, prepend=-1)).tolist(), len(day)]
        game_cuts = np.searchsorted(opening, cuts).tolist()
        stint_cuts = np.searchsorted(stints.game, game_cuts).tolist()
        parts = []
        for number, (start, end) in enumerate(pairwise(cuts)):
            first, last = game_cuts[number : number + 2]
            part = {name: values[start:end] for name, values in columns.items()}
            part["game"] = part["game"] - first
            parts.append(
                GameDay(
                    day=int(day[start]),
                    season=int(season[start]),
                    home_margin=points[first:last, 0] - points[first:last, 1],
                    neutral=neutral[first:last],
                    points=points[first:last],
                    possessions=possessions[first:last],
                    stints=stints.between(stint_cuts[number], stint_cuts[number + 1], first),
                    **part,
                )
            )
        return cls(player_ids, team_ids, parts)

    def __iter__(self) -> Iterator[GameDay]:
        """Yield the game days in order of time."""
        return iter(self._days)


def court_share(seconds: FloatArray, team_game: IntArray) -> FloatArray:
    """Return five times each player's share of his team's time, so that a team's shares sum to 5.

    Args:
        seconds: Played, [n].
        team_game: Number of the game of a team, [n].
    """
    return 5 * seconds / np.maximum(group_sums(seconds, team_game), 1.0)


def _box_possessions(rows: pd.DataFrame, games: pd.Series) -> FloatArray:
    """Return the possessions of a side in some games, by the rows of `team_games`."""
    names = possession_columns()
    sides = dict(zip(names, side_values(rows, names), strict=True))
    by_game = pd.Series(possessions(sides), index=rows["game_id"])
    by_game = by_game[~by_game.index.duplicated()]
    return np.asarray(by_game.reindex(games), dtype=np.float64)
