import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.ablations import (
    GAIN_COLUMNS,
    LISTS,
    MEAN,
    TIDY_COLUMNS,
    paired_gains,
    spearman_by_list,
    spearman_by_point,
)
from nba_rank.evaluation.metrics import spearman


def tidy_of(values, point="0.25", scope="league"):
    """A list of season values for each variant."""
    return pd.DataFrame(
        [
            (variant, f"20{10 + i}-{11 + i}", point, scope, value)
            for variant, seasons in values.items()
            for i, value in enumerate(seasons)
        ],
        columns=TIDY_COLUMNS,
    )


def gains_of(tidy):
    """What each other variant lacks of the full one is the part of its name."""
    pairs = {name: ("full", name) for name in tidy["variant"].unique() if name != "full"}
    return paired_gains(tidy, pairs, np.random.default_rng(0), 500)


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


def test_lists_are_all_teams_at_each_point_their_mean_and_the_playoff_teams_at_the_end(
    scores, points, results
):
    results = results.assign(made_playoffs=results["outcome_rank"] <= 3)
    tidy = spearman_by_list(scores, points, results)
    known = ["season", "as_of_point", "scope"]
    tidy = tidy.set_index(known)["spearman"]
    league = spearman_by_point(scores, points, results)
    for row in league.itertuples():
        assert tidy[(row.season, row.as_of_point, "league")] == row.spearman
    for season, rows in league.groupby("season"):
        assert tidy[(season, MEAN, "league")] == pytest.approx(rows["spearman"].mean())
        truth = results[(results["season"] == season) & results["made_playoffs"]]
        inside = points[(points["season"] == season) & (points["as_of_point"] == "end")]
        rows = scores.merge(inside).merge(truth)
        expected = spearman(rows["score"], rows["outcome_rank"])
        assert tidy[(season, "end", "playoff16")] == pytest.approx(expected)
    assert len(tidy) == len(league) + 4


# Gains.


def test_a_gain_is_paired_by_season():
    # A constant gain of .02 in seasons that vary much: the pairing takes the variation out.
    full = [0.5, 0.7, 0.9, 0.6]
    gains = gains_of(tidy_of({"full": full, "less": [v - 0.02 for v in full]}))
    assert list(gains.columns) == GAIN_COLUMNS
    less = gains.set_index("part").loc["less"]
    assert less["spearman_with"] == pytest.approx(0.675)
    assert less["spearman_without"] == pytest.approx(0.655)
    assert less[["gain", "gain_low", "gain_high"]].tolist() == pytest.approx([0.02] * 3)
    assert (less["firm"], less["n_seasons"]) == (1, 4)


def test_the_order_of_the_rows_does_not_unpair_them():
    tidy = tidy_of({"full": [0.5, 0.7, 0.9], "less": [0.4, 0.5, 0.6]})
    shuffled = pd.concat([tidy[:3], tidy[3:].iloc[::-1]])
    pd.testing.assert_frame_equal(gains_of(shuffled), gains_of(tidy))
    assert gains_of(tidy)["gain"].tolist() == pytest.approx([0.2])


def test_a_variant_that_ranks_better_without_a_part_has_a_gain_below_zero():
    gains = gains_of(tidy_of({"full": [0.5, 0.7, 0.9], "better": [0.6, 0.75, 0.91]}))
    assert gains["gain"].item() < 0
    assert gains["gain_high"].item() < 0
    assert gains["firm"].item() == -1


def test_an_interval_that_prints_as_zero_is_not_firm():
    full = [0.5, 0.7, 0.9]
    gains = gains_of(tidy_of({"full": full, "less": [v - 0.0004 for v in full]}))
    assert gains["gain_low"].item() > 0
    assert gains["firm"].item() == 0


def test_each_list_has_its_own_gain_and_rows_keep_the_order_of_the_season():
    parts = [
        tidy_of({"full": [1.0] * 3, "b": [value] * 3, "a": [value] * 3}, point, scope)
        for (point, scope), value in zip(reversed(LISTS), np.arange(1, 10) / 10, strict=True)
    ]
    gains = gains_of(pd.concat(parts))
    assert gains["part"].unique().tolist() == ["b", "a"]
    assert list(zip(gains["as_of_point"], gains["scope"], strict=True)) == LISTS * 2
    assert [(MEAN, "league"), *((p, "league") for p in AS_OF_POINTS), ("end", "playoff16")] == LISTS
    own = gains[gains["part"] == "a"]["gain"]
    assert own.tolist() == pytest.approx(np.arange(1, 10) / 10)


def test_pairs_need_not_share_a_variant_and_wait_until_both_are_judged():
    tidy = tidy_of({"with": [0.5, 0.7], "bare": [0.4, 0.5], "more": [0.8, 0.8]})
    pairs = {"part": ("with", "bare"), "later": ("full", "bare"), "other": ("more", "bare")}
    gains = paired_gains(tidy, pairs, np.random.default_rng(0), 500)
    assert gains["part"].tolist() == ["part", "other"]
    assert gains["gain"].tolist() == pytest.approx([0.15, 0.35])
    assert paired_gains(tidy, {}, np.random.default_rng(0), 500).columns.tolist() == GAIN_COLUMNS


def test_few_seasons_give_no_interval():
    gains = gains_of(tidy_of({"full": [0.5, 0.7], "less": [0.4, 0.5]}))
    assert gains["gain"].item() == pytest.approx(0.15)
    assert gains[["gain_low", "gain_high"]].isna().all(axis=None)
    assert gains["firm"].item() == 0
