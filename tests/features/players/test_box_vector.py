from math import e, log

import numpy as np
import pandas as pd
import pytest
from made_games import line

from nba_rank.features.asof import day_of
from nba_rank.features.players.box_vector import VECTOR, BoxSums
from nba_rank.features.players.game_days import PlayerGames

GAME = ("2022-11-01", 1, 2, 110, 100)
# Points a minute of all: 34 / 96.
LINES = [
    line("2022-11-01", 1, 1, 40, points=20, plus_minus=12),
    line("2022-11-01", 2, 1, 8, points=1, plus_minus=np.nan),
    line("2022-11-01", 3, 2, 40, points=10),
    line("2022-11-01", 4, 2, 8, points=3),
]
NO_DECAY = 1e12


def sums_before(tables, day, *, decay_days=NO_DECAY, shrink_minutes=20.0):
    games = PlayerGames.of(tables)
    sums = BoxSums(len(games.player_ids), decay_days=decay_days, shrink_minutes=shrink_minutes)
    for games_of_day in games:
        if games_of_day.day < day:
            sums.add(games_of_day)
    return sums


def vectors(tables, date, **parameters):
    """The box vectors on a date, by player id and column."""
    day = day_of(pd.Timestamp(date))
    got = sums_before(tables, day, **parameters).vectors(day)
    return pd.DataFrame(got, index=PlayerGames.of(tables).player_ids, columns=VECTOR)


def test_rates_by_hand(small_tables):
    points = vectors(small_tables([GAME], LINES), "2022-11-02")["points_per_36"]
    league = 34 / 96
    # Players 2 and 4 have fewer than the 20 minutes of the shrinkage.
    low = (1 - 8 * league + 3 - 8 * league) / 16
    expected = {
        1: 36 * (20 - 40 * league + 20 * low) / 60,
        2: 36 * (1 - 8 * league + 20 * low) / 28,
        3: 36 * (10 - 40 * league + 20 * low) / 60,
        4: 36 * (3 - 8 * league + 20 * low) / 28,
    }
    assert points.to_dict() == pytest.approx(expected)


def test_minutes_margin_and_plus_minus_by_hand(small_tables):
    got = vectors(small_tables([GAME], LINES), "2022-11-02")
    one, two, three = got.loc[1], got.loc[2], got.loc[3]
    assert one["minutes_per_game"] == pytest.approx((40 + 2 * 10) / (1 + 2))
    assert one["team_margin"] == pytest.approx(10 * 40 / (40 + 300))
    assert three["team_margin"] == pytest.approx(-10 * 40 / (40 + 300))
    # Of the team's 10 points, 40 of 48 minutes times five explain 41.7.
    beyond = 12 - 10 * 5 * 40 / 48
    assert one["plus_minus_per_36"] == pytest.approx(36 * beyond / (40 + 800))
    assert two["plus_minus_per_36"] == 0
    assert one["log_minutes"] == pytest.approx(log(1 + 40 / 500))


def test_a_game_without_plus_minus_does_not_count_for_it(small_tables):
    games = [GAME, ("2022-11-03", 1, 2, 90, 100)]
    lines = [*LINES, line("2022-11-03", 1, 1, 30, plus_minus=np.nan), line("2022-11-03", 3, 2, 30)]
    one, two = (vectors(small_tables(games, lines), day).loc[1, "plus_minus_per_36"]
                for day in ("2022-11-02", "2022-11-04"))  # fmt: skip
    assert one == pytest.approx(two)
    assert one != 0


def test_games_fade_with_the_days_since(small_tables):
    games = [GAME, ("2022-11-11", 1, 2, 90, 100)]
    lines = [*LINES, line("2022-11-11", 1, 1, 20, points=2), line("2022-11-11", 3, 2, 20)]
    got = vectors(small_tables(games, lines), "2022-11-21", decay_days=10.0).loc[1]
    minutes = 40 / e**2 + 20 / e
    assert got["minutes_per_game"] == pytest.approx((minutes + 20) / (1 / e**2 + 1 / e + 2))
    assert got["team_margin"] == pytest.approx((10 * 40 / e**2 - 10 * 20 / e) / (minutes + 300))
    assert got["log_minutes"] == pytest.approx(log(1 + minutes / 500))
    # The league's rate on the second day: its own games and the faded ones of the first.
    first, second = 34 / 96, (34 / e + 2) / (96 / e + 40)
    total = (20 - 40 * first) / e**2 + (2 - 20 * second) / e
    got = vectors(small_tables(games, lines), "2022-11-21", decay_days=10.0, shrink_minutes=0.0)
    assert got.loc[1, "points_per_36"] == pytest.approx(36 * total / minutes)


def test_a_missing_count_is_not_zero(small_tables):
    """The league's rate is that of the players with the count."""
    gap = [line("2022-11-01", 1, 1, 40, points=np.nan), *LINES[1:]]
    points = vectors(small_tables([GAME], gap), "2022-11-02", shrink_minutes=0.0)["points_per_36"]
    assert points[1] == 0
    assert points[3] == pytest.approx(36 * (10 - 40 * 14 / 56) / 40)


def test_a_player_without_games_stands_at_the_low_minute_mean(small_tables):
    tables = small_tables([GAME], LINES, rosters=[("2022-11-01", 1, [9])])
    nine = vectors(tables, "2022-11-02").loc[9]
    assert nine["points_per_36"] == pytest.approx(36 * (1 + 3 - 16 * 34 / 96) / 16)
    rest = ["minutes_per_game", "team_margin", "plus_minus_per_36", "log_minutes"]
    assert nine[rest].tolist() == [10, 0, 0, 0]
    # Without shrinkage he is known too.
    for date in ("2022-11-01", "2022-11-02"):
        got = vectors(tables, date, shrink_minutes=0.0)
        assert np.isfinite(got).all(axis=None)
        assert got.loc[9, "points_per_36"] == 0


def test_a_players_vector_does_not_depend_on_who_else_is_asked_for(sim_tables):
    day = day_of(pd.Timestamp("2022-01-10"))
    sums = sums_before(sim_tables, day)
    some = np.array([7, 0, 100, 7])
    np.testing.assert_array_equal(sums.vectors(day, some), sums.vectors(day)[some])
