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
def roster(features):
    return lambda **change: replace(features().roster, **change)


@pytest.fixture(scope="module")
def sets_of(rate):
    """Player sets with the ratings that belong to them: `sets_of(tables, dates, config)`."""
    return lambda tables, dates, config: player_sets(tables, rate(tables, dates), dates, config)


@pytest.fixture(scope="module")
def one_set(sets_of, roster):
    """A team's players on a date: id -> (share, stats by name)."""

    def make(tables, dates, team, **change):
        sets = sets_of(tables, dates, roster(**change))
        (row,) = np.flatnonzero(sets.frame["team_id"] == team)
        places = zip(sets.player_id[row], sets.minutes_share[row], sets.stats[row], strict=True)
        return {
            int(player): (float(share), dict(zip(sets.columns, stats.tolist(), strict=True)))
            for player, share, stats in places
            if player != 0
        }

    return make


# Columns.

EIGHT = [
    "points_per_game", "reb_per_game", "ast_per_game", "stl_per_game", "blk_per_game",
    "tov_per_game", "availability", "plus_minus_share",
]  # fmt: skip


def test_the_seventeen_columns_of_run_021(sim_tables, as_of, features, sets_of):
    config = features("features/roster/columns=run_021").roster
    assert (config.size, config.windows) == (15, [10, 30])
    columns = sets_of(sim_tables, as_of("2022-01-10"), config).columns
    assert columns == [
        *[f"{name}_10" for name in EIGHT],
        *[f"{name}_30" for name in EIGHT],
        "returning_minutes_share",
    ]


def test_all_columns_by_window_and_then_once(tables, as_of, roster, sets_of):
    columns = sets_of(tables, as_of("2022-11-02"), roster(windows=[5])).columns
    assert columns == [
        *[f"{name}_5" for name in [*EIGHT, *RATES]],
        "returning_minutes_share",
        *[f"{name}_last_season" for name in RATES],
        "prior_rating", "impact_rating", "expected_minutes", "full_strength_minutes",
    ]  # fmt: skip


def windowed(*names):
    return {f"{name}_{window}" for name in names for window in (10, 30)}


SWITCHES = {
    "box_rates": windowed(*EIGHT[:6]),
    "availability": windowed("availability"),
    "plus_minus_share": windowed("plus_minus_share"),
    "returning_minutes": {"returning_minutes_share"},
    **{name: windowed(name) | {f"{name}_last_season"} for name in RATES},
    "last_season": {f"{name}_last_season" for name in RATES},
    "impact_rating": {"prior_rating", "impact_rating"},
    "expected_minutes": {"expected_minutes", "full_strength_minutes"},
}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_removes_its_own_columns_only(tables, as_of, roster, sets_of, name):
    full = sets_of(tables, as_of("2022-11-06"), roster())
    switched = replace(roster().columns, **{name: False})
    less = sets_of(tables, as_of("2022-11-06"), roster(columns=switched))
    left = [place for place, column in enumerate(full.columns) if column not in SWITCHES[name]]
    assert less.columns == [full.columns[place] for place in left]
    assert len(left) == len(full.columns) - len(SWITCHES[name])
    np.testing.assert_array_equal(less.stats, full.stats[:, :, left])
    np.testing.assert_array_equal(less.player_id, full.player_id)
    np.testing.assert_array_equal(less.minutes_share, full.minutes_share)


def test_every_switch_is_tried():
    assert {field.name for field in fields(PlayerColumnsConfig)} == set(SWITCHES)


def test_no_columns_at_all_are_refused(tables, as_of, roster, sets_of):
    nothing = PlayerColumnsConfig(**dict.fromkeys(SWITCHES, False))
    with pytest.raises(ValueError, match="no player column"):
        sets_of(tables, as_of("2022-11-06"), roster(columns=nothing))


# Who is in a set.


def test_a_traded_player_is_on_his_newest_team_only(tables, as_of, one_set):
    for day, team in (("2022-11-02", 1), ("2022-11-05", 1), ("2022-11-06", 2)):
        teams = [t for t in (1, 2) if 8 in one_set(tables, as_of(day), t)]
        assert teams == [team], day


