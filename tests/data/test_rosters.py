from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from raw_issues import check_broken, check_errors, check_warnings
from raw_logs import BOS, CLE, DEN, LAL, player_log, put_rows, regular_games, write

from nba_rank.data import league, rosters
from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest import read_raw
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.rosters import identify_players, season_of_date, team_ids, without_first_day
from nba_rank.data.tables import conform

OPENING = "2023-10-24"
COLUMNS = ["DATE", "TEAM_ID", "TEAM_ABBREVIATION", "PLAYER_ID", "PLAYER_NAME"]


def put_roster(folder, *rows, name="opening_2023_24", columns=COLUMNS):
    put_rows(folder, f"rosters/{name}.csv", columns, rows)


def player(number, team=BOS, date=OPENING, name=None):
    return (date, team, None, number, name or f"Player {number}")


def listed(rosters):
    return list(zip(rosters["team_id"], rosters["player_id"], strict=True))


def test_a_roster_file_becomes_rows_of_its_date(folder):
    unnamed = [(OPENING, BOS, None, number, None) for number in (381, 998)]
    put_roster(folder, player(390, CLE), player(999, name="New Man"), player(380), *unnamed)
    tables, report = read_raw(folder)
    rosters = tables.rosters
    assert listed(rosters) == [(BOS, 380), (BOS, 381), (BOS, 998), (BOS, 999), (CLE, 390)]
    names = ["Player 380", "Lee Young", "", "New Man", "Player 390"]
    assert rosters["player_name"].tolist() == names
    assert set(rosters["date"]) == {pd.Timestamp(OPENING)}
    assert set(rosters["season"]) == {"2023-24"}
    check_warnings(report, "rosters/", {})
    (record,) = [file for file in report.files if file.level == "roster"]
    assert (record.path, record.level, record.season, record.rows) == (
        "rosters/opening_2023_24.csv", "roster", "2023-24", 5,
    )  # fmt: skip
    assert record.nulls == {"TEAM_ABBREVIATION": 1.0, "PLAYER_NAME": 0.4}


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (["date", "team", "player"], [("BOS", "player 380"), ("DEN", "Marcus O'Neal")]),
        (["Date", "Team_Id", "Player_Id"], [(BOS, "380.0"), (DEN, "430")]),
        (
            ["DATE", "TEAM", "PLAYER_NAME"],
            [("Boston Celtics", "PLAYER 380 "), ("den", "Marcus ONeal, Jr.")],
        ),
    ],
)
def test_every_way_to_write_a_roster_gives_the_same_players(folder, columns, rows):
    put_roster(folder, *(("10/24/2023", *row) for row in rows), columns=columns)
    rosters = read_raw(folder)[0].rosters
    assert listed(rosters) == [(BOS, 380), (DEN, 430)]
    assert set(rosters["date"]) == {pd.Timestamp(OPENING)}
    assert rosters["player_name"].ne("").all()


TEAMS = pd.DataFrame(
    {
        "season": ["2002-03", "2023-24", "2023-24"],
        "team_id": [CLE, BOS, 1610612746],
        "abbreviation": ["CLV", "BOS", "LAC"],
        "name": ["The CLE", "The BOS", "LA Clippers"],
    }
)


def teams_of(season, *names):
    """The teams that names mean in a season, and the errors."""
    rows = pd.DataFrame({"file": "x", "row": range(len(names)), "season": season, "team": names})
    issues = IngestIssues()
    return team_ids(rows, TEAMS, issues).tolist(), issues.errors


@pytest.mark.parametrize(
    ("season", "name", "abbreviation"),
    [
        ("2000-01", "Charlotte Hornets", "CHA"),
        ("2000-01", "Vancouver Grizzlies", "MEM"),
        ("2002-03", "New Orleans Hornets", "NOP"),
        ("2006-07", "New Orleans/Oklahoma City Hornets", "NOP"),
        ("2007-08", "Seattle SuperSonics", "OKC"),
        ("2008-09", "New Jersey Nets", "BKN"),
        ("2013-14", "Charlotte Bobcats", "CHA"),
        ("2014-15", "Charlotte Hornets", "CHA"),
        ("2023-24", "Los Angeles Clippers", "LAC"),
        ("2023-24", "la  clippers", "LAC"),
        ("2023-24", "PHILADELPHIA 76ERS", "PHI"),
        ("2023-24", "Portland Trail Blazers", "POR"),
        ("2023-24", "The BOS", "BOS"),
        ("2023-24", "bos", "BOS"),
        ("2023-24", f"{BOS}.0", "BOS"),
        ("2002-03", "CLV", "CLE"),
    ],
)
def test_a_team_has_every_name_that_it_had(season, name, abbreviation):
    ids = league.league_teams("2023-24").set_index("abbreviation")["team_id"]
    assert teams_of(season, name) == ([ids[abbreviation]], [])


