import numpy as np
import pandas as pd
import pytest
from made_games import AWAY, BOX, HOME, POSSESSIONS, line

from nba_rank.features.players.box_rates import RATE_INPUTS, RATES, game_values, rates

GAME = ("2022-11-01", 1, 2, 110, 100, BOX)
# Michael Jordan, Chicago at Cleveland, 1990-03-28, after overtime.
JORDAN = {"points": 69, "fgm": 23, "fga": 37, "fg3m": 2, "ftm": 21, "fta": 23, "oreb": 7,
          "dreb": 11, "ast": 6, "stl": 4, "blk": 1, "tov": 2, "pf": 5}  # fmt: skip


def of(**values):
    """The rates of a player; what is not named is 0."""
    per_game = dict.fromkeys(RATE_INPUTS, 0.0) | values
    got = rates({name: np.array([float(value)]) for name, value in per_game.items()})
    assert list(got) == list(RATES)
    return {name: value.item() for name, value in got.items()}


def test_published_game_score_and_true_shooting():
    got = of(**JORDAN, seconds=50 * 60, team_seconds=265 * 60)
    assert got["game_score"] == pytest.approx(64.6 * 36 / 50)
    assert got["true_shooting"] == pytest.approx(69 / (2 * (37 + 0.44 * 23)))
    assert got["true_shooting"] == pytest.approx(0.732, abs=5e-4)


def test_usage_by_hand():
    """In 36 of 48 minutes he uses 20 + .44 x 5 + 2.8 = 25 of his team's 120 chances."""
    got = of(fga=20, fta=5, tov=2.8, seconds=36 * 60, team_seconds=240 * 60,
             team_fga=90, team_fta=25, team_tov=19)  # fmt: skip
    assert got["usage"] == pytest.approx(100 * 25 * 48 / (36 * 120))


def test_box_rating_by_hand():
    """Half of the game is half of the team's 100 possessions: twice the weighted sum."""
    got = of(points=10, fga=8, fta=2, fg3m=1, ast=3, tov=1, oreb=1, dreb=4, stl=1, blk=2, pf=3,
             seconds=24 * 60, team_seconds=240 * 60, team_possessions=1_000)  # fmt: skip
    total = (0.860 * 10 - 0.670 * 8 - 0.2945 * 2 + 0.389 + 0.807 * 3 - 0.964 + 0.397 + 0.1485 * 4
             + 1.1885 + 1.015 * 2 - 0.367 * 3)  # fmt: skip
    assert got["box_rating"] == pytest.approx(2 * total)


def test_unknown_rates_are_nan_and_not_zero():
    assert np.isnan([*of().values()]).all()
    no_shots = of(seconds=600, team_seconds=14_400, team_possessions=1_000, team_fga=80)
    assert np.isnan(no_shots.pop("true_shooting"))
    assert set(no_shots.values()) == {0}
    no_team = of(**JORDAN, seconds=3_000, team_seconds=15_900, team_possessions=np.nan,
                 team_fga=np.nan)  # fmt: skip
    assert {name for name, rate in no_team.items() if np.isnan(rate)} == {"usage", "box_rating"}


def values_by_player(tables):
    frame = pd.DataFrame(game_values(tables))
    return frame.set_index(tables.player_games["player_id"])


def test_values_of_a_game_by_hand(small_tables):
    lines = [
        line("2022-11-01", 7, 1, 36, points=20, fga=15, stl=np.nan, plus_minus=9),
        line("2022-11-01", 8, 1, 12, points=4),
        line("2022-11-01", 9, 2, 40),
    ]
    got = values_by_player(small_tables([GAME], lines, n_teams=2))
    seven = got.loc[7]
    assert seven[["points", "fga", "plus_minus", "seconds"]].tolist() == [20, 15, 9, 36 * 60]
    assert np.isnan(seven["stl"])
    assert seven[["team_fga", "team_fta", "team_tov"]].tolist() == [90, 25, 14]
    assert got["team_seconds"].to_dict() == {7: 48 * 60, 8: 48 * 60, 9: 40 * 60}
    assert (got["team_possessions"] == round(10 * POSSESSIONS)).all()
    assert got.loc[9, "team_fga"] == 85


def test_a_gap_in_a_teams_box_score_hides_what_needs_it(small_tables):
    gap = (*GAME[:-1], {"home": HOME, "away": AWAY | {"dreb": np.nan}})
    got = values_by_player(small_tables([gap], [line("2022-11-01", 7, 1, 36)], n_teams=2)).loc[7]
    assert np.isnan(got["team_possessions"])
    assert got[["team_fga", "team_fta", "team_tov"]].tolist() == [90, 25, 14]


def test_values_are_whole_numbers(sim_tables):
    values = game_values(sim_tables)
    assert tuple(values) == RATE_INPUTS
    known = np.stack([*values.values()])
    known = known[~np.isnan(known)]
    np.testing.assert_array_equal(known, np.round(known))
    possessions = values["team_possessions"] / 10
    assert 85 < possessions.mean() < 110


def test_a_teams_usage_is_a_fifth_on_average(sim_tables):
    """Five players use all chances of their team but the turnovers that are nobody's."""
    values = values_by_player(sim_tables)
    usage = rates(dict(zip(RATE_INPUTS, values.to_numpy().T, strict=True)))["usage"]
    games = sim_tables.player_games.assign(used=usage * sim_tables.player_games["seconds"])
    sums = games.groupby(["game_id", "team_id"])[["used", "seconds"]].sum()
    mean = sums["used"] / sums["seconds"]
    assert mean.between(19, 20 + 1e-9).all()
    assert mean.quantile(0.75) == pytest.approx(20)
