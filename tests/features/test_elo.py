from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from nba_rank.evaluation.baselines import FIVETHIRTYEIGHT
from nba_rank.features import elo
from nba_rank.features.asof import Rows
from nba_rank.features.elo import CARRY_OVER_GRID, K_GRID, elo_ratings, home_leads, win_probability

FITTED = replace(FIVETHIRTYEIGHT, fit=True, home_edge_seasons=1)
# Team 1 hosts team 2 and wins by 10, then team 2 hosts team 1 and wins by 3.
TWO_GAMES = [("2022-11-01", 1, 2, 110, 100), ("2022-11-05", 2, 1, 103, 100)]


def ratings(tables, dates, config=FIVETHIRTYEIGHT):
    return elo_ratings(tables, Rows.of(tables, dates), config).reshape(len(dates), -1)


def carried(rating, share, mean=1505.0):
    return {team: share * (r - mean) + mean for team, r in rating.items()}


def one_by_one(games, k, carry_over, edges, mean=1505.0):
    """Ratings after all games and each game's home lead, by a loop; `edges` are by season."""
    rating, season, leads = {}, None, []
    for game in games.itertuples():
        if season not in (None, game.season):
            rating = carried(rating, carry_over, mean)
        season = game.season
        home, away = (rating.get(team, mean) for team in (game.home_team_id, game.away_team_id))
        lead = home - away + edges[season] * (not game.neutral_site)
        sign = 1 if game.home_points > game.away_points else -1
        margin = abs(game.home_points - game.away_points)
        gain = sign * k * (margin + 3) ** 0.8 / (7.5 + 0.006 * sign * lead)
        gain *= 1 - 1 / (1 + 10 ** (-sign * lead / 400))
        rating[game.home_team_id], rating[game.away_team_id] = home + gain, away - gain
        leads.append(lead)
    return rating, np.array(leads)


def log_loss(games, leads):
    won = (games["home_points"] > games["away_points"]).to_numpy()
    return -np.log(win_probability(np.where(won, leads, -leads))).sum()


# The published form.


def test_two_games_by_hand(small_tables, as_of):
    tables = small_tables(TWO_GAMES, n_teams=2)
    # Game 1: the winner's edge is the home edge, 100.
    gain = 20 * 13**0.8 / (7.5 + 0.006 * 100) * (1 - 1 / (1 + 10 ** (-100 / 400)))
    # Game 2: the winner, at home, stands at 1505 - gain against 1505 + gain.
    edge = 100 - 2 * gain
    back = 20 * 6**0.8 / (7.5 + 0.006 * edge) * (1 - 1 / (1 + 10 ** (-edge / 400)))
    got = ratings(tables, as_of("2022-11-01", "2022-11-02", "2022-11-05", "2022-11-06"))
    ahead = np.array([0, gain, gain, gain - back])
    np.testing.assert_allclose(got, 1505 + np.stack([ahead, -ahead], axis=1), rtol=1e-12)
    assert gain == pytest.approx(6.9171, abs=1e-4)
    leads = home_leads(tables, FIVETHIRTYEIGHT)
    assert leads.to_dict() == pytest.approx({"0022200000": 100, "0022200001": edge})


def test_a_neutral_site_has_no_home_edge(small_tables, as_of):
    [game] = TWO_GAMES[:1]
    neutral = small_tables([(*game, {"neutral": True})], n_teams=2)
    got = ratings(neutral, as_of("2022-11-02"))
    assert got[0, 0] == pytest.approx(1505 + 20 * 13**0.8 / 7.5 / 2)


def test_a_team_that_has_never_played_stands_at_the_mean(small_tables, as_of):
    tables = small_tables([("2022-11-01", 1, 4, 110, 100)], n_teams=5)
    got = ratings(tables, as_of("2022-11-02"))[0] - 1505
    assert np.sign(got.round(9)).tolist() == [1, 0, 0, -1, 0]


def test_all_games_at_once_equal_a_loop_over_games(sim_tables, as_of):
    config = replace(FIVETHIRTYEIGHT, k=24.0, carry_over=0.6, home_edge=60.0, mean=1500.0)
    dates = as_of("2021-12-24", "2022-04-30", "2022-10-25", "2023-02-14", "2024-03-03")
    games = sim_tables.games.sort_values(["game_date", "game_id"])
    edges = dict.fromkeys(games["season"], 60.0)
    for got, date in zip(ratings(sim_tables, dates, config), dates["as_of_date"], strict=True):
        past = games[games["game_date"] < date]
        rating, leads = one_by_one(past, 24.0, 0.6, edges, 1500.0)
        np.testing.assert_allclose(got, [rating[team] for team in sorted(rating)], rtol=1e-11)
    got = home_leads(sim_tables, config)[past["game_id"]]
    np.testing.assert_allclose(got, leads, atol=1e-8)


# Parameters fitted on earlier seasons.


