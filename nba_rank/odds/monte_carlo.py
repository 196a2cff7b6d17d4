"""Odds by simulation: strengths fitted on earlier seasons, the rest of the season played out."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from nba_rank.data.tables import Tables
from nba_rank.features.asof import days, start_years
from nba_rank.odds.home_edge import HomeEdge
from nba_rank.odds.past_games import RatedGames
from nba_rank.odds.residual import RESIDUAL_INPUTS
from nba_rank.odds.season_sim import SeasonStrengths, Situation, simulate, summarise
from nba_rank.odds.strength import StrengthMap

SCORE = "score"
"""Input that a ranker's own score enters by."""

REGULAR = {"full_strength": 0.5, "roster_strength": 0.5, "margin_rating": 0.0}
PLAYOFFS = {
    "playoff_strength": 0.5, "star_strength": 0.15, "margin_rating": 0.3, "elo_margin": 0.0,
}  # fmt: skip
RESIDUAL = dict.fromkeys(RESIDUAL_INPUTS, 0.0)
TEAM_ONLY = {"elo_margin": 1.0, "margin_rating": 0.0}
"""What strengths are made of, and the weights that stand for no learning: for the regular season
and the playoffs where players are known, what the playoff residual adds, and without players."""


@dataclass(frozen=True)
class Maps:
    """Maps to strength for the rest of the regular season and for the playoffs."""

    regular: StrengthMap
    playoffs: StrengthMap

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {"regular": self.regular.to_dict(), "playoffs": self.playoffs.to_dict()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Restore maps exactly."""
        return cls(**{name: StrengthMap.from_dict(part) for name, part in fields.items()})


@dataclass(frozen=True)
class MonteCarloOdds:
    """Odds from `n_simulations` simulations of the rest of the season.

    Attributes:
        players: Maps for dates on which the players of every team are known.
        teams: Maps for all other dates.
        n_simulations: Simulations of each date.
        seed: Seed of each date's simulations, so that a date does not depend on others.
    """

    players: Maps
    teams: Maps
    n_simulations: int
    seed: int

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        tables: Tables,
        *,
        n_simulations: int,
        seed: int,
        playoff_strength: bool = True,
        playoff_residual: bool = False,
    ) -> Self:
        """Learn the maps from the games after the as-of dates of earlier seasons.

        Args:
            frame: Rated teams of earlier seasons: what `nba_rank.odds.inputs.strength_inputs`
                returns and, where a ranker's odds are asked for, its `score`; sorted by `season`,
                `as_of_date`, `team_id`. May be empty: then nothing is learned.
            tables: The canonical tables; games of other seasons are not read.
            n_simulations: Simulations of each date.
            seed: Seed of the simulations.
            playoff_strength: Give the playoffs a map of their own; otherwise that of the regular
                season stands for both.
            playoff_residual: Let the playoffs' map read `RESIDUAL` too.
        """
        score = {SCORE: 0.0} if SCORE in frame else {}
        known = frame[has_players(frame)].reset_index(drop=True)
        playoffs = PLAYOFFS | RESIDUAL if playoff_residual else PLAYOFFS
        return cls(
            players=_fit(known, tables, REGULAR | score, playoffs | score, playoff_strength),
            teams=_fit(
                frame.reset_index(drop=True),
                tables,
                TEAM_ONLY | score,
                TEAM_ONLY | score,
                playoff_strength,
            ),
            n_simulations=n_simulations,
            seed=seed,
        )

    def maps_of(self, date: pd.DataFrame) -> Maps:
        """Return the maps that hold for the rated teams of a date."""
        return self.players if has_players(date).all() else self.teams

    def strengths(self, date: pd.DataFrame, edge: float) -> SeasonStrengths:
        """Return the strengths of the teams of one date, sorted by id, at a home edge in points."""
        maps, progress = self.maps_of(date), float(date["progress"].iloc[0])
        doubt = maps.regular.doubt_at(progress), maps.playoffs.doubt_at(progress)
        return SeasonStrengths(
            regular=maps.regular.strength(date),
            playoffs=maps.playoffs.strength(date),
            regular_doubt=doubt[0],
            playoffs_doubt=doubt[1],
            regular_noise=maps.regular.noise_beside(doubt[0]),
            playoffs_noise=maps.playoffs.noise_beside(doubt[1]),
            regular_edge=edge + maps.regular.home,
            playoffs_edge=edge + maps.playoffs.home,
            rest=maps.regular.rest,
        )

    def predict(
        self,
        frame: pd.DataFrame,
        tables: Tables,
        *,
        threads: int = 1,
        on_date: Callable[[], None] = lambda: None,
    ) -> pd.DataFrame:
        """Simulate the rest of the season from every date of the frame.

        Args:
            frame: Rated teams, as in `fit`.
            tables: The canonical tables; results of a date and later play no part in its odds.
            threads: Dates that are simulated at once; does not change the result.
            on_date: Called after each date.

        Returns:
            What `nba_rank.odds.season_sim.summarise` returns and `regular_strength` and
            `playoffs_strength` (points), a row a team and date in the order of the frame, with
            `assumption`, what had to be assumed of the schedule (empty if nothing).
        """
        edges = HomeEdge.of(tables)

        def of_date(date: pd.DataFrame) -> pd.DataFrame:
            season, as_of = str(date["season"].iloc[0]), date["as_of_date"].iloc[0]
            date = date.sort_values("team_id")
            edge = edges.at(start_years(date["season"][:1]), days(date["as_of_date"][:1]))
            situation = Situation.of(tables, season, as_of)
            strengths = self.strengths(date, float(edge[0]))
            rng = np.random.default_rng(self.seed)
            table = summarise(situation, simulate(situation, strengths, self.n_simulations, rng))
            table["regular_strength"] = strengths.regular
            table["playoffs_strength"] = strengths.playoffs
            table["assumption"] = situation.remaining.assumption
            on_date()
            return table

        dates = [date for _, date in frame.groupby(["season", "as_of_date"], sort=True)]
        return pd.concat(_each(of_date, dates, threads), ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        maps = {"players": self.players.to_dict(), "teams": self.teams.to_dict()}
        return {**maps, "n_simulations": self.n_simulations, "seed": self.seed}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Restore odds exactly from what `to_dict` returned."""
        maps = {name: Maps.from_dict(fields[name]) for name in ("players", "teams")}
        return cls(**{**fields, **maps})


def has_players(frame: pd.DataFrame) -> pd.Series:
    """Return, for each row, whether the players of every team are known on its date."""
    known = frame[list(REGULAR | PLAYOFFS)].notna().all(axis=1)
    return known.groupby([frame["season"], frame["as_of_date"]]).transform("all")


def _fit(
    frame: pd.DataFrame,
    tables: Tables,
    regular: dict[str, float],
    playoffs: dict[str, float],
    playoff_strength: bool,
) -> Maps:
    of_regular = StrengthMap.fit(frame, RatedGames.of(tables, frame, "regular"), regular)
    if not playoff_strength:
        return Maps(of_regular, of_regular)
    games = RatedGames.of(tables, frame, "playoffs")
    return Maps(of_regular, StrengthMap.fit(frame, games, playoffs))


def _each(
    function: Callable[[pd.DataFrame], pd.DataFrame], parts: Iterable[pd.DataFrame], threads: int
) -> list[pd.DataFrame]:
    if threads == 1:
        return [function(part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, parts))
