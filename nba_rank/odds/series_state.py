"""The bracket on a morning: play-in games and playoff series, their state and chances.

Strengths, home court, next games and the formula of a series are those of the simulation. The doubt
in both strengths is integrated instead of drawn, so that a team wins its series as often as its
round in the simulated odds, up to the noise of the draws.

Letters: G games left, K nodes of the integral.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nba_rank.core.arrays import FloatArray
from nba_rank.data.outcomes import ROUNDS
from nba_rank.data.tables import Tables
from nba_rank.odds.bracket import series_win_prob
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.next_games import NextGames
from nba_rank.odds.pairings import PLAY_IN, Pairing, bracket, pairings
from nba_rank.odds.season_sim import SeasonStrengths, Situation

_SIDES = ("host", "guest")
_NODES = 41


STATES = ("decided", "known", "projected")
"""Of a series: it is over; both its teams are known; it is likely, by the likeliest winners."""


def series_table(
    odds: MonteCarloOdds,
    frame: pd.DataFrame,
    tables: Tables,
    hypothesis: Hypothesis | None = None,
    next_games: NextGames | None = None,
) -> pd.DataFrame:
    """Return the series of a morning with their chances.

    Args:
        odds: Fitted odds.
        frame: Rated teams of one date, as `MonteCarloOdds.predict` reads them.
        tables: The canonical tables; results of the date and later are not read.
        hypothesis: What is assumed of the games left; they count as played where it has results.
        next_games: Models of single games, as `MonteCarloOdds.predict` takes them.

    Returns:
        `season`, `as_of_date`, `round` (`PLAY_IN`, 1 to 4), `conference` (empty in the Finals);
        `<side>_team_id`, `<side>_seed`, `<side>_wins` (games won) and `<side>_win_prob` (of the
        series) of the `host`, who has the home court, and the `guest`; `next_home_team_id` (null on
        a neutral court) and `host_next_win_prob` of the next game, with `next_games` also its
        `host_next_margin` (points, of the host wherever the game is) and `next_margin_sd`;
        `length_<n>_prob`, that the series takes n games, null in the play-in. Empty where no series
        is known.
    """
    frame = frame.sort_values("team_id")
    [(situation, strengths)] = odds.mornings(frame, tables, hypothesis, next_games)
    situation = situation.settled()
    return _table(pairings(situation), _Chances.of(situation, strengths), frame)


def bracket_table(
    odds: MonteCarloOdds,
    frame: pd.DataFrame,
    tables: Tables,
    expected_wins: pd.Series,
    hypothesis: Hypothesis | None = None,
    next_games: NextGames | None = None,
) -> pd.DataFrame:
    """Return the whole bracket of a morning: what is over, what is known, and what is likeliest.

    Seeds that are open are those of the expected wins; the likelier winner of an open series goes
    on.

    Args:
        odds: As in `series_table`.
        frame: Likewise.
        tables: Likewise.
        expected_wins: Of the regular season, by team id.
        hypothesis: Likewise.
        next_games: Likewise.

    Returns:
        The columns of `series_table`, and `state`, one of `STATES`; a row a play-in game or series.
        Chances of what is over are 0 and 1, and null for the next game.
    """
    frame = frame.sort_values("team_id")
    [(situation, strengths)] = odds.mornings(frame, tables, hypothesis, next_games)
    situation = situation.settled()
    chances = _Chances.of(situation, strengths)
    wins = expected_wins.reindex(situation.records.team_id).to_numpy()
    found = bracket(situation, lambda one: chances.ended(one)[0].sum() >= 0.5, wins)
    table = _table(found, chances, frame)
    table["state"] = [
        STATES[0] if one.winner >= 0 else STATES[1] if one.known else STATES[2] for one in found
    ]
    return table


@dataclass(frozen=True)
class _Chances:
    """Strengths of a morning, and the chances that follow from them."""

    situation: Situation
    strengths: SeasonStrengths
    home_edge: float

    @classmethod
    def of(cls, situation: Situation, strengths: SeasonStrengths) -> "_Chances":
        edge = 0.0 if situation.neutral_playoffs else strengths.playoffs_edge
        return cls(situation, strengths, edge)

    def games(self, one: Pairing) -> tuple[FloatArray, FloatArray, FloatArray | None, FloatArray]:
        """Return how likely the host wins at home, away and, if it is known, in the next game [K].

        Behind them are the weights of the nodes [K].
        """
        host, guest = one.teams
        points, noise = self.strengths.playoffs, self.strengths.playoffs_noise
        gaps, weight = over_doubt(points[host] - points[guest], self.strengths.playoffs_doubt)
        at_home, away = (ndtr((gaps + edge) / noise) for edge in (self.home_edge, -self.home_edge))
        told = self.strengths.next_game(one.round, one.teams)
        p_next = None if told is None else np.asarray(ndtr((gaps + told.edge) / noise))
        return at_home, away, p_next, weight

    def next_game(self, one: Pairing) -> float:
        """Return how likely the host wins the next game."""
        at_home, away, p_next, weight = self.games(one)
        if p_next is None:
            p_next = at_home if one.at_home[0] else away
        return float(p_next @ weight)

    def ended(self, one: Pairing) -> FloatArray:
        """Return how likely host and guest win the series with each of the games left, [2, G]."""
        at_home, away, p_next, weight = self.games(one)
        return np.asarray(_ended(at_home, away, p_next, one) @ weight)


def _table(found: list[Pairing], chances: _Chances, frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out series as `series_table` has it."""
    situation = chances.situation
    ids, conference = situation.records.team_id, frame["conference"].to_numpy()
    rows = []
    for one in found:
        host, guest = one.teams
        over = one.winner >= 0
        if over:
            ended = np.array([[one.winner == host], [one.winner == guest]], dtype=np.float64)
        else:
            ended = chances.ended(one)
        of_side = {
            "team_id": ids[[*one.teams]], "seed": one.seeds, "wins": one.wins,
            "win_prob": ended.sum(axis=1),
        }  # fmt: skip
        row = {"round": one.round, "conference": "" if one.round == ROUNDS else conference[host]}
        for name, values in of_side.items():
            row |= {f"{side}_{name}": value for side, value in zip(_SIDES, values, strict=True)}
        neutral = over or situation.neutral_playoffs
        row["next_home_team_id"] = None if neutral else ids[one.next_home]
        row["host_next_win_prob"] = np.nan if over else chances.next_game(one)
        told = chances.strengths.next_game(one.round, one.teams)
        if told is not None:
            row |= {"host_next_margin": told.margin, "next_margin_sd": told.margin_sd}
        if one.round != PLAY_IN and not over:
            lengths = np.zeros(sum(one.wins) + ended.shape[1])
            lengths[sum(one.wins) :] = ended.sum(axis=0)
            least = len(lengths) // 2 + 1
            row |= {f"length_{n}_prob": lengths[n - 1] for n in range(least, len(lengths) + 1)}
        rows.append(row)
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    table.insert(0, "season", situation.season)
    table.insert(1, "as_of_date", situation.as_of_date)
    return table.astype({"next_home_team_id": "Int64"})


