import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nba_rank.evaluation.paired import (
    MEAN,
    against_each,
    paired,
    season_means,
    sign_flip_p,
    t_interval,
    with_mean,
)


def tidy_of(values, metric="spearman", point="0.25", **columns):
    """One point and scope, a list of season values for each ranker."""
    return pd.DataFrame(
        [
            (f"20{10 + i}-{11 + i}", point, "league", ranker, metric, value)
            for ranker, seasons in values.items()
            for i, value in enumerate(seasons)
        ],
        columns=["season", "as_of_point", "scope", "ranker", "metric", "value"],
    ).assign(**columns)


@pytest.mark.parametrize(
    ("draw", "true_mean", "covered"),
    [
        ("normal", 0.0, {5: 0.949, 9: 0.953, 17: 0.949}),
        ("exponential", 1.0, {5: 0.879, 9: 0.901, 17: 0.914}),
        ("lognormal", np.exp(0.5), {5: 0.823, 9: 0.835, 17: 0.861}),
    ],
)
def test_intervals_cover_as_the_documentation_says(draw, true_mean, covered):
    rng = np.random.default_rng(0)
    for n, expected in covered.items():
        values = getattr(rng, draw)(size=(n, 4000))
        low, high = t_interval(values)[["low", "high"]].to_numpy().T
        coverage = ((low <= true_mean) & (true_mean <= high)).mean()
        assert coverage == pytest.approx(expected, abs=0.02)


def test_claims_without_a_difference_are_rarer_than_one_in_twenty():
    rng = np.random.default_rng(1)
    for n in (5, 9, 17):
        chance = {f"chance {i}": values for i, values in enumerate(rng.normal(size=(1500, n)))}
        tidy = tidy_of({"standings": np.zeros(n), **chance})
        claimed = paired(tidy, "standings")["verdict"].isin(["better", "worse"]).mean()
        assert claimed == 0 if n == 5 else claimed == pytest.approx(0.05, abs=0.017)


@pytest.mark.parametrize("n", [5, 8, 11])
def test_sign_flips_equal_brute_force(n):
    values = np.random.default_rng(n).normal(0.4, 1.0, (n, 5))
    values[:, 0] = np.round(values[:, 0])  # many sums are equal
    values[0, 1] = 0.0
    values[:, 2] = 0.0
    signs = np.array(list(itertools.product([1, -1], repeat=n)))
    expected = (np.abs(signs @ values) >= np.abs(values.sum(axis=0)) - 1e-12).mean(axis=0)
    assert sign_flip_p(values) == pytest.approx(expected)
    gaps = np.vstack([values, np.full((3, 5), np.nan)])
    assert sign_flip_p(np.random.default_rng(0).permutation(gaps)) == pytest.approx(expected)


def test_with_many_seasons_sign_flips_and_t_agree():
    values = np.random.default_rng(0).normal(0.3, 1.0, (41, 3))
    assert sign_flip_p(values) == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue)
    values = values[:20]
    assert sign_flip_p(values) == pytest.approx(sign_flip_p(values[::-1]))
    assert sign_flip_p(values) == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue, abs=0.02)


def test_the_interval_is_students_t_over_the_seasons_of_each_column():
    values = np.random.default_rng(0).normal(3.0, 1.0, (9, 3))
    values[:3, 1] = np.nan
    values[:5, 2] = np.nan
    found = t_interval(values)
    assert found["n_seasons"].tolist() == [9, 6, 4]
    for row, column in zip(found.iloc[:2].itertuples(), values.T, strict=False):
        own = column[np.isfinite(column)]
        expected = stats.ttest_1samp(own, 0.0).confidence_interval(0.95)
        assert (row.mean, row.se) == pytest.approx((own.mean(), stats.sem(own)))
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high))
    assert found.loc[2, ["low", "high"]].isna().all()
    assert found.loc[2, ["mean", "se"]].notna().all()


def test_a_difference_is_taken_within_a_season():
    # A constant lead over standings that vary much: pairing takes the variation out.
    standings = [0.5, 0.7, 0.9, 0.6, 0.2, 0.4]
    tidy = tidy_of({"standings": standings, "stack": [value + 0.02 for value in standings]})
    (row,) = paired(tidy, "standings").to_dict("records")
    assert (row["ranker"], row["reference"], row["part"]) == ("stack", "standings", "")
    numbers = [row[name] for name in ("difference", "low", "high", "p")]
    assert numbers == pytest.approx([0.02, 0.02, 0.02, 2 / 64])
    assert row["value"] - row["reference_value"] == pytest.approx(0.02)
    assert (row["n_seasons"], row["verdict"]) == (6, "better")
    means = season_means(tidy)
    assert means["value"].tolist() == pytest.approx([np.mean(standings), row["value"]])
    assert means["high"][0] > 0.7


