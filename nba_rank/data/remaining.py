"""What is left of a regular season on a morning, and what has been played of it.

Letters: T teams of the season in ascending order of id, G games.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.data import league
from nba_rank.data.assumed_fixtures import Fixtures, assume
from nba_rank.data.race import games_left
from nba_rank.data.standings import Records, records_of, team_codes
from nba_rank.data.tables import Tables

_EPOCH = pd.Timestamp("1970-01-01")
_USUAL_OPENING = (10, 22)
"""Month and day on which a season is taken to open of which no date is known."""

_READ = [
    "season", "kind", "game_date", "team_id", "opponent_team_id", "is_home", "won", "points",
    "opponent_points",
]  # fmt: skip
_FIXTURE = ["game_date", "home_team_id", "away_team_id", "neutral_site", "known_from"]


@dataclass(frozen=True)
class Remaining:
    """The games left of a regular season, in order of day and then home team.

    Attributes:
        home: Position of the home team, int64 [G].
        away: Position of the visiting team, int64 [G].
        day: Days since 1970-01-01, int64 [G].
        neutral: Whether nobody is at home, bool [G].
        back_to_back: Whether the home and the visiting team play on the day before as well,
            bool [G, 2].
        assumed: Whether the game was made up because the schedule is not known, bool [G].
        unpaired: Games of single teams that could not be made up for lack of an opponent.
    """

    home: np.ndarray
    away: np.ndarray
    day: np.ndarray
    neutral: np.ndarray
    back_to_back: np.ndarray
    assumed: np.ndarray
    unpaired: int = 0

    @property
    def assumption(self) -> str:
        """What was assumed, and for how many games, in one sentence; empty if nothing was."""
        made_up, games = int(self.assumed.sum()), len(self.assumed)
        parts = []
        if made_up:
            parts.append(
                f"no schedule is known for {made_up} of the {games} games left: made up by the "
                "league's formula of who meets whom, on evenly spread days"
            )
        if self.unpaired:
            parts.append(f"{self.unpaired} games of single teams found no opponent")
        text = "; ".join(parts)
        return f"{text[0].upper()}{text[1:]}." if text else ""


def played_record(tables: Tables, season: str, as_of_date: pd.Timestamp) -> Records:
    """Return who beat whom in the regular-season games before a date.

    Args:
        tables: The canonical tables.
        season: A season of the tables, or the one after the last of them.
        as_of_date: The morning of this date.

    Raises:
        ValueError: The season is neither.
    """
    members, rows, _ = _so_far(tables, season, pd.Timestamp(as_of_date))
    return records_of(members, rows)


def played_and_remaining(
    tables: Tables, season: str, as_of_date: pd.Timestamp
) -> tuple[Records, Remaining]:
    """Return what `played_record` and `remaining_fixtures` do, in less time."""
    as_of = pd.Timestamp(as_of_date)
    members, rows, over = _so_far(tables, season, as_of)
    records = records_of(members, rows)
    return records, _remaining(tables, season, as_of, records, rows, over)


def remaining_fixtures(tables: Tables, season: str, as_of_date: pd.Timestamp) -> Remaining:
    """Return the regular-season games left on the morning of a date.

    Known are the fixtures of the schedule that are public by then. Every team has as many games
    left as `race` says; those that the known fixtures lack are made up, as
    `assumed_fixtures.assume` does. Neither the order of rows nor a result of the date or later
    plays a part.

    Args:
        tables: The canonical tables.
        season: A season of the tables, or the one after the last of them.
        as_of_date: The morning of this date.

    Raises:
        ValueError: The season is neither.
    """
    return played_and_remaining(tables, season, as_of_date)[1]


def _remaining(
    tables: Tables,
    season: str,
    as_of: pd.Timestamp,
    records: Records,
    rows: pd.DataFrame,
    over: bool,
) -> Remaining:
    """Return what `remaining_fixtures` does, from what `_so_far` returns."""
    today = (as_of - _EPOCH).days
    ids = records.team_id
    played = _fixtures(rows[rows["is_home"]], "team_id", "opponent_team_id", ids)
    schedule = _of_season(tables.schedule, season, _FIXTURE)
    public = schedule["known_from"] <= as_of
    to_come = schedule[public & (schedule["game_date"] >= as_of)]
    known = _fixtures(to_come, "home_team_id", "away_team_id", ids)

    left = games_left(rows, season, ids, as_of)
    missing = np.maximum(left - known.per_team(len(ids)), 0)
    # All may be played although a game is missing that was called off for good, as in 2012-13.
    if over or (to_come.empty and len(played.day) >= league.expected_regular_games(season)):
        missing[:] = 0
    made_up, unpaired = Fixtures.none(), 0
    if missing.any():
        dated = np.concatenate([played.day, _days(schedule["game_date"][public])])
        usual = (pd.Timestamp(league.season_start_year(season), *_USUAL_OPENING) - _EPOCH).days
        opening = int(dated.min()) if len(dated) else usual
        made_up, unpaired = assume(
            missing,
            records=records,
            scheduled=league.scheduled_games(season),
            played=played,
            known=known,
            opening=opening,
            today=today,
        )

    games = known.and_(made_up)
    order = np.lexsort((games.home, games.day))
    home, away, day = (values[order] for values in (games.home, games.away, games.day))
    assumed = np.repeat([False, True], [len(known.day), len(made_up.day)])
    neutral = np.zeros(len(day), dtype=bool)
    neutral[: len(to_come)] = to_come["neutral_site"]
    playing = played.and_(games).on_days(today - 1, int(day.max(initial=today)), len(ids))
    return Remaining(
        home=home,
        away=away,
        day=day,
        neutral=neutral[order],
        back_to_back=np.stack([playing[side, day - today] for side in (home, away)], axis=1),
        assumed=assumed[order],
        unpaired=unpaired,
    )


def _so_far(
    tables: Tables, season: str, as_of: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    """Return a season as of a date.

    Returns:
        Its teams, sorted by id, its regular-season rows before the date, and whether games of
        another kind were played by then, which come after the last regular one.
    """
    members = tables.teams[tables.teams["season"] == season]
    if members.empty:
        last = tables.seasons["season"].max()
        if season != league.season_label(league.season_start_year(last) + 1):
            raise ValueError(
                f"season {season!r} is neither in the tables nor the one after their last, {last}"
            )
        members = league.league_teams(season).assign(season=season)
    rows = _of_season(tables.team_games, season, _READ, as_of)
    regular = (rows["kind"] == "regular").to_numpy()
    over = not regular.all()
    members = members.sort_values("team_id", ignore_index=True)
    return members, rows[regular] if over else rows, over


def _of_season(
    frame: pd.DataFrame, season: str, columns: list[str], before: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Return the rows of a season; by date first, since text is slow to compare."""
    year = league.season_start_year(season)
    days = frame["game_date"].to_numpy()
    near = (days >= np.datetime64(f"{year}-07-01")) & (days < np.datetime64(f"{year + 2}-01-01"))
    if before is not None:
        near &= days < before.to_datetime64()
    at = np.flatnonzero(near)
    at = at[np.asarray(frame["season"].array.take(at) == season)]
    return pd.DataFrame({column: frame[column].array.take(at) for column in columns})


def _fixtures(frame: pd.DataFrame, home: str, away: str, ids: np.ndarray) -> Fixtures:
    return Fixtures(
        team_codes(frame[home], ids), team_codes(frame[away], ids), _days(frame["game_date"])
    )


def _days(dates: pd.Series) -> np.ndarray:
    """Return dates as days since 1970-01-01, int64."""
    return dates.to_numpy().astype("datetime64[D]").astype("int64")
