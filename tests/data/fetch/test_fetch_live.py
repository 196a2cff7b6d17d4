"""Asks the sources themselves: `pytest -m live`, on a machine with internet."""

import pandas as pd
import pytest

from nba_rank.data.fetch import run
from nba_rank.data.fetch.run import FETCHED
from nba_rank.data.ingest import read_raw

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def a_short_season(request):
    """Here a season has all its games; and nothing runs unless it is asked for."""
    if "live" not in request.config.getoption("markexpr"):
        pytest.skip("asks servers on the internet: run it with -m live")


@pytest.mark.parametrize("source", ["llimllib", "hoopr", "nba_api"])
def test_a_whole_season_of_each_source(compose_file, fetch_config, source, tmp_path):
    config = fetch_config(
        f"source={source}", "seasons=2023-24", "what=[team_logs,player_logs]",
        "web.wait_seconds=2", "web.timeout_seconds=60", "source.pause_seconds=0.6",
    )  # fmt: skip
    done = run.fetch(config, lambda name, n_targets: None)
    assert {one.status for one in done} == {FETCHED}, [one.note for one in done]
    tables, _ = read_raw(tmp_path / "raw")
    assert len(tables.games) == 1230 + 6 + 82
    assert tables.seasons["complete"].all()
    minutes = tables.player_games.groupby(["game_id", "team_id"])["seconds"].sum() / 60
    assert minutes.between(235, 400).mean() > 0.99


def test_what_stands_beside_the_sources(fetch_config, tmp_path):
    slow = ("web.wait_seconds=2", "web.timeout_seconds=60")
    done = run.fetch(fetch_config("what=[schedule,rosters,raptor]", *slow), lambda name, n: None)
    assert {one.status for one in done} == {FETCHED}, [one.note for one in done]
    (schedule,) = (tmp_path / "raw" / "schedules").iterdir()
    assert len(pd.read_parquet(schedule)) >= 1200
