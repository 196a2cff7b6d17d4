import pandas as pd
import pytest

from nba_rank.data.player_names import match_names, plain_name, without_suffix


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Luka Dončić", "LUKA DONCIC"),
        ("Nikola Đurišić", "Nikola Durisic"),
        ("A.J. Griffin", "AJ Griffin"),
        ("J. J. Redick", "JJ Redick"),
        ("De'Aaron Fox", "De\u2019Aaron  Fox"),
        ("Shai Gilgeous-Alexander", "Shai Gilgeous Alexander"),
        ("Ömer Aş\u0131k", "omer asik"),
    ],
)
def test_spellings_of_a_name_are_one(one, other):
    assert plain_name(one) == plain_name(other)


def test_suffixes_are_told_apart_and_can_be_left_out():
    assert plain_name("Jaren Jackson Jr.") != plain_name("Jaren Jackson")
    for suffix in ("Jr.", "jr", "Sr.", "II", "III", "IV"):
        assert without_suffix(f"Jaren Jackson {suffix}") == "jarenjackson"
    assert without_suffix("Ivy") == "ivy"
    assert without_suffix("V") == "v"
    assert without_suffix("Ivica Zubaciv") == "ivicazubaciv"


def known(*players):
    return pd.DataFrame(players, columns=["season", "team_id", "player_name", "player_id"])


def matched(name, season, team, players):
    rows = pd.DataFrame(
        {"player_name": [name], "season": [season], "team_id": [team]}, index=[7]
    ).astype({"player_name": "str"})
    found, several = match_names(rows, players)
    assert found.index.tolist() == several.index.tolist() == [7]
    return None if pd.isna(found[7]) else int(found[7]), bool(several[7])


def test_one_player_of_the_name_is_found_whatever_his_team_and_season():
    players = known(("2018-19", 1, "Luka Dončić", 77), ("2019-20", 1, "Luka Doncic", 77))
    assert matched("luka doncic", "2023-24", 2, players) == (77, False)
    assert matched("Luka Garza", "2023-24", 2, players) == (None, False)


def test_of_several_players_the_season_and_then_the_team_decides():
    players = known(
        ("2012-13", 1, "Chris Johnson", 10),
        ("2013-14", 1, "Chris Johnson", 10),
        ("2013-14", 2, "Chris Johnson", 20),
        ("2014-15", 3, "Chris Johnson", 20),
    )
    assert matched("Chris Johnson", "2014-15", 9, players) == (20, False)
    assert matched("Chris Johnson", "2013-14", 1, players) == (10, False)
    assert matched("Chris Johnson", "2013-14", 9, players) == (None, True)
    assert matched("Chris Johnson", "2016-17", 1, players) == (None, True)


def test_a_suffix_counts_before_it_is_left_out():
    both = known(("2020-21", 1, "Gary Payton", 1), ("2020-21", 2, "Gary Payton II", 2))
    assert matched("Gary Payton II", "2020-21", 1, both) == (2, False)
    assert matched("Gary Payton", "2020-21", 2, both) == (1, False)
    assert matched("Gary Payton Jr.", "2021-22", 2, both) == (None, True)
    assert matched("Gary Payton", "2020-21", 2, both.tail(1)) == (2, False)
    assert matched("Gary Payton III", "2020-21", 2, both.head(1)) == (1, False)


def test_without_game_logs_nobody_is_found():
    nobody = known().astype({"season": "str", "player_name": "str", "team_id": "int64"})
    assert matched("Luka Doncic", "2023-24", 1, nobody) == (None, False)
