import io
import json
import os

import numpy as np
import pandas as pd
import pytest
from raw_issues import check_errors, check_warnings, errors_of
from raw_logs import BOS, CLE, DEN, LAL, finals, player_log, regular_games, team_log, write
from rich.console import Console

from nba_rank.core.content_hash import code_hash, frame_hash
from nba_rank.core.errors import UserError
from nba_rank.core.files import file_hash, file_hashes
from nba_rank.data import assemble, league, manifest, quality
from nba_rank.data.ingest import IngestError, ingest, is_stale, read_raw
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.tables import SCHEMA, read_tables, table_path

TEAM_LOG, PLAYER_LOG = "team_logs_2023_24", "player_logs_2023_24"
SHORT = {"regular season of another length": 1, "season without a game of 26 teams": 1}
"""What is odd about the team log of three games."""


THIRD_TEAM = {"GAME_ID": "0022300002", "TEAM_ID": BOS, "TEAM_ABBREVIATION": "BOS"}


def change(folder, name, edit):
    """Rewrite one raw file as `edit` returns it."""
    path = folder / f"{name}.parquet"
    edit(pd.read_parquet(path)).to_parquet(path)


def put(column, row, value):
    """Return an edit that sets one value, rows counted from 1."""

    def edit(frame):
        values = frame[column].astype("object")
        values.iloc[row - 1] = value
        return frame.assign(**{column: values})

    return edit


def test_tables_of_a_small_season(folder):
    tables, report = read_raw(folder)
    assert len(tables.games) == 7
    first = tables.team_games.iloc[0]
    assert (first["game_id"], first["is_home"], first["won"]) == ("0022300001", True, True)
    assert (first["team_id"], first["opponent_team_id"]) == (BOS, CLE)
    assert (first["points"], first["opponent_points"]) == (102, 100)
    assert tables.player_games["seconds"].eq(24.5 * 60).all()
    days = pd.to_datetime(["2023-10-24", "2023-10-27"])
    assert tables.seasons.to_numpy().tolist() == [
        ["2023-24", 30, *days, 3, 1230, 0, 4, True, True, BOS, LAL]
    ]
    teams = tables.teams.set_index("team_id")
    assert len(teams) == 30
    assert teams.loc[BOS, ["name", "division"]].tolist() == ["The BOS", "Atlantic"]
    short = {"regular season of another length": (1, "2023-24: 3 games of 1230")}
    check_warnings(report, TEAM_LOG, SHORT | short)


def test_csv_and_every_other_shape_give_the_same_tables(folder, tmp_path):
    expected, _ = read_raw(folder)
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.iterdir():
        log = pd.read_parquet(path)
        log["GAME_DATE"] = pd.to_datetime(log["GAME_DATE"]).dt.strftime("%m/%d/%y")
        log["GAME_ID"] = log["GAME_ID"].astype("int64")
        log["TOV"] = log["TOV"].astype("float64")
        if "MIN" in log:
            log["MIN"] = "24:30"
        log = log.drop(columns=["WL", "SEASON_ID"]).assign(VIDEO_AVAILABLE=1, SURPRISE="x")
        log.columns = log.columns.str.lower()
        log.to_csv(other / f"{path.stem}.csv")
    assert read_raw(other)[0].hashes() == expected.hashes()
    (other / f"{TEAM_LOG}.csv").unlink()  # one level in two shapes
    write(other, **{TEAM_LOG: pd.read_parquet(folder / f"{TEAM_LOG}.parquet")})
    assert read_raw(other)[0].hashes() == expected.hashes()


def test_errors_are_told_file_by_file(folder):
    for name in (TEAM_LOG, "playoffs_team_logs_2023_24"):
        change(folder, name, put("PTS", 1, -1))
        change(folder, name, put("TEAM_ID", 2, 7))
    files = [error.file for error in errors_of(folder)]
    assert len(files) == 4
    assert files == sorted(files)


