import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import WhatIfConfig
from nba_rank.evaluation.date_forecast import beside
from nba_rank.experiments.inputs import inputs_on, ratings_on
from nba_rank.experiments.morning import Morning, one_date
from nba_rank.experiments.predict import forecast_of
from nba_rank.experiments.what_if import assume
from nba_rank.experiments.why import SINCE_DAYS, Why, why
from nba_rank.explain import moved
from nba_rank.models.members import Members
from nba_rank.models.ranker import Ensemble, Ranker
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.report.page import SeasonView, season_page
from nba_rank.report.page_changes import POINTS
from nba_rank.samples.target import relevance

FIRST, SEASON = "2021-22", "2023-24"


@pytest.fixture(scope="module")
def morning(
    sim_tables, sim_dates, sim_results, compose_as_is, plain_morning, tmp_path_factory
) -> Morning:
    """A morning in the middle of a season of which nothing is known but the teams' games."""
    nobody = {
        name: getattr(sim_tables, name).iloc[:0]
        for name in ("player_games", "rosters", "stints", "drafts", "injury_reports")
    }
    tables = replace(sim_tables, **nobody)
    config = compose_as_is(
        "features=lean", "model.members=[xgb,rf]", "model.xgb.n_estimators=10",
        "model.rf.n_estimators=10", "paths.members=null", "trainer.num_threads=1",
        f"paths.cache={tmp_path_factory.mktemp('cache')}",
    )  # fmt: skip
    dates = sim_dates[sim_dates["season"] == FIRST]
    data, league = inputs_on(tables, ratings_on(tables, dates, config), dates, sim_results, config)
    games = TrainingGames.of(tables, league.inputs)
    projection = MonteCarloOdds.fit(games, n_simulations=200, seed=1)
    data = data.with_projection(projection.predict(league.inputs, tables, rounds=False))
    data = replace(data, relevance=relevance(sim_results, config.target.name))
    members = Members.fit(data, config, 1, lambda: None)
    ensemble = Ensemble.fit(members.predict(data).frame, data.relevance, config, league)
    days = sorted(sim_dates.loc[sim_dates["season"] == SEASON, "as_of_date"].unique())
    date = days[len(days) // 3]
    return plain_morning(
        SEASON,
        date,
        ranker=Ranker(members, ensemble, projection),
        config=config,
        tables=tables,
        results=sim_results,
        ratings=ratings_on(tables, one_date(SEASON, date), config),
    )


@pytest.fixture(scope="module")
def forecast(morning):
    return forecast_of(morning)


@pytest.fixture(scope="module")
def found(forecast, morning) -> Why:
    return why(forecast, morning)


def test_what_changed_is_told_without_players(morning, forecast, found):
    assert morning.ratings.empty
    assert "players" not in forecast.tables
    assert found.without.empty
    parts = found.changes.parts
    assert set(parts["level"]) == {moved.PLACES, POINTS}
    assert set(parts["player"]) == {""}
    sums = parts.groupby(["level", "team_id"])
    np.testing.assert_allclose(sums["value"].sum(), sums["whole"].first(), atol=1e-6)
    week = morning.as_of_date - pd.Timedelta(days=SINCE_DAYS)
    assert found.changes.since == week
    earlier = replace(
        morning,
        as_of_date=week,
        basis=replace(morning.basis, as_of_date=week),
        ratings=ratings_on(morning.tables, one_date(SEASON, week), morning.config),
    )
    now, before = (
        of.predictions.set_index("team_id").sort_index() for of in (forecast, forecast_of(earlier))
    )
    wholes = sums["whole"].first()
    gained = (before["rank"] - now["rank"]).to_numpy()
    np.testing.assert_array_equal(wholes[moved.PLACES], gained)
    assert gained.any()
    stronger = now["regular_strength"] - before["regular_strength"]
    np.testing.assert_allclose(wholes[POINTS], stronger, atol=1e-6)
    causes = set(parts.loc[parts["level"] == moved.PLACES, "part"])
    assert {moved.RESULTS, moved.OTHERS_RESULTS, moved.OTHERS, "margin_to_date"} <= causes


def test_a_page_without_players_says_what_moved_each_team(forecast, found):
    text = season_page(SeasonView(forecast, changes=found.changes, without=found.without))
    assert f"What changed since {found.changes.day}" in text
    folds = dict(
        re.findall(r'<details class="line team" id="team-(\w+)".*?>(.*?)</details>', text, re.S)
    )
    places, codes = found.changes.moved(), forecast.predictions.set_index("team_id")["team"]
    for team, code in codes.items():
        shares = re.findall(r"([+-]\d+\.\d) by ", folds[code])
        assert sum(map(float, shares)) == pytest.approx(places[team], abs=1e-6), code
        assert ("From " in folds[code]) == (places[team] != 0)
    assert "point margin so far" in text
    for of_players in ("Tonight", "<dt>Rosters", "who stopped appearing", "A player's"):
        assert of_players not in text
    assert "<dt>Players</dt><dd>none are known" in text


def test_where_players_are_known_only_now_nothing_is_compared(forecast, morning, sim_tables):
    games = sim_tables.player_games
    since = morning.as_of_date - pd.Timedelta(days=SINCE_DAYS)
    tables = replace(morning.tables, player_games=games[games["game_date"] >= since])
    ratings = ratings_on(tables, one_date(SEASON, morning.as_of_date), morning.config)
    assert len(ratings) > 200
    assert why(forecast, replace(morning, tables=tables, ratings=ratings)).changes is None


def test_a_result_can_be_assumed_without_players(forecast, morning):
    games = morning.tables.games
    game = games[(games["season"] == SEASON) & (games["game_date"] >= morning.as_of_date)].iloc[0]
    home, away = (morning.teams[game[f"{side}_team_id"]] for side in ("home", "away"))
    asked = f"{away} beats {home} on {game['game_date']:%Y-%m-%d}"
    config = WhatIfConfig(out=[], back=[], trades=[], results=[asked])
    found = beside(forecast, forecast_of(assume(morning, config)))
    wins = found.tables["differences"].set_index("team")["expected_wins_difference"]
    assert wins.idxmax() == away
    assert wins.idxmin() == home
    assert asked in season_page(SeasonView(found))