def test_a_set_is_the_players_of_most_expected_minutes(sim_tables, as_of, roster, rate):
    dates = as_of("2022-10-25", "2023-01-10", "2023-04-10")
    ratings = rate(sim_tables, dates)
    full = player_sets(sim_tables, ratings, dates, roster(size=30))
    small = player_sets(sim_tables, ratings, dates, roster(size=6))
    assert small.player_id.shape == small.minutes_share.shape == (90, 6)
    assert small.stats.shape == (90, 6, len(small.columns))
    np.testing.assert_array_equal(small.player_id, full.player_id[:, :6])
    np.testing.assert_array_equal(small.stats, full.stats[:, :6])
    key = ["as_of_date", "team_id", "player_id"]
    listed = ratings.set_index(key)["expected_minutes"].sort_index()
    for row, (date, team) in enumerate(full.frame[["as_of_date", "team_id"]].to_numpy()):
        minutes = listed[date, team].sort_values(ascending=False)
        ids = full.player_id[row][full.player_id[row] != 0]
        assert set(ids) == set(minutes.index)
        np.testing.assert_array_equal(minutes[ids], minutes)
        share = minutes.to_numpy() / minutes.sum()
        np.testing.assert_allclose(full.minutes_share[row][: len(ids)], share, rtol=1e-6)
    for sets in (full, small):
        np.testing.assert_allclose(sets.minutes_share.sum(axis=1), 1.0, atol=1e-5)
        assert (np.diff(sets.minutes_share, axis=1) <= 0).all()
        empty = sets.player_id == 0
        assert (sets.minutes_share[empty] == 0).all()
        assert np.isnan(sets.stats[empty]).all()
        assert (sets.minutes_share[~empty] > 0).all()
    assert (full.player_id == 0).any()


def test_of_equal_minutes_the_lower_id_comes_first(small_tables, as_of, one_set):
    tables = small_tables(GAMES, PLAYERS, n_teams=2, rosters=[("2022-11-02", 2, [33, 31, 20, 32])])
    assert list(one_set(tables, as_of("2022-11-02"), 2, size=3)) == [20, 31, 32]


def test_opening_night_has_the_roster_files_players(sim_tables, as_of, roster, sets_of):
    opening = sim_tables.seasons.set_index("season").loc["2022-23", "first_date"]
    sets = sets_of(sim_tables, as_of(opening), roster(size=30))
    rosters = sim_tables.rosters[sim_tables.rosters["date"] == opening]
    assert len(rosters) > 400
    listed = rosters.groupby("team_id")["player_id"].agg(set)
    for team, ids in zip(sets.frame["team_id"], sets.player_id, strict=True):
        assert set(ids[ids != 0]) == listed[team]
    # The rates are last season's averages until the first game, and unknown without a last season.
    last = sim_tables.player_games[sim_tables.player_games["season"] == "2021-22"]
    mean = last.groupby("player_id")["points"].mean()
    taken = sets.player_id != 0
    points = sets.stats[:, :, sets.columns.index("points_per_game_10")][taken]
    np.testing.assert_allclose(points, mean.reindex(sets.player_id[taken]), rtol=1e-5)
    assert 0 < np.isnan(points).sum() < 200


def test_without_a_roster_file_opening_night_has_last_seasons_end(tables, as_of, one_set):
    for team, players in ((1, [7, 8]), (2, [20])):
        assert list(one_set(tables, as_of("2022-11-01"), team)) == players


def test_a_listed_player_who_has_never_played_has_unknown_box_columns(small_tables, as_of, one_set):
    tables = small_tables(GAMES, PLAYERS, n_teams=2, rosters=[("2022-11-01", 1, [7, 15])])
    got = one_set(tables, as_of("2022-11-01"), 1)
    assert list(got) == [7, 15]
    share, stats = got[15]
    assert share == pytest.approx(12 / (30 + 12))
    known = {name for name, value in stats.items() if not np.isnan(value)}
    assert known == {
        "availability_10", "availability_30", "returning_minutes_share",
        "prior_rating", "impact_rating", "expected_minutes", "full_strength_minutes",
    }  # fmt: skip
    assert stats["availability_10"] == stats["returning_minutes_share"] == 0


def test_in_the_first_seasons_opening_the_listed_players_are_known(
    sim_tables, as_of, roster, sets_of
):
    """Nothing but their names: everyone is expected to play alike."""
    first = sim_tables.seasons["first_date"].min()
    sets = sets_of(sim_tables, as_of(first), roster())
    assert sets.dates_left_out == 0
    assert len(sets.frame) == 30
    taken = sets.player_id != 0
    known = ["availability_10", "availability_30", "expected_minutes", "full_strength_minutes"]
    for place, name in enumerate(sets.columns):
        assert np.isnan(sets.stats[:, :, place][taken]).all() == (name not in known), name
    assert (sets.stats[taken][:, sets.columns.index("expected_minutes")] == 12).all()
    later = sets_of(sim_tables, as_of(first + pd.Timedelta(days=7)), roster())
    assert not np.isnan(later.stats[:, :, later.columns.index("impact_rating")][taken]).any()


