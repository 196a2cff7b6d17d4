"""The program, from a mirror to tables: three seasons, also when it is killed in the middle."""

import shutil
import signal
import subprocess
from collections import Counter

import as_llimllib
import pandas as pd
import pytest
from programs import command, environment, program

from nba_rank.data.ingest import read_raw

SEASONS = ("2021_22", "2022_23", "2023_24")


@pytest.fixture(params=["sim", pytest.param("real", marks=pytest.mark.real)])
def three_seasons(request, tmp_path):
    """Folder of the game logs of three seasons, simulated or real."""
    folder = tmp_path / "original"
    folder.mkdir()
    if request.param == "real":
        source = request.getfixturevalue("raw_dir")
    else:
        request.getfixturevalue("sim_tables")
        source = request.getfixturevalue("shared") / "sim" / "raw"
    for season in SEASONS:
        for path in source.glob(f"*_logs_{season}.parquet"):
            shutil.copy(path, folder)
    return folder


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again_nothing_is_lost_or_fetched_twice(
    three_seasons, server, tmp_path
):
    for season in SEASONS:
        server.files |= as_llimllib.files(three_seasons, season)
    words = (
        f"source.address={server.address}/nba", f"data.raw_dir={tmp_path / 'raw'}",
        "seasons=2021-22..2023-24", "source.pause_seconds=0",
    )  # fmt: skip
    # The seventh of twelve files comes slowly, and is cut off when the program is killed.
    seventh = "/nba/stats/player_game_logs/season=2022/data.parquet"
    server.faults[seventh] = ["slow"]
    process = subprocess.Popen(
        command("fetch", *words), cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL
    )
    while seventh not in dict(server.log) and process.poll() is None:
        server.stop_waiting.wait(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    server.stop_waiting.set()
    done = program("fetch", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    times = Counter(path for path, status in server.log if status == 200)
    assert times.pop(seventh) == 2
    assert set(times) == {*server.files} - {seventh}
    assert set(times.values()) == {1}
    fetched, _ = read_raw(tmp_path / "raw")
    expected, _ = read_raw(three_seasons)
    for name, table in fetched.items():
        other = getattr(expected, name)
        if name == "player_games":
            # What was inferred is marked in our files alone, not in the mirror's.
            table, other = (one.drop(columns="shots_reconstructed") for one in (table, other))
        pd.testing.assert_frame_equal(table, other, obj=name)
    server.asked()
    again = program("fetch", *words, cwd=tmp_path)
    assert "up to date" in again.stdout
    assert server.asked() == []


@pytest.mark.slow
def test_what_fails_is_told_and_ends_in_an_error(server, tmp_path):
    server.faults["/nba/stats/team_game_logs/season=2024/data.parquet"] = [403]
    done = program(
        "fetch", f"source.address={server.address}/nba", f"data.raw_dir={tmp_path / 'raw'}",
        "seasons=2023-24", "today=2024-07-01", "what=[team_logs]", cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert "failed" in done.stdout
    assert "1 of 1 could not be fetched" in done.stdout
    assert "take another source" in done.stdout
