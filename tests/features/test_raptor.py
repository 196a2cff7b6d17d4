from dataclasses import replace

import pandas as pd
import pytest
from made_games import table

from nba_rank.features.raptor import REPLACEMENT

GAMES = [("2021-11-01", 1, 2, 110, 100), ("2022-11-01", 1, 2, 110, 100)]
RATED = [
    # season, player, minutes, offence, defence
    ("2021-22", 1, 750.0, 4.0, 1.0),
    ("2021-22", 2, 250.0, -1.0, 0.0),
    ("2021-22", 7, 2_000.0, 9.0, 9.0),
    ("2022-23", 1, 2_000.0, -9.0, -9.0),
]
# (player, minutes at full strength): player 7 plays too little to count.
SEVEN = [(1, 30), (2, 28), (3, 26), (4, 24), (5, 22), (6, 20), (7, 5)]


@pytest.fixture
def tables(small_tables):
    return replace(small_tables(GAMES, n_teams=2), raptor=table("raptor", RATED))


@pytest.fixture
def raptor(as_of, built):
    """The group of team 1 with some players: `raptor(tables, roster, date, prior_minutes=0)`."""

    def make(tables, roster=SEVEN, date="2022-11-01", **change):
        ratings = pd.DataFrame(roster, columns=["player_id", "full_strength_minutes"])
        ratings = ratings.assign(team_id=1, as_of_date=pd.Timestamp(date))
        got = built("raptor", tables, as_of(date), ratings, **change).loc[date]
        assert got.loc[2].isna().all()  # nobody of team 2 is known
        return got.loc[1].tolist()

    return make


def test_the_five_leading_players_by_hand(tables, raptor):
    # 250 minutes at replacement level beside 750 and 250 played.
    low = -1.375
    offense = (750 * 4 + 250 * low) / 1_000 + (250 * -1 + 250 * low) / 500 + 3 * low
    defense = (750 * 1 + 250 * low) / 1_000 + (250 * 0 + 250 * low) / 500 + 3 * low
    assert raptor(tables) == pytest.approx([offense, defense])
    unrated = [(20 + place, 20) for place in range(9)]
    assert raptor(tables, unrated) == pytest.approx([5 * REPLACEMENT] * 2)


def test_without_raptor_of_last_season_it_is_unknown(tables, raptor):
    bare = replace(tables, raptor=tables.raptor[:0])
    for got in (raptor(tables, date="2021-11-02"), raptor(bare)):
        assert pd.isna(got).all()


def test_every_parameter_changes_the_columns(tables, raptor):
    given = raptor(tables)
    for change in ({"players": 1}, {"prior_minutes": 0.0}):
        assert not set(raptor(tables, **change)) & set(given)
    assert raptor(tables, players=1, prior_minutes=0.0) == [4.0, 1.0]


def test_neither_order_of_players_nor_of_the_table_matters(tables, raptor):
    players = [(player, 20) for player in range(1, 8)]  # of equal minutes the lower ids count
    got = raptor(tables, players)
    assert got == raptor(tables, players[:5])
    shuffled = replace(tables, raptor=tables.raptor[::-1].reset_index(drop=True))
    assert raptor(shuffled, players[::-1]) == got
