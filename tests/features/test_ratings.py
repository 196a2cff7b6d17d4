import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array
from scipy.sparse.linalg import lsqr

from nba_rank.config.schema import EloConfig
from nba_rank.features.asof import Rows
from nba_rank.features.elo import elo_ratings
from nba_rank.features.schedule_ratings import massey_ratings, simple_ratings

PUBLISHED = {
    "fit": False,
    "home_edge_seasons": 1,
    "k": 20.0,
    "home_edge": 100.0,
    "carry_over": 0.75,
    "mean": 1505.0,
}

# Team 1 hosts team 2 and wins by 10, then team 2 hosts team 1 and wins by 3.
TWO_GAMES = [("2022-11-01", 1, 2, 110, 100), ("2022-11-05", 2, 1, 103, 100)]


def elo(tables, dates, **parameters):
    config = EloConfig(enabled=True, **(PUBLISHED | parameters))
    ratings = elo_ratings(tables, Rows.of(tables, dates), config)
    return ratings.reshape(len(dates), -1)


# Elo.


def test_elo_of_two_games_by_hand(small_tables, as_of):
    tables = small_tables(TWO_GAMES, n_teams=2)
    # Game 1: the winner's edge is the home edge, 100.
    gain = 20 * 13**0.8 / (7.5 + 0.006 * 100) * (1 - 1 / (1 + 10 ** (-100 / 400)))
    # Game 2: the winner, at home, stands at 1505 - gain against 1505 + gain.
    edge = 100 - 2 * gain
    back = 20 * 6**0.8 / (7.5 + 0.006 * edge) * (1 - 1 / (1 + 10 ** (-edge / 400)))
    got = elo(tables, as_of("2022-11-01", "2022-11-02", "2022-11-05", "2022-11-06"))
    np.testing.assert_allclose(
        got,
        [
            [1505, 1505],
            [1505 + gain, 1505 - gain],
            [1505 + gain, 1505 - gain],
            [1505 + gain - back, 1505 - gain + back],
        ],
        rtol=1e-12,
    )
    assert gain == pytest.approx(6.9171, abs=1e-4)


def test_a_neutral_site_has_no_home_edge(small_tables, as_of):
    day, *game = TWO_GAMES[0]
    dates = as_of("2022-11-02")
    at_home = elo(small_tables([(day, *game)], n_teams=2), dates)
    neutral = elo(small_tables([(day, *game, {"neutral": True})], n_teams=2), dates)
    without = elo(small_tables([(day, *game)], n_teams=2), dates, home_edge=0.0)
    np.testing.assert_array_equal(neutral, without)
    assert neutral[0, 0] == pytest.approx(1505 + 20 * 13**0.8 / 7.5 / 2)
    # An expected win counts for less.
    assert neutral[0, 0] > at_home[0, 0]


def test_a_team_that_has_never_played_stands_at_the_mean(small_tables, as_of):
    games = [("2022-11-01", 1, 4, 110, 100)]
    got = elo(small_tables(games, n_teams=5), as_of("2022-11-01", "2022-11-02"))[1:]
    np.testing.assert_allclose(got[:, [1, 2, 4]], 1505.0, rtol=1e-12)
    assert (got[:, 0] > 1505).all()
    assert (got[:, 3] < 1505).all()


def test_vectorised_elo_equals_a_loop_over_games(sim_tables, as_of):
    dates = as_of("2021-12-24", "2022-04-30", "2022-10-25", "2023-02-14", "2024-03-03")
    mean, edge = 1505.0, 100.0
    expected = []
    for row in dates.itertuples():
        rating, season = {}, None
        for game in sim_tables.games.sort_values(["game_date", "game_id"]).itertuples():
            if game.game_date >= row.as_of_date:
                break
            if season is not None and game.season != season:
                rating = {team: 0.75 * value + 0.25 * mean for team, value in rating.items()}
            season = game.season
            home, away = game.home_team_id, game.away_team_id
            lead = rating.get(home, mean) - rating.get(away, mean)
            lead += 0.0 if game.neutral_site else edge
            margin = game.home_points - game.away_points
            sign = 1 if margin > 0 else -1
            multiplier = (abs(margin) + 3) ** 0.8 / (7.5 + 0.006 * sign * lead)
            change = sign * 20 * multiplier * (1 - 1 / (1 + 10 ** (-sign * lead / 400)))
            rating[home] = rating.get(home, mean) + change
            rating[away] = rating.get(away, mean) - change
        assert season == row.season
        expected.append([rating[team] for team in sorted(rating)])
    np.testing.assert_allclose(elo(sim_tables, dates), expected, rtol=1e-11)


