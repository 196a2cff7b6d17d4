import json

import numpy as np
import pandas as pd
import pytest
from made_runs import POINTS, SEASONS, VALIDATION, made_metrics, write_run, write_sweep

from nba_rank.core.names import STANDINGS
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.paired import paired
from nba_rank.evaluation.past_runs import (
    BEST,
    DEFAULT,
    RunsError,
    common_scores,
    comparable_fields,
    differing,
    find_runs,
    pick,
    rows_of,
    standings_gap,
    sweep_scores,
)


@pytest.fixture
def two(tmp_path):
    return [write_run(tmp_path / "run_001"), write_run(tmp_path / "run_002", 0.1)]


def test_a_run_is_read_with_all_that_is_compared(tmp_path, two):
    only = write_run(tmp_path / "run_003", ranker="xgb", config={"model": {"members": ["xgb"]}})
    found = find_runs([*two, only])
    assert [run.name for run in found.runs] == ["run_001", "run_002", "run_003"]
    assert [run.ranker for run in found.runs] == ["stack", "stack", "xgb"]
    assert found.runs[0].fields["model.xgb.max_depth"] == 3
    assert found.runs[2].fields["model.members"] == ["xgb"]
    assert set(found.runs[2].rows["metric"]) >= {"spearman", "series_log_loss"}
    assert not found.notes


def test_names_are_as_long_as_they_must_be(tmp_path):
    folders = [write_run(tmp_path / name) for name in ("a/run_001", "b/run_001", "b/run_002")]
    folders.append(write_run(tmp_path / "c" / STANDINGS))
    names = [run.name for run in find_runs(folders).runs]
    assert names == ["a/run_001", "b/run_001", "run_002", f"c/{STANDINGS}"]


def test_missing_and_broken_files_are_named(two):
    (two[0] / "metrics.csv").write_text("season,value\n2020-21,1\n")
    (two[1] / "metrics.json").write_text("{")
    with pytest.raises(RunsError) as refused:
        find_runs(two)
    first, second = str(refused.value).splitlines()
    assert "metrics.csv lacks the columns as_of_point, scope, ranker, metric" in first
    assert "run_002 cannot be read" in second
    for name in ("config.yaml", "metrics.json", "metrics.csv"):
        (two[1] / name).unlink()
        with pytest.raises(RunsError, match=rf"run_002 holds no {name}"):
            find_runs(two)
    made_metrics().to_csv(two[0] / "metrics.csv", index=False)
    (two[0] / "metrics.json").write_text(json.dumps({"ranker": "rf"}))
    with pytest.raises(RunsError, match="nothing of the final ranker rf"):
        find_runs(two)


def test_every_problem_is_told_at_once(tmp_path, two):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunsError) as refused:
        find_runs([*two, tmp_path / "run_009", tmp_path / "empty", tmp_path, two[0] / "../run_001"])
    lines = str(refused.value).splitlines()
    assert f"there is no folder {tmp_path / 'run_009'}" in lines[0]
    assert "empty is no run folder: it holds no manifest.json" in lines[1]
    assert f"name them, such as {tmp_path}/run_*" in lines[2]
    assert "run_001 is named twice" in lines[3]
    assert len(lines) == 4
    failed = {"status": "failed", "error": "ValueError: no"}
    (two[0] / "manifest.json").write_text(json.dumps(failed))
    with pytest.raises(RunsError, match=r"its status is failed \(ValueError: no\): leave it out"):
        find_runs(two)


def test_folders_of_other_comparisons_are_passed_over_with_a_note(tmp_path, two):
    other = write_run(tmp_path / "run_003", manifest={"kind": "ablations"})
    found = find_runs([other, *two])
    assert [run.name for run in found.runs] == ["run_001", "run_002"]
    assert found.notes == [f"{other} is passed over: it holds ablations and no run"]
    with pytest.raises(RunsError, match=r"two runs or more.*hold 1: .*run_001\n.*passed over"):
        find_runs([other, two[0]])