def test_game_ids_decide_kind_and_season(tmp_path):
    others = team_log(
        ("0052300101", "2024-04-16", LAL, DEN),
        ("0062300001", "2023-12-09", LAL, DEN),
        ("0012300001", "2023-10-08", LAL, DEN),
        ("0032300001", "2024-02-18", LAL, DEN),
    )
    mixed = pd.concat([regular_games(), others])
    mixed.loc[mixed["GAME_ID"] == "0022300003", "SEASON_ID"] = "22022"
    tables, report = read_raw(write(tmp_path / "raw", team_logs_2022_23=mixed))
    assert tables.games["kind"].value_counts().to_dict() == {"regular": 3, "playin": 1}
    assert set(tables.games["season"]) == {"2023-24"}
    expected = {"dropped": 6, "file name disagrees": 8, "SEASON_ID disagrees": 2}
    check_warnings(report, "team_logs_2022_23", SHORT | expected)


@pytest.mark.parametrize(
    "playoffs",
    [finals(3), team_log(*((f"004230030{n}", f"2024-05-2{n}", BOS, CLE) for n in range(1, 5)))],
    ids=["three Finals games", "a conference final"],
)
def test_a_season_without_decided_finals_is_not_complete(folder, playoffs):
    write(folder, playoffs_team_logs_2023_24=playoffs)
    season = read_raw(folder)[0].seasons.iloc[0]
    assert not season["complete"]
    assert season["champion_team_id"] == 0


def test_of_duplicates_one_is_kept_and_the_others_are_counted(folder):
    def edit(log):
        older = log.head(1).assign(AST=np.nan, STL=1)
        return pd.concat([older, log, log.iloc[1:3]])

    change(folder, TEAM_LOG, edit)
    tables, report = read_raw(folder)
    assert len(tables.games) == 7
    assert tables.team_games.iloc[0]["ast"] == 20
    expected = {
        "duplicate rows removed": (2, "row 8: game_id 0022300001"),
        "corrected elsewhere": (1, "row 1:"),
    }
    check_warnings(report, TEAM_LOG, SHORT | expected)


def test_of_rows_with_other_values_that_of_the_newer_file_wins_unless_the_rest_contradicts(folder):
    def points_of_the_first_game(score, newer, **columns):
        log = regular_games().head(2)
        made = log["FTM"] + score - log["PTS"]
        write(folder, team_logs_2022_23=log.assign(PTS=score, FTM=made, FTA=20, **columns))
        os.utime(folder / "team_logs_2022_23.parquet", (0, 2e9 if newer else 0))
        tables, report = read_raw(folder)
        assert report.count(next(w.what for w in report.warnings if "corrected" in w.what)) == 2
        return tables.team_games["points"].tolist()[:2]

    (folder / f"{PLAYER_LOG}.parquet").unlink()
    assert points_of_the_first_game([110, 100], newer=True) == [110, 100]
    assert points_of_the_first_game([110, 101], newer=False) == [102, 100]
    # A score that contradicts WL, or the sum of the players.
    assert points_of_the_first_game([90, 99], newer=True) == [102, 100]
    write(folder, **{PLAYER_LOG: player_log(regular_games())})
    assert points_of_the_first_game([110, 101], newer=True) == [102, 100]


@pytest.mark.parametrize(
    "columns",
    [
        {"WL": [None, None], "PTS": [20, 22]},
        {"MIN": [60, 60]},
        {"MIN": 12.0},
    ],
)
def test_games_in_progress_are_left_out_and_counted(folder, columns):
    log = regular_games().assign(MIN=48 if columns.get("MIN") == 12.0 else 240)
    going = log.tail(2).assign(GAME_ID="0022300004", GAME_DATE="2023-10-28", **columns)
    write(folder, **{TEAM_LOG: pd.concat([log, going])})
    tables, report = read_raw(folder)
    assert len(tables.games) == 7
    check = {"game in progress": (2, "row 7: game_id 0022300004")}
    arithmetic = {"points are not": 2} if "PTS" in columns else {}
    check_warnings(report, TEAM_LOG, SHORT | check | arithmetic)


