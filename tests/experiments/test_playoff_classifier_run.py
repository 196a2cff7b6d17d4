import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from programs import files_of, read
from rich.console import Console

from nba_rank.config.compose import config_from_yaml
from nba_rank.config.schema import PredictConfig, PredictDataConfig, WhatIfConfig
from nba_rank.core.errors import ConfigError, UserError
from nba_rank.core.names import CLONE, SIMULATION
from nba_rank.core.run_dir import read_manifest
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.calibration import brier, ece
from nba_rank.evaluation.metrics import roc_auc
from nba_rank.experiments.comparison_run import comparison_run
from nba_rank.experiments.playoff_classifier import validation_metrics
from nba_rank.experiments.predict import rank_date
from nba_rank.experiments.train import train
from nba_rank.models.playoff_classifier import PlayoffClassifier, made_playoffs
from nba_rank.report import playoff_report
from nba_rank.report.labels import FORECASTER_LABELS

pytestmark = pytest.mark.slow  # whole programs

TESTED = "2023-24"
SPLITS = ("reference_2023-24", "walk_forward_2023-24")
TINY = [
    "model=clone_classifier",
    "folds=holdout",
    "folds.n_test_seasons=1",
    "folds.n_oof_seasons=1",
    "data.as_of_every_days=60",
    "model.clone_classifier.n_estimators=40",
    "model.clone_classifier.min_child_weight=5",
    "model.clone_classifier.reg_lambda=1",
]


@pytest.fixture(scope="module")
def done(start, tmp_path_factory):
    """One run; not to be altered."""
    return start(train, tmp_path_factory.mktemp("outputs3"), *TINY)


@pytest.fixture
def folder_of(start, tmp_path, monkeypatch):
    """Runs the program again with some overrides and returns its folder, without figures."""
    monkeypatch.setattr(playoff_report, "draw", lambda *_: [])
    return lambda *overrides: start(train, tmp_path, *TINY, *overrides).folder


@pytest.fixture(scope="module")
def table(done):
    return pd.read_parquet(done.folder / "predictions.parquet")


def test_the_run_folder_holds_everything(done):
    folder = done.folder
    files = files_of(folder)
    assert files == {
        "manifest.json", "config.yaml", "metrics.csv", "metrics.json", "summary.csv",
        "differences.csv", "calibration.csv", "forecasts.csv", "predictions.csv",
        "predictions.json", "predictions.parquet", "ANALYSIS_01.md", "report.html",
        "figures/scores_over_season.png",
        *[f"figures/reliability_{design}.png" for design in ("reference", "walk_forward")],
        *[f"models/{split}/{name}" for split in SPLITS
          for name in ("clone_classifier.ubj", "features.json")],
    }  # fmt: skip
    assert all((folder / name).stat().st_size > 0 for name in files)
    manifest = read_manifest(folder)
    assert manifest["status"] == "finished"
    assert [split["name"] for split in manifest["splits"]] == list(SPLITS)
    assert manifest["splits"][1]["train"] == ["2021-22"]
    assert manifest["splits"][1]["validation"] == "2022-23"
    assert {"tables", "features", "models", "evaluation"} <= manifest["seconds"].keys()
    assert config_from_yaml(folder / "config.yaml").model.members == [CLONE]
    assert str(folder) in done.shown
    assert "playoff classifier" in done.shown
    text = (folder / "metrics.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in metrics.json"))
    assert content["ranker"] == CLONE
    assert content["test_seasons"] == {"reference": [TESTED], "walk_forward": [TESTED]}
    assert set(content["trees"]) == set(SPLITS)


def test_every_team_has_a_forecast_on_every_date_of_each_design(done, table, sim_results):
    assert table["design"].drop_duplicates().tolist() == ["reference", "walk_forward"]
    assert set(table["season"]) == {TESTED}
    assert set(table["as_of_point"]) - {""} == set(AS_OF_POINTS)
    assert table["playoff_prob"].between(0, 1).all()
    assert table["made_playoffs"].tolist() == made_playoffs(table, sim_results).tolist()
    for _, date in table.groupby(["design", "as_of_date"]):
        assert date["team_id"].nunique() == len(date) == 30
        assert date["made_playoffs"].sum() == 16
        assert date["playoff_prob"].is_monotonic_decreasing
    csv = pd.read_csv(
        done.folder / "predictions.csv",
        dtype={"as_of_point": "str"},
        parse_dates=["as_of_date"],
        keep_default_na=False,
    )
    pd.testing.assert_frame_equal(csv, table, check_dtype=False, check_exact=True)
    records = json.loads((done.folder / "predictions.json").read_text())
    assert [row["playoff_prob"] for row in records] == table["playoff_prob"].tolist()


