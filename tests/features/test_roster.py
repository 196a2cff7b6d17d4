from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from made_games import line

from nba_rank.config.schema import PlayerColumnsConfig
from nba_rank.features.players.box_rates import RATES
from nba_rank.features.roster import player_sets

GAMES = [
    ("2021-11-01", 1, 2, 110, 100),
    ("2021-11-03", 2, 1, 104, 100),
    ("2022-11-01", 1, 2, 108, 100),
    ("2022-11-03", 2, 1, 100, 90),
    ("2022-11-05", 1, 2, 100, 99),
    ("2022-11-07", 1, 2, 100, 99),
]
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
def sets_of(rate, features):
    """Player sets and their ratings: `sets_of(tables, dates, size=9)`."""

    def make(tables, dates, **change):
        config = replace(features().roster, **change)
        return player_sets(tables, rate(tables, dates), dates, config)

    return make


@pytest.fixture(scope="module")
def one_set(sets_of, as_of):
    """Shares and columns of a team's players by id: `one_set(tables, "2022-11-06", team=2)`."""

    def make(tables, date, team=1, **change):
        sets = sets_of(tables, as_of(date), **change)
        (row,) = np.flatnonzero(sets.frame["team_id"] == team)
        taken = sets.player_id[row] != 0
        frame = pd.DataFrame(sets.stats[row][taken], sets.player_id[row][taken], sets.columns)
        return frame.assign(share=sets.minutes_share[row][taken])

    return make


# Columns.

PER_GAME = [f"{count}_per_game" for count in ("points", "reb", "ast", "stl", "blk", "tov")]
EIGHT = [*PER_GAME, "availability", "plus_minus_share"]


def test_columns_come_by_window_and_then_once(tables, as_of, features, sets_of):
    assert sets_of(tables, as_of("2022-11-02"), windows=[5]).columns == [
        *[f"{name}_5" for name in [*EIGHT, *RATES]],
        "returning_minutes_share",
        *[f"{name}_last_season" for name in RATES],
        "prior_rating", "impact_rating", "expected_minutes", "full_strength_minutes",
    ]  # fmt: skip
    config = features("features/roster/columns=run_021").roster
    assert (config.size, config.windows) == (15, [10, 30])
    assert sets_of(tables, as_of("2022-11-02"), **vars(config)).columns == [
        *[f"{name}_{window}" for window in (10, 30) for name in EIGHT],
        "returning_minutes_share",
    ]


def windowed(*names):
    return {f"{name}_{window}" for name in names for window in (10, 30)}


SWITCHES = {
    "box_rates": windowed(*PER_GAME),
    "availability": windowed("availability"),
    "plus_minus_share": windowed("plus_minus_share"),
    "returning_minutes": {"returning_minutes_share"},
    **{name: windowed(name) | {f"{name}_last_season"} for name in RATES},
    "last_season": {f"{name}_last_season" for name in RATES},
    "impact_rating": {"prior_rating", "impact_rating"},
    "expected_minutes": {"expected_minutes", "full_strength_minutes"},
}


def test_a_switch_removes_its_own_columns_only(tables, as_of, features, sets_of):
    assert {field.name for field in fields(PlayerColumnsConfig)} == set(SWITCHES)
    full = sets_of(tables, as_of("2022-11-06"))
    for name, columns in SWITCHES.items():
        switched = replace(features().roster.columns, **{name: False})
        less = sets_of(tables, as_of("2022-11-06"), columns=switched)
        left = [place for place, column in enumerate(full.columns) if column not in columns]
        assert less.columns == [full.columns[place] for place in left]
        assert len(left) == len(full.columns) - len(columns)
        np.testing.assert_array_equal(less.stats, full.stats[:, :, left])
        np.testing.assert_array_equal(less.player_id, full.player_id)
        np.testing.assert_array_equal(less.minutes_share, full.minutes_share)
    nothing = PlayerColumnsConfig(**dict.fromkeys(SWITCHES, False))
    with pytest.raises(ValueError, match="no player column"):
        sets_of(tables, as_of("2022-11-06"), columns=nothing)


# Who is in a set.


