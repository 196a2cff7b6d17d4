import html
import json
import re
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from made_runs import (
    SEASONS,
    write_forecasts,
    write_losses,
    write_playoff_run,
    write_run,
    write_sweep,
)
from programs import files_of, newest, read
from rich.console import Console

from nba_rank.compare import main
from nba_rank.core.run_dir import read_manifest


def write_two(folder):
    """Write two tiny runs; the second is better, has deeper trees and other rosters."""
    first = write_run(folder / "run_001")
    second = write_run(
        folder / "run_002",
        0.01,
        config={"model": {"xgb": {"max_depth": 5}}},
        tables={"games": "a" * 64, "rosters": "c" * 64},
        manifest={"git_revision": "0123456789abcdef+", "seconds": {"tables": 2.0, "odds": 7.5}},
    )
    return first, second


def compared(*arguments, out):
    """Run the program; return its folder, what was shown, and the files."""
    console = Console(file=StringIO(), width=160)
    main([*map(str, arguments), "--out", str(out)], console)
    folder = newest(out)
    return SimpleNamespace(
        folder=folder,
        manifest=read_manifest(folder),
        shown=console.file.getvalue(),
        text=(folder / "ANALYSIS_01.md").read_text(encoding="utf-8"),
        differences=read(folder, "differences.csv"),
    )


@pytest.fixture
def folders(tmp_path):
    return write_two(tmp_path)


