from dataclasses import replace
from itertools import chain
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_games import line

from nba_rank.data import league
from nba_rank.features.asof import days
from nba_rank.features.players.game_days import PlayerGames
from nba_rank.features.players.minutes import (
    NEWCOMER_MINUTES,
    NOBODY,
    REGULAR,
    ROTATION_SIZE,
    MinutesBook,
    team_shares,
)


def expected(tables, *dates, half_life=12.0):
    """Team, expected and full-strength minutes by player on the last of the dates asked for."""
    games = PlayerGames.of(tables)
    book = MinutesBook(games, tables, half_life=half_life)
    upcoming = list(games)
    for date in pd.DatetimeIndex(dates):
        day = int(days(pd.DatetimeIndex([date]))[0])
        while upcoming and upcoming[0].day < day:
            book.add(upcoming.pop(0))
        got = book.expected(day, date.year if date.month >= 8 else date.year - 1)
    team = np.where(got.team == NOBODY, NOBODY, games.team_ids[got.team])
    return pd.DataFrame(
        {"team": team, "minutes": got.minutes, "full_strength": got.full_strength},
        index=games.player_ids,
    )


def season(year, n_games, playing):
    """Games of team 1 against team 2 and their lines; 98 and 99 always play.

    Args:
        year: Start year.
        n_games: Games, on 1 November and the days after it.
        playing: Player of team 1 to his minutes in each game, 0 for none.
    """
    dates = [f"{day:%Y-%m-%d}" for day in pd.date_range(f"{year}-11-01", periods=n_games)]
    games = [(date, 1, 2, 101, 100) for date in dates]
    lines = [line(date, player, team, 48) for date in dates for player, team in ((98, 1), (99, 2))]
    for player, minutes in playing.items():
        shown = zip(dates, minutes, strict=True)
        lines += [line(date, player, 1, amount) for date, amount in shown if amount]
    return games, lines


def together(*seasons):
    """Games and lines of several seasons."""
    return tuple(list(chain.from_iterable(parts)) for parts in zip(*seasons, strict=True))


# Expected minutes.


def test_newer_games_weigh_more(small_tables):
    tables = small_tables(*season(2022, 3, {1: [30, 20, 10]}), n_teams=2)
    got = expected(tables, "2022-11-04", half_life=1.0).loc[1]
    assert got["minutes"] == pytest.approx((30 / 4 + 20 / 2 + 10) / (1 / 4 + 1 / 2 + 1))
    assert got["full_strength"] == got["minutes"]
    # The day itself does not count.
    before = expected(tables, "2022-11-03", half_life=1.0).loc[1]
    assert before["minutes"] == pytest.approx((30 / 2 + 20) / (1 / 2 + 1))


def test_last_seasons_average_counts_for_two_and_a_half_games(small_tables):
    seasons = season(2021, 2, {1: [30, 10]}), season(2022, 2, {1: [36, 24], 2: [10, 10]})
    tables = small_tables(*together(*seasons), n_teams=2)
    opening = expected(tables, "2022-11-01").loc[1]
    assert opening["minutes"] == opening["full_strength"] == pytest.approx(20)
    got = expected(tables, "2022-11-03", half_life=1.0)
    assert got.loc[1, "minutes"] == pytest.approx((36 / 2 + 24 + 2.5 * 20) / (1.5 + 2.5))
    # Player 2 has no last season: his games alone.
    assert got.loc[2, "minutes"] == pytest.approx(10)


def test_the_average_is_of_the_last_season_played(small_tables):
    tables = small_tables(
        *together(
            season(2019, 1, {1: [30]}),
            season(2020, 2, {1: [12, 0], 2: [0, 20]}),
            season(2021, 1, {2: [8]}),
            season(2022, 1, {1: [5], 2: [5]}),
        ),
        n_teams=2,
    )
    got = expected(tables, "2022-11-02", half_life=1.0)["minutes"]
    assert got[1] == pytest.approx((5 + 2.5 * 12) / 3.5)
    assert got[2] == pytest.approx((5 + 2.5 * 8) / 3.5)


