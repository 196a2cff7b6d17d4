import numpy as np
import pytest

from nba_rank.evaluation.sweeps import (
    Candidate,
    best,
    best_by,
    choose,
    gain,
    lead,
    pareto_front,
    season_agreement,
)


def candidate(number: int | None, **objective: float) -> Candidate:
    return Candidate(number, {}, objective, {}, {})


def seasonal(number: int | None, *values: float) -> Candidate:
    """A candidate with its Spearman season by season."""
    seasons = {str(i): {"spearman": value} for i, value in enumerate(values)}
    return Candidate(number, {}, {"spearman": float(np.mean(values))}, seasons, {})


def test_a_trial_has_to_lead_the_default_by_standard_errors_of_their_difference():
    default = seasonal(None, 0.7, 0.8)
    # Differences .03 and .01: mean .02, standard error .01.
    found = [default, seasonal(0, 0.73, 0.81)]
    assert lead(found[1], default, "spearman") == pytest.approx((0.02, 0.01))
    assert choose(found, ["spearman"], 1.9).name == "trial 0"
    assert choose(found, ["spearman"], 2.1).name == "default"
    # As good on average, by luck in one season.
    assert choose([default, seasonal(1, 0.77, 0.75)], ["spearman"], 1.0).name == "default"


def test_the_best_that_is_no_better_is_not_chosen_even_without_a_margin():
    default = seasonal(None, 0.7, 0.8)
    assert choose([default, seasonal(0, 0.7, 0.8)], ["spearman"], 0.0).name == "default"
    assert choose([default, seasonal(0, 0.7, 0.81)], ["spearman"], 0.0).name == "trial 0"


def test_a_lower_loss_is_better():
    found = [
        Candidate(i, {}, {"rank_rmse": value}, {"a": {"rank_rmse": value}}, {})
        for i, value in enumerate((5.0, 4.0))
    ]
    assert lead(found[1], found[0], "rank_rmse") == (1.0, 0.0)
    assert best_by(found, "rank_rmse").name == "trial 1"


def test_the_front_holds_what_none_beats():
    values = np.random.default_rng(5).integers(0, 12, (40, 2)).astype(float)
    found = [candidate(i, spearman=x, rank_rmse=y) for i, (x, y) in enumerate(values)]

    def beats(one, other):
        (x, y), (x_other, y_other) = one.objective.values(), other.objective.values()
        return x >= x_other and y <= y_other and (x, y) != (x_other, y_other)

    front = pareto_front(found, ["spearman", "rank_rmse"])
    assert front == [one for one in found if not any(beats(other, one) for other in found)]
    assert best(found, ["spearman", "rank_rmse"]) in front


def test_several_objectives_choose_the_nearest_to_the_best_of_each():
    # Scaled losses: the default (.5, .5), trial 0 (0, 1), trial 2 (1, 0).
    found = [
        candidate(None, spearman=0.80, rank_rmse=5.0),
        candidate(0, spearman=0.82, rank_rmse=6.0),
        candidate(2, spearman=0.78, rank_rmse=4.0),
    ]
    assert best(found, ["spearman", "rank_rmse"]).name == "default"
    assert best(found[1:], ["spearman", "rank_rmse"]).name == "trial 0"


def test_the_gain_of_a_choice_is_paired_by_season():
    chosen, default = (seasonal(None, *values).seasons for values in ([0.8, 0.7], [0.7, 0.7]))
    found = gain(chosen, default, "spearman")
    assert found["difference"] == pytest.approx(0.05)
    assert (found["value"], found["reference_value"]) == pytest.approx((0.75, 0.7))
    assert found["verdict"] == "too few seasons"


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        ([{"a": 0.1 * i, "b": 0.2 * i + 1} for i in range(5)], 1.0),
        ([{"a": 0.1 * i, "b": -0.2 * i} for i in range(5)], -1.0),
        ([{"a": 1.0, "b": 2.0}] * 2, np.nan),
        ([{"a": 1.0 * i} for i in range(5)], np.nan),
    ],
)
def test_seasons_that_order_trials_alike_agree(trials, expected):
    assert season_agreement(trials) == pytest.approx(expected, nan_ok=True)