def test_a_set_is_the_players_of_most_expected_minutes(sim_tables, as_of, sets_of, rate):
    dates = as_of("2022-10-25", "2023-01-10", "2023-04-10")
    full, small = (sets_of(sim_tables, dates, size=size) for size in (30, 6))
    assert small.player_id.shape == small.minutes_share.shape == (90, 6)
    assert small.stats.shape == (90, 6, len(small.columns))
    np.testing.assert_array_equal(small.player_id, full.player_id[:, :6])
    np.testing.assert_array_equal(small.stats, full.stats[:, :6])
    rated = rate(sim_tables, dates).set_index(["as_of_date", "team_id", "player_id"]).sort_index()
    for row, (date, team) in enumerate(full.frame[["as_of_date", "team_id"]].to_numpy()):
        listed = rated.loc[(date, team)].sort_values("expected_minutes", ascending=False)
        ids = full.player_id[row][full.player_id[row] != 0]
        assert set(ids) == set(listed.index)
        minutes = listed["expected_minutes"]
        np.testing.assert_array_equal(minutes[ids], minutes)
        share = minutes.to_numpy() / minutes.sum()
        np.testing.assert_allclose(full.minutes_share[row][: len(ids)], share, rtol=1e-6)
        for name in ("prior_rating", "impact_rating", "expected_minutes", "full_strength_minutes"):
            got = full.stats[row, : len(ids), full.columns.index(name)]
            np.testing.assert_array_equal(got, listed.loc[ids, name].astype("float32"))
    for sets in (full, small):
        np.testing.assert_allclose(sets.minutes_share.sum(axis=1), 1.0, atol=1e-5)
        empty = sets.player_id == 0
        assert (sets.minutes_share[empty] == 0).all()
        assert np.isnan(sets.stats[empty]).all()
        assert (sets.minutes_share[~empty] > 0).all()
    assert (full.player_id == 0).any()


def test_of_equal_minutes_the_lower_id_comes_first(small_tables, one_set):
    tables = small_tables(GAMES, PLAYERS, n_teams=2, rosters=[("2022-11-02", 2, [33, 31, 20, 32])])
    assert one_set(tables, "2022-11-02", 2, size=3).index.tolist() == [20, 31, 32]


def test_a_listed_player_who_has_never_played_has_unknown_box_columns(small_tables, one_set):
    tables = small_tables(GAMES, PLAYERS, n_teams=2, rosters=[("2022-11-01", 1, [7, 15])])
    got = one_set(tables, "2022-11-01")
    assert got.index.tolist() == [7, 15]
    known = got.loc[15].dropna()
    assert known["full_strength_minutes"] == 12
    minutes = got["expected_minutes"]
    assert known["share"] == pytest.approx(minutes[15] / minutes.sum())
    assert set(known.index) == {
        "availability_10", "availability_30", "returning_minutes_share",
        "prior_rating", "impact_rating", "expected_minutes", "full_strength_minutes", "share",
    }  # fmt: skip
    assert (known[["availability_10", "returning_minutes_share"]] == 0).all()


def test_a_date_on_which_a_team_has_no_known_player_is_left_out(small_tables, as_of, sets_of):
    dates = as_of("2021-11-01", "2021-11-02")
    rosters = [("2021-11-01", 1, [7, 8]), ("2021-11-01", 2, [20])]
    for known, left_out in ((0, 1), (1, 1), (2, 0)):
        tables = small_tables(GAMES, PLAYERS, n_teams=2, rosters=rosters[:known])
        sets = sets_of(tables, dates)
        assert sets.dates_left_out == left_out
        assert sets.frame["as_of_date"].nunique() == 2 - left_out
        assert sets.frame["as_of_date"].max() == pd.Timestamp("2021-11-02")


def test_seasons_without_player_logs_are_skipped(small_tables, as_of, sets_of):
    tables = small_tables(GAMES, [row for row in PLAYERS if row[0] > "2022"], n_teams=2)
    sets = sets_of(tables, as_of("2021-11-04", "2022-11-08"))
    assert sets.frame["season"].unique().tolist() == ["2022-23"]
    none = sets_of(tables, as_of("2021-11-04"))
    assert len(none.frame) == none.dates_left_out == 0
    assert none.columns == sets.columns


# What they have done.


