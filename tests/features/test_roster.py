from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import as_of_grid
from nba_rank.features.roster import player_sets, stat_columns

GAMES = [
    ("2021-11-01", 1, 2, 110, 100),
    ("2021-11-03", 2, 1, 104, 100),
    ("2022-11-01", 1, 2, 108, 100),
    ("2022-11-03", 2, 1, 100, 90),
    ("2022-11-05", 1, 2, 100, 99),
    ("2022-11-07", 1, 2, 100, 99),
]


def line(day, player, team, minutes, **box):
    return (day, player, team, minutes * 60, {name: float(value) for name, value in box.items()})


# Player 7 stays with team 1 and misses its third game of 2022-23; 8 goes from team 1 to team 2
# after the first; 9 is new to team 1. Team 2 has player 20 throughout.
PLAYERS = [
    line("2021-11-01", 7, 1, 30, points=8, plus_minus=4),
    line("2021-11-03", 7, 1, 30, points=12, plus_minus=-2),
    line("2021-11-01", 8, 1, 10, points=3),
    line("2021-11-03", 8, 1, 20, points=5),
    line("2022-11-01", 7, 1, 24, points=22, plus_minus=5),
    line("2022-11-03", 7, 1, 12, points=4, plus_minus=-1),
    line("2022-11-07", 7, 1, 36, points=10, plus_minus=0),
    line("2022-11-01", 8, 1, 40, points=30),
    line("2022-11-05", 8, 2, 6, points=2),
    line("2022-11-01", 9, 1, 12, points=9, plus_minus=1),
] + [line(game[0], 20, 2, 48, points=20) for game in GAMES]


@pytest.fixture(scope="module")
def tables(small_tables):
    return small_tables(GAMES, PLAYERS, n_teams=2)


@pytest.fixture(scope="module")
def roster(features):
    return lambda **change: replace(features().roster, **change)


def one_set(tables, dates, config, team):
    """A team's players on the only date: id -> (share, stats by name)."""
    sets = player_sets(tables, dates, config)
    (row,) = np.flatnonzero(sets.frame["team_id"] == team)
    return {
        int(player): (float(share), dict(zip(sets.columns, stats.tolist(), strict=True)))
        for player, share, stats in zip(
            sets.player_id[row], sets.minutes_share[row], sets.stats[row], strict=True
        )
        if player != 0
    }


def test_columns_of_the_default_windows():
    columns = stat_columns([10, 30])
    assert len(columns) == len(set(columns)) == 17
    assert columns[:2] == ["points_per_game_10", "reb_per_game_10"]
    assert columns[8] == "points_per_game_30"
    assert columns[-1] == "returning_minutes_share"
    assert len(stat_columns([5])) == 9


def test_a_traded_player_is_on_his_newest_team_only(tables, as_of, roster):
    for day, team in (("2022-11-02", 1), ("2022-11-05", 1), ("2022-11-06", 2)):
        teams = [t for t in (1, 2) if 8 in one_set(tables, as_of(day), roster(), t)]
        assert teams == [team], day


def test_no_player_is_on_two_teams(sim_tables, as_of, roster):
    dates = as_of("2022-10-25", "2023-01-10", "2023-04-10")
    sets = player_sets(sim_tables, dates, roster(size=30))
    for _, rows in sets.frame.groupby("as_of_date"):
        ids = sets.player_id[rows.index]
        ids = ids[ids != 0]
        assert len(ids) == len(np.unique(ids))
    newest = sim_tables.player_games[sim_tables.player_games["game_date"] < "2023-04-10"]
    team_of = newest.drop_duplicates("player_id", keep="last").set_index("player_id")["team_id"]
    for row in np.flatnonzero(sets.frame["as_of_date"] == pd.Timestamp("2023-04-10")):
        ids = sets.player_id[row]
        assert (team_of[ids[ids != 0]] == sets.frame["team_id"].iloc[row]).all()