def test_metrics_are_those_of_the_predictions(done, table):
    metrics = read(done.folder, "metrics.csv")
    pd.testing.assert_frame_equal(metrics, done.result.metrics, check_dtype=False)
    rows = metrics[metrics["ranker"] == CLONE].set_index(["part", "as_of_point", "metric"])
    for (design, point), own in table[table["as_of_point"] != ""].groupby(
        ["design", "as_of_point"]
    ):
        p, made = own["playoff_prob"], own["made_playoffs"]
        for name, score in (("auc", roc_auc), ("brier", brier), ("ece", ece)):
            value = rows.loc[(design, point, f"playoff_{name}"), "value"]
            assert value == pytest.approx(score(p, made))
    assert rows.loc[("walk_forward", "end", "playoff_auc"), "value"] > 0.8


def test_all_are_judged_on_the_same_teams_and_dates(done):
    forecasts = read(done.folder, "forecasts.csv")
    # Three seasons are too few for curves through the standings and Elo.
    assert set(forecasts["ranker"]) == {CLONE, SIMULATION, "random"}
    key = ["design", "season", "as_of_point", "team_id", "made"]
    lists = [
        rows[key].sort_values(key).reset_index(drop=True) for _, rows in forecasts.groupby("ranker")
    ]
    for other in lists[1:]:
        pd.testing.assert_frame_equal(other, lists[0])


def test_options_that_the_classifier_does_not_read_change_no_forecast(folder_of, table):
    unread = ["calibration=none", "odds=none", "model.stack.alphas=[1]", "target=standings"]
    again = pd.read_parquet(folder_of("paths.members=null", *unread) / "predictions.parquet")
    pd.testing.assert_frame_equal(again, table)


def test_without_a_projection_no_simulation_is_judged_beside_it(folder_of, table):
    folder = folder_of("features/projection=off")
    other = pd.read_parquet(folder / "predictions.parquet")
    assert not other["playoff_prob"].equals(table["playoff_prob"])
    text = (folder / "ANALYSIS_01.md").read_text(encoding="utf-8")
    assert FORECASTER_LABELS[SIMULATION] not in text
    columns = PlayoffClassifier.load(folder / "models" / SPLITS[0]).columns
    assert "projected_outcome" not in columns


def test_it_cannot_be_stacked_compared_or_asked_for_a_ranking(compose, done):
    with pytest.raises(ConfigError, match=r"model\.members=.* or clone_classifier alone"):
        compose("model.members=[xgb,clone_classifier]")
    console = Console(file=StringIO())
    with (
        pytest.raises(UserError, match="ranks no teams"),
        comparison_run(compose("model=clone_classifier"), "comparison", console),
    ):
        pass
    tables = PredictDataConfig(processed_dir=None)
    asked = PredictConfig(
        run=str(done.folder),
        as_of="2024-01-15",
        data=tables,
        days=7,
        max_missed_days=7,
        what_if=WhatIfConfig(out=[], back=[], trades=[], results=[]),
        out=None,
    )
    with pytest.raises(UserError, match="ranks no teams"):
        rank_date(asked)


def test_validation_metrics_are_those_of_a_fit_on_earlier_seasons(
    sim_data, sim_results, compose, monkeypatch
):
    config, deeper = (compose(*TINY, f"model.clone_classifier.max_depth={n}") for n in (1, 3))
    found = validation_metrics(TESTED, sim_data, sim_results, config)
    values = found.set_index("metric")["value"]
    assert 0.7 < values["playoff_auc"] < 1
    assert 0 < values["playoff_brier"] < 0.25
    assert 0 < values["playoff_ece"] < 0.5
    assert not validation_metrics(TESTED, sim_data, sim_results, deeper).equals(found)
    # From here on nothing is fitted: what was fitted on the same seasons comes from the cache.
    monkeypatch.setattr(
        "nba_rank.models.playoff_classifier._grow", lambda *_: pytest.fail("fitted again")
    )
    tested = sim_results["season"] == TESTED
    upside_down = sim_results.assign(made_playoffs=sim_results["made_playoffs"] ^ tested)
    reversed_ = validation_metrics(TESTED, sim_data, upside_down, config)
    auc = reversed_.set_index("metric").loc["playoff_auc", "value"]
    assert auc == pytest.approx(1 - values["playoff_auc"])
    # A fourth season, whose features are anything and whose outcome is not known.
    last = sim_data.frame[sim_data.frame["season"] == TESTED]
    later = replace(
        sim_data,
        frame=pd.concat([sim_data.frame, last.assign(season="2024-25")], ignore_index=True),
        X=np.vstack([sim_data.X, np.full((len(last), sim_data.X.shape[1]), 1e6, np.float32)]),
    )
    again = validation_metrics(TESTED, later, sim_results, config)
    pd.testing.assert_frame_equal(again, found)
