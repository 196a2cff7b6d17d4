import numpy as np
import pandas as pd
import pytest

from nba_rank.odds.softmax import SoftmaxOdds


def planted(temperature: float, n_dates: int = 300, n_teams: int = 30, seed: int = 0):
    """Scores of many dates, each with a champion drawn by the odds of the temperature."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(n_dates, n_teams))
    odds = np.exp(score / temperature)
    odds /= odds.sum(axis=1, keepdims=True)
    champion = (odds.cumsum(axis=1) > rng.random((n_dates, 1))).argmax(axis=1)
    return pd.DataFrame(
        {
            "season": "2020-21",
            "as_of_date": np.repeat(pd.date_range("2020-12-22", periods=n_dates), n_teams),
            "score": score.ravel(),
            "champion": (np.arange(n_teams) == champion[:, None]).ravel(),
        }
    )


def champion_log_loss(odds: np.ndarray, frame: pd.DataFrame) -> float:
    return float(-np.log(odds[frame["champion"]]).mean())


def test_odds_are_a_softmax_over_the_teams_of_a_season_and_date():
    frame = pd.DataFrame(
        {
            "season": ["2019-20", "2020-21", "2019-20", "2020-21"],
            "as_of_date": pd.Timestamp("2020-12-01"),
            "score": [1.0, 3.0, 2.0, 3.0],
        }
    )
    odds = SoftmaxOdds(temperature=0.5).predict(frame)
    assert odds == pytest.approx([1 / (1 + np.e**2), 0.5, np.e**2 / (1 + np.e**2), 0.5])


def test_a_constant_added_to_a_date_changes_nothing():
    frame = planted(1.0, n_dates=2)
    odds = SoftmaxOdds(temperature=0.4)
    moved = frame.assign(score=frame["score"] + 1000)
    assert odds.predict(moved) == pytest.approx(odds.predict(frame))


@pytest.mark.parametrize("temperature", [0.2, 0.4, 0.7])
def test_the_temperature_that_drew_the_champions_is_recovered(temperature):
    fitted = SoftmaxOdds.fit(planted(temperature))
    assert fitted.temperature == pytest.approx(temperature, rel=0.2)


def test_the_fitted_temperature_has_the_least_champion_log_loss():
    frame = planted(0.5, n_dates=150)
    fitted = SoftmaxOdds.fit(frame)
    best = champion_log_loss(fitted.predict(frame), frame)
    for factor in (0.5, 0.8, 1.25, 2.0):
        other = SoftmaxOdds(fitted.temperature * factor)
        assert best < champion_log_loss(other.predict(frame), frame)


def test_the_unit_of_the_score_does_not_matter():
    frame = planted(0.6, n_dates=50)
    scaled = frame.assign(score=frame["score"] * 250 + 7)
    odds, same = (SoftmaxOdds.fit(rows).predict(rows) for rows in (frame, scaled))
    assert same == pytest.approx(odds, rel=1e-3)
