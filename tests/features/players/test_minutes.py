from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_games import line
from scipy.special import logit

from nba_rank.data import league
from nba_rank.features.asof import day_of
from nba_rank.features.players.game_days import PlayerGames
from nba_rank.features.players.minutes import (
    APPEARS,
    LATELY,
    LATELY_OLD_GAMES,
    NEWCOMER_MINUTES,
    NOBODY,
    PLAYOFFS,
    REGULAR,
    MinutesBook,
    team_shares,
)


def expected(tables, *dates, half_life=12.0):
    """Team, expected and full-strength minutes by player on the last of the dates asked for."""
    games = PlayerGames.of(tables)
    book = MinutesBook(games, tables, half_life=half_life)
    upcoming = list(games)
    for date in pd.DatetimeIndex(dates):
        while upcoming and upcoming[0].day < day_of(date):
            book.add(upcoming.pop(0))
        got = book.expected(day_of(date), date.year if date.month >= 8 else date.year - 1)
    team = np.where(got.team == NOBODY, NOBODY, games.team_ids[got.team])
    parts = {name: getattr(got, name) for name in ("play_prob", "minutes", "full_strength")}
    return pd.DataFrame({"team": team, **parts}, index=games.player_ids)


def full_strength(tables, *dates, half_life=1.0):
    return expected(tables, *dates, half_life=half_life)["full_strength"]


def lately(tables, *dates):
    """Minutes expected of each player if he appears in the next game."""
    got = expected(tables, *dates)
    return got["minutes"] / got["play_prob"]


def teams(tables, *dates):
    return expected(tables, *dates)["team"].to_dict()


@pytest.fixture(scope="module")
def seasons(small_tables):
    """Tables of seasons in which team 1 plays team 2 on 1 November and the days after it.

    `seasons({2022: {1: [30, 0]}}, n_teams=2)`: by start year, the minutes of team 1's players in
    each game. Players 98 and 99 of the two teams always play.
    """

    def make(playing, n_teams=2, **more):
        games, lines = [], []
        for year, players in playing.items():
            n_games = max(len(minutes) for minutes in players.values())
            dates = pd.date_range(f"{year}-11-01", periods=n_games).strftime("%Y-%m-%d").tolist()
            games += [(date, 1, 2, 101, 100) for date in dates]
            lines += [
                line(day, player, team, 48) for day in dates for player, team in ((98, 1), (99, 2))
            ]
            lines += [
                line(date, player, 1, amount)
                for player, minutes in players.items()
                for date, amount in zip(dates, minutes, strict=True)
                if amount
            ]
        return small_tables(games, lines, n_teams=n_teams, **more)

    return make


# Expected minutes.


def test_newer_games_weigh_more(seasons):
    tables = seasons({2022: {1: [30, 20, 10]}})
    got = full_strength(tables, "2022-11-04")[1]
    assert got == pytest.approx((30 / 4 + 20 / 2 + 10) / (1 / 4 + 1 / 2 + 1))
    weights = 0.5 ** (np.array([2, 1, 0]) / LATELY)
    assert lately(tables, "2022-11-04")[1] == pytest.approx(weights @ [30, 20, 10] / weights.sum())
    # The day itself does not count.
    assert full_strength(tables, "2022-11-03")[1] == pytest.approx((30 / 2 + 20) / (1 / 2 + 1))


def test_last_seasons_average_counts_for_two_and_a_half_games_and_for_one_lately(seasons):
    tables = seasons({2021: {1: [30, 10]}, 2022: {1: [36, 24], 2: [10, 10]}})
    assert full_strength(tables, "2022-11-01")[1] == pytest.approx(20)
    # Player 2 has no last season: his games alone.
    average = (36 / 2 + 24 + 2.5 * 20) / (1.5 + 2.5)
    got = full_strength(tables, "2022-11-03")
    assert got[[1, 2]].tolist() == pytest.approx([average, 10])
    keep = 0.5 ** (1 / LATELY)
    average = (36 * keep + 24 + LATELY_OLD_GAMES * 20) / (keep + 1 + LATELY_OLD_GAMES)
    assert lately(tables, "2022-11-03")[[1, 2]].tolist() == pytest.approx([average, 10])


def test_the_average_is_of_the_last_season_played(seasons):
    playing = {2019: {1: [30]}, 2020: {1: [12, 0], 2: [0, 20]}, 2021: {2: [8]}}
    got = full_strength(seasons(playing | {2022: {1: [5], 2: [5]}}), "2022-11-02")
    assert got[[1, 2]].tolist() == pytest.approx([(5 + 2.5 * 12) / 3.5, (5 + 2.5 * 8) / 3.5])


def test_missed_games_lower_full_strength_by_presence(seasons):
    got = full_strength(seasons({2022: {1: [30, 0, 20]}}), "2022-11-04")[1]
    present, of = 1 / 4 + 1, 1 / 4 + 1 / 2 + 1
    # A missed game does not fade the minutes of the games played.
    average = (30 / 2 + 20) / (1 / 2 + 1)
    assert got == pytest.approx(average * sqrt((present + 2.5) / (of + 2.5)))


