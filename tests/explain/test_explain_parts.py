import numpy as np
import pandas as pd
import pytest

from nba_rank.explain.parts import AVERAGE, against_average, difference, level, loose

TEAMS = np.array([3, 5])


def players(**more):
    own = {"team_id": [3, 3, 5], "part": "rating", "player_id": [7, 8, 9], "value": [1.0, 2.0, 4.0]}
    return pd.DataFrame(own | more)


def test_a_level_holds_its_parts_and_their_whole():
    got = level("strength", "points", TEAMS, np.array([4.0, 6.0]), {"elo": np.array([1.0, 2.0])},
                players())  # fmt: skip
    assert got[["team_id", "part", "player_id", "value", "whole"]].to_numpy().tolist() == [
        [3, "elo", 0, 1.0, 4.0], [3, "rating", 7, 1.0, 4.0], [3, "rating", 8, 2.0, 4.0],
        [5, "elo", 0, 2.0, 6.0], [5, "rating", 9, 4.0, 6.0],
    ]  # fmt: skip
    assert (got["level"] == "strength").all()
    assert (got["unit"] == "points").all()


@pytest.mark.parametrize("off", [2e-6, np.nan])
def test_parts_that_miss_the_whole_are_refused(off):
    whole = np.array([3.0, 4.0 + off])
    with pytest.raises(ArithmeticError, match="parts of strength miss its whole"):
        level("strength", "points", TEAMS, whole, {}, players())


def test_against_the_average_team_rows_sum_to_the_same():
    parts = pd.DataFrame({"a": [1.0, 3.0], "b": [5.0, 5.0]})
    got = against_average(parts)
    assert got[AVERAGE].tolist() == [7.0, 7.0]
    assert got["a"].tolist() == [-1.0, 1.0]
    np.testing.assert_allclose(sum(got.values()), parts.sum(axis=1))


def test_a_difference_counts_what_one_side_lacks_as_nothing():
    whole = np.array([3.0, 4.0])
    here = level("strength", "points", TEAMS, whole, {}, players())
    there = level("strength", "points", TEAMS, np.array([2.0, 4.0]), {},
                  players(player_id=[7, 6, 9], value=[0.5, 1.5, 4.0]))  # fmt: skip
    beside = loose("rank", "rank", players())
    got = difference(pd.concat([here, beside]), pd.concat([there, beside]))
    values = got.set_index(["team_id", "player_id"])["value"].to_dict()
    assert values == {(3, 7): 0.5, (3, 8): 2.0, (3, 6): -1.5, (5, 9): 0.0}
    assert got.groupby("team_id")["whole"].first().tolist() == [1.0, 0.0]
    assert got["unit"].tolist() == ["points"] * 4