def test_a_sweep_contributes_its_defaults_and_its_best(tmp_path, two):
    sweep = write_sweep(tmp_path / "sweeps" / "quick_1a2b")
    found = find_runs([two[0], sweep])
    names = ["run_001", "quick_1a2b/test_default", "quick_1a2b/test_best"]
    assert [run.name for run in found.runs] == names
    assert not found.notes
    (read,) = found.sweeps
    assert read.objectives == ["spearman", "ndcg16", "clone_auc"]
    assert read.n_trials == {"complete": 2, "pruned": 1}
    assert read.validation == VALIDATION
    with pytest.raises(RunsError, match="test_best is named twice"):
        find_runs([sweep, sweep / BEST])
    with pytest.raises(RunsError, match=rf"default is a trial of a sweep.*name the sweep, {sweep}"):
        find_runs([two[0], sweep / "default"])


def test_an_unfinished_sweep_says_what_it_lacks(tmp_path, two):
    sweep = write_sweep(tmp_path / "quick", status="running", runs=["test_default"])
    found = find_runs([two[0], sweep])
    assert [run.name for run in found.runs] == ["run_001", "quick/test_default"]
    lacking = f"the sweep {sweep} is not finished: there is no folder {sweep / BEST}"
    assert found.notes == [lacking]
    assert [*found.sweeps[0].validation] == [DEFAULT]
    (sweep / "validation.json").unlink()
    assert find_runs([two[0], sweep]).sweeps[0].validation == {}

    running = write_sweep(tmp_path / "slow", runs=["test_default"], trials=False)
    write_run(running / BEST, manifest={"status": "running"})
    notes = find_runs([two[0], running]).notes
    assert "test_best is no finished run, its status is running" in notes[0]
    assert "holds no trials.csv" in notes[1]
    with pytest.raises(RunsError, match=r"hold 0: none\n.*not finished"):
        find_runs([write_sweep(tmp_path / "new", runs=[], trials=False)])
    no_winner = write_sweep(tmp_path / "no_winner", runs=["test_default"])
    won = f"no trial of the sweep {no_winner} beat the defaults, so it has no test_best"
    assert find_runs([two[0], no_winner]).notes == [won]


def test_only_what_differs_is_listed():
    table = differing(
        {"a": {"same": 1, "x": [1, 2], "y": True, "z": None}, "b": {"same": 1, "x": [1], "y": True}}
    )
    assert list(table) == ["a", "b"]
    assert table.loc["x"].tolist() == ["[1, 2]", "[1]"]
    assert table.loc["z"].tolist() == ["null", ""]
    assert table.index.tolist() == ["x", "z"]
    assert differing({"a": {"x": 1}, "b": {"x": 1}}).empty
    # Where files are and how a sweep is run change no result.
    fields = {"seed": 1, "paths.outputs": "a", "tuning.batch_id": "b", "data.raw_dir": "c"}
    assert comparable_fields(fields) == {"seed": 1}


def test_the_baseline_is_the_first_or_the_one_named(two):
    runs = find_runs(two).runs
    assert pick(runs, None).name == "run_001"
    assert pick(runs, "run_002").name == "run_002"
    assert pick(runs, str(two[1] / "..") + "/run_002").name == "run_002"
    with pytest.raises(RunsError, match=r"--baseline run_003 is none of.*run_001, .*run_002"):
        pick(runs, "run_003")


def two_scores():
    """What `rows_of` returns of two runs, the other one better."""
    lifts = {"base": 0.0, "other": 0.1}
    return {
        name: rows_of(made_metrics(lift), "stack", "simulation") for name, lift in lifts.items()
    }


def standings(**changes):
    return rows_of(made_metrics(**changes), STANDINGS)


def test_directed_metrics_of_single_seasons_are_taken_from_the_first_ranker_that_has_them():
    rows = rows_of(made_metrics(), "stack", "simulation")
    assert set(rows["season"]) == set(SEASONS)
    assert {"spearman", "game_brier", "series_log_loss"} <= set(rows["metric"])
    assert "rank_interval_width" not in set(rows["metric"])
    both = rows_of(made_metrics(), STANDINGS, "stack")
    assert both[both["metric"] != "game_brier"].reset_index(drop=True).equals(standings())


