import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.occlusion import summarise_occlusion


def effects_of(cells):
    """One row a team; `cells` holds (season, point, tops, randoms)."""
    return pd.DataFrame(
        [
            (season, point, top, random)
            for season, point, tops, randoms in cells
            for top, random in zip(tops, randoms, strict=True)
        ],
        columns=["season", "as_of_point", "top", "like_minutes"],
    )


def test_seasons_count_alike_however_many_teams_they_have():
    effects = effects_of(
        [
            ("2021-22", "open", [1.0, 3.0], [0.0, 4.0]),
            ("2022-23", "open", [5.0, 5.0, 5.0, 5.0], [1.0, 1.0, 1.0, 9.0]),
        ]
    )
    row = summarise_occlusion(effects, np.random.default_rng(0)).iloc[0]
    assert row["top"] == pytest.approx((2 + 5) / 2)
    assert row["like_minutes"] == pytest.approx((2 + 3) / 2)
    assert row["difference"] == pytest.approx(1.0)
    assert row["top_moves_more"] == pytest.approx((0.5 + 0.75) / 2)
    assert row["n_seasons"] == 2
    assert row[["difference_low", "top_high"]].isna().all()


def test_the_difference_is_paired_by_season():
    # Scores of some seasons move far more than those of others, but top always by .1 more.
    scale = [0.1, 1.0, 3.0, 0.5, 2.0]
    effects = effects_of(
        [(f"20{10 + i}-{11 + i}", "0.25", [s + 0.1], [s]) for i, s in enumerate(scale)]
    )
    row = summarise_occlusion(effects, np.random.default_rng(0)).iloc[0]
    assert row["difference_low"] == pytest.approx(0.1)
    assert row["difference_high"] == pytest.approx(0.1)
    assert row["top_high"] - row["top_low"] > 1


def test_points_are_in_order_and_may_miss_a_season():
    cells = [
        (season, point, [2.0], [1.0])
        for season in ("2019-20", "2020-21", "2021-22")
        for point in ("end", "0.05", "open")
        if (season, point) != ("2020-21", "end")
    ]
    summary = summarise_occlusion(effects_of(cells), np.random.default_rng(0), 200)
    assert summary["as_of_point"].tolist() == ["open", "0.05", "end"]
    assert summary["n_seasons"].tolist() == [3, 3, 2]
    assert summary["difference_low"].notna().tolist() == [True, True, False]
    again = summarise_occlusion(effects_of(cells), np.random.default_rng(0), 200)
    pd.testing.assert_frame_equal(summary, again)


def test_nothing_of_nothing():
    assert summarise_occlusion(pd.DataFrame(), np.random.default_rng(0)).empty
