import json

import pandas as pd
import pytest
from raw_issues import check_errors, check_warnings, errors_of
from raw_logs import BOS, CLE, LAL, put_rows

from nba_rank.data.ingest import read_raw
from nba_rank.data.injuries import _CLOCK, _on_24_hours
from nba_rank.data.tables import STATUSES


def entry(player=380, name="Player 380", team=BOS, status="Out", reason="sore knee"):
    return {"player_id": player, "player_name": name, "team_id": team, "status": status,
            "reason": reason}  # fmt: skip


def put(folder, content, name="2023-10-25"):
    path = folder / "injury_reports" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def report_of(*entries, date="2023-10-25"):
    return {"date": date, "injuries": list(entries)}


def test_reports_by_hand(folder):
    entries = [
        entry(None, "PLAYER 380", reason=" torn ACL "),
        entry(390, None, "Cleveland Cavaliers", "PROBABLE", None),
        entry("391", None, "CLE"),
        entry(0, "No One"),
    ]
    put(folder, report_of(*entries))
    put(folder, report_of(date="2023-10-27"), "2023-10-27")
    tables, report = read_raw(folder)
    days = pd.to_datetime(["2023-10-25", "2023-10-27"])
    assert tables.injury_reports.to_numpy().tolist() == [
        [days[0], "2023-24", 380, BOS, "Out", "torn ACL"],
        [days[0], "2023-24", 390, CLE, "Probable", ""],
        [days[0], "2023-24", 391, CLE, "Out", "sore knee"],
    ]
    # The second report says that all are fit; of the day between nothing is known.
    assert tables.injury_report_dates["date"].tolist() == days.tolist()
    record = next(file for file in report.files if file.path.endswith("2023-10-25.json"))
    assert (record.rows, record.nulls) == (1, {})
    expected = {"identified by name": 1, "whom no game log names": (1, "row 4: ")}
    check_warnings(report, "injury_reports/2023-10-25.json", expected)
    check_warnings(report, "injury_reports/2023-10-27.json", {})


def test_official_reports_are_read_and_the_last_snapshot_counts(folder):
    def official(name, status, team="Boston Celtics", reason="Injury/Illness - Knee; Soreness"):
        return {
            "Game Date": "10/25/2023", "Game Time": "07:30 (ET)", "Matchup": "BOS@CLE",
            "Team": team, "Player Name": name, "Current Status": status, "Reason": reason,
        }  # fmt: skip

    silent = official(None, None, "Cleveland Cavaliers", "NOT YET SUBMITTED")
    put(folder, [official("380, Player", "Questionable"), silent], "2023-10-25 01PM")
    put(
        folder,
        [official("380, Player", "Out"), official("390, Player", "Out", "CLE")],
        "2023-10-25 05PM",
    )
    tables, report = read_raw(folder)
    assert tables.injury_reports["player_id"].tolist() == [380, 390]
    assert set(tables.injury_reports["status"]) == {"Out"}
    what = "team that had not yet submitted its injuries: nothing is known of its players"
    assert report.count(what) == 1
    # The last snapshot has them.
    assert tables.unreported_teams.empty
    put(folder, [official("380, Player", "Out"), silent], "2023-10-25 07PM")
    unreported = read_raw(folder)[0].unreported_teams.to_numpy().tolist()
    assert unreported == [[pd.Timestamp("2023-10-25"), "2023-24", CLE]]
    table = pd.DataFrame([official("380, Player", "Out"), official("390, Player", "Out", "CLE")])
    for path in (folder / "injury_reports").iterdir():
        path.unlink()
    put(folder, report_of(date="2023-10-27"), "2023-10-27")
    table.to_csv(folder / "injury_reports" / "all.csv", index=False)
    assert read_raw(folder)[0].injury_reports.equals(tables.injury_reports)


@pytest.mark.parametrize("name", ["Injury-Report_2023-10-12_{}", "2023-10-25_{}", "20231012 {}"])
def test_reports_of_a_day_are_in_the_order_of_their_hours(name):
    hours = ["12AM", "08AM", "11_30AM", "12PM", "12_15PM", "05PM", "11PM"]
    written = [name.format(hour) for hour in hours]
    assert sorted(written, key=lambda each: _CLOCK.sub(_on_24_hours, each)) == written


def test_the_official_table_writes_date_and_team_once(folder):
    rows = [("10/25/2023", "BOS@CLE", "Cleveland Cavaliers", "390, Player", "Out", "Knee"),
            (None, None, None, "391, Player", "Doubtful", "Foot"),
            (None, None, "Boston Celtics", None, None, "NOT YET SUBMITTED"),
            (None, "LAL@DEN", "Los Angeles Lakers", "470, Player", "Available", "Toe")]  # fmt: skip
    columns = ["Game Date", "Matchup", "Team", "Player Name", "Current Status", "Reason"]
    put_rows(folder, "injury_reports/2023-10-25_05PM.csv", columns, rows)
    tables, _ = read_raw(folder)
    listed = tables.injury_reports[["player_id", "team_id", "status"]].to_numpy().tolist()
    assert listed == [[390, CLE, "Out"], [391, CLE, "Doubtful"], [470, LAL, "Available"]]
    assert tables.unreported_teams["team_id"].tolist() == [BOS]