def test_dates_before_anyone_is_known_are_left_out_and_counted(
    small_tables, tables, as_of, roster, sets_of
):
    dates = as_of("2021-11-01", "2021-11-02")
    sets = sets_of(tables, dates, roster())
    assert sets.dates_left_out == 1
    assert sets.frame["as_of_date"].unique().tolist() == [pd.Timestamp("2021-11-02")]
    # A file of one team does not make the others known.
    listed = [("2021-11-01", 1, [7, 8])]
    sets = sets_of(small_tables(GAMES, PLAYERS, n_teams=2, rosters=listed), dates, roster())
    assert sets.dates_left_out == 1
    listed.append(("2021-11-01", 2, [20]))
    sets = sets_of(small_tables(GAMES, PLAYERS, n_teams=2, rosters=listed), dates, roster())
    assert sets.dates_left_out == 0


def test_seasons_without_player_logs_are_skipped(small_tables, as_of, roster, sets_of):
    tables = small_tables(GAMES, [row for row in PLAYERS if row[0] > "2022"], n_teams=2)
    sets = sets_of(tables, as_of("2021-11-04", "2022-11-08"), roster())
    assert sets.frame["season"].unique().tolist() == ["2022-23"]
    none = sets_of(tables, as_of("2021-11-04"), roster())
    assert len(none.frame) == none.dates_left_out == 0
    assert none.columns == sets.columns


def test_ratings_of_other_dates_are_refused(tables, as_of, roster, rate):
    ratings = rate(tables, as_of("2022-11-02"))
    with pytest.raises(ValueError, match="different dates"):
        player_sets(tables, ratings, as_of("2022-11-04"), roster())


# What they have done.


def test_last_seasons_average_fills_a_short_window(tables, as_of, one_set):
    stats = one_set(tables, as_of("2022-11-02"), 1, windows=[10, 1])
    # Player 7: 10 points a game last season, 22 in the only game of this one.
    assert stats[7][1]["points_per_game_10"] == pytest.approx((22 + 9 * 10) / 10)
    assert stats[7][1]["points_per_game_1"] == pytest.approx(22)
    # Player 9 has no last season: his games alone.
    assert stats[9][1]["points_per_game_10"] == pytest.approx(9)
    stats = one_set(tables, as_of("2022-11-08"), 1, windows=[2])
    assert stats[7][1]["points_per_game_2"] == pytest.approx((4 + 10) / 2)


def test_plus_minus_share_is_a_fifth_of_the_plus_minus_per_game(tables, as_of, one_set):
    stats = one_set(tables, as_of("2022-11-02"), 1, windows=[1, 2])
    assert stats[7][1]["plus_minus_share_1"] == pytest.approx(5 / 5)
    # Last season's average is (4 - 2) / 2.
    assert stats[7][1]["plus_minus_share_2"] == pytest.approx((5 + 1) / 2 / 5)
    stats = one_set(tables, as_of("2022-11-08"), 1, windows=[2])
    assert stats[7][1]["plus_minus_share_2"] == pytest.approx((-1 + 0) / 2 / 5)


def test_availability_counts_games_since_the_teams_newest_ones(tables, as_of, one_set):
    stats = one_set(tables, as_of("2022-11-08"), 1, windows=[2, 4])
    assert stats[7][1]["availability_2"] == pytest.approx(1 / 2)
    assert stats[7][1]["availability_4"] == pytest.approx(3 / 4)
    assert stats[9][1]["availability_2"] == 0
    assert stats[9][1]["availability_4"] == pytest.approx(1 / 4)
    # Two of the newest games are last season's.
    stats = one_set(tables, as_of("2022-11-02"), 1, windows=[4])
    assert stats[7][1]["availability_4"] == pytest.approx(3 / 4)


def test_nobody_is_more_than_available(small_tables, as_of, one_set):
    """A player who came from a team with a fuller calendar."""
    games = [(f"2022-11-{day}", home, 3, 101, 100)
             for day, home in (("01", 1), ("03", 2), ("05", 2), ("10", 1))]  # fmt: skip
    lines = [line(day, 8, team, 30) for day, team, *_ in games]
    lines += [line("2022-11-01", 9, 1, 30), *(line(game[0], 20, 3, 30) for game in games)]
    tables = small_tables(games, [*lines, line("2022-11-03", 30, 2, 30)], n_teams=3)
    stats = one_set(tables, as_of("2022-11-11"), 1, windows=[2])
    assert stats[8][1]["availability_2"] == 1
    assert stats[9][1]["availability_2"] == pytest.approx(1 / 2)


