"""Who meets whom after the regular season: play-in games and series as they are on a morning.

Letters: T teams of the season in ascending order of id, G games left.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.data import league as league_facts
from nba_rank.data.outcomes import ROUNDS
from nba_rank.data.standings import BERTHS
from nba_rank.odds.bracket import CONFERENCES, SEEDS_BY_SLOT
from nba_rank.odds.season_sim import Situation
from nba_rank.odds.seeding import seed

PLAY_IN = 0
"""Number of the play-in among the rounds."""


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