def test_nothing_is_known_of_a_team_without_report_unless_its_last_list_was_kept(folder):
    kept = report_of(entry(390, None, CLE)) | {"not_submitted": [BOS, CLE]}
    put(folder, kept)
    tables, _ = read_raw(folder)
    assert tables.unreported_teams["team_id"].tolist() == [BOS]
    assert tables.injury_reports["player_id"].tolist() == [390]


def test_reports_are_read_from_json_lines(folder):
    reports = [report_of(entry()), report_of(entry(390, team=CLE), date="2023-10-27")]
    place = folder / "injury_reports" / "all.jsonl"
    place.parent.mkdir()
    place.write_text("\n".join(map(json.dumps, reports)))
    assert read_raw(folder)[0].injury_reports["player_id"].tolist() == [380, 390]


def test_a_day_whose_entries_were_all_dropped_is_not_a_healthy_day(folder):
    put(folder, report_of(entry(None, "Nobody Known")))
    put(folder, report_of(entry(380), date="2023-10-27"), "2023-10-27")
    tables, report = read_raw(folder)
    assert tables.injury_report_dates["date"].dt.day.tolist() == [27]
    what = "dropped: report none of whose players is known: nothing is known of the day"
    assert report.count(what) == 1
    put(folder, report_of(entry(None, "No One"), date="2023-10-27"), "2023-10-27")
    assert "no player of the reports is known" in errors_of(folder)[0].what


def test_the_last_report_of_a_date_and_the_last_entry_of_a_player_count(folder):
    put(folder, report_of(entry(), date="2023-10-25"), "10-25 morning")
    last = report_of(entry(470, team=LAL), entry(470, team=LAL, status="Doubtful"))
    put(folder, [report_of(entry(390, team=CLE)), last], "10-25 noon")
    put(folder, report_of(entry(), date="2016-01-01"), "2016-01-01")
    tables, report = read_raw(folder)
    listed = tables.injury_reports[["player_id", "status"]]
    assert listed.to_numpy().tolist() == [[470, "Doubtful"]]
    assert len(tables.injury_report_dates) == 1
    expected = {
        "later injury report of the same date": 2,
        "lists the player again": 1,
        "season without game logs": 1,
    }
    check_warnings(report, "injury_reports/", expected)


def test_other_words_for_a_status_are_understood(folder):
    expected = {
        "out": "Out", "Game Time  Decision": "Questionable", "Day-To-Day": "Questionable",
        "Suspension": "Out", "AVAILABLE": "Available", "doubtful ": "Doubtful",
        "Out indefinitely": "Out", "Expected to be out until Nov 5": "Out", "Q": "Questionable",
        "O": "Out", "Game-Time Decision": "Questionable", "Injured Reserve": "Out",
    }  # fmt: skip
    entries = [entry(number, status=status) for number, status in enumerate(expected, start=380)]
    put(folder, report_of(*entries))
    assert read_raw(folder)[0].injury_reports["status"].tolist() == [*expected.values()]


def test_broken_entries_are_errors_with_file_and_row(folder):
    entries = [
        entry(status="Fine"), entry(status=None), entry(team=None), entry(team=17), entry("x1"),
        entry(None, " "),
    ]  # fmt: skip
    undated = {"date": "soon", "injuries": []}
    put(folder, [report_of(*entries), undated])
    check_errors(
        folder,
        "injury_reports/2023-10-25.json",
        "report without date: row 0: written_date soon",
        "unknown status: row 1: .*status Fine; row 2",
        "unknown team: row 3: .*; row 4: team 17",
        "player_id not understood: row 5: .*player_id x1",
        "entry without player: row 6",
    )


@pytest.mark.real
def test_the_real_reports_list_who_does_not_play(real_ingest):
    tables = real_ingest.tables
    reports = tables.injury_reports
    if reports.empty:
        pytest.skip("no injury reports in the raw folder")
    assert set(reports["status"]) <= set(STATUSES)
    per_day = reports.groupby("date").size().reindex(tables.injury_report_dates["date"])
    assert per_day.median() > 40
    team_games, player_games = (
        rows.rename(columns={"game_date": "date"})
        for rows in (tables.team_games, tables.player_games)
    )
    asked = reports.merge(team_games[["date", "team_id"]], on=["date", "team_id"])
    played = asked.merge(player_games[["date", "player_id"]], on=["date", "player_id"])
    assert len(played) < 0.02 * len(asked)
