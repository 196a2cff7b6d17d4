import io
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_runs import SEASONS, write_playoff_run, write_run, write_sweep
from PIL import Image
from rich.console import Console

from nba_rank.compare import main
from nba_rank.core.run_dir import read_manifest


@pytest.fixture
def folders(tmp_path):
    """Two tiny runs; the second is better, has deeper trees and other rosters."""
    first = write_run(tmp_path / "run_001")
    second = write_run(
        tmp_path / "run_002",
        0.01,
        config={"model": {"xgb": {"max_depth": 5}}},
        tables={"games": "a" * 64, "rosters": "c" * 64},
        manifest={"git_revision": "0123456789abcdef+", "seconds": {"tables": 2.0, "odds": 7.5}},
    )
    return first, second


@pytest.fixture
def start(tmp_path):
    """Runs the program: `start(*arguments)`; returns its folder, what was shown, and the files."""

    def run(*arguments):
        out = tmp_path / "out"
        console = Console(file=io.StringIO(), width=160)
        main([*map(str, arguments), "--out", str(out)], console)
        folder = max(out.glob("run_*"))
        return SimpleNamespace(
            folder=folder,
            shown=console.file.getvalue(),
            text=(folder / "ANALYSIS_01.md").read_text(encoding="utf-8"),
            differences=pd.read_csv(folder / "differences.csv", dtype={"as_of_point": str}),
            comparison=pd.read_csv(folder / "comparison.csv", dtype={"as_of_point": str}),
        )

    return run


@pytest.fixture
def refused(tmp_path, capsys):
    """What is said of arguments that end the program with status 1 and leave nothing behind."""

    def run(*arguments):
        out = tmp_path / "out"
        console = Console(file=io.StringIO(), width=1000)
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments), "--out", str(out)], console)
        assert end.value.code == 1
        assert not out.exists()
        return console.file.getvalue()

    return run


