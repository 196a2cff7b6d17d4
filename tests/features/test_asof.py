import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nba_rank.features.asof import Rows, RunningSums, days, ratio, team_season

N_GROUPS, LAST_DAY = 3, 12


@st.composite
def logs(draw):
    """Few groups and days, so that days repeat within a group; two columns with gaps."""
    n = draw(st.integers(1, 25))
    group = draw(hnp.arrays(np.int64, n, elements=st.integers(0, N_GROUPS - 1)))
    day = draw(hnp.arrays(np.int64, n, elements=st.integers(1, LAST_DAY)))
    value = st.one_of(st.integers(-9, 2_000_000).map(float), st.just(np.nan))
    return group, day, draw(hnp.arrays(np.float64, (2, n), elements=value))


def brute_force(log, group, day, last):
    games = [
        (game_day, place)
        for place, (game_group, game_day) in enumerate(zip(log[0], log[1], strict=True))
        if game_group == group and game_day < day
    ]
    games = sorted(games)[-last:] if last is not None else games
    values = log[2][:, [place for _, place in games]]
    return np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1), len(games)


@settings(max_examples=60, deadline=None)
@given(log=logs(), last=st.sampled_from([None, 1, 2, 5]))
def test_totals_and_windows_equal_brute_force(log, last):
    sums = RunningSums(*log)
    # Every group on every day, one before all games and one after them included.
    group, day = (
        grid.ravel() for grid in np.meshgrid(np.arange(N_GROUPS), np.arange(1, LAST_DAY + 2))
    )
    total, counts = sums.total(group, day, last)
    games = sums.games(group, day)
    for place in range(len(group)):
        expected = brute_force(log, group[place], day[place], last)
        np.testing.assert_array_equal(total[:, place], expected[0])
        np.testing.assert_array_equal(counts[:, place], expected[1])
        assert games[place] == brute_force(log, group[place], day[place], None)[2]


@settings(max_examples=60, deadline=None)
@given(
    log=logs(),
    today=st.integers(1, LAST_DAY),
    poison=st.sampled_from([np.nan, 0.0, 1e12, -1e12]),
    last=st.sampled_from([None, 3]),
    n_new=st.integers(0, 4),
    gone=st.booleans(),
)
def test_later_games_change_nothing(log, today, poison, last, n_new, gone):
    group, day, values = log
    later = day >= today
    spoiled = np.where(later, poison, values)
    kept = np.flatnonzero(~later) if gone else np.arange(len(day))
    new = np.arange(n_new)
    altered = RunningSums(
        np.r_[group[kept], new % N_GROUPS],
        np.r_[day[kept], today + new],
        np.hstack([spoiled[:, kept], np.full((2, n_new), poison)]),
    )
    ask = np.arange(N_GROUPS), np.full(N_GROUPS, today)
    for got, expected in zip(
        altered.total(*ask, last), RunningSums(*log).total(*ask, last), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


def test_ratio_is_unknown_without_a_positive_denominator():
    numerator, denominator = np.array([[3, 3, 0, np.nan, 1], [4, 0, 0, 2, np.nan]])
    expected = [0.75, np.nan, np.nan, np.nan, np.nan]
    np.testing.assert_array_equal(ratio(numerator, denominator), expected)


def test_days_count_from_1970_whatever_the_unit():
    dates = pd.Series(pd.to_datetime(["1970-01-02", "2020-03-01"]))
    for unit in ("s", "us", "ns"):
        assert days(dates.astype(f"datetime64[{unit}]")).tolist() == [1, 18322]


def test_rows_are_all_teams_of_the_season_sorted_by_key(sim_tables, as_of):
    dates = as_of("2023-01-05", "2021-12-01", "2023-01-05")
    rows = Rows.of(sim_tables, dates)
    key = ["season", "as_of_date", "team_id"]
    assert len(rows.frame) == 60
    assert list(rows.frame.columns) == [*key, "conference"]
    assert rows.frame[key].apply(tuple, axis=1).is_monotonic_increasing
    assert rows.season.tolist() == [2021] * 30 + [2022] * 30
    assert set(rows.frame["conference"]) == {"East", "West"}


@pytest.mark.real
def test_team_and_season_make_distinct_groups(real_tables):
    teams = real_tables.teams
    season = teams["season"].str[:4].astype("int64").to_numpy()
    groups = team_season(season, teams["team_id"].to_numpy())
    assert len(np.unique(groups)) == len(teams)


def test_within_marks_the_seasons_of_the_rows_and_those_before(sim_tables, as_of):
    rows = Rows.of(sim_tables, as_of("2023-11-01"))
    seasons = pd.Series(["2021-22", "2023-24", "2022-23", "2024-25"])
    assert rows.within(seasons).tolist() == [False, True, False, False]
    assert rows.within(seasons, before=1).tolist() == [False, True, True, False]
    assert rows.within(seasons.head(0)).tolist() == []
