from itertools import product

import pandas as pd
import pytest
from raw_issues import check_warnings

from nba_rank.data.gaps import warn_gaps
from nba_rank.data.ingest import read_raw
from nba_rank.data.ingest_issues import IngestIssues

SEASONS = ("2015-16", "2016-17", "2017-18")
GAP = "no such game log"
PLAY_IN = "no play-in games, without which playoffs that have begun cannot be simulated"
LOGS = {
    "team_logs": ("team", "regular"),
    "player_logs": ("player", "regular"),
    "playoffs_team_logs": ("team", "playoffs"),
    "playoffs_player_logs": ("player", "playoffs"),
}


@pytest.mark.parametrize(
    ("gone", "season", "named"),
    [
        ([], "2016-17", False),
        (["player_logs"], "2016-17", True),
        (["playoffs_player_logs"], "2016-17", True),
        (["playoffs_team_logs", "playoffs_player_logs"], "2016-17", True),
        ([*LOGS], "2016-17", True),
        (["player_logs"], "2015-16", False),
        (["playoffs_team_logs", "playoffs_player_logs"], "2017-18", False),
    ],
)
def test_a_gap_between_two_seasons_is_named_by_kind(gone, season, named):
    lost = {(season, *LOGS[name]) for name in gone}
    logs = pd.DataFrame(
        [(each, *log) for each, log in product(SEASONS, LOGS.values()) if (each, *log) not in lost],
        columns=["season", "level", "kind"],
    )
    issues = IngestIssues()
    warn_gaps(*(logs[logs["level"] == level] for level in ("team", "player")), None, issues)
    files = {warning.file for warning in issues.warnings if GAP in warning.what}
    assert files == {f"{name}_2016_17" for name in gone if named}


def test_playoffs_without_play_in_games_are_named(folder):
    check_warnings(read_raw(folder)[1], "playin_team_logs_2023_24", {PLAY_IN: 1})
    (folder / "playoffs_team_logs_2023_24.parquet").unlink()
    assert read_raw(folder)[1].count(PLAY_IN) == 0


@pytest.mark.real
def test_the_real_logs_have_no_gap(real_ingest):
    for what in (GAP, PLAY_IN):
        assert not [w for w in real_ingest.report.warnings if what in w.what]
