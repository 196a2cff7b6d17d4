from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from programs import files_of, read

from nba_rank.config.compose import config_from_yaml
from nba_rank.core.run_dir import read_manifest
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.outcomes import EVENTS
from nba_rank.experiments.calibrations import FORECASTS, SIMULATED, VARIANTS, compare
from nba_rank.models.calibration import CALIBRATIONS, WIN
from nba_rank.report.calibration_report import VARIANT_LABELS
from nba_rank.samples.folds import FoldPlan

pytestmark = pytest.mark.slow  # whole programs

TESTED = "2023-24"


@pytest.fixture(scope="module")
def done(start, tmp_path_factory):
    """One comparison; not to be altered."""
    return start(compare, tmp_path_factory.mktemp("outputs3"))


@pytest.fixture(scope="module")
def forecasts(done):
    return pd.read_parquet(done.folder / "forecasts.parquet")


def test_the_run_folder_and_its_analysis_are_complete(done):
    folder = done.folder
    files = files_of(folder)
    logs = {name for name in files if name.startswith("logs/")}
    assert files - logs == {
        "manifest.json", "config.yaml", "forecasts.parquet", "metrics.csv", "differences.csv",
        "calibration.csv", "ANALYSIS_01.md", "report.html",
        *[f"figures/reliability_{variant}.png" for variant in VARIANTS],
    }  # fmt: skip
    assert all((folder / name).stat().st_size > 0 for name in files)
    manifest = read_manifest(folder)
    assert manifest["status"] == "finished"
    assert manifest["kind"] == "comparison of calibrations"
    assert list(manifest["seconds"])[-1] == "calibrations"
    assert config_from_yaml(folder / "config.yaml").model.model_a.mc_dropout_samples == 0
    assert str(folder) in done.shown
    text = (folder / "ANALYSIS_01.md").read_text(encoding="utf-8")
    assert folder.name in text
    assert f"tested on {TESTED}" in text
    for variant in VARIANTS:
        assert VARIANT_LABELS[variant] in text
        assert VARIANT_LABELS[variant] in done.shown
        assert f"figures/reliability_{variant}.png" in text
    assert "nan" not in text.lower()


def test_every_variant_forecasts_the_same_teams_and_games(forecasts, sim_tables, sim_results):
    assert forecasts.columns.tolist() == FORECASTS
    assert list(dict.fromkeys(forecasts["variant"])) == list(VARIANTS)
    assert list(dict.fromkeys(forecasts["event"])) == [*EVENTS, WIN]
    assert set(forecasts["season"]) == {TESTED}
    assert forecasts["p"].between(0, 1).all()
    key = [name for name in FORECASTS if name not in ("variant", "p")]
    parts = [rows[key].reset_index(drop=True) for _, rows in forecasts.groupby("variant")]
    for part in parts[1:]:
        pd.testing.assert_frame_equal(part, parts[0])
    teams = parts[0][parts[0]["event"] != WIN]
    assert not teams.duplicated(["event", "as_of_point", "team_id"]).any()
    assert len(teams) == 5 * 7 * 30
    assert set(teams["as_of_point"]) == set(AS_OF_POINTS)
    results = sim_results[sim_results["season"] == TESTED].set_index("team_id")
    for n, event in enumerate(EVENTS):
        rows = teams[teams["event"] == event]
        came = results["rounds_won"] >= n if n else results["made_playoffs"]
        assert (rows["happened"].to_numpy() == came[rows["team_id"]].to_numpy()).all()
    games = parts[0][parts[0]["event"] == WIN]
    assert set(games["as_of_point"]) == {"all"}
    played = sim_tables.games.query("season == @TESTED and kind == 'regular'")
    assert len(games) == len(played)
    assert games["happened"].sum() == (played["home_points"] > played["away_points"]).sum()


