import io
import json
import re

import as_llimllib
import pandas as pd
import pytest
from raw_logs import BOS, regular_games

from nba_rank.core.errors import ConfigError, UserError
from nba_rank.data.fetch import run
from nba_rank.data.fetch.run import CURRENT, FAILED, FETCHED, KEPT, NOTHING
from nba_rank.data.ingest import read_raw

TEAMS = "/nba/stats/team_game_logs/season=2024/data.parquet"
PLAYERS = "/nba/stats/player_game_logs/season=2024/data.parquet"
NAMES = "/nba/stats/team_seasons/season=2024/data.parquet"
PEOPLE = "/nba/stats/player_seasons/season=2024/data.parquet"
LOG = "team_logs_2023_24.parquet"
TEAMS_ONLY = "what=[team_logs]"
BOTH = ("what=[team_logs,player_logs]", "seasons=2023-24")


@pytest.fixture(scope="module")
def sound_files(sound_logs):
    """The mirror's files of the sound logs."""
    return as_llimllib.files(sound_logs, "2023_24")


@pytest.fixture
def mirror(server, sound_files):
    """The server plays the mirror of the sound raw files."""
    server.files |= sound_files
    return server


@pytest.fixture
def get(fetch, mirror):
    """Fetches from it what the words say."""
    return lambda *words: fetch(f"source.address={mirror.address}/nba", *BOTH, *words)


def without(game):
    return lambda log: log[log["game_id"] != game]


def change(mirror, path, edit):
    """Alter a file of the mirror."""
    mirror.files[path] = as_llimllib.parquet(edit(pd.read_parquet(io.BytesIO(mirror.files[path]))))


def test_what_is_fetched_is_ingested_like_the_files_themselves(get, logs, tmp_path, mirror):
    done = get("today=2024-08-01")
    assert {key: (one.status, one.note) for key, one in done.items()} == {
        ("team_logs", "2023-24"): (FETCHED, ""), ("player_logs", "2023-24"): (FETCHED, ""),
    }  # fmt: skip
    assert sorted(mirror.asked()) == sorted([TEAMS, PLAYERS, NAMES, PEOPLE])
    raw = tmp_path / "raw"
    tables, report = read_raw(raw)
    assert tables.hashes() == read_raw(logs)[0].hashes()
    assert not [warning for warning in report.warnings if "not read" in warning.what]
    about = json.loads((raw / "fetched.json").read_text())
    assert about["running"] is None
    assert about["raw"][LOG]["source"] == "llimllib"
    assert about["raw"][LOG]["rows"] == 6
    assert about["downloads"]["llimllib/team_game_logs_2024.parquet"]["url"].endswith(TEAMS)


def test_a_season_that_is_over_is_asked_for_once(get, mirror, tmp_path):
    get("today=2024-08-01")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").glob("*.parquet")}
    mirror.asked()
    assert {one.status for one in get("today=2024-08-02").values()} == {CURRENT}
    assert mirror.asked() == []
    assert {one.status for one in get("today=2024-08-02", "refresh=true").values()} == {CURRENT}
    assert [status for _, status in mirror.log] == [304] * 4
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_season_in_progress_is_asked_for_what_has_changed(get, mirror, logs, tmp_path):
    mirror.files = as_llimllib.files(logs, "2023_24", until="2023-10-25")
    get("today=2023-10-26")
    assert len(pd.read_parquet(tmp_path / "raw" / LOG)) == 4
    mirror.asked()
    assert {one.status for one in get("today=2023-10-27").values()} == {CURRENT}
    assert {status for _, status in mirror.log} == {304}
    mirror.files |= as_llimllib.files(logs, "2023_24", until="2023-10-27")
    change(mirror, TEAMS, lambda log: log.assign(ast=log["ast"] + 1))  # corrected later
    assert {one.status for one in get("today=2023-10-28").values()} == {FETCHED}
    log = pd.read_parquet(tmp_path / "raw" / LOG)
    assert (len(log), log["AST"].tolist()) == (6, [21] * 6)


