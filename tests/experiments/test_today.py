from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import TodayConfig
from nba_rank.core.errors import UserError
from nba_rank.experiments import today as program


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


def test_no_finished_run_is_an_error_with_the_command_to_train(tmp_path):
    with pytest.raises(UserError, match=r"no finished run.*folds=production"):
        program.newest_finished(Path(tmp_path))