def test_the_probabilities_of_every_variant_are_coherent(forecasts):
    teams = forecasts[forecasts["event"] != WIN]
    key = ["variant", "as_of_point", "event"]
    sums = teams.groupby(key, sort=False)["p"].sum().unstack()[list(EVENTS)]  # noqa: PD010
    assert sums.to_numpy() == pytest.approx(np.tile([16, 8, 4, 2, 1], (7 * len(VARIANTS), 1)))


def test_each_calibration_changes_the_probabilities_and_the_stack_keeps_its_order(
    forecasts, sim_tables
):
    teams = sim_tables.teams.drop_duplicates("team_id").set_index("team_id")
    key = ["as_of_point", "team_id"]
    ranks = []
    for event in EVENTS:
        rows = forecasts[forecasts["event"] == event]
        p = rows.pivot(index=key, columns="variant", values="p")  # noqa: PD010
        for one, other in combinations(VARIANTS, 2):
            assert np.abs(p[one] - p[other]).max() > 1e-3
        conference = p.index.get_level_values("team_id").map(teams["conference"])
        ranks.append(p["platt_stack"].groupby(["as_of_point", conference]).rank())
    for other in ranks[1:]:
        assert other.equals(ranks[0])


def test_every_variant_is_scored_and_compared_with_the_simulation(done, forecasts):
    folder = done.folder
    scores, gaps = read(folder, "metrics.csv"), read(folder, "differences.csv")
    pd.testing.assert_frame_equal(gaps, done.result, check_dtype=False)
    rows = scores.set_index(["part", "ranker", "metric", "as_of_point"])["value"]
    for (variant, event), own in forecasts.groupby(["variant", "event"]):
        expected = ((own["p"] - own["happened"]) ** 2).mean()
        assert rows[event, variant, "brier", "all"] == pytest.approx(expected)
    assert set(gaps["ranker"]) == set(CALIBRATIONS)
    assert set(gaps["part"]) == {*EVENTS, WIN, "order"}
    for gap in gaps.itertuples():
        both = (rows[gap.part, name, gap.metric, gap.as_of_point]
                for name in (gap.ranker, SIMULATED))  # fmt: skip
        assert gap.difference == pytest.approx(np.subtract(*both))
    assert set(gaps["verdict"]) == {"too few seasons"}
    calibration = read(folder, "calibration.csv")
    cells = list(zip(calibration["ranker"], calibration["part"], strict=True))
    assert cells == [
        *[(variant, event) for variant in VARIANTS for event in EVENTS],
        *[(variant, WIN) for variant in VARIANTS],
    ]
    assert (calibration["ece_floor"] <= calibration["ece_floor_95"]).all()


def test_the_skill_of_the_order_is_that_of_the_sum_of_the_probabilities(
    done, forecasts, sim_results
):
    scores = read(done.folder, "metrics.csv")
    order = scores[(scores["part"] == "order") & (scores["as_of_point"] != "mean")]
    assert len(order) == len(VARIANTS) * 7
    teams = forecasts[forecasts["event"] != WIN]
    sums = teams.groupby(["variant", "as_of_point", "team_id"])["p"].sum().reset_index()
    outcome = sim_results[sim_results["season"] == TESTED].set_index("team_id")["outcome_rank"]
    sums["rank"] = -outcome[sums["team_id"]].to_numpy()
    for row in order.itertuples():
        own = sums[(sums["variant"] == row.ranker) & (sums["as_of_point"] == row.as_of_point)]
        expected = own["p"].corr(own["rank"], method="spearman")
        assert row.value == pytest.approx(expected, abs=1e-6)
    assert order["value"].mean() > 0.4


def test_a_production_run_is_judged_by_its_test_seasons_alone(start, forecasts, tmp_path):
    done = start(compare, tmp_path, "folds.production=true")
    plan = FoldPlan.from_dict(read_manifest(done.folder)["folds"])
    assert [part.seasons for part in plan.tests] == [[TESTED], []]
    own = pd.read_parquet(done.folder / "forecasts.parquet")
    pd.testing.assert_frame_equal(own, forecasts)
