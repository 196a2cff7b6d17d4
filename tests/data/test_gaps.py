import pandas as pd
import pytest
from raw_logs import finals, player_log, regular_games, write

from nba_rank.data.ingest import read_raw

YEARS = range(2015, 2018)
GAP = "no such game log"
PLAY_IN = "no play-in games"


def of_season(log, year):
    """The log of 2023-24 as one of another season."""
    back = 2023 - year
    dates = pd.to_datetime(log["GAME_DATE"]) - pd.DateOffset(years=back)
    ids = log["GAME_ID"].str[:3] + f"{year % 100:02d}" + log["GAME_ID"].str[5:]
    return log.assign(
        GAME_ID=ids, GAME_DATE=dates.dt.strftime("%Y-%m-%d"), SEASON_ID=ids.str[2] + str(year)
    )


@pytest.fixture
def folder(tmp_path):
    """Three seasons of all four kinds of game logs."""
    for year in YEARS:
        years = f"{year}_{(year + 1) % 100:02d}"
        regular, playoffs = of_season(regular_games(), year), of_season(finals(), year)
        write(
            tmp_path,
            **{
                f"team_logs_{years}": regular,
                f"player_logs_{years}": player_log(regular),
                f"playoffs_team_logs_{years}": playoffs,
                f"playoffs_player_logs_{years}": player_log(playoffs),
            },
        )
    return tmp_path


def gaps(folder, what=GAP):
    _, report = read_raw(folder)
    return [warning.file for warning in report.warnings if what in warning.what]


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ([], []),
        (["player_logs"], ["player_logs"]),
        (["playoffs_player_logs"], ["playoffs_player_logs"]),
        (["playoffs_team_logs", "playoffs_player_logs"],) * 2,
        (["team_logs", "player_logs", "playoffs_team_logs", "playoffs_player_logs"],) * 2,
    ],
)
def test_a_gap_between_two_seasons_is_named_by_kind(folder, gone, named):
    for name in gone:
        (folder / f"{name}_2016_17.parquet").unlink()
    assert sorted(gaps(folder)) == sorted(f"{name}_2016_17" for name in named)


def test_logs_that_begin_later_or_end_earlier_have_no_gap(folder):
    for name in (
        "player_logs_2015_16",
        "playoffs_team_logs_2017_18",
        "playoffs_player_logs_2017_18",
    ):
        (folder / f"{name}.parquet").unlink()
    assert gaps(folder) == []


def test_playoffs_without_play_in_games_are_named_with_their_outsiders(tmp_path):
    write(tmp_path, team_logs_2023_24=regular_games(), playoffs_team_logs_2023_24=finals())
    _, report = read_raw(tmp_path)
    (warning,) = [warning for warning in report.warnings if PLAY_IN in warning.what]
    assert warning.file == "playin_team_logs_2023_24"
    (tmp_path / "playoffs_team_logs_2023_24.parquet").unlink()
    assert gaps(tmp_path, PLAY_IN) == []


@pytest.mark.real
def test_the_real_logs_have_no_gap(real_ingest):
    for what in (GAP, PLAY_IN):
        assert real_ingest.report.count(what) == 0
        assert not [w for w in real_ingest.report.warnings if what in w.what]