def test_common_scores_start_with_the_mean_and_are_compared_by_season():
    tidy = common_scores(two_scores(), standings())
    assert list(tidy) == TIDY_COLUMNS
    assert tidy["as_of_point"].unique().tolist() == ["mean", *POINTS, "all"]
    assert tidy["ranker"].unique().tolist() == ["base", "other", STANDINGS]
    # One value a season has no mean over points.
    games = tidy[tidy["metric"].isin(["game_brier", "series_log_loss"])]
    assert set(games["as_of_point"]) == {"all", "end"}
    gaps = paired(tidy, "base").set_index(["ranker", "metric", "as_of_point", "scope"])
    gaps = gaps["difference"]
    assert gaps["other", "spearman", "mean", "league"] == pytest.approx(0.11)
    assert gaps["other", "rank_rmse", "open", "league"] == pytest.approx(-0.11)
    assert gaps[STANDINGS, "spearman", "mean", "league"] == pytest.approx(-0.1)
    assert (STANDINGS, "series_log_loss", "end", "league") not in gaps


def test_what_one_run_lacks_is_left_out_of_all():
    runs = two_scores()
    other = runs["other"]
    gone = (other["metric"] == "kendall") | (other["season"] == "2019-20")
    gone |= (other["season"] == "2021-22") & (other["as_of_point"] == "end")
    runs["other"] = other[~gone]
    tidy = common_scores(runs, standings())
    assert "kendall" not in set(tidy["metric"])
    spearman = tidy[(tidy["metric"] == "spearman") & (tidy["scope"] == "league")]
    seasons = {point: set(rows["season"]) for point, rows in spearman.groupby("as_of_point")}
    assert seasons["open"] == set(SEASONS[1:])
    # A mean over other points than in the other seasons would be no match for theirs.
    assert seasons["mean"] == seasons["end"] == set(SEASONS[1:]) - {"2021-22"}


def test_runs_without_a_common_season_point_or_metric_are_refused():
    rows = rows_of(made_metrics(), "stack")
    for of_a, message in (
        (rows["season"] < "2021-22", "no test season is common.*a: 2019-20, 2020-21; b: 2021"),
        (rows["as_of_point"] == "open", "no as-of point of a season is common"),
        (rows["metric"] == "spearman", "no metric in common"),
    ):
        with pytest.raises(RunsError, match=message):
            common_scores({"a": rows[of_a], "b": rows[~of_a]}, standings())
    with pytest.raises(ValueError, match="repeated metrics"):
        common_scores({"a": rows, "b": pd.concat([rows, rows])}, standings())


def test_standings_of_other_outcomes_have_a_gap():
    moved = standings()
    assert standings_gap({"a": moved, "b": standings(seasons=SEASONS[:2])}) == 0
    moved.loc[0, "value"] += 0.03
    assert standings_gap({"a": standings(), "b": moved}) == pytest.approx(0.03)


def test_a_sweep_tells_what_validation_promised_and_the_test_gave(tmp_path, two):
    (sweep,) = find_runs([two[0], write_sweep(tmp_path / "quick")]).sweeps
    table = sweep_scores(sweep).set_index(["metric", "seasons"])
    promised, given = (table.loc[("spearman", which)] for which in ("validation", "test"))
    assert promised[["reference_value", "value"]].tolist() == [0.71, 0.75]
    assert promised["difference"] == pytest.approx(0.04)
    assert np.isnan(promised["low"])
    # Means over three points and six seasons.
    assert given["reference_value"] == pytest.approx(0.7 + 0.05 + 0.05)
    assert given["difference"] == pytest.approx(0.011)
    assert given["low"] < given["difference"] < given["high"]
    assert given["verdict"] == "better"
    assert np.isnan(table.loc[("playoff_auc", "test"), "value"])
    (unfinished,) = find_runs([two[0], write_sweep(tmp_path / "b", runs=["test_default"])]).sweeps
    given = sweep_scores(unfinished).set_index(["metric", "seasons"]).loc[("spearman", "test")]
    assert given["reference_value"] == pytest.approx(0.8)
    assert np.isnan(given["value"])
