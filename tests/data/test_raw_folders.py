"""Several folders of raw files, and the last season that a run sees."""

import io
import json
import os
from dataclasses import replace

import pandas as pd
import pytest
from omegaconf import OmegaConf
from raw_issues import check_warnings, errors_of
from raw_logs import BOS, CLE, DEN, LAL, player_log, put_rows, regular_games, team_log, write
from rich.console import Console

from nba_rank.config.compose import config_yaml
from nba_rank.config.rules import validate
from nba_rank.config.schema import raw_dirs
from nba_rank.core.errors import ConfigError, UserError
from nba_rank.data.ingest import ingest, is_stale, read_raw
from nba_rank.data.prepare import prepare_tables
from nba_rank.data.tables import SCHEMA

LOG = "team_logs_2023_24"
ROSTER = ["DATE", "TEAM_ABBREVIATION", "PLAYER_ID"]
RAPTOR = [
    "player_name", "player_id", "season", "season_type", "team", "mp", "raptor_offense",
    "raptor_defense",
]  # fmt: skip


def raptor(year, key, team, name):
    return (name, key, year, "RS", team, 100, 1.0, 2.0)


@pytest.fixture
def more(tmp_path):
    """A second folder: the season before, of one game."""
    games = team_log(("0022200001", "2022-10-18", BOS, CLE))
    return write(tmp_path / "more", team_logs_2022_23=games, player_logs_2022_23=player_log(games))


@pytest.fixture
def other_log():
    """The log of 2023-24 with another score of the first game."""
    log = regular_games()
    return log.assign(PTS=log["PTS"] + 5 * (log.index == 0), FTM=log["FTM"] + 5 * (log.index == 0))


def test_two_folders_are_as_one_with_the_files_of_both(folder, more):
    apart, report = read_raw([folder, more])
    assert [file.path for file in report.files] == [
        *(f"{folder}/{name}.parquet" for name in (
            "player_logs_2023_24", "playoffs_team_logs_2023_24", LOG
        )),
        *(f"{more}/{name}.parquet" for name in ("player_logs_2022_23", "team_logs_2022_23")),
    ]  # fmt: skip
    assert not [warning for warning in report.warnings if "later raw folder" in warning.what]
    for path in more.iterdir():
        path.rename(folder / path.name)
    assert read_raw(folder)[0].hashes() == apart.hashes()


def test_a_later_folder_wins_a_file_whatever_its_format(folder, more, other_log):
    (folder / "rosters").mkdir()
    put_rows(folder, "rosters/opening.csv", ROSTER, [("2023-10-24", "BOS", 380)])
    put_rows(more, "rosters/opening.parquet", ROSTER, [("2023-10-24", "CLE", 390)])
    other_log.to_csv(more / f"{LOG}.csv", index=False)
    for first, second, points, team in ((folder, more, 107, CLE), (more, folder, 102, BOS)):
        tables, report = read_raw([first, second])
        assert tables.games.set_index("game_id").loc["0022300001", "home_points"] == points
        assert tables.rosters["team_id"].tolist() == [team]
        beaten = {warning.file: warning.examples for warning in report.warnings
                  if warning.what == "not read: a later raw folder has the same file"}  # fmt: skip
        log = next(first.glob(f"{LOG}.*"))
        assert beaten[str(log)] == (str(next(second.glob(log.stem + ".*"))),)
        assert len(beaten) == 2
        assert not {file.path for file in report.files} & {*beaten}


