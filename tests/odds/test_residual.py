import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import GroupConfig
from nba_rank.features import four_factors
from nba_rank.features.asof import Rows
from nba_rank.odds.residual import RESIDUAL_INPUTS, residual_inputs


@pytest.fixture(scope="module")
def rows(sim_tables):
    dates = pd.DataFrame(
        {
            "season": ["2022-23", "2023-24"],
            "as_of_date": pd.to_datetime(["2023-01-15", "2024-01-15"]).as_unit("us"),
        }
    )
    return Rows.of(sim_tables, dates)


def ratings_of(tables, rows, minutes=20.0):
    """Ratings by hand: on each date, the first ten players who ever played for each team."""
    frame = rows.frame[["season", "as_of_date", "team_id"]]
    players = tables.player_games[["team_id", "player_id"]].drop_duplicates()
    players = players.groupby("team_id").head(10)
    return frame.merge(players, on="team_id").assign(full_strength_minutes=minutes)


def built(tables, ratings, rows, health=0.0):
    strength = np.zeros(len(rows.frame))
    strengths = {"full_strength": strength, "roster_strength": strength + health}
    found = residual_inputs(tables, ratings, rows, strengths)
    assert tuple(found) == RESIDUAL_INPUTS
    return pd.DataFrame(found)


def test_experience_is_the_mean_log_of_playoff_minutes_in_earlier_seasons(sim_tables, rows):
    ratings = ratings_of(sim_tables, rows)
    games = sim_tables.player_games
    for row in (0, 45):
        asked = rows.frame.iloc[row]
        players = ratings.loc[
            (ratings["team_id"] == asked["team_id"])
            & (ratings["as_of_date"] == asked["as_of_date"]), "player_id",
        ]  # fmt: skip
        known = games[(games["kind"] == "playoffs") & (games["season"] < asked["season"])]
        minutes = known.groupby("player_id")["seconds"].sum().reindex(players).fillna(0) / 60
        expected = np.log1p(minutes / 200).mean()
        assert built(sim_tables, ratings, rows)["experience"].iloc[row] == pytest.approx(expected)
    # In the second season of the logs most teams have some.
    assert (built(sim_tables, ratings, rows)["experience"] > 0).sum() > 20


def test_experience_is_weighted_by_minutes(sim_tables, rows):
    ratings = ratings_of(sim_tables, rows)
    games = sim_tables.player_games
    veteran = games[(games["kind"] == "playoffs") & (games["season"] == "2021-22")]
    veterans = ratings["player_id"].isin(veteran["player_id"])
    more = ratings.assign(full_strength_minutes=np.where(veterans, 40.0, 20.0))
    # Those playoffs are all that the first season's teams can have behind them.
    even, got = (built(sim_tables, frame, rows)["experience"][:30] for frame in (ratings, more))
    assert (got >= even - 1e-12).all()
    assert got.sum() > even.sum()


def test_health_is_what_absences_cost(sim_tables, rows):
    found = built(sim_tables, ratings_of(sim_tables, rows), rows, health=-1.5)
    assert (found["health"] == -1.5).all()


def test_edges_are_differentials_shrunk_with_fifteen_games(sim_tables, rows):
    found = built(sim_tables, ratings_of(sim_tables, rows), rows)
    factors = four_factors.build(sim_tables, rows, GroupConfig(enabled=True))
    ratio = found["efg_edge"] / factors["efg_pct_diff"]
    assert ratio.between(0.5, 0.9).all()
    for edge, column in (("tov_edge", "tov_pct_diff"), ("orb_edge", "orb_pct_diff")):
        np.testing.assert_allclose(found[edge], ratio * factors[column])


def test_a_team_without_players_has_no_known_experience(sim_tables, rows):
    ratings = ratings_of(sim_tables, rows)
    gone = ratings["team_id"].iloc[0]
    found = built(sim_tables, ratings[ratings["team_id"] != gone], rows)
    assert found["experience"].isna().tolist() == (rows.team == gone).tolist()
