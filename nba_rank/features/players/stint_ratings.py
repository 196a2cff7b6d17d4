"""Ratings of players from who was on the court: offence and defence, points per 100 possessions.

Regularised adjusted plus-minus over stints (Sill 2010; Engelmann's xRAPM for the prior): the points
of a side in attack are its possessions times the sum of its five players' offence less the five
opponents' defence. Both sides have about as many possessions in a stint. With as many, the sum and
the difference of the two equations have separate unknowns, so that one system of half the size
gives each player's offence plus defence from the margins, another his offence minus defence from
the points of both teams.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nba_rank.config.schema import ImpactConfig
from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.features.players.box_prior import BoxPrior
from nba_rank.features.players.court_time import PER, Sums, court_time
from nba_rank.features.players.game_days import GameDay, Part, State, restore_parts, state_of
from nba_rank.features.players.normal_equations import NormalEquations

LEAGUE_DAYS = 100.0
"""Days in which a game weighs 1/e in the league's points and possessions."""

USUAL_POSSESSIONS = 95.0
USUAL_POINTS = 1.05
"""Possessions of a side in a game, and points in each, before the first game."""


@dataclass(frozen=True)
class StintRatings:
    """All player slots on a morning, [P] each; points per 100 possessions.

    Attributes:
        offence: Points scored above average.
        defence: Points prevented.
        side_error: Standard error of either; NaN unless asked for.
        net_error: Standard error of their sum.
        per_48: Their sum in points per 48 minutes.
    """

    offence: FloatArray
    defence: FloatArray
    side_error: FloatArray
    net_error: FloatArray
    per_48: FloatArray


class StintSums:
    """Normal equations of points on who was on the court, day by day."""

    def __init__(self, n_players: int, config: ImpactConfig) -> None:
        def equations() -> NormalEquations:
            return NormalEquations(
                n_players,
                decay_days=config.stint_decay_days,
                ridge=config.stint_ridge,
                ridge_name="features.impact.stint_ridge",
            )

        self._total_prior = BoxPrior(config)
        self._net, self._total = equations(), equations()
        self._parts: dict[str, Part] = {
            "net": self._net,
            "total": self._total,
            "prior": self._total_prior,
        }
        # Games, possessions of a side and points of a side.
        self._league = np.array([1.0, USUAL_POSSESSIONS / PER, USUAL_POSSESSIONS * USUAL_POINTS])
        self._day: int | None = None
        self._home = np.zeros(2)  # margins and possessions of games at home
        self._squares = np.zeros(3)  # of margins and points around the priors, and possessions

    def add(self, games: GameDay, vectors: FloatArray, prior_rating: FloatArray) -> None:
        """Add a day's games, later than all added so far.

        Args:
            games: The day's games.
            vectors: The players' box vectors of that morning, [n, 18].
            prior_rating: Their prior ratings of that morning, NaN on the first, [n].
        """
        pace, per_possession = self._level()
        court, weight = court_time(games, PER * pace), self._net.weight(games.day)
        edge = self._home[0] / self._home[1] if self._home[1] > 0 else 0.0
        edges = np.where(games.neutral, 0.0, edge)

        def responses(sums: Sums, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
            usual = 2 * PER * per_possession
            return sums.margin - edges * sums.possessions, sums.points - usual * sums.possessions

        net, total = responses(court.players, edges[games.game])
        of_net, of_total = responses(court.games, edges)
        self._net.add(games, weight * court.together, weight * games.side * net)
        total_prior = self._total_prior.ratings(vectors, games.season)
        self._total.weight(games.day)
        self._total.add(games, weight * np.abs(court.together), weight * total)
        self._total_prior.add(replace(games, side=np.ones_like(games.side)), vectors, of_total)

        n, played = len(of_net), court.players.possessions / pace
        for place, (response, prior) in enumerate(
            [(of_net, games.side * prior_rating), (of_total, total_prior)]
        ):
            expected = np.bincount(games.game, played * np.nan_to_num(prior), n)
            self._squares[place] += weight * np.square(response - expected).sum()
        self._squares[2] += weight * court.games.possessions.sum()
        home = ~games.neutral
        sums = court.games
        self._home += weight * np.array([sums.margin[home].sum(), sums.possessions[home].sum()])
        if self._day is not None:
            self._league *= np.exp((self._day - games.day) / LEAGUE_DAYS)
        self._league += [n, sums.possessions.sum(), sums.points.sum() / 2]
        self._day = games.day

    def ratings(
        self,
        day: int,
        season: int,
        vectors: FloatArray,
        prior_rating: FloatArray,
        wanted: BoolArray,
    ) -> Callable[[], StintRatings]:
        """Return a function of the ratings on a morning, by box vectors and prior ratings, [P].

        Standard errors are those of the `wanted` players, [P].
        """
        pace, _ = self._level()
        total_prior = self._total_prior.ratings(vectors, season)
        net = self._net.posed(day, prior_rating / pace, wanted)
        total = self._total.posed(day, total_prior / pace, wanted)
        squares = self._squares.copy()

        def solved() -> StintRatings:
            (plus, of_plus), (minus, of_minus) = net(), total()
            known = squares[2] > 0
            net_variance, total_variance = squares[:2] / squares[2] if known else (np.nan, np.nan)
            net_square, total_square = net_variance * of_plus, total_variance * of_minus
            return StintRatings(
                offence=(plus + minus) / 2,
                defence=(plus - minus) / 2,
                side_error=np.sqrt(net_square + total_square) / 2,
                net_error=np.sqrt(net_square),
                per_48=plus * pace,
            )

        return solved

    def state(self, known: IntArray) -> State:
        """Return all that was added; `known` holds all players seen."""
        own = {
            "league": self._league,
            "home": self._home,
            "squares": self._squares,
            "day": np.array(self._day),
        }
        return own | state_of(self._parts, known)

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state whose players are in the slots `known`."""
        self._league, self._home = state["league"].copy(), state["home"].copy()
        self._squares, self._day = state["squares"].copy(), int(state["day"])
        restore_parts(self._parts, state, known)

    def _level(self) -> tuple[float, float]:
        """Return possessions of a side in a game, in units of `PER`, and points in each."""
        games, possessions, points = self._league
        return possessions / games, points / (PER * possessions)