def test_a_team_that_plays_twice_on_a_date_is_an_error_that_names_the_zone(folder):
    """An evening game whose date is that of UTC, and an afternoon game on the next day."""
    log = team_log(("0022300001", "2023-11-04", BOS, CLE), ("0022300002", "2023-11-04", BOS, LAL))
    write(folder, **{TEAM_LOG: log})
    message = "twice on a date: row 1: game_date 2023-11-04, game_id.*UTC or another zone"
    check_errors(folder, f"{TEAM_LOG}.parquet", message)
    assert "remove" not in errors_of(folder)[0].remedy
    times = ["2023-11-04T00:30:00Z"] * 2 + ["2023-11-04T18:00:00Z"] * 2
    write(folder, **{TEAM_LOG: log.assign(GAME_DATE=times)})
    days = read_raw(folder)[0].games["game_date"].head(2).dt.day
    assert days.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("game", "kind"),
    [
        (("0042300401", "2024-01-06", BOS, CLE), "playoffs"),
        (("0022300004", "2024-06-06", BOS, CLE), "regular"),
        (("0022200004", "2023-10-30", BOS, CLE), "regular"),
    ],
)
def test_games_on_days_on_which_their_kind_is_not_played_are_errors(tmp_path, game, kind):
    folder = write(tmp_path / "raw", log=pd.concat([regular_games(), team_log(game)]))
    message = f"date on which no {kind} game of .* was played: row 7: GAME_DATE {game[1]}"
    check_errors(folder, "log.parquet", message)


def test_games_of_seasons_before_all_that_is_known_are_dropped(folder):
    write(folder, old=team_log(("0024600001", "1946-11-01", BOS, LAL)))
    tables, report = read_raw(folder)
    assert len(tables.games) == 7
    check_warnings(report, "old", {"dropped: game of a season before 1995-96": 2})


def test_an_id_beside_another_teams_abbreviation_is_an_error(folder):
    change(folder, TEAM_LOG, put("TEAM_ABBREVIATION", 2, "MIA"))
    check_errors(folder, f"{TEAM_LOG}.parquet", "another team's: row 2: .*TEAM_ABBREVIATION MIA")


def test_playoffs_after_half_a_season_are_an_error(folder, monkeypatch):
    monkeypatch.setattr(assemble, "MIN_SHARE_BEFORE_PLAYOFFS", 0.95)
    errors = errors_of(folder)
    assert "2023-24 has playoffs, but 3 of 1230 regular-season games" in errors[0].what


def test_one_fault_in_many_files_is_one_entry_and_warnings_are_shown_with_it(tmp_path):
    for number in range(5):
        log = put("AST", 1, -1)(regular_games()).assign(MIN=240)
        write(tmp_path / "raw", **{f"log_{number}": log})
    (tmp_path / "raw" / "Payrolls.csv").write_text("x\n")
    console = Console(file=io.StringIO(), width=200)
    with pytest.raises(IngestError, match="1 error in the raw data") as caught:
        ingest(tmp_path / "raw", tmp_path / "processed", console=console)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert "AST is negative, in 5 files: log_0.parquet (row 1" in lines[1]
    assert "and 2 more files" in lines[1]
    assert "log_3" not in lines[1]
    assert "Payrolls.csv" in console.file.getvalue()


def test_a_log_whose_games_all_lack_a_result_is_an_error(tmp_path):
    log = team_log(*((f"00223000{n}", f"2023-11-{n}", BOS, CLE) for n in range(10, 20)))
    folder = write(tmp_path / "raw", team_logs_2023_24=log.assign(WL=""))
    check_errors(folder, f"{TEAM_LOG}.parquet", "10 of 10 games have no WL.*Fill in WL")


def test_a_log_that_tells_no_home_team_is_an_error(tmp_path):
    games = [(f"00223000{n}", f"2023-11-{n}", BOS, CLE) for n in range(10, 30)]
    games += [(f"00223001{n}", f"2023-12-{n}", LAL, DEN) for n in range(10, 21)]
    log = team_log(*games)
    folder = write(tmp_path / "raw", team_logs_2023_24=log)
    assert len(read_raw(folder)[0].games) == 31
    nowhere = log["MATCHUP"].str.replace("vs.", "@")
    write(folder, team_logs_2023_24=log.assign(MATCHUP=nowhere))
    message = "MATCHUP tells no home team for 31 of 31 games.*reads like 'CLE vs. WAS'"
    check_errors(folder, f"{TEAM_LOG}.parquet", message)
    write(
        folder, team_logs_2023_24=log.assign(MATCHUP=nowhere.where(log.index < 30, log["MATCHUP"]))
    )
    assert read_raw(folder)[0].team_games["is_home"].sum() == 31


