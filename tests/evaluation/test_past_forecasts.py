import numpy as np
import pandas as pd
import pytest
from made_runs import SEASONS, write_forecasts, write_playoff_run, write_run

from nba_rank.evaluation.past_forecasts import past_forecasts
from nba_rank.evaluation.past_runs import RunsError, find_runs


@pytest.fixture
def folders(tmp_path):
    folders = [write_run(tmp_path / "run_001"), write_run(tmp_path / "run_002")]
    for folder, sure in zip(folders, (0.8, 0.9), strict=True):
        write_forecasts(folder, sure)
    return folders


def judged(folders, seasons=SEASONS):
    return past_forecasts(find_runs(folders).runs, seasons, "run_001")


def test_the_surer_run_is_better_where_it_is_right(folders):
    found = judged(folders)
    assert found.notes == []
    brier = found.means[found.means["metric"] == "brier"].set_index(["part", "ranker"])["value"]
    assert brier["playoff", "run_001"] == pytest.approx(0.2**2)
    assert brier["win", "run_002"] == pytest.approx(0.1**2)
    assert brier["title", "run_001"] == pytest.approx((0.2**2 + 29 * (0.2 / 29) ** 2) / 30)
    gaps = found.differences.set_index(["part", "metric"])
    assert (gaps["verdict"] == "better").all()
    assert gaps.loc[("win", "log_loss"), "difference"] == pytest.approx(np.log(0.8 / 0.9))
    # Of 30 teams 14 miss the playoffs; on three points, not on dates of the playoffs.
    bins = found.reliability.query("variant == 'run_001' and event == 'playoff'")
    assert bins["count"].tolist() == [14 * 3 * 6, 16 * 3 * 6]
    assert bins["frequency"].tolist() == [0, 1]
    n = found.calibration.set_index(["ranker", "part"])["n"]
    assert n["run_002", "win"] == 30 * 6


def test_equal_forecasts_have_equal_noise_floors(folders):
    write_forecasts(folders[1])
    table = judged(folders).calibration.set_index(["ranker", "part"])
    pd.testing.assert_frame_equal(table.loc["run_001"], table.loc["run_002"])


def test_what_one_run_lacks_is_left_out_of_all(folders, tmp_path):
    write_forecasts(folders[1], 0.9, n_teams=20, seasons=SEASONS[1:])
    counts = judged(folders).calibration.set_index(["ranker", "part"])["n"]
    assert counts["run_001", "title"] == counts["run_002", "title"] == 20 * 3 * 5
    assert judged(folders, SEASONS[:2]).calibration["n"].max() == 20 * 3
    (folders[1] / "game_forecasts.parquet").unlink()
    other = write_playoff_run(tmp_path / "run_003")
    found = judged([*folders, other])
    assert found.notes == [
        "there are no forecasts of titles in run_003",
        "there are no forecasts of playoffs in run_003",
        "there are no forecasts of single games in run_002, run_003",
    ]
    assert set(found.calibration.loc[found.calibration["part"] == "win", "ranker"]) == {"run_001"}


def test_a_playoff_classifier_is_judged_by_its_walk_forward(folders, tmp_path):
    classifier = write_playoff_run(tmp_path / "run_003")
    teams = pd.read_parquet(folders[0] / "predictions.parquet")
    teams = teams.assign(made_playoffs=teams["actual_rank"] <= 16).drop(
        columns=["actual_rank", "title_prob"]
    )
    wrong = teams.assign(playoff_prob=0.5)
    both = {"walk_forward": teams, "reference": wrong}
    both = pd.concat([rows.assign(design=design) for design, rows in both.items()])
    both.to_parquet(classifier / "predictions.parquet")
    found = judged([*folders, classifier])
    assert found.notes == [
        "there are no forecasts of titles in run_003",
        "there are no forecasts of single games in run_003",
    ]
    brier = found.means.query("part == 'playoff' and metric == 'brier'").set_index("ranker")
    assert brier.loc["run_003", "value"] == pytest.approx(0.2**2)


def test_forecasts_of_other_leagues_are_not_compared(folders):
    games = pd.read_parquet(folders[1] / "game_forecasts.parquet")
    games.assign(home_won=~games["home_won"]).to_parquet(folders[1] / "game_forecasts.parquet")
    found = judged(folders)
    assert found.notes == [
        "the outcomes of single games differ between the runs, so they are left out"
    ]
    assert set(found.calibration["part"]) == {"title", "playoff"}
    for folder in folders:
        for path in folder.glob("*.parquet"):
            path.unlink()
    found = judged(folders)
    assert len(found.notes) == 3
    assert found.reliability.empty
    assert found.differences.empty


def test_a_broken_file_is_named(folders):
    (folders[0] / "predictions.parquet").write_text("no parquet")
    with pytest.raises(RunsError, match=r"run_001/predictions\.parquet cannot be read"):
        judged(folders)
    pd.DataFrame({"season": ["2020-21"]}).to_parquet(folders[0] / "predictions.parquet")
    with pytest.raises(RunsError, match="lacks the columns as_of_point, team_id"):
        judged(folders)
