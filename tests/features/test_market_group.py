from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_games import table

from nba_rank.features.asof import Rows, days
from nba_rank.features.market import (
    FIRST_HOME_EDGE,
    POINTS_PER_WIN,
    market_ratings,
)


def with_lines(tables, *spreads):
    """Tables with a closing home spread for each of the first games, None for no line."""
    games = tables.games.iloc[: len(spreads)]
    rows = games.assign(home_spread=spreads, home_win_prob=0.5).dropna(subset="home_spread")
    return replace(tables, market_lines=table("market_lines", rows))


def rated(tables, dates, config):
    rows = Rows.of(tables, dates)
    rating = rows.frame.assign(rating=market_ratings(tables, rows, config))
    return rating.pivot_table("rating", "as_of_date", "team_id", dropna=False)


@pytest.fixture(scope="module")
def config(features):
    return features().market


SEASON = [("2022-11-01", 1, 2), ("2022-11-01", 3, 4), ("2022-11-03", 2, 3), ("2022-11-09", 4, 1)]
GAMES = [(*game, 101, 100) for game in SEASON]


def test_preseason_figures_by_hand(small_tables, as_of, built):
    games = [("2020-12-22", 1, 2, 110, 100), ("2022-11-01", 1, 2, 110, 100)]
    rows = [("2020-21", 1, 36.0, 0.25), ("2022-23", 1, 41.0, 0.5), ("2022-23", 3, 20.5, np.nan)]
    bare = small_tables(games)
    tables = replace(bare, market_totals=table("market_totals", rows))
    got = built("market", tables, as_of("2020-12-22", "2022-11-01", "2023-03-01"))
    assert got.pop("market_rating").isna().all()
    # 72 games in 2020-21, 82 since; the figures are the same on every date of a season.
    assert got.loc[("2020-12-22", 1)].tolist() == [0.5, 0.25]
    for date in ("2022-11-01", "2023-03-01"):
        expected = [[0.5, 0.5], [np.nan] * 2, [0.25, np.nan], [np.nan] * 2]
        np.testing.assert_array_equal(got.loc[date], expected)
    assert built("market", bare, as_of("2022-11-01")).isna().all(axis=None)


def test_the_rating_is_a_decayed_ridge_of_past_spreads(sim_tables, priced, as_of, config):
    tables = priced(sim_tables)
    tables = replace(tables, market_totals=tables.market_totals.iloc[:0])
    date = pd.Timestamp("2022-01-20")
    lines = tables.market_lines[tables.market_lines["game_date"] < date]
    teams = np.sort(tables.teams.loc[tables.teams["season"] == "2021-22", "team_id"])
    age = days(pd.Series([date]))[0] - days(lines["game_date"])
    design = np.concatenate([np.zeros((len(lines), 30)), np.ones((len(lines), 1))], axis=1)
    at = np.arange(len(lines))
    design[at, np.searchsorted(teams, lines["home_team_id"])] = 1
    design[at, np.searchsorted(teams, lines["away_team_id"])] = -1
    # What the season starts from is like `prior_games` lines of each team on the first day.
    ages = np.r_[age, np.full(31, age.max())]
    games = np.r_[np.ones(len(lines)), np.full(31, config.prior_games)]
    root = np.sqrt(games * np.exp(-ages / config.memory_days))
    start = np.r_[np.zeros(30), FIRST_HOME_EDGE]
    X, y = np.concatenate([design, np.eye(31)]), np.r_[-lines["home_spread"], start]
    solved, *_ = np.linalg.lstsq(X * root[:, None], y * root)
    got = rated(tables, as_of(date), config).loc[date]
    np.testing.assert_allclose(got, solved[:30] - solved[:30].mean(), atol=1e-9)


def test_a_line_counts_from_the_morning_after(small_tables, as_of, config):
    tables = with_lines(small_tables(GAMES), -9, 2, -3, 5)
    got = rated(tables, as_of("2022-11-01", "2022-11-02", "2022-11-03", "2022-11-04"), config)
    assert got.loc["2022-11-01"].isna().all()
    assert got.loc["2022-11-02", 1] > 1 > -1 > got.loc["2022-11-02", 2]
    # The home team is favoured by the home edge, too: team 3 is the better one.
    assert got.loc["2022-11-02", 3] < got.loc["2022-11-02", 4]
    pd.testing.assert_series_equal(
        got.loc["2022-11-02"], got.loc["2022-11-03"], check_names=False, check_exact=True
    )
    assert got.loc["2022-11-04", 2] > got.loc["2022-11-03", 2]


def test_a_season_starts_from_win_totals_or_from_the_last_rating(small_tables, as_of, config):
    games = [*GAMES, *[(f"2023{date[4:]}", *rest) for date, *rest in GAMES]]
    bare = with_lines(small_tables(games), -9, 2, -3, 5)
    last = rated(bare, as_of("2022-11-10"), config).iloc[0]
    carried = rated(bare, as_of("2023-11-01"), config).iloc[0]
    np.testing.assert_allclose(carried, config.carry_over * last)
    whole = [("2023-24", team, wins, np.nan) for team, wins in ((1, 51), (2, 31), (3, 41), (4, 41))]
    for listed in (whole, whole[:3]):
        tables = replace(bare, market_totals=table("market_totals", listed))
        got = rated(tables, as_of("2023-11-01"), config).iloc[0]
        expected = carried if len(listed) < 4 else POINTS_PER_WIN * np.array([10, -10, 0, 0])
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_without_lines_the_rating_is_unknown(small_tables, as_of, config):
    games = [*GAMES, *[(f"2023{date[4:]}", *rest) for date, *rest in GAMES]]
    dates = as_of("2022-11-01", "2022-11-02", "2022-11-04", "2023-11-01", "2023-11-02")
    known = {
        # The first games without, most of them without, all later ones without.
        (None, None, -3, 5): [False, False, False, True, False],
        (-9, None, None, 5): [False, True, False, True, False],
        (-9, 2, -3, 5): [False, True, True, True, False],
        (-9, 2, None, None, None, None): [False, True, True, True, False],
        (-9, None, None, None): [False, True, False, False, False],
    }
    for spreads, expected in known.items():
        got = rated(with_lines(small_tables(games), *spreads), dates, config)
        assert got.notna().all(axis=1).tolist() == expected, spreads
        assert got.isna().all(axis=1).tolist() == [not one for one in expected], spreads


def test_on_neutral_courts_there_is_no_edge(small_tables, as_of, config):
    games = [("2022-11-01", 1, 2, 101, 100, {"neutral": True})]
    neutral, home = (
        rated(with_lines(small_tables(some), -6), as_of("2022-11-02"), config)[1].iloc[0]
        for some in (games, [games[0][:5]])
    )
    assert neutral > home > 0
