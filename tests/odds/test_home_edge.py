import numpy as np
import pandas as pd
import pytest

from nba_rank.data.venues import neutral_courts
from nba_rank.features.asof import days
from nba_rank.odds.home_edge import DECAY_SEASONS, FIRST_EDGE, PRIOR_GAMES, HomeEdge

NEUTRAL, PLAYOFFS = {"neutral": True}, {"kind": "playoffs"}
GAMES = [
    ("2021-11-01", 1, 2, 110, 100),
    ("2021-11-03", 2, 1, 100, 102),
    ("2021-11-05", 1, 2, 150, 100, NEUTRAL),
    ("2022-04-20", 1, 2, 140, 100, PLAYOFFS),
    ("2022-11-01", 1, 2, 106, 100),
    ("2022-11-05", 2, 1, 100, 103),
]


def edge_at(tables, season: int, *dates: str) -> np.ndarray:
    day = days(pd.DatetimeIndex([pd.Timestamp(date) for date in dates]))
    return HomeEdge.of(tables).at(np.full(len(day), season), day)


def test_the_edge_by_hand(small_league):
    tables = small_league(GAMES, 2)
    first = edge_at(tables, 2021, "2021-11-01", "2021-11-02", "2021-11-04", "2022-04-01")
    sums = np.array([0, 10, 8, 8])
    np.testing.assert_allclose(first, (3000 + sums) / (1000 + np.array([0, 1, 2, 2])))
    # One season further, what stands in for the time before counts as much as the season of 2021.
    prior = (3000 + 8) / (1000 + 2)
    second = edge_at(tables, 2022, "2022-10-20", "2022-11-01", "2022-11-02", "2022-11-06")
    expected = [prior, prior, (1000 * prior + 6) / 1001, (1000 * prior + 3) / 1002]
    np.testing.assert_allclose(second, expected)
    # After another, both have faded beside it, games and margins alike.
    keep = np.exp(-1 / DECAY_SEASONS)
    third = (keep * 3008 + 3) / (keep * 1002 + 2)
    np.testing.assert_allclose(edge_at(tables, 2023, "2023-11-01"), third)
    assert (FIRST_EDGE, PRIOR_GAMES) == (3.0, 1000.0)


def test_the_edge_before_any_game_and_outside_the_tables(small_league):
    tables = small_league(GAMES, 2)
    assert edge_at(tables, 2021, "2021-10-25") == FIRST_EDGE
    assert edge_at(tables, 2019, "2019-11-01") == FIRST_EDGE
    assert edge_at(tables, 2026, "2026-11-01") == edge_at(tables, 2023, "2023-11-01")


def test_neutral_courts_and_other_kinds_of_game_play_no_part(small_league):
    counted = [game for game in GAMES if len(game) == 5]
    dates = [f"2022-11-{day:02d}" for day in range(1, 8)]
    np.testing.assert_array_equal(
        edge_at(small_league(GAMES, 2), 2022, *dates),
        edge_at(small_league(counted, 2), 2022, *dates),
    )


def test_after_the_restart_of_2019_20_nobody_was_at_home(small_league):
    games = [
        ("2020-03-10", 1, 2, 101, 100),
        ("2020-07-29", 1, 2, 102, 100),
        ("2020-07-30", 1, 2, 150, 100),
        ("2020-09-01", 2, 1, 150, 100, PLAYOFFS),
        ("2020-12-23", 2, 1, 105, 100),
        ("2021-07-30", 2, 1, 105, 100),
        ("2021-08-30", 2, 1, 105, 100, NEUTRAL),
    ]
    tables = small_league(games, 2)
    neutral = [False, False, True, True, False, False, True]
    np.testing.assert_array_equal(neutral_courts(tables.games), neutral)
    assert not tables.games["neutral_site"][:-1].any()
    np.testing.assert_allclose(edge_at(tables, 2019, "2020-09-01"), 3003 / 1002)


def test_games_of_the_day_and_later_play_no_part(sim_tables, poison, cut):
    for date in ("2022-01-10", "2022-10-18", "2023-03-01", "2024-02-01"):
        season = int(date[:4]) - (date[5:] < "10")
        expected = edge_at(sim_tables, season, date)
        for spoil in (poison, cut):
            spoiled = spoil(sim_tables, pd.Timestamp(date))
            np.testing.assert_array_equal(edge_at(spoiled, season, date), expected)


@pytest.mark.real
def test_the_edge_of_the_real_league_has_fallen(real_tables):
    at = {year: edge_at(real_tables, year, f"{year + 1}-03-01")[0] for year in range(2002, 2024)}
    assert 3 < np.mean([at[year] for year in range(2002, 2008)]) < 4
    assert 1.5 < np.mean([at[year] for year in range(2021, 2024)]) < 2.7
    # Most of the change from one year to the next is slow.
    assert np.abs(np.diff(list(at.values()))).max() < 0.8