def test_a_season_that_is_not_whole_after_its_end_is_asked_for_again(get, mirror, logs, tmp_path):
    """As on a mirror that has stopped, or one that plays a season of the past day by day."""
    notes = ["2 of 3 regular games", "no champion yet", ""]
    for until, note in zip(("2023-10-25", "2024-06-08", "9999"), notes, strict=True):
        mirror.files = as_llimllib.files(logs, "2023_24", until=until)
        done = get("today=2026-11-29")
        assert {one.status for one in done.values()} == {FETCHED}
        assert done["team_logs", "2023-24"].note == note
    assert read_raw(tmp_path / "raw")[0].hashes() == read_raw(logs)[0].hashes()
    mirror.asked()
    assert {one.status for one in get("today=2026-11-30").values()} == {CURRENT}
    assert mirror.asked() == []


def test_players_are_asked_for_until_every_game_has_some(get, mirror):
    whole = mirror.files[PLAYERS]
    change(mirror, PLAYERS, without("0022300002"))
    assert get()["player_logs", "2023-24"].note == "1 games without players"
    mirror.files[PLAYERS] = whole
    assert get()["player_logs", "2023-24"].status == FETCHED


def eastern_evening(days):
    """The moments at which evening games begin, in UTC."""
    evenings = pd.to_datetime(days) + pd.Timedelta(hours=21)
    return evenings.dt.tz_localize("America/New_York").dt.tz_convert("UTC")


EDITS = (
    lambda log: log.assign(game_date=eastern_evening(log["game_date"])),
    lambda log: log.assign(game_date=pd.to_datetime(log["game_date"]).dt.strftime("%m/%d/%Y")),
    lambda log: log.astype({"home": "int64", "win": "int64", "min": "str"}),
    lambda log: log.astype({"home": "str", "win": "str", "team_id": "float64"}),
    lambda log: log.rename(columns=str.upper).convert_dtypes(),
)


def test_other_types_of_the_same_values_are_read_alike(get, logs, mirror, tmp_path):
    for path in logs.glob("*player_logs*"):
        path.unlink()
    expected, sound = read_raw(logs)[0].hashes(), mirror.files[TEAMS]
    for number, edit in enumerate(EDITS):
        mirror.files[TEAMS] = sound
        change(mirror, TEAMS, edit)
        done = get(f"today=2024-07-1{number}", TEAMS_ONLY)
        assert done["team_logs", "2023-24"].status == FETCHED
        assert read_raw(tmp_path / "raw")[0].hashes() == expected, number


@pytest.mark.parametrize("fault", [404, "denied"])
def test_before_a_season_there_is_nothing_yet_and_after_it_that_is_an_error(get, mirror, fault):
    files, mirror.files = mirror.files, {}
    mirror.faults |= {path: [fault] * 4 for path in files}
    assert {one.status for one in get("today=2023-10-01").values()} == {NOTHING}
    mirror.files = files
    mirror.faults.clear()
    assert {one.status for one in get("today=2023-12-01").values()} == {FETCHED}
    mirror.files = {}
    gone = get("today=2023-12-02")
    assert {one.status for one in gone.values()} == {FAILED}
    assert "no such file" in gone["team_logs", "2023-24"].note
    done = get("today=2024-08-01")
    assert {one.status for one in done.values()} == {FAILED}
    assert "404" in done["team_logs", "2023-24"].note


@pytest.mark.parametrize("faults", [["cut"], [429, 503], ["slow"], ["html", "cut"]])
def test_what_passes_is_tried_again(get, mirror, faults):
    mirror.faults[PLAYERS] = [*faults]
    wait = 0.9 if "slow" in faults else 10
    assert {one.status for one in get(f"web.timeout_seconds={wait}").values()} == {FETCHED}
    assert mirror.asked().count(PLAYERS) == 1 + len(faults)


@pytest.mark.parametrize(
    ("fault", "tries", "told"),
    [
        ("cut", 3, "broke off"),
        ("slow", 3, "no answer within 0.9 s"),
        ("html", 3, "a page of HTML or XML came instead of a parquet"),
        (429, 3, "status 429"),
        (403, 1, "status 403.*Try again later, or take another source"),
        (410, 1, "status 410.*Check the address"),
    ],
)
def test_what_does_not_pass_is_an_error_and_the_rest_is_fetched(get, mirror, fault, tries, told):
    mirror.faults[TEAMS] = [fault] * 3
    done = get(f"web.timeout_seconds={0.9 if fault == 'slow' else 10}")
    failed = done["team_logs", "2023-24"]
    assert failed.status == FAILED
    assert re.search(told, failed.note), failed.note
    assert mirror.asked().count(TEAMS) == tries
    assert done["player_logs", "2023-24"].status == FETCHED


