"""The morning of a date: all that its forecast is made of."""

from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from nba_rank.config.schema import Config
from nba_rank.core.errors import UserError
from nba_rank.data.freshness import Basis
from nba_rank.data.league import team_ids_of
from nba_rank.data.tables import Tables
from nba_rank.experiments.inputs import inputs_on
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.restated import restated
from nba_rank.samples.dataset import Dataset


def one_date(season: str, date: pd.Timestamp) -> pd.DataFrame:
    """Return a frame of `season` and `as_of_date` with a single row."""
    return pd.DataFrame({"season": [season], "as_of_date": [date]})


@dataclass(frozen=True)
class Morning:
    """All that the forecast of a date is made of.

    Attributes:
        season: Season of the date.
        as_of_date: The date.
        ranker: Models that have not seen the season.
        config: That of their run.
        tables: The canonical tables.
        results: Outcomes by season and team, as far as they are known.
        ratings: Of the players on the date.
        days: Days whose games are forecast.
        basis: What the forecast rests on.
        data: Hash of the tables.
        changed: Tables that have changed since the run.
        forgotten: Why an ingest is needed, or None.
        hypothesis: What is assumed of the games to come, if anything.
        hypothetical: All that is assumed, in words; empty for a forecast of what is known.
        known_ratings: The players as they are known to be, where others are assumed.
    """

    season: str
    as_of_date: pd.Timestamp
    ranker: Ranker
    config: Config
    tables: Tables
    results: pd.DataFrame
    ratings: pd.DataFrame
    days: int
    basis: Basis
    data: str
    changed: list[str]
    forgotten: str | None
    hypothesis: Hypothesis | None = None
    hypothetical: str = ""
    known_ratings: pd.DataFrame | None = None

    @property
    def teams(self) -> "pd.Series[str]":
        """Abbreviations of the season's teams by id."""
        own = self.tables.teams[self.tables.teams["season"] == self.season]
        return own.set_index("team_id")["abbreviation"]

    def team(self, text: str) -> int:
        """Return the id of the team that an id, abbreviation, name or nickname means.

        Raises:
            UserError: The season has no such team; the message names all.
        """
        found = team_ids_of(pd.Series([text])).iloc[0]
        if found not in self.teams.index:
            known = ", ".join(sorted(self.teams))
            raise UserError(f"{self.season} has no team {text}; its teams are {known}")
        return int(found)

    @cached_property
    def inputs(self) -> tuple[Dataset, League]:
        """What the ranker reads, built once."""
        dates = one_date(self.season, self.as_of_date)
        data, league = inputs_on(self.tables, self.ratings, dates, self.results, self.config)
        if self.known_ratings is not None:
            inputs = restated(league.inputs, self.tables, self.known_ratings, self.ratings)
            league = replace(league, inputs=inputs)
        return data, replace(league, hypothesis=self.hypothesis)
