import numpy as np
import pandas as pd
import pytest

from nba_rank.core.errors import UserError
from nba_rank.evaluation.evaluate import spearman_by_point
from nba_rank.evaluation.metrics import spearman


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
    with pytest.raises(UserError, match="no players are known in 2020-21 on 2021-05-10"):
        spearman_by_point(spoiled, points, results)
