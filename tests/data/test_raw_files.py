import gzip
import json

import pandas as pd
import pytest
from raw_issues import check_warnings, errors_of

from nba_rank.data.ingest import read_raw
from nba_rank.data.raw import files as raw_files
from nba_rank.data.tables import SCHEMA

COLUMNS = {
    "Team_Records.csv": "Season,Team,W,L,MOV,SOS,SRS",
    "modern_RAPTOR_by_team.csv": (
        "player_name,player_id,season,season_type,team,mp,raptor_offense,raptor_defense"
    ),
    "market/betting_lines.csv": (
        "GAME_ID,DATE,HOME,AWAY,HOME_SPREAD,MONEYLINE_HOME,MONEYLINE_AWAY"
    ),
    "market/preseason_win_totals.csv": "SEASON,TEAM_NAME,WIN_TOTAL,TITLE_ODDS_AMERICAN",
    "rosters/opening_2023_24.csv": "DATE,TEAM,PLAYER",
    "schedules/league_2023_24.csv": "DATE,HOME,AWAY",
}
"""Every kind of file that may be absent, with its columns."""


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def test_file_names_are_understood(tmp_path):
    names = {
        "team_logs_2024_25.csv": ("team", "regular", "2024-25"),
        "playoffs_player_logs_1999_00.parquet": ("player", "playoffs", "1999-00"),
        "playin_player_logs_2025_26.PARQUET": ("player", "playin", "2025-26"),
        "rosters/opening_2024_25.CSV": ("roster", "", "2024-25"),
        "rosters/trades 2024_02_08.csv": ("roster", "", ""),
        "schedules/league.parquet": ("schedule", "", ""),
        "schedules/league_2024_25.csv": ("schedule", "", "2024-25"),
        "Team_Records.csv": ("team_records", "", ""),
        "team_records_2024_25.parquet": ("team_records", "", "2024-25"),
        "modern_RAPTOR_by_team.csv": ("raptor", "", ""),
        "injury_reports/2024-12-25.json": ("injury_report", "", ""),
        "injury_reports/2024_25/2025-01-01.JSON": ("injury_report", "", ""),
        "play_by_play/2024_25/0022400001.json": ("game_events", "", ""),
        "Team Game-Logs 2024-25.csv.gz": ("team", "regular", "2024-25"),
        "PlayerLogs_2022_23.tsv": ("player", "regular", "2022-23"),
        "Playoffs/team_logs_2023_24/part-0.parquet": ("team", "playoffs", ""),
        "player_game_logs/season=2024/data.parquet": ("player", "regular", ""),
        "Rosters/opening 2022-23.csv": ("roster", "", "2022-23"),
        "everything.json": ("", "", ""),
    }
    left_alone = ("rosters/README.md", "rosters/.opening_2024_25.csv", "sim.json", ".a/b.csv",
                  "injury_reports/.2024-12-25.json", "parts/_SUCCESS", "LICENSE")  # fmt: skip
    for name in (*names, *left_alone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = {
        file.name: (file.level, file.kind, file.season) for file in raw_files.discover([tmp_path])
    }
    assert files == names


def test_files_of_other_names_are_not_read_and_told_what_they_look_like(folder):
    put(folder, "market/futures.csv", "x\n")
    put(folder, "players/heights.csv", "x\n")
    put(folder, "Payrolls.csv", "x\n")
    put(folder, "fixtures.csv", f"{COLUMNS['schedules/league_2023_24.csv']}\n")
    put(folder, "sbr.csv", "Date,Rot,VH,Team,Final,Open,Close,ML\n")
    put(folder, "book.xlsx", b"PK\x03\x04[Content_Types].xml")
    put(folder, "page.csv", "<!DOCTYPE html>")
    _, report = read_raw(folder)
    expected = {
        "market/futures.csv": "no kind of raw file",
        "players/heights.csv": "no kind of raw file",
        "Payrolls.csv": "no kind of raw file",
        "fixtures.csv": "looks like a schedule file, which is named schedules/",
        "sbr.csv": "looks like the odds archive of Sportsbook Reviews Online, which is named",
        "book.xlsx": "an Excel workbook",
        "page.csv": "a web page",
    }
    for name, what in expected.items():
        check_warnings(report, name, {f"not read: {what}" if "looks" not in what else what: 1})


def test_links_pointers_and_broken_files_are_errors(folder):
    put(folder, "a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n")
    put(folder, "team_logs_2022_23.csv.gz", b"\x1f\x8bbroken")
    (folder / "b.csv").symlink_to(folder / "nowhere.csv")
    errors = {error.file: str(error) for error in errors_of(folder)}
    assert "Run `git lfs pull`" in errors["a.csv"]
    assert "which does not exist" in errors["b.csv"]
    assert "cannot be read" in errors["team_logs_2022_23.csv.gz"]
    assert len(errors) == 3


def test_no_content_of_a_file_is_too_odd(folder):
    """Files of names that say nothing are passed over with a warning, whatever they hold."""
    odd = [
        b"", b"[]", b"null", b"7", b"[1, 2", b'{"a": 1}', b'{"resultSets": {}}', b'[[1]]',
        b'{"resultSets": [{"name": "x"}]}', b'"unclosed\na,b\n1,2,3\n', bytes(range(256)), b"PAR1",
        b"\xff\xfe", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"a,a\n1,2\n", b"\x00" * 50,
    ]  # fmt: skip
    for number, content in enumerate(odd):
        put(folder, f"odd_{number}.dat", content)
    _, report = read_raw(folder)
    told = {warning.file for warning in report.warnings if warning.what.startswith("not read: ")}
    assert told == {f"odd_{number}.dat" for number in range(len(odd))}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("PlayerLogs_2023_24.csv.gz", lambda log: gzip.compress(log.to_csv().encode())),
        ("player logs 2023-24.tsv", lambda log: log.to_csv(sep="\t").encode("utf-16")),
        ("logs/everything.txt", lambda log: log.to_csv(sep=";").encode("cp1252")),
        ("logs/everything.csv", lambda log: log.to_csv(index=False).encode("utf-16-le")),
        ("player_logs/2023.json", lambda log: log.to_json(orient="records").encode()),
        ("x.json", lambda log: json.dumps({"resource": "x", "resultSets": [
            {"name": "LeagueGameLog", "headers": [*log], "rowSet": log.to_numpy().tolist()},
        ]}, default=str).encode()),
    ],
)  # fmt: skip
def test_game_logs_of_any_name_and_form_are_read(folder, name, form):
    expected = read_raw(folder)[0]
    log = pd.read_parquet(folder / "player_logs_2023_24.parquet")
    (folder / "player_logs_2023_24.parquet").unlink()
    put(folder, name, form(log))
    tables, report = read_raw(folder)
    assert tables.hashes() == expected.hashes()
    assert not [warning for warning in report.warnings if "not read" in warning.what]


