"""Elo with parameters fitted on earlier seasons; the published form is tested in test_ratings."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from nba_rank.evaluation.baselines import FIVETHIRTYEIGHT
from nba_rank.features import elo
from nba_rank.features.asof import Rows
from nba_rank.features.elo import (
    CARRY_OVER_GRID,
    K_GRID,
    elo_ratings,
    home_leads,
    win_probability,
)

FITTED = replace(FIVETHIRTYEIGHT, fit=True, home_edge_seasons=1)


def ratings(tables, dates, config):
    return elo_ratings(tables, Rows.of(tables, dates), config).reshape(len(dates), -1)


def one_by_one(games, k, carry_over, edge_of):
    """Ratings after all games, carried into the next season, and each game's home lead."""
    rating, season, leads = {}, None, []
    for game in games.itertuples():
        if season is not None and game.season != season:
            rating = {team: carry_over * (r - 1505) + 1505 for team, r in rating.items()}
        season = game.season
        home, away = (rating.get(team, 1505.0) for team in (game.home_team_id, game.away_team_id))
        lead = home - away + edge_of[season]
        sign = 1 if game.home_points > game.away_points else -1
        margin = abs(game.home_points - game.away_points)
        gain = sign * k * (margin + 3) ** 0.8 / (7.5 + 0.006 * sign * lead)
        gain *= 1 - 1 / (1 + 10 ** (-sign * lead / 400))
        rating[game.home_team_id], rating[game.away_team_id] = home + gain, away - gain
        leads.append(lead)
    return {team: carry_over * (r - 1505) + 1505 for team, r in rating.items()}, np.array(leads)


def log_loss(games, leads):
    won = (games["home_points"] > games["away_points"]).to_numpy()
    return -np.log(win_probability(np.where(won, leads, -leads))).sum()


def test_the_third_season_goes_by_what_was_best_in_the_first_two(sim_tables, as_of):
    games = sim_tables.games.sort_values(["game_date", "game_id"])
    config = replace(FITTED, k=22.0)
    leads = home_leads(sim_tables, config)
    opening = {season: days.min() for season, days in games.groupby("season")["game_date"]}
    dates = as_of(*opening.values())
    got = ratings(sim_tables, dates, config)
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
        rating, past_leads = tried[best]
        np.testing.assert_allclose(got[place], [rating[team] for team in teams], rtol=1e-9)
        # The edge of the season: first games between teams whose ratings are known.
        first = games[games["game_date"] == opening[season]]
        gap = [rating[h] - rating[a] for h, a in zip(first["home_team_id"], first["away_team_id"],
                                                     strict=True)]  # fmt: skip
        edge = (leads[first["game_id"]] - gap).to_numpy()
        np.testing.assert_allclose(edge, edge[0], atol=1e-6)
        edges[season] = edge[0]
        # Where the log loss is least, as many home games were won as expected.
        newest = (past["season"] == past["season"].max()).to_numpy()
        lead = past_leads[newest] - edges[past["season"].max()] + edge[0]
        won = (past["home_points"] > past["away_points"])[newest]
        assert win_probability(lead).mean() == pytest.approx(won.mean(), abs=1e-5)
        assert 20 < edge[0] < 99


def test_without_earlier_seasons_the_values_of_the_config_stand(sim_tables, as_of):
    dates = as_of("2021-11-20", "2022-03-01")
    for change in ({}, {"k": 31.0}, {"home_edge": 50.0}, {"carry_over": 0.5}):
        as_given = replace(FIVETHIRTYEIGHT, **change)
        fitted = replace(as_given, fit=True)
        np.testing.assert_array_equal(
            ratings(sim_tables, dates, fitted), ratings(sim_tables, dates, as_given)
        )


