import json
import re
import sys
from urllib.parse import parse_qs

import pandas as pd
import pytest
from raw_logs import BOS, CLE, DEN, LAL

from nba_rank.data.fetch.run import CURRENT, FAILED, FETCHED, NOTHING
from nba_rank.data.ingest import read_raw

pytest.importorskip("nba_api")
LOG = "team_logs_2023_24.parquet"
BOTH = ("what=[team_logs,player_logs]", "seasons=2023-24")
TYPES = {"Regular Season": "", "Playoffs": "playoffs_", "PlayIn": "playin_"}


def result_set(name: str, frame: pd.DataFrame) -> bytes:
    """A table as stats.nba.com writes it."""
    rows = json.loads(frame.to_json(orient="values"))
    found = {"name": name, "headers": [*frame.columns], "rowSet": rows}
    return json.dumps({"resource": name, "parameters": {}, "resultSets": [found]}).encode()


@pytest.fixture
def site(server, logs):
    """The server plays stats.nba.com with the sound raw files."""
    server.until = "9999"
    server.queries = []

    def game_log(query: str) -> bytes:
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        server.queries.append(asked)
        level = {"T": "team", "P": "player"}[asked["PlayerOrTeam"]]
        path = logs / f"{TYPES[asked['SeasonType']]}{level}_logs_2023_24.parquet"
        log = pd.read_parquet(logs / LOG).head(0) if not path.exists() else pd.read_parquet(path)
        since = pd.to_datetime(asked.get("DateFrom", "01/01/1900")).strftime("%Y-%m-%d")
        return result_set("LeagueGameLog", log[log["GAME_DATE"].between(since, server.until)])

    server.files["/stats/leaguegamelog"] = game_log
    return server


@pytest.fixture
def get(fetch, site):
    def make(*words):
        return fetch("source=nba_api", f"source.address={site.address}/stats", *BOTH, *words)

    return make


def test_what_is_fetched_is_ingested_like_the_files_themselves(get, logs, tmp_path, site):
    assert {one.status for one in get("today=2024-08-01").values()} <= {FETCHED, NOTHING}
    assert read_raw(tmp_path / "raw")[0].hashes() == read_raw(logs)[0].hashes()
    assert len(site.asked()) == 6
    assert {query["Season"] for query in site.queries} == {"2023-24"}
    assert get("today=2024-08-02")["team_logs", "2023-24"].status in (CURRENT, NOTHING)
    assert site.asked() == []


def test_a_season_in_progress_is_asked_for_from_two_days_before_its_last_day(
    get, site, logs, tmp_path
):
    site.until = "2023-10-25"
    get("today=2023-10-26")
    site.queries.clear()
    site.until = "2023-10-27"
    log = pd.read_parquet(logs / LOG)
    log["AST"] = 20 + (log["GAME_DATE"] == "2023-10-25")  # corrected later
    log.to_parquet(logs / LOG)
    get("today=2023-10-28")
    regular = [query for query in site.queries if query["SeasonType"] == "Regular Season"]
    assert {query["DateFrom"] for query in regular} == {"10/23/2023"}
    found = pd.read_parquet(tmp_path / "raw" / LOG)
    assert found["AST"].tolist() == [20, 20, 21, 21, 20, 20]
    assert get("today=2023-10-29")["team_logs", "2023-24"].status == NOTHING  # the play-in's
    assert pd.read_parquet(tmp_path / "raw" / LOG).equals(found)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html><body>Access Denied</body></html>", "a page of HTML or XML came"),
        (b'{"resultSets": [', "not JSON"),
        (b'{"message": "rate limited"}', "not of the form that nba_api knows"),
        (result_set("LeagueGameLog", pd.DataFrame(columns=["GAME_ID"])), "lacks the columns"),
    ],
)
def test_an_answer_that_is_no_game_log_is_an_error(get, site, body, told):
    site.files["/stats/leaguegamelog"] = body
    failed = get("today=2024-08-01", "what=[team_logs]")["team_logs", "2023-24"]
    assert failed.status == FAILED
    assert re.search(told, failed.note), failed.note