def test_the_probability_to_appear_is_logistic_in_what_a_player_did_lately(seasons):
    tables = seasons({2021: {1: [30]}, 2022: {1: [30, 30, 0, 0], 2: [20, 0, 20, 20]}})

    def log_odds(minutes, **of):
        linear = sum(APPEARS[name] * value for name, value in of.items())
        return APPEARS["constant"] + APPEARS["minutes"] * minutes + linear

    got = expected(tables, "2022-11-01")["play_prob"]
    assert logit(got[1]) == pytest.approx(log_odds(30, opening=1, presence=1))
    got = expected(tables, "2022-11-05")["play_prob"]
    keep = 0.5 ** (np.arange(4)[::-1] / 12)
    for player, played, missed, appeared, amount in (
        (1, 0, 2, [1, 1, 0, 0], 30), (2, 2, 0, [1, 0, 1, 1], 20),
    ):  # fmt: skip
        presence = (keep @ appeared + 2.5) / (keep.sum() + 2.5)
        in_a_row = {"played": np.log1p(played), "missed": np.log1p(missed)}
        product = {"minutes_missed": amount * np.log1p(missed)}
        of = log_odds(amount, **in_a_row, **product, presence=presence)
        assert logit(got[player]) == pytest.approx(of)


def test_an_absence_lowers_expected_minutes_game_by_game_until_the_player_is_back(seasons):
    tables = seasons({2022: {1: [30, 30, 30, 0, 0, 0, 0, 0, 30]}})
    days = pd.date_range("2022-11-04", periods=7)
    got = pd.DataFrame([expected(tables, *days[: n + 1]).loc[1] for n in range(7)])
    away = got[:6]
    assert (np.diff(away["minutes"]) < 0).all()
    assert away["minutes"].iloc[0] > 25 > 4 > away["minutes"].iloc[-1]
    # Who will be back counts nearly in full at full strength.
    assert (away["full_strength"] > 20).all()
    assert got["minutes"].iloc[-1] > 20
    assert got["play_prob"].between(0, 1).all()


def test_a_new_season_forgives_an_absence(seasons):
    tables = seasons({2021: {1: [30] * 6 + [0] * 14}, 2022: {1: [0]}})
    assert expected(tables, "2021-11-21")["minutes"][1] < 1
    got = expected(tables, "2022-11-01").loc[1]
    assert got["full_strength"] == pytest.approx(30)
    assert got["minutes"] > 25


# Teams.


def test_a_player_is_on_the_team_of_his_newest_game(small_tables):
    games = [("2022-11-01", 1, 2, 101, 100), ("2022-11-03", 2, 1, 101, 100)]
    lines = [line("2022-11-01", 8, 1, 30), line("2022-11-01", 9, 2, 30),
             line("2022-11-03", 8, 2, 30), line("2022-11-03", 7, 1, 30)]  # fmt: skip
    tables = small_tables(games, lines, n_teams=2)
    assert teams(tables, "2022-11-01") == dict.fromkeys([7, 8, 9], NOBODY)
    assert teams(tables, "2022-11-03") == {7: NOBODY, 8: 1, 9: 2}
    assert teams(tables, "2022-11-04") == {7: 1, 8: 2, 9: 2}
    # Both teams play on the day of his first game after the trade: one game for him.
    assert lately(tables, "2022-11-04")[8] == full_strength(tables, "2022-11-04")[8] == 30


def test_a_player_who_sits_out_a_whole_season_leaves(seasons):
    tables = seasons({2020: {1: [30], 2: [20]}, 2021: {2: [20]}, 2022: {2: [20]}})
    assert teams(tables, "2021-11-02")[1] == 1
    assert teams(tables, "2022-11-01") == {1: NOBODY, 2: 1, 98: 1, 99: 2}


@pytest.fixture(scope="module")
def with_rosters(seasons):
    playing = {2021: {1: [30], 2: [20], 3: [10]}, 2022: {1: [30, 30], 3: [10, 10], 4: [12, 12]}}
    return lambda *rosters: seasons(playing, n_teams=3, rosters=rosters)


def test_a_roster_file_names_the_whole_of_its_teams_and_leaves_the_others(with_rosters):
    tables = with_rosters(("2022-10-20", 1, [2, 5]), ("2022-10-20", 3, [1]))
    before = teams(tables, "2022-10-19")
    assert before == {1: 1, 2: 1, 3: 1, 4: NOBODY, 5: NOBODY, 98: 1, 99: 2}
    # 1 moved, 3 and 98 are listed nowhere, 5 is new; 99 is of a team without a file.
    after = expected(tables, "2022-10-20")
    assert after["team"].to_dict() == {1: 3, 2: 1, 3: -1, 4: -1, 5: 1, 98: -1, 99: 2}
    assert after.loc[[1, 2, 5], "full_strength"].tolist() == [30, 20, NEWCOMER_MINUTES]


