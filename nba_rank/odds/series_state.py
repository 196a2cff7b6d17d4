"""The bracket on a morning: play-in games and playoff series, their state and chances.

Strengths, home court and the formula of a series are those of the simulation. The doubt in both
strengths is integrated instead of drawn, so that a team wins its series as often as its round in
the simulated odds, up to the noise of the draws.

Letters: T teams of the season in ascending order of id, G games left, K nodes of the integral.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.data import league as league_facts
from nba_rank.data.outcomes import ROUNDS
from nba_rank.data.standings import BERTHS
from nba_rank.data.tables import Tables
from nba_rank.odds.bracket import CONFERENCES, SEEDS_BY_SLOT, series_win_prob
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.season_sim import SeasonStrengths, Situation
from nba_rank.odds.seeding import seed

PLAY_IN = 0
"""Number of the play-in among the rounds."""

_SIDES = ("host", "guest")
_NODES = 41


STATES = ("decided", "known", "projected")
"""Of a series: it is over; both its teams are known; it is likely, by the likeliest winners."""


@dataclass(frozen=True)
class Pairing:
    """A series between two teams.

    Attributes:
        round: `PLAY_IN`, or 1 to 4.
        teams: Positions of the host, who has the home court, and of the guest.
        seeds: Their seeds; in the play-in those of the standings.
        wins: Games that each has won.
        needed: Wins that each still needs.
        at_home: Whether the host is at home in each game left, were all of them played [G].
        winner: Position of the winner; -1 while open.
        known: Whether both teams are certain to meet.
    """

    round: int
    teams: tuple[int, int]
    seeds: tuple[int, int]
    wins: tuple[int, int]
    needed: tuple[int, int]
    at_home: BoolArray
    winner: int = -1
    known: bool = True

    @property
    def next_home(self) -> int:
        """Position of the home team of the next game."""
        return self.teams[0 if self.at_home[0] else 1]


def pairings(situation: Situation) -> list[Pairing]:
    """Return the series of a morning that are known and not decided, by round.

    There is none before the end of the regular season.
    """
    if len(situation.remaining.home):
        return []
    return [one for one in bracket(situation) if one.winner < 0]


def bracket(
    situation: Situation,
    favourite: Callable[[Pairing], bool] | None = None,
    expected_wins: FloatArray | None = None,
) -> list[Pairing]:
    """Return the play-in games and series of a morning, by round, those that are over among them.

    Args:
        situation: What is known of the season.
        favourite: Whether the host is the likelier winner of an open series, who then goes on; None
            ends the bracket there.
        expected_wins: Of the regular season [T]; needed while games of it are left, and seeds are
            those of these wins then.
    """
    records, rule = situation.records, situation.play_in
    if len(situation.remaining.home):
        assert expected_wins is not None
        order = np.argsort(-expected_wins, kind="stable")
        league_rank = np.empty(len(order), dtype=np.int64)
        league_rank[order] = np.arange(1, len(order) + 1)
        by_conference = pd.Series(league_rank).groupby(situation.league.conference)
        seed_of = by_conference.rank().to_numpy(dtype=np.int64)
        ahead = 2 * expected_wins
    else:
        standing = seed(records.beat[None], records.point_diff[None], situation.league)
        league_rank, seed_of = standing.league_rank[0], standing.seed[0].copy()
        ahead = (standing.wins - standing.losses)[0]
    # Whether each team is certain to be where the bracket has it.
    certain = np.full(len(league_rank), not len(situation.remaining.home))
    in_play_in = np.zeros(records.beat.shape, dtype=np.int64)
    for winner, loser in situation.playin:
        in_play_in[winner, loser] += 1
    in_playoffs = situation.playoff_wins
    found: list[Pairing] = []

    def meet(
        number: int, host: int, guest: int, beat: IntArray | None, needed: tuple[int, int],
        at_home: BoolArray,
    ) -> tuple[int, int]:  # fmt: skip
        """Return winner and loser, -1 while they are open."""
        if host < 0 or guest < 0:
            return -1, -1
        wins = (0, 0) if beat is None else (int(beat[host, guest]), int(beat[guest, host]))
        seeds = int(seed_of[host]), int(seed_of[guest])
        short = needed[0] - wins[0], needed[1] - wins[1]
        winner = next((team for team, left in zip((host, guest), short, strict=True) if left <= 0),
                      -1)  # fmt: skip
        known = bool(certain[host] and certain[guest])
        one = Pairing(
            number, (host, guest), seeds, wins, short, at_home[sum(wins) :], winner, known
        )
        found.append(one)
        if winner < 0 and favourite is None:
            return -1, -1
        if winner < 0 and favourite is not None:
            winner = host if favourite(one) else guest
            certain[[host, guest]] = False
        return winner, host + guest - winner

    def game(host: int, guest: int) -> tuple[int, int]:
        return meet(PLAY_IN, host, guest, in_play_in, (1, 1), np.array([True]))

    entrants = np.empty((CONFERENCES, BERTHS), dtype=np.int64)
    for code, field in enumerate(entrants):
        members = np.flatnonzero(situation.league.conference == code)
        members = members[~np.isin(members, situation.uninvited)]
        order = members[np.argsort(seed_of[members])]
        field[:] = order[:BERTHS]
        if rule is None:
            continue
        seventh, eighth, ninth, *others = order[6:].tolist()
        if rule.max_games_behind is not None:
            if (ahead[eighth] - ahead[ninth]) / 2 <= rule.max_games_behind:
                twice = np.array([True, True])
                field[7], _ = meet(PLAY_IN, eighth, ninth, in_play_in, (1, 2), twice)
            continue
        field[6], host = game(seventh, eighth)
        guest, _ = game(ninth, others[0])
        field[7], _ = game(host, guest)
    for field in entrants:
        seed_of[field[field >= 0]] = np.flatnonzero(field >= 0) + 1

    alive = entrants[:, SEEDS_BY_SLOT - 1].ravel()
    for number in range(1, ROUNDS + 1):
        needed = league_facts.wins_needed(situation.season, number)
        pattern, winners = np.array(league_facts.host_is_home(situation.season, number)), []
        for left, right in alive.reshape(-1, 2).tolist():
            host, guest = (left, right) if league_rank[left] < league_rank[right] else (right, left)
            winner, _ = meet(number, host, guest, in_playoffs, (needed, needed), pattern)
            winners.append(winner)
        alive = np.array(winners)
    return found


def series_table(
    odds: MonteCarloOdds,
    frame: pd.DataFrame,
    tables: Tables,
    hypothesis: Hypothesis | None = None,
) -> pd.DataFrame:
    """Return the series of a morning with their chances.

    Args:
        odds: Fitted odds.
        frame: Rated teams of one date, as `MonteCarloOdds.predict` reads them.
        tables: The canonical tables; results of the date and later are not read.
        hypothesis: What is assumed of the games left; they count as played where it has results.

    Returns:
        `season`, `as_of_date`, `round` (`PLAY_IN`, 1 to 4), `conference` (empty in the Finals);
        `<side>_team_id`, `<side>_seed`, `<side>_wins` (games won) and `<side>_win_prob` (of the
        series) of the `host`, who has the home court, and the `guest`; `next_home_team_id` (null on
        a neutral court) and `host_next_win_prob` of the next game; `length_<n>_prob`, that the
        series takes n games, null in the play-in. Empty where no series is known.
    """
    frame = frame.sort_values("team_id")
    [(situation, strengths)] = odds.mornings(frame, tables, hypothesis)
    situation = situation.settled()
    return _table(pairings(situation), _Chances.of(situation, strengths), frame)


def bracket_table(
    odds: MonteCarloOdds,
    frame: pd.DataFrame,
    tables: Tables,
    expected_wins: pd.Series,
    hypothesis: Hypothesis | None = None,
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

    Returns:
        The columns of `series_table`, and `state`, one of `STATES`; a row a play-in game or series.
        Chances of what is over are 0 and 1, and null for the next game.
    """
    frame = frame.sort_values("team_id")
    [(situation, strengths)] = odds.mornings(frame, tables, hypothesis)
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

    def games(self, one: Pairing) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return how likely the host wins at home and away, and the weights of the nodes [K]."""
        host, guest = one.teams
        points = self.strengths.playoffs
        gaps, weight = over_doubt(points[host] - points[guest], self.strengths.playoffs_doubt)
        at_home, away = (
            ndtr((gaps + edge) / self.strengths.playoffs_noise)
            for edge in (self.home_edge, -self.home_edge)
        )
        return at_home, away, weight

    def ended(self, one: Pairing) -> FloatArray:
        """Return how likely host and guest win the series with each of the games left, [2, G]."""
        at_home, away, weight = self.games(one)
        return np.asarray(_ended(at_home, away, one) @ weight)


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
        row["host_next_win_prob"] = np.nan
        if not over:
            at_home, away, weight = chances.games(one)
            row["host_next_win_prob"] = (at_home if one.next_home == host else away) @ weight
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


def _ended(at_home: FloatArray, away: FloatArray, series: Pairing) -> FloatArray:
    """Return how likely host and guest win the series with each of the games left, [2, G, K].

    A side has won by a game if it has the wins that it needs among the games up to there.
    """
    n_home = series.at_home.cumsum()[:, None]
    n_away = (~series.at_home).cumsum()[:, None]
    host, guest = series.needed
    won = [
        series_win_prob(at_home, away, home_left=n_home, away_left=n_away, needed=host),
        series_win_prob(1 - away, 1 - at_home, home_left=n_away, away_left=n_home, needed=guest),
    ]
    return np.diff(np.stack(won), axis=1, prepend=0.0)