@pytest.mark.parametrize(
    "change", [{"k": 30.0}, {"home_edge": 60.0}, {"carry_over": 0.5}, {"mean": 1500.0}]
)
def test_every_parameter_changes_the_published_form(sim_tables, as_of, change):
    dates = as_of("2022-11-20")
    changed = ratings(sim_tables, dates, replace(FIVETHIRTYEIGHT, **change))
    assert (changed != ratings(sim_tables, dates, FIVETHIRTYEIGHT)).all()


def test_the_home_edge_can_be_that_of_several_seasons(sim_tables, as_of):
    two = replace(FITTED, home_edge_seasons=2)
    second, third = as_of("2022-11-20"), as_of("2023-11-20")
    for dates, same in ((second, True), (third, False)):
        alike = ratings(sim_tables, dates, two) == ratings(sim_tables, dates, FITTED)
        assert alike.all() == same


def test_a_season_to_come_is_rated_by_all_the_seasons_before_it(sim_tables, as_of):
    played = sim_tables.games[sim_tables.games["season"] < "2023-24"]
    waiting = replace(sim_tables, games=played)
    dates = as_of("2023-10-20")
    np.testing.assert_array_equal(
        ratings(waiting, dates, FITTED), ratings(sim_tables, dates, FITTED)
    )


def test_after_the_restart_of_2020_nobody_is_at_home(small_tables, as_of):
    def gain(config, *more):
        tables = small_tables([("2020-07-31", 1, 2, 110, 100, *more)], n_teams=2)
        return ratings(tables, as_of("2020-08-01", season="2019-20"), config)[0, 0] - 1505

    neutral = {"neutral": True}
    assert gain(FITTED) == gain(FITTED, neutral) == gain(FIVETHIRTYEIGHT, neutral)
    # The published form goes by the logs, which name a home team.
    assert gain(FIVETHIRTYEIGHT) < gain(FITTED)


def test_where_nobody_was_at_home_there_is_no_edge_to_fit(small_tables, as_of):
    games = [("2021-11-01", 1, 2, 110, 100, {"neutral": True}), ("2022-11-01", 1, 2, 110, 100)]
    tables = small_tables(games, n_teams=2)
    first, second = ratings(tables, as_of("2022-11-01"), FITTED)[0]
    assert home_leads(tables, FITTED).tolist() == [0.0, first - second]


def test_leads_are_those_of_the_ratings_before_the_game(small_tables, as_of):
    games = [("2022-11-01", 1, 2, 110, 100), ("2022-11-05", 2, 1, 103, 100)]
    leads = home_leads(small_tables(games, n_teams=2), FIVETHIRTYEIGHT)
    gain = 20 * 13**0.8 / (7.5 + 0.006 * 100) * (1 - 1 / (1 + 10 ** (-100 / 400)))
    assert leads.tolist() == pytest.approx([100, 100 - 2 * gain])
    assert leads.index.tolist() == ["0022200000", "0022200001"]


@pytest.mark.real
def test_fitted_on_the_past_it_predicts_real_games_better_than_as_published(real_tables):
    games = real_tables.games.set_index("game_id")
    later = games.index[games["season"] >= "2005-06"]
    config = replace(FITTED, home_edge_seasons=3)
    loss = {
        name: log_loss(games.loc[later], home_leads(real_tables, form)[later].to_numpy())
        for name, form in (("fitted", config), ("published", FIVETHIRTYEIGHT))
    }
    assert loss["fitted"] < loss["published"] - 0.003 * len(later)


def test_the_games_of_the_same_tables_are_played_once(sim_tables, as_of, monkeypatch):
    tables = replace(sim_tables)
    played = []

    def counted(games, config):
        played.append(config.k)
        return play(games, config)

    play = elo._play
    monkeypatch.setattr(elo, "_play", counted)
    config = replace(FITTED, k=23.0)
    for dates in (as_of("2022-10-18"), as_of("2023-02-01", "2023-03-01")):
        ratings(tables, dates, config)
    home_leads(tables, replace(config))
    assert played == [23.0]
    ratings(tables, dates, replace(config, k=24.0))
    ratings(replace(tables), dates, config)
    assert played == [23.0, 24.0, 23.0]