def test_shares_are_of_minutes_in_the_newest_team_games(tables, as_of, roster):
    got = one_set(tables, as_of("2022-11-08"), roster(recent_games=4), 1)
    assert list(got) == [7, 9]
    assert got[7][0] == pytest.approx((24 + 12 + 36) / (24 + 12 + 36 + 12))
    # Of the last two team games, player 7 played the second and player 9 none.
    got = one_set(tables, as_of("2022-11-08"), roster(recent_games=2), 1)
    assert {player: share for player, (share, _) in got.items()} == {7: 1.0}
    # Minutes for another team do not count: player 8 played 6 for team 2.
    got = one_set(tables, as_of("2022-11-06"), roster(recent_games=3), 2)
    assert got[8][0] == pytest.approx(6 / (6 + 3 * 48))


def test_the_set_keeps_the_players_of_most_minutes(sim_tables, as_of, roster):
    dates = as_of("2023-01-10")
    full = player_sets(sim_tables, dates, roster(size=30))
    small = player_sets(sim_tables, dates, roster(size=6))
    assert small.player_id.shape == small.minutes_share.shape == (30, 6)
    assert small.stats.shape == (30, 6, 17)
    np.testing.assert_array_equal(small.player_id, full.player_id[:, :6])
    for sets in (full, small):
        np.testing.assert_allclose(sets.minutes_share.sum(axis=1), 1.0, atol=1e-5)
        assert (np.diff(sets.minutes_share, axis=1) <= 0).all()
        empty = sets.player_id == 0
        assert (sets.minutes_share[empty] == 0).all()
        assert np.isnan(sets.stats[empty]).all()
        assert (sets.minutes_share[~empty] > 0).all()
    assert (full.player_id == 0).any()


def test_opening_night_has_last_seasons_end(sim_tables, as_of, roster):
    opening = sim_tables.seasons.set_index("season").loc["2022-23", "first_date"]
    now = player_sets(sim_tables, as_of(opening), roster())
    then = player_sets(sim_tables, as_of("2022-07-15"), roster())
    assert then.frame["season"].unique().tolist() == ["2021-22"]
    np.testing.assert_array_equal(now.player_id, then.player_id)
    np.testing.assert_array_equal(now.minutes_share, then.minutes_share)
    # The rates are last season's averages until the first game.
    last = sim_tables.player_games[sim_tables.player_games["season"] == "2021-22"]
    mean = last.groupby("player_id")["points"].mean()
    taken = now.player_id != 0
    np.testing.assert_allclose(now.stats[:, :, 0][taken], mean[now.player_id[taken]], rtol=1e-5)


def test_last_seasons_average_fills_a_short_window(tables, as_of, roster):
    stats = one_set(tables, as_of("2022-11-02"), roster(windows=[10, 1]), 1)
    # Player 7: 10 points a game last season, 22 in the only game of this one.
    assert stats[7][1]["points_per_game_10"] == pytest.approx((22 + 9 * 10) / 10)
    assert stats[7][1]["points_per_game_1"] == pytest.approx(22)
    # Player 9 has no last season: his games alone.
    assert stats[9][1]["points_per_game_10"] == pytest.approx(9)
    stats = one_set(tables, as_of("2022-11-08"), roster(windows=[2]), 1)
    assert stats[7][1]["points_per_game_2"] == pytest.approx((4 + 10) / 2)


def test_plus_minus_share_is_a_fifth_of_the_plus_minus_per_game(tables, as_of, roster):
    stats = one_set(tables, as_of("2022-11-02"), roster(windows=[1, 2]), 1)
    assert stats[7][1]["plus_minus_share_1"] == pytest.approx(5 / 5)
    # Last season's average is (4 - 2) / 2.
    assert stats[7][1]["plus_minus_share_2"] == pytest.approx((5 + 1) / 2 / 5)
    stats = one_set(tables, as_of("2022-11-08"), roster(windows=[2]), 1)
    assert stats[7][1]["plus_minus_share_2"] == pytest.approx((-1 + 0) / 2 / 5)