def section(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_two_runs_are_put_side_by_side(start, folders):
    done = start(*folders)
    files = {str(path.relative_to(done.folder)) for path in done.folder.rglob("*")
             if path.is_file()}  # fmt: skip
    assert files == {
        "manifest.json", "comparison.csv", "differences.csv", "ANALYSIS_01.md", "report.html",
        "figures/by_point.png", "figures/differences.png",
    }  # fmt: skip
    manifest = read_manifest(done.folder)
    assert (manifest["status"], manifest["kind"]) == ("finished", "comparison")
    assert manifest["baseline"] == "run_001"
    assert manifest["runs"] == {folder.name: str(folder) for folder in folders}
    for name in ("by_point", "differences"):
        with Image.open(done.folder / "figures" / f"{name}.png") as image:
            assert image.width >= 1200
    assert set(done.comparison["ranker"]) == {"run_001", "run_002", "standings"}
    assert set(done.comparison["season"]) == set(SEASONS)
    main_rows = done.differences[done.differences["as_of_point"] == "mean"]
    gain = main_rows.set_index(["ranker", "scope", "metric"])["difference"]
    assert gain["run_002", "league", "spearman"] == pytest.approx(0.011)
    assert gain["run_002", "league", "rank_rmse"] == pytest.approx(-0.011)
    assert str(done.folder) in done.shown
    assert "0.800" in done.shown
    assert "+0.011*" in done.shown


def test_the_analysis_says_first_that_the_data_differ_and_then_who_is_better(start, folders):
    done = start(*folders)
    lines = done.text.splitlines()
    assert lines[0] == f"# {done.folder.name}: 2 runs side by side"
    assert lines[2].startswith("- The runs learned from different data: rosters differ")
    assert lines[2].endswith("the standings score the same in all of them.")
    assert "different data" in done.shown
    gaps = section(done.text, "Differences to run_001")
    assert "| run_002 | +0.010 (+0.010 to +0.010)" not in gaps
    assert "| run_002 | +0.011 (+0.010 to +0.012)\\* |" in gaps
    assert "| rank RMSE ↓ | -0.011 (-0.012 to -0.010)\\* |" in gaps


def test_the_analysis_tabulates_what_the_runs_differ_in(start, folders):
    text = start(*folders).text
    unlike = section(text, "What the runs differ in")
    assert "| model.xgb.max_depth | 3 | 5 |" in unlike
    assert "learning_rate" not in unlike
    assert "| rosters | bbbbbbbb | cccccccc |" in unlike
    assert "| git revision | 1937f247d | 012345678+ |" in unlike
    seconds = section(text, "Seconds by stage")
    assert "| models | 100.5 | – |" in seconds  # noqa: RUF001
    assert "| all | 101.8 | 9.5 |" in seconds
    assert "| 2019-20 | 0.750 | 0.760 | 0.650 |" in section(text, "Season by season")
    rankings = section(text, "Rankings")
    assert "| run | Spearman ↑ | Kendall ↑ | rank RMSE ↓ | Spearman, the 16 playoff" in rankings
    assert "| run_002 | 0.811 |" in rankings
    assert "game Brier, regular season ↓" in section(text, "Games and playoff series")


def test_the_baseline_and_the_metric_can_be_chosen(start, folders):
    done = start(*folders, "--baseline", folders[1], "--metric", "rank_rmse")
    assert read_manifest(done.folder)["baseline"] == "run_002"
    assert read_manifest(done.folder)["metric"] == "rank_rmse"
    assert "| run_001 | +0.011 (+0.010 to +0.012)\\* |" in done.text
    assert "rank RMSE ↓" in done.shown
    assert set(done.differences["ranker"]) == {"run_001", "standings"}


def test_equal_runs_are_called_equal(start, folders, tmp_path):
    again = write_run(tmp_path / "run_003")
    done = start(folders[0], again)
    assert "- run_003 scores exactly as run_001 by every metric." in done.text
    assert "Nothing that may change a result." in done.text
    assert "different data" not in done.text


def test_what_only_some_runs_have_is_told(start, folders, tmp_path):
    longer = write_run(
        tmp_path / "run_003",
        seasons=["2018-19", *SEASONS],
        config={"features": {"new": {"enabled": True}}},
        tables={"games": "a" * 64, "rosters": "b" * 64, "raptor": "d" * 64},
    )
    text = start(folders[0], longer).text
    assert "- Not every run knew the tables raptor." in text
    assert "- Not every run was tested on 2018-19, so nothing below speaks of them." in text
    assert "| features.new.enabled | – | true |" in text  # noqa: RUF001


def test_other_outcomes_in_the_data_are_told(start, folders):
    metrics = pd.read_csv(folders[1] / "metrics.csv", dtype=str)
    row = metrics.index[metrics["ranker"] == "standings"][0]
    metrics.loc[row, "value"] = "0.9"
    metrics.to_csv(folders[1] / "metrics.csv", index=False)
    assert "even the standings score differently, by up to 0.300" in start(*folders).text


def test_few_seasons_give_differences_without_intervals(start, tmp_path):
    runs = [write_run(tmp_path / name, lift, seasons=SEASONS[:2])
            for name, lift in (("run_001", 0), ("run_002", 0.1))]  # fmt: skip
    done = start(*runs)
    assert "| run_002 | +0.110 |" in done.text


def test_a_sweep_shows_validation_beside_test(start, folders, tmp_path):
    sweep = write_sweep(tmp_path / "sweeps" / "quick_1a2b")
    done = start(folders[0], sweep)
    names = ["run_001", "quick_1a2b/test_default", "quick_1a2b/test_best"]
    assert list(read_manifest(done.folder)["runs"]) == names
    assert read_manifest(done.folder)["sweeps"] == [str(sweep)]
    found = section(done.text, "Sweep quick_1a2b")
    assert "Trials: 2 complete, 1 pruned." in found
    assert "| Spearman ↑ | 0.710 | 0.750 | +0.040 | 0.800 | 0.811 | +0.011 |" in found
    none = " | ".join(["–"] * 3)  # noqa: RUF001
    assert f"| NDCG@16 ↑ | 0.900 | 0.920 | +0.020 | {none} |" in found
    assert f"| playoffs AUC ↑ | 0.500 | 0.600 | +0.100 | {none} |" in found


def test_an_unfinished_sweep_is_compared_as_far_as_it_goes(start, folders, tmp_path):
    sweep = write_sweep(tmp_path / "quick_1a2b", status="running", runs=["test_default"])
    done = start(folders[0], sweep)
    assert f"- The sweep {sweep} is not finished: there is no folder" in done.text
    assert "is not finished" in done.shown


def test_what_cannot_be_compared_is_refused_and_nothing_is_written(refused, folders, tmp_path):
    assert "there is no folder" in refused(folders[0], tmp_path / "run_009")
    assert "named twice" in refused(folders[0], folders[0])
    running = write_run(tmp_path / "run_003", manifest={"status": "running"})
    assert "run_003 is no finished run" in refused(*folders, running)
    other = write_run(tmp_path / "run_004", seasons=["2010-11"])
    assert "no test season is common to all runs" in refused(*folders, other)
    assert "--baseline run_009 is none of" in refused(*folders, "--baseline", "run_009")
    said = refused(*folders, "--metric", "ndcg_4")
    assert "--metric ndcg_4 is not among" in said
    assert "spearman, kendall, rank_rmse, champion_log_loss" in said


def test_playoff_classifiers_are_compared_by_what_they_forecast(start, tmp_path):
    made = [write_playoff_run(tmp_path / name, lift) for name, lift in
            (("run_001", 0.0), ("run_002", 0.01))]  # fmt: skip
    done = start(*made)
    gaps = done.differences.set_index(["ranker", "as_of_point", "metric"])
    assert gaps.loc[("run_002", "mean", "playoff_auc"), "difference"] == pytest.approx(0.01)
    assert gaps.loc[("run_002", "mean", "playoff_auc"), "verdict"] == "better"
    assert gaps.loc[("run_002", "mean", "playoff_brier"), "difference"] == pytest.approx(-0.01)
    assert read_manifest(done.folder)["metric"] == "playoff_brier"
    assert "playoffs AUC ↑" in done.text


def test_two_environments_stand_side_by_side(start, folders):
    rng = np.random.default_rng(0)
    key = pd.DataFrame({"fit": "2021-22", "network": [0, 0, 0, 1, 1, 1], "epoch": [-1, 0, 1] * 2})
    health = key.assign(entropy_ratio=rng.random(6), gradient_encoder=np.nan)
    losses = key[key["epoch"] >= 0].assign(train_loss=rng.random(4), val_loss=np.nan)
    for folder, device, shift in zip(folders, ("cpu", "cuda"), (0.0, 1e-6), strict=True):
        manifest = read_manifest(folder)
        environment = {"device": device, "cuda": {"driver": "12.8"}}
        (folder / "manifest.json").write_text(json.dumps(manifest | {"environment": environment}))
        health.assign(entropy_ratio=health["entropy_ratio"] + shift).to_csv(
            folder / "diagnostics.csv", index=False
        )
        losses.to_csv(folder / "losses.csv", index=False)
    done = start(*folders)
    found = pd.read_csv(done.folder / "first_epochs.csv").set_index(["statistic", "epoch"])
    assert found.index.tolist() == [
        ("entropy_ratio", 0), ("train_loss", 1), ("entropy_ratio", 1),
    ]  # fmt: skip
    assert found.loc[("entropy_ratio", 0), "largest_gap"] == pytest.approx(1e-6)
    assert found.loc[("train_loss", 1), "largest_gap"] == 0
    first = losses.loc[losses["epoch"] == 0, "train_loss"].mean()
    assert found.loc[("train_loss", 1), "run_002"] == pytest.approx(first)
    assert "| entropy ratio | before training | " in done.text
    assert "| device | cpu | cuda |" in section(done.text, "What the runs differ in")