def test_a_later_folder_wins_the_rows_of_files_of_other_names(folder, more, other_log):
    """Also against a fuller row; rows that only one folder has are kept."""
    lines = ["GAME_ID", "DATE", "HOME", "AWAY", "HOME_SPREAD", "MONEYLINE_HOME", "MONEYLINE_AWAY"]
    totals = ["SEASON", "TEAM_NAME", "WIN_TOTAL", "TITLE_ODDS_AMERICAN"]
    for place, figure in ((folder, -3.0), (more, -4.0)):
        line = ("0022300001", "2023-10-24", "BOS", "CLE", figure, None, None)
        put_rows(place, f"market/betting_lines_{place.name}.csv", lines, [line])
        total = ("2023-24", "BOS", 50 - figure, None)
        put_rows(place, f"market/preseason_win_totals_{place.name}.csv", totals, [total])
        roster = ("2023-10-24", "BOS", 380 - int(figure) - 3)
        put_rows(place, f"rosters/z_{place.name}.csv", ROSTER, [roster])
    emptier = other_log.head(2).assign(AST=None)
    before = pd.read_parquet(more / "team_logs_2022_23.parquet")
    write(more, team_logs_2022_23=pd.concat([before, emptier]))
    tables, report = read_raw([folder, more])
    assert len(tables.games) == 8
    first = tables.team_games.query("game_id == '0022300001' and is_home").iloc[0]
    assert first["points"] == 107
    assert pd.isna(first["ast"])
    assert tables.market_lines["home_spread"].tolist() == [-4.0]
    assert tables.market_totals["win_total"].tolist() == [54.0]
    assert tables.rosters["player_id"].tolist() == [381]
    lost = "dropped: a later raw folder has the same row"
    assert report.count(lost) == 2 + 1 + 1
    check_warnings(report, f"{folder}/market/betting", {lost: (1, "row 1: game_id 0022300001")})
    check_warnings(report, f"{folder}/rosters", {"a later file lists the team": 1})
    again = read_raw([more, folder])[0]
    assert again.market_lines["home_spread"].tolist() == [-3.0]
    assert again.team_games.query("game_id == '0022300001' and is_home")["ast"].item() == 20


def test_folders_added_dropped_or_in_another_order_make_the_tables_stale(
    folder, more, other_log, tmp_path
):
    processed = tmp_path / "processed"
    write(more, team_logs_2022_23=pd.concat([other_log.head(2), other_log.tail(2)]))
    one = ingest(folder, processed)
    assert "is new" in is_stale([folder, more], processed)
    both = ingest([folder, more], processed)
    assert not ingest([folder, more], processed).changed
    assert is_stale([more, folder], processed) == "the raw folders are in another order"
    assert ingest([more, folder], processed).tables.hashes() != both.tables.hashes()
    assert "there is no raw folder" in is_stale([folder, tmp_path / "no"], processed)
    console = Console(file=io.StringIO(), width=80)
    assert ingest(folder, processed, console=console).tables.hashes() == one.tables.hashes()
    assert "is gone" in console.file.getvalue()


def test_a_missing_folder_is_an_error_even_beside_a_sound_one(folder, tmp_path):
    (error,) = errors_of([folder, tmp_path / "no"])
    assert (error.file, error.what) == (str(tmp_path / "no"), "there is no such raw folder")


def test_a_config_names_folders_as_a_list_or_as_path_does(compose_as_is, folder, more, monkeypatch):
    monkeypatch.setenv("NBA_RANK_RAW_DIR", f"{folder}{os.pathsep}{more}")
    for given in ("data=nba", f"data.raw_dir=[{folder},{more}]"):
        config = compose_as_is("data=nba", given)
        assert raw_dirs(config.data) == [folder, more]
        assert raw_dirs(OmegaConf.create(config_yaml(config)).data) == [folder, more]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"raw_dir": ["a", "b", "a"]}, "names a twice"),
        ({"raw_dir": ["a", "a/../a"]}, "twice"),
        ({"raw_dir": ["a/b", "c", "a"]}, "names a/b and a, one inside the other"),
        ({"raw_dir": []}, "data.raw_dir is empty"),
        ({"source": "sim", "raw_dir": ["a", "b"]}, "give data=sim a single folder"),
        ({"source": "sim", "raw_dir": f"a{os.pathsep}b"}, "give data=sim a single folder"),
        ({"first_season": "2012-13", "last_season": "2011-12"}, "must not come after"),
    ],
)
def test_folders_and_seasons_that_make_no_sense_are_refused(compose_as_is, values, told):
    config = compose_as_is("data=nba")
    with pytest.raises(ConfigError, match=told):
        validate(replace(config, data=replace(config.data, **values)))