def test_rates_are_of_the_window_and_of_last_season(small_tables, as_of, one_set):
    """True shooting from sums: a window's games, filled with last season's average game."""
    shots = [{"points": 30, "fga": 20, "fta": 5}, {"points": 10, "fga": 10, "fta": 0},
             {"points": 8, "fga": 10, "fta": 10}]  # fmt: skip
    days = ("2021-11-01", "2021-11-03", "2022-11-01")
    lines = [line(day, 7, 1, 30, **box) for day, box in zip(days, shots, strict=True)]
    tables = small_tables(GAMES, [*lines, *PLAYERS[-6:]], n_teams=2)
    stats = one_set(tables, as_of("2022-11-02"), 1, windows=[1, 2])[7][1]
    assert stats["true_shooting_last_season"] == pytest.approx(40 / (2 * (30 + 0.44 * 5)))
    assert stats["true_shooting_1"] == pytest.approx(8 / (2 * (10 + 0.44 * 10)))
    both = (8 + 20) / (2 * (10 + 15 + 0.44 * (10 + 2.5)))
    assert stats["true_shooting_2"] == pytest.approx(both)
    # Nobody has the team's box scores here.
    assert np.isnan([stats["usage_1"], stats["box_rating_1"]]).all()


def test_rating_columns_are_the_ratings(sim_tables, as_of, roster, rate):
    dates = as_of("2023-01-10")
    ratings = rate(sim_tables, dates)
    sets = player_sets(sim_tables, ratings, dates, roster())
    taken = sets.player_id != 0
    of = ratings.set_index("player_id").loc[sets.player_id[taken]]
    for name in ("prior_rating", "impact_rating", "expected_minutes", "full_strength_minutes"):
        got = sets.stats[:, :, sets.columns.index(name)][taken]
        np.testing.assert_array_equal(got, of[name].astype("float32"))


def test_returning_share_is_of_last_seasons_team_minutes(tables, as_of, one_set):
    stats = one_set(tables, as_of("2022-11-02"), 1)
    assert stats[7][1]["returning_minutes_share"] == pytest.approx(60 / 90)
    assert stats[8][1]["returning_minutes_share"] == pytest.approx(30 / 90)
    assert stats[9][1]["returning_minutes_share"] == 0
    # Minutes for another team did not return.
    moved = one_set(tables, as_of("2022-11-06"), 2)
    assert moved[8][1]["returning_minutes_share"] == 0
    assert moved[20][1]["returning_minutes_share"] == 1


def test_returning_share_is_unknown_without_a_last_season(tables, as_of, one_set):
    stats = one_set(tables, as_of("2021-11-02"), 1)
    assert np.isnan(stats[7][1]["returning_minutes_share"])


def test_a_missing_count_is_unknown_and_no_zero(small_tables, as_of, one_set, features):
    players = [line("2022-11-01", 7, 1, 30, points=8, plus_minus=np.nan, stl=np.nan),
               line("2022-11-01", 20, 2, 30)]  # fmt: skip
    tables = small_tables([GAMES[2]], players, n_teams=2)
    columns = features("features/roster/columns=run_021").roster.columns
    stats = one_set(tables, as_of("2022-11-02"), 1, columns=columns)[7][1]
    unknown = {name for name, value in stats.items() if np.isnan(value)}
    assert unknown - {"returning_minutes_share"} == {
        f"{name}_{window}" for name in ("stl_per_game", "plus_minus_share") for window in (10, 30)
    }


# All together.


def test_a_date_alone_has_the_same_sets(sim_tables, sim_dates, sim_ratings, roster):
    many = player_sets(sim_tables, sim_ratings, sim_dates, roster())
    for place in np.random.default_rng(6).choice(len(sim_dates), 3, replace=False):
        date = sim_dates["as_of_date"].iloc[place]
        own = sim_ratings[sim_ratings["as_of_date"] == date]
        alone = player_sets(sim_tables, own, sim_dates.iloc[[place]], roster())
        expected = many.take(np.flatnonzero(many.frame["as_of_date"] == date))
        pd.testing.assert_frame_equal(alone.frame, expected.frame)
        for name in ("player_id", "minutes_share", "stats"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(expected, name))
