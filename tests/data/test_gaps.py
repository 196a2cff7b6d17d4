import pandas as pd
import pytest
from raw_issues import check_warnings
from raw_logs import finals, player_log, regular_games, write

from nba_rank.data.gaps import warn_gaps
from nba_rank.data.ingest import read_raw
from nba_rank.data.ingest_issues import IngestIssues

YEARS = range(2015, 2018)
GAP = "no such game log"
PLAY_IN = "no play-in games, without which playoffs that have begun cannot be simulated"
LOGS = {
    "team_logs": ("team", "regular"),
    "player_logs": ("player", "regular"),
    "playoffs_team_logs": ("team", "playoffs"),
    "playoffs_player_logs": ("player", "playoffs"),
}


def of_season(log, year):
    """The log of 2023-24 as one of another season."""
    back = 2023 - year
    dates = pd.to_datetime(log["GAME_DATE"]) - pd.DateOffset(years=back)
    ids = log["GAME_ID"].str[:3] + f"{year % 100:02d}" + log["GAME_ID"].str[5:]
    return log.assign(
        GAME_ID=ids, GAME_DATE=dates.dt.strftime("%Y-%m-%d"), SEASON_ID=ids.str[2] + str(year)
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Three seasons of all four kinds of game logs."""
    folder = tmp_path_factory.mktemp("gaps")
    for year in YEARS:
        for name, (level, kind) in LOGS.items():
            log = of_season(regular_games() if kind == "regular" else finals(), year)
            log = log if level == "team" else player_log(log)
            write(folder, **{f"{name}_{year}_{(year + 1) % 100:02d}": log})
    return read_raw(folder)[0]


@pytest.mark.parametrize(
    ("gone", "season", "named"),
    [
        ([], "2016-17", []),
        (["player_logs"], "2016-17", ["player_logs"]),
        (["playoffs_player_logs"], "2016-17", ["playoffs_player_logs"]),
        (["playoffs_team_logs", "playoffs_player_logs"], "2016-17", True),
        ([*LOGS], "2016-17", True),
        (["player_logs"], "2015-16", []),
        (["playoffs_team_logs", "playoffs_player_logs"], "2017-18", []),
    ],
)
def test_a_gap_between_two_seasons_is_named_by_kind(tables, gone, season, named):
    rows = {"team": tables.team_games, "player": tables.player_games}
    for name in gone:
        level, kind = LOGS[name]
        lost = (rows[level]["season"] == season) & (rows[level]["kind"] == kind)
        rows[level] = rows[level][~lost]
    issues = IngestIssues()
    warn_gaps(rows["team"], rows["player"], tables.teams, issues)
    expected = gone if named is True else named
    files = [warning.file for warning in issues.warnings if GAP in warning.what]
    assert sorted(files) == sorted(f"{name}_2016_17" for name in expected)


def test_playoffs_without_play_in_games_are_named(folder):
    check_warnings(read_raw(folder)[1], "playin_team_logs_2023_24", {PLAY_IN: 1})
    (folder / "playoffs_team_logs_2023_24.parquet").unlink()
    assert read_raw(folder)[1].count(PLAY_IN) == 0


@pytest.mark.real
def test_the_real_logs_have_no_gap(real_ingest):
    for what in (GAP, PLAY_IN):
        assert not [w for w in real_ingest.report.warnings if what in w.what]
