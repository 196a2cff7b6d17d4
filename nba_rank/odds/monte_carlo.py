"""Odds by simulation: strengths fitted on earlier seasons, the rest of the season played out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby, pairwise
from typing import Any, Self

import numpy as np
import pandas as pd

from nba_rank.core.arrays import BoolArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import start_years
from nba_rank.odds.antithetic import AntitheticDraws
from nba_rank.odds.home_edge import HomeEdge
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.inputs import MARKET_INPUT
from nba_rank.odds.next_games import NextGames
from nba_rank.odds.next_of_series import with_next_games
from nba_rank.odds.past_games import RatedGames
from nba_rank.odds.residual import RESIDUAL_INPUTS
from nba_rank.odds.season_sim import SeasonStrengths, Situation, simulate_together, summary
from nba_rank.odds.starting_weights import PLAYOFFS, REGULAR, TEAM_ONLY, with_market
from nba_rank.odds.strength import SCORE, StrengthModel

_TOGETHER = 2400
"""Simulations worked on at once: enough to make calls cheap, and little memory."""

_Morning = tuple[Situation, SeasonStrengths, AntitheticDraws]
_Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class StrengthModels:
    """Strength models for the rest of the regular season and for the playoffs."""

    regular: StrengthModel
    playoffs: StrengthModel

    @classmethod
    def fit(
        cls,
        rated: "Rated",
        regular: dict[str, float],
        playoffs: dict[str, float],
        *,
        playoff_strength: bool = True,
        season_half_life: float | None = None,
    ) -> Self:
        """Learn both from games, each shrunk towards its starting weights.

        Seasons weigh by `season_weights`. Without `playoff_strength` the playoffs use the regular
        season's model.
        """
        of_regular = StrengthModel.fit(rated.frame, rated.regular, regular, season_half_life)
        if not playoff_strength:
            return cls(of_regular, of_regular)
        of_playoffs = StrengthModel.fit(rated.frame, rated.playoffs, playoffs, season_half_life)
        return cls(of_regular, of_playoffs)


@dataclass(frozen=True)
class Rated:
    """Rated teams as from `strength_inputs`, and the games of both kinds after their dates."""

    frame: pd.DataFrame
    regular: RatedGames
    playoffs: RatedGames

    @classmethod
    def of(cls, tables: Tables, frame: pd.DataFrame) -> Self:
        """Pair the dates of a frame with the games that follow."""
        frame = frame.reset_index(drop=True)
        return cls(frame, *(RatedGames.of(tables, frame, kind) for kind in ("regular", "playoffs")))

    def of_seasons(self, seasons: list[str]) -> Self:
        """Return the games of some seasons alone."""
        years = start_years(pd.Series(seasons, dtype="str"))
        games = [part.take(np.isin(part.season, years)) for part in (self.regular, self.playoffs)]
        return type(self)(self.frame, *games)


@dataclass(frozen=True)
class TrainingGames:
    """What strength models are learned from.

    Attributes:
        players: Dates on which the players of every team were known.
        teams: All dates.
        market: The dates of `players` on which the market's rating was known, too; None where it
            is not to be read.
    """

    players: Rated
    teams: Rated
    market: Rated | None = None

    @classmethod
    def of(cls, tables: Tables, frame: pd.DataFrame) -> Self:
        """Pair rated teams with the games after their dates.

        Args:
            tables: The canonical tables; games of the frame's seasons are read.
            frame: From `nba_rank.odds.inputs.strength_inputs`, with the `score` of a ranker whose
                odds are asked for; sorted by `season`, `as_of_date`, `team_id`. May be empty.
        """
        teams, known = Rated.of(tables, frame), has_players(frame)
        players = teams if known.all() else Rated.of(tables, frame[known])
        if MARKET_INPUT not in frame:
            return cls(players, teams)
        priced = known & has_market(frame)
        return cls(players, teams, players if priced.all() else Rated.of(tables, frame[priced]))

    def of_seasons(self, seasons: list[str]) -> Self:
        """Return the part of some seasons, the same as from a frame of those alone."""
        market = None if self.market is None else self.market.of_seasons(seasons)
        return type(self)(self.players.of_seasons(seasons), self.teams.of_seasons(seasons), market)


@dataclass(frozen=True)
class MonteCarloOdds:
    """Odds from `n_simulations` simulations of the rest of the season.

    Attributes:
        players: Models for dates on which the players of every team are known.
        teams: Models for all other dates.
        n_simulations: Simulations of each date.
        seed: Seed of each date's simulations, so that a date does not depend on others.
        market: Models for dates on which the market's rating is known beside the players; None
            where it is not read.
    """

    players: StrengthModels
    teams: StrengthModels
    n_simulations: int
    seed: int
    market: StrengthModels | None = None

    @classmethod
    def fit(
        cls,
        training_games: TrainingGames,
        *,
        n_simulations: int,
        seed: int,
        playoff_strength: bool = True,
        playoff_residual: bool = False,
        season_half_life: float | None = None,
    ) -> Self:
        """Learn the strength models from the games after the as-of dates of earlier seasons.

        Of no game, nothing is learned; seasons weigh by `season_weights`. Without
        `playoff_strength` the playoffs use the regular season's model; `playoff_residual` lets
        theirs read `RESIDUAL_INPUTS` too.
        """
        score = {SCORE: 0.0} if SCORE in training_games.teams.frame else {}
        playoffs = PLAYOFFS | dict.fromkeys(RESIDUAL_INPUTS, 0.0) if playoff_residual else PLAYOFFS
        team_only = TEAM_ONLY | score
        fit = partial(
            StrengthModels.fit,
            playoff_strength=playoff_strength,
            season_half_life=season_half_life,
        )
        market = None
        if training_games.market is not None:
            starts = with_market(REGULAR) | score, with_market(playoffs) | score
            market = fit(training_games.market, *starts)
        return cls(
            fit(training_games.players, REGULAR | score, playoffs | score),
            fit(training_games.teams, team_only, team_only),
            n_simulations,
            seed,
            market,
        )

    def of_dates(self, frame: pd.DataFrame) -> list[tuple[StrengthModels, BoolArray]]:
        """Return the models with the rows of the dates that they are for, [N] each."""
        players = has_players(frame).to_numpy()
        market = np.zeros(len(frame), dtype=bool)
        if self.market is not None:
            market = players & has_market(frame).to_numpy()
        parts = [(self.teams, ~players), (self.players, players & ~market)]
        return parts if self.market is None else [*parts, (self.market, market)]

    def of_date(self, frame: pd.DataFrame) -> StrengthModels:
        """Return the models of a frame with a single date."""
        [models] = [models for models, own in self.of_dates(frame) if own.any()]
        return models

    def strengths(self, frame: pd.DataFrame, edges: Iterable[float]) -> Iterator[SeasonStrengths]:
        """Yield the strengths on each date of a frame.

        Args:
            frame: Rated teams, sorted by date and id.
            edges: Home edge on each date, points.
        """
        parts, points = self.of_dates(frame), np.empty((2, len(frame)))
        for models, own in parts:
            points[0, own] = models.regular.strength(frame[own])
            points[1, own] = models.playoffs.strength(frame[own])
        for date, edge in zip(_date_slices(frame), edges, strict=True):
            models = next(models for models, own in parts if own[date.start])
            progress = float(frame["progress"].iloc[date.start])
            doubt = models.regular.doubt_at(progress), models.playoffs.doubt_at(progress)
            yield SeasonStrengths(
                regular=points[0][date],
                playoffs=points[1][date],
                regular_doubt=doubt[0],
                playoffs_doubt=doubt[1],
                regular_noise=models.regular.noise_beside(doubt[0]),
                playoffs_noise=models.playoffs.noise_beside(doubt[1]),
                regular_edge=edge + models.regular.home,
                playoffs_edge=edge + models.playoffs.home,
                rest=models.regular.rest,
            )

    def predict(
        self,
        frame: pd.DataFrame,
        tables: Tables,
        *,
        rounds: bool = True,
        threads: int = 1,
        on_date: Callable[[], None] = lambda: None,
        hypothesis: Hypothesis | None = None,
        next_games: NextGames | None = None,
    ) -> pd.DataFrame:
        """Simulate the rest of the season from every date of the frame.

        Args:
            frame: Rated teams, as in `TrainingGames.of`.
            tables: The canonical tables; results of a date and later are not read for its odds.
            rounds: Whether to work out the chances of winning each round.
            threads: Groups of dates that are simulated at once; does not change the result.
            on_date: Called after each date.
            hypothesis: What is assumed of the games left; the frame has a single date then.
            next_games: Models of single games, which the next games of play-in and series whose
                teams are known are played by; the frame is from
                `nba_rank.odds.mornings.morning_inputs` then. None: by the strengths, as the others.

        Returns:
            `season`, `as_of_date`, what `nba_rank.odds.season_sim.summary` returns,
            `regular_strength` and `playoffs_strength` (points) and `assumption` (of the schedule;
            empty if none), a row a team and date.
        """
        frame = frame.sort_values(["season", "as_of_date", "team_id"])
        mornings = self.mornings(frame, tables, hypothesis, next_games)
        parts = self.play(mornings, rounds=rounds, threads=threads, on_date=on_date)
        key = frame[["season", "as_of_date"]].reset_index(drop=True)
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return pd.DataFrame({**key, **columns})

    def play(
        self,
        mornings: Sequence[tuple[Situation, SeasonStrengths]],
        *,
        rounds: bool = True,
        threads: int = 1,
        on_date: Callable[[], None] = lambda: None,
    ) -> list[dict[str, np.ndarray]]:
        """Simulate the rest of the season from each morning, all with the same random numbers.

        Arguments and columns are those of `predict`.
        """
        situations = [situation for situation, _ in mornings]

        def of_mornings(mornings: list[_Morning]) -> list[_Columns]:
            situations, strengths, draws = zip(*mornings, strict=True)
            simulated = simulate_together(
                situations, strengths, self.n_simulations, draws, rounds=rounds
            )
            parts = []
            for (situation, strength, _), part in zip(mornings, simulated, strict=True):
                assumption = situation.remaining.assumption
                parts.append(
                    {
                        **summary(situation, part),
                        "regular_strength": strength.regular,
                        "playoffs_strength": strength.playoffs,
                        "assumption": np.full(len(strength.regular), assumption, dtype=object),
                    }
                )
                on_date()
            return parts

        with_draws = [
            (*morning, draws)
            for morning, draws in zip(mornings, self._draws(situations), strict=True)
        ]
        at_once = max(1, _TOGETHER // self.n_simulations)
        return _each(of_mornings, list(_groups(with_draws, at_once)), threads)

    def mornings(
        self,
        frame: pd.DataFrame,
        tables: Tables,
        hypothesis: Hypothesis | None = None,
        next_games: NextGames | None = None,
    ) -> list[tuple[Situation, SeasonStrengths]]:
        """Return the situation and the strengths on each date of a frame; see `predict`.

        Raises:
            ValueError: There is a hypothesis, and several dates.
        """
        dates = frame[["season", "as_of_date"]].drop_duplicates()
        edges = HomeEdge.of(tables).on_dates(dates)
        situations = [
            Situation.of(tables, season, date)
            for season, date in dates.itertuples(index=False, name=None)
        ]
        mornings = list(zip(situations, self.strengths(frame, edges.tolist()), strict=True))
        if hypothesis is not None:
            if len(mornings) > 1:
                raise ValueError("a hypothesis is about a single date")
            [(situation, strengths)] = mornings
            spells = tuple(
                (day, next(self.strengths(rated, edges.tolist())).regular)
                for day, rated in hypothesis.spells
            )
            situation = replace(situation, results=hypothesis.results)
            mornings = [(situation, replace(strengths, spells=spells))]
        if next_games is None:
            return mornings
        return with_next_games(mornings, next_games, frame, edges.tolist())

    def _draws(self, situations: Sequence[Situation]) -> list[AntitheticDraws]:
        """Return the draws of each morning, all from the same seed."""
        draws: list[AntitheticDraws] = []
        for _, season in groupby(situations, key=lambda situation: situation.season):
            mornings = list(season)
            draws += AntitheticDraws.draw_all(
                np.random.default_rng(self.seed),
                self.n_simulations,
                len(mornings[0].records.team_id),
                [len(morning.remaining.home) for morning in mornings],
            )
        return draws

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Restore odds exactly from what `to_dict` returned."""
        models = {
            name: StrengthModels(
                *(StrengthModel.from_dict(fields[name][part]) for part in ("regular", "playoffs"))
            )
            for name in ("players", "teams", "market")
            if fields[name] is not None
        }
        return cls(**{**fields, **models})