def test_presence_lately_lowers_both(small_tables):
    tables = small_tables(*season(2022, 3, {1: [30, 0, 20]}), n_teams=2)
    got = expected(tables, "2022-11-04", half_life=1.0).loc[1]
    present, of = 1 / 4 + 1, 1 / 4 + 1 / 2 + 1
    # A missed game does not fade the minutes of the games played.
    minutes = (30 / 2 + 20) / (1 / 2 + 1)
    assert got["minutes"] == pytest.approx(minutes * sqrt((present + 2.5) / (of + 2.5)))
    assert got["full_strength"] == got["minutes"]


@pytest.mark.parametrize(
    ("missed", "factor"), [(0, 1.0), (4, 1.0), (5, 0.5), (11, 0.5), (12, 0.15), (14, 0.15)]
)
def test_an_absence_right_now_lowers_expected_minutes_only(small_tables, missed, factor):
    tables = small_tables(*season(2022, missed + 1, {1: [30] + [0] * missed}), n_teams=2)
    got = expected(tables, "2022-12-01").loc[1]
    assert got["minutes"] / got["full_strength"] == pytest.approx(factor)
    weights = 0.5 ** (np.arange(missed + 1) / 12)
    presence = (weights[-1] + 2.5) / (weights.sum() + 2.5)
    assert got["full_strength"] == pytest.approx(30 * sqrt(presence))


def test_who_is_back_is_expected_again(small_tables):
    tables = small_tables(*season(2022, 15, {1: [30] + [0] * 13 + [30]}), n_teams=2)
    away, back = expected(tables, "2022-11-15").loc[1], expected(tables, "2022-11-16").loc[1]
    assert away["minutes"] == pytest.approx(0.15 * away["full_strength"])
    assert back["minutes"] == back["full_strength"] > away["full_strength"]


def test_a_new_season_forgives_an_absence(small_tables):
    seasons = season(2021, 20, {1: [30] * 6 + [0] * 14}), season(2022, 1, {1: [0]})
    tables = small_tables(*together(*seasons), n_teams=2)
    assert expected(tables, "2021-11-21").loc[1, "minutes"] < 4
    assert expected(tables, "2022-11-01").loc[1, "minutes"] == pytest.approx(30)


# Teams.


def test_a_player_is_on_the_team_of_his_newest_game(small_tables):
    games = [("2022-11-01", 1, 2, 101, 100), ("2022-11-03", 2, 1, 101, 100)]
    lines = [line("2022-11-01", 8, 1, 30), line("2022-11-01", 9, 2, 30),
             line("2022-11-03", 8, 2, 30), line("2022-11-03", 7, 1, 30)]  # fmt: skip
    tables = small_tables(games, lines, n_teams=2)
    assert expected(tables, "2022-11-01")["team"].to_dict() == dict.fromkeys([7, 8, 9], NOBODY)
    assert expected(tables, "2022-11-03")["team"].to_dict() == {7: NOBODY, 8: 1, 9: 2}
    assert expected(tables, "2022-11-04")["team"].to_dict() == {7: 1, 8: 2, 9: 2}


def test_a_trade_does_not_count_as_an_absence(small_tables):
    """Both teams play on the day of a traded player's first game: one game for him."""
    games = [(f"2022-11-0{day}", 1, 2, 101, 100) for day in (1, 2)]
    lines = [line("2022-11-01", 8, 1, 30), line("2022-11-02", 8, 2, 30),
             line("2022-11-01", 9, 2, 30), line("2022-11-02", 7, 1, 30)]  # fmt: skip
    got = expected(small_tables(games, lines, n_teams=2), "2022-11-03").loc[8]
    assert got["minutes"] == pytest.approx(30)


