from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.explain.strength import reasons, strength_levels
from nba_rank.features.players.impact import player_ratings
from nba_rank.odds.home_edge import HomeEdge
from nba_rank.odds.inputs import strength_inputs
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.next_games import GameModel, NextGames
from nba_rank.odds.season_sim import Situation

SEASON = "2023-24"


@pytest.fixture(scope="module")
def odds(sim_tables, sim_inputs):
    games = TrainingGames.of(sim_tables, sim_inputs).of_seasons(["2022-23"])
    return MonteCarloOdds.fit(games, n_simulations=400, seed=4)


@pytest.fixture(scope="module")
def date(sim_inputs):
    dates = sorted(sim_inputs.loc[sim_inputs["season"] == SEASON, "as_of_date"].unique())
    return dates[len(dates) // 3]


def of_date(frame, date):
    return frame[frame["as_of_date"] == date].reset_index(drop=True)


def explained(odds, tables, inputs, ratings, date):
    levels = strength_levels(
        odds, of_date(inputs, date), tables, of_date(ratings, date), stint_share=0.5
    )
    return pd.concat(levels, ignore_index=True)


@pytest.fixture(scope="module")
def table(odds, sim_tables, sim_inputs, sim_ratings, date):
    return explained(odds, sim_tables, sim_inputs, sim_ratings, date)


def wholes(table, level):
    return table[table["level"] == level].groupby("team_id")["whole"].first()


def test_parts_sum_to_the_strengths_and_wins_that_the_odds_forecast(
    table, odds, sim_tables, sim_inputs, date
):
    sums = table.groupby(["level", "team_id"])["value"].sum()
    np.testing.assert_allclose(
        sums, table.groupby(["level", "team_id"])["whole"].first(), atol=1e-6
    )
    predicted = odds.predict(of_date(sim_inputs, date), sim_tables).set_index("team_id")
    for level, column in (
        ("strength", "regular_strength"),
        ("playoff_strength", "playoffs_strength"),
        ("wins", "expected_wins"),
    ):
        np.testing.assert_allclose(wholes(table, level), predicted[column], atol=1e-9)
    ahead = len(predicted) - predicted["projected_rank"]
    np.testing.assert_allclose(wholes(table, "outcome"), ahead, atol=1e-9)


def test_the_outcome_is_that_of_odds_that_know_the_next_games(
    odds, sim_tables, sim_inputs, sim_ratings
):
    weights = {"elo_margin": 3.0, "home": 0.0, "rest": 0.0, "altitude": 0.0}
    of_games = {kind: GameModel(weights, 12.0) for kind in ("regular", "playoffs")}
    models = NextGames(of_games, of_games)
    end = sim_inputs.loc[sim_inputs["season"] == SEASON, "as_of_date"].max()
    rated = of_date(sim_inputs, end)
    found = []
    for next_games in (None, models):
        levels = strength_levels(
            odds, rated, sim_tables, of_date(sim_ratings, end), next_games=next_games
        )
        ahead = wholes(pd.concat(levels), "outcome")
        predicted = odds.predict(rated, sim_tables, next_games=next_games).set_index("team_id")
        np.testing.assert_allclose(ahead, 30 - predicted["projected_rank"], atol=1e-9)
        found.append(ahead)
    assert (found[0] - found[1]).abs().max() > 0.1


def test_wins_in_closed_form_are_those_of_many_simulations(
    odds, sim_tables, sim_inputs, sim_ratings, date
):
    many = replace(odds, n_simulations=20_000)
    table = explained(many, sim_tables, sim_inputs, sim_ratings, date)
    left = table[table["part"] == "chance_of_the_simulation"]["value"]
    assert left.abs().max() < 0.15
    wins = table[table["level"] == "wins"]
    so_far = wins[wins["part"] == "wins_so_far"].set_index("team_id")["value"]
    beat = Situation.of(sim_tables, SEASON, date).records.beat
    assert so_far.tolist() == beat.sum(axis=1).tolist()
    assert wins[wins["part"] == "schedule_to_come"]["value"].abs().max() > 0.2


def test_what_own_strength_is_worth_in_wins_is_shared_in_proportion_to_its_parts(table):
    key = ["team_id", "part", "player_id"]
    points = table[table["level"] == "strength"].set_index(key)["value"]
    wins = table[table["level"] == "wins"].set_index(key)["value"].reindex(points.index)
    each = (wins / points)[points.abs() > 1e-6]
    assert each.groupby("team_id").std().max() < 1e-9
    assert (each.groupby("team_id").first() > 0).all()


def test_evidence_and_sides_are_two_splits_of_what_the_players_add(table):
    whole = table[table["level"] == "strength"]
    rated = whole[whole["part"].isin(["full_strength", "roster_strength"])]
    by_player = rated.groupby(["team_id", "player_id"])["value"].sum()
    for split in ("by_evidence", "by_side"):
        parts = table[table["level"] == f"strength_{split}"]
        got = parts.groupby(["team_id", "player_id"])["value"].sum()
        np.testing.assert_allclose(got, by_player.reindex(got.index), atol=1e-9)


def moved(table, other, level, of="team_id"):
    """Size of the change of each part of a level."""
    key = ["level", "team_id", "part", "player_id"]
    both = [frame[frame["level"] == level].set_index(key)["value"] for frame in (table, other)]
    change = both[0].sub(both[1], fill_value=0.0).abs()
    return change.sort_values(ascending=False).reset_index()


def test_a_poisoned_box_score_moves_the_box_score_of_its_player(
    table, odds, sim_tables, sim_ratings, date, compose_as_is
):
    ratings = of_date(sim_ratings, date)
    star = ratings.loc[(ratings["full_strength_minutes"] * ratings["impact_rating"]).idxmax()]
    games = sim_tables.player_games
    own = (games["player_id"] == star["player_id"]) & (games["season"] == SEASON)
    poison = {name: games[name].mask(own, 0) for name in ("points", "fgm", "fg3m", "ftm", "ast")}
    tables = replace(sim_tables, player_games=games.assign(**poison))
    dates = pd.DataFrame({"season": [SEASON], "as_of_date": [date]})
    poisoned = player_ratings(tables, dates, compose_as_is().features.impact)
    inputs = strength_inputs(tables, poisoned, dates)
    other = explained(odds, tables, inputs, poisoned, date)
    first = moved(table, other, "strength_by_evidence").iloc[0]
    assert (first["player_id"], first["part"]) == (star["player_id"], "box_score")
    by_player = moved(table, other, "strength").iloc[0]
    assert by_player["player_id"] == star["player_id"]


def test_a_poisoned_result_moves_the_margin_to_date_of_its_teams(
    table, odds, sim_tables, sim_inputs, sim_ratings, date
):
    games = sim_tables.games
    played = games[(games["season"] == SEASON) & (games["game_date"] < date)]
    played = played[played["kind"] == "regular"].iloc[-1]
    row = games["game_id"] == played["game_id"]
    points = games["home_points"].mask(row, games["home_points"] + 300)
    tables = replace(sim_tables, games=games.assign(home_points=points))
    dates = pd.DataFrame({"season": [SEASON], "as_of_date": [date]})
    inputs = strength_inputs(tables, sim_ratings, dates)
    other = explained(odds, tables, inputs, sim_ratings, date)
    first = moved(table, other, "strength").head(2)
    assert first["part"].tolist() == ["margin_to_date"] * 2
    assert set(first["team_id"]) == {played["home_team_id"], played["away_team_id"]}


def test_a_poisoned_elo_rating_moves_the_elo_of_its_team_alone(
    table, odds, sim_tables, sim_inputs, sim_ratings, date
):
    team = sim_inputs["team_id"].iloc[5]
    elo = sim_inputs["elo_margin"].mask(sim_inputs["team_id"] == team, 20.0)
    inputs = sim_inputs.assign(elo_margin=elo)
    other = explained(odds, sim_tables, inputs, sim_ratings, date)
    changed = moved(table, other, "playoff_strength")
    first, rest = changed.iloc[0], changed.iloc[1:]
    assert (first["team_id"], first["part"]) == (team, "elo_of_this_season")
    assert first["value"] > 0.01 > 1e-9 > rest["value"].max()


def test_a_poisoned_schedule_moves_the_schedule_to_come(
    table, odds, sim_tables, sim_inputs, sim_ratings, date, monkeypatch
):
    strength = wholes(table, "strength")
    easy, original = np.argsort(strength.to_numpy())[:3], Situation.of
    team = len(strength) // 2

    def of(*arguments):
        situation = original(*arguments)
        left = situation.remaining
        home, away = left.home.copy(), left.away.copy()
        for own, others in ((home, away), (away, home)):
            met = np.flatnonzero(own == team)
            others[met] = easy[np.arange(len(met)) % len(easy)]
        return replace(situation, remaining=replace(left, home=home, away=away))

    monkeypatch.setattr(Situation, "of", of)
    other = explained(odds, sim_tables, sim_inputs, sim_ratings, date)
    changed = moved(table, other, "wins")
    own = changed[changed["team_id"] == strength.index[team]]
    assert own["part"].iloc[0] == "schedule_to_come"
    assert own["value"].iloc[0] > 10 * own["value"].iloc[1]


def test_a_poisoned_home_edge_moves_home_court_alone(
    table, odds, sim_tables, sim_inputs, sim_ratings, date, monkeypatch
):
    original = HomeEdge.on_dates
    monkeypatch.setattr(HomeEdge, "on_dates", lambda self, dates: original(self, dates) + 8)
    other = explained(odds, sim_tables, sim_inputs, sim_ratings, date)
    changed = moved(table, other, "wins")
    changed = changed[changed["part"] != "chance_of_the_simulation"]
    home = changed["part"] == "home_court_and_rest"
    assert changed.loc[home, "value"].max() > 0.2
    assert changed.loc[~home, "value"].max() < 1e-9


def test_without_players_teams_are_explained_by_margins_and_elo(odds, sim_tables, sim_inputs, date):
    nobody = of_date(sim_inputs, date)
    nobody = nobody.assign(full_strength=np.nan)
    ratings = pd.DataFrame({"as_of_date": [], "team_id": []})
    ratings = ratings.reindex(columns=["season", "as_of_date", "team_id", "player_id",
                                       "impact_rating", "prior_rating", "expected_minutes",
                                       "full_strength_minutes"])  # fmt: skip
    ratings = ratings.astype({"as_of_date": "datetime64[us]", "team_id": "int64",
                              "player_id": "int64"})  # fmt: skip
    found = pd.concat(strength_levels(odds, nobody, sim_tables, ratings))
    strength = found[found["level"] == "strength"]
    assert set(strength["part"]) == {
        "elo_of_earlier_seasons", "elo_of_this_season", "margin_to_date", "opponents_to_date"
    }  # fmt: skip


def test_reasons_are_the_parts_of_the_strength_that_counts(
    table, odds, sim_tables, sim_inputs, sim_ratings
):
    dates = sorted(sim_inputs.loc[sim_inputs["season"] == SEASON, "as_of_date"].unique())
    for date, column in ((dates[0], "regular_strength"), (dates[-1], "playoffs_strength")):
        inputs = of_date(sim_inputs, date)
        found = reasons(odds, inputs, sim_tables, of_date(sim_ratings, date))
        strength = odds.predict(inputs, sim_tables).set_index("team_id")[column]
        sums = found.groupby("team_id")["value"].sum()
        np.testing.assert_allclose(sums, strength[sums.index], atol=1e-6)
        assert (found["player"].ne("") == found["player_id"].gt(0)).all()
