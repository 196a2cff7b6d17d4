"""Play-in and playoffs of many simulated seasons, from seeds and strengths.

The play-in is drawn; from its entrants on, `advance` gives exact probabilities and `draw` plays.
The bracket is fixed (1/8 - 4/5 and 2/7 - 3/6, no reseeding), and the better regular-season record
hosts every series. A series is won by whoever would win more of all its games if they were played
out, so the order of the venues only matters once it is under way.

Letters: S simulations, T teams, C = 2 conferences, M slots of the bracket on one side of a series,
G games of a series played out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from nba_rank.core.arrays import Array, BoolArray, FloatArray, IntArray
from nba_rank.core.errors import UserError
from nba_rank.data import league as league_facts
from nba_rank.data.outcomes import ROUNDS
from nba_rank.data.standings import BERTHS
from nba_rank.odds.antithetic import Streams
from nba_rank.odds.seeding import League, Seeds

CONFERENCES = 2
_SLOTS = CONFERENCES * BERTHS
SEEDS_BY_SLOT = np.array([1, 8, 4, 5, 2, 7, 3, 6])
"""Neighbours meet, then the winners of neighbouring series."""
_MAX_WINS = 4
_BLOCK = 200
"""Simulations worked on at once, few enough to stay in a processor's cache."""


