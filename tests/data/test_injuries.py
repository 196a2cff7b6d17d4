import json

import numpy as np
import pandas as pd
import pytest
from raw_issues import errors_of, found
from raw_logs import BOS, CLE, LAL, finals, player_log, regular_games, write

from nba_rank.core.content_hash import frame_hash
from nba_rank.data.ingest import ingest, is_stale, read_raw
from nba_rank.data.tables import SCHEMA, STATUSES


@pytest.fixture
def folder(tmp_path):
    """Sound logs of 2023-24: BOS - CLE, LAL - DEN, CLE - LAL, two players a team."""
    games = regular_games()
    return write(
        tmp_path / "raw",
        team_logs_2023_24=games,
        playoffs_team_logs_2023_24=finals(),
        player_logs_2023_24=player_log(games),
    )


def entry(player=380, name="Player 380", team=BOS, status="Out", reason="sore knee"):
    return {"player_id": player, "player_name": name, "team_id": team, "status": status,
            "reason": reason}  # fmt: skip


def put(folder, content, name="2023-10-25"):
    path = folder / "injury_reports" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def report_of(*entries, date="2023-10-25"):
    return {"date": date, "injuries": list(entries)}


def listed(folder):
    return read_raw(folder)[0].injury_reports


def test_without_reports_both_tables_are_there_and_empty(folder):
    tables = read_raw(folder)[0]
    for name in ("injury_reports", "injury_report_dates"):
        table = dict(tables.items())[name]
        assert table.empty
        assert table.dtypes.astype("str").to_dict() == SCHEMA[name]
    (folder / "injury_reports").mkdir()
    again = read_raw(folder)[0]
    assert frame_hash(again.injury_reports) == frame_hash(tables.injury_reports)


def test_reports_by_hand(folder):
    put(folder, report_of(entry(reason=" torn ACL "), entry(390, None, CLE, "PROBABLE", None)))
    tables, report = read_raw(folder)
    assert tables.injury_reports.dtypes.astype("str").to_dict() == SCHEMA["injury_reports"]
    day = pd.Timestamp("2023-10-25")
    assert tables.injury_reports.to_numpy().tolist() == [
        [day, "2023-24", 380, BOS, "Out", "torn ACL"],
        [day, "2023-24", 390, CLE, "Probable", ""],
    ]
    assert tables.injury_report_dates.to_numpy().tolist() == [[day, "2023-24"]]
    record = report.files[-1]
    assert (record.path, record.level) == ("injury_reports/2023-10-25.json", "injury_report")
    assert not [w for w in report.warnings if w.file.startswith("injury_reports/")]


def test_an_empty_report_is_a_healthy_league_and_a_day_without_one_is_not(folder):
    put(folder, report_of(date="2023-10-25"), "2023-10-25")
    put(folder, report_of(entry(), date="2023-10-27"), "2023-10-27")
    tables = read_raw(folder)[0]
    days = pd.to_datetime(["2023-10-25", "2023-10-27"])
    assert tables.injury_report_dates["date"].tolist() == days.tolist()
    assert tables.injury_reports["date"].tolist() == [days[1]]


def test_folders_of_files_and_files_of_several_reports_are_the_same(folder):
    first, second = report_of(entry(), date="2023-10-25"), report_of(date="2023-10-26")
    put(folder, [first, second], "2023_24")
    together = read_raw(folder)[0]
    (folder / "injury_reports" / "2023_24.json").unlink()
    put(folder, second, "season/2023-10-26")
    put(folder, first, "2023-10-25")
    apart = read_raw(folder)[0]
    for name in ("injury_reports", "injury_report_dates"):
        assert frame_hash(dict(together.items())[name]) == frame_hash(dict(apart.items())[name])


def test_the_order_of_entries_does_not_matter(folder):
    entries = [entry(), entry(390, team=CLE), entry(470, team=LAL)]
    put(folder, report_of(*entries))
    first = frame_hash(listed(folder))
    put(folder, report_of(*entries[::-1]))
    assert frame_hash(listed(folder)) == first


def test_of_two_reports_of_a_date_the_last_counts(folder):
    put(folder, report_of(entry(), date="2023-10-25"), "10-25 morning")
    put(folder, [report_of(entry(390, team=CLE)), report_of(entry(470, team=LAL))], "10-25 noon")
    tables, report = read_raw(folder)
    assert tables.injury_reports["player_id"].tolist() == [470]
    dropped = [w for w in report.warnings if "later injury report of the same date" in w.what]
    assert sum(warning.count for warning in dropped) == 2


def test_of_two_entries_of_a_player_the_last_counts(folder):
    put(folder, report_of(entry(status="Out"), entry(status="Doubtful")))
    tables, report = read_raw(folder)
    assert tables.injury_reports["status"].tolist() == ["Doubtful"]
    assert found(report, "lists the player again").count == 1


