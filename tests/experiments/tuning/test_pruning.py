import numpy as np
import pytest

from nba_rank.experiments.tuning.pruning import is_hopeless

# Means .60 and .55; the best of the third season is .60.
FINISHED = [[0.6, 0.7, 0.5], [0.4, 0.65, 0.6]]


@pytest.mark.parametrize(
    ("values", "expected"), [([0.5, 0.69], True), ([0.5, 0.71], False), ([0.1], True)]
)
def test_a_trial_goes_where_the_best_of_the_seasons_to_come_would_not_do(values, expected):
    # (.5 + .69 + .6) / 3 = .597 and (.5 + .71 + .6) / 3 = .603 against .60.
    assert is_hopeless(values, FINISHED, maximize=True) is expected
    losses = [[-value for value in trial] for trial in FINISHED]
    assert is_hopeless([-value for value in values], losses, maximize=False) is expected


def test_no_trial_that_would_have_become_the_best_of_known_values_is_given_up():
    rng = np.random.default_rng(8)
    for _ in range(200):
        trials = rng.random((6, 4)) + rng.random(4)
        best = trials[trials.mean(axis=1).argmax()]
        for n in (1, 2, 3):
            assert not is_hopeless(best[:n], trials, maximize=True)