def test_a_server_that_never_answers_is_not_asked_for_every_season(fetch):
    done = fetch(
        "source.address=http://127.0.0.1:9", "seasons=2012-13..2022-23", "what=[team_logs]"
    )
    notes = [one.note for one in done.values()]
    assert len(notes) == 11
    assert sum("connection failed" in note for note in notes) == 2
    assert sum("not asked for" in note for note in notes) == 9


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda log: log.rename(columns={"ast": "dimes"}), "lacks the columns AST"),
        (lambda log: log.head(0), "no rows"),
        (lambda log: log.assign(game_date=[[1]] * len(log)), "not of the source's form"),
        (without("0022300002"), "1 games that were there are gone.*0022300002"),
        (lambda log: log.drop(index=0), "games without two teams: 1, such as 00"),
        (lambda log: pd.concat([log, log.head(1).assign(pts=7)]), "rows with two scores: 1"),
        (lambda log: log.assign(game_date=pd.Timestamp("2022-11-01").date()), "outside of it"),
        (lambda log: log.assign(game_id=log["game_id"].str.replace("00223", "00222")), "another"),
        (lambda log: log.assign(team_id=log["team_id"].replace(str(BOS), "17")), "in the league"),
    ],
)
def test_a_file_that_cannot_be_right_leaves_that_of_before(get, mirror, tmp_path, edit, told):
    sound = dict(mirror.files)
    get("today=2024-06-30", TEAMS_ONLY)
    before = (tmp_path / "raw" / LOG).read_bytes()
    change(mirror, TEAMS, edit)
    failed = get("today=2024-07-01", TEAMS_ONLY)["team_logs", "2023-24"]
    assert failed.status == FAILED
    assert re.search(told, failed.note), failed.note
    assert (tmp_path / "raw" / LOG).read_bytes() == before
    mirror.files |= sound
    assert get("today=2024-07-02", TEAMS_ONLY)["team_logs", "2023-24"].status == CURRENT
    assert (tmp_path / "raw" / LOG).read_bytes() == before


def test_fewer_games_are_taken_where_that_is_asked_for(get, mirror, tmp_path):
    get("today=2024-06-30", TEAMS_ONLY)
    change(mirror, TEAMS, without("0022300002"))
    get("today=2024-07-01", TEAMS_ONLY, "allow_fewer=true")
    assert len(pd.read_parquet(tmp_path / "raw" / LOG)) == 4


def test_games_of_no_table_are_left_out(get, mirror, tmp_path):
    def with_others(log):
        others = [log.head(2).assign(game_id=f"00{kind}2300009") for kind in (1, 3, 6)]
        others[1] = others[1].assign(team_id="1610616833")
        return pd.concat([log, *others])

    change(mirror, TEAMS, with_others)
    assert get(TEAMS_ONLY)["team_logs", "2023-24"].status == FETCHED
    assert set(pd.read_parquet(tmp_path / "raw" / LOG)["GAME_ID"].str[:3]) == {"002"}


def test_rows_that_stand_there_twice_count_once_and_minutes_are_not_needed(get, mirror, tmp_path):
    def edit(log):
        return pd.concat([log.head(2).assign(ast=None), log]).drop(columns="min")

    change(mirror, TEAMS, edit)
    assert get(TEAMS_ONLY)["team_logs", "2023-24"].status == FETCHED
    assert pd.read_parquet(tmp_path / "raw" / LOG)["AST"].tolist() == [20] * 6


def test_a_neutral_site_has_two_sides_away(get, mirror, tmp_path):
    change(mirror, TEAMS, lambda log: log.assign(home=None))
    get(TEAMS_ONLY)
    assert pd.read_parquet(tmp_path / "raw" / LOG)["MATCHUP"].str.contains(" @ ").all()


