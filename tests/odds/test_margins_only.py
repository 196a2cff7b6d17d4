import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS, PLAYOFF_POINTS, playoff_points
from nba_rank.evaluation.metrics import spearman
from nba_rank.odds.margins_only import margins_only

SEASON = "2023-24"
SETTINGS = {"n_simulations": 300, "seed": 1, "threads": 1}


@pytest.fixture(scope="module")
def points(sim_dates) -> pd.DataFrame:
    return sim_dates[sim_dates["as_of_point"] != ""]


@pytest.fixture(scope="module")
def simulated(sim_tables, points) -> pd.DataFrame:
    """The last season; not to be altered."""
    return margins_only(sim_tables, points, [SEASON], **SETTINGS)


def test_every_point_of_the_season_has_odds_that_add_up(simulated):
    sums = simulated.groupby("as_of_point")[["playoff_prob", "finals_prob", "title_prob"]].sum()
    assert set(sums.index) == set(AS_OF_POINTS)
    np.testing.assert_allclose(sums, np.tile([16, 2, 1], (7, 1)))


def test_it_learns_in_the_season_and_ranks_the_end_well(simulated, sim_results):
    known = simulated.merge(sim_results, on=["season", "team_id"])
    missed = (known["playoff_prob"] - known["made_playoffs"]) ** 2
    brier = missed.groupby(known["as_of_point"]).mean()
    assert brier["open"] > brier["0.5"] > brier["end"]
    end = known[known["as_of_point"] == "end"]
    assert spearman(-end["projected_rank"], end["outcome_rank"]) > 0.9


def test_no_player_plays_a_part(simulated, sim_tables, points):
    got = margins_only(sim_tables.without_players(), points, [SEASON], **SETTINGS)
    pd.testing.assert_frame_equal(got, simulated)


def test_games_of_the_date_and_later_play_no_part(simulated, sim_tables, points, poison):
    half = points.loc[
        (points["season"] == SEASON) & (points["as_of_point"] == "0.5"), "as_of_date"
    ].item()
    got = margins_only(poison(sim_tables, half), points, [SEASON], **SETTINGS)
    both = [frame[frame["as_of_date"] <= half] for frame in (got, simulated)]
    pd.testing.assert_frame_equal(*both)
    assert not got.equals(simulated)


def test_points_in_the_playoffs_change_nothing_at_the_others(simulated, sim_tables, points):
    later = [
        pd.DataFrame({"season": season, "as_of_date": dates.values(), "as_of_point": dates.keys()})
        for season in points["season"].unique()
        for dates in [playoff_points(sim_tables, season)]
    ]
    both = pd.concat([points, *later], ignore_index=True)
    got = margins_only(sim_tables, both, [SEASON], **SETTINGS)
    at_points = got["as_of_point"].isin(AS_OF_POINTS)
    pd.testing.assert_frame_equal(got[at_points], simulated, check_exact=True)
    sums = got[~at_points].groupby("as_of_point")[["round_1_prob", "title_prob"]].sum()
    assert set(sums.index) == set(PLAYOFF_POINTS)
    np.testing.assert_allclose(sums, np.tile([8, 1], (8, 1)))
