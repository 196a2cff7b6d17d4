import pandas as pd
import pytest
from raw_issues import errors_of, found
from raw_logs import BOS, CLE, DEN, LAL, finals, player_log, regular_games, write

from nba_rank.core.content_hash import frame_hash
from nba_rank.data.ingest import ingest, is_stale, read_raw
from nba_rank.data.tables import SCHEMA

RECORDS = ["Season", "Team", "W", "L", "MOV", "SOS", "SRS"]
RAPTOR = ["player_name", "player_id", "season", "season_type", "team", "mp",
          "raptor_offense", "raptor_defense"]  # fmt: skip
CHA, BKN, OKC, NOP = 1610612766, 1610612751, 1610612760, 1610612740


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


def put_records(folder, *rows, name="Team_Records.csv", columns=RECORDS):
    pd.DataFrame(rows, columns=columns).to_csv(folder / name, index=False)


def put_raptor(folder, *rows, name="modern_RAPTOR_by_team.csv", columns=RAPTOR):
    pd.DataFrame(rows, columns=columns).to_csv(folder / name, index=False)


def rating(name, team="BOS", minutes=100, offense=1.0, defense=0.0, key=None, **more):
    """A row of the file; `more` may hold the year and the kind of season."""
    key = key or name.lower().replace(" ", "")
    year, kind = more.get("season", 2024), more.get("kind", "RS")
    return (name, key, year, kind, team, minutes, offense, defense)


def raptor_of(folder):
    table = read_raw(folder)[0].raptor
    return {row.player_id: row for row in table.itertuples()}


def ratings_warnings(report):
    return [warning.what for warning in report.warnings if "logs" not in warning.file]


def test_without_files_both_tables_are_there_and_empty(folder):
    tables = read_raw(folder)[0]
    for name in ("team_records", "raptor"):
        table = dict(tables.items())[name]
        assert table.empty
        assert table.dtypes.astype("str").to_dict() == SCHEMA[name]
    put_records(folder)
    put_raptor(folder)
    again, report = read_raw(folder)
    assert frame_hash(again.team_records) == frame_hash(tables.team_records)
    assert frame_hash(again.raptor) == frame_hash(tables.raptor)
    assert len([warning for warning in report.warnings if warning.what == "has no rows"]) == 2


# Team records.


def test_records_by_hand(folder):
    put_records(
        folder,
        ("2023-24", "Boston Celtics*", 1.0, 0.0, 2.5, -0.25, 2.25),
        ("2023-24", " cleveland  cavaliers ", 1, 1, -3, 0, -3),
    )
    tables, report = read_raw(folder)
    assert tables.team_records.dtypes.astype("str").to_dict() == SCHEMA["team_records"]
    assert tables.team_records.to_numpy().tolist() == [
        ["2023-24", BOS, 1, 0, 2.5, -0.25, 2.25],
        ["2023-24", CLE, 1, 1, -3.0, 0.0, -3.0],
    ]
    assert ratings_warnings(report) == []
    assert [file.rows for file in report.files if file.level == "team_records"] == [2]


@pytest.mark.parametrize(
    ("season", "name", "team"),
    [
        ("2000-01", "Charlotte Hornets*", CHA),
        ("2002-03", "New Orleans Hornets", NOP),
        ("2005-06", "New Orleans/Oklahoma City Hornets", NOP),
        ("2007-08", "Seattle SuperSonics", OKC),
        ("2008-09", "New Jersey Nets", BKN),
        ("2013-14", "Charlotte Bobcats*", CHA),
        ("2014-15", "Charlotte Hornets", CHA),
        ("2023-24", "LA Clippers", 1610612746),
        ("2023-24", "Los Angeles Clippers", 1610612746),
        ("2023-24", "DEN", DEN),
        ("2023-24", str(LAL), LAL),
    ],
)
def test_a_franchise_is_told_through_renames_and_moves(folder, season, name, team):
    put_records(folder, (season, name, 41, 41, 0, 0, 0))
    table = read_raw(folder)[0].team_records
    assert table[["season", "team_id"]].to_numpy().tolist() == [[season, team]]