def test_players_without_id_are_told_by_name_or_counted(folder):
    put(folder, report_of(entry(None, "PLAYER 380"), entry(0, "No One"), entry("390", None, CLE)))
    tables, report = read_raw(folder)
    assert tables.injury_reports["player_id"].tolist() == [380, 390]
    assert found(report, "told by name").count == 1
    lost = found(report, "whom no game log names")
    assert (lost.file, lost.count) == ("injury_reports/2023-10-25.json", 1)
    assert lost.examples[0].startswith("row 2: ")


def test_namesakes_are_told_by_team_and_never_guessed(folder):
    log = player_log(regular_games())
    log["PLAYER_NAME"] = log["PLAYER_NAME"].replace(
        {"Player 380": "Al Twin", "Player 390": "Al Twin", "Player 470": "Bo Twin",
         "Player 471": "Bo Twin"}
    )  # fmt: skip
    log.to_parquet(folder / "player_logs_2023_24.parquet")
    put(folder, report_of(entry(None, "Al Twin", CLE), entry(None, "Bo Twin", LAL)))
    tables, report = read_raw(folder)
    assert tables.injury_reports["player_id"].tolist() == [390]
    assert found(report, "several players have").count == 1


@pytest.mark.parametrize(
    ("written", "status"),
    [("out", "Out"), ("Game Time  Decision", "Questionable"), ("Day-To-Day", "Questionable"),
     ("Suspension", "Out"), ("AVAILABLE", "Available"), ("doubtful ", "Doubtful")],
)  # fmt: skip
def test_a_status_is_understood_in_what_words_it_comes(folder, written, status):
    put(folder, report_of(entry(status=written)))
    assert listed(folder)["status"].tolist() == [status]
    assert status in STATUSES


def test_a_team_may_be_an_abbreviation_or_a_name(folder):
    put(folder, report_of(entry(team="BOS"), entry(390, team="Cleveland Cavaliers")))
    assert listed(folder)["team_id"].tolist() == [BOS, CLE]


def test_a_report_of_a_season_without_logs_is_left_out_and_counted(folder):
    put(folder, report_of(entry(), date="2016-01-01"), "2016-01-01")
    tables, report = read_raw(folder)
    assert tables.injury_report_dates.empty
    assert found(report, "season without game logs").count == 1


@pytest.mark.parametrize(
    ("content", "what", "row"),
    [
        (report_of(entry(), entry(status="Fine")), "unknown status", 2),
        (report_of(entry(status=None)), "unknown status", 1),
        (report_of(entry(team=None)), "unknown team", 1),
        (report_of(entry(team=17)), "unknown team", 1),
        (report_of(entry(player="x1")), "player_id not understood", 1),
        (report_of(entry(player=None, name=" ")), "entry without player", 1),
        ({"date": "soon", "injuries": []}, "report without date", 0),
        ({"date": "2023-10-25", "injuries": None}, "injuries not understood", 1),
        ({"date": "2023-10-25", "injuries": ["Al"]}, "injuries not understood", 1),
    ],
)
def test_what_cannot_be_understood_is_refused_with_file_and_row(folder, content, what, row):
    put(folder, content)
    (error,) = errors_of(folder)
    assert (error.file, error.what) == ("injury_reports/2023-10-25.json", what)
    assert error.examples[0].startswith(f"row {row}: ")
    assert error.remedy


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"date": "2023', "cannot be read"),
        ("[1, 2]", "neither an object nor a list of objects"),
        ('{"date": "2023-10-25"}', "lacks the columns INJURIES"),
    ],
)
def test_a_broken_file_is_named(folder, content, reason):
    put(folder, content)
    (error,) = errors_of(folder)
    assert reason in str(error)
    assert error.file == "injury_reports/2023-10-25.json"


def test_a_new_report_makes_tables_stale(folder, tmp_path):
    put(folder, report_of(entry()))
    ingest(folder, tmp_path / "processed")
    assert is_stale(folder, tmp_path / "processed") is None
    put(folder, report_of(date="2023-10-26"), "2023-10-26")
    stale = is_stale(folder, tmp_path / "processed")
    assert stale == "raw file injury_reports/2023-10-26.json is new"


@pytest.mark.real
def test_the_real_reports_list_who_does_not_play(real_ingest):
    tables = real_ingest.tables
    reports = tables.injury_reports
    if reports.empty:
        pytest.skip("no injury reports in the raw folder")
    assert set(reports["status"]) <= set(STATUSES)
    per_day = reports.groupby("date").size().reindex(tables.injury_report_dates["date"])
    assert per_day.median() > 40
    games = tables.team_games[["game_date", "team_id"]].rename(columns={"game_date": "date"})
    played = tables.player_games[["game_date", "player_id"]].rename(columns={"game_date": "date"})
    asked = reports.merge(games, on=["date", "team_id"])
    share = asked.merge(played, on=["date", "player_id"]).shape[0] / len(asked)
    assert share < 0.02
    assert np.isfinite(share)
