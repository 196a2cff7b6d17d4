import numpy as np
import pandas as pd
import pytest

from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.next_games import GameModel, NextGames
from nba_rank.odds.strength_now import strength_now

OF_GAME = {"home": 1.0, "rest": 2.0, "altitude": 3.0}


def model(**weights: float) -> GameModel:
    return GameModel(weights | OF_GAME, 12.0)


@pytest.fixture
def frame() -> pd.DataFrame:
    day = pd.Timestamp("2024-01-15")
    return pd.DataFrame(
        {
            "season": "2023-24", "as_of_date": day, "team_id": [1, 2, 3],
            "full_strength": [4.0, 0.0, -4.0], "available_strength": [1.0, 1.0, -2.0],
            "absences": [-3.0, 0.0, 0.0], "playoff_strength": [4.0, 0.0, -4.0],
        }
    )  # fmt: skip


@pytest.fixture
def models() -> NextGames:
    of = {"regular": model(available_strength=0.5),
          "playoffs": model(playoff_strength=1.0, absences=0.5)}  # fmt: skip
    return NextGames(players=of, teams=of)


def test_margins_are_those_over_an_average_team_on_a_neutral_court(frame, models):
    got = strength_now(models, frame, "regular")
    np.testing.assert_allclose(got["full_points"], [2.0, 0.0, -2.0])
    np.testing.assert_allclose(got["available_points"], [0.5, 0.5, -1.0])


def test_in_the_playoffs_absences_count_as_far_as_they_are_known(frame, models):
    got = strength_now(models, frame, "playoffs")
    np.testing.assert_allclose(got["full_points"], [4.0, 0.0, -4.0])
    # Absences cost the mean team half a point.
    np.testing.assert_allclose(got["available_points"], [3.0, 0.5, -3.5])


def test_who_is_assumed_to_be_out_for_a_spell_is_missed_tonight(frame, models):
    spell = frame.iloc[::-1].assign(available_strength=[-2.0, 1.0, -5.0])
    assumed = Hypothesis(np.zeros(0), ((19750, spell), (19800, frame)))
    got = strength_now(models, frame, "regular", assumed)
    np.testing.assert_allclose(got["full_points"], [2.0, 0.0, -2.0])
    np.testing.assert_allclose(got["available_points"], [-1.5, 1.5, 0.0])
    assert got["team_id"].tolist() == frame["team_id"].tolist()
    plain = strength_now(models, frame, "playoffs")
    pd.testing.assert_frame_equal(strength_now(models, frame, "playoffs", assumed), plain)