def test_several_files_are_joined_and_equal_rows_count_once(folder):
    row = ("2022-23", "Boston Celtics", 57, 25, 6.5, 0.0, 6.5)
    put_records(folder, row, name="Team_Records_a.csv")
    frame = pd.DataFrame([row, ("2021-22", "Boston Celtics", 51, 31, 7, 0, 7)], columns=RECORDS)
    frame.to_parquet(folder / "team_records_b.parquet")
    tables, report = read_raw(folder)
    assert tables.team_records["season"].tolist() == ["2021-22", "2022-23"]
    assert found(report, "duplicate rows removed").count == 1


def test_a_record_that_the_logs_contradict_is_kept_and_counted(folder):
    put_records(folder, ("2023-24", "Boston Celtics", 2, 0, 0, 0, 0))
    tables, report = read_raw(folder)
    assert tables.team_records["wins"].tolist() == [2]
    warning = found(report, "W and L disagree")
    assert (warning.file, warning.count) == ("Team_Records.csv", 1)
    assert "games_won 1" in warning.examples[0]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("2023", "Boston Celtics", 1, 0, 0, 0, 0), "no season"),
        (("2023-24", "*", 1, 0, 0, 0, 0), "no team"),
        (("2023-24", "Seattle Kraken", 1, 0, 0, 0, 0), "unknown team"),
        (("2003-04", "Charlotte Bobcats", 1, 0, 0, 0, 0), "team of another season"),
        (("2023-24", "Boston Celtics", 83, 0, 0, 0, 0), "impossible W"),
        (("2023-24", "Boston Celtics", 1, 0.5, 0, 0, 0), "impossible L"),
        (("2023-24", "Boston Celtics", 1, 0, "x", 0, 0), "MOV is no number"),
        (("2023-24", "Boston Celtics", 1, 0, 0, 0, None), "SRS is no number"),
    ],
)
def test_a_bad_record_is_refused_with_file_row_and_remedy(folder, row, what):
    put_records(folder, ("2023-24", "Denver Nuggets", 0, 1, 0, 0, 0), row)
    (error,) = errors_of(folder)
    assert (error.file, error.what) == ("Team_Records.csv", what)
    assert error.examples[0].startswith("row 2: ")
    assert error.remedy


def test_two_records_of_one_team_are_refused(folder):
    put_records(folder, *(("2023-24", "Boston Celtics", 1, 0, mov, 0, 0) for mov in (1, 2)))
    (error,) = errors_of(folder)
    assert error.what == "rows with other figures of the same"
    assert error.count == 2


def test_a_new_records_file_makes_tables_stale(folder, tmp_path):
    ingest(folder, tmp_path / "processed")
    assert is_stale(folder, tmp_path / "processed") is None
    put_records(folder, ("2022-23", "Boston Celtics", 57, 25, 6.5, 0.0, 6.5))
    assert is_stale(folder, tmp_path / "processed") == "raw file Team_Records.csv is new"


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
    assert tables.raptor.dtypes.astype("str").to_dict() == SCHEMA["raptor"]
    assert tables.raptor.to_numpy().tolist() == [
        ["2023-24", 380, 500.0, (4.0 * 300 - 100) / 500, 0.0],
        ["2023-24", 390, 10.0, 1.0, 0.0],
    ]
    assert ratings_warnings(report) == []


def test_a_season_is_the_year_in_which_it_ends_and_needs_player_logs(folder):
    put_raptor(folder, rating("Player 380"), rating("Player 380", season=2023))
    tables, report = read_raw(folder)
    assert tables.raptor["season"].tolist() == ["2023-24"]
    assert found(report, "season without player logs").count == 1


def test_namesakes_are_told_by_team_or_left_out_but_never_guessed(folder):
    games = regular_games()
    log = player_log(games)
    log["PLAYER_NAME"] = log["PLAYER_NAME"].replace(
        {"Player 380": "Al Twin", "Player 390": "Al Twin", "Player 470": "Bo Twin",
         "Player 471": "Bo Twin"}
    )  # fmt: skip
    log.to_parquet(folder / "player_logs_2023_24.parquet")
    put_raptor(
        folder,
        rating("Al Twin", "BOS", key="twinal01", offense=1.0),
        rating("Al Twin", "CLE", key="twinal02", offense=2.0),
        rating("Bo Twin", "LAL", key="twinbo01"),
    )
    _, report = read_raw(folder)
    assert {key: row.raptor_offense for key, row in raptor_of(folder).items()} == {380: 1, 390: 2}
    assert found(report, "name that several players have").count == 1


