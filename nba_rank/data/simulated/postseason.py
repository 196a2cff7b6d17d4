"""Play-in and playoffs by the rules since 2020-21."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.data.assumed_fixtures import Fixtures
from nba_rank.data.league import HOST_IS_HOME
from nba_rank.data.simulated.games import Games, World, concatenate, play
from nba_rank.data.simulated.schedule import SEASON_DAYS

_PLAY_IN_DAY = {"East": SEASON_DAYS + 1, "West": SEASON_DAYS + 2}
_LAST_PLAY_IN_DAY = SEASON_DAYS + 4
_FIRST_ROUND_DAY = SEASON_DAYS + 5
_ROUND_DAYS = 16
_BETTER_IS_HOME = np.array(HOST_IS_HOME)
_BEST_OF, _TO_WIN = 7, 4
_FIRST_ROUND = ((1, 8), (2, 7), (3, 6), (4, 5))


@dataclass(frozen=True)
class PostSeason:
    """The games after the regular season.

    Attributes:
        playin: Six games.
        playin_codes: Last three digits of their ids: stage, bracket place, 1.
        playoffs: Games of fifteen series.
        playoffs_codes: Last three digits of their ids: round, series of the round, game.
    """

    playin: Games
    playin_codes: list[str]
    playoffs: Games
    playoffs_codes: list[str]


def play_postseason(world: World, table: pd.DataFrame, rng: np.random.Generator) -> PostSeason:
    """Play the play-in and the playoffs from the standings, whose `team` is a team's index."""
    seeds = {
        str(conference): dict(zip(rows["seed"], rows["team"], strict=True))
        for conference, rows in table.groupby("conference")
    }
    playin, playin_codes = _play_in(world, seeds, rng)
    league_rank = dict(zip(table["team"], table["league_rank"], strict=True))
    # Bracket order: winners of neighbours meet, 1/8 with 4/5 and 2/7 with 3/6.
    pairs = [
        (seeds[conference][high], seeds[conference][low])
        for conference in ("East", "West")
        for high, low in (_FIRST_ROUND[0], _FIRST_ROUND[3], _FIRST_ROUND[1], _FIRST_ROUND[2])
    ]
    # Series are numbered by the better seed, so 4/5 is the fourth.
    numbers = [0, 3, 1, 2, 4, 7, 5, 6]
    parts, codes = [], []
    for stage in range(4):
        games, winners, played = _round(world, pairs, stage, rng)
        parts.append(games)
        codes += [f"{stage + 1}{numbers[series]}{game + 1}" for series, game in played]
        pairs = [
            (a, b) if league_rank[a] < league_rank[b] else (b, a)
            for a, b in zip(winners[::2], winners[1::2], strict=stage < 3)
        ]
        numbers = list(range(len(pairs)))
    return PostSeason(playin, playin_codes, concatenate(parts), codes)


def _play_in(
    world: World, seeds: dict[str, dict[int, int]], rng: np.random.Generator
) -> tuple[Games, list[str]]:
    """Play for the seventh and eighth seeds, and write them into `seeds`."""
    conferences = ("East", "West")
    first = [(c, high) for c in conferences for high in (7, 9)]
    games = _play_pairs(
        world,
        [(seeds[c][high], seeds[c][high + 1]) for c, high in first],
        [_PLAY_IN_DAY[c] for c, _ in first],
        rng,
    )
    home_won = games.points[:, 0] > games.points[:, 1]
    home, away = games.fixtures.home, games.fixtures.away
    winner, loser = np.where(home_won, home, away), np.where(home_won, away, home)
    last = _play_pairs(
        world,
        [(loser[0], winner[1]), (loser[2], winner[3])],
        [_LAST_PLAY_IN_DAY, _LAST_PLAY_IN_DAY],
        rng,
    )
    for i, conference in enumerate(conferences):
        seeds[conference][7] = int(winner[2 * i])
        host_won = last.points[i, 0] > last.points[i, 1]
        side = last.fixtures.home if host_won else last.fixtures.away
        seeds[conference][8] = int(side[i])
    return concatenate([games, last]), ["101", "111", "121", "131", "201", "211"]


def _play_pairs(
    world: World, pairs: list[tuple[int, int]], days: list[int], rng: np.random.Generator
) -> Games:
    home, away = np.array(pairs, dtype=np.int64).T
    fixtures = Fixtures(home, away, np.array(days, dtype=np.int64))
    return play(world, fixtures, np.zeros((len(pairs), 2), dtype=bool), rng)


def _round(
    world: World, pairs: list[tuple[int, int]], stage: int, rng: np.random.Generator
) -> tuple[Games, list[int], list[tuple[int, int]]]:
    """Play one round; returns the games by date, winners by series, and (series, game) of each.

    All seven games of a series are drawn at once, and those after the fourth win are dropped.
    """
    n = len(pairs)
    high, low = np.array(pairs, dtype=np.int64).T
    series = np.repeat(np.arange(n), _BEST_OF)
    game = np.tile(np.arange(_BEST_OF), n)
    at_high = _BETTER_IS_HOME[game]
    west = series >= n // 2
    day = _FIRST_ROUND_DAY + _ROUND_DAYS * stage + 2 * game + (west if n > 1 else 0)
    fixtures = Fixtures(
        home=np.where(at_high, high[series], low[series]),
        away=np.where(at_high, low[series], high[series]),
        day=day,
    )
    games = play(world, fixtures, np.zeros((len(day), 2), dtype=bool), rng)
    high_won = (games.points[:, 0] > games.points[:, 1]) == at_high
    high_wins = high_won.reshape(n, _BEST_OF).cumsum(axis=1)
    low_wins = np.arange(1, _BEST_OF + 1) - high_wins
    over = (high_wins >= _TO_WIN) | (low_wins >= _TO_WIN)
    length = over.argmax(axis=1) + 1
    winners = np.where(high_wins[np.arange(n), length - 1] >= _TO_WIN, high, low)
    kept = np.flatnonzero(game < length[series])
    kept = kept[np.argsort(day[kept], kind="stable")]
    played = list(zip(series[kept].tolist(), game[kept].tolist(), strict=True))
    return games.take(kept), winners.tolist(), played