@pytest.fixture
def league(folder):
    """Adds what is known of 2023-24 apart from games; returns the folder."""
    put_rows(folder, "rosters/a.csv", ["DATE", "TEAM", "PLAYER"], [
        ("2023-10-24", "BOS", "Lee Young"), ("2023-10-24", "CLE", "Marcus O'Neal"),
    ])  # fmt: skip
    put_rows(
        folder,
        "modern_RAPTOR_by_team.csv",
        RAPTOR,
        [raptor(2024, "x01", "DEN", "Marcus O'Neal Jr.")],
    )
    return folder


def write_future(folder):
    """Write every kind of file of the season after, with figures that no season has."""
    games = team_log(("0022400001", "2024-10-22", BOS, CLE), ("0022400002", "2024-10-24", LAL, DEN))
    names = {380: "Marcus O'Neal", 390: "Player 430", 430: "Changed Name", 470: "Lee Young"}
    players = player_log(games, names).assign(PTS=199, MIN=99.0)
    write(folder, team_logs_2024_25=games.assign(PTS=games["PTS"] * 5), player_logs_2024_25=players)
    put_rows(folder, "rosters/b.csv", ROSTER, [("2024-10-22", "BOS", 999)])
    put_rows(folder, "schedules/s.csv", ["DATE", "HOME", "AWAY"], [("2025-03-03", "BOS", "LAL")])
    put_rows(folder, "raptor_by_team.csv", RAPTOR, [raptor(2025, "x01", "CLE", "Player 390")])
    put_rows(folder, "Team_Records.csv", ["Season", "Team", "W", "L", "MOV", "SOS", "SRS"], [
        ("2024-25", "Boston Celtics", 82, 0, 99, 0, 99)
    ])  # fmt: skip
    put_rows(
        folder, "market/preseason_win_totals.csv",
        ["SEASON", "TEAM_NAME", "WIN_TOTAL", "TITLE_ODDS_AMERICAN"], [("2024-25", "BOS", 82, 100)],
    )  # fmt: skip
    (folder / "injury_reports").mkdir()
    report = {"date": "2024-10-22", "injuries": []}
    (folder / "injury_reports" / "2024-10-22.json").write_text(json.dumps(report))


def test_a_run_sees_nothing_of_the_seasons_after_its_last(league, compose, tmp_path):
    given = "data=nba", "data.last_season=2023-24"
    expected = prepare_tables(compose(*given, f"data.raw_dir={league}").data, None)
    assert expected.tables.hashes() == read_raw(league)[0].hashes()
    assert len(expected.tables.rosters) == 2
    assert len(expected.tables.raptor) == 1
    future = tmp_path / "future"
    future.mkdir()
    write_future(future)
    config = compose(*given, f"data.raw_dir=[{league},{future}]").data
    seen = prepare_tables(config, None)
    assert seen.changed
    assert seen.tables.hashes() == expected.tables.hashes()
    everything = prepare_tables(replace(config, last_season=None), None)
    assert not everything.changed
    later = {name for name, table in everything.tables.items() if "2024-25" in set(table["season"])}
    # No stints, lines or drafts, nobody is injured and every team has said so, and RAPTOR names two
    # players with one id.
    absent = {"stints", "market_lines", "drafts", "injury_reports", "unreported_teams", "raptor"}
    assert later == {*SCHEMA} - absent
    with pytest.raises(UserError, match="last_season=2021-22 is before the first season"):
        prepare_tables(replace(config, last_season="2021-22"), None)