# Massey and the simple rating.

# A triangle: 1 beats 2 by 6, 2 beats 3 by 3, 1 beats 3 by 12.
TRIANGLE = [
    ("2022-11-01", 1, 2, 106, 100),
    ("2022-11-02", 2, 3, 103, 100),
    ("2022-11-03", 3, 1, 100, 112),
]


def massey(tables, dates, ridge):
    return massey_ratings(tables, Rows.of(tables, dates), ridge).reshape(len(dates), -1)


def simple(tables, dates):
    rows = Rows.of(tables, dates)
    both = simple_ratings(tables, rows)
    return tuple(both[name].to_numpy().reshape(len(dates), -1) for name in ("srs", "sos"))


def test_massey_and_srs_of_a_triangle_by_hand(small_tables, as_of):
    tables = small_tables(TRIANGLE, n_teams=3)
    dates = as_of("2022-11-04")
    # M = 3 I - ones, p = (18, -3, -15) and sum r = 0 give (3 + ridge) r = p.
    np.testing.assert_allclose(massey(tables, dates, 1.0), [[18 / 4, -3 / 4, -15 / 4]])
    np.testing.assert_allclose(massey(tables, dates, 3.0), [[3, -0.5, -2.5]])
    srs, sos = simple(tables, dates)
    np.testing.assert_allclose(srs, [[6, -1, -5]])
    np.testing.assert_allclose(sos, [[6 - 9, -1 + 1.5, -5 + 7.5]])


def test_ratings_before_and_after_the_first_game(small_tables, as_of):
    tables = small_tables(TRIANGLE, n_teams=3)
    dates = as_of("2022-11-01", "2022-11-02")
    np.testing.assert_allclose(massey(tables, dates, 1.0), [[0, 0, 0], [2, -2, 0]], atol=1e-12)
    srs, sos = simple(tables, dates)
    np.testing.assert_allclose(srs, [[np.nan] * 3, [3, -3, np.nan]])
    np.testing.assert_allclose(sos, [[np.nan] * 3, [-3, 3, np.nan]])


def test_only_regular_season_games_of_the_season_count(small_tables, as_of):
    others = [
        ("2021-11-01", 1, 2, 90, 130),
        *TRIANGLE,
        ("2022-11-03", 2, 1, 140, 90, {"kind": "playin"}),
        ("2022-11-03", 2, 1, 140, 90, {"kind": "playoffs"}),
    ]
    dates = as_of("2022-11-04")
    tables, more = small_tables(TRIANGLE, n_teams=3), small_tables(others, n_teams=3)
    np.testing.assert_array_equal(massey(more, dates, 1.0), massey(tables, dates, 1.0))
    np.testing.assert_array_equal(simple(more, dates)[0], simple(tables, dates)[0])


def design(tables, season, day):
    """One row a game: +1 at home, -1 away, and the margin; teams sorted by id."""
    games = tables.games
    games = games[(games["season"] == season) & (games["kind"] == "regular")]
    games = games[games["game_date"] < day]
    teams = np.sort(tables.teams.loc[tables.teams["season"] == season, "team_id"].to_numpy())
    place = {team: column for column, team in enumerate(teams)}
    home = games["home_team_id"].map(place).to_numpy(dtype=np.int64)
    away = games["away_team_id"].map(place).to_numpy(dtype=np.int64)
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
    check_srs(sim_tables, as_of(*SIM_DATES))
    check_srs(sim_tables, as_of(*pd.date_range("2022-10-19", "2022-11-20")))


@pytest.mark.real
@pytest.mark.parametrize(
    ("first", "last", "step"),
    [
        ("2018-10-25", "2019-04-11", "7D"),
    ],
)
def test_srs_of_the_real_league_is_centred_and_consistent(real_tables, as_of, first, last, step):
    check_srs(real_tables, as_of(*pd.date_range(first, last, freq=step)))
