import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.intervals import interval_metrics


def predictions(rows):
    columns = ["season", "as_of_point", "actual_rank", "model_a_rank_low", "model_a_rank_high"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(columns[2:], "Int64"))


def value(tidy, season, point, metric):
    cell = (tidy["season"] == season) & (tidy["as_of_point"] == point) & (tidy["metric"] == metric)
    return tidy.loc[cell, "value"].item()


def test_coverage_and_width_by_season_and_point():
    tidy = interval_metrics(
        predictions(
            [
                ("2022-23", "open", 1, 1, 3),  # on the bound
                ("2022-23", "open", 5, 2, 5),  # on the other
                ("2022-23", "open", 9, 2, 8),  # outside
                ("2022-23", "open", 1, 2, 2),  # outside, one place wide
                ("2022-23", "end", 4, 4, 4),
                ("2023-24", "open", 7, 1, 30),
            ]
        )
    )
    assert tidy.columns.tolist() == TIDY_COLUMNS
    assert set(tidy["scope"]) == {"league"}
    assert set(tidy["ranker"]) == {"model_a"}
    assert len(tidy) == 6
    assert value(tidy, "2022-23", "open", "rank_interval_coverage") == 0.5
    assert value(tidy, "2022-23", "open", "rank_interval_width") == pytest.approx(15 / 4)
    assert value(tidy, "2022-23", "end", "rank_interval_coverage") == 1
    assert value(tidy, "2022-23", "end", "rank_interval_width") == 1
    assert value(tidy, "2023-24", "open", "rank_interval_width") == 30
    assert tidy["value"].dtype == np.float64


def test_a_team_without_an_interval_is_left_out():
    tidy = interval_metrics(
        predictions([("2022-23", "open", 1, 1, 3), ("2022-23", "open", 30, None, None)])
    )
    assert value(tidy, "2022-23", "open", "rank_interval_coverage") == 1
    assert value(tidy, "2022-23", "open", "rank_interval_width") == 3


def test_no_intervals_no_rows():
    table = predictions([("2022-23", "open", 1, 1, 3)])
    without = table.drop(columns=["model_a_rank_low", "model_a_rank_high"])
    tidy = interval_metrics(without)
    assert tidy.empty
    assert tidy.columns.tolist() == TIDY_COLUMNS


def test_intervals_made_for_nine_in_ten_hold_nine_in_ten():
    rng = np.random.default_rng(0)
    rows = []
    for date in range(40):
        # Outcome and samples are drawn alike: rank 90% of the time between its percentiles.
        strength = rng.normal(size=30)
        draws = strength + rng.normal(scale=0.5, size=(200, 30))
        ranks = (-draws).argsort(axis=1).argsort(axis=1) + 1
        low, high = np.percentile(ranks[1:], (5, 95), axis=0)
        season = f"{1980 + date}-{81 + date}"
        rows += [
            (season, "open", *team)
            for team in zip(ranks[0], np.floor(low), np.ceil(high), strict=True)
        ]
    covered = interval_metrics(predictions(rows)).groupby("metric")["value"].mean()
    assert 0.88 < covered["rank_interval_coverage"] < 0.96
