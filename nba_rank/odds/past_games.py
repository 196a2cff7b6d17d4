"""Games after the dates on which their teams were rated: what strength models learn from."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.data.venues import neutral_courts
from nba_rank.features.asof import days, start_years
from nba_rank.odds.home_edge import HomeEdge


@dataclass(frozen=True)
class Meetings:
    """N games between rated teams, by what is known before them.

    Attributes:
        home: Row of the home team in the frame of ratings, [N].
        away: Row of the visiting team, [N].
        edge: Home edge as known on the as-of date, points; 0 on a neutral court, [N].
        at_home: 1 where the home team is at home, 0 on a neutral court, [N].
        rest: 1 where the visitors alone play on the day before, -1 where the home team alone does,
            else 0, [N].
    """

    home: IntArray
    away: IntArray
    edge: FloatArray
    at_home: FloatArray
    rest: FloatArray


@dataclass(frozen=True)
class RatedGames(Meetings):
    """Pairs of an as-of date and a game on it or after it, N of them.

    Attributes:
        game: Row of `tables.games`, [N].
        season: Start year of the season, [N].
        margin: Final margin of the home team, points, [N].
        weight: One over the number of as-of dates of the season that the game follows: a game
            counts as one, however many dates see it, [N].
    """

    game: IntArray
    season: IntArray
    margin: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, tables: Tables, frame: pd.DataFrame, kind: str, *, next_only: bool = False) -> Self:
        """Pair the as-of dates of a season with its games of a kind from then on.

        `frame` holds `season`, `as_of_date` and `team_id` of every team of the season on each date.
        With `next_only`, each game is paired with the newest as-of date alone.
        """
        dates = frame[["season", "as_of_date"]].drop_duplicates().sort_values("as_of_date")
        date, date_season = days(dates["as_of_date"]), start_years(dates["season"])
        games = tables.games
        counted = (games["kind"] == kind) & games["season"].isin(dates["season"])
        kept = np.flatnonzero(counted)
        day, season = days(games["game_date"])[kept], start_years(games["season"].iloc[kept])

        none = np.zeros(0, dtype=np.int64)
        slots, places = [none], [none]
        for year in np.unique(season):
            of_date, of_game = np.flatnonzero(date_season == year), np.flatnonzero(season == year)
            follows = date[of_date][:, None] <= day[of_game]
            if next_only:
                follows[:-1] &= ~follows[1:]
            slot, place = np.nonzero(follows)
            slots.append(of_date[slot])
            places.append(of_game[place])
        slot, place = np.concatenate(slots), np.concatenate(places)

        game = kept[place]
        sides = games[["home_team_id", "away_team_id"]].to_numpy()[game]
        margin = (games["home_points"] - games["away_points"]).to_numpy(dtype=np.float64)
        court = np.where(neutral_courts(games), 0.0, 1.0)[game]
        return cls(
            home=_positions(frame, date[slot], sides[:, 0]),
            away=_positions(frame, date[slot], sides[:, 1]),
            game=game,
            season=season[place],
            margin=margin[game],
            edge=HomeEdge.of(tables).at(season[place], date[slot]) * court,
            at_home=court,
            rest=tables.once("rest", lambda: _rest(games))[game],
            weight=1.0 / np.bincount(game)[game],
        )

    def take(self, chosen: npt.NDArray) -> Self:
        """Return the pairs at an index or under a mask."""
        return type(self)(**{name: values[chosen] for name, values in vars(self).items()})


def _positions(frame: pd.DataFrame, day: IntArray, team: IntArray) -> IntArray:
    """Return the row of each as-of day and team."""
    key = _team_day(frame["team_id"].to_numpy(), days(frame["as_of_date"]))
    order = np.argsort(key)
    return order[np.searchsorted(key[order], _team_day(team, day))]


def _rest(games: pd.DataFrame) -> FloatArray:
    """Return `RatedGames.rest` of every game."""
    day = days(games["game_date"])
    sides = games[["home_team_id", "away_team_id"]].to_numpy()
    played = np.unique(np.concatenate([_team_day(sides[:, side], day) for side in (0, 1)]))
    tired = [np.isin(_team_day(sides[:, side], day - 1), played) for side in (0, 1)]
    return tired[1].astype(np.float64) - tired[0]


def _team_day(team: IntArray, day: IntArray) -> IntArray:
    return day * 1_000 + team % 1_000
