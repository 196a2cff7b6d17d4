import pytest
from raw_issues import check_broken, check_warnings
from raw_logs import BOS, CLE, player_log, put_rows, regular_games, write

from nba_rank.data.ingest import read_raw

RECORDS = ["Season", "Team", "W", "L", "MOV", "SOS", "SRS"]
RAPTOR = ["player_name", "player_id", "season", "season_type", "team", "mp",
          "raptor_offense", "raptor_defense"]  # fmt: skip
BKN = 1610612751


def put_records(folder, *rows, name="Team_Records.csv"):
    put_rows(folder, name, RECORDS, rows)


def put_raptor(folder, *rows):
    put_rows(folder, "modern_RAPTOR_by_team.csv", RAPTOR, rows)


def rating(name, team="BOS", minutes=100, offense=1.0, defense=0.0, key=None, **more):
    """A row of the file; `more` may hold the year and the kind of season."""
    key = key or name.lower().replace(" ", "")
    year, kind = more.get("season", 2024), more.get("kind", "RS")
    return (name, key, year, kind, team, minutes, offense, defense)


def test_records_by_hand(folder):
    put_records(
        folder,
        ("2023-24", "Boston Celtics*", 1.0, 0.0, 2.5, -0.25, 2.25),
        ("2023-24", " cleveland  cavaliers ", 1, 1, -3, 0, -3),
    )
    tables, report = read_raw(folder)
    assert tables.team_records.to_numpy().tolist() == [
        ["2023-24", BOS, 1, 0, 2.5, -0.25, 2.25],
        ["2023-24", CLE, 1, 1, -3.0, 0.0, -3.0],
    ]
    check_warnings(report, "Team_Records", {})


def test_several_files_are_joined_and_contradicted_records_are_kept_and_counted(folder):
    row = ("2022-23", "Boston Celtics", 57, 25, 6.5, 0.0, 6.5)
    put_records(folder, row, name="Team_Records_a.csv")
    nets = ("2007-08", "New Jersey Nets", 34, 48, 0, 0, 0)
    put_records(folder, row, nets, name="team_records_b.parquet")
    put_records(folder, ("2023-24", "Boston Celtics", 2, 0, 0, 0, 0))
    tables, report = read_raw(folder)
    assert tables.team_records[["season", "team_id", "wins"]].to_numpy().tolist() == [
        ["2007-08", BKN, 34], ["2022-23", BOS, 57], ["2023-24", BOS, 2],
    ]  # fmt: skip
    example = "row 1: season 2023-24, team Boston Celtics, wins 2.0, losses 0.0, games_won 1"
    check_warnings(report, "Team_Records.csv", {"W and L disagree": (1, example)})
    check_warnings(report, "team_records_b", {"duplicate rows removed": 1})


def test_broken_records_are_errors_with_file_and_row(folder):
    file = "Team_Records.csv"
    rows = [
        (("2023-24", "Denver Nuggets", 0, 1, 0, 0, 0), None),
        (("2023", "Boston Celtics", 1, 0, 0, 0, 0), "no season: row 2"),
        (("2023-24", "*", 1, 0, 0, 0, 0), "no team: row 3"),
        (("2023-24", "Boston Celtics", 83, 0, 0, 0, 0), "impossible W: row 4"),
        (("2023-24", "Boston Celtics", 1, 0.5, 0, 0, 0), "impossible L: row 5"),
        (("2023-24", "Boston Celtics", 1, 0, "x", 0, 0), "MOV is no number: row 6"),
        (("2023-24", "Boston Celtics", 1, 0, 0, 0, None), "SRS is no number: row 7"),
    ]
    check_broken(folder, file, RECORDS, rows)
    rows = [
        (("2023-24", "Boston Celtics", 1, 0, 1, 0, 0), "other figures of the same: row 1.*row 2"),
        (("2023-24", "Boston Celtics", 1, 0, 2, 0, 0), None),
        (("2023-24", "Seattle Kraken", 1, 0, 0, 0, 0), "unknown team: row 3"),
    ]
    check_broken(folder, file, RECORDS, rows)


# RAPTOR. The logs know Player 380 and 381 of BOS, 390 and 391 of CLE, and so on.


def test_raptor_of_a_season_is_weighted_by_minutes_over_teams_and_playoffs(folder):
    put_raptor(
        folder,
        rating("Player 380", "BOS", 300, offense=4.0, defense=-1.0),
        rating("Player 380", "PHO", 100, offense=0.0, defense=3.0),
        rating("Player 380", "BOS", 100, offense=-1.0, defense=0.0, kind="PO"),
        rating("player 390", "CLE", 10, offense=1.0),
    )
    tables, report = read_raw(folder)
    assert tables.raptor.to_numpy().tolist() == [
        ["2023-24", 380, 500.0, (4.0 * 300 - 100) / 500, 0.0],
        ["2023-24", 390, 10.0, 1.0, 0.0],
    ]
    check_warnings(report, "modern_RAPTOR", {})


