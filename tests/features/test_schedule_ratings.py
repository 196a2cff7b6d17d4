import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array
from scipy.sparse.linalg import lsqr

from nba_rank.features.asof import Rows
from nba_rank.features.schedule_ratings import massey_ratings, simple_ratings

# A triangle: 1 beats 2 by 6, 2 beats 3 by 3, 1 beats 3 by 12.
TRIANGLE = [
    ("2022-11-01", 1, 2, 106, 100),
    ("2022-11-02", 2, 3, 103, 100),
    ("2022-11-03", 3, 1, 100, 112),
]
OTHERS = [
    ("2021-11-01", 1, 2, 90, 130),
    ("2022-11-03", 2, 1, 140, 90, {"kind": "playin"}),
    ("2022-11-03", 2, 1, 140, 90, {"kind": "playoffs"}),
]


def massey(tables, dates, ridge):
    return massey_ratings(tables, Rows.of(tables, dates), ridge).reshape(len(dates), -1)


def simple(tables, dates):
    both = simple_ratings(tables, Rows.of(tables, dates))
    return tuple(both[name].to_numpy().reshape(len(dates), -1) for name in ("srs", "sos"))


def test_a_triangle_by_hand(small_tables, as_of):
    """Other seasons, the play-in and the playoffs do not count."""
    tables = small_tables([*TRIANGLE, *OTHERS], n_teams=3)
    dates = as_of("2022-11-01", "2022-11-02", "2022-11-04")
    # M = 3 I - ones, p = (18, -3, -15) and sum r = 0 give (3 + ridge) r = p.
    expected = [[0, 0, 0], [2, -2, 0], [18 / 4, -3 / 4, -15 / 4]]
    np.testing.assert_allclose(massey(tables, dates, 1.0), expected, atol=1e-12)
    np.testing.assert_allclose(massey(tables, dates, 3.0)[2], [3, -0.5, -2.5])
    srs, sos = simple(tables, dates)
    np.testing.assert_allclose(srs, [[np.nan] * 3, [3, -3, np.nan], [6, -1, -5]])
    np.testing.assert_allclose(sos, [[np.nan] * 3, [-3, 3, np.nan], [6 - 9, -1 + 1.5, -5 + 7.5]])


def design(tables, season, day):
    """One row a game: +1 at home, -1 away, and the margin; teams sorted by id."""
    games = tables.games
    games = games[(games["season"] == season) & (games["kind"] == "regular")]
    games = games[games["game_date"] < day]
    teams = np.sort(tables.teams.loc[tables.teams["season"] == season, "team_id"].to_numpy())
    home, away = (np.searchsorted(teams, games[f"{side}_team_id"]) for side in ("home", "away"))
    n, each = len(games), np.arange(len(games))
    matrix = coo_array(
        (np.r_[np.ones(n), -np.ones(n)], (np.r_[each, each], np.r_[home, away])),
        shape=(n, len(teams)),
    )
    return matrix, (games["home_points"] - games["away_points"]).to_numpy(dtype=np.float64)


SIM_DATES = ["2021-10-21", "2021-11-10", "2022-04-12", "2022-11-02", "2023-01-20", "2024-02-29"]


@pytest.mark.parametrize("ridge", [0.25, 8.0])
def test_massey_equals_sparse_least_squares_over_games(sim_tables, as_of, ridge):
    dates = as_of(*SIM_DATES)
    got = massey(sim_tables, dates, ridge)
    for place, row in enumerate(dates.itertuples()):
        matrix, margin = design(sim_tables, row.season, row.as_of_date)
        solved = lsqr(matrix, margin, damp=np.sqrt(ridge), atol=1e-14, btol=1e-14)[0]
        np.testing.assert_allclose(got[place], solved, atol=1e-8)
    np.testing.assert_allclose(got.sum(axis=1), 0.0, atol=1e-9)


def check_srs(tables, dates):
    srs, sos = simple(tables, dates)
    for place, row in enumerate(dates.itertuples()):
        matrix, margin = design(tables, row.season, row.as_of_date)
        games = abs(matrix).sum(axis=0)
        played = games > 0
        total = matrix.T @ margin
        rating = np.where(played, srs[place], 0.0)
        # |A|'(|A| r) counts a team itself once for each of its games.
        against = abs(matrix).T @ (abs(matrix) @ rating) - games * rating
        opponents = against[played] / games[played]
        own = total[played] / games[played]
        np.testing.assert_allclose(srs[place][played], own + opponents, atol=1e-8)
        np.testing.assert_allclose(sos[place][played], opponents, atol=1e-8)
        assert np.nansum(srs[place]) == pytest.approx(0.0, abs=1e-8)
        assert np.isnan(sos[place][~played]).all()


def test_srs_is_the_margin_plus_the_opponents_mean_srs(sim_tables, as_of):
    check_srs(sim_tables, as_of(*SIM_DATES[:3], *pd.date_range("2022-10-19", "2022-11-20")))


@pytest.mark.real
def test_srs_of_the_real_league_is_the_margin_plus_the_opponents_mean_srs(real_tables, as_of):
    check_srs(real_tables, as_of(*pd.date_range("2018-10-25", "2019-04-11", freq="7D")))
