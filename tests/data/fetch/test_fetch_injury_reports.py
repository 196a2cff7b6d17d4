"""Official injury reports; a stand-in for `nbainjuries`, with its interface, reads the "PDF" files.

`nbainjuries` itself needs another pandas than this program, so it is no dependency of the tests.
"""

import datetime as dt
import json
import re
import shutil
import sys

import pandas as pd
import pytest
from raw_logs import BOS, CLE, DEN, LAL

from nba_rank.data.fetch.run import CURRENT, FAILED, FETCHED
from nba_rank.data.ingest import read_raw

STAND_IN = """
import json
from pathlib import Path

def get_reportdata(timestamp, local=False, localdir=None, return_df=False, **kwargs):
    minutes = timestamp.date().isoformat() >= "2025-12-22"
    time = timestamp.strftime("%I_%M%p" if minutes else "%I%p")
    path = Path(localdir, f"Injury-Report_{timestamp.date()}_{time}.pdf")
    body = path.read_bytes()
    assert local and not return_df and body.startswith(b"%PDF"), body
    return json.dumps(json.loads(body[4:]), indent=2)
"""
NAMES = {BOS: "Boston Celtics", CLE: "Cleveland Cavaliers", LAL: "Los Angeles Lakers",
         DEN: "Denver Nuggets"}  # fmt: skip
WORDS = ("what=[injuries]", "seasons=2023-24")


def report(day: str, *rows: tuple[int, str | None, str | None, str]) -> bytes:
    written = [
        {
            "Game Date": dt.date.fromisoformat(day).strftime("%m/%d/%Y"), "Game Time": "07:00 (ET)",
            "Matchup": "BOS@CLE", "Team": NAMES[team], "Player Name": player,
            "Current Status": status, "Reason": reason,
        }
        for team, player, status, reason in rows
    ]  # fmt: skip
    return b"%PDF" + json.dumps(written).encode()


@pytest.fixture
def league(server, tmp_path):
    """The server has the reports of three game days and of the day on which is fetched."""
    server.files |= {
        f"/injury/Injury-Report_{day}_08AM.pdf": report(day, *rows)
        for day, *rows in (
            ("2023-10-24", (BOS, "380, Player", "Out", "Injury/Illness - Left Knee; ACL Tear"),
             (CLE, "391, Player", "Questionable", "Rest")),
            ("2023-10-25", (BOS, None, None, "NOT YET SUBMITTED"),
             (LAL, "470, Player", "Available", "Injury/Illness - Right Ankle; Sprain")),
            ("2023-10-27", (CLE, "391, Player", "Doubtful", "Personal Reasons")),
            ("2023-10-28", (DEN, None, None, "NOT YET SUBMITTED")),
        )
    }  # fmt: skip
    return server


@pytest.fixture
def get(fetch, league, logs, tmp_path, monkeypatch):
    """Fetches reports beside the sound logs, by a Python that knows the stand-in."""
    package = tmp_path / "packages" / "nbainjuries"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "injury.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    shutil.copytree(logs, tmp_path / "raw")
    own = f"injury_reports.address={league.address}/injury"
    python = f"injury_reports.python={sys.executable}"
    return lambda *words: fetch(own, python, *WORDS, *words)


def test_reports_are_ingested_with_ids_and_dates(get, tmp_path, league):
    done = get("today=2023-10-28")["injuries", "2023-24"]
    assert (done.status, done.note) == (FETCHED, "2023-10-28: 1 teams had not submitted")
    found = json.loads((tmp_path / "raw" / "injury_reports" / "2023-10-24.json").read_text())
    assert found["injuries"][0] == {
        "player_name": "Player 380", "team_id": BOS, "status": "Out",
        "reason": "Injury/Illness - Left Knee; ACL Tear",
    }  # fmt: skip
    tables, _ = read_raw(tmp_path / "raw")
    listed = tables.injury_reports
    shown = [listed["date"].dt.strftime("%m-%d"), listed["player_id"], listed["status"]]
    assert [*zip(*shown, strict=True)] == [
        ("10-24", 380, "Out"), ("10-24", 391, "Questionable"),
        # Boston had not submitted anew: what it said the day before still counts.
        ("10-25", 380, "Out"), ("10-25", 470, "Available"), ("10-27", 391, "Doubtful"),
    ]  # fmt: skip
    assert len(tables.injury_report_dates) == 4
    league.asked()
    assert get("today=2023-10-28")["injuries", "2023-24"].status == CURRENT
    assert league.asked() == []