def test_an_old_season_without_a_champion_is_named(folder):
    write(folder, playoffs_team_logs_2023_24=finals(3))
    what = "playoffs without a champion, though a later season is there: games are missing"
    assert read_raw(folder)[1].count(what) == 0
    write(folder, team_logs_2024_25=team_log(("0022400001", "2024-10-22", BOS, CLE)))
    assert read_raw(folder)[1].count(what) == 1


def test_teams_with_games_too_few_or_too_many_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(assemble.league, "scheduled_games", lambda season: 3)
    days = [("2023-11-10", BOS, CLE), ("2023-11-11", BOS, CLE), ("2023-11-12", BOS, LAL),
            ("2023-11-13", BOS, CLE), ("2023-11-14", LAL, DEN)]  # fmt: skip
    games = [(f"002230000{place}", *day) for place, day in enumerate(days)]
    _, report = read_raw(write(tmp_path / "raw", team_logs_2023_24=team_log(*games)))
    (warning,) = [each for each in report.warnings if "of another length" in each.what]
    told = "2023-24: 5 games of 45, most teams 3, DEN 1, LAL 2, BOS 4"
    assert warning.examples == (told,)


@pytest.mark.parametrize(
    ("edit", "what", "count"),
    [
        (lambda log: log.drop(index=3), "one team row only", 1),
        (
            lambda log: pd.concat([log, log.tail(1).assign(**THIRD_TEAM)]),
            "more than two teams",
            3,
        ),
        (put("PTS", 3, None), "no final score", 2),
        (put("PTS", 3, 100), "no final score", 2),
    ],
)
def test_a_game_without_two_scores_is_excluded_with_file_and_row(folder, edit, what, count):
    change(folder, TEAM_LOG, edit)
    tables, report = read_raw(folder)
    assert "0022300002" not in set(tables.games["game_id"])
    (warning,) = [warning for warning in report.warnings if what in warning.what]
    assert (warning.file, warning.count) == (f"{TEAM_LOG}.parquet", count)
    assert warning.examples[0].startswith("row 3: game_id 0022300002")
    orphans = (4, f"row 5: game_id 0022300002, team_id {LAL}, player_name Player 470")
    check_warnings(report, PLAYER_LOG, {"no such team row": orphans})


def test_a_file_that_lost_many_second_rows_is_an_error(tmp_path):
    days = pd.date_range("2023-11-05", periods=40).astype("str")
    log = team_log(*((f"00223{n:05d}", day, BOS, CLE) for n, day in enumerate(days)))
    folder = write(tmp_path / "raw", team_logs_2023_24=log.iloc[12:])
    read_raw(folder)
    half = log[(log.index % 2 == 0) | (log.index > 11)]
    write(folder, team_logs_2023_24=half)
    with pytest.raises(IngestError, match="6 of 40 games lack a second team"):
        read_raw(folder)


@pytest.mark.parametrize("sign", ["@", "vs."])
def test_two_teams_on_one_side_are_a_neutral_site(folder, sign):
    def edit(log):
        return log.assign(MATCHUP=log["MATCHUP"].str.replace(r"@|vs\.", sign, regex=True))

    change(folder, TEAM_LOG, edit)
    tables, report = read_raw(folder)
    games = tables.games.set_index("game_id")
    assert games.loc["0022300001":"0022300003", "neutral_site"].all()
    assert games.loc["0022300002", ["home_team_id", "away_points"]].tolist() == [DEN, 102]
    check_warnings(report, TEAM_LOG, SHORT | {"neutral site": (6, "row 1:")})


def test_contradictions_are_counted_with_file_and_row(folder):
    contradictions = {
        TEAM_LOG: {
            "WL disagrees": (1, "WL", "L"),
            "more ftm than fta": (2, "FTA", 1),
            "names other teams": (3, "MATCHUP", "LAL vs. CLE"),
            "two dates": (4, "GAME_DATE", "2023-10-26"),
            "points are not": (5, "FGM", 41),
            "rebounds are not": (6, "OREB", 11),
        },
        PLAYER_LOG: {
            "do not add up to the team": (1, "PTS", 50),
            "without minutes": (2, "MIN", None),
            "another date": (3, "GAME_DATE", "2023-10-25"),
            "no player id": (4, "PLAYER_ID", None),
            "PLUS_MINUS rounded": (5, "PLUS_MINUS", 1.5),
        },
    }
    for name, changes in contradictions.items():
        for row, column, value in changes.values():
            change(folder, name, put(column, row, value))
    change(folder, PLAYER_LOG, lambda log: log[log["GAME_ID"] != "0022300003"])
    tables, report = read_raw(folder)
    assert len(tables.games) == 7
    seen = {
        name: {what: (1, f"row {row}:") for what, (row, *_) in changes.items()}
        for name, changes in contradictions.items()
    }
    # The date of the home row is taken, of the third.
    seen[TEAM_LOG] |= SHORT | {
        "two dates": (1, "row 3:"),
        "game without player rows": (1, "row 5:"),
    }
    seen[PLAYER_LOG] |= {"points are not": (1, "row 1:")}
    for name, expected in seen.items():
        check_warnings(report, name, expected)