def test_names_that_the_mirror_lacks_are_said(get, mirror, tmp_path):
    del mirror.files[NAMES], mirror.files[PEOPLE]
    done = get()
    assert "names of today" in done["team_logs", "2023-24"].note
    log = pd.read_parquet(tmp_path / "raw" / LOG)
    assert set(log["MATCHUP"]) == set(regular_games()["MATCHUP"])
    assert "8 players that player_seasons lacks" in done["player_logs", "2023-24"].note
    people = pd.read_parquet(tmp_path / "raw" / "player_logs_2023_24.parquet")
    assert (people["PLAYER_NAME"] == "player " + people["PLAYER_ID"].astype("str")).all()


def test_rows_without_a_player_are_left_out_and_counted(get, mirror, tmp_path):
    change(mirror, PLAYERS, lambda log: log.assign(player_id=log["player_id"].where(log.index > 1)))
    assert "left out: 2 rows without a player" in get()["player_logs", "2023-24"].note
    log = pd.read_parquet(tmp_path / "raw" / "player_logs_2023_24.parquet")
    assert log[["PLAYER_ID", "PLAYER_NAME"]].notna().all().all()


def test_files_of_others_stay_as_they_are(get, mirror, logs, tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "team_logs_2023_24.csv").write_text("mine")
    done = get()
    assert done["team_logs", "2023-24"].status == KEPT
    assert "team_logs_2023_24.csv" in done["team_logs", "2023-24"].note
    assert not (raw / LOG).exists()
    altered = raw / "player_logs_2023_24.parquet"
    altered.write_bytes(b"altered")
    assert get()["player_logs", "2023-24"].status == KEPT
    assert altered.read_bytes() == b"altered"
    altered.unlink()
    mirror.asked()
    assert get()["player_logs", "2023-24"].status == FETCHED  # without a second download
    assert set(mirror.log) == {(PLAYERS, 304), (PEOPLE, 304)}


def test_a_fetch_that_was_broken_off_goes_on_where_it_was(fetch_config, mirror, tmp_path):
    config = fetch_config(f"source.address={mirror.address}/nba", *BOTH, "today=2024-07-01")
    mirror.faults[PEOPLE] = [403]

    def interrupt(name: str, n_targets: int) -> None:
        if "player" in name:
            mirror.files["/stop"] = b""
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.fetch(config, interrupt)
    assert sorted(mirror.asked()) == [TEAMS, NAMES]
    # One file of two had come when the players' fetch ended.
    folder_state = json.loads((tmp_path / "raw" / "fetched.json").read_text())
    assert folder_state["running"] is not None
    statuses = [one.status for one in run.fetch(config, lambda name, n_targets: None)]
    assert statuses == [CURRENT, FAILED]
    assert sorted(mirror.asked()) == [PLAYERS, PEOPLE]


def test_sources_with_other_ids_are_not_mixed(get, mirror):
    get()
    with pytest.raises(UserError, match=r"from llimllib.*give it a folder of its own"):
        get("source=hoopr")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["seasons=2023"], "not of the form"),
        (["seasons=2023-24..2021-22"], "comes after"),
        (["today=2023-10-01", "seasons=2030-31"], "2030-31 comes after 2023-24"),
        (["today=yesterday"], "written like 2024-01-15"),
        (["what=[play_by_play]"], "source=llimllib has no play_by_play"),
        (["what=[typo]"], "what="),
        (["injury_reports.at=noon"], "injury_reports.at=noon"),
        (["data=sim"], "fetch with data=nba"),
        (["source.pause_seconds=-1"], "must be 0 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(fetch, words, told):
    with pytest.raises(ConfigError, match=told):
        fetch(*words)


def test_seasons_before_the_mirror_are_told(fetch):
    done = fetch("seasons=2008-09", "what=[team_logs]")
    assert "begins with 2009-10" in done["team_logs", "2008-09"].note


def test_seasons_are_one_many_or_the_current_one(fetch_config):
    def seasons(*words):
        return run.seasons_of(fetch_config("today=2024-02-01", *words))

    assert seasons() == ["2023-24"]
    assert seasons("seasons=2021-22..2023-24") == ["2021-22", "2022-23", "2023-24"]
    assert seasons("seasons=2023-24,2019-20") == ["2019-20", "2023-24"]
    assert run.seasons_of(fetch_config("today=2024-08-01")) == ["2024-25"]
