"""A morning under assumptions: who plays, for whom, and how games to come end.

Players enter a forecast by their ratings of the morning. One who is out has none, so that his team
shares his minutes out; one who is traded has another team; one who is back has the minutes of his
last games. What a team's results tell is restated for the players who are there. An absence with a
last day counts in the games before it alone: the rest of the season and the playoffs are those of
the team with him. Results that are assumed count in the standings, of the morning and of every
simulated season, and are no evidence of strength.
"""

import math
import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import numpy as np
import pandas as pd

from nba_rank.config.schema import WhatIfConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.core.errors import UserError
from nba_rank.data.player_names import plain_name, without_suffix
from nba_rank.data.rosters import LIST_SIZE
from nba_rank.data.tables import Tables, conform
from nba_rank.experiments.morning import Morning, one_date
from nba_rank.features.asof import day_of
from nba_rank.features.players.availability import reported_availability
from nba_rank.features.players.names import known_names, player_names
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.season_sim import Situation

_DATE = r"(?P<date>\d\S*)"
_FORMS = {
    "out": (rf"(?P<player>.+?)(?: until {_DATE})?", "`NAME` or `NAME until DATE`"),
    "back": (rf"(?P<player>.+?)(?: from {_DATE})?", "`NAME` or `NAME from DATE`"),
    "trades": (r"(?P<player>.+?)(?: to | *> *)(?P<team>.+)", "`NAME to TEAM`"),
    "results": (
        r"(?P<winner>.+?) beats (?P<loser>.+?)(?: (?P<for>\d+)-(?P<against>\d+))?"
        r"(?:(?: on)? (?P<date>\d{4}-\S+))?",
        "`TEAM beats TEAM`, `TEAM beats TEAM 110-99` or either with `on DATE`",
    ),
}
"""How each list of `WhatIfConfig` is written."""

WIN_BY = 11
"""Points by which a game without a score is won, the mean of 2000-01 to 2009-10 (10.7). They matter
in the last tie-break alone."""

LAST_GAMES = 10
"""Games whose mean minutes a player has who is back, if those are more than at full strength."""


def assume(morning: Morning, config: WhatIfConfig) -> Morning:
    """Return a morning under assumptions.

    Raises:
        UserError: Names every assumption that cannot be read, is impossible or contradicts another.
    """
    assumptions, problems = _Assumptions.on(morning), []
    asked = {
        "out": config.out,
        "back": config.back,
        "trades": config.trades,
        "results": config.results,
    }
    for kind, texts in asked.items():
        for text in texts:
            try:
                assumptions.add(kind, text)
            except UserError as error:
                problems.append(f"what_if.{kind}: {text}: {error}")
    if problems:
        raise UserError("\n".join(problems))
    return assumptions.applied()


