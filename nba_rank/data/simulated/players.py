"""Players: latent skill, careers, and teams from summer to summer."""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from nba_rank.config.schema import SimParams

FREE, RETIRED = -1, -2
"""Values of `PlayerPool.team`."""

N_TEAMS = 30
MAX_ROSTER, MIN_ROSTER = 15, 13

ROTATION_MINUTES = np.array([35.0, 33.5, 31.5, 29.0, 27.0, 24.0, 21.0, 18.0, 13.0, 8.0])
"""Expected minutes of the ten best available players, best first, 240 in all."""

_ROOKIES = 60
_POOL_SIZE = 520
_GIVEN = (
    "Ado", "Bram", "Cale", "Deko", "Emre", "Fenn", "Gil", "Hollis", "Ivo", "Jarek", "Kito",
    "Lorne", "Milo", "Nash", "Odell", "Perrin", "Quill", "Ruben", "Soren", "Tavi", "Ugo", "Vance",
    "Wyn", "Xavi", "Yoel", "Zane",
)  # fmt: skip
_FIRST_SYLLABLE = (
    "Ar", "Bel", "Cor", "Dan", "El", "Fal", "Gar", "Hol", "Is", "Jor", "Kel", "Lun", "Mar", "Nor",
    "Or", "Pel", "Quin", "Ros", "Sul", "Tor", "Ul", "Var", "Wes", "Yar", "Zel",
)  # fmt: skip
_LAST_SYLLABLE = (
    "aby", "bane", "cott", "dale", "eby", "field", "gate", "holm", "ings", "kirk", "land", "mont",
    "nick", "over", "pool", "ridge", "stone", "ton", "urst", "vale", "well", "worth", "yard",
)  # fmt: skip


@dataclass
class PlayerPool:
    """All players ever, [P] each; position p belongs to player id p + 1.

    Attributes:
        peak_offense: Points per 48 minutes that the player adds to his team's score at his best
            age, relative to a fixed level.
        peak_defense: Points per 48 minutes that he takes off the opponent's score.
        age: Years on opening day.
        size: 0 for a small guard to 1 for a centre.
        shooter, passer, volume: Standard normal taste for three-pointers, passing and shooting.
        touch: Standard normal skill at free throws and long shots.
        frailty: Multiple of the league's injury rate.
        team: Index of the team, `FREE` or `RETIRED`, int64.
    """

    peak_offense: np.ndarray
    peak_defense: np.ndarray
    age: np.ndarray
    size: np.ndarray
    shooter: np.ndarray
    passer: np.ndarray
    volume: np.ndarray
    touch: np.ndarray
    frailty: np.ndarray
    team: np.ndarray

    def __len__(self) -> int:
        """Return the number of players, retired ones included."""
        return len(self.age)

    @property
    def offense(self) -> np.ndarray:
        """Offensive skill at today's age, float64 [P], points per 48 minutes."""
        return self.peak_offense + 0.6 * career_curve(self.age)

    @property
    def defense(self) -> np.ndarray:
        """Defensive skill at today's age, float64 [P], points per 48 minutes."""
        return self.peak_defense + 0.4 * career_curve(self.age)

    @property
    def skill(self) -> np.ndarray:
        """Offensive and defensive skill together, float64 [P], points per 48 minutes."""
        return self.offense + self.defense

    @property
    def value(self) -> np.ndarray:
        """Skill and a premium for youth, which clubs pay for, float64 [P], points."""
        return self.skill + 0.45 * np.clip(27.0 - self.age, -4.0, 7.0)

    def extend(self, other: "PlayerPool") -> "PlayerPool":
        """Return a pool with the players of another after those of this one."""
        names = [field.name for field in fields(self)]
        return PlayerPool(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))


def career_curve(age: np.ndarray) -> np.ndarray:
    """Return skill relative to the best years, in points per 48 minutes (0 from 27 to 31)."""
    young = np.maximum(27.0 - age, 0.0)
    old = np.maximum(age - 31.0, 0.0)
    return -0.055 * np.square(young) - 0.10 * np.square(old)


