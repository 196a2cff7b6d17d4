"""Plays games: from two line-ups to box scores that add up.

Letters: G games, P players; 2 sides (home, away), 15 roster places. The last place of a line-up is
the best available player.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from nba_rank.config.schema import SimParams
from nba_rank.data.assumed_fixtures import Fixtures
from nba_rank.data.simulated.players import MAX_ROSTER, ROTATION_MINUTES, PlayerPool
from nba_rank.data.simulated.rosters import SeasonRosters
from nba_rank.data.simulated.stints import PERIOD_MINUTES, Stints, cut

COUNTS = (
    "fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "oreb", "dreb", "ast", "stl", "blk", "tov", "pf",
)  # fmt: skip
"""Counts of a player's box score that are drawn; points and rebounds follow."""

_PACE = 101.0
_POINTS_PER_POSSESSION = 1.122
_OREB_PER_POSSESSION = 0.106
_REGULATION, _OVERTIME = 48, 5


@dataclass(frozen=True)
class Games:
    """Played games.

    Attributes:
        fixtures: The G games.
        players: int64 [G, 2, 15], positions in the pool, -1 for an empty place.
        minutes: int64 [G, 2, 15], 0 for players who did not play.
        box: int64 [G, 2, 15, 13], `COUNTS` on the last axis.
        plus_minus: int64 [G, 2, 15], score difference while on court.
        team_tov: int64 [G, 2], turnovers charged to no player.
        stints: Who was on court when; their points and minutes add up to those of the box scores.
    """

    fixtures: Fixtures
    players: np.ndarray
    minutes: np.ndarray
    box: np.ndarray
    plus_minus: np.ndarray
    team_tov: np.ndarray
    stints: Stints

    @property
    def points(self) -> np.ndarray:
        """Final score, int64 [G, 2]."""
        return points_of(self.box).sum(axis=-1)

    def take(self, index: np.ndarray) -> "Games":
        """Return the games at an index or under a mask."""
        arrays = {name: getattr(self, name)[index] for name in _ARRAYS}
        position = np.full(len(self.minutes), -1)
        position[index] = np.arange(len(arrays["minutes"]))
        return Games(self.fixtures.take(index), stints=self.stints.move(position), **arrays)


_ARRAYS = ("players", "minutes", "box", "plus_minus", "team_tov")


def concatenate(parts: list[Games]) -> Games:
    """Return the games of several parts as one."""
    fixtures = reduce(Fixtures.and_, (part.fixtures for part in parts))
    arrays = {name: np.concatenate([getattr(p, name) for p in parts]) for name in _ARRAYS}
    positions = np.split(np.arange(len(fixtures.day)), np.cumsum([len(p.minutes) for p in parts]))
    stints = [part.stints.move(at) for part, at in zip(parts, positions, strict=False)]
    return Games(fixtures, stints=Stints.join(stints), **arrays)


def points_of(box: np.ndarray) -> np.ndarray:
    """Return points, int64 [...], of box scores, int64 [..., 13]."""
    return 2 * box[..., 0] + box[..., 2] + box[..., 4]


@dataclass(frozen=True)
class Style:
    """How players play, float64 [P] each.

    Attributes:
        offense: Points per 48 minutes added.
        defense: Points per 48 minutes taken away.
        usage: Share of the team's plays ended while on court, before scaling to 1.
        tov, ft, three: Probabilities that a play is a turnover, two free throws or a three-point
            attempt; the rest are two-point attempts.
        p2, p3, p1: Probabilities to make a two-pointer, a three-pointer and a free throw.
        oreb, dreb, ast, stl, blk, foul: Relative rates per minute.
    """

    offense: np.ndarray
    defense: np.ndarray
    usage: np.ndarray
    tov: np.ndarray
    ft: np.ndarray
    three: np.ndarray
    p2: np.ndarray
    p3: np.ndarray
    p1: np.ndarray
    oreb: np.ndarray
    dreb: np.ndarray
    ast: np.ndarray
    stl: np.ndarray
    blk: np.ndarray
    foul: np.ndarray


