import numpy as np
import pandas as pd
import pytest

from nba_rank.odds.inputs import MARGIN_RIDGE
from nba_rank.odds.restated import OF_RESULTS, restated

SEASON = "2023-24"


@pytest.fixture(scope="module")
def date(sim_dates) -> pd.Timestamp:
    own = sim_dates[sim_dates["season"] == SEASON]
    return own.loc[own["as_of_point"] == "0.5", "as_of_date"].item()


@pytest.fixture(scope="module")
def inputs(sim_inputs, date) -> pd.DataFrame:
    return sim_inputs[sim_inputs["as_of_date"] == date].reset_index(drop=True)


@pytest.fixture(scope="module")
def ratings(sim_ratings, date) -> pd.DataFrame:
    return sim_ratings[sim_ratings["as_of_date"] == date].reset_index(drop=True)


@pytest.fixture(scope="module")
def star(sim_tables, ratings, date) -> pd.Series:
    """The player worth most of those who have played, with his games and those of his team."""
    own = ratings.loc[(ratings["impact_rating"] * ratings["full_strength_minutes"]).idxmax()]
    past = {
        name: table[(table["season"] == SEASON) & (table["game_date"] < date)]
        for name, table in (("of", sim_tables.player_games), ("all", sim_tables.team_games))
    }
    played = (past["of"]["player_id"] == own["player_id"]).sum()
    games = (past["all"]["team_id"] == own["team_id"]).sum()
    assert 0 < played <= games
    return pd.concat([own, pd.Series({"played": played, "games": games})])


@pytest.fixture
def shift(sim_tables, inputs):
    """Points that each team's ratings from results gain over the mean team's, by id."""

    def make(before: pd.DataFrame, after: pd.DataFrame) -> pd.Series:
        got = restated(inputs, sim_tables, before, after)
        assert got.drop(columns=[*OF_RESULTS]).equals(inputs.drop(columns=[*OF_RESULTS]))
        gains = [got[name] - inputs[name] for name in OF_RESULTS]
        np.testing.assert_allclose(gains[0], gains[1], atol=1e-12)
        assert gains[0].sum() == pytest.approx(0)
        return pd.Series(gains[0].to_numpy(), index=inputs["team_id"])

    return make


def test_where_nobody_leaves_or_comes_results_tell_what_they_told(ratings, shift):
    assert (shift(ratings, ratings) == 0).all()
    # Fewer minutes of a player who stays are no reason to doubt the past.
    fewer = ratings.assign(full_strength_minutes=ratings["full_strength_minutes"] * 0.9)
    assert (shift(ratings, fewer) == 0).all()


def test_without_a_star_the_games_that_he_played_count_for_less(ratings, star, shift, inputs):
    without = ratings[ratings["player_id"] != star["player_id"]]
    lost = shift(ratings, without)
    own = lost.index == star["team_id"]
    # He is worth at least his minutes times what sets him apart from those who get them.
    worth = 5 * star["full_strength_minutes"] / 240 * star["impact_rating"]
    share = star["played"] / (star["games"] + MARGIN_RIDGE)
    assert -2 * worth * share < lost[own].item() < -0.5 * worth * share
    # The others gain on the mean, all alike.
    np.testing.assert_allclose(lost[~own], -lost[own].item() / (len(lost) - 1))


def test_a_star_who_changes_teams_takes_his_results_along(ratings, star, shift):
    to = ratings.loc[ratings["team_id"] != star["team_id"], "team_id"].iloc[0]
    his = ratings["player_id"] == star["player_id"]
    moved = shift(ratings, ratings.assign(team_id=ratings["team_id"].mask(his, to)))
    assert moved.idxmin() == star["team_id"]
    assert moved.idxmax() == to
    assert (moved.drop([star["team_id"], to]).abs() < 0.1).all()
    # He has played none of their games, so all of them were played without him.
    assert moved[to] > 0.5 * -moved[star["team_id"]]


def test_without_known_players_nothing_is_restated(ratings, shift):
    assert (shift(ratings.head(0), ratings) == 0).all()
