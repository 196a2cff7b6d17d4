import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.occlusion import faithfulness


def effects_of(cells):
    """One row a team; `cells` holds (season, point, tops, others)."""
    return pd.DataFrame(
        [
            (season, point, top, other)
            for season, point, tops, others in cells
            for top, other in zip(tops, others, strict=True)
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
    row = faithfulness(effects).iloc[0]
    assert row["value"] == pytest.approx((2 + 5) / 2)
    assert row["reference_value"] == pytest.approx((2 + 3) / 2)
    assert row["difference"] == pytest.approx(1.0)
    assert row["moves_more"] == pytest.approx((0.5 + 0.75) / 2)
    assert (row["n_seasons"], row["verdict"]) == (2, "too few seasons")


def test_the_difference_is_paired_by_season_and_points_are_in_order():
    # Scores of some seasons move far more than those of others, but top always by .1 more.
    scale = [0.1, 1.0, 3.0, 0.5, 2.0, 0.3]
    effects = effects_of(
        [
            (f"20{10 + i}-{11 + i}", point, [s + 0.1 + 1e-4 * i], [s])
            for point in ("end", "0.25")
            for i, s in enumerate(scale)
        ]
    )
    table = faithfulness(effects)
    assert table["as_of_point"].tolist() == ["0.25", "end"]
    assert (table["verdict"] == "better").all()
    np.testing.assert_allclose(table[["low", "high"]], 0.1, atol=1e-3)


def test_without_effects_there_is_nothing():
    assert faithfulness(pd.DataFrame()).empty
