import pytest

from nba_rank.config import PruningConfig
from nba_rank.tuning.pruning import is_hopeless

# Means of the first two seasons: .60, .62, .64, .66; the lower quartile is .615.
FINISHED = [[0.5, 0.7, 0.1], [0.52, 0.72, 0.9], [0.54, 0.74, 0.5], [0.56, 0.76, 0.5]]


def config(**changes: object) -> PruningConfig:
    given = {"enabled": True, "startup_trials": 4, "min_seasons": 2, "worst_share": 0.25}
    return PruningConfig(**(given | changes))


@pytest.mark.parametrize(("values", "expected"), [([0.5, 0.72], True), ([0.5, 0.74], False)])
def test_a_trial_goes_below_the_quantile_of_the_same_seasons(values, expected):
    assert is_hopeless(values, FINISHED, config(), maximize=True) is expected


def test_lower_is_better_where_the_objective_is_minimised():
    assert is_hopeless([0.58, 0.80], FINISHED, config(), maximize=False)
    assert not is_hopeless([0.40, 0.60], FINISHED, config(), maximize=False)


@pytest.mark.parametrize(
    "changes",
    [{"enabled": False}, {"startup_trials": 5}, {"min_seasons": 3}, {"worst_share": 0.0}],
)
def test_every_setting_can_save_a_trial(changes):
    hopeless = [0.5, 0.705]
    assert is_hopeless(hopeless, FINISHED, config(), maximize=True)
    assert not is_hopeless(hopeless, FINISHED, config(**changes), maximize=True)


def test_what_finished_trials_had_on_later_seasons_does_not_matter():
    later = [[*first, 0.99] for *first, _ in FINISHED]
    for values in ([0.5, 0.72], [0.5, 0.74]):
        same = [is_hopeless(values, f, config(), maximize=True) for f in (FINISHED, later)]
        assert same[0] == same[1]