def test_a_game_that_vanishes_leaves_the_file_of_before(get, site, logs, tmp_path):
    site.until = "2023-10-27"
    get("today=2023-10-28", "what=[team_logs]")
    log = pd.read_parquet(logs / LOG)
    log[log["GAME_ID"] != "0022300003"].to_parquet(logs / LOG)
    before = (tmp_path / "raw" / LOG).read_bytes()
    failed = get("today=2023-10-28", "what=[team_logs]")["team_logs", "2023-24"]
    assert "1 games that were there are gone" in failed.note
    assert (tmp_path / "raw" / LOG).read_bytes() == before


def test_schedule_rosters_and_play_by_play(get, site, logs, tmp_path):
    def game(number, date, home, away):
        sides = {"homeTeam": home, "awayTeam": away}
        return {
            "gameId": number, "gameDateEst": date, "isNeutral": False, "broadcasters": {},
            "gameStatusText": "7:30 pm ET",
            "pointsLeaders": [],
            **{side: {"teamId": 1, "teamTricode": code} for side, code in sides.items()},
        }  # fmt: skip

    dates = [
        {"gameDate": "10/08/2023 00:00:00", "games": [game("0012300001", "", "BOS", "CLE")]},
        {
            "gameDate": "10/30/2023 00:00:00",
            "games": [game("0022300004", "", "BOS", "DEN"), game("0022301201", "", "", "")],
        },
        {
            "gameDate": "11/01/2023 00:00:00",
            "games": [game("0022300005", "", "DEN", "BOS") | {"gameStatusText": "PPD"}],
        },
    ]
    schedule = {"leagueId": "00", "seasonYear": "2023-24", "weeks": [], "gameDates": dates}
    site.files["/stats/scheduleleaguev2"] = json.dumps({"leagueSchedule": schedule}).encode()
    people = pd.DataFrame(
        [(380, "Player", "380", BOS, "BOS"), (390, "Player", "390", CLE, "CLE"),
         (99, "Free", "Agent", 0, None)],
        columns=["PERSON_ID", "PLAYER_FIRST_NAME", "PLAYER_LAST_NAME", "TEAM_ID",
                 "TEAM_ABBREVIATION"],
    )  # fmt: skip
    site.files["/stats/playerindex"] = result_set("PlayerIndex", people)
    actions = [{"actionNumber": 1, "actionType": "period"}]

    def events(query):
        number = parse_qs(query)["GameID"][0]
        found = {"gameId": number, "videoAvailable": 0, "actions": actions}
        return json.dumps({"meta": {}, "game": found}).encode()

    site.files["/stats/playbyplayv3"] = events
    site.until = "2023-10-25"
    what = "what=[team_logs,schedule,rosters,play_by_play]"
    done = get("today=2023-10-26", what)
    assert done["schedule", "2023-24"].note == "left out: 1 games whose teams are open"
    raw = tmp_path / "raw"
    fixtures = pd.read_parquet(raw / "schedules" / "schedule_2023_24.parquet")
    assert fixtures.to_numpy().tolist() == [
        ["2023-10-30", BOS, DEN, False, "7:30 pm ET"],
        ["2023-11-01", DEN, BOS, False, "PPD"],  # which ingest leaves out
    ]
    roster = pd.read_parquet(raw / "rosters" / "2023-10-26.parquet")
    assert roster["PLAYER_NAME"].tolist() == ["Player 380", "Player 390"]
    games = sorted(path.name for path in (raw / "play_by_play" / "2023_24").iterdir())
    assert games == ["0022300001.json", "0022300002.json"]
    site.asked()
    get("today=2023-10-26", what)
    assert "/stats/playbyplayv3" not in site.asked()
    assert {LAL} <= {*pd.read_parquet(raw / LOG)["TEAM_ID"]}


def test_without_the_package_it_is_told_how_to_get_it(get, monkeypatch):
    monkeypatch.setitem(sys.modules, "nba_api.stats", None)
    failed = get("what=[team_logs]")["team_logs", "2023-24"]
    assert failed.status == FAILED
    assert r"pip install -e '.[nba_api]'" in failed.note


def test_no_session_of_ours_is_left_in_the_package(get):
    from nba_api.stats.library.http import NBAStatsHTTP

    get("today=2024-08-01", "what=[team_logs]")
    assert NBAStatsHTTP.base_url == "https://stats.nba.com/stats/{endpoint}"
    assert NBAStatsHTTP._session is None


def test_play_by_play_needs_team_logs(get):
    done = get("what=[play_by_play]")
    assert "fetch what=[team_logs] first" in done["play_by_play", "2023-24"].note