def test_availability_counts_games_since_the_teams_newest_ones(tables, as_of, roster):
    stats = one_set(tables, as_of("2022-11-08"), roster(windows=[2, 4]), 1)
    assert stats[7][1]["availability_2"] == pytest.approx(1 / 2)
    assert stats[7][1]["availability_4"] == pytest.approx(3 / 4)
    assert stats[9][1]["availability_2"] == 0
    assert stats[9][1]["availability_4"] == pytest.approx(1 / 4)


def test_returning_share_is_of_last_seasons_team_minutes(tables, as_of, roster):
    stats = one_set(tables, as_of("2022-11-02"), roster(), 1)
    assert stats[7][1]["returning_minutes_share"] == pytest.approx(60 / 90)
    assert stats[8][1]["returning_minutes_share"] == pytest.approx(30 / 90)
    assert stats[9][1]["returning_minutes_share"] == 0
    # Minutes for another team did not return.
    moved = one_set(tables, as_of("2022-11-06"), roster(), 2)
    assert moved[8][1]["returning_minutes_share"] == 0
    assert moved[20][1]["returning_minutes_share"] == 1


def test_returning_share_is_unknown_without_a_last_season(tables, as_of, roster):
    stats = one_set(tables, as_of("2021-11-02"), roster(), 1)
    assert np.isnan(stats[7][1]["returning_minutes_share"])


def test_a_missing_count_is_unknown_and_no_zero(small_tables, as_of, roster):
    players = [line("2022-11-01", 7, 1, 30, points=8, plus_minus=np.nan, stl=np.nan),
               line("2022-11-01", 20, 2, 30)]  # fmt: skip
    tables = small_tables([GAMES[2]], players, n_teams=2)
    stats = one_set(tables, as_of("2022-11-02"), roster(), 1)[7][1]
    unknown = {name for name, value in stats.items() if np.isnan(value)}
    assert unknown - {"returning_minutes_share"} == {
        f"{name}_{window}" for name in ("stl_per_game", "plus_minus_share") for window in (10, 30)
    }


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"size": 8}, "player_id"),
        ({"windows": [5, 30]}, "stats"),
        ({"recent_games": 4}, "minutes_share"),
    ],
)
def test_every_parameter_changes_the_sets(sim_tables, as_of, roster, change, part):
    dates = as_of("2023-01-10")
    standard = player_sets(sim_tables, dates, roster())
    changed = player_sets(sim_tables, dates, roster(**change))
    values = [getattr(sets, part) for sets in (standard, changed)]
    assert not np.array_equal(*values, equal_nan=part == "stats")


def test_a_date_alone_has_the_sets_it_has_among_many(sim_tables, roster):
    grid = as_of_grid(sim_tables, sim_tables.seasons["season"].tolist(), 28)
    many = player_sets(sim_tables, grid, roster())
    for place in np.random.default_rng(6).choice(len(grid), 4, replace=False):
        alone = player_sets(sim_tables, grid.iloc[[place]], roster())
        season, date = grid.loc[place, ["season", "as_of_date"]]
        index = np.flatnonzero(
            (many.frame["season"] == season) & (many.frame["as_of_date"] == date)
        )
        expected = many.take(index)
        pd.testing.assert_frame_equal(alone.frame, expected.frame)
        np.testing.assert_array_equal(alone.player_id, expected.player_id)
        np.testing.assert_array_equal(alone.minutes_share, expected.minutes_share)
        np.testing.assert_array_equal(alone.stats, expected.stats)


def test_dates_before_any_player_game_are_left_out_and_counted(sim_tables, as_of, roster):
    first = sim_tables.seasons["first_date"].min()
    sets = player_sets(sim_tables, as_of(first, "2021-12-01"), roster())
    assert sets.dates_left_out == 1
    assert sets.frame["as_of_date"].unique().tolist() == [pd.Timestamp("2021-12-01")]


def test_seasons_without_player_logs_are_skipped(small_tables, as_of, roster):
    tables = small_tables(GAMES, [row for row in PLAYERS if row[0] > "2022"], n_teams=2)
    sets = player_sets(tables, as_of("2021-11-04", "2022-11-08"), roster())
    assert sets.frame["season"].unique().tolist() == ["2022-23"]
    assert len(player_sets(tables, as_of("2021-11-04"), roster()).frame) == 0