def test_unknown_teams_and_teams_of_another_season_are_errors():
    assert teams_of("2023-24", "XYZ", "12")[1][0].examples == ("row 0: team XYZ", "row 1: team 12")
    _, (absent,) = teams_of("2002-03", "CLE", "Charlotte Bobcats")
    assert absent.what == "team of another season"
    assert absent.examples == ("row 1: team Charlotte Bobcats, season 2002-03",)


PLAYED = {
    "2018-06-30": None,
    "2018-07-01": "2018-19",
    "2019-06-13": "2018-19",
    "2019-06-14": "2019-20",
    "2020-10-11": "2019-20",  # the restart's Finals
    "2020-10-12": "2020-21",
    "2021-06-30": "2020-21",
    "2021-07-01": None,
}
WITHOUT_CHAMPION = {
    "2019-06-20": "2018-19",
    "2019-07-01": "2019-20",
    "2020-10-20": "2019-20",
    "2020-10-26": "2020-21",
}
WITH_A_GAP = {"2019-08-01": None, "2022-06-30": None, "2022-07-01": "2022-23"}


@pytest.mark.parametrize(
    ("expected", "seasons", "complete"),
    [
        (PLAYED, ["2018-19", "2019-20"], True),
        (WITHOUT_CHAMPION, ["2018-19", "2019-20"], False),
        (WITH_A_GAP, ["2018-19", "2022-23"], True),
    ],
)
def test_a_roster_is_of_the_season_that_is_played_or_comes_next(expected, seasons, complete):
    last = {"2018-19": "2019-06-13", "2019-20": "2020-10-11", "2022-23": "2023-06-12"}
    days = pd.to_datetime([last[season] for season in seasons])
    games = pd.DataFrame({"season": seasons, "game_date": days, "complete": complete})
    dates = pd.Series(pd.to_datetime([*expected]), index=range(3, 3 + len(expected)))
    found = season_of_date(dates, GameTables(games, games, games, games, games))
    assert found.index.equals(dates.index)
    assert found.astype("object").where(found.notna(), None).tolist() == [*expected.values()]


def test_a_season_that_was_stopped_goes_on_until_its_restart_is_played():
    stopped = pd.DataFrame(
        {"season": ["2019-20"], "game_date": pd.to_datetime(["2020-03-11"]), "complete": False}
    )
    dates = pd.Series(pd.to_datetime(["2020-08-13", "2020-12-22"]))
    found = season_of_date(dates, GameTables(*[stopped] * 5))
    assert found.tolist() == ["2019-20", "2020-21"]


def test_rosters_outside_the_game_logs_are_dropped_and_counted(folder):
    put_roster(folder, player(380), player(380, date="2022-10-18"), player(381, date="2024-10-22"))
    put_roster(folder, player(380, date="11/12/2023"), name="undecided")
    tables, report = read_raw(folder)
    assert tables.rosters["season"].tolist() == ["2023-24", "2023-24", "2024-25"]
    assert tables.rosters["date"].iloc[1] == pd.Timestamp(2023, 11, 12)
    check_warnings(report, "rosters/undecided.csv", {"read as month/day": 1})
    expected = {
        "without game logs": (1, "row 2: date 2022-10-18"),
        "file name disagrees with the date": 1,
    }
    check_warnings(report, "rosters/opening", expected)