def test_who_sat_out_a_whole_season_leaves(small_tables):
    tables = small_tables(
        *together(
            season(2020, 1, {1: [30], 2: [20]}),
            season(2021, 1, {2: [20]}),
            season(2022, 1, {2: [20]}),
        ),
        n_teams=2,
    )
    assert expected(tables, "2021-11-02").loc[1, "team"] == 1
    assert expected(tables, "2022-11-01")["team"].to_dict() == {1: NOBODY, 2: 1, 98: 1, 99: 2}


@pytest.fixture(scope="module")
def with_rosters(small_tables):
    seasons = together(
        season(2021, 1, {1: [30], 2: [20], 3: [10]}),
        season(2022, 2, {1: [30, 30], 3: [10, 10], 4: [12, 12]}),
    )
    return lambda *rosters: small_tables(*seasons, n_teams=3, rosters=rosters)


def test_a_roster_file_names_the_whole_of_its_teams_and_leaves_the_others(with_rosters):
    tables = with_rosters(("2022-10-20", 1, [2, 5]), ("2022-10-20", 3, [1]))
    before, after = expected(tables, "2022-10-19"), expected(tables, "2022-10-20")
    assert before["team"].to_dict() == {1: 1, 2: 1, 3: 1, 4: NOBODY, 5: NOBODY, 98: 1, 99: 2}
    # 1 moved, 3 and 98 are listed nowhere, 5 is new; 99 is of a team without a file.
    assert after["team"].to_dict() == {
        1: 3, 2: 1, 3: NOBODY, 4: NOBODY, 5: 1, 98: NOBODY, 99: 2
    }  # fmt: skip
    assert after.loc[[1, 2, 5], "minutes"].tolist() == [30, 20, NEWCOMER_MINUTES]


def test_a_game_after_the_file_counts_more_and_a_file_on_its_morning_less(with_rosters):
    tables = with_rosters(("2022-11-01", 1, [1, 2]), ("2022-11-03", 1, [1, 4]))
    assert expected(tables, "2022-11-01").loc[[1, 2, 3, 4], "team"].tolist() == [1, 1, -1, -1]
    assert expected(tables, "2022-11-02").loc[[1, 2, 3, 4], "team"].tolist() == [1, 1, 1, 1]
    assert expected(tables, "2022-11-03").loc[[1, 2, 3, 4], "team"].tolist() == [1, -1, -1, 1]


def test_a_summers_file_is_read_when_its_season_opens(with_rosters):
    """Whether or not a date of the season before, after the file's, was asked for on the way."""
    tables = with_rosters(("2022-07-10", 1, [1, 5]))
    late = tables.rosters.assign(season="2022-23")
    tables = type(tables)(**dict(tables.items()) | {"rosters": late})
    alone = expected(tables, "2022-10-25")
    assert alone.index[alone["team"] == 1].tolist() == [1, 5]
    pd.testing.assert_frame_equal(expected(tables, "2022-07-15", "2022-10-25"), alone)


# Shares.


def shares(minutes):
    return team_shares(np.array(minutes, dtype=float), np.zeros(len(minutes), dtype=int), 1)


def test_nine_equal_players_share_equally_and_the_tenth_gets_nothing():
    np.testing.assert_allclose(shares([20] * 9), 5 / 9)
    got = shares([20, 20, 20, 20, 19, 20, 20, 20, 20, 20])
    assert got[4] == 0
    np.testing.assert_allclose(np.delete(got, 4), 5 / 9)


def test_shares_go_with_minutes_to_the_power_of_one_point_three():
    minutes = np.array([28, 27, 26, 25, 24, 23, 22, 21, 20])
    got = shares(minutes)
    np.testing.assert_allclose(got, 5 * minutes**1.3 / (minutes**1.3).sum())
    assert got.max() < REGULAR.cap / 48