def test_the_later_of_game_and_roster_file_decides(with_rosters):
    tables = with_rosters(("2022-11-01", 1, [1, 2]), ("2022-11-03", 1, [1, 4]))
    for day, expected_teams in enumerate([[1, 1, -1, -1], [1, 1, 1, 1], [1, -1, -1, 1]], start=1):
        got = expected(tables, f"2022-11-0{day}")["team"]
        assert got[[1, 2, 3, 4]].tolist() == expected_teams


def test_a_summers_roster_file_is_read_when_its_season_opens(with_rosters):
    """Whether or not a date of the season before, after the file's, was asked for on the way."""
    tables = with_rosters(("2022-07-10", 1, [1, 5]))
    tables = replace(tables, rosters=tables.rosters.assign(season="2022-23"))
    alone = expected(tables, "2022-10-25")
    assert alone.index[alone["team"] == 1].tolist() == [1, 5]
    pd.testing.assert_frame_equal(expected(tables, "2022-07-15", "2022-10-25"), alone)


def test_players_follow_a_club_that_moves_and_leave_one_that_ends(small_tables, monkeypatch):
    """Team 1 is not in the league of the next season; its id returns one later."""
    games = [(f"{year}-11-01", home, away, 101, 100)
             for year, home, away in ((2021, 1, 2), (2022, 2, 3), (2023, 1, 2))]  # fmt: skip
    lines = [
        line("2021-11-01", 1, 1, 30), line("2021-11-01", 98, 1, 48), line("2021-11-01", 99, 2, 48),
        line("2022-11-01", 99, 2, 48), line("2022-11-01", 97, 3, 48),
        line("2023-11-01", 4, 1, 30), line("2023-11-01", 98, 1, 48), line("2023-11-01", 99, 2, 48),
    ]  # fmt: skip
    tables = small_tables(games, lines, n_teams=3)
    gone = (tables.teams["season"] == "2022-23") & (tables.teams["team_id"] == 1)
    tables = replace(tables, teams=tables.teams[~gone].reset_index(drop=True))

    def on(date, *players):
        got = teams(tables, date)
        return [got[player] for player in players]

    assert on("2022-10-31", 1, 98, 99) == [NOBODY, NOBODY, 2]
    assert on("2022-11-02", 1, 98, 97) == [NOBODY, NOBODY, 3]
    monkeypatch.setattr(league, "_MOVED", {1: (2022, 3)})
    for date in ("2022-10-31", "2022-11-02"):
        assert on(date, 1, 98, 99) == [3, 3, 2]
    # The id that returns is another club's: nobody comes back to it.
    assert on("2023-11-02", 4, 98, 97) == [1, 1, 3]
    assert on("2023-10-31", 1, 98) == [NOBODY, NOBODY]


# Shares.


def shares(minutes, rotation=REGULAR):
    team = np.zeros(len(minutes), dtype=int)
    return team_shares(np.array(minutes, dtype=float), team, 1, rotation)


@pytest.mark.parametrize("rotation", [REGULAR, PLAYOFFS])
def test_the_players_of_most_minutes_share_by_a_power_of_them(rotation):
    amounts = np.linspace(24, 14, rotation.size)
    got = shares([*amounts[:4], 13, *amounts[4:]], rotation)
    assert got[4] == 0
    weight = amounts**rotation.exponent
    np.testing.assert_allclose(np.delete(got, 4), 5 * weight / weight.sum())
    assert got.max() < rotation.cap / 48


def test_what_the_cap_takes_goes_to_the_others():
    got = shares([48, *[10] * 8])
    np.testing.assert_allclose(got, [38 / 48] + [(5 - 38 / 48) / 8] * 8)
    # The second is over the cap only once the first has been capped.
    amounts = np.array([60.0, 33.0, *[20.0] * 7]) ** 1.3
    assert 5 * amounts[1] / amounts.sum() < 38 / 48
    np.testing.assert_allclose(
        shares([60, 33, *[20] * 7]), [38 / 48] * 2 + [(5 - 2 * 38 / 48) / 7] * 7
    )
    # Too few players all play to the cap.
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
        assert (own > 0).sum() == min(len(own), REGULAR.size)
        assert own.sum() == pytest.approx(min(5.0, min(len(own), REGULAR.size) * REGULAR.cap / 48))
        assert (np.diff(own[np.argsort(of)]) >= -1e-12).all()
        # Other teams do not matter, nor does the order of the players.
        np.testing.assert_allclose(own, team_shares(of, np.zeros(len(of), dtype=int), 1))
    turned = np.arange(len(team))[::-1]
    np.testing.assert_allclose(team_shares(minutes[turned], team[turned], 4), got[turned])