def test_players_without_id_get_lasting_negative_ones(folder):
    log = player_log(regular_games()).assign(PLAYER_ID=None)
    write(folder, player_logs_2023_24=log)
    players = read_raw(folder)[0].player_games
    # Boston and Cleveland played first; then by name.
    ids = players.groupby("player_name")["player_id"].agg(set)
    assert (ids["Player 380"], ids["Player 391"]) == ({-1}, {-4})
    assert players["player_id"].lt(0).all()
    later = team_log(("0022400001", "2024-10-22", BOS, CLE))
    early = player_log(later).assign(PLAYER_ID=None, PLAYER_NAME="Aaron " + pd.Series(list("abcd")))
    write(folder, team_logs_2024_25=later, player_logs_2024_25=early)
    again = read_raw(folder)[0].player_games.query("season == '2023-24'")
    assert frame_hash(again) == frame_hash(players)


BROKEN = {
    "team_logs_2023_24": [
        ("GAME_ID", "final", "no game id: row 1: GAME_ID final"),
        ("GAME_ID", "0092300001", "no known kind: row 2"),
        ("GAME_DATE", "10/24/23", "no date .*another order.*: row 3: GAME_DATE 10/24/23"),
        ("GAME_DATE", None, "no date .empty.: row 4"),
        ("GAME_DATE", "2022-10-24", "outside its season: row 5"),
        ("TEAM_ID", 12, "unknown team id: row 6: TEAM_ID 12"),
        ("MATCHUP", "CLE and BOS", "matchup not understood: row 7"),
        ("MATCHUP", None, "matchup is empty: row 8"),
        ("AST", -1, "AST is negative: row 9: .*AST -1"),
        ("AST", 1.5, "AST is not whole: row 10"),
        ("AST", "many", "AST is no number: row 11: AST many"),
        ("MIN", -48.0, "MIN is negative: row 12"),
    ],
    "player_logs_2023_24": [
        ("MIN", -4.0, "MIN is negative: row 1: .*MIN -4.0"),
        ("MIN", 2040.0, "MIN is longer than a game: row 2"),
        ("MIN", "DNP", "MIN not understood: row 3"),
        ("PLAYER_NAME", None, None),  # other rows have the id's name
        ("PLAYER_ID", "x", "PLAYER_ID not understood: row 5"),
    ],
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_values_are_errors_with_file_and_row(folder, name):
    path = folder / f"{name}.parquet"
    log = pd.read_parquet(path).astype("object")
    log = pd.concat([log, log], ignore_index=True)
    for row, (column, value, _) in enumerate(BROKEN[name]):
        log.loc[row, column] = value
    log.to_csv(folder / f"{name}.csv", index=False)
    path.unlink()
    messages = [message for *_, message in BROKEN[name] if message is not None]
    check_errors(folder, f"{name}.csv", *messages)


def test_folders_without_a_regular_season_and_teams_of_another_season_are_errors(tmp_path):
    for _ in range(2):
        (error,) = errors_of(tmp_path / "raw")
        assert "Set data.raw_dir" in error.remedy
        (tmp_path / "raw").mkdir(exist_ok=True)
    folder = write(tmp_path / "raw", playoffs_team_logs_2023_24=finals())
    assert "2023-24 has no regular-season game" in errors_of(folder)[0].what
    log = put("TEAM_ABBREVIATION", 2, "CHA")(team_log(("0020200001", "2002-10-29", BOS, CLE)))
    log = put("TEAM_ID", 2, 1610612766)(log)
    folder = write(tmp_path / "old", team_logs_2002_03=log)
    check_errors(folder, "team_logs_2002_03.parquet", "team of another season: row 2")


def test_a_second_ingest_does_nothing(folder, tmp_path):
    processed = tmp_path / "processed"
    first = ingest(folder, processed)
    assert first.changed
    times = {path: path.stat().st_mtime_ns for path in processed.iterdir()}
    assert {path.name for path in times} == {
        "manifest.json", "quality.json", ".lock", *(f"{name}.parquet" for name in SCHEMA),
    }  # fmt: skip
    console = Console(file=io.StringIO(), width=80)
    second = ingest(folder, processed, console=console)
    assert not second.changed
    assert "up to date" in console.file.getvalue()
    assert second.report == first.report
    assert times == {path: path.stat().st_mtime_ns for path in processed.iterdir()}
    assert second.tables.hashes() == first.tables.hashes()
    assert ingest(folder, processed, force=True).changed


def test_whatever_changes_makes_the_tables_stale(folder, tmp_path, monkeypatch):
    processed = tmp_path / "processed"
    assert is_stale([folder], processed) == "there is no manifest"
    ingest(folder, processed)
    assert is_stale([folder], processed) is None

    def stale_after(path, content):
        """Say what is stale with another content of a file, and put the old one back."""
        before = path.read_bytes()
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        reason = is_stale([folder], processed)
        path.write_bytes(before)
        return reason

    teams, log = table_path(processed, "teams"), folder / "playoffs_team_logs_2023_24.parquet"
    games = table_path(processed, "games").read_bytes()
    assert stale_after(teams, games) == "table teams was altered"
    assert stale_after(teams, None) == "table teams is missing"
    assert "quality report" in stale_after(processed / "quality.json", b"{}")
    assert "cannot be read" in stale_after(processed / "manifest.json", b"{")
    assert stale_after(log, b"") == f"raw file {log.name} has changed"
    assert stale_after(log, None) == f"raw file {log.name} is gone"
    for name in ("Team_Records.csv", "injury_reports/season/2023-10-26.json", "rosters/a.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        assert is_stale([folder], processed) == f"raw file {name} is new"
        (folder / name).unlink()
    assert is_stale([folder], processed) is None
    assert manifest.code_version() == code_hash("nba_rank.data.ingest")
    monkeypatch.setattr(manifest, "code_version", lambda: "another")
    assert is_stale([folder], processed) == "the ingest code has changed"


def test_tables_of_other_code_are_made_again_even_if_one_is_unknown_to_it(folder, tmp_path):
    processed = tmp_path / "processed"
    ingest(folder, processed)
    table_path(processed, "rosters").unlink()
    place = processed / "manifest.json"
    old = json.loads(place.read_text()) | {"code": "another"}
    del old["tables"]["rosters"]
    place.write_text(json.dumps(old))
    with pytest.raises(UserError, match=r"no table \['rosters'\].*nba_rank\.ingest"):
        read_tables(processed)
    assert ingest(folder, processed).changed
    assert read_tables(processed).rosters.empty


def test_previous_tables_stay_when_an_ingest_fails(folder, tmp_path, monkeypatch):
    processed = tmp_path / "processed"
    ingest(folder, processed)
    before = file_hashes(processed)
    monkeypatch.setattr(quality.QualityReport, "to_json", lambda report: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ingest(folder, processed, force=True)
    assert file_hashes(processed) == before
    change(folder, TEAM_LOG, put("PTS", 1, -1))
    with pytest.raises(IngestError, match="PTS is negative"):
        ingest(folder, processed)
    assert file_hashes(processed) == before


def test_manifest_and_report_say_what_was_read(folder, tmp_path):
    change(folder, TEAM_LOG, lambda log: pd.concat([log, log.head(2)]))
    change(folder, PLAYER_LOG, lambda log: log.drop(columns="OREB").assign(PF=None))
    console = Console(file=io.StringIO(), width=80)
    place = tmp_path / "data" / "manifest.json"
    result = ingest(folder, tmp_path / "processed", manifest_path=place, console=console)
    printed = console.file.getvalue()
    for text in ("2023-24", "1230", "VIDEO_AVAILABLE", "duplicate rows removed", "row 7"):
        assert text in printed
    stored = quality.read_report(tmp_path / "data" / "quality.json")
    assert stored == result.report
    assert stored.count("duplicate rows removed") == 2
    assert list(stored.seasons[0].values()) == ["2023-24", 3, 1230, 0, 4, 4, 12, 8]
    record = next(file for file in stored.files if file.level == "player")
    assert record.missing == ["OREB", "VIDEO_AVAILABLE"]
    assert record.nulls == {"PF": 1.0}
    assert result.tables.player_games[["oreb", "pf"]].isna().all(axis=None)

    content = json.loads(place.read_text())
    name = "player_logs_2023_24.parquet"
    listed = {file["path"]: file for file in content["raw"]}
    assert listed[name] == {
        "path": name, "sha256": file_hash(folder / name), "rows": 12, "season": "2023-24",
        "kind": "regular", "level": "player",
    }  # fmt: skip
    games = table_path(tmp_path / "processed", "games")
    assert content["tables"]["games"] == {"sha256": file_hash(games), "rows": 7}


@pytest.mark.real
def test_real_counts_dates_and_defects(real_ingest):
    tables, report = real_ingest.tables, real_ingest.report
    seasons = tables.seasons.set_index("season")
    counts = {"2011-12": (990, 84), "2012-13": (1229, 85), "2019-20": (1059, 83),
              "2020-21": (1080, 85), "2023-24": (1230, 82)}  # fmt: skip
    for season, (regular, playoffs) in counts.items():
        columns = ["n_regular", "n_regular_expected", "n_playoffs"]
        assert seasons.loc[season, columns].tolist() == [regular, regular, playoffs]
    bubble = tables.games.query("season == '2019-20'")
    assert bubble["game_date"].max() == pd.Timestamp("2020-10-11")
    assert seasons.loc["2012-13", "first_date"] == pd.Timestamp("2012-10-30")
    assert seasons.loc["2023-24", "last_regular_date"] == pd.Timestamp("2024-04-14")
    assert report.count("duplicate rows removed") >= 22
    assert report.count("game without player rows") == 5
    teams = tables.teams.set_index(["season", "team_id"])["abbreviation"]
    assert (teams["2000-01", 1610612766], teams["2023-24", 1610612766]) == ("CHH", "CHA")
    assert (teams.groupby("season").size().loc["2004-05":] == 30).all()


def test_a_season_under_way_is_not_short_unless_a_team_is_far_behind():
    teams = sorted(league.team_ids("2023-24"))

    def under_way(n_games, kind="regular"):
        rows = [team for team, n in zip(teams, n_games, strict=True) for _ in range(n)]
        season = pd.DataFrame({"team_id": rows, "season": "2023-24", "kind": kind})
        return assemble._is_under_way(season, "2023-24")

    assert under_way([40] * 15 + [44] * 15)
    assert not under_way([40] * 29 + [20])
    assert not under_way([0] + [40] * 29)
    assert not under_way([82] * 28 + [81] * 2)
    assert not under_way([40] * 30, "playoffs")


def test_a_month_without_games_is_told():
    days = pd.to_datetime(["2023-11-29", "2023-11-30", "2024-01-01", "2024-01-02"])
    season = pd.DataFrame({"game_date": days, "kind": "regular"})
    issues = IngestIssues()
    assemble._warn_pause(season, "2023-24", "a", issues)
    assemble._warn_pause(season, "2019-20", "a", issues)
    assert [warning.examples for warning in issues.warnings] == [
        ("2023-24: none between 2023-11-30 and 2024-01-01",)
    ]


def test_a_nickname_that_two_clubs_have_had_is_not_another_team_s(tmp_path):
    log = regular_games().replace({"TEAM_ID": {CLE: 1610612740}})
    log = log.replace({"TEAM_NAME": {"The CLE": "Hornets"}, "TEAM_ABBREVIATION": {"CLE": "NOH"}})
    log["MATCHUP"] = log["MATCHUP"].str.replace("CLE", "NOH")
    tables, _ = read_raw(write(tmp_path / "raw", team_logs_2023_24=log))
    assert 1610612740 in set(tables.team_games["team_id"])


def test_a_name_of_another_team_is_refused(tmp_path):
    log = regular_games()
    log["TEAM_NAME"] = log["TEAM_NAME"].mask(log["TEAM_ID"] == CLE, "Boston Celtics")
    with pytest.raises(Exception, match="TEAM_NAME is another team's"):
        read_raw(write(tmp_path / "raw", team_logs_2023_24=log))
