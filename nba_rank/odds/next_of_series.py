"""The next game of each play-in pairing and series, by what is known of it on the morning.

A series is won by strengths that hold for all its games; the models of single games know more of
the next one, such as who can play. It is played with their probability, on average over the doubt
in the strengths, which stays common to all games: a pairing of one game is won as often as they
say.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from nba_rank.odds.next_games import NextGames
from nba_rank.odds.pairings import pairings
from nba_rank.odds.past_games import Meetings
from nba_rank.odds.season_sim import NextGame, SeasonStrengths, Situation


def with_next_games(
    mornings: Sequence[tuple[Situation, SeasonStrengths]],
    models: NextGames,
    frame: pd.DataFrame,
    edges: Sequence[float],
) -> list[tuple[Situation, SeasonStrengths]]:
    """Return mornings whose strengths know the next games of all known and open series.

    Args:
        mornings: What is known of the season, and the strengths of the teams.
        models: Models of single games.
        frame: Rated teams, as the models read them; those of each morning in ascending order of id,
            one morning after the other.
        edges: Home edge on each morning, points.
    """
    rows, found = 0, []
    for number, (situation, strengths) in enumerate(mornings):
        found += [(number, rows, one) for one in pairings(situation.settled())]
        rows += len(strengths.playoffs)
    if not found:
        return list(mornings)
    first = np.array([row for _, row, _ in found])
    host, guest = np.array([one.teams for _, _, one in found]).T
    home = np.array([one.next_home for _, _, one in found])
    court = np.array([not mornings[number][0].neutral_playoffs for number, _, _ in found], float)
    edge = np.array([edges[number] for number, _, _ in found]) * court
    away = host + guest - home
    meetings = Meetings(first + home, first + away, edge, court, np.zeros(len(found)))
    told = models.forecast(frame, meetings, "playoffs")
    margin, margin_sd = (told[name].to_numpy() for name in ("expected_margin", "margin_sd"))
    margin = np.where(home == host, margin, -margin)
    next_games: list[list[NextGame]] = [[] for _ in mornings]
    for (number, _, one), of_host, sd in zip(
        found, margin.tolist(), margin_sd.tolist(), strict=True
    ):
        strengths = mornings[number][1]
        # A normal doubt in both strengths makes the spread of a game wider, and does nothing else.
        spread = np.hypot(strengths.playoffs_noise, np.sqrt(2) * strengths.playoffs_doubt)
        gap = strengths.playoffs[one.teams[0]] - strengths.playoffs[one.teams[1]]
        own = NextGame(one.round, one.teams, of_host, sd, float(spread * of_host / sd - gap))
        next_games[number].append(own)
    return [
        (situation, replace(strengths, next_games=tuple(games)))
        for (situation, strengths), games in zip(mornings, next_games, strict=True)
    ]
