"""The rest of a season, played many times over: games left, seeds, play-in and playoffs.

Letters: S simulations, T teams of the season in ascending order of id, G games left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.data import league as league_facts
from nba_rank.data.outcomes import EVENTS, ROUNDS
from nba_rank.data.remaining import Remaining, SeasonGames
from nba_rank.data.standings import BERTHS, Records
from nba_rank.data.tables import Tables
from nba_rank.odds.antithetic import AntitheticDraws, Streams, mirrored
from nba_rank.odds.bracket import MisfitError, Strengths, advance, draw, play_in
from nba_rank.odds.seeding import League, Seeds, seed

N_SEEDS = 15

_REACH = tuple(f"{event}_prob" for event in EVENTS)

COVERAGE = 0.9
"""Share of the simulations that the intervals hold."""


@dataclass(frozen=True)
class Situation:
    """What is known of a season on the morning of a date, beside the strengths of its teams.

    Attributes:
        records: Who beat whom in the regular season so far.
        remaining: Regular-season games left.
        play_in: The rule of the season's play-in as known then; None without one.
        uninvited: Positions of teams that do not take part in the restart of 2019-20.
        playin: Positions (winner, loser) of the play-in games played.
        playoff_wins: Playoff wins of row over column so far [T, T]; None before the playoffs.
        neutral_playoffs: Whether nobody is at home in play-in and playoffs.
        results: Margins of the home teams that are assumed of the games left, points, NaN where
            none is [G]; None: of no game.
    """

    season: str
    as_of_date: pd.Timestamp
    records: Records
    remaining: Remaining
    league: League
    play_in: league_facts.PlayIn | None
    uninvited: tuple[int, ...]
    playin: tuple[tuple[int, int], ...]
    playoff_wins: IntArray | None
    neutral_playoffs: bool
    results: FloatArray | None = None

    @classmethod
    def of(cls, tables: Tables, season: str, as_of_date: pd.Timestamp) -> Self:
        """Read the situation from the tables, without results of the date and later.

        Raises:
            ValueError: The season is not in the tables, nor the one after their last.
            MisfitError: The playoffs have begun, but no play-in game says who reached them.
        """
        games = tables.once(("season games", season), lambda: SeasonGames.of(tables, season))
        records = games.record(as_of_date)
        restart = league_facts.restart(season)
        going_on = restart is not None and as_of_date > restart.announced
        uninvited = sorted(restart.uninvited) if restart is not None and going_on else []
        play_in_rule = league_facts.play_in(season) if restart is None or going_on else None
        playin = games.winners("playin", as_of_date)
        won = games.winners("playoffs", as_of_date)
        playoffs = None
        if len(won):
            if play_in_rule is not None and not len(playin):
                _refuse_unknown_field(season, records.team_id[np.unique(won)])
            playoffs = np.zeros(records.beat.shape, dtype=np.int64)
            np.add.at(playoffs, tuple(won.T), 1)
        return cls(
            season=season,
            as_of_date=as_of_date,
            records=records,
            remaining=games.remaining(as_of_date),
            league=League(
                records.conference, records.division, league_facts.seeded_with_winners(season)
            ),
            play_in=play_in_rule,
            uninvited=tuple(np.searchsorted(records.team_id, uninvited).tolist()),
            playin=tuple((int(a), int(b)) for a, b in playin),
            playoff_wins=playoffs,
            neutral_playoffs=going_on,
        )

    def settled(self) -> Self:
        """Return the situation after the games whose results are assumed."""
        if self.results is None:
            return self
        left, known = self.remaining, ~np.isnan(self.results)
        records = self.records.with_games(left.home[known], left.away[known], self.results[known])
        return replace(self, records=records, remaining=left.take(~known), results=None)

    def postseason_as(self, other: Self) -> bool:
        """Whether another morning of the season sees the same postseason ahead, nothing played."""
        untouched = not (self.playin or other.playin) and (
            self.playoff_wins is None and other.playoff_wins is None
        )
        rules = [(of.season, of.play_in, of.uninvited, of.neutral_playoffs) for of in (self, other)]
        return untouched and rules[0] == rules[1]


def _refuse_unknown_field(season: str, team_id: IntArray) -> None:
    teams = league_facts.league_teams(season).set_index("team_id").loc[team_id]
    raise MisfitError(
        f"{season} has playoff games of {', '.join(sorted(teams['abbreviation']))} but no play-in "
        f"games, which say who reached the playoffs: add playin_team_logs_"
        f"{season.replace('-', '_')} to data.raw_dir and run `python -m nba_rank.ingest`"
    )


@dataclass(frozen=True)
class NextGame:
    """The next game of two teams that are known to meet in the play-in or in a series.

    Attributes:
        round: Of the playoffs, 1 to 4; 0 in the play-in.
        teams: Positions of the host and the guest of the series, wherever the game is.
        margin: Expected margin of the host, points.
        margin_sd: Standard deviation that turns it into a probability of winning, points.
        edge: Points by which the host does better in it than by its strength, in place of the home
            edge.
    """

    round: int
    teams: tuple[int, int]
    margin: float
    margin_sd: float
    edge: float


@dataclass(frozen=True, kw_only=True)
class SeasonStrengths:
    """Strengths of the T teams on a morning, and how games come out of them, all in points.

    `playoffs` includes the play-in.

    Attributes:
        regular: Strength in the rest of the regular season [T].
        playoffs: Strength in the playoffs [T].
        regular_doubt: Standard deviation of the true strengths around `regular`.
        playoffs_doubt: The same around `playoffs`.
        regular_noise: Standard deviation of a game around its expected margin.
        playoffs_noise: The same in the playoffs.
        regular_edge: Home edge.
        playoffs_edge: Home edge in the playoffs.
        rest: Gain when the opponents alone played on the day before.
        spells: Days since 1970-01-01, ascending, each with the strengths in games of the regular
            season before it, in place of `regular` [T].
        next_games: Next games that more is known of than strengths and home edge.

    Raises:
        ValueError: A strength is unknown.
    """

    regular: FloatArray
    playoffs: FloatArray
    regular_doubt: float
    playoffs_doubt: float
    regular_noise: float
    playoffs_noise: float
    regular_edge: float
    playoffs_edge: float
    rest: float
    spells: tuple[tuple[int, FloatArray], ...] = ()
    next_games: tuple[NextGame, ...] = ()

    def __post_init__(self) -> None:
        """Refuse unknown strengths: such a team would lose all its games."""
        for name in ("regular", "playoffs"):
            known = np.isfinite(getattr(self, name))
            if not known.all():
                raise ValueError(f"{name} strength of {int((~known).sum())} teams is not known")

    def next_game(self, number: int, teams: tuple[int, int]) -> NextGame | None:
        """Return the next game of a host and a guest in a round."""
        games = self.next_games
        return next((game for game in games if (game.round, game.teams) == (number, teams)), None)

    def next_edge(self, number: int) -> FloatArray | None:
        """Return the edges of row over column in the next games of a round [T, T], NaN elsewhere.

        None where the round has none. By round, since teams of the play-in may meet again.
        """
        games = [game for game in self.next_games if game.round == number]
        if not games:
            return None
        edge = np.full((len(self.playoffs), len(self.playoffs)), np.nan)
        for game in games:
            host, guest = game.teams
            edge[host, guest], edge[guest, host] = game.edge, -game.edge
        return edge


@dataclass(frozen=True)
class Simulated:
    """S simulated seasons.

    Attributes:
        seeds: Final standings of the regular season.
        entrants: Positions by conference and playoff seed [S, 2, 8].
        reach: Probabilities of the playoffs and, if asked for, of winning each round, given
            standings, entrants and drawn strengths [S, T, 5], else [S, T, 1].
        playoff_wins: Games won in one drawn playoff a simulation [S, T].
        outcome_rank: Rank in the outcome, 1 is best, as `nba_rank.data.outcomes` has it [S, T].
        home_won: Whether the home team won each game left [S, G].
        strength: Drawn strength in the playoffs, points [S, T]; that of the regular season strays
            from its mean by the same draw.
    """

    seeds: Seeds
    entrants: IntArray
    reach: FloatArray
    playoff_wins: IntArray
    outcome_rank: IntArray
    home_won: BoolArray
    strength: FloatArray


def simulate(
    situation: Situation,
    strengths: SeasonStrengths,
    n_simulations: int,
    rng: np.random.Generator,
) -> Simulated:
    """Play the rest of a season S times; see `simulate_together`."""
    teams, games = len(situation.records.team_id), len(situation.remaining.home)
    draws = AntitheticDraws.draw_all(rng, n_simulations, teams, [games])
    return simulate_together([situation], [strengths], n_simulations, draws)[0]


def simulate_together(
    situations: Sequence[Situation],
    strengths: Sequence[SeasonStrengths],
    n_simulations: int,
    draws: Sequence[AntitheticDraws],
    *,
    rounds: bool = True,
) -> list[Simulated]:
    """Play the rest of a season from several mornings; to the last bit as from each alone.

    The doubt in every strength is drawn once a simulation, the same for the regular season and the
    playoffs. Standings and brackets of all mornings are worked out at once, since for a few hundred
    simulations calling NumPy takes most of the time.

    Args:
        situations: Several mornings, each of which sees the same postseason ahead as the others
            (`Situation.postseason_as`), or a single one.
        strengths: How strong the teams are on each; of several, none knows next games.
        n_simulations: Number of simulations S of each.
        draws: The random numbers of each.
        rounds: Whether to work out the chances of winning each round, 40% of the time.
    """
    first = situations[0]
    # After the regular season all simulations have the same standings.
    n_different = n_simulations if any(len(of.remaining.home) for of in situations) else 1
    points, played = [], []
    for situation, of_morning, drawn_before in zip(situations, strengths, draws, strict=True):
        doubt = mirrored(drawn_before.doubts, n_simulations).T
        regular = of_morning.regular + of_morning.regular_doubt * doubt[:n_different]
        points.append(of_morning.playoffs + of_morning.playoffs_doubt * doubt)
        played.append(_play_rest(situation, of_morning, regular, drawn_before.games))
    beat, point_diff, home_won = zip(*played, strict=True)
    seeds = seed(np.concatenate(beat), np.concatenate(point_diff), first.league)
    if n_different < n_simulations:
        seeds = Seeds(*(np.repeat(of, n_simulations, axis=0) for of in vars(seeds).values()))

    neutral = first.neutral_playoffs
    edge = [0.0 if neutral else of_morning.playoffs_edge for of_morning in strengths]
    noise = [of_morning.playoffs_noise for of_morning in strengths]
    in_playoffs = Strengths(
        points=np.concatenate(points),
        home_edge=np.repeat(edge, n_simulations),
        noise_sd=np.repeat(noise, n_simulations),
    )
    rng = Streams([of_morning.later for of_morning in draws], n_simulations)
    entrants = play_in(
        seeds,
        first.league,
        in_playoffs,
        rule=first.play_in,
        rng=rng,
        known=first.playin,
        uninvited=first.uninvited,
        next_edge=strengths[0].next_edge(0),
    )
    rules: dict[str, Any] = {
        "league_rank": seeds.league_rank,
        "venues": [np.array(league_facts.host_is_home(first.season, n + 1)) for n in range(ROUNDS)],
        "wins_so_far": first.playoff_wins,
        "next_edges": [strengths[0].next_edge(n + 1) for n in range(ROUNDS)],
    }
    if rounds:
        reach = advance(entrants, in_playoffs, **rules)
    else:
        reach = np.zeros((*seeds.seed.shape, 1))
        np.put_along_axis(reach[:, :, 0], entrants.reshape(len(entrants), -1), 1.0, axis=1)
    wins = draw(entrants, in_playoffs, rng=rng, **rules)
    rank = _outcome_rank(seeds, reach, wins)
    cuts = pairwise(range(0, len(reach) + 1, n_simulations))
    return [
        Simulated(
            seeds=Seeds(*(of[start:end] for of in vars(seeds).values())),
            entrants=entrants[start:end],
            reach=reach[start:end],
            playoff_wins=wins[start:end],
            outcome_rank=rank[start:end],
            home_won=np.broadcast_to(won, (n_simulations, won.shape[1])),
            strength=in_playoffs.points[start:end],
        )
        for (start, end), won in zip(cuts, home_won, strict=True)
    ]


def summary(situation: Situation, simulated: Simulated) -> dict[str, np.ndarray]:
    """Sum up simulations into columns [T].

    Returns:
        `team_id`; `expected_wins` with `wins_low` and `wins_high` (games of the whole regular
        season); `projected_rank` (mean outcome rank) with `rank_low` and `rank_high`; `playin_prob`
        (a game in the play-in), `playoff_prob` and, if simulated, `round_1_prob`, `round_2_prob`,
        `finals_prob` and `title_prob`; `seed_1` to `seed_15` (probabilities of the seed in the
        conference, before the play-in). Intervals hold `COVERAGE`.
    """
    wins, rank = simulated.seeds.wins, simulated.outcome_rank
    wins_low, wins_high = _interval(wins)
    rank_low, rank_high = _interval(rank)
    reach = dict(zip(_REACH, simulated.reach.mean(axis=0).T, strict=False))
    seeds = simulated.seeds.seed
    n_simulations, n_teams = seeds.shape
    cell = (seeds - 1) * n_teams + np.arange(n_teams)
    counts = np.bincount(cell.ravel(), minlength=N_SEEDS * n_teams).reshape(N_SEEDS, n_teams)
    share = {f"seed_{place}": of / n_simulations for place, of in enumerate(counts, start=1)}
    return {
        "team_id": situation.records.team_id,
        "expected_wins": wins.mean(axis=0),
        "wins_low": wins_low,
        "wins_high": wins_high,
        "projected_rank": rank.mean(axis=0),
        "rank_low": rank_low,
        "rank_high": rank_high,
        "playin_prob": _playin_prob(situation, simulated.seeds),
        **reach,
        **share,
    }


def _interval(values: IntArray) -> tuple[IntArray, IntArray]:
    """Return the quantiles of each column that hold `COVERAGE`: values that do occur, [T]."""
    tails = np.array([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    low, high = np.maximum(np.ceil(len(values) * tails - 1), 0).astype(np.int64)
    # Small integers side by side are quick to sort.
    ordered = np.sort(values.T.astype(np.int16), axis=1).T.astype(np.int64)
    return ordered[low], ordered[high]


def _play_rest(
    situation: Situation,
    strengths: SeasonStrengths,
    points: FloatArray,
    draws: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int16], FloatArray, BoolArray]:
    """Play the games left.

    Returns:
        Wins of row over column [S, T, T], point differences [S, T] and whether the home team won
        each game [S, G].
    """
    left, records = situation.remaining, situation.records
    S, T = points.shape
    edge = _edges(left, strengths)
    # Games of a pair of teams stand together, from the view of the lower position. Simulations come
    # last, so that a game is one contiguous row.
    low, high = np.minimum(left.home, left.away), np.maximum(left.home, left.away)
    order = np.argsort(low * T + high, kind="stable")
    low, high = low[order], high[order]
    edge = np.where(left.home[order] == low, edge[order], -edge[order])
    of_team = np.ascontiguousarray(points.T, dtype=np.float32)
    draws = draws[: len(order)] * np.float32(strengths.regular_noise)
    margin: npt.NDArray[np.float32] = mirrored(draws, S)
    margin += edge.astype(np.float32)[:, None]
    margin += of_team[low]
    margin -= of_team[high]
    if situation.results is not None:
        results = np.where(left.home <= left.away, 1.0, -1.0) * situation.results
        known = np.flatnonzero(~np.isnan(results[order]))
        margin[known] = results[order][known, None]

    side = np.zeros((len(order), T), dtype=np.float32)
    side[np.arange(len(order)), low], side[np.arange(len(order)), high] = 1.0, -1.0
    point_diff = records.point_diff + margin.T @ side
    beat = np.repeat(records.beat.astype(np.int16)[:, :, None], S, axis=2)
    first = np.flatnonzero(np.diff(low * T + high, prepend=-1))
    games = np.diff(first, append=len(order)).astype(np.int16)
    low_won, won = margin > 0, np.zeros((len(first), S), dtype=np.int16)
    for meeting in range(games.max(initial=0)):
        again = np.flatnonzero(games > meeting)
        won[again] += low_won[first[again] + meeting]
    beat[low[first], high[first]] += won
    beat[high[first], low[first]] += games[:, None] - won
    home_won = np.empty_like(low_won)
    home_won[order] = low_won == (left.home[order] == low)[:, None]
    return np.ascontiguousarray(beat.transpose(2, 0, 1)), point_diff, home_won.T


def expected_margins(left: Remaining, strengths: SeasonStrengths) -> FloatArray:
    """Return the expected margin of the home team in each game left, points [G]."""
    gap = strengths.regular[left.home] - strengths.regular[left.away]
    return np.asarray(gap + _edges(left, strengths))


def _edges(left: Remaining, strengths: SeasonStrengths) -> FloatArray:
    """Return what home court, rest and spells are worth to the home team, points [G]."""
    tired = left.back_to_back.astype(np.float64)
    edges = strengths.regular_edge * ~left.neutral + strengths.rest * (tired[:, 1] - tired[:, 0])
    of_spell = np.zeros(len(edges))
    for day, regular in reversed(strengths.spells):
        change = regular - strengths.regular
        of_spell = np.where(left.day < day, change[left.home] - change[left.away], of_spell)
    return np.asarray(edges + of_spell)


def _outcome_rank(seeds: Seeds, reach: FloatArray, playoff_wins: IntArray) -> IntArray:
    """Rank the outcomes: playoff teams by playoff wins, all others by record."""
    worst = seeds.league_rank.shape[1] + 1
    score = np.where(reach[:, :, 0] > 0, worst * (1 + playoff_wins), 0) - seeds.league_rank
    rank = np.empty_like(score)
    places = np.broadcast_to(np.arange(1, worst), score.shape)
    np.put_along_axis(rank, np.argsort(-score, axis=1), places, axis=1)
    return rank


def _playin_prob(situation: Situation, seeds: Seeds) -> FloatArray:
    """Return how likely each team is to play a game in the play-in."""
    rule = situation.play_in
    if rule is None:
        return np.zeros(seeds.seed.shape[1])
    if rule.max_games_behind is None:
        return np.asarray(((seeds.seed > BERTHS - 2) & (seeds.seed <= rule.line)).mean(axis=0))
    # In 2020 the ninth of the teams that went on met the eighth if it was close enough.
    odds = np.zeros(seeds.seed.shape[1])
    lead = seeds.wins - seeds.losses
    for conference in (0, 1):
        member = situation.league.conference == conference
        member[list(situation.uninvited)] = False
        teams = np.flatnonzero(member)
        order = teams[np.argsort(seeds.seed[:, teams], axis=1)][:, [BERTHS - 1, BERTHS]]
        eighth, ninth = np.take_along_axis(lead, order, axis=1).T
        held = eighth - ninth <= 2 * rule.max_games_behind
        np.add.at(odds, order[held], 1 / len(held))
    return odds