def test_the_third_season_uses_what_was_best_in_the_first_two(sim_tables, as_of):
    games = sim_tables.games.sort_values(["game_date", "game_id"])
    config = replace(FITTED, k=22.0)
    leads = home_leads(sim_tables, config)
    opening = {season: days.min() for season, days in games.groupby("season")["game_date"]}
    got = ratings(sim_tables, as_of(*opening.values()), config)
    teams = np.sort(sim_tables.teams["team_id"].unique())
    edges = {"2021-22": 100.0}
    for place, season in enumerate(("2022-23", "2023-24"), start=1):
        past = games[games["season"] < season]
        # The config's own values come first and win ties, so a carry-over without effect stays.
        tried = {
            (k, carry): one_by_one(past, k, carry, edges)
            for k, carry in product((22.0, *K_GRID), (0.75, *CARRY_OVER_GRID))
        }
        best = min(tried, key=lambda combination: log_loss(past, tried[combination][1]))
        assert place == 2 or best[1] == 0.75
        rating, past_leads = carried(tried[best][0], best[1]), tried[best][1]
        np.testing.assert_allclose(got[place], [rating[team] for team in teams], rtol=1e-9)
        # The edge of the season: first games between teams whose ratings are known.
        first = games[games["game_date"] == opening[season]]
        gap = first["home_team_id"].map(rating) - first["away_team_id"].map(rating)
        edge = leads[first["game_id"]].to_numpy() - gap.to_numpy()
        np.testing.assert_allclose(edge, edge[0], atol=1e-6)
        edges[season] = edge[0]
        # Where the log loss is least, as many home games were won as expected.
        newest = (past["season"] == past["season"].max()).to_numpy()
        lead = past_leads[newest] - edges[past["season"].max()] + edge[0]
        won = (past["home_points"] > past["away_points"])[newest]
        assert win_probability(lead).mean() == pytest.approx(won.mean(), abs=1e-5)
        assert 20 < edge[0] < 99


def test_the_first_season_uses_the_values_of_the_config(sim_tables, as_of):
    dates = as_of("2021-11-20", "2022-03-01")
    for change in ({}, {"k": 31.0}, {"home_edge": 50.0}, {"carry_over": 0.5}):
        given = replace(FIVETHIRTYEIGHT, **change)
        got = ratings(sim_tables, dates, replace(given, fit=True))
        np.testing.assert_array_equal(got, ratings(sim_tables, dates, given))


def test_the_home_edge_can_be_that_of_several_seasons(sim_tables, as_of):
    two = replace(FITTED, home_edge_seasons=2)
    second, third = as_of("2022-11-20"), as_of("2023-11-20")
    for dates, same in ((second, True), (third, False)):
        alike = ratings(sim_tables, dates, two) == ratings(sim_tables, dates, FITTED)
        assert alike.all() == same


def test_a_coming_season_is_rated_by_all_seasons_before_it(sim_tables, as_of):
    waiting = replace(sim_tables, games=sim_tables.games[sim_tables.games["season"] < "2023-24"])
    got, expected = (
        ratings(tables, as_of("2023-10-20"), FITTED) for tables in (waiting, sim_tables)
    )
    np.testing.assert_array_equal(got, expected)


def test_after_the_restart_of_2020_nobody_is_at_home(small_tables, as_of):
    def gain(config, *more):
        tables = small_tables([("2020-07-31", 1, 2, 110, 100, *more)], n_teams=2)
        return ratings(tables, as_of("2020-08-01", season="2019-20"), config)[0, 0] - 1505

    neutral = {"neutral": True}
    assert gain(FITTED) == gain(FITTED, neutral) == gain(FIVETHIRTYEIGHT, neutral)
    # The published form goes by the logs, which name a home team.
    assert gain(FIVETHIRTYEIGHT) < gain(FITTED)


def test_without_home_games_the_fitted_edge_is_zero(small_tables, as_of):
    games = [("2021-11-01", 1, 2, 110, 100, {"neutral": True}), ("2022-11-01", 1, 2, 110, 100)]
    tables = small_tables(games, n_teams=2)
    first, second = ratings(tables, as_of("2022-11-01"), FITTED)[0]
    assert home_leads(tables, FITTED).tolist() == [0.0, first - second]


@pytest.mark.real
def test_fitted_elo_predicts_real_games_better_than_the_published_form(real_tables):
    games = real_tables.games.set_index("game_id")
    later = games.index[games["season"] >= "2005-06"]
    fitted, published = (
        log_loss(games.loc[later], home_leads(real_tables, config)[later].to_numpy())
        for config in (replace(FITTED, home_edge_seasons=3), FIVETHIRTYEIGHT)
    )
    assert fitted < published - 0.003 * len(later)


def test_the_games_of_the_same_tables_are_played_once(sim_tables, as_of, monkeypatch):
    tables, play, played = replace(sim_tables), elo._play, []

    def counted(games, config):
        played.append(config.k)
        return play(games, config)

    monkeypatch.setattr(elo, "_play", counted)
    config = replace(FITTED, k=23.0)
    for dates in (as_of("2022-10-18"), as_of("2023-02-01", "2023-03-01")):
        ratings(tables, dates, config)
    home_leads(tables, replace(config))
    assert played == [23.0]
    ratings(tables, dates, replace(config, k=24.0))
    ratings(replace(tables), dates, config)
    assert played == [23.0, 24.0, 23.0]
