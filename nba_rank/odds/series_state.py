"""Play-in games and playoff series whose two teams are known on a morning: state and chances.

Strengths, home court and the formula of a series are those of the simulation. The doubt in both
strengths is integrated instead of drawn, so that a team wins its series as often as its round in
the simulated odds, up to the noise of the draws.

Letters: T teams of the season in ascending order of id, G games left, K nodes of the integral.
"""

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
from nba_rank.odds.season_sim import Situation
from nba_rank.odds.seeding import seed

PLAY_IN = 0
"""Number of the play-in among the rounds."""

_SIDES = ("host", "guest")
_NODES = 41


@dataclass(frozen=True)
class Pairing:
    """A series between two known teams that is not decided.

    Attributes:
        round: `PLAY_IN`, or 1 to 4.
        teams: Positions of the host, who has the home court, and of the guest.
        seeds: Their seeds; in the play-in those of the standings.
        wins: Games that each has won.
        needed: Wins that each still needs.
        at_home: Whether the host is at home in each game left, were all of them played [G].
    """

    round: int
    teams: tuple[int, int]
    seeds: tuple[int, int]
    wins: tuple[int, int]
    needed: tuple[int, int]
    at_home: BoolArray

    @property
    def next_home(self) -> int:
        """Position of the home team of the next game."""
        return self.teams[0 if self.at_home[0] else 1]


def pairings(situation: Situation) -> list[Pairing]:
    """Return the series of a morning, by round; none before the end of the regular season."""
    if len(situation.remaining.home):
        return []
    records, rule = situation.records, situation.play_in
    standing = seed(records.beat[None], records.point_diff[None], situation.league)
    league_rank, seed_of = standing.league_rank[0], standing.seed[0].copy()
    ahead = (standing.wins - standing.losses)[0]
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
        if wins[0] >= needed[0]:
            return host, guest
        if wins[1] >= needed[1]:
            return guest, host
        seeds = int(seed_of[host]), int(seed_of[guest])
        short = needed[0] - wins[0], needed[1] - wins[1]
        left = at_home[sum(wins) :]
        found.append(Pairing(number, (host, guest), seeds, wins, short, left))
        return -1, -1

    def game(host: int, guest: int) -> tuple[int, int]:
        return meet(PLAY_IN, host, guest, in_play_in, (1, 1), np.array([True]))

    entrants = np.empty((CONFERENCES, BERTHS), dtype=np.int64)
    for code, field in enumerate(entrants):
        members = np.flatnonzero(situation.league.conference == code)
        members = members[~np.isin(members, situation.uninvited)]
        order = members[np.argsort(standing.seed[0, members])]
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
    home_edge = 0.0 if situation.neutral_playoffs else strengths.playoffs_edge
    ids, conference = situation.records.team_id, frame["conference"].to_numpy()
    rows = []
    for one in pairings(situation):
        host, guest = one.teams
        gaps, weight = over_doubt(
            strengths.playoffs[host] - strengths.playoffs[guest], strengths.playoffs_doubt
        )
        at_home, away = (
            ndtr((gaps + edge) / strengths.playoffs_noise) for edge in (home_edge, -home_edge)
        )
        ended = _ended(at_home, away, one) @ weight
        of_side = {
            "team_id": ids[[*one.teams]], "seed": one.seeds, "wins": one.wins,
            "win_prob": ended.sum(axis=1),
        }  # fmt: skip
        row = {"round": one.round, "conference": "" if one.round == ROUNDS else conference[host]}
        for name, values in of_side.items():
            row |= {f"{side}_{name}": value for side, value in zip(_SIDES, values, strict=True)}
        row["next_home_team_id"] = None if situation.neutral_playoffs else ids[one.next_home]
        row["host_next_win_prob"] = (at_home if one.next_home == host else away) @ weight
        if one.round != PLAY_IN:
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