def test_namesakes_are_identified_by_team_or_dropped_but_never_guessed(folder):
    names = {380: "Al Twin", 390: "Al Twin", 470: "Bo Twin", 471: "Bo Twin"}
    write(folder, player_logs_2023_24=player_log(regular_games(), names))
    put_raptor(
        folder,
        rating("Al Twin", "BOS", key="twinal01", offense=1.0),
        rating("Al Twin", "CLE", key="twinal02", offense=2.0),
        rating("Bo Twin", "LAL", key="twinbo01"),
    )
    tables, report = read_raw(folder)
    offense = tables.raptor.set_index("player_id")["raptor_offense"]
    assert offense.to_dict() == {380: 1.0, 390: 2.0}
    check_warnings(report, "modern_RAPTOR", {"name that several players have": 1})


def test_ids_with_one_name_unknown_names_and_other_seasons_are_dropped_and_counted(folder):
    put_raptor(
        folder,
        rating("Player 380", key="one"),
        rating("Player 380", key="two"),
        rating("Nobody Known"),
        # A suffix that the logs lack is no other name.
        rating("Player 390 Jr."),
        rating("Player 390", season=2023),
    )
    tables, report = read_raw(folder)
    assert tables.raptor[["season", "player_id"]].to_numpy().tolist() == [["2023-24", 390]]
    expected = {
        "several ids with one name": 2,
        "whom no game log names": (1, "row 3: season 2023-24, team BOS, player_name Nobody Known"),
        "season without player logs": 1,
    }
    check_warnings(report, "modern_RAPTOR", expected)


def test_a_name_of_another_season_is_no_match(folder):
    games = regular_games()
    write(folder, player_logs_2023_24=player_log(games, {380: "Cy Elder"}))
    old = games.assign(
        GAME_ID=games["GAME_ID"].str.replace("00223", "00222"), SEASON_ID="22022",
        GAME_DATE=games["GAME_DATE"].str.replace("2023", "2022"),
    )  # fmt: skip
    others = player_log(old).assign(PLAYER_ID=lambda rows: rows["PLAYER_ID"] + 5)
    write(folder, team_logs_2022_23=old, player_logs_2022_23=others)
    put_raptor(folder, rating("Cy Elder Jr.", season=2023), rating("Cy Elder"))
    table = read_raw(folder)[0].raptor
    assert table[["season", "player_id"]].to_numpy().tolist() == [["2023-24", 380]]


def test_broken_raptor_rows_are_errors_with_file_and_row(folder):
    changes = [
        ({"season": 24}, "no season: row 1.*row 2"),
        ({"season": "2023-24"}, None),
        ({"season_type": "XX"}, "unknown season type: row 3"),
        ({"mp": -1}, "negative minutes: row 4"),
        ({"raptor_offense": "x"}, "RAPTOR_OFFENSE is no number: row 5"),
        ({"player_id": None}, "no PLAYER_ID: row 6"),
        ({"player_name": " "}, "no PLAYER_NAME: row 7"),
    ]
    sound = dict(zip(RAPTOR, rating("Player 390", "CLE"), strict=True))
    rows = [(tuple((sound | change).values()), message) for change, message in changes]
    check_broken(folder, "modern_RAPTOR_by_team.csv", RAPTOR, rows)


@pytest.mark.real
def test_the_real_files_fit_the_game_logs(real_ingest):
    tables, report = real_ingest.tables, real_ingest.report
    records = tables.team_records
    if records.empty or tables.raptor.empty:
        pytest.skip("no Team_Records or RAPTOR in the raw folder")
    assert len(records) == len(tables.teams)
    assert report.count("W and L disagree with the game logs; the row is kept") == 0
    regular = tables.team_games[tables.team_games["kind"] == "regular"]
    points = regular.groupby(["season", "team_id"])[["points", "opponent_points"]].mean()
    mov = records.set_index(["season", "team_id"])["mov"]
    assert (mov - points["points"] + points["opponent_points"]).abs().max() < 0.0051
    # The season's players are matched but for a handful, and their minutes are those of the logs.
    unmatched = sum(w.count for w in report.warnings if w.what.startswith("dropped: RAPTOR"))
    assert unmatched < 0.004 * 7289
    played = tables.player_games.groupby(["season", "player_id"])["seconds"].sum() / 60
    minutes = tables.raptor.set_index(["season", "player_id"])["minutes"]
    apart = (minutes - played[minutes.index]).abs()
    assert (apart < 10).mean() > 0.98
