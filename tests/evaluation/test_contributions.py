import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.contributions import contributions
from nba_rank.evaluation.evaluate import evaluate

SEASONS = ["2019-20", "2020-21", "2021-22", "2022-23"]


def tidy_of(values, point="0.25", scope="league", metric="spearman"):
    """One list a season, season values for each ranker; None is a season without the ranker."""
    return pd.DataFrame(
        [
            (season, point, scope, ranker, metric, value)
            for ranker, seasons in values.items()
            for season, value in zip(SEASONS, seasons, strict=False)
            if value is not None
        ],
        columns=["season", "as_of_point", "scope", "ranker", "metric", "value"],
    )


def found(tidy, ranker="stack"):
    return contributions(tidy, ranker, np.random.default_rng(0), 500)


def test_the_gain_is_paired_by_season():
    stack = [0.5, 0.9, 0.7, 0.6]
    row = found(
        tidy_of({"stack": stack, "without_xgb": [v - 0.03 for v in stack], "standings": stack})
    ).iloc[0]
    assert row["member"] == "xgb"
    assert row["spearman"] == pytest.approx(0.675)
    assert row["spearman_without"] == pytest.approx(0.645)
    assert row["gain"] == pytest.approx(0.03)
    assert row["gain_low"] == pytest.approx(0.03)
    assert row["gain_high"] == pytest.approx(0.03)
    assert row["n_seasons"] == 4


def test_a_member_that_does_harm_has_a_negative_gain():
    row = found(tidy_of({"stack": [0.5, 0.6, 0.6], "without_rf": [0.6, 0.7, 0.8]})).iloc[0]
    assert row["gain"] == pytest.approx(-0.4 / 3)
    assert row["gain_high"] < 0


def test_only_seasons_of_both_count_and_too_few_give_no_interval():
    tidy = tidy_of({"stack": [0.1, 0.6, 0.8, 0.9], "without_rf": [None, 0.5, 0.7, None]})
    row = found(tidy).iloc[0]
    assert row["n_seasons"] == 2
    assert row["spearman"] == pytest.approx(0.7)
    assert row["spearman_without"] == pytest.approx(0.6)
    assert row["gain"] == pytest.approx(0.1)
    assert np.isnan(row["gain_low"])
    assert np.isnan(row["gain_high"])


def test_every_list_of_every_member_and_no_other_metric():
    tidy = pd.concat(
        [
            tidy_of({"stack": [0.5] * 3, "without_model_a": [0.4] * 3, "without_xgb": [0.5] * 3},
                    point, scope, metric)
            for point in ("open", "end")
            for scope in ("league", "east")
            for metric in ("spearman", "kendall")
        ]
    )  # fmt: skip
    table = found(tidy)
    assert len(table) == 2 * 2 * 2
    assert table["member"].tolist() == ["model_a"] * 4 + ["xgb"] * 4
    assert table["as_of_point"].tolist() == ["open", "open", "end", "end"] * 2
    assert table["scope"].tolist() == ["league", "east"] * 4
    assert table.loc[table["member"] == "model_a", "gain"].tolist() == pytest.approx([0.1] * 4)
    assert table.loc[table["member"] == "xgb", "gain"].tolist() == pytest.approx([0.0] * 4)


def test_a_stack_that_leaves_nobody_out_gives_an_empty_table():
    table = found(tidy_of({"stack": [0.5], "standings": [0.4]}))
    assert table.empty
    assert "gain" in table


def test_of_an_evaluation(scores, truth):
    worse = scores[scores["ranker"] == "elo"].assign(ranker="without_model_a")
    tidy = evaluate(pd.concat([scores, worse]), truth)
    table = found(tidy)
    assert len(table) == 7 * 4
    spearman = tidy[tidy["metric"] == "spearman"].groupby(["as_of_point", "scope", "ranker"])
    means = spearman["value"].mean()
    for row in table.itertuples():
        expected = means[row.as_of_point, row.scope, "stack"]
        assert row.spearman == pytest.approx(expected)
        expected -= means[row.as_of_point, row.scope, "elo"]
        assert row.gain == pytest.approx(expected)