def test_players_without_id_are_identified_by_name_or_dropped_and_counted(folder):
    put_roster(
        folder,
        player(None, BOS, name="lee young"),
        player(0, LAL, name="Lee  Young"),
        player(None, CLE, name="Lee Young"),
        player(None, DEN, name="Marcus O\u2019Neal"),
        player(None, DEN, name="No Body"),
        player(999, DEN, name="Also Nobody"),
    )
    tables, report = read_raw(folder)
    assert listed(tables.rosters) == [(BOS, 381), (DEN, 430), (DEN, 999), (LAL, 471)]
    expected = {
        "identified by name": 3,
        "several players have": (1, "row 3:"),
        "no game log names": (
            1,
            "row 5: date 2023-10-24, team 1610612743, player_name No",
        ),
    }
    check_warnings(report, "rosters/opening_2023_24.csv", expected)


def test_names_lead_to_the_ids_that_the_ingest_gave(folder):
    log = player_log(regular_games()).assign(PLAYER_ID=None, PLAYER_NAME="Same Name")
    write(folder, player_logs_2023_24=log.drop_duplicates("TEAM_ID"))
    put_roster(folder, player(None, CLE, name="Same Name"), player(None, LAL, name="Same Name"))
    tables, _ = read_raw(folder)
    ids = tables.player_games.groupby("team_id")["player_id"].first()
    assert (ids < 0).all()
    assert listed(tables.rosters) == [(CLE, ids[CLE]), (LAL, ids[LAL])]


def test_a_player_on_two_teams_belongs_to_the_last_one(folder):
    repeated = [player(381), player(None, name="Lee Young")]
    put_roster(folder, player(380, LAL), player(381), player(380), player(390, CLE), *repeated)
    put_roster(folder, player(390, DEN), name="z_late")
    put_roster(folder, player(380, LAL, date="2024-02-08"), name="deadline")
    tables, report = read_raw(folder)
    opening = tables.rosters[tables.rosters["date"] == OPENING]
    assert listed(opening) == [(BOS, 380), (BOS, 381), (DEN, 390)]
    assert len(tables.rosters) == 4
    expected = {"another team": (2, "row 1:"), "duplicate rows": 2, "identified by name": 1}
    check_warnings(report, "rosters/", expected)


def test_of_two_files_of_one_date_the_later_has_the_teams_it_lists(folder):
    put_roster(folder, player(380), player(381), player(390, CLE), name="a")
    put_roster(folder, player(381), player(999), name="b")
    tables, report = read_raw(folder)
    assert listed(tables.rosters) == [(BOS, 381), (BOS, 999), (CLE, 390)]
    check_warnings(report, "rosters/a.csv", {"a later file lists": 2})
    check_warnings(report, "rosters/b.csv", {})


def test_an_abbreviation_beside_an_id_is_only_compared(folder):
    put_roster(folder, (OPENING, BOS, "CLE", 380, "A"), (OPENING, BOS, "XXX", 381, "B"))
    tables, report = read_raw(folder)
    assert listed(tables.rosters) == [(BOS, 380), (BOS, 381)]
    example = f"row 1: team {BOS}, abbreviation CLE"
    check_warnings(report, "rosters/", {"TEAM_ABBREVIATION disagrees": (1, example)})


def test_broken_values_are_errors_with_file_and_row(folder):
    file = "rosters/opening_2023_24.csv"
    rows = [
        (player(380), None),
        (player(381, date=None), "no date .empty.: row 2: DATE nan"),
        (player(381, date="soon"), "no date .not understood.: row 3: DATE soon"),
        (player(381, None), "no team: row 4"),
        (player("Tatum"), "PLAYER_ID not understood: row 5: PLAYER_ID Tatum"),
        ((OPENING, BOS, None, None, None), "no player: row 6: .*; row 7"),
        ((OPENING, BOS, None, 0, " "), None),
    ]
    check_broken(folder, file, COLUMNS, rows)
    rows = [
        (player(380), None),
        (player(381, 12), r"unknown team: row 2: team 12\.0; row 3: team XYZ"),
        ((OPENING, None, "XYZ", 380, "A"), None),
    ]
    check_broken(folder, file, COLUMNS, rows)


