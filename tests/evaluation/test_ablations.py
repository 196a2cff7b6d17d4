import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.ablations import (
    SUMMARY_COLUMNS,
    TIDY_COLUMNS,
    ablation_costs,
    spearman_by_point,
)
from nba_rank.evaluation.metrics import spearman


def tidy_of(values, point="0.25"):
    """A list of season values for each variant."""
    return pd.DataFrame(
        [
            (variant, f"20{10 + i}-{11 + i}", point, value)
            for variant, seasons in values.items()
            for i, value in enumerate(seasons)
        ],
        columns=TIDY_COLUMNS,
    )


def costs_of(tidy):
    return ablation_costs(tidy, "full", np.random.default_rng(0), 500)


# Spearman by point.


@pytest.fixture
def points():
    """Two named dates in each of two seasons, one date between them."""
    return pd.DataFrame(
        {
            "season": ["2019-20"] * 3 + ["2020-21"] * 2,
            "as_of_date": pd.to_datetime(
                ["2019-12-01", "2020-01-01", "2020-04-10", "2021-01-05", "2021-05-10"]
            ),
            "as_of_point": ["0.25", "", "end", "0.25", "end"],
        }
    )


@pytest.fixture
def results():
    ranks = {"2019-20": [3, 1, 2, 4, 5], "2020-21": [1, 2, 3, 4, 5]}
    return pd.DataFrame(
        [
            (season, team, rank)
            for season, outcome in ranks.items()
            for team, rank in enumerate(outcome, 1)
        ],
        columns=["season", "team_id", "outcome_rank"],
    )


@pytest.fixture
def scores(points):
    rng = np.random.default_rng(3)
    dates = points[["season", "as_of_date"]].merge(pd.DataFrame({"team_id": range(1, 6)}), "cross")
    return dates.assign(score=rng.normal(size=len(dates)))


def test_spearman_is_taken_of_all_teams_at_the_named_dates_only(scores, points, results):
    tidy = spearman_by_point(scores.sample(frac=1, random_state=0), points, results)
    assert tidy[["season", "as_of_point"]].to_numpy().tolist() == [
        ["2019-20", "0.25"], ["2019-20", "end"], ["2020-21", "0.25"], ["2020-21", "end"],
    ]  # fmt: skip
    at_end = scores[scores["as_of_date"] == "2020-04-10"]
    assert tidy["spearman"][1] == pytest.approx(spearman(at_end["score"], [3, 1, 2, 4, 5]))
    moved = scores.assign(score=scores["score"].where(scores["as_of_date"] != "2020-01-01", 9.0))
    pd.testing.assert_frame_equal(spearman_by_point(moved, points, results), tidy)


def test_the_right_order_scores_one_and_its_reverse_minus_one(scores, points, results):
    known = scores.drop(columns="score").merge(results, on=["season", "team_id"])
    for sign in (1, -1):
        right = known.assign(score=-sign * known["outcome_rank"]).drop(columns="outcome_rank")
        assert spearman_by_point(right, points, results)["spearman"].tolist() == [sign] * 4


@pytest.mark.parametrize("gone", ["score", "date"])
def test_a_point_without_scores_is_named(scores, points, results, gone):
    at_end = scores["as_of_date"] == "2021-05-10"
    spoiled = scores[~at_end] if gone == "date" else scores.assign(
        score=scores["score"].mask(at_end)
    )  # fmt: skip
    with pytest.raises(ValueError, match="no players are known in 2020-21 on 2021-05-10"):
        spearman_by_point(spoiled, points, results)


# Costs.


def test_cost_is_paired_by_season():
    # A constant cost of .02 in seasons that vary much: the pairing takes the variation out.
    full = [0.5, 0.7, 0.9, 0.6]
    summary = costs_of(tidy_of({"full": full, "less": [v - 0.02 for v in full]}))
    assert list(summary.columns) == SUMMARY_COLUMNS
    less = summary.set_index("variant").loc["less"]
    assert less["mean"] == pytest.approx(0.655)
    assert less[["cost", "cost_low", "cost_high"]].tolist() == pytest.approx([0.02] * 3)
    assert less["n_seasons"] == 4


def test_the_order_of_the_rows_does_not_unpair_them():
    tidy = tidy_of({"full": [0.5, 0.7, 0.9], "less": [0.4, 0.5, 0.6]})
    shuffled = pd.concat([tidy[:3], tidy[3:].iloc[::-1]])
    pd.testing.assert_frame_equal(costs_of(shuffled), costs_of(tidy))
    assert costs_of(tidy)["cost"].tolist() == pytest.approx([0.0, 0.2])


def test_a_variant_that_ranks_better_costs_less_than_nothing():
    summary = costs_of(tidy_of({"full": [0.5, 0.7, 0.9], "better": [0.6, 0.75, 0.91]}))
    assert summary["cost"].iloc[1] < 0
    assert summary["cost_high"].iloc[1] < 0
    assert summary[["cost", "cost_low", "cost_high"]].iloc[0].tolist() == [0, 0, 0]


def test_each_point_has_its_own_cost_and_rows_keep_the_order_of_the_season():
    ones = [tidy_of({"full": [1.0] * 3, "b": [v] * 3, "a": [v] * 3}, point)
            for point, v in zip(reversed(AS_OF_POINTS), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
                                strict=True)]  # fmt: skip
    summary = costs_of(pd.concat(ones))
    assert summary["variant"].unique().tolist() == ["full", "b", "a"]
    assert summary["as_of_point"].tolist() == [*AS_OF_POINTS] * 3
    costs = summary[summary["variant"] == "a"]["cost"]
    assert costs.tolist() == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])


def test_few_seasons_give_no_interval():
    summary = costs_of(tidy_of({"full": [0.5, 0.7], "less": [0.4, 0.5]}))
    assert summary["cost"].iloc[1] == pytest.approx(0.15)
    assert summary[["cost_low", "cost_high"]].isna().all(axis=None)