def test_folders_of_parquet_parts_are_read(folder):
    expected = read_raw(folder)[0]
    place = folder / "team_logs_2023_24.parquet"
    log = pd.read_parquet(place)
    place.unlink()
    for part, rows in enumerate((log[:2], log[2:])):
        place.mkdir(exist_ok=True)
        rows.to_parquet(place / f"part-{part}.snappy.parquet")
    (place / "_SUCCESS").touch()
    assert read_raw(folder)[0].hashes() == expected.hashes()


def test_a_column_that_stands_twice_is_an_error(folder):
    log = pd.read_parquet(folder / "team_logs_2023_24.parquet")
    (folder / "team_logs_2023_24.parquet").unlink()
    twice = pd.concat([log, log[["PTS"]] + 1], axis=1)
    put(folder, "team_logs_2023_24.csv", twice.to_csv(index=False))
    (error,) = errors_of(folder)
    assert error.what == "repeats the columns PTS"


def test_absent_and_empty_files_give_empty_tables(folder):
    tables = read_raw(folder)[0]
    for name, columns in COLUMNS.items():
        put(folder, name, columns)
    (folder / "injury_reports").mkdir()
    again, report = read_raw(folder)
    assert again.hashes() == tables.hashes()
    for name, table in tables.items():
        assert table.dtypes.astype("str").to_dict() == SCHEMA[name]
        if name not in ("games", "team_games", "player_games", "teams", "seasons", "schedule"):
            assert table.empty
    assert {warning.file for warning in report.warnings if warning.what == "has no rows"} == {
        *COLUMNS
    }


def test_files_of_another_form_are_errors(folder):
    reports, date = "injury_reports/", '"date": "2023-10-25"'
    contents = {
        "Team_Records.csv": ("Season,Team,W,L,MOV,SOS", "lacks the columns SRS"),
        "raptor_by_team.csv": (
            COLUMNS["modern_RAPTOR_by_team.csv"].rpartition(",")[0], "columns RAPTOR_DEFENSE"
        ),
        "player_logs_2022_23.csv": ("GAME_ID,TEAM_ID\n", "lacks the columns GAME_DATE, PLAYER_ID"),
        "playoffs_team_logs_2023_24.parquet": (b"PAR1", "cannot be read"),
        "team_logs_2022_23.csv": ("A,B\n1,2,3\n", "cannot be read"),
        "market/betting_lines.csv": ("GAME_ID,DATE\n", "lacks the columns HOME, AWAY, HOME_SPREAD"),
        "market/betting_lines.parquet": ("", "cannot be read"),
        "market/preseason_win_totals.csv": ("SEASON,TEAM_NAME,WIN_TOTAL\n", "columns TITLE_ODDS"),
        "market/preseason_win_totals_more.csv": (
            f"{COLUMNS['market/preseason_win_totals.csv']}\n2023,BOS,50,400\n", "no season: row 1"
        ),
        "rosters/a.csv": ("", "cannot be read"),
        "rosters/b.csv": ("DATE,TEAM,PLAYER\n2023-10-24,BOS,A,B\n", "cannot be read"),
        "rosters/d.csv": ("DATE\n", "columns TEAM_ID or TEAM_ABBREVIATION, PLAYER_ID or PLAYER"),
        "rosters/e.csv": ("DATE,Date,TEAM,PLAYER\n", "repeats the columns DATE"),
        "schedules/a.csv": (
            "HOME,AWAY\n", "lacks the columns DATE. A schedule file has the columns"
        ),
        "schedules/b.csv": ("DATE,HOME,AWAY,Home\n", "repeats the columns HOME"),
        f"{reports}a.json": ('{"date": "2023', "cannot be read"),
        f"{reports}b.json": ("[1, 2]", "neither an object nor a list of objects"),
        f"{reports}c.json": (f"{{{date}}}", "lacks the columns INJURIES"),
        f"{reports}d.json": (f'{{{date}, "Date": "", "injuries": []}}', "repeats the columns DATE"),
        f"{reports}e.json": (f'{{{date}, "injuries": null}}', "injuries not understood: row 1"),
        f"{reports}f.json": (f'{{{date}, "injuries": ["Al"]}}', "injuries not understood: row 1"),
    }  # fmt: skip
    for name, (content, _) in contents.items():
        put(folder, name, content)
    errors = {error.file: error for error in errors_of(folder)}
    assert {*errors} == {*contents}
    for name, (_, message) in contents.items():
        assert message in str(errors[name])
        assert errors[name].remedy
