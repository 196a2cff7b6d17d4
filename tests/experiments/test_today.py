import json
from io import StringIO

import pytest
from rich.console import Console

from nba_rank.config.compose import as_config, config_yaml
from nba_rank.config.schema import FoldsConfig, TodayConfig
from nba_rank.core.errors import UserError
from nba_rank.experiments import today as program
from nba_rank.models.ranker import ENSEMBLE
from nba_rank.samples.folds import plan_folds


@pytest.fixture
def default(compose):
    """The config of a run on real data."""
    return compose("data=nba")


@pytest.fixture
def run(compose_file, default, monkeypatch):
    """Runs the fetch of a day; returns what was asked for and what was shown."""

    def fetched(*words, fail=""):
        asked, console = [], Console(file=StringIO(), width=200)

        def fetch_files(config, _):
            asked.append(config)
            if fail:
                raise UserError(fail)

        monkeypatch.setattr(program, "fetch_files", fetch_files)
        config = as_config(compose_file("today", *words), TodayConfig)
        program._fetch(config, default.data, "2026-11-02", console)
        return asked, console.file.getvalue()

    return fetched


def test_the_season_in_progress_is_fetched_into_the_raw_folder_of_the_run(run, default):
    ([asked], shown) = run("what=[team_logs]", "source=nba_api", "web.tries=2")
    assert (asked.data, asked.seasons, asked.today) == (default.data, None, "2026-11-02")
    assert (asked.what, asked.source.name, asked.web.tries) == (["team_logs"], "nba_api", 2)
    assert shown == ""


def test_what_could_not_be_fetched_is_told_and_stops_nothing(run):
    _, shown = run(fail="schedule 2026-27: no answer")
    assert "Not everything was fetched: schedule 2026-27: no answer" in shown


def finished(folder, **manifest):
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"status": "finished", **manifest}))
    return folder


def test_no_finished_run_is_an_error_with_the_command_to_train(tmp_path):
    finished(tmp_path / "run_001", status="failed")
    finished(tmp_path / "run_002", kind="comparison of calibrations")
    with pytest.raises(UserError, match=r"no finished run that ranks.*folds=production"):
        program.newest_finished(tmp_path, f"models/*/{ENSEMBLE}")


def test_the_newest_run_that_ranks_is_taken(tmp_path):
    for number in (1, 2):
        models = finished(tmp_path / f"run_{number:03d}") / "models" / "2026-27"
        models.mkdir(parents=True)
        (models / ENSEMBLE).write_text("{}")
    finished(tmp_path / "run_003", kind="comparison of calibrations")
    assert program.newest_finished(tmp_path, f"models/*/{ENSEMBLE}").name == "run_002"


@pytest.fixture
def today(compose_file, tmp_path):
    """Ranks a day by a run folder."""
    words = (f"run={tmp_path / 'run_001'}", "as_of=2026-11-02")
    console = Console(file=StringIO(), width=200)
    return lambda: program.today(compose_file("today", *words), console)


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({"status": "running", "host": "elsewhere"}, "is no finished run: its status is running"),
        ({"kind": "comparison of calibrations"}, "holds comparison of calibrations and no run"),
    ],
)
def test_a_folder_that_cannot_rank_is_refused_before_anything_is_fetched(
    today, tmp_path, manifest, told
):
    finished(tmp_path / "run_001", **manifest)
    with pytest.raises(UserError, match=told):
        today()


def test_raw_files_that_are_gone_are_missed_before_anything_is_fetched(today, compose, tmp_path):
    folder = finished(tmp_path / "run_001")
    (folder / "config.yaml").write_text(config_yaml(compose("data=nba")))
    with pytest.raises(UserError, match=r"raw, a raw folder of .*run_001, is not there"):
        today()
    assert not (tmp_path / "raw").exists()


def test_models_that_could_have_learned_more_say_so():
    seasons = [f"{year}-{year - 1999}" for year in range(2015, 2024)]
    folds = {"n_test_seasons": 2, "first_test_season": None, "oof": "forward",
             "n_oof_seasons": 2, "k": 5, "season_half_life": None}  # fmt: skip
    shown = {}
    for name, refit, production in (("holdout", False, False), ("production", True, True)):
        plan = plan_folds(
            seasons, "2016-17", FoldsConfig(**folds, refit=refit, production=production)
        )
        console = Console(file=StringIO(), width=200)
        program._tell_learned(plan, "2024-25", console)
        shown[name] = console.file.getvalue()
    assert "from seasons up to 2021-22 alone" in shown["holdout"]
    assert shown["production"] == ""