def test_days_that_are_refused_are_told_and_not_asked_for_again(get, league, tmp_path):
    for path in list(league.files):
        if "2023-10-25" in path or "2023-10-28" in path:
            league.faults[path] = [403] * 2
    failed = get("today=2023-10-28")["injuries", "2023-24"]
    assert (failed.status, "status 403" in failed.note) == (FAILED, True)
    written = sorted(path.name for path in (tmp_path / "raw" / "injury_reports").iterdir())
    assert written == ["2023-10-24.json", "2023-10-27.json"]
    get("today=2023-11-02")  # when the 25th counts as a day without a report
    league.asked()
    get("today=2023-11-02")
    # Of the 28th nobody asks: there was no game.
    assert [path for path in league.asked() if "11-02" not in path] == []


def test_new_reports_have_minutes_in_their_names(fetch, get, league, logs, tmp_path):
    log = pd.read_parquet(logs / "team_logs_2023_24.parquet")
    log["GAME_DATE"] = "2026-01-06"
    log["GAME_ID"] = log["GAME_ID"].str.replace("00223", "00225")
    log.to_parquet(tmp_path / "raw" / "team_logs_2025_26.parquet")
    league.files["/injury/Injury-Report_2026-01-06_08_30AM.pdf"] = report("2026-01-06")
    failed = get("today=2026-01-06", "seasons=2025-26")["injuries", "2025-26"]
    assert "lacks the columns" in failed.note  # an empty report is no healthy league
    league.asked()
    get("today=2026-01-06", "seasons=2025-26", "injury_reports.at='17:30'")
    assert league.asked() == ["/injury/Injury-Report_2026-01-06_05_30PM.pdf"]


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        ("java", "needs Java 8 or newer"),
        ("python", r"has no nbainjuries.*python -m venv \.venv-injuries"),
        ("null", "what=injuries needs nbainjuries"),
        ("pdf", "nbainjuries cannot read the report of 2023-10-24"),
    ],
)
def test_what_is_missing_is_told(get, league, monkeypatch, break_it, told):
    words = ["today=2023-10-28"]
    if break_it == "java":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif break_it == "python":
        monkeypatch.delenv("PYTHONPATH")
    elif break_it == "null":
        words += ["injury_reports.python=null"]
    else:
        league.files = dict.fromkeys(league.files, b"not a report")
    failed = get(*words)["injuries", "2023-24"]
    assert failed.status == FAILED
    assert re.search(told, failed.note), failed.note
    assert len(league.asked()) <= (4 if break_it == "pdf" else 1)


def test_reports_need_team_logs_and_begin_in_2021(fetch):
    assert "team logs" in fetch("what=[injuries]")["injuries", "2026-27"].note
    assert "2021-22" in fetch("what=[injuries]", "seasons=2020-21")["injuries", "2020-21"].note


def test_raptor_is_one_file_for_all_seasons(fetch, server, tmp_path):
    columns = ("player_name", "player_id", "season", "season_type", "team", "mp",
               "raptor_offense", "raptor_defense")  # fmt: skip
    csv = ",".join(columns) + "\nPlayer 380,x01,2022,RS,BOS,100,1.0,-1.0\n"
    server.files["/raptor.csv"] = csv.encode()
    words = (f"addresses.raptor={server.address}/raptor.csv", "what=[raptor]")
    done = fetch(*words, "seasons=2020-21..2023-24", "today=2024-07-01")
    assert [(key, one.status) for key, one in done.items()] == [(("raptor", ""), FETCHED)]
    assert (tmp_path / "raw" / "modern_RAPTOR_by_team.csv").read_text() == csv
    server.asked()
    fetch(*words)
    assert server.asked() == []
    server.files["/raptor.csv"] = csv.replace("raptor_offense", "offense").encode()
    failed = fetch(*words, "refresh=true")["raptor", ""]
    assert "lacks the columns RAPTOR_OFFENSE" in failed.note
