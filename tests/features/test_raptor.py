from dataclasses import replace

import pandas as pd
import pytest

from nba_rank.data.tables import conform
from nba_rank.features import raptor
from nba_rank.features.asof import Rows
from nba_rank.features.raptor import REPLACEMENT

COLUMNS = ["prior_raptor_offense", "prior_raptor_defense"]
GAMES = [("2021-11-01", 1, 2, 110, 100), ("2022-11-01", 1, 2, 110, 100)]
RATED = [
    # season, player, minutes, offence, defence
    ("2021-22", 1, 750.0, 4.0, 1.0),
    ("2021-22", 2, 250.0, -1.0, 0.0),
    ("2021-22", 7, 2_000.0, 9.0, 9.0),
    ("2022-23", 1, 2_000.0, -9.0, -9.0),
]


@pytest.fixture
def tables(small_tables):
    columns = ["season", "player_id", "minutes", "raptor_offense", "raptor_defense"]
    table = conform("raptor", pd.DataFrame(RATED, columns=columns))
    return replace(small_tables(GAMES, n_teams=2), raptor=table)


def rated(date, players):
    """Ratings from (team, player, minutes at full strength)."""
    frame = pd.DataFrame(players, columns=["team_id", "player_id", "full_strength_minutes"])
    return frame.assign(as_of_date=pd.Timestamp(date), expected_minutes=0.0)


# Team 1: seven men; players 1 and 2 have RAPTOR, player 7 plays too little to count.
PLAYERS = [(1, 1, 30), (1, 2, 28), (1, 3, 26), (1, 4, 24), (1, 5, 22), (1, 6, 20), (1, 7, 5)]


@pytest.fixture
def build(as_of, features):
    def make(tables, ratings, date, **change):
        rows = Rows.of(tables, as_of(date))
        config = replace(features().raptor, **change)
        frame = raptor.build(tables, ratings, rows, config)
        assert list(frame.columns) == COLUMNS
        return frame.set_index(rows.frame["team_id"])

    return make


def test_the_five_leading_players_by_hand(tables, build):
    got = build(tables, rated("2022-11-01", PLAYERS), "2022-11-01")
    # 250 minutes at replacement level beside 750 and 250 played.
    low = -1.375
    offense = (750 * 4 + 250 * low) / 1_000 + (250 * -1 + 250 * low) / 500 + 3 * low
    defense = (750 * 1 + 250 * low) / 1_000 + (250 * 0 + 250 * low) / 500 + 3 * low
    assert got.loc[1].tolist() == pytest.approx([offense, defense])
    # Nobody of team 2 is known.
    assert got.loc[2].isna().all()


def test_a_team_of_unrated_players_is_at_replacement_level(tables, build):
    players = [(2, 20 + place, 20) for place in range(9)]
    got = build(tables, rated("2022-11-01", players), "2022-11-01")
    assert got.loc[2].tolist() == pytest.approx([5 * REPLACEMENT] * 2)


def test_a_season_before_which_there_is_no_raptor_is_unknown(tables, build):
    got = build(tables, rated("2021-11-02", PLAYERS), "2021-11-02")
    assert got.isna().all(axis=None)
    without = replace(tables, raptor=tables.raptor[:0])
    assert build(without, rated("2022-11-01", PLAYERS), "2022-11-01").isna().all(axis=None)


def test_every_parameter_changes_the_columns(tables, build):
    ratings = rated("2022-11-01", PLAYERS)
    given = build(tables, ratings, "2022-11-01").loc[1]
    for change in ({"players": 1}, {"prior_minutes": 0.0}):
        got = build(tables, ratings, "2022-11-01", **change).loc[1]
        assert (got != given).all()
    alone = build(tables, ratings, "2022-11-01", players=1, prior_minutes=0.0).loc[1]
    assert alone.tolist() == [4.0, 1.0]


def test_the_order_of_players_and_of_the_table_does_not_matter(tables, build):
    players = [(1, player, 20) for player in range(1, 8)]  # of equal minutes the lower ids count
    got = build(tables, rated("2022-11-01", players), "2022-11-01")
    assert got.loc[1].equals(build(tables, rated("2022-11-01", players[:5]), "2022-11-01").loc[1])
    shuffled = replace(tables, raptor=tables.raptor[::-1].reset_index(drop=True))
    again = build(shuffled, rated("2022-11-01", players[::-1]), "2022-11-01")
    pd.testing.assert_frame_equal(again, got, check_exact=True)


@pytest.mark.real
def test_it_is_known_for_the_seasons_after_raptor_and_no_other(real_tables, as_of, rate, build):
    if real_tables.raptor.empty:
        pytest.skip("no RAPTOR in the raw folder")
    first = real_tables.seasons.set_index("season")["first_date"]
    seasons = ["2013-14", "2014-15", "2022-23", "2023-24"]
    ratings = rate(real_tables, as_of(*first[seasons]))
    known = []
    for date in first[seasons]:
        got = build(real_tables, ratings[ratings["as_of_date"] == date], date)
        known.append(got.notna().all(axis=None))
        assert known[-1] or got.isna().all(axis=None)
    assert known == [False, True, True, False]