@dataclass(frozen=True)
class World:
    """The constants of a season's games.

    Attributes:
        params: The league's parameters.
        rosters: Rosters and fitness by day.
        style: How the players play.
        skill: float64 [P], points per 48 minutes.
        pace: float64 [30], possessions per game above the league's, by team.
        offense_level, defense_level: The league's mean rotation on opening day, points per game;
            they keep scores level as talent drifts.
    """

    params: SimParams
    rosters: SeasonRosters
    style: Style
    skill: np.ndarray
    pace: np.ndarray
    offense_level: float
    defense_level: float


def make_world(
    params: SimParams, pool: PlayerPool, rosters: SeasonRosters, rng: np.random.Generator
) -> World:
    """Prepare a season's games from the pool at the season's ages."""
    style = _style(pool)
    opening = rosters.players[0]
    skill = pool.skill
    order = np.argsort(-np.where(opening >= 0, skill[opening], -np.inf), axis=-1)
    rotation = np.take_along_axis(opening, order, axis=-1)[:, : len(ROTATION_MINUTES)]
    weight = ROTATION_MINUTES / 48.0
    return World(
        params=params,
        rosters=rosters,
        style=style,
        skill=skill,
        pace=rng.normal(0.0, 1.2, len(opening)),
        offense_level=float((style.offense[rotation] @ weight).mean()),
        defense_level=float((style.defense[rotation] @ weight).mean()),
    )


def _style(pool: PlayerPool) -> Style:
    """Derive styles, so that box scores reflect skill and role."""
    offense, defense, size = pool.offense, pool.defense, pool.size
    big = size - 0.5
    return Style(
        offense=offense,
        defense=defense,
        usage=np.clip(0.165 + 0.0150 * offense + 0.025 * pool.volume, 0.09, 0.36),
        tov=np.clip(0.125 + 0.010 * pool.passer - 0.002 * offense, 0.07, 0.2),
        ft=np.clip(0.080 + 0.006 * offense + 0.03 * big, 0.04, 0.16),
        three=np.clip(0.40 - 0.28 * big + 0.09 * pool.shooter, 0.01, 0.62),
        p2=np.clip(0.525 + 0.007 * offense + 0.10 * big, 0.40, 0.70),
        p3=np.clip(0.35 + 0.003 * offense + 0.018 * pool.touch - 0.03 * big, 0.22, 0.44),
        p1=np.clip(0.77 + 0.05 * pool.touch - 0.12 * big, 0.45, 0.94),
        oreb=np.exp(2.6 * big),
        dreb=np.exp(1.5 * big + 0.03 * (offense + defense)),
        ast=np.exp(-1.3 * big + 0.45 * pool.passer + 0.07 * offense),
        stl=np.exp(-0.5 * big + 0.12 * defense),
        blk=np.exp(3.0 * big + 0.12 * defense),
        foul=np.exp(0.9 * big),
    )


def play(world: World, fixtures: Fixtures, tired: np.ndarray, rng: np.random.Generator) -> Games:
    """Play games until one side leads; `tired` teams [G, 2] played the day before.

    Minutes add up to 240 and 25 for each overtime, and each side's plus-minus to five times its
    margin.
    """
    players = _line_ups(world, fixtures)
    minutes = _draw_minutes(players >= 0, rng)
    home_edge, cost = world.params.home_edge, world.params.back_to_back_cost
    edge = np.array([home_edge, -home_edge]) / 2.0
    edge = edge - cost / 2.0 * tired + cost / 2.0 * tired[:, ::-1]
    pace = _PACE + world.pace[fixtures.home] + world.pace[fixtures.away]
    possessions = np.rint(rng.normal(pace, 4.0)).astype(np.int64)
    box, team_tov = _stretch(world, players, minutes, possessions, edge, rng)
    stints, plus_minus = _cut(world, players, minutes, box, possessions, 1, rng)
    parts, period = [stints], _REGULATION // PERIOD_MINUTES
    closers = np.argsort(np.argsort(-minutes, axis=-1, kind="stable"), axis=-1, kind="stable") < 5
    total = minutes.copy()
    while (tied := np.flatnonzero(np.diff(points_of(box).sum(axis=-1), axis=1)[:, 0] == 0)).size:
        extra = np.where(closers[tied], _OVERTIME, 0)
        length = np.rint(possessions[tied] * _OVERTIME / _REGULATION).astype(np.int64)
        more, more_tov = _stretch(world, players[tied], extra, length, edge[tied], rng)
        period += 1
        stints, difference = _cut(world, players[tied], extra, more, length, period, rng)
        parts.append(stints.move(tied))
        box[tied] += more
        team_tov[tied] += more_tov
        total[tied] += extra
        plus_minus[tied] += difference
    # Fouls out is six, overtimes included.
    box[..., -1] = np.minimum(box[..., -1], 6)
    return Games(fixtures, players, total, box, plus_minus, team_tov, Stints.join(parts))