def has_players(frame: pd.DataFrame) -> pd.Series:
    """Return, for each row, whether the players of every team are known on its date."""
    return _known_of_all(frame, [*(REGULAR | PLAYOFFS)])


def has_market(frame: pd.DataFrame) -> pd.Series:
    """Return, for each row, whether the market's rating of every team is known on its date."""
    return _known_of_all(frame, [MARKET_INPUT])


def _known_of_all(frame: pd.DataFrame, inputs: list[str]) -> pd.Series:
    known = frame.reindex(columns=inputs).notna().all(axis=1)
    return known.groupby([frame["season"], frame["as_of_date"]]).transform("all")


def _date_slices(frame: pd.DataFrame) -> list[slice]:
    """Return the rows of each date of a frame that is sorted by date."""
    date = frame["as_of_date"].to_numpy()
    cuts = [*np.flatnonzero(np.r_[True, date[1:] != date[:-1]]).tolist(), len(date)]
    return [slice(start, end) for start, end in pairwise(cuts)]


def _groups(mornings: Iterable[_Morning], most: int) -> Iterator[list[_Morning]]:
    """Yield runs of mornings that can be simulated together, no more than so many."""
    group: list[_Morning] = []
    for morning in mornings:
        if group:
            (situation, strengths, _), (first, of_first, _) = morning, group[0]
            alike = situation.postseason_as(first)
            alone = strengths.next_games or of_first.next_games
            if alone or not alike or len(group) == most:
                yield group
                group = []
        group.append(morning)
    if group:
        yield group


def _each(
    function: Callable[[list[_Morning]], list[_Columns]], parts: list[list[_Morning]], threads: int
) -> list[_Columns]:
    with ThreadPoolExecutor(threads) as pool:
        return [columns for part in pool.map(function, parts) for columns in part]