@dataclass
class _Assumptions:
    """Assumptions that were read.

    Attributes:
        morning: The morning that they are about.
        situation: What is known of the season then.
        roster: Its players: `player_id`, `team_id`, `name`.
        teams: Abbreviations of the season's teams by id.
        out: Days from which absent players are there again, infinite for the rest of the season.
        back: Players who are back, with their minutes a game.
        traded: New teams.
        results: Margins of home teams in the games left, NaN where nothing is assumed.
        told: All of them, in words.
    """

    morning: Morning
    situation: Situation
    roster: pd.DataFrame
    teams: "pd.Series[str]"
    results: FloatArray
    out: dict[int, float] = field(default_factory=dict)
    back: dict[int, float] = field(default_factory=dict)
    traded: dict[int, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @classmethod
    def on(cls, morning: Morning) -> "_Assumptions":
        """Return none, on a morning."""
        tables = morning.tables
        names = known_names(tables)
        roster = morning.ratings[["player_id", "team_id"]]
        situation = Situation.of(tables, morning.season, morning.as_of_date)
        return cls(
            morning,
            situation,
            roster.assign(name=roster["player_id"].map(names).fillna("")),
            morning.teams,
            np.full(len(situation.remaining.home), np.nan),
        )

    def add(self, kind: str, text: str) -> None:
        """Read an assumption of a kind.

        Raises:
            UserError: It cannot be read, is impossible or contradicts an earlier one.
        """
        pattern, form = _FORMS[kind]
        found = re.fullmatch(pattern, " ".join(text.split()), re.IGNORECASE)
        if found is None:
            raise UserError(f"write {form}, a date as 2024-01-15")
        parts = found.groupdict()
        if kind == "results":
            self._fix(parts)
            return
        player_id, team_id, name = self._player(parts["player"])
        who = f"{name} ({self.teams[team_id]})"
        if kind == "trades":
            to = self.morning.team(parts["team"])
            if player_id in self.traded or to == team_id:
                raise UserError(f"{who} is in {self.teams[self.traded.get(player_id, to)]} already")
            self.traded[player_id] = to
            self.told.append(f"{who} to {self.teams[to]}")
            return
        if player_id in self.out or player_id in self.back:
            raise UserError(
                f"{who} stands in what_if.out and what_if.back, or twice in one of them"
            )
        if kind == "back":
            self.back[player_id] = self._minutes_back(player_id, team_id, who)
        if kind == "out" or parts["date"]:
            self.out[player_id] = self._until(parts["date"]) if parts["date"] else math.inf
        word = {"out": " until ", "back": " from "}[kind]
        more = "" if kind == "back" else " for the rest of the season"
        self.told.append(f"{who} {kind}" + (word + parts["date"] if parts["date"] else more))

    def applied(self) -> Morning:
        """Return the morning under all of them."""
        morning, ratings = self.morning, self.morning.ratings
        player = ratings["player_id"]
        minutes = player.map(self.back)
        raised = {
            name: np.fmax(ratings[name], minutes)
            for name in ("expected_minutes", "full_strength_minutes")
        }
        team_id = player.map(self.traded).fillna(ratings["team_id"]).astype("int64")
        ratings = ratings.assign(team_id=team_id, **raised)
        morning = replace(
            morning,
            tables=self._reported(ratings),
            hypothesis=Hypothesis(self.results),
            hypothetical="; ".join(self.told),
            known_ratings=self.morning.ratings,
        )
        spells = tuple(
            (int(day), replace(morning, ratings=self._without(ratings, day)))
            for day in sorted({day for day in self.out.values() if day < math.inf})
        )
        return replace(
            morning,
            ratings=self._without(ratings, math.inf),
            hypothesis=Hypothesis(
                self.results, tuple((day, _rated(spell)) for day, spell in spells)
            ),
            spells=spells,
        )

    def _without(self, ratings: pd.DataFrame, day: float) -> pd.DataFrame:
        """Return the ratings of those who are there in the games right before a day."""
        absent = [player for player, until in self.out.items() if until >= day]
        ratings = ratings[~ratings["player_id"].isin(absent)].reset_index(drop=True)
        known, players = (
            of["team_id"].value_counts().reindex(self.teams.index, fill_value=0)
            for of in (self.roster, ratings)
        )
        for team, before, left in zip(self.teams, known, players, strict=True):
            if left < min(LIST_SIZE[0], before):
                raise UserError(f"{team} would have {left} players; it needs {LIST_SIZE[0]}")
        return ratings

    def _reported(self, ratings: pd.DataFrame) -> Tables:
        """Return the tables with the absences in the season's newest injury report, if any."""
        tables, date = self.morning.tables, self.morning.basis.injuries
        if date is None:
            return tables
        reports = tables.injury_reports
        named = reports["player_id"].isin([*self.out, *self.back])
        reports = reports[~(named & (reports["date"] == date))]
        absent = ratings.loc[ratings["player_id"].isin([*self.out]), ["player_id", "team_id"]]
        absent = absent.assign(
            date=date, season=self.morning.season, status="Out", reason="assumed"
        )
        reports = conform("injury_reports", pd.concat([reports, absent]))
        return replace(tables, injury_reports=reports)

    def _player(self, text: str) -> tuple[int, int, str]:
        """Return id, team and name of the player whom a text means, by name, surname or id."""
        roster = self.roster
        if text.isdigit():
            found = roster[roster["player_id"] == int(text)]
            if len(found) == 1:
                return next(found.itertuples(index=False, name=None))
        plain = roster["name"].map(plain_name)
        surname = roster["name"].map(lambda name: without_suffix(name.partition(" ")[2]))
        for forms, asked in (
            (plain, plain_name(text)),
            (roster["name"].map(without_suffix), without_suffix(text)),
            (surname, without_suffix(text)),
        ):
            found = roster[forms == asked]
            if len(found) == 1:
                return next(found.itertuples(index=False, name=None))
            if len(found):
                raise UserError(f"several players have the name; give an id: {self._shown(found)}")
        names = player_names(self.morning.tables)
        day = f"{self.morning.as_of_date:%Y-%m-%d}"
        if (names.map(plain_name) == plain_name(text)).any():
            raise UserError(f"he is on no team's roster on the morning of {day}")
        near = get_close_matches(plain_name(text), {*plain, *surname}, n=3)
        close = roster[plain.isin(near) | surname.isin(near)]
        nearest = f"; the nearest are {self._shown(close)}" if len(close) else ""
        raise UserError(f"no team has a player of that name on the morning of {day}{nearest}")

    def _shown(self, players: pd.DataFrame) -> str:
        return ", ".join(
            f"{name} ({self.teams[team]}, {player})"
            for player, team, name in players.itertuples(index=False, name=None)
        )

    def _minutes_back(self, player_id: int, team_id: int, who: str) -> float:
        """Return the minutes of a player who is out and comes back."""
        morning, tables = self.morning, self.morning.tables
        told = reported_availability(tables, one_date(morning.season, morning.as_of_date))
        doubtful = told["season_out"] | (told["play_prob"] < 1)
        listed = (doubtful & (told["player_id"] == player_id)).any()
        games, of_team = (
            table[table["game_date"] < morning.as_of_date]
            for table in (tables.player_games, tables.team_games)
        )
        of_team = of_team[(of_team["team_id"] == team_id) & (of_team["season"] == morning.season)]
        games = games[games["player_id"] == player_id]
        if not listed and (of_team.empty or games["game_date"].max() >= of_team["game_date"].max()):
            raise UserError(
                f"{who} is not out: he played in the last game, and no report lists him"
            )
        return float(games["seconds"].tail(LAST_GAMES).mean() / 60)

    def _until(self, text: str) -> int:
        """Return the day on which a player is there again."""
        self._check_simulated()
        date, last = self._date(text), self.situation.remaining.day.max(initial=0)
        if date == self.morning.as_of_date:
            raise UserError(f"{text} is the date of the forecast: nothing is left to miss")
        if day_of(date) > last:
            raise UserError(
                f"{text} is after the last game of the regular season. An absence from the "
                "playoffs is for the rest of the season: leave the date out"
            )
        return day_of(date)

    def _fix(self, parts: dict[str, str | None]) -> None:
        """Take the result of a game as certain."""
        self._check_simulated()
        left, ids = self.situation.remaining, self.situation.records.team_id
        winner, loser = (self.morning.team(str(parts[side])) for side in ("winner", "loser"))
        names = f"{self.teams[winner]} and {self.teams[loser]}"
        home, away = ids[left.home], ids[left.away]
        meeting = ((home == winner) & (away == loser)) | ((home == loser) & (away == winner))
        to_come = ~left.assumed & (left.day >= day_of(self.morning.as_of_date))
        games = np.flatnonzero(meeting & to_come)
        dates = [f"{day:%Y-%m-%d}" for day in pd.to_datetime(left.day[games], unit="D")]
        if not dates:
            raise UserError(
                f"{names} do not meet any more in the regular season; only its games can be given"
            )
        shown = f"they meet on {', '.join(dates)}"
        if parts["date"]:
            day = day_of(self._date(parts["date"]))
            games = games[left.day[games] == day]
            if not len(games):
                raise UserError(
                    f"the schedule has no such game of {names} in the regular season; {shown}"
                )
        if len(games) != 1:
            raise UserError(f"say which game of {names} is meant, with `on DATE`; {shown}")
        [game] = games
        margin = WIN_BY if parts["for"] is None else int(parts["for"]) - int(str(parts["against"]))
        if margin <= 0:
            raise UserError("the winner has no more points than the loser")
        if not np.isnan(self.results[game]):
            raise UserError("an earlier assumption gives the result of this game")
        self.results[game] = margin if home[game] == winner else -margin
        score = "" if parts["for"] is None else f" {parts['for']}-{parts['against']}"
        on = pd.to_datetime(left.day[game], unit="D")
        self.told.append(f"{self.teams[winner]} beats {self.teams[loser]}{score} on {on:%Y-%m-%d}")

    def _date(self, text: str) -> pd.Timestamp:
        """Return a date that is not before that of the forecast."""
        try:
            date = pd.to_datetime(text, format="%Y-%m-%d")
        except ValueError as error:
            raise UserError(f"{text} is not a date of the form 2024-01-15") from error
        if date < self.morning.as_of_date:
            raise UserError(f"{text} is before as_of={self.morning.as_of_date:%Y-%m-%d}")
        return date

    def _check_simulated(self) -> None:
        ranker = self.morning.ranker
        if ranker.projection is None and not isinstance(ranker.ensemble.odds, MonteCarloOdds):
            raise UserError(
                "the run simulates no games: it needs odds=monte_carlo or features/projection=on"
            )


def _rated(morning: Morning) -> pd.DataFrame:
    """Return the rated teams of a morning with their score."""
    data, league = morning.inputs
    ranker = replace(morning.ranker, ensemble=replace(morning.ranker.ensemble, odds=None))
    return league.rated(ranker.predict(data, league).frame)
