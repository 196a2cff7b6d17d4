import pandas as pd
import pytest

from nba_rank.features.players.squads import SEASON_OUT, squads

GAMES = [("2022-11-01", 1, 2, 110, 100), ("2022-11-05", 1, 2, 110, 100)]
REPORT = ("2022-11-06", [(12, 1, "Questionable", "illness"), (13, 1, "Out", "torn ACL")])


@pytest.fixture
def tables(small_tables):
    players = [(date, player, 1, 600) for date, *_ in GAMES for player in (11, 12, 13)]
    return small_tables(GAMES, players)


def ratings(date: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "season": "2022-23", "as_of_date": pd.Timestamp(date).as_unit("us"), "team_id": 1,
            "player_id": [11, 12, 13, 99], "expected_minutes": [30.0, 10.0, 0.0, 5.0],
            "full_strength_minutes": [20.0, 30.0, 25.0, 5.0], "impact_rating": [1.0, 2.0, 3.0, 0.0],
        }
    ).astype({"season": "str"})  # fmt: skip


def test_players_come_by_full_minutes_with_what_the_report_says(tables, with_reports):
    got = squads(with_reports(tables, REPORT), ratings("2022-11-07")).set_index("player_id")
    assert got.index.tolist() == [12, 13, 11, 99]
    expected = ["Questionable", SEASON_OUT, "Available", "Available"]
    assert got["availability"].tolist() == expected
    # Half of 30 if questionable; those who are not listed as their games say.
    assert got["expected_minutes"].to_dict() == {12: 15.0, 13: 0.0, 11: 30.0, 99: 5.0}
    assert got["player"][99] == "unknown"
    assert got["impact_error"].isna().all()
    # Less the mean by minutes: (20 + 60 + 75) / 80.
    assert got["impact_rating"].to_dict() == {12: 0.0625, 13: 1.0625, 11: -0.9375, 99: -1.9375}


def test_without_a_current_report_nothing_is_said(tables, with_reports):
    got = squads(with_reports(tables, REPORT), ratings("2022-12-07")).set_index("player_id")
    assert got["availability"].to_dict() == {12: "", 13: SEASON_OUT, 11: "", 99: ""}
    assert got["expected_minutes"].to_dict() == {12: 10.0, 13: 0.0, 11: 30.0, 99: 5.0}