@pytest.mark.parametrize("n", [2, 40])
def test_a_list_of_too_few_or_too_many_players_is_refused(folder, n, monkeypatch):
    monkeypatch.setattr(rosters, "LIST_SIZE", (8, 25))
    rows = [("2023-10-24", "BOS", 1000 + place, f"Man {place}") for place in range(n)]
    put_rows(folder, "rosters/a.csv", ["DATE", "TEAM", "PLAYER_ID", "PLAYER"], rows)
    message = f"fewer than 8 or more than 25 players: row 1: .*team BOS, players {n}"
    check_errors(folder, "rosters/a.csv", message)


def test_an_id_of_no_log_with_a_known_name_is_the_player_of_that_name(folder):
    rows = [("2023-10-24", "BOS", 99_380, "380, Player"), ("2023-10-24", "BOS", 7, "New Man")]
    put_rows(folder, "rosters/a.csv", ["DATE", "TEAM", "PLAYER_ID", "PLAYER"], rows)
    tables, report = read_raw(folder)
    assert tables.rosters["player_id"].tolist() == [7, 380]
    check_warnings(report, "rosters/", {"id that no game log has": (1, "row 1: date 2023-10-24")})


def test_a_file_none_of_whose_players_is_known_is_refused(folder):
    rows = [("2023-10-24", "BOS", f"Man {place}") for place in range(3)]
    put_rows(folder, "rosters/a.csv", ["DATE", "TEAM", "PLAYER"], rows)
    check_errors(folder, "rosters/a.csv", "no player of it is known")


@pytest.mark.real
def test_real_opening_rosters_list_players_of_the_logs(real_ingest):
    tables, report = real_ingest.tables, real_ingest.report
    rosters = tables.rosters
    assert len(rosters) == sum(file.rows for file in report.files if file.level == "roster")
    assert (rosters.groupby("season")["team_id"].nunique() == 30).all()
    days = rosters.groupby("season")["date"].agg(["min", "max"])
    assert len(days) == 12
    first_days = tables.seasons.set_index("season")["first_date"][days.index]
    assert (days["min"] == first_days).all()
    assert (days["max"] == first_days).all()
    assert rosters.groupby(["season", "team_id"]).size().between(8, 15).all()
    # Two players have no id; their names led to those that the ingest gave.
    assert report.count("player without id: identified by name") == 2
    nameless = rosters["player_id"] < 0
    assert nameless.sum() == 2
    of_player, of_name = ["season", "player_id"], ["season", "team_id", "player_id", "player_name"]
    for rows, keys in ((rosters, of_player), (rosters[nameless], of_name)):
        played = tables.player_games[keys].drop_duplicates()
        assert len(rows.merge(played, on=keys)) == len(rows)


def test_rosters_of_the_first_game_day_can_be_left_out(sim_tables):
    files = sim_tables.rosters
    opening = sim_tables.seasons.set_index("season")["first_date"]
    assert (files["date"] == files["season"].map(opening)).all()
    # A list of the camp's end is dated earlier, one of the season later; a coming season has no
    # games yet.
    day = pd.Timedelta(days=1)
    others = pd.concat(
        [
            files.assign(date=files["date"] - day),
            files.assign(date=files["date"] + day),
            files[files["season"] == "2023-24"].assign(
                season="2024-25", date=opening.max() + day * 340
            ),
        ]
    )
    tables = replace(sim_tables, rosters=conform("rosters", pd.concat([files, others])))
    got = without_first_day(tables).rosters
    pd.testing.assert_frame_equal(got, conform("rosters", others))


def test_ids_that_belong_to_other_players_are_another_source_s():
    names = [f"Al N{chr(97 + number)}" for number in range(10)]
    known = pd.DataFrame({"player_id": np.arange(10.0), "player_name": names, "season": "2023-24",
                          "team_id": BOS}).iloc[::-1]  # fmt: skip
    rows = known.assign(player_id=np.roll(known["player_id"], 1), file="r/a.csv", row=1, team=BOS)
    rows = rows.assign(date=pd.Timestamp("2023-10-24"), player_id=rows["player_id"] + 1)
    issues = IngestIssues()
    found = identify_players(rows, known.assign(player_id=known["player_id"] + 1), issues)
    assert (found["player_id"] - 1).tolist() == known["player_id"].tolist()
    assert any("give to other players" in warning.what for warning in issues.warnings)
