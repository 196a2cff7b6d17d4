import numpy as np
import pandas as pd
import pytest
from made_runs import POINTS, SEASONS, made_metrics

from nba_rank.core.errors import UserError
from nba_rank.evaluation.calibration import VERDICTS
from nba_rank.evaluation.side_by_side import (
    COMPARISON_COLUMNS,
    DIFFERENCE_COLUMNS,
    STANDINGS,
    by_point,
    decimals,
    differences,
    mean_score,
    rows_of,
    side_by_side,
    standings_gap,
)


def runs_of(**lifts):
    return {name: rows_of(made_metrics(lift), "stack", "simulation")
            for name, lift in lifts.items()}  # fmt: skip


def standings(**changes):
    return rows_of(made_metrics(**changes), STANDINGS)


def compared(baseline="base", n_resamples=500, **lifts):
    tidy = side_by_side(runs_of(base=0.0, **lifts), standings())
    return differences(tidy, baseline, np.random.default_rng(0), n_resamples)


def row(table, **wanted):
    found = table
    for name, value in wanted.items():
        found = found[found[name] == value]
    (one,) = found.to_dict("records")
    return one


def test_only_metrics_with_a_direction_and_single_seasons_are_taken():
    rows = rows_of(made_metrics(), "stack", "simulation")
    assert set(rows["season"]) == set(SEASONS)
    assert {"spearman", "game_brier", "series_log_loss"} <= set(rows["metric"])
    assert "rank_interval_width" not in set(rows["metric"])
    assert "series_log_loss" not in set(rows_of(made_metrics(), "stack")["metric"])


def test_the_mean_stands_first_and_is_that_of_the_points():
    tidy = side_by_side(runs_of(base=0.0, other=0.1), standings())
    assert list(tidy) == COMPARISON_COLUMNS
    assert tidy["as_of_point"].unique().tolist() == ["mean", *POINTS, "all"]
    assert tidy["run"].unique().tolist() == ["base", "other", STANDINGS]
    first = row(tidy, run="base", season="2020-21", scope="league", metric="spearman",
                as_of_point="mean")  # fmt: skip
    assert first["value"] == pytest.approx(0.72 + 0.05)
    # One value a season has no mean over points.
    games = tidy[tidy["metric"].isin(["game_brier", "series_log_loss"])]
    assert set(games["as_of_point"]) == {"all", "end"}


def test_what_one_run_lacks_is_left_out_of_all():
    runs = runs_of(base=0.0, other=0.1)
    other = runs["other"]
    gone = (other["metric"] == "kendall") | (other["season"] == "2019-20")
    gone |= (other["season"] == "2021-22") & (other["as_of_point"] == "end")
    runs["other"] = other[~gone]
    tidy = side_by_side(runs, standings())
    assert "kendall" not in set(tidy["metric"])
    assert set(tidy["season"]) == set(SEASONS[1:])
    spearman = tidy[(tidy["metric"] == "spearman") & (tidy["scope"] == "league")]
    seasons = {point: set(rows["season"]) for point, rows in spearman.groupby("as_of_point")}
    assert seasons["end"] == {"2020-21", "2022-23"}
    assert seasons["open"] == set(SEASONS[1:])
    # A mean over other points than in the other seasons would be no match for theirs.
    assert seasons["mean"] == {"2020-21", "2022-23"}


def test_runs_without_a_common_season_point_or_metric_are_refused():
    halves = (SEASONS[:2], SEASONS[2:])
    early, late = (rows_of(made_metrics(seasons=some), "stack") for some in halves)
    with pytest.raises(UserError, match=r"no test season is common.*a: 2019-20, 2020-21; b: 2021"):
        side_by_side({"a": early, "b": late}, standings())
    opening, end = (rows_of(made_metrics(points=some), "stack") for some in (["open"], ["end"]))
    opening, end = (rows[rows["metric"] == "spearman"] for rows in (opening, end))
    with pytest.raises(UserError, match="no as-of point of a season is common"):
        side_by_side({"a": opening, "b": end}, standings())
    spearman, kendall = (end.assign(metric=name) for name in ("spearman", "kendall"))
    with pytest.raises(UserError, match="no metric in common"):
        side_by_side({"a": spearman, "b": kendall}, standings())


