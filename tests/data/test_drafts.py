import pytest
from raw_issues import check_broken, check_warnings
from raw_logs import put_rows

from nba_rank.data.ingest import read_raw

FILE = "players/players.csv"
COLUMNS = ["PLAYER_ID", "PLAYER_NAME", "DRAFT_YEAR", "DRAFT_NUMBER", "TO_YEAR"]


@pytest.fixture(autouse=True)
def folder_of_players(folder):
    (folder / "players").mkdir()


def test_drafted_players_by_hand(folder):
    rows = [
        (7, "A", 2003.0, 1.0, 2012), (5, "B", "2019", "60", None),
        (6, "undrafted", None, None, 2020), (8, "of unknown pick", 2001, None, 2020),
    ]  # fmt: skip
    put_rows(folder, FILE, COLUMNS, [*rows, rows[0]])
    tables, report = read_raw(folder)
    assert tables.drafts.to_numpy().tolist() == [["2019-20", 5, 60], ["2003-04", 7, 1]]
    assert tables.until("2018-19").drafts["player_id"].tolist() == [7]
    check_warnings(report, FILE, {"duplicate rows removed": 1})


def test_players_as_the_league_lists_them(folder):
    index = [(7, 2003, 1), (6, "Undrafted", "Undrafted"), (9, None, None)]
    put_rows(folder, FILE, ["PERSON_ID", "DRAFT_YEAR", "DRAFT_NUMBER"], index)
    history = [(5, 2019, 60)]
    put_rows(folder, "players/players_2.csv", ["PERSON_ID", "SEASON", "OVERALL_PICK"], history)
    assert read_raw(folder)[0].drafts.to_numpy().tolist() == [["2019-20", 5, 60], ["2003-04", 7, 1]]


def test_broken_rows_are_errors_with_file_and_row(folder):
    rows = [
        ((7, "A", 2003, 1, None), None),
        ((None, "B", 2003, 2, None), "no player: row 2"),
        ((9, "C", 2003.5, 3, None), "impossible DRAFT_YEAR: row 3"),
        ((10, "D", 2003, 0, None), "impossible DRAFT_NUMBER: row 4"),
        ((11, "E", 2003, "first", None), "DRAFT_NUMBER is no number: row 5"),
    ]
    check_broken(folder, FILE, COLUMNS, rows)
    rows = [
        ((7, "A", 2003, 1, None), "other figures of the same: row 1.*row 2"),
        ((7, "A", 2003, 2, None), None),
    ]
    check_broken(folder, FILE, COLUMNS, rows)