def over_doubt(gap: FloatArray, doubt: float) -> tuple[FloatArray, FloatArray]:
    """Return the gaps between two teams at the nodes of an integral over both doubts.

    Args:
        gap: Expected gaps in strength, points [...].
        doubt: Standard deviation of either team's strength, points.

    Returns:
        Gaps [..., K] and the weights of the nodes [K], which sum to 1.
    """
    node, weight = np.polynomial.hermite_e.hermegauss(_NODES)
    return np.asarray(gap)[..., None] + np.sqrt(2) * doubt * node, weight / weight.sum()


def _ended(
    at_home: FloatArray, away: FloatArray, p_next: FloatArray | None, series: Pairing
) -> FloatArray:
    """Return how likely host and guest win the series with each of the games left, [2, G, K].

    A side has won by a game if it has the wins that it needs among the games up to there.

    Args:
        at_home: Probability that the host wins a game at home [K].
        away: That it wins one away [K].
        p_next: That it wins the next one [K]; None if that is like the others.
        series: The series.
    """
    n_home, n_away = (venue.cumsum() for venue in (series.at_home, ~series.at_home))
    p_other = None
    if p_next is not None:
        at_host = int(series.at_home[0])
        n_home, n_away, p_other = n_home - at_host, n_away - (1 - at_host), 1 - p_next
    n_home, n_away = n_home[:, None], n_away[:, None]
    host, guest = series.needed
    won = [
        series_win_prob(
            at_home, away, home_left=n_home, away_left=n_away, needed=host, p_next=p_next
        ),
        series_win_prob(
            1 - away, 1 - at_home,
            home_left=n_away, away_left=n_home, needed=guest, p_next=p_other,
        ),
    ]  # fmt: skip
    return np.diff(np.stack(won), axis=1, prepend=0.0)