@pytest.mark.parametrize(
    ("metric", "lead", "verdict"),
    [
        ("spearman", 0.02, "better"),
        ("rank_mae", 0.02, "worse"),
        ("spearman", 0.0004, "within noise"),  # prints as zero
        ("game_brier", -0.0004, "better"),  # has four digits
        ("spearman", 0.0, "within noise"),
    ],
)
def test_the_verdict_follows_direction_and_digits_of_the_metric(metric, lead, verdict):
    values = {"standings": [0.5] * 6, "stack": [0.5 + lead] * 6}
    assert paired(tidy_of(values, metric), "standings")["verdict"].item() == verdict


def test_a_claim_needs_six_seasons_the_interval_and_the_sign_flips():
    values = {"standings": [0.1] * 6, "stack": [0.9, 0.8, 0.9, 0.8, 0.9, 0.8]}
    said = {
        n: paired(tidy_of({name: own[:n] for name, own in values.items()}), "standings").iloc[0]
        for n in (1, 4, 5, 6)
    }
    for n in (1, 4):
        assert said[n][["low", "high", "p"]].isna().all()
        assert said[n]["verdict"] == "too few seasons"
        assert said[n]["difference"] == pytest.approx(0.75, abs=0.06)
    # The interval is far above zero, but five signs cannot be rarer than 2 in 32.
    assert said[5]["low"] > 0.5
    assert (said[5]["p"], said[5]["verdict"]) == (0.0625, "within noise")
    assert said[6]["verdict"] == "better"
    one_far_out = [0.01, 0.02, 0.01, 0.02, 0.01, 3.0]
    (row,) = paired(tidy_of({"a": [0.0] * 6, "b": one_far_out}), "a").to_dict("records")
    assert (row["p"] < 0.05, row["low"] < 0, row["verdict"]) == (True, True, "within noise")


def test_parts_are_compared_apart_and_a_missing_value_leaves_a_season_out():
    values = {"full": [0.6] * 7, "less": [0.5] * 7, "least": [0.1, *[0.4] * 5, np.nan]}
    table = paired(pd.concat(tidy_of(values, part=part) for part in ("trees", "prior")), "less")
    assert table["part"].tolist() == ["trees", "trees", "prior", "prior"]
    assert table["ranker"].tolist() == ["full", "least"] * 2
    assert table["n_seasons"].tolist() == [7, 6, 7, 6]
    assert table["difference"][1] == pytest.approx((-0.4 - 5 * 0.1) / 6)


def test_each_other_ranker_is_the_reference_in_turn():
    tidy = tidy_of({"stack": [0.9] * 6, "rf": [0.8] * 6, "elo": [0.7] * 6, "market": [np.nan] * 6})
    table = against_each(tidy, ["stack", "rf"])
    pairs = table[["ranker", "reference"]].apply(tuple, axis=1).tolist()
    assert pairs == [("rf", "stack"), ("stack", "rf"), ("stack", "elo"), ("rf", "elo")]
    assert table["difference"].tolist() == pytest.approx([-0.1, 0.1, 0.2, 0.1])
    assert against_each(tidy[tidy["ranker"] == "stack"], ["stack"]).empty


def test_what_cannot_be_compared_is_refused():
    tidy = tidy_of({"stack": [0.9] * 6, "standings": [0.8] * 6})
    with pytest.raises(ValueError, match="no values of the reference 'elo'"):
        paired(tidy, "elo")
    with pytest.raises(ValueError, match="repeated values"):
        paired(pd.concat([tidy, tidy[tidy["ranker"] == "stack"]]), "standings")
    with pytest.raises(ValueError, match=r"without a direction.*rank_interval_width"):
        paired(tidy_of({"stack": [3.0]}, "rank_interval_width"), "stack")
    assert paired(tidy.iloc[:0], "standings").empty


def test_the_mean_over_the_points_needs_all_of_them():
    values = {"stack": [0.4, 0.6], "standings": [0.5, np.nan]}
    tidy = pd.concat(
        [
            tidy_of(values, point="0.25"),
            tidy_of({"stack": [0.8, 1.0], "standings": [0.7, 0.9]}, point="end"),
            tidy_of({"stack": [0.2]}, metric="game_brier", point="all"),
        ]
    )
    means = with_mean(tidy)
    assert len(means) == len(tidy) + 3
    means = means[means["as_of_point"] == MEAN].set_index(["ranker", "season"])["value"]
    assert means["stack"].tolist() == pytest.approx([0.6, 0.8])
    assert means["standings"].tolist() == pytest.approx([0.6])
