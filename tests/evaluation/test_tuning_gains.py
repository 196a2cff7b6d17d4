import numpy as np
import pytest

from nba_rank.evaluation.tuning_gains import paired, season_agreement


def of(values: list[float]) -> dict[str, dict[str, float]]:
    return {f"20{20 + i}": {"spearman": value} for i, value in enumerate(values)}


def test_differences_are_taken_within_a_season():
    gain = paired(of([0.8, 0.7]), of([0.7, 0.7]), "spearman", np.random.default_rng(0), 200)
    assert gain["by_season"] == pytest.approx([0.1, 0.0])
    assert gain["difference"] == pytest.approx(0.05)
    assert (gain["chosen"], gain["default"]) == pytest.approx((0.75, 0.7))
    assert np.isnan(gain["low"])  # two seasons are too few for an interval


def test_an_interval_holds_the_difference():
    chosen, default = [0.8, 0.7, 0.9, 0.6, 0.8, 0.7], [0.7, 0.7, 0.8, 0.65, 0.7, 0.7]
    gain = paired(of(chosen), of(default), "spearman", np.random.default_rng(0), 2000)
    assert gain["low"] < gain["difference"] < gain["high"]


def test_seasons_that_order_trials_alike_agree():
    trials = [{"a": 0.1 * i, "b": 0.2 * i + 1} for i in range(5)]
    assert season_agreement(trials) == pytest.approx(1.0)
    opposed = [{"a": 0.1 * i, "b": -0.2 * i} for i in range(5)]
    assert season_agreement(opposed) == pytest.approx(-1.0)


def test_too_few_trials_or_seasons_say_nothing():
    assert np.isnan(season_agreement([{"a": 1.0, "b": 2.0}] * 2))
    assert np.isnan(season_agreement([{"a": 1.0 * i} for i in range(5)]))
