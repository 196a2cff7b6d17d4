import numpy as np
import pandas as pd
import pytest
from made_games import line

from nba_rank.features.asof import day_of
from nba_rank.features.players.game_days import COUNTS, PlayerGames

GAMES = [
    ("2022-11-03", 4, 3, 90, 95, {"neutral": True}),
    ("2022-11-01", 1, 2, 110, 100),
    ("2022-11-03", 2, 1, 104, 101),
]
LINES = [
    line("2022-11-01", 7, 1, 36, points=20, stl=np.nan, plus_minus=9),
    line("2022-11-01", 5, 1, 12, points=4),
    line("2022-11-01", 9, 2, 40),
    line("2022-11-03", 7, 1, 30, points=11),
    line("2022-11-03", 9, 2, 30, plus_minus=np.nan),
    line("2022-11-03", 8, 2, 20),
    line("2022-11-03", 3, 3, 10),
    line("2022-11-03", 4, 4, 10),
]


@pytest.fixture
def games(small_tables):
    return PlayerGames.of(small_tables(GAMES, LINES, rosters=[("2023-02-01", 1, [6, 7])]))


def test_the_first_day_by_hand(games):
    # Everyone in the logs or a roster file has a slot.
    assert games.player_ids.tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert games.team_ids.tolist() == [1, 2, 3, 4]
    day, _ = games
    assert (day.day, day.season) == (day_of(pd.Timestamp("2022-11-01")), 2022)
    assert games.player_ids[day.player].tolist() == [5, 7, 9]
    assert games.team_ids[day.team].tolist() == [1, 1, 2]
    assert day.game.tolist() == [0, 0, 0]
    assert day.place.tolist() == [0, 1, 2]
    assert day.side.tolist() == [1, 1, -1]
    assert day.minutes.tolist() == [12, 36, 40]
    assert day.share.tolist() == [5 * 12 / 48, 5 * 36 / 48, 5]
    assert day.margin.tolist() == [10, 10, -10]
    np.testing.assert_array_equal(day.plus_minus, [0, 9, 0])
    assert (day.home_margin.tolist(), day.neutral.tolist()) == ([10], [False])
    np.testing.assert_array_equal(day.counts[:, COUNTS.index("points")], [4, 20, 0])
    np.testing.assert_array_equal(day.counts[:, COUNTS.index("stl")], [0, np.nan, 0])


def test_the_games_of_a_day_stay_apart(games):
    _, day = games
    # Ids number the games in the order given: the first is that of teams 4 and 3.
    assert games.player_ids[day.player].tolist() == [3, 4, 7, 8, 9]
    assert day.game.tolist() == [0, 0, 1, 1, 1]
    assert day.side.tolist() == [-1, 1, -1, 1, 1]
    assert day.margin.tolist() == [5, -5, -3, 3, 3]
    assert (day.home_margin.tolist(), day.neutral.tolist()) == ([-5, 3], [True, False])
    np.testing.assert_allclose(day.share, [5, 5, 5, 2, 3])
    assert np.isnan(day.plus_minus[4])


def test_without_player_games_there_are_slots_but_no_days(small_tables):
    games = PlayerGames.of(small_tables(GAMES, rosters=[("2022-10-20", 1, [6, 7])]))
    assert list(games) == []
    assert games.player_ids.tolist() == [6, 7]


def test_every_player_game_comes_once_and_shares_sum_to_five(sim_tables):
    games = PlayerGames.of(sim_tables)
    seen = list(games)
    assert [day.day for day in seen] == sorted({day.day for day in seen})
    assert sum(len(day.player) for day in seen) == len(sim_tables.player_games)
    for day in seen:
        for side in (1, -1):
            of_side = day.side == side
            shares = np.bincount(day.game[of_side], day.share[of_side])
            np.testing.assert_allclose(shares, 5.0, rtol=1e-12)
        assert len(day.home_margin) == len(day.neutral) == day.game.max() + 1
        np.testing.assert_array_equal(day.margin, day.side * day.home_margin[day.game])