def test_repeated_metrics_are_refused():
    rows = rows_of(made_metrics(), "stack")
    with pytest.raises(ValueError, match=r"repeated metrics, the first .*2019-20"):
        side_by_side({"a": rows, "b": pd.concat([rows, rows])}, standings())


def test_differences_are_paired_and_know_which_way_is_better():
    table = compared(better=0.1, worse=-0.1)
    assert list(table) == DIFFERENCE_COLUMNS
    cell = {"as_of_point": "open", "scope": "league"}
    up = row(table, run="better", metric="spearman", **cell)
    # .1, .12, .1 and .12 above .7, .72, .74 and .76.
    assert up["difference"] == pytest.approx(0.11)
    assert up["baseline_mean"] == pytest.approx(0.73)
    assert up["mean"] == pytest.approx(0.84)
    assert 0.099 < up["low"] < 0.11 < up["high"] < 0.121
    assert (up["n_better"], up["n_seasons"], up["verdict"]) == (4, 4, VERDICTS[0])
    assert up["higher_is_better"]
    down = row(table, run="better", metric="rank_rmse", **cell)
    assert down["difference"] == pytest.approx(-0.11)
    assert (down["n_better"], down["verdict"], down["higher_is_better"]) == (4, VERDICTS[0], False)
    loss = row(table, run="worse", metric="champion_log_loss", **cell)
    assert loss["difference"] == pytest.approx(0.11)
    assert (loss["n_better"], loss["verdict"]) == (0, VERDICTS[1])


def test_standings_are_compared_as_well_as_far_as_they_are_judged():
    table = compared(other=0.1)
    bar = row(table, run=STANDINGS, metric="spearman", scope="league", as_of_point="mean")
    assert bar["difference"] == pytest.approx(-0.1)
    assert not ((table["run"] == STANDINGS) & (table["metric"] == "series_log_loss")).any()


def test_another_baseline_turns_the_sign():
    ours = row(compared(other=0.1), run="other", metric="kendall", as_of_point="end")
    theirs = row(compared("other", other=0.1), run="base", metric="kendall", as_of_point="end")
    assert theirs["difference"] == pytest.approx(-ours["difference"])
    assert {ours["verdict"], theirs["verdict"]} == set(VERDICTS[:2])


def test_equal_runs_differ_by_no_more_than_noise():
    table = compared(same=0.0)
    table = table[table["run"] == "same"]
    assert (table["difference"] == 0).all()
    assert set(table["verdict"]) == {VERDICTS[2]}
    assert (table["n_better"] == 0).all()


def test_a_difference_too_small_to_print_is_none():
    assert decimals("spearman") == 3
    assert decimals("game_brier") == 4
    table = compared(other=0.0004)
    assert row(table, run="other", metric="kendall", as_of_point="end")["verdict"] == VERDICTS[2]


def test_two_seasons_give_no_interval():
    runs = {name: rows[rows["season"] > "2020-21"] for name, rows in runs_of(a=0.0, b=0.1).items()}
    table = differences(side_by_side(runs, standings()), "a", np.random.default_rng(0), 100)
    assert table["low"].isna().all()
    assert set(table["verdict"]) == {VERDICTS[2]}
    assert (table["n_seasons"] == 2).all()


def test_metrics_by_point_are_those_of_all_teams():
    assert by_point(side_by_side(runs_of(a=0.0, b=0.1), standings())) == [
        "spearman", "kendall", "rank_rmse", "champion_log_loss", "series_log_loss",
    ]  # fmt: skip


def test_standings_tell_whether_the_truth_is_another():
    same = {"a": standings(), "b": standings(seasons=SEASONS[:2])}
    assert standings_gap(same) == 0
    moved = standings()
    moved.loc[0, "value"] += 0.03
    assert standings_gap(same | {"c": moved}) == pytest.approx(0.03)


def test_the_mean_score_is_taken_over_points_then_seasons():
    rows = rows_of(made_metrics(), "stack")
    assert mean_score(rows, "spearman", "league") == pytest.approx(0.7 + 0.05 + 0.03)
    assert mean_score(rows, "spearman", "playoff16") == pytest.approx(0.4 + 0.05 + 0.03)
    assert np.isnan(mean_score(rows, "clone_auc", "league"))