def _line_ups(world: World, fixtures: Fixtures) -> np.ndarray:
    """Return the available players of each side, int64 [G, 2, 15], -1 first, the best last."""
    teams, day = fixtures.sides, fixtures.day[:, None]
    players = world.rosters.players[day, teams]
    fit = world.rosters.available[day, teams]
    players = np.where(fit, players, -1)
    order = np.argsort(np.where(fit, world.skill[players], -np.inf), axis=-1, kind="stable")
    return np.take_along_axis(players, order, axis=-1)


def _draw_minutes(here: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw whole minutes that add up to 240 a side."""
    base = np.zeros(MAX_ROSTER)
    base[-len(ROTATION_MINUTES) :] = ROTATION_MINUTES[::-1]
    plan = base * rng.lognormal(0.0, 0.13, here.shape)
    # The eleventh to thirteenth man plays now and then.
    bench = np.zeros(MAX_ROSTER, dtype=bool)
    bench[2:5] = True
    cameo = bench & (rng.random(here.shape) < 0.3)
    plan = np.where(cameo, 1.0 + rng.exponential(4.0, here.shape), plan) * here
    plan = np.minimum(240.0 * plan / plan.sum(axis=-1, keepdims=True), 46.0)
    return _apportion(240.0 * plan / plan.sum(axis=-1, keepdims=True), np.array(240), plan > 0)


def _apportion(share: np.ndarray, total: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Round shares on the last axis to whole numbers of a given sum (largest remainder)."""
    floor = np.floor(share)
    left = total - floor.sum(axis=-1)
    remainder = np.where(allowed, share - floor, -1.0)
    place = np.argsort(np.argsort(-remainder, axis=-1, kind="stable"), axis=-1, kind="stable")
    return (floor + (place < np.rint(left)[..., None])).astype(np.int64)


def _stretch(
    world: World,
    players: np.ndarray,
    minutes: np.ndarray,
    possessions: np.ndarray,
    edge: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Play a regulation time or an overtime; returns box scores and team turnovers.

    The probabilities of shots are scaled so that a side's expected points are the league's, plus
    its attack, less the opponent's defence, plus the edge.
    """
    style = world.style
    on_court = minutes / 48.0
    length = minutes.sum(axis=-1) / 240.0
    attack = (style.offense[players] * on_court).sum(axis=-1) - world.offense_level * length
    defence = (style.defense[players] * on_court).sum(axis=-1) - world.defense_level * length
    count = np.broadcast_to(possessions[:, None], length.shape)
    target = _POINTS_PER_POSSESSION * count + attack - defence[:, ::-1] + edge * length

    share = style.usage[players] * minutes
    share = share / share.sum(axis=-1, keepdims=True)
    tov, ft, three = style.tov[players], style.ft[players], style.three[players]
    two = 1.0 - tov - ft
    p3, p2, p1 = style.p3[players], style.p2[players], style.p1[players]
    crash = _spread(style.oreb[players], minutes)
    hunger = np.sqrt((crash.sum(axis=-1) / minutes.sum(axis=-1)) / 1.35)
    oreb_rate = np.clip(_OREB_PER_POSSESSION * hunger, 0.05, 0.2)
    plays = count * (1.0 + oreb_rate)
    from_line = plays * (share * 2.0 * ft * p1).sum(axis=-1)
    from_field = plays * (share * two * (3.0 * three * p3 + 2.0 * (1.0 - three) * p2)).sum(axis=-1)
    scale = ((target - from_line) / from_field)[..., None]

    oreb_team = rng.binomial(count, oreb_rate)
    ends = rng.multinomial(count + oreb_team, share)
    lost = rng.binomial(ends, tov)
    trips = rng.binomial(ends - lost, ft / (1.0 - tov))
    shots = ends - lost - trips
    fg3a = rng.binomial(shots, three)
    fg2a = shots - fg3a
    luck = world.params.shooting_luck
    fg3m = _makes(fg3a, np.clip(p3 * scale, 0.02, 0.8), luck, rng)
    fg2m = _makes(fg2a, np.clip(p2 * scale, 0.02, 0.95), luck, rng)
    ftm = _makes(2 * trips, p1, luck, rng)

    misses = (shots - fg3m - fg2m).sum(axis=-1)
    oreb_team = np.minimum(oreb_team, misses)
    line_misses = (2 * trips - ftm).sum(axis=-1)
    loose = np.maximum(misses + line_misses // 2 - oreb_team, 0)[:, ::-1]
    dreb_team = rng.binomial(loose, 0.92)
    oreb = rng.multinomial(oreb_team, _shares(crash))
    dreb = rng.multinomial(dreb_team, _shares(_spread(style.dreb[players], minutes)))
    assisted = rng.binomial((fg3m + fg2m).sum(axis=-1), 0.605)
    ast = rng.multinomial(assisted, _shares(_spread(style.ast[players], minutes)))
    stolen = rng.binomial(lost.sum(axis=-1)[:, ::-1], 0.57)
    stl = rng.multinomial(stolen, _shares(_spread(style.stl[players], minutes)))
    blocked = rng.binomial((fg2a - fg2m).sum(axis=-1)[:, ::-1], 0.19)
    blk = rng.multinomial(blocked, _shares(_spread(style.blk[players], minutes)))
    fouls = rng.binomial(6, np.clip(0.62 * style.foul[players] * on_court, 0.0, 0.85))
    team_tov = rng.binomial(count, 0.0066)
    box = np.stack(
        [fg3m + fg2m, shots, fg3m, fg3a, ftm, 2 * trips, oreb, dreb, ast, stl, blk, lost, fouls],
        axis=-1,
    )
    return box, team_tov


def _cut(
    world: World,
    players: np.ndarray,
    minutes: np.ndarray,
    box: np.ndarray,
    possessions: np.ndarray,
    first_period: int,
    rng: np.random.Generator,
) -> tuple[Stints, np.ndarray]:
    """Cut a regulation time or an overtime into stints; returns them and plus-minus."""
    made, threes, free_throws = (box[..., i].sum(axis=-1) for i in (0, 2, 4))
    # Free throws come in pairs.
    baskets = np.stack([threes, made - threes + free_throws // 2, free_throws % 2], axis=-1)
    usual = _PACE * _POINTS_PER_POSSESSION
    worth = world.style.offense / usual, world.style.defense / usual
    return cut(players, minutes, baskets, possessions, worth, first_period, rng)


def _spread(rate: np.ndarray, minutes: np.ndarray) -> np.ndarray:
    return np.where(minutes > 0, rate, 0.0) * minutes


def _shares(weight: np.ndarray) -> np.ndarray:
    return weight / weight.sum(axis=-1, keepdims=True)


def _makes(
    attempts: np.ndarray, p: np.ndarray, luck: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw made shots: a share `luck` at random, the rest as expected, rounded within the side.

    Purely random shots would spread margins far wider than in real games.
    """
    random = rng.binomial(attempts, luck)
    made = rng.binomial(random, p)
    steps = np.cumsum((attempts - random) * p, axis=-1) + rng.random((*attempts.shape[:-1], 1))
    floors = np.floor(steps)
    sure = np.diff(floors, axis=-1, prepend=0.0).astype(np.int64)
    return made + np.minimum(sure, attempts - random)
