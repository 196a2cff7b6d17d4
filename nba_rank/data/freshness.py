"""What a forecast rests on: how old games, rosters, injury reports and schedule are."""

from dataclasses import dataclass
from typing import Self

import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.data import league
from nba_rank.data.tables import Tables


@dataclass(frozen=True)
class Basis:
    """What is known of a season on the morning of a date.

    Attributes:
        season: Season.
        as_of_date: The date.
        last_game: Day of the last game before the date; None on opening night.
        missed: Days after it, or after the opening, on which games were due before the date and
            none is known; 0 where later games are known.
        roster: Date of the last roster file; None: players belong to their last team.
        injuries: Date of the last injury report; None where there is none.
        fixtures: Fixtures that are known of the date and later.
        regular_over: Whether all games of the regular season are played.
        over: Whether the season has ended before the date.
    """

    season: str
    as_of_date: pd.Timestamp
    last_game: pd.Timestamp | None
    missed: int
    roster: pd.Timestamp | None
    injuries: pd.Timestamp | None
    fixtures: int
    regular_over: bool
    over: bool

    @classmethod
    def of(
        cls, tables: Tables, season: str, as_of_date: pd.Timestamp, opening: pd.Timestamp
    ) -> Self:
        """Look up what the tables know; `opening` is the season's first day.

        Where the schedule reaches beyond the date, games were due on its days; otherwise on every
        day. After the last game of a season nothing is due.
        """
        games = tables.games[tables.games["season"] == season]
        played, regular = games["game_date"], games["kind"] == "regular"
        before = played[played < as_of_date]
        n_regular = int(regular[before.index].sum())
        schedule = tables.schedule[tables.schedule["season"] == season]
        fixtures = schedule.loc[schedule["known_from"] <= as_of_date, "game_date"]
        row = tables.seasons[tables.seasons["season"] == season]
        missed = 0
        if len(before) == len(played) and not row["complete"].any():
            first = opening if before.empty else before.max() + pd.Timedelta(days=1)
            due = pd.date_range(first, as_of_date, inclusive="left")
            if fixtures.max() >= as_of_date:
                due = due[due.isin(fixtures)]
            missed = len(due)
        return cls(
            season,
            as_of_date,
            None if before.empty else before.max(),
            missed,
            _last(tables.rosters, season, as_of_date),
            _last(tables.injury_report_dates, season, as_of_date),
            int((fixtures >= as_of_date).sum()),
            n_regular == league.expected_regular_games(season) or n_regular < len(before),
            bool(row["complete"].any()) and len(before) == len(played),
        )

    @property
    def line(self) -> str:
        """The same in one line of words."""
        if self.over and self.last_game is not None:
            return f"{self.season} is over: its last game was on {self._day(self.last_game)}"
        games = "no game yet"
        if self.last_game is not None:
            games = f"games up to {self._day(self.last_game)}"
        rosters = "rosters by each player's last game"
        if self.roster is not None:
            rosters = f"rosters of {self._day(self.roster)} and later games"
        injuries = "no injury reports"
        if self.injuries is not None:
            injuries = f"injuries of {self._day(self.injuries)}"
        fixtures = self.coming or "no schedule"
        return f"{self.season} rests on {games}, {rosters}, {injuries}, {fixtures}"

    @property
    def coming(self) -> str:
        """What is known of the regular-season games to come, in words; empty if nothing."""
        if self.regular_over:
            return "no regular-season games left"
        return f"{self.fixtures} fixtures to come" if self.fixtures else ""

    def _day(self, day: pd.Timestamp) -> str:
        age = (self.as_of_date - day).days
        ago = {0: "this morning", 1: "yesterday"}.get(age, f"{age} days ago")
        return f"{day:%Y-%m-%d} ({ago})"

    def check(self, most: int, option: str) -> None:
        """Refuse a forecast that misses more than so many days of games.

        Raises:
            UserError: It does; the message says what to fetch and names the option.
        """
        if self.missed <= most:
            return
        since = f"{self.season} opened without a game in the tables"
        if self.last_game is not None:
            since = f"the last game known of {self.season} is of {self.last_game:%Y-%m-%d}"
        raise UserError(
            f"{since}: {self.missed} days of games are missing before "
            f"{self.as_of_date:%Y-%m-%d}, and {option}={most} are allowed. Fetch the season's game "
            f"logs up to {self.as_of_date - pd.Timedelta(days=1):%Y-%m-%d} and ingest them, or "
            f"raise {option} to rank by what is known"
        )


def _last(dated: pd.DataFrame, season: str, as_of_date: pd.Timestamp) -> pd.Timestamp | None:
    own = dated.loc[(dated["season"] == season) & (dated["date"] <= as_of_date), "date"]
    return None if own.empty else own.max()
