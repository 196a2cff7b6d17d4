"""The games left of a regular season on a morning, and the record so far.

Letters: T teams of the season in ascending order of id, G games.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data import league
from nba_rank.data.assumed_fixtures import Fixtures, assume, fair_meetings
from nba_rank.data.race import games_left
from nba_rank.data.standings import Records, alignment, count_records, team_codes
from nba_rank.data.tables import Tables

_EPOCH = pd.Timestamp("1970-01-01")
_READ = [
    "kind", "game_date", "team_id", "opponent_team_id", "is_home", "won", "points",
    "opponent_points",
]  # fmt: skip
_FIXTURE = ["game_date", "home_team_id", "away_team_id", "neutral_site", "known_from"]


@dataclass(frozen=True)
class Remaining:
    """The games left of a regular season, in order of day and then home team.

    Attributes:
        home: Position of the home team, int64 [G].
        away: Position of the visiting team, int64 [G].
        day: Days since 1970-01-01, int64 [G]. Fixtures before the morning whose results are not
            known have their own days and come first.
        neutral: Whether the court is neutral, bool [G].
        back_to_back: Whether home and visiting team also play the day before, bool [G, 2].
        assumed: Whether the game is made up for lack of a schedule, bool [G].
        unpaired: Games of single teams for which there was no opponent.
        surplus: Games of single teams in the schedule beyond those of their season.
        overdue: Fixtures before the morning whose results are not known.
    """

    home: np.ndarray
    away: np.ndarray
    day: np.ndarray
    neutral: np.ndarray
    back_to_back: np.ndarray
    assumed: np.ndarray
    unpaired: int = 0
    surplus: int = 0
    overdue: int = 0

    def take(self, chosen: np.ndarray) -> Self:
        """Return some of the games, a mask [G] or positions."""
        of_games = {
            name: values[chosen]
            for name, values in vars(self).items()
            if isinstance(values, np.ndarray)
        }
        return replace(self, **of_games)

    @property
    def assumption(self) -> str:
        """What was assumed for how many games, in one sentence; empty if nothing."""
        made_up, games = int(self.assumed.sum()), len(self.assumed)
        parts = []
        if self.overdue:
            parts.append(
                f"{self.overdue} fixtures before the date have no result in the tables: they count "
                "as games left"
            )
        if made_up:
            sides = np.concatenate([self.home[self.assumed], self.away[self.assumed]])
            parts.append(
                f"No schedule is known for {made_up} of the {games} games left, up to "
                f"{np.bincount(sides).max()} a team: made up by the league's formula of who meets "
                "whom, on evenly spread days"
            )
        if self.surplus:
            parts.append(
                f"{self.surplus} fixtures of single teams go beyond their season, but are played"
            )
        if self.unpaired:
            parts.append(f"{self.unpaired} games of single teams found no opponent")
        return "; ".join(parts) + "." * bool(parts)


_Columns = dict[str, np.ndarray]  # by name


@dataclass(frozen=True)
class SeasonGames:
    """The games and the schedule of one season, read once for many mornings.

    Attributes:
        season: Season.
        team_id: Ids of its teams, ascending [T].
        conference: Conference codes [T].
        division: Division codes [T].
    """

    season: str
    team_id: np.ndarray
    conference: np.ndarray
    division: np.ndarray
    _regular: _Columns
    _postseason: _Columns
    _schedule: _Columns

    @classmethod
    def of(cls, tables: Tables, season: str) -> Self:
        """Read a season of the tables, or the one after the last of them.

        Raises:
            ValueError: The season is neither, or its schedule names another team. A game that names
                one raises in the methods.
        """
        members = _members(tables, season)
        ids = members["team_id"].to_numpy()
        rows = _of_season(tables.team_games, season, _READ)
        played = {
            **{name: rows[name].to_numpy() for name in ("game_date", "team_id", "is_home", "won")},
            "day": _days(rows["game_date"]),
            "opponent_id": rows["opponent_team_id"].to_numpy(),
            "margin": (rows["points"] - rows["opponent_points"]).to_numpy(),
        }
        regular = (rows["kind"] == "regular").to_numpy()
        postseason = _take({**played, "kind": rows["kind"].to_numpy(dtype=object)}, ~regular)
        fixtures = _of_season(tables.schedule, season, _FIXTURE)
        schedule = {
            "day": _days(fixtures["game_date"]),
            "known_from": _days(fixtures["known_from"]),
            "neutral": fixtures["neutral_site"].to_numpy(),
            **{side: team_codes(fixtures[f"{side}_team_id"], ids) for side in ("home", "away")},
        }
        return cls(season, ids, *alignment(members), _take(played, regular), postseason, schedule)

    def record(self, as_of_date: pd.Timestamp) -> Records:
        """Return who beat whom in the regular-season games before a date."""
        rows = self._before(self._regular, _day(as_of_date))
        columns = (rows[name] for name in ("team", "opponent", "won", "margin"))
        return count_records(self.team_id, self.conference, self.division, *columns)

    def winners(self, kind: str, as_of_date: pd.Timestamp) -> np.ndarray:
        """Return winners and losers of the games of a kind before a date, positions [N, 2]."""
        rows = self._before(self._postseason, _day(as_of_date))
        counted = (rows["kind"] == kind) & rows["won"]
        return np.stack([rows["team"], rows["opponent"]], axis=1)[counted]

    def remaining(self, as_of_date: pd.Timestamp) -> Remaining:
        """Return the regular-season games left on the morning of a date.

        Every team has as many games left as in `race`: the fixtures that are public by then and
        have no result, and games made up by `assumed_fixtures.assume` for those that are missing.
        """
        today, ids = _day(as_of_date), self.team_id
        rows = self._before(self._regular, today)
        at_home = _take(rows, rows["is_home"])
        played = Fixtures(at_home["team"], at_home["opponent"], at_home["day"])
        public = _take(self._schedule, self._schedule["known_from"] <= today)
        to_come = _take(public, (public["day"] >= today) | self._overdue(public, played, today))
        known = Fixtures(to_come["home"], to_come["away"], to_come["day"])

        left = games_left(rows, self.season, ids, pd.Timestamp(as_of_date))
        lacking = left - np.bincount(known.sides.ravel(), minlength=len(ids))
        missing = np.maximum(lacking, 0)
        # A game may have been cancelled, as in 2012-13: the season is over once all others, or
        # games of another kind, are played.
        if missing.any() and (
            (self._postseason["day"] < today).any()
            or (
                not len(known.day) and len(played.day) >= league.expected_regular_games(self.season)
            )
        ):
            missing[:] = 0
        made_up, unpaired = Fixtures.none(), 0
        if missing.any():
            dated = np.concatenate([played.day, public["day"]])
            made_up, unpaired = assume(
                missing,
                meetings=fair_meetings(
                    self.conference, self.division, league.scheduled_games(self.season)
                ),
                played=played,
                known=known,
                opening=int(dated.min()) if len(dated) else _day(league.usual_opening(self.season)),
                today=today,
            )

        games = known.and_(made_up)
        order = np.lexsort((games.home, games.day))
        assumed = np.repeat([False, True], [len(known.day), len(made_up.day)])
        neutral = np.concatenate([to_come["neutral"], np.zeros(len(made_up.day), dtype=bool)])
        first, last = int(games.day.min(initial=today)), int(games.day.max(initial=today))
        playing = played.and_(games).on_days(first - 1, last, len(ids))
        games = games.take(order)
        return Remaining(
            **vars(games),
            neutral=neutral[order],
            back_to_back=playing[games.sides, games.day[:, None] - first],
            assumed=assumed[order],
            unpaired=unpaired,
            surplus=int(np.maximum(-lacking, 0).sum()),
            overdue=int((games.day < today).sum()),
        )

    def _overdue(self, public: _Columns, played: Fixtures, today: int) -> np.ndarray:
        """Mark the fixtures before a day that have no result, while there is no later kind of game.

        A neutral game may stand with the other host among those that are played.
        """
        if (self._postseason["day"] < today).any():
            return np.zeros(len(public["day"]), dtype=bool)
        T = len(self.team_id)

        def keys(home: np.ndarray, away: np.ndarray, day: np.ndarray) -> np.ndarray:
            return (day * T + np.minimum(home, away)) * T + np.maximum(home, away)

        listed = keys(public["home"], public["away"], public["day"])
        done = keys(played.home, played.away, played.day)
        return np.asarray((public["day"] < today) & ~np.isin(listed, done))

    def _before(self, columns: _Columns, day: int) -> _Columns:
        """Return the games before a day, with the positions of both teams.

        Looking teams up here keeps an unknown team in a later game from raising an error.
        """
        rows = _take(columns, columns["day"] < day)
        sides = {"team": "team_id", "opponent": "opponent_id"}
        codes = {side: team_codes(rows[name], self.team_id) for side, name in sides.items()}
        return {**rows, **codes}


def _take(columns: _Columns, chosen: np.ndarray) -> _Columns:
    return {name: values[chosen] for name, values in columns.items()}


def _members(tables: Tables, season: str) -> pd.DataFrame:
    """Return the teams of a season, sorted by id."""
    members = tables.teams[tables.teams["season"] == season]
    if members.empty:
        last = tables.seasons["season"].max()
        if season != season_label(season_start_year(last) + 1):
            raise ValueError(
                f"season {season!r} is neither in the tables nor the one after their last, {last}"
            )
        members = league.league_teams(season).assign(season=season)
    return members.sort_values("team_id", ignore_index=True)


def _of_season(frame: pd.DataFrame, season: str, columns: list[str]) -> pd.DataFrame:
    """Return the rows of a season; by date first, since text is slow to compare."""
    year = season_start_year(season)
    days = frame["game_date"].to_numpy()
    near = (days >= np.datetime64(f"{year}-07-01")) & (days < np.datetime64(f"{year + 2}-01-01"))
    at = np.flatnonzero(near)
    at = at[np.asarray(frame["season"].array.take(at) == season)]
    return pd.DataFrame({column: frame[column].array.take(at) for column in columns})


def _day(date: pd.Timestamp | str) -> int:
    return (pd.Timestamp(date) - _EPOCH).days


def _days(dates: pd.Series) -> np.ndarray:
    return dates.to_numpy().astype("datetime64[D]").astype("int64")