def test_last_seasons_average_fills_a_short_window(tables, one_set):
    got = one_set(tables, "2022-11-02", windows=[10, 2, 1])
    # Player 7: 10 points and +1 a game last season, 22 and +5 in the only game of this one.
    points = [(22 + 9 * 10) / 10, (22 + 10) / 2, 22]
    names = [f"points_per_game_{window}" for window in (10, 2, 1)]
    assert got.loc[7, names].tolist() == pytest.approx(points)
    # A fifth, so that the shares of a team add up to its margin.
    shares = got.loc[7, ["plus_minus_share_2", "plus_minus_share_1"]]
    assert shares.tolist() == pytest.approx([(5 + 1) / 2 / 5, 5 / 5])
    # Player 9 has no last season: his games alone.
    assert got.loc[9, "points_per_game_10"] == pytest.approx(9)
    full = one_set(tables, "2022-11-08", windows=[2]).loc[7]
    assert full["points_per_game_2"] == pytest.approx((4 + 10) / 2)
    assert full["plus_minus_share_2"] == pytest.approx((-1 + 0) / 2 / 5)


def test_availability_counts_games_since_the_teams_newest_ones(tables, one_set):
    got = one_set(tables, "2022-11-08", windows=[2, 4])[["availability_2", "availability_4"]]
    assert got.loc[[7, 9]].to_numpy().tolist() == [[1 / 2, 3 / 4], [0, 1 / 4]]
    # Two of the newest games are last season's.
    assert one_set(tables, "2022-11-02", windows=[4]).loc[7, "availability_4"] == 3 / 4


def test_availability_never_exceeds_one(small_tables, one_set):
    """A player came from a team with a fuller calendar."""
    games = [(f"2022-11-{day}", home, 3, 101, 100)
             for day, home in (("01", 1), ("03", 2), ("05", 2), ("10", 1))]  # fmt: skip
    lines = [line(day, 8, team, 30) for day, team, *_ in games]
    lines += [line("2022-11-01", 9, 1, 30), *(line(game[0], 20, 3, 30) for game in games)]
    tables = small_tables(games, [*lines, line("2022-11-03", 30, 2, 30)], n_teams=3)
    got = one_set(tables, "2022-11-11", windows=[2])["availability_2"]
    assert got[[8, 9]].tolist() == [1, 1 / 2]


def test_rates_are_made_of_sums_over_the_window(small_tables, one_set):
    """True shooting of a window's games, filled with last season's average game."""
    shots = [{"points": 30, "fga": 20, "fta": 5}, {"points": 10, "fga": 10, "fta": 0},
             {"points": 8, "fga": 10, "fta": 10}]  # fmt: skip
    days = ("2021-11-01", "2021-11-03", "2022-11-01")
    lines = [line(day, 7, 1, 30, **box) for day, box in zip(days, shots, strict=True)]
    tables = small_tables(GAMES, [*lines, *PLAYERS[-6:]], n_teams=2)
    got = one_set(tables, "2022-11-02", windows=[1, 2]).loc[7]
    assert got["true_shooting_last_season"] == pytest.approx(40 / (2 * (30 + 0.44 * 5)))
    assert got["true_shooting_1"] == pytest.approx(8 / (2 * (10 + 0.44 * 10)))
    both = (8 + 20) / (2 * (10 + 15 + 0.44 * (10 + 2.5)))
    assert got["true_shooting_2"] == pytest.approx(both)
    # These games have no box scores of teams.
    assert got[["usage_1", "box_rating_1"]].isna().all()


def test_returning_share_is_of_last_seasons_team_minutes(tables, one_set):
    share = one_set(tables, "2022-11-02")["returning_minutes_share"]
    assert share[[7, 8, 9]].tolist() == pytest.approx([60 / 90, 30 / 90, 0])
    # Minutes for another team do not return.
    moved = one_set(tables, "2022-11-06", team=2)["returning_minutes_share"]
    assert moved[[8, 20]].tolist() == [0, 1]
    assert one_set(tables, "2021-11-02")["returning_minutes_share"].isna().all()


def test_a_missing_count_is_unknown_and_not_zero(small_tables, one_set, features):
    players = [line("2022-11-01", 7, 1, 30, points=8, plus_minus=np.nan, stl=np.nan),
               line("2022-11-01", 20, 2, 30)]  # fmt: skip
    tables = small_tables([GAMES[2]], players, n_teams=2)
    columns = features("features/roster/columns=run_021").roster.columns
    got = one_set(tables, "2022-11-02", columns=columns).loc[7]
    unknown = windowed("stl_per_game", "plus_minus_share") | {"returning_minutes_share"}
    assert set(got.index[got.isna()]) == unknown