@pytest.fixture
def start(tmp_path):
    return lambda *arguments: compared(*arguments, out=tmp_path / "out")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The two runs compared; not to be altered."""
    folder = tmp_path_factory.mktemp("two")
    return compared(*write_two(folder), out=folder / "out")


def section(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_two_runs_are_put_side_by_side(done):
    assert files_of(done.folder) == {
        "manifest.json", "comparison.csv", "differences.csv", "ANALYSIS_01.md", "report.html",
        *[f"figures/{name}_{scope}.svg" for name in ("by_point", "differences")
          for scope in ("league", "playoff16")],
    }  # fmt: skip
    assert (done.manifest["status"], done.manifest["kind"]) == ("finished", "comparison")
    assert done.manifest["baseline"] == "run_001"
    runs = {name: str(done.folder.parents[1] / name) for name in ("run_001", "run_002")}
    assert done.manifest["runs"] == runs
    comparison = read(done.folder, "comparison.csv")
    assert set(comparison["ranker"]) == {"run_001", "run_002", "standings"}
    assert set(comparison["season"]) == set(SEASONS)
    main_rows = done.differences[done.differences["as_of_point"] == "mean"]
    gain = main_rows.set_index(["ranker", "scope", "metric"])["difference"]
    assert gain["run_002", "league", "spearman"] == pytest.approx(0.011)
    assert gain["run_002", "league", "rank_rmse"] == pytest.approx(-0.011)
    for shown in (str(done.folder), "different data", "0.800", "+0.011*"):
        assert shown in done.shown


def test_the_analysis_tells_who_is_better_and_what_the_runs_differ_in(done):
    lines = done.text.splitlines()
    assert lines[0] == f"# {done.folder.name}: 2 runs side by side"
    (told,) = [line for line in lines if line.startswith("- The runs learned from different data")]
    assert told.endswith("the standings score the same in all of them.")
    expected = {
        "Verdict": [
            "- **run_002 is better than run_001 by Spearman**, beyond noise. Of 7 measures, better "
            "by Spearman ↑, Kendall ↑, rank RMSE ↓, Spearman, the 16 playoff teams ↑, champion log "
            "loss ↓,",
            "; worse by none.",
            "| run_002 | 0.811 | 0.800 | +0.011 (+0.010 to +0.012) | 0.031 | 6 | better |",
        ],
        "Metrics with paired differences": [
            "| run_002 | +0.011 (+0.010 to +0.012)\\* |",
            "| rank RMSE ↓ | -0.011 (-0.012 to -0.010)\\* |",
        ],
        "Configs as a diff": [
            "| field | run_001 (baseline) | run_002 |",
            "| model.xgb.max_depth | 3 | changed: 5 |",
        ],
        "The runs": [
            "| rosters | bbbbbbbb | cccccccc |",
            "| git revision | 1937f247d | 012345678+ |",
        ],
        "Seconds by stage": [
            "| models | 100.5 | – |",  # noqa: RUF001
            "| all | 101.8 | 9.5 |",
        ],
        "Season by season": ["| 2019-20 | 0.750 | 0.760 | 0.650 |"],
        "Rankings": [
            "| run | Spearman ↑ | Kendall ↑ | rank RMSE ↓ | Spearman, the 16 playoff",
            "| run_002 | 0.811 |",
        ],
        "Games and playoff series": ["game Brier, regular season ↓"],
    }
    for title, rows in expected.items():
        for row in rows:
            assert row in section(done.text, title)
    assert "learning_rate" not in done.text
    told = (
        "Without curves, having no model A or no fit in common with the others: run_001, run_002."
    )
    assert told in done.text
    for words in ("titles", "playoffs", "single games"):
        told = f"- There are no forecasts of {words} in run_001, run_002."
        assert told in section(done.text, "Calibration side by side")


def test_the_baseline_and_the_metric_can_be_chosen(start, folders):
    done = start(*folders, "--baseline", folders[1], "--metric", "rank_rmse")
    assert (done.manifest["baseline"], done.manifest["metric"]) == ("run_002", "rank_rmse")
    assert "| run_001 | +0.011 (+0.010 to +0.012)\\* |" in done.text
    assert "rank RMSE ↓" in done.shown
    assert set(done.differences["ranker"]) == {"run_001", "standings"}


def test_equal_runs_are_called_equal(start, folders, tmp_path):
    done = start(folders[0], write_run(tmp_path / "run_003"))
    assert "- run_003 scores exactly as run_001 by every metric." in done.text
    assert "Nothing that may change a result." in section(done.text, "Configs as a diff")
    assert "different data" not in done.text


def test_what_only_some_runs_have_and_what_is_passed_over_is_told(start, folders, tmp_path):
    longer = write_run(
        tmp_path / "run_003",
        seasons=["2018-19", *SEASONS],
        config={"features": {"new": {"enabled": True}}},
        tables={"games": "a" * 64, "rosters": "b" * 64, "raptor": "d" * 64},
    )
    other = write_run(tmp_path / "run_004", manifest={"kind": "ablations of feature groups"})
    done = start(folders[0], longer, other)
    assert "- Not every run knew the tables raptor." in done.text
    assert "- Not every run was tested on 2018-19, so nothing below speaks of them." in done.text
    assert "| features.new.enabled | – | added: true |" in done.text  # noqa: RUF001
    assert f"- {other} is passed over" in done.text
    assert "is passed over" in done.shown


def test_other_outcomes_in_the_data_are_told(start, folders):
    metrics = pd.read_csv(folders[1] / "metrics.csv", dtype=str)
    row = metrics.index[metrics["ranker"] == "standings"][0]
    metrics.loc[row, "value"] = "0.9"
    metrics.to_csv(folders[1] / "metrics.csv", index=False)
    assert "even the standings score differently, by up to 0.300" in start(*folders).text


def test_a_sweep_shows_validation_beside_test(start, folders, tmp_path):
    sweep = write_sweep(tmp_path / "sweeps" / "quick_1a2b")
    done = start(folders[0], sweep)
    names = ["run_001", "quick_1a2b/test_default", "quick_1a2b/test_best"]
    assert list(done.manifest["runs"]) == names
    assert done.manifest["sweeps"] == [str(sweep)]
    found = section(done.text, "Sweep quick_1a2b")
    assert "Trials: 2 complete, 1 pruned." in found
    assert "| Spearman ↑ | validation | 0.710 | 0.750 | +0.040 | – |" in found  # noqa: RUF001
    given = "| Spearman ↑ | test | 0.800 | 0.811 | +0.011 (+0.010 to +0.012) | better |"
    assert given in found
    assert "| NDCG@16 ↑ | validation | 0.900 | 0.920 | +0.020 | – |" in found  # noqa: RUF001
    none = " | ".join(["–"] * 4)  # noqa: RUF001
    assert f"| playoffs AUC ↑ | test | {none} |" in found


EVIL = "<script>alert(1)<|script> $x$ | [a](b)"


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    """Two runs with all that a page shows, the second with an evil name, and one with little."""
    folder = tmp_path_factory.mktemp("rich")
    long = [f"feature_{number}" for number in range(20)]
    first = {"model": {"features": long}, "gone": True}
    second = {
        "model": {"xgb": {"max_depth": None}, "features": [*long[1:], "another"]},
        "name": "",
        "note": '"><img src=x onerror=alert(1)>',
    }
    folders = [write_run(folder / "run_001", config=first),
               write_run(folder / EVIL, 0.01, config=second)]  # fmt: skip
    for one, shift in zip(folders, (0.0, 0.1), strict=True):
        write_losses(one, shift)
        write_forecasts(one, 0.8 + shift)
        (one / "report.html").touch()
    return compared(*folders, write_run(folder / "run_003"), out=folder / "out")


def test_curves_and_calibration_stand_side_by_side(rich):
    found = section(rich.text, "Learning curves")
    assert "figures/learning__train_loss.svg" in found
    assert "figures/learning__val_loss.svg" in found
    assert " | 4 | 3 | 2.6000 | 2.4000 | 2.0000 | 2.0 |" in found
    assert "no fit in common with the others: run_003." in found
    found = section(rich.text, "Calibration side by side")
    assert "- There are no forecasts of titles in run_003." in found
    for event, title in (("title", "Wins the title"), ("playoff", "Makes the playoffs"),
                         ("win", "Wins a given game")):  # fmt: skip
        part = found.split(f"### {title}\n")[1].split("\n### ")[0]
        assert f"figures/reliability_{event}.svg" in part
        assert "alert(1)" in part.split("Differences to run_001:")[1]
    assert "| 1 | 20.0% → 0.0% (252) | 10.0% → 0.0% (252) |" in found
    assert set(read(rich.folder, "reliability.csv")["variant"]) == {"run_001", EVIL}


def test_fields_are_a_diff_in_words(rich):
    found = section(rich.text, "Configs as a diff")
    assert "| model.xgb.max_depth | 3 | changed: null | same |" in found
    assert "| changed: with another; without feature_0 | removed |" in found
    assert "| gone | true | removed | removed |" in found
    assert "| name | – | added: '' | same |" in found  # noqa: RUF001
    page = (rich.folder / "report.html").read_text(encoding="utf-8")
    assert re.search(r'<td [^>]*class="bad new">removed</td>', page)


def test_names_and_values_are_shown_as_they_are(rich):
    escaped = "\\<script\\>alert(1)\\<\\|script\\> \\$x\\$ \\| \\[a\\](b)"
    assert f"**{escaped} is better than run_001 by Spearman**" in rich.text
    assert f"| {escaped} |" in rich.text
    page = (rich.folder / "report.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^#"]+)">(.*?)</a>', page)
    assert [html.unescape(words) for _, words in links] == ["run_001", EVIL]
    for way, words in links:
        run = Path(rich.manifest["runs"][html.unescape(words)])
        assert (rich.folder / unquote(way)).samefile(run / "report.html")
    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;|script&gt; $x$ | [a](b)</text>" in page
    for path in (rich.folder / "figures").iterdir():
        texts = [one.text for one in ElementTree.parse(path).iter() if one.tag.endswith("text")]
        assert EVIL in texts


def test_what_cannot_be_compared_is_refused_and_nothing_is_written(folders, tmp_path):
    for arguments, message in (
        ([tmp_path / "run_009"], "there is no folder"),
        (["--baseline", "run_009"], "--baseline run_009 is none of"),
        (["--metric", "ndcg_4"], "--metric ndcg_4 is not among what all runs have at the as-of "
                                 "points: spearman, kendall, rank_rmse, champion_log_loss"),
    ):  # fmt: skip
        console = Console(file=StringIO(), width=1000)
        out = tmp_path / "out"
        with pytest.raises(SystemExit) as end:
            main([*map(str, folders), *map(str, arguments), "--out", str(out)], console)
        assert end.value.code == 1
        assert message in console.file.getvalue()
        assert not out.exists()


def test_playoff_classifiers_are_compared_by_what_they_forecast(start, tmp_path):
    made = [write_playoff_run(tmp_path / name, lift) for name, lift in
            (("run_001", 0.0), ("run_002", 0.01))]  # fmt: skip
    done = start(*made)
    gaps = done.differences.set_index(["ranker", "as_of_point", "metric"])
    assert gaps.loc[("run_002", "mean", "playoff_auc"), "difference"] == pytest.approx(0.01)
    assert gaps.loc[("run_002", "mean", "playoff_auc"), "verdict"] == "better"
    assert gaps.loc[("run_002", "mean", "playoff_brier"), "difference"] == pytest.approx(-0.01)
    assert done.manifest["metric"] == "playoff_brier"
    assert "playoffs AUC ↑" in done.text


def test_two_environments_stand_side_by_side(start, folders):
    rng = np.random.default_rng(0)
    key = pd.DataFrame({"fit": "2021-22", "network": [0, 0, 0, 1, 1, 1], "epoch": [-1, 0, 1] * 2})
    health = key.assign(entropy_ratio=rng.random(6), gradient_encoder=np.nan)
    losses = key[key["epoch"] >= 0].assign(train_loss=rng.random(4), val_loss=np.nan)
    for folder, device, shift in zip(folders, ("cpu", "cuda"), (0.0, 1e-6), strict=True):
        environment = {"device": device, "cuda": {"driver": "12.8"}}
        manifest = read_manifest(folder) | {"environment": environment}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        shifted = health.assign(entropy_ratio=health["entropy_ratio"] + shift)
        shifted.to_csv(folder / "diagnostics.csv", index=False)
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
    assert "| device | cpu | cuda |" in section(done.text, "The runs")