@cache
def player_name(player_id: int) -> str:
    """Return the made-up name of a player; names repeat after some 15,000 players."""
    n_surnames = len(_FIRST_SYLLABLE) * len(_LAST_SYLLABLE)
    # A stride without a common divisor visits all surnames before one repeats.
    surname = player_id * 137 % n_surnames
    given = _GIVEN[(player_id * 7 + player_id // n_surnames) % len(_GIVEN)]
    start, end = divmod(surname, len(_LAST_SYLLABLE))
    return f"{given} {_FIRST_SYLLABLE[start]}{_LAST_SYLLABLE[end]}"


def first_pool(params: SimParams, rng: np.random.Generator) -> PlayerPool:
    """Return the players of the opening summer, spread over the teams at random."""
    ages = np.repeat(np.arange(19.0, 39.0), _ROOKIES)
    pool = _newcomers(params, ages, rng)
    _retire(pool)
    active = np.flatnonzero(pool.team == FREE)
    best = active[np.argsort(-pool.value[active], kind="stable")][: N_TEAMS * (MAX_ROSTER - 1)]
    # Within tiers, since wholly random rosters would differ too much in strength.
    for tier in np.split(best, 3):
        pool.team[rng.permutation(tier)] = np.arange(len(tier)) % N_TEAMS
    _sign_free_agents(pool, pool.team.copy(), rng)
    return pool


def summer(
    pool: PlayerPool, wins: np.ndarray, params: SimParams, rng: np.random.Generator
) -> PlayerPool:
    """Return the pool one summer later: a year older, drafted by wins [30], and signed."""
    newcomers = _newcomers(params, rng.choice([19.0, 20.0, 21.0, 22.0], size=_ROOKIES), rng)
    pool = pool.extend(newcomers)
    rookie = np.arange(len(pool)) >= len(pool) - _ROOKIES
    active = pool.team != RETIRED
    pool.age = pool.age + (active & ~rookie)
    for peak in (pool.peak_offense, pool.peak_defense):
        peak += np.where(active & ~rookie, rng.normal(0.0, 0.45, len(pool)), 0.0)
    previous_team = pool.team.copy()
    ends = rng.random(len(pool)) < params.movement_rate
    pool.team[ends & (pool.team >= 0)] = FREE
    _retire(pool)
    prospects = np.flatnonzero(rookie & (pool.team == FREE))
    seen = pool.value[prospects] + rng.normal(0.0, 1.5, len(prospects))
    picks = prospects[np.argsort(-seen)][:N_TEAMS]
    # The lottery: bad records help, but do not decide.
    order = np.argsort(wins + rng.normal(0.0, 10.0, N_TEAMS))
    pool.team[picks] = order[: len(picks)]
    for team in range(N_TEAMS):
        members = np.flatnonzero(pool.team == team)
        surplus = members[np.argsort(-pool.value[members])][MAX_ROSTER:]
        pool.team[surplus] = FREE
    _sign_free_agents(pool, previous_team, rng)
    return pool


def _newcomers(params: SimParams, ages: np.ndarray, rng: np.random.Generator) -> PlayerPool:
    """Draw players without a team; talent is skewed, so that few are far better than the rest."""
    n = len(ages)
    size = rng.beta(1.6, 1.6, n)
    skewed = (rng.gamma(4.0, size=n) - 4.0) / np.sqrt(4.0)
    return PlayerPool(
        peak_offense=params.talent_spread * 0.85 * skewed,
        peak_defense=params.talent_spread * 0.527 * rng.normal(size=n) + 1.0 * (size - 0.5),
        age=ages.astype(np.float64),
        size=size,
        shooter=rng.normal(size=n),
        passer=rng.normal(size=n),
        volume=rng.normal(size=n),
        touch=rng.normal(size=n),
        frailty=rng.gamma(3.0, 1.0 / 3.0, n),
        team=np.full(n, FREE, dtype=np.int64),
    )


def _retire(pool: PlayerPool) -> None:
    """Retire the oldest and all but the best few hundred."""
    pool.team[pool.age >= 41] = RETIRED
    active = np.flatnonzero(pool.team != RETIRED)
    leaving = active[np.argsort(-pool.value[active], kind="stable")][_POOL_SIZE:]
    pool.team[leaving] = RETIRED


def rotation_strength(skill: np.ndarray) -> np.ndarray:
    """Return the strength of the ten best at `ROTATION_MINUTES`, in points per game, [...].

    `skill` is in points per 48 minutes, -inf where there is no player, float64 [..., K], K >= 10.
    """
    best = -np.sort(-skill, axis=-1)[..., : len(ROTATION_MINUTES)]
    return best @ (ROTATION_MINUTES / 48.0)


def roster_table(pool: PlayerPool) -> np.ndarray:
    """Return the rosters, int64 [30, 15]: positions in the pool, then -1."""
    table = np.full((N_TEAMS, MAX_ROSTER), -1, dtype=np.int64)
    for team in range(N_TEAMS):
        members = np.flatnonzero(pool.team == team)
        table[team, : len(members)] = members
    return table


def _sign_free_agents(
    pool: PlayerPool, previous_team: np.ndarray, rng: np.random.Generator
) -> None:
    """Sign free agents, the most wanted first, until every team has 14 or 15 players.

    A free agent prefers his last team and, slightly, weak teams.
    """
    free = np.flatnonzero(pool.team == FREE)
    free = free[np.argsort(-pool.value[free], kind="stable")]
    skill = pool.skill
    floor = np.sort(skill[pool.team >= 0])[0] if (pool.team >= 0).any() else skill.min()
    rosters = [list(skill[pool.team == team]) for team in range(N_TEAMS)]
    limit = rng.integers(MAX_ROSTER - 1, MAX_ROSTER + 1, N_TEAMS)
    open_spots = limit - np.array([len(roster) for roster in rosters])
    strength = np.array([_partial_strength(roster, floor) for roster in rosters])
    for player in free:
        if (open_spots <= 0).all():
            break
        appeal = (strength.mean() - strength) / 60.0
        if previous_team[player] >= 0:
            appeal[previous_team[player]] += 2.5
        weight = np.where(open_spots > 0, np.exp(appeal) * np.maximum(open_spots, 0), 0.0)
        team = int(np.searchsorted(np.cumsum(weight), rng.random() * weight.sum(), side="right"))
        pool.team[player] = team
        rosters[team].append(skill[player])
        strength[team] = _partial_strength(rosters[team], floor)
        open_spots[team] -= 1


def _partial_strength(skills: list[float], floor: float) -> float:
    """Return the strength of an unfinished roster, its gaps filled with the poorest player."""
    gaps = max(len(ROTATION_MINUTES) - len(skills), 0)
    return float(rotation_strength(np.array([*skills, *[floor] * gaps])))
