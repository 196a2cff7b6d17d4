import json

import numpy as np
import pytest
from scipy.special import expit

from nba_rank.models.calibration import PlattScaling


def test_a_known_sigmoid_is_found_again():
    rng = np.random.default_rng(0)
    score = rng.normal(size=40_000)
    event = rng.random(len(score)) < expit(1.7 * score - 0.6)
    fitted = PlattScaling.fit(score, event)
    assert fitted.slope == pytest.approx(1.7, abs=0.06)
    assert fitted.intercept == pytest.approx(-0.6, abs=0.05)


def test_platts_smoothed_targets_in_a_worked_example():
    # Four of seven happened: targets are 5/6 for those and 1/5 for the others. Two scores and two
    # parameters: each probability is the mean target of its score.
    score = np.array([0.0, 0, 0, 1, 1, 1, 1])
    event = np.array([False, False, True, True, True, True, False])
    low, high = PlattScaling.fit(score, event).predict(np.array([0.0, 1.0]))
    assert low == pytest.approx((1 / 5 + 1 / 5 + 5 / 6) / 3, abs=2e-3)
    assert high == pytest.approx((3 * 5 / 6 + 1 / 5) / 4, abs=2e-3)


def test_scores_that_separate_the_teams_still_give_no_certainty():
    score = np.r_[np.full(10, -1.0), np.full(10, 1.0)]
    fitted = PlattScaling.fit(score, score > 0)
    assert fitted.predict(np.array([-1.0, 1.0])) == pytest.approx([1 / 12, 11 / 12], abs=2e-3)


def test_probabilities_rise_with_the_score_and_stay_between_0_and_1():
    rng = np.random.default_rng(1)
    score = rng.normal(size=300)
    fitted = PlattScaling.fit(score, rng.random(300) < expit(score))
    values = fitted.predict(np.linspace(-20, 20, 401))
    assert (np.diff(values) > 0).all()
    assert values.min() >= 0
    assert values.max() <= 1
    assert values.min() < 0.05
    assert values.max() > 0.95


def test_the_unit_of_the_score_does_not_matter():
    rng = np.random.default_rng(2)
    score = rng.normal(size=500)
    event = rng.random(500) < expit(score)
    small = PlattScaling.fit(score, event).predict(score)
    large = PlattScaling.fit(score / 50 + 3, event).predict(score / 50 + 3)
    assert large == pytest.approx(small, abs=5e-3)


@pytest.mark.parametrize("event", [np.ones(5, dtype=bool), np.zeros(5, dtype=bool)])
def test_an_event_that_always_or_never_happens_is_refused(event):
    with pytest.raises(ValueError, match="Platt scaling needs"):
        PlattScaling.fit(np.arange(5.0), event)


def test_it_survives_json_exactly():
    fitted = PlattScaling.fit(np.arange(8.0), np.arange(8) % 3 > 0)
    again = PlattScaling(**json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
