import pandas as pd
import pytest
from made_games import line

from nba_rank.data.calendar import as_of_points

GAMES = [
    ("2021-11-01", 1, 2, 110, 100),
    ("2021-11-03", 1, 2, 110, 100),
    ("2022-04-20", 1, 2, 110, 100, {"kind": "playoffs"}),
    ("2022-11-01", 1, 2, 110, 100),
    ("2022-11-03", 1, 2, 110, 100),
]
PLAYERS = [
    line("2021-11-01", 11, 1, 30), line("2021-11-01", 12, 1, 10), line("2021-11-01", 21, 2, 40),
    line("2021-11-03", 11, 1, 10), line("2021-11-03", 12, 1, 30), line("2021-11-03", 21, 2, 40),
    line("2022-04-20", 11, 1, 40), line("2022-04-20", 21, 2, 40),
    # Over the summer 12 went to team 2, and 13 has come.
    line("2022-11-01", 11, 1, 20), line("2022-11-01", 13, 1, 20),
    line("2022-11-01", 12, 2, 10), line("2022-11-01", 21, 2, 30),
    line("2022-11-03", 13, 1, 40), line("2022-11-03", 21, 2, 40),
]  # fmt: skip


def rosters(*rows):
    """Ratings by hand from (date, team, players)."""
    listed = [(pd.Timestamp(date), team, player) for date, team, players in rows
              for player in players]  # fmt: skip
    return pd.DataFrame(listed, columns=["as_of_date", "team_id", "player_id"])


def test_shares_by_hand(small_tables, as_of, built):
    ratings = rosters(
        ("2022-11-01", 1, [11, 13]), ("2022-11-01", 2, [12, 21]),
        # 11 has been traded for 21, and 99 has never played.
        ("2022-11-04", 1, [13, 21, 99]), ("2022-11-04", 2, [11, 12]),
    )  # fmt: skip
    dates = as_of("2022-11-01", "2022-11-04")
    got = built("continuity", small_tables(GAMES, PLAYERS, n_teams=2), dates, ratings)
    # Last season players 11 and 12 of team 1 played 40 minutes each; the playoffs do not count,
    # and what 12 played elsewhere brings team 2 nothing.
    assert got.loc["2022-11-01", "returning_minutes_share"].tolist() == [0.5, 1.0]
    assert got.loc["2022-11-01", "roster_minutes_share"].isna().all()
    assert got.loc["2022-11-04"].to_numpy().tolist() == [[0.0, 60 / 80], [0.0, 10 / 80]]


def test_shares_are_unknown_without_last_seasons_logs_or_a_known_player(small_tables, as_of, built):
    tables, ratings = small_tables(GAMES, PLAYERS, n_teams=2), rosters(("2021-11-02", 1, [11]))
    got = built("continuity", tables, as_of("2021-11-02"), ratings).loc["2021-11-02"]
    assert got.loc[1].isna().tolist() == [True, False]
    assert got.loc[1, "roster_minutes_share"] == 0.75
    assert got.loc[2].isna().all()


@pytest.mark.real
@pytest.mark.slow
def test_more_than_half_of_the_minutes_return_in_the_real_league(real_tables, as_of, rate, built):
    seasons = ["2013-14", "2018-19", "2023-24"]
    dates = as_of(*(as_of_points(real_tables, season)["open"] for season in seasons))
    got = built("continuity", real_tables, dates, rate(real_tables, dates))
    got = got["returning_minutes_share"]
    assert got.groupby(level="as_of_date").mean().between(0.5, 0.7).all()
    assert got.between(0.05, 1).all()