class MisfitError(UserError, ValueError):
    """Known games have no place in the play-in or the bracket."""


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """How strong the teams are in the playoffs.

    Attributes:
        points: Points of margin against an average team [S, T].
        home_edge: Points by which a home team does better; 0 on neutral courts. One number or [S].
        noise_sd: Standard deviation of a game's margin, points. One number or [S].
    """

    points: FloatArray
    home_edge: float | FloatArray
    noise_sd: float | FloatArray

    def of(self, block: slice) -> "Strengths":
        """Return the strengths of some of the simulations."""
        edge, noise = (
            np.broadcast_to(part, len(self.points))[block]
            for part in (self.home_edge, self.noise_sd)
        )
        return Strengths(points=self.points[block], home_edge=edge, noise_sd=noise)

    def gap(self, team: IntArray, opponent: IntArray) -> FloatArray:
        """Return by how many points teams are stronger than their opponents [..., S]."""
        rows = np.arange(len(self.points))
        return self.points[rows, team] - self.points[rows, opponent]

    def host_win_probs(self, gap: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return how likely a host stronger by `gap` points wins at home, and away [..., S]."""
        return self.win_prob(gap, self.home_edge), self.win_prob(gap, -self.home_edge)

    def win_prob(self, gap: FloatArray, edge: float | FloatArray) -> FloatArray:
        """Return how likely a team stronger by `gap` points wins with an edge [..., S]."""
        return np.asarray(ndtr((gap + edge) / self.noise_sd))


def series_win_prob(
    p_host_at_home: FloatArray,
    p_host_away: FloatArray,
    *,
    home_left: int | IntArray,
    away_left: int | IntArray,
    needed: int | IntArray,
    p_next: FloatArray | None = None,
) -> FloatArray:
    """Return the exact probability that the host of a series wins it, from any state of it.

    Args:
        p_host_at_home: Probability that the host wins a game at home.
        p_host_away: Probability that the host wins a game away.
        home_left: Games left at the host's home if the series went its full length.
        away_left: Games left away, likewise.
        needed: Wins that the host still needs. All broadcast against each other.
        p_next: Probability that the host wins the next game, which is not among those left then;
            None if it is like those.
    """
    home_left, away_left, needed = (np.asarray(n) for n in (home_left, away_left, needed))
    given = (p_host_at_home, p_host_away, home_left, away_left, needed)
    shape = np.broadcast_shapes(*(np.shape(a) for a in given))
    games: list[tuple[Array, Array]] = [] if p_next is None else [(p_next, 1.0 - p_next)]
    for p, left in ((p_host_at_home, home_left), (p_host_away, away_left)):
        certain = int(left.min(initial=_MAX_WINS))
        games += [(p, 1.0 - p)] * certain
        for game in range(certain, int(left.max(initial=0))):
            # A game that is not left is one that the host cannot win.
            win = p * (left > game)
            games.append((win, 1.0 - win))
    # short[n]: probability that the host still needs n wins; None where that cannot be yet.
    short: list[Array | None] = [None]
    for n in range(1, int(needed.max(initial=0)) + 1):
        at = needed == n
        short.append(np.broadcast_to(np.where(at, 1.0, 0.0), shape).copy() if at.any() else None)
    buffer = np.empty(shape)
    for win, loss in games:
        for n in range(1, len(short)):
            own, more = short[n], short[n + 1] if n + 1 < len(short) else None
            if own is not None:
                own *= loss
                if more is not None:
                    own += np.multiply(more, win, out=buffer)
            elif more is not None:
                short[n] = more * win
    lost = np.zeros(shape)
    for part in short:
        if part is not None:
            lost += part
    left = home_left + away_left + (p_next is not None)
    won = np.where(needed > left, 0.0, 1.0 - lost)
    return np.clip(won, 0.0, 1.0)


def play_in(
    seeds: Seeds,
    league: League,
    strengths: Strengths,
    *,
    rule: league_facts.PlayIn | None,
    rng: np.random.Generator | Streams,
    known: Sequence[tuple[int, int]] = (),
    uninvited: Sequence[int] = (),
    next_edge: FloatArray | None = None,
) -> IntArray:
    """Return the eight entrants of each conference, the play-in drawn where it is not known.

    In 2019-20 (`max_games_behind` is set) the ninth, if close enough, has to beat the eighth twice
    in a row, on a neutral court. Since 2020-21 the seventh hosts the eighth for the seventh berth
    and the ninth the tenth; then the loser of the first hosts the winner of the second.

    Args:
        seeds: Final standings of S regular seasons.
        league: Conferences of the T teams.
        strengths: Of the S simulations.
        rule: The season's play-in; None without one.
        rng: Source of randomness; the number of draws does not depend on what is known.
        known: Positions (winner, loser) of the play-in games that have been played.
        uninvited: Positions of teams that are passed over, those not invited to the restart of
            2019-20: Charlotte had a better record than the ninth of the rest.
        next_edge: Points by which the row team does better than by its strength in its next game
            against the column team, in place of the home edge; NaN where it keeps that [T, T].

    Returns:
        Positions of teams by conference and playoff seed [S, C, 8].

    Raises:
        ValueError: A conference has too few teams.
        MisfitError: A known game has no place in the play-in of some simulation.
    """
    S, T = seeds.seed.shape
    beat = np.zeros((T, T), dtype=np.int64)
    for winner, loser in known:
        beat[winner, loser] += 1
    # Games that found their place, by simulation.
    used = np.zeros(S, dtype=np.int64)

    def one_game(host: IntArray, guest: IntArray) -> tuple[IntArray, IntArray]:
        """Return winners and losers [S]."""
        gap = strengths.gap(host, guest)
        at_home, _ = strengths.host_win_probs(gap)
        luck = np.asarray(rng.random(S))
        host_won = luck < at_home
        if next_edge is not None:
            told = ~np.isnan(edge := next_edge[host, guest])
            p = np.where(told, strengths.win_prob(gap, edge), at_home)
            host_won = _as_often(luck, p) if told.all() else luck < p
        won, lost = beat[host, guest], beat[guest, host]
        host_won = np.where(won + lost > 0, won > 0, host_won)
        np.add(used, won + lost, out=used)
        return np.where(host_won, host, guest), np.where(host_won, guest, host)

    def ninth_twice(eighth: IntArray, ninth: IntArray, max_games_behind: float) -> IntArray:
        """Return who takes the eighth berth by the rule of 2019-20 [S]."""
        rows, ahead = np.arange(S), seeds.wins - seeds.losses
        held = (ahead[rows, eighth] - ahead[rows, ninth]) / 2 <= max_games_behind
        won, lost = beat[ninth, eighth], beat[eighth, ninth]
        np.add(used, np.where(held, won + lost, 0), out=used)
        gap, game = strengths.gap(ninth, eighth), np.arange(2)[:, None]
        p = strengths.win_prob(gap, np.zeros((2, S)))
        if next_edge is not None:
            edge = next_edge[ninth, eighth]
            follows = (game == won + lost) & ~np.isnan(edge)
            p = np.where(follows, strengths.win_prob(gap, edge), p)
        twice = (rng.random((2, S)) < p) | (game < won)
        return np.where(held & (lost == 0) & twice.all(axis=0), ninth, eighth)

    entrants = np.empty((S, CONFERENCES, BERTHS), dtype=np.int64)
    for code in range(CONFERENCES):
        members = np.flatnonzero(league.conference == code)
        line = rule.line if rule else BERTHS
        if len(members) < line:
            raise ValueError(f"conference {code} has {len(members)} teams, its field {line}")
        places = seeds.seed[:, members] + T * np.isin(members, uninvited)
        order = members[np.argsort(places, axis=1)]
        entrants[:, code] = order[:, :BERTHS]
        if rule is None:
            continue
        seventh, eighth, ninth = order[:, 6:9].T
        if rule.max_games_behind is not None:
            entrants[:, code, 7] = ninth_twice(eighth, ninth, rule.max_games_behind)
            continue
        first, host = one_game(seventh, eighth)
        guest, _ = one_game(ninth, order[:, 9])
        second, _ = one_game(host, guest)
        entrants[:, code, 6], entrants[:, code, 7] = first, second
    if (used != len(known)).any():
        raise MisfitError(
            f"play-in games (winner, loser) {list(known)} do not all fit the seeds: with known "
            "games the regular season must be complete and the same in every simulation"
        )
    return entrants


def _as_often(luck: FloatArray, p: FloatArray) -> BoolArray:
    """Return who wins a game by luck, in as many simulations as its chances `p` sum to [S].

    So the chance of what the game decides is that of the game, without noise of these draws.
    """
    won = np.zeros(len(p), dtype=bool)
    won[np.argsort(luck - p, kind="stable")[: round(float(p.sum()))]] = True
    return won


def _slots(entrants: IntArray, league_rank: IntArray) -> IntArray:
    """Return the entrants in bracket order [16, S], so that a series is one contiguous row."""
    S = len(league_rank)
    slots = entrants[:, :, SEEDS_BY_SLOT - 1].reshape(S, _SLOTS)
    return np.ascontiguousarray(slots.T)


def _known_wins(wins_so_far: Array | None, slots: IntArray, T: int) -> IntArray | None:
    """Check the known playoff games against every simulation's bracket; None without any."""
    if wins_so_far is None or not wins_so_far.any():
        return None
    wins_so_far = wins_so_far.astype(np.int64)
    met = (wins_so_far + wins_so_far.T) > 0
    slot = np.full((T, slots.shape[1]), -1)
    slot[slots, np.arange(slots.shape[1])] = np.arange(_SLOTS)[:, None]
    # The round in which two slots meet is the length of their difference in binary. A team that
    # has met k opponents met them in rounds 1 to k: one bit a round, so the sum has k bits.
    round_bit = np.array([0, *(1 << (int(n).bit_length() - 1) for n in range(1, _SLOTS))])
    for team in np.flatnonzero(met.any(axis=1)):
        opponents = np.flatnonzero(met[team])
        absent = (slot[team] < 0) | (slot[opponents] < 0).any(axis=0)
        bits = round_bit[np.maximum(slot[team] ^ slot[opponents], 0)].sum(axis=0)
        if absent.any() or (bits != (1 << len(opponents)) - 1).any():
            raise MisfitError(
                f"the known playoff games of team {team} do not fit the bracket of every "
                "simulation: with known games the entrants must be the real ones"
            )
    return wins_so_far


def _games_left(at_home: BoolArray, played: Array) -> tuple[IntArray, IntArray]:
    """Return the games left at the host's home and away after a number of games of a series."""
    home = np.append(at_home[::-1].cumsum()[::-1], 0)
    away = np.append((~at_home)[::-1].cumsum()[::-1], 0)
    played = np.minimum(played, len(at_home))
    return home[played], away[played]


def _host_wins_series(
    gap: FloatArray,
    strengths: Strengths,
    venues: BoolArray,
    host: IntArray,
    guest: IntArray,
    wins_so_far: Array | None,
    next_edge: FloatArray | None,
) -> FloatArray:
    """Return the probability that the host wins each series [..., S]; see `advance`."""
    at_home, away = strengths.host_win_probs(gap)
    needed = len(venues) // 2 + 1
    home_left, away_left = _games_left(venues, np.array(0))
    p = series_win_prob(at_home, away, home_left=home_left, away_left=away_left, needed=needed)
    if wins_so_far is None and next_edge is None:
        return p
    won = played = np.zeros(p.shape, dtype=np.int64)
    if wins_so_far is not None:
        won = wins_so_far[host, guest]
        played = won + wins_so_far[guest, host]
    edge = np.full(p.shape, np.nan) if next_edge is None else next_edge[host, guest]
    told = ~np.isnan(edge)
    for some, of_next in (((played > 0) & ~told, 0), (told, 1)):
        if not some.any():
            continue
        home_left, away_left = _games_left(venues, played[some] + of_next)
        noise = np.broadcast_to(strengths.noise_sd, p.shape)[some]
        p[some] = series_win_prob(
            at_home[some],
            away[some],
            home_left=home_left,
            away_left=away_left,
            needed=needed - won[some],
            p_next=ndtr((gap[some] + edge[some]) / noise) if of_next else None,
        )
    return p


def advance(
    entrants: IntArray,
    strengths: Strengths,
    *,
    league_rank: IntArray,
    venues: Sequence[BoolArray],
    wins_so_far: Array | None = None,
    next_edges: Sequence[FloatArray | None] = (None,) * ROUNDS,
) -> FloatArray:
    """Return how likely each team is to win each round, summed over all possible pairings.

    Args:
        entrants: Positions of teams by conference and playoff seed [S, C, 8].
        strengths: Of the S simulations.
        league_rank: Regular-season rank of all teams, 1 is best: the lower hosts [S, T].
        venues: Whether the host is at home in each game of a series, by round [G].
        wins_so_far: Playoff games that the row team has won against the column team [T, T].
        next_edges: `next_edge` of `play_in` by round; None where it says nothing.

    Returns:
        Probabilities [S, T, 5] of being in the playoffs (0 or 1), and of winning the first, second
        and third round (reaching the Finals) and the title. They never rise from round to round,
        and sum to 16, 8, 4, 2 and 1 over the teams.

    Raises:
        MisfitError: The known games do not fit the bracket of every simulation.
    """
    S, T = league_rank.shape
    slots = _slots(entrants, league_rank)
    known = _known_wins(wins_so_far, slots, T)
    result = np.zeros((S, T, ROUNDS + 1))
    cuts = np.linspace(0, S, -(-S // _BLOCK) + 1).astype(np.int64).tolist()
    for block in (slice(start, end) for start, end in pairwise(cuts)):
        reach = _reach(
            slots[:, block], strengths.of(block), league_rank[block], venues, known, next_edges
        )
        result[np.arange(S)[block, None], slots[:, block].T] = reach.transpose(2, 1, 0)
    return result


def _reach(
    slots: IntArray,
    strengths: Strengths,
    league_rank: IntArray,
    venues: Sequence[BoolArray],
    known: IntArray | None,
    next_edges: Sequence[FloatArray | None],
) -> FloatArray:
    """Return how likely the team of each slot is to win each round, [5, 16, S]; see `advance`."""
    S = len(league_rank)
    rows = np.arange(S)
    points = strengths.points[rows, slots].astype(np.float64, copy=False)
    rank = league_rank[rows, slots]
    reach = np.ones((ROUNDS + 1, _SLOTS, S))
    for number, (of_round, next_edge) in enumerate(zip(venues, next_edges, strict=True)):
        # [series, side, M, S]
        shape = (-1, 2, 2**number, S)
        strength, place, team, before = (
            part.reshape(shape) for part in (points, rank, slots, reach[number])
        )
        # [series, M of the left side, M of the right side, S]
        left, right = np.s_[:, 0, :, None], np.s_[:, 1, None, :]
        left_hosts = place[left] < place[right]
        gap = strength[left] - strength[right]
        host, guest = team[left], team[right]
        if known is not None or next_edge is not None:
            host, guest = np.where(left_hosts, host, guest), np.where(left_hosts, guest, host)
        p = _host_wins_series(
            np.where(left_hosts, gap, -gap), strengths, of_round, host, guest, known, next_edge
        )
        left_wins = np.where(left_hosts, p, 1.0 - p)
        after = reach[number + 1].reshape(shape)
        after[:, 0] = (left_wins * before[right]).sum(axis=2)
        after[:, 1] = ((1.0 - left_wins) * before[left]).sum(axis=1)
        # The chances of all opponents sum to 1 only up to rounding.
        np.minimum(after, 1.0, out=after)
        after *= before
    return reach


def draw(
    entrants: IntArray,
    strengths: Strengths,
    *,
    league_rank: IntArray,
    rng: np.random.Generator | Streams,
    venues: Sequence[BoolArray],
    wins_so_far: Array | None = None,
    next_edges: Sequence[FloatArray | None] = (None,) * ROUNDS,
) -> IntArray:
    """Return the playoff games that each team wins in one drawn playoff a simulation [S, T].

    Arguments and errors as `advance`; known games count, and do not change the number of draws.
    """
    S, T = league_rank.shape
    slots = _slots(entrants, league_rank)
    known = _known_wins(wins_so_far, slots, T)
    rows = np.arange(S)
    playoff_wins = np.zeros((S, T), dtype=np.int64)
    alive = slots
    for of_round, next_edge in zip(venues, next_edges, strict=True):
        needed = len(of_round) // 2 + 1
        # [series, S]
        left, right = alive[::2], alive[1::2]
        left_hosts = league_rank[rows, left] < league_rank[rows, right]
        host, guest = np.where(left_hosts, left, right), np.where(left_hosts, right, left)
        gap = strengths.gap(host, guest)
        at_home, away = strengths.host_win_probs(gap)
        host_wins, guest_wins = np.zeros(host.shape, np.int64), np.zeros(host.shape, np.int64)
        if known is not None:
            host_wins, guest_wins = known[host, guest], known[guest, host]
        played = host_wins + guest_wins
        p_next, told = at_home, np.zeros(host.shape, dtype=bool)
        if next_edge is not None:
            edge = next_edge[host, guest]
            p_next, told = strengths.win_prob(gap, edge), ~np.isnan(edge)
        luck = rng.random((len(of_round), *host.shape))
        for game, is_home in enumerate(of_round):
            on = (played <= game) & (host_wins < needed) & (guest_wins < needed)
            p = at_home if is_home else away
            if next_edge is not None:
                p = np.where(told & (played == game), p_next, p)
            host_won = luck[game] < p
            host_wins = host_wins + (on & host_won)
            guest_wins = guest_wins + (on & ~host_won)
        playoff_wins[rows, host] += host_wins
        playoff_wins[rows, guest] += guest_wins
        alive = np.where(host_wins >= needed, host, guest)
    return playoff_wins
