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
        ("Sam Hauser (TW)", "Sam Hauser"),
        ("Luka Dončić\\doncilu01", "Luka Doncic"),
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


LUKA = known(("2018-19", 1, "Luka Dončić", 77), ("2019-20", 1, "Luka Doncic", 77))
JOHNSONS = known(
    ("2012-13", 1, "Chris Johnson", 10),
    ("2013-14", 1, "Chris Johnson", 10),
    ("2013-14", 2, "Chris Johnson", 20),
    ("2014-15", 3, "Chris Johnson", 20),
)
PAYTONS = known(("2020-21", 1, "Gary Payton", 1), ("2020-21", 2, "Gary Payton II", 2))
NOBODY = known().astype({"season": "str", "player_name": "str", "team_id": "int64"})


@pytest.mark.parametrize(
    ("name", "season", "team", "players", "expected"),
    [
        # The only player of the name, whatever his team and season.
        ("luka doncic", "2023-24", 2, LUKA, (77, False)),
        ("Luka Garza", "2023-24", 2, LUKA, (None, False)),
        ("Luka Doncic", "2023-24", 1, NOBODY, (None, False)),
        # Of several the season decides, and then the team.
        ("Chris Johnson", "2014-15", 9, JOHNSONS, (20, False)),
        ("Chris Johnson", "2013-14", 1, JOHNSONS, (10, False)),
        ("Chris Johnson", "2013-14", 9, JOHNSONS, (None, True)),
        ("Chris Johnson", "2016-17", 1, JOHNSONS, (None, True)),
        # A suffix counts before it is left out.
        ("Gary Payton II", "2020-21", 1, PAYTONS, (2, False)),
        ("Gary Payton", "2020-21", 2, PAYTONS, (1, False)),
        ("Gary Payton Jr.", "2021-22", 2, PAYTONS, (None, True)),
        ("Gary Payton", "2020-21", 2, PAYTONS.tail(1), (2, False)),
        ("Gary Payton III", "2020-21", 2, PAYTONS.head(1), (1, False)),
    ],
)
def test_players_are_identified_by_name_season_and_team(name, season, team, players, expected):
    rows = pd.DataFrame({"player_name": [name], "season": [season], "team_id": [team]}, index=[7])
    found, several = match_names(rows.astype({"player_name": "str"}), players)
    assert found.index.tolist() == several.index.tolist() == [7]
    assert (None if pd.isna(found[7]) else int(found[7]), bool(several[7])) == expected


def test_names_with_the_last_one_first_are_turned_round():
    pairs = {"Brown, Jaylen": "Jaylen Brown", "Porter Jr., Michael": "Michael Porter Jr.",
             "Payton II, Gary": "Gary Payton II"}  # fmt: skip
    for written, plain in pairs.items():
        assert plain_name(written) == plain_name(plain)
        assert without_suffix(written) == without_suffix(plain)
    assert plain_name("Michael Porter, Jr.") == "michaelporterjr"
