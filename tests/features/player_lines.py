"""Games of players for `small_tables`, by hand and at random."""

import numpy as np

from nba_rank.features.players.game_days import COUNTS


def line(day, player, team, minutes, **box):
    """One player's game."""
    return (day, player, team, minutes * 60, {name: float(value) for name, value in box.items()})


def random_league(rng, days, teams):
    """Every team plays on every day, against whom chance picks, and all its players play.

    Args:
        rng: Source of everything.
        days: Dates of the games.
        teams: The players of each team.

    Returns:
        Games and players' games.
    """
    games, lines = [], []
    for day in days:
        order = rng.permutation(list(teams))
        for home, away in zip(order[::2], order[1::2], strict=True):
            points = 100 + rng.choice(60, 2, replace=False)
            neutral = bool(rng.random() < 0.2)
            games.append((day, home, away, points[0], points[1], {"neutral": neutral}))
            for team in (home, away):
                for player in teams[team]:
                    box = dict(zip(COUNTS, rng.integers(0, 15, len(COUNTS)), strict=True))
                    box["plus_minus"] = rng.choice([np.nan, *range(-20, 21)])
                    lines.append(line(day, player, team, int(rng.integers(5, 45)), **box))
    return games, lines