def test_what_the_cap_takes_goes_to_the_others():
    got = shares([48, *[10] * 8])
    assert got[0] == pytest.approx(38 / 48)
    np.testing.assert_allclose(got[1:], (5 - 38 / 48) / 8)
    # The second is over the cap only once the first has been capped.
    minutes = np.array([60.0, 33.0, *[20.0] * 7]) ** 1.3
    assert 5 * minutes[1] / minutes.sum() < 38 / 48 < (5 - 38 / 48) * minutes[1] / minutes[1:].sum()
    got = shares([60, 33, *[20] * 7])
    np.testing.assert_allclose(got, [38 / 48] * 2 + [(5 - 2 * 38 / 48) / 7] * 7)


def test_too_few_players_all_play_to_the_cap():
    np.testing.assert_allclose(shares([40, 20, 10]), 38 / 48)
    assert shares([0.0, 0.0]).tolist() == [0, 0]


@st.composite
def leagues(draw):
    """Expected minutes and teams, some without one."""
    n = draw(st.integers(0, 60))
    minutes = draw(
        hnp.arrays(float, n, elements=st.floats(0.1, 48.0, allow_subnormal=False), unique=True)
    )
    return minutes, draw(hnp.arrays(np.int64, n, elements=st.integers(NOBODY, 3)))


@settings(max_examples=100, deadline=None)
@given(league=leagues())
def test_a_teams_shares_sum_to_five_and_keep_the_order(league):
    minutes, team = league
    got = team_shares(minutes, team, 4)
    assert ((got >= 0) & (got <= REGULAR.cap / 48 * (1 + 1e-12))).all()
    assert (got[team == NOBODY] == 0).all()
    for slot in range(4):
        own, of = got[team == slot], minutes[team == slot]
        assert (own > 0).sum() == min(len(own), ROTATION_SIZE)
        assert own.sum() == pytest.approx(min(5.0, min(len(own), ROTATION_SIZE) * REGULAR.cap / 48))
        assert (np.diff(own[np.argsort(of)]) >= -1e-12).all()
        # Other teams do not matter, nor does the order of the players.
        np.testing.assert_allclose(own, team_shares(of, np.zeros(len(of), dtype=int), 1))
    turned = np.arange(len(team))[::-1]
    np.testing.assert_allclose(team_shares(minutes[turned], team[turned], 4), got[turned])


# Franchises.


def test_players_leave_a_club_that_is_not_in_the_league_and_follow_one_that_moves(
    small_tables, monkeypatch
):
    """Team 1 is not in the league of the next season; its id returns one later."""
    tables = small_tables(
        *together(
            season(2021, 1, {1: [30]}),
            (
                [("2022-11-01", 2, 3, 101, 100)],
                [line("2022-11-01", 99, 2, 48), line("2022-11-01", 97, 3, 48)],
            ),
            season(2023, 1, {4: [30]}),
        ),
        n_teams=3,
    )
    gone = (tables.teams["season"] == "2022-23") & (tables.teams["team_id"] == 1)
    tables = replace(tables, teams=tables.teams[~gone].reset_index(drop=True))
    teams = expected(tables, "2022-10-31")["team"]
    assert teams[[1, 98, 99]].tolist() == [NOBODY, NOBODY, 2]
    assert expected(tables, "2022-11-02")["team"][[1, 98, 97]].tolist() == [NOBODY, NOBODY, 3]
    monkeypatch.setattr(league, "_MOVED", {1: (2022, 3)})
    for date in ("2022-10-31", "2022-11-02"):
        assert expected(tables, date)["team"][[1, 98, 99]].tolist() == [3, 3, 2]
    # The id that returns is another club's: nobody comes back to it.
    assert expected(tables, "2023-11-02")["team"][[4, 98, 97]].tolist() == [1, 1, 3]
    assert expected(tables, "2023-10-31")["team"][[1, 98]].tolist() == [NOBODY, NOBODY]
