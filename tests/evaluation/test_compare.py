import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.compare import (
    agreement,
    bootstrap_mean,
    seasons_ahead,
    summarise,
    verdict,
)
from nba_rank.evaluation.evaluate import evaluate


def tidy_of(values, metric="spearman"):
    """One point and scope, a list of season values for each ranker."""
    return pd.DataFrame(
        [
            (f"20{10 + i}-{11 + i}", "0.25", "league", ranker, metric, value)
            for ranker, seasons in values.items()
            for i, value in enumerate(seasons)
        ],
        columns=["season", "as_of_point", "scope", "ranker", "metric", "value"],
    )


def row(summary, ranker):
    return summary[summary["ranker"] == ranker].iloc[0]


def test_bootstrap_agrees_with_theory():
    values = np.random.default_rng(0).normal(loc=3.0, size=(400, 2))
    result = bootstrap_mean(values, np.random.default_rng(1))
    assert np.allclose(result["mean"], values.mean(axis=0))
    assert np.allclose(result["se"], values.std(axis=0, ddof=1) / 20)
    assert np.allclose(result["high"] - result["mean"], 1.96 * result["se"], rtol=0.06)
    assert np.allclose(result["mean"] - result["low"], 1.96 * result["se"], rtol=0.06)


def test_bootstrap_leaves_missing_seasons_out_of_their_column_only():
    values = np.array([[1.0, 1.0], [2.0, np.nan], [3.0, 3.0], [4.0, 4.0], [5.0, np.nan]])
    result = bootstrap_mean(values, np.random.default_rng(1))
    assert result["n_seasons"].tolist() == [5, 3]
    assert result["mean"].tolist() == pytest.approx([3.0, 8 / 3])
    assert result[["low", "high"]].notna().all(axis=None)


def test_same_generator_same_interval():
    values = np.random.default_rng(0).normal(size=(9, 700))
    first, again = (bootstrap_mean(values, np.random.default_rng(5), 500) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_difference_is_paired_by_season():
    # A constant lead of .02 over standings that vary much: the pairing takes the variation out.
    standings = [0.5, 0.7, 0.9, 0.6]
    summary = summarise(
        tidy_of({"stack": [v + 0.02 for v in standings], "standings": standings}),
        np.random.default_rng(0),
    )
    stack = row(summary, "stack")
    assert stack["mean"] == pytest.approx(0.695)
    assert stack["diff_to_standings"] == pytest.approx(0.02)
    assert stack["diff_low"] == pytest.approx(0.02)
    assert stack["diff_high"] == pytest.approx(0.02)
    assert stack["low"] < 0.6 < 0.8 < stack["high"]
    assert row(summary, "standings")["diff_to_standings"] == 0


@pytest.mark.parametrize(("metric", "best"), [("spearman", 0.7), ("rank_mae", 0.5)])
def test_the_better_baseline_is_chosen_in_each_season_by_direction(metric, best):
    tidy = tidy_of(
        {"stack": [0.9, 0.9, 0.9], "standings": [0.7, 0.5, 0.7], "elo": [0.5, 0.7, 0.5]}, metric
    )
    stack = row(summarise(tidy, np.random.default_rng(0)), "stack")
    assert stack["diff_to_best"] == pytest.approx(0.9 - best)


@pytest.mark.parametrize("n", [1, 2])
def test_few_seasons_give_no_interval_and_say_so(n):
    tidy = tidy_of({"stack": [0.9, 0.8][:n], "standings": [0.7, 0.5][:n]})
    stack = row(summarise(tidy, np.random.default_rng(0)), "stack")
    assert stack[["low", "high", "diff_low", "diff_high"]].isna().all()
    assert stack["note"] == f"no interval: {n} of at least 3 seasons"
    assert np.isnan(stack["se"]) == (n == 1)


def test_summary_of_an_evaluation(scores, truth):
    summary = summarise(evaluate(scores, truth), np.random.default_rng(0), n_resamples=200)
    key = ["as_of_point", "scope", "ranker", "metric"]
    assert list(summary.columns[:4]) == key
    assert not summary.duplicated(key).any()
    assert (summary["low"] <= summary["mean"] + 1e-12).sum() == summary["mean"].notna().sum()
    assert summary["as_of_point"].iloc[0] == "open"
    assert list(dict.fromkeys(summary["ranker"])) == ["stack", "standings", "elo", "random"]


def test_standings_are_required():
    with pytest.raises(ValueError, match="no ranker 'standings'"):
        summarise(tidy_of({"stack": [0.9]}), np.random.default_rng(0))


def test_seasons_ahead():
    tidy = tidy_of({"stack": [0.9, 0.5, 0.6], "standings": [0.7, 0.5, 0.7]})
    counted = seasons_ahead(tidy, "stack").iloc[0]
    assert (counted["n_ahead"], counted["n_seasons"]) == (1, 3)


def test_verdict():
    said = verdict([1, 9, 5, 4, 2], [8, 2, 5, 6, np.nan], tolerance=2)
    assert said.tolist() == ["over-ranked", "under-ranked", "aligned", "aligned", None]


def test_agreement():
    assert agreement([[1, 30], [4, 4]], n_teams=30).tolist() == [0.0, 1.0]