def test_two_ids_with_one_name_are_left_out(folder):
    put_raptor(
        folder, rating("Player 380", key="one"), rating("Player 380", key="two"),
        rating("Player 390"),
    )  # fmt: skip
    _, report = read_raw(folder)
    assert set(raptor_of(folder)) == {390}
    assert found(report, "several ids with one name").count == 2


def test_unmatched_names_are_counted(folder):
    put_raptor(folder, rating("Nobody Known"), rating("Player 380 Jr."))
    _, report = read_raw(folder)
    # A suffix that the logs lack is no other name.
    assert set(raptor_of(folder)) == {380}
    warning = found(report, "whom no game log names")
    assert warning.count == 1
    assert "Nobody Known" in warning.examples[0]


def test_a_name_of_another_season_is_no_match(folder):
    games = regular_games()
    log = player_log(games)
    log["PLAYER_NAME"] = log["PLAYER_NAME"].replace("Player 380", "Cy Elder")
    log.to_parquet(folder / "player_logs_2023_24.parquet")
    old = games.assign(
        GAME_ID=games["GAME_ID"].str.replace("00223", "00222"), SEASON_ID="22022",
        GAME_DATE=games["GAME_DATE"].str.replace("2023", "2022"),
    )  # fmt: skip
    old.to_parquet(folder / "team_logs_2022_23.parquet")
    others = player_log(old).assign(PLAYER_ID=lambda rows: rows["PLAYER_ID"] + 5)
    others.to_parquet(folder / "player_logs_2022_23.parquet")
    put_raptor(folder, rating("Cy Elder Jr.", season=2023), rating("Cy Elder"))
    table = read_raw(folder)[0].raptor
    assert table[["season", "player_id"]].to_numpy().tolist() == [["2023-24", 380]]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"season": 24}, "no season"),
        ({"season": "2023-24"}, "no season"),
        ({"season_type": "XX"}, "unknown season type"),
        ({"team": "XYZ"}, "unknown team"),
        ({"mp": -1}, "negative minutes"),
        ({"raptor_offense": "x"}, "RAPTOR_OFFENSE is no number"),
        ({"player_id": None}, "no PLAYER_ID"),
        ({"player_name": " "}, "no PLAYER_NAME"),
    ],
)
def test_a_bad_raptor_row_is_refused_with_file_and_row(folder, change, what):
    row = dict(zip(RAPTOR, rating("Player 390", "CLE"), strict=True)) | change
    put_raptor(folder, rating("Player 380"), tuple(row.values()))
    (error,) = errors_of(folder)
    assert (error.file, error.what) == ("modern_RAPTOR_by_team.csv", what)
    assert error.examples[0].startswith("row 2: ")


def test_missing_columns_are_named(folder):
    put_raptor(folder, columns=RAPTOR[:-1])
    put_records(folder, columns=RECORDS[:-1])
    errors = {error.file: str(error) for error in errors_of(folder)}
    assert "lacks the columns RAPTOR_DEFENSE" in errors["modern_RAPTOR_by_team.csv"]
    assert "lacks the columns SRS" in errors["Team_Records.csv"]


@pytest.mark.real
def test_the_real_files_fit_the_game_logs(real_ingest):
    tables, report = real_ingest.tables, real_ingest.report
    records = tables.team_records
    if records.empty or tables.raptor.empty:
        pytest.skip("no Team_Records or RAPTOR in the raw folder")
    assert len(records) == len(tables.teams)
    assert report.count("W and L disagree with the game logs; the row is kept") == 0
    regular = tables.team_games[tables.team_games["kind"] == "regular"]
    margin = (regular["points"] - regular["opponent_points"]).groupby(
        [regular["season"], regular["team_id"]]
    )
    mov = records.set_index(["season", "team_id"])["mov"]
    assert (mov - margin.mean().reindex(mov.index)).abs().max() < 0.0051
    # The season's players are matched but for a handful, and their minutes are those of the logs.
    unmatched = sum(w.count for w in report.warnings if w.what.startswith("dropped: RAPTOR"))
    assert unmatched < 0.003 * 7289
    played = tables.player_games.groupby(["season", "player_id"])["seconds"].sum() / 60
    minutes = tables.raptor.set_index(["season", "player_id"])["minutes"]
    both = minutes.to_frame("raptor").join(played.rename("logs"), how="left")
    assert both["logs"].notna().all()
    assert ((both["raptor"] - both["logs"]).abs() < 10).mean() > 0.98
