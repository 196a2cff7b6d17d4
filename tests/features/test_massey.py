"""The Massey group; the equations themselves are tested in test_schedule_ratings."""

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import as_of_points
from nba_rank.data.outcomes import outcomes
from nba_rank.evaluation.metrics import spearman
from nba_rank.features.asof import Rows
from nba_rank.features.schedule_ratings import massey_ratings, simple_ratings

# Team 1 beats team 2 by 8, then by 4; the season after, by 2.
SEASONS = [
    ("2020-12-01", 1, 2, 108, 100),
    ("2021-12-01", 1, 2, 104, 100),
    ("2022-12-01", 1, 2, 102, 100),
]


@pytest.fixture
def massey(built):
    """The group with ridge 2 and carry-over .8: `massey(tables, dates, fit=False)`."""
    config = {"ridge": 2.0, "fit": True, "carry_over": 0.8}
    return lambda tables, dates, **change: built("massey", tables, dates, **(config | change))


def test_a_season_starts_from_the_last_by_hand(small_tables, as_of, massey):
    tables = small_tables(SEASONS, n_teams=2)
    dates = as_of("2020-12-01", "2021-12-01", "2021-12-02", "2022-12-01", "2022-12-02")
    got = massey(tables, dates)["massey_rating"].xs(1, level="team_id")
    # Final ratings are 4, 2 and 1 against -4, -2 and -1. Two seasons are needed to know a slope,
    # so .8 stands in the second season and 2 / 4 in the third.
    # One game of margin m: (1 + 2) r - (1) (-r) = m + 2 prior, so r = (m + 2 prior) / 4.
    expected = [0, 0.8 * 4, (4 + 2 * 3.2) / 4, 0.5 * 2, (2 + 2 * 1.0) / 4]
    np.testing.assert_allclose(got, expected)
    # Where it is not fitted, the carry-over is the config's.
    got = massey(tables, as_of("2022-12-01"), fit=False)
    np.testing.assert_allclose(got["massey_rating"], [0.8 * 2, -0.8 * 2])
    # A team without a last season starts at the average.
    tables = small_tables([*SEASONS[:2], ("2022-12-01", 3, 2, 102, 100)], n_teams=3)
    got = massey(tables, as_of("2022-12-01"))["massey_rating"]
    np.testing.assert_allclose(got, [1, -1, 0], atol=1e-12)


def test_the_slope_is_that_of_all_pairs_of_earlier_seasons(sim_tables, as_of, massey):
    ends = sim_tables.seasons["last_regular_date"].iloc[:2] + pd.Timedelta(days=1)
    first, second = np.split(
        simple_ratings(sim_tables, Rows.of(sim_tables, as_of(*ends)))["srs"].to_numpy(), 2
    )
    slope = np.polyfit(np.r_[first, -first], np.r_[second, -second], 1)[0]
    got = massey(sim_tables, as_of("2023-10-01", season="2023-24"))["massey_rating"]
    np.testing.assert_allclose(got, slope * second, atol=1e-9)
    assert 0.2 < slope < 1


def test_without_carry_over_it_is_masseys_own_rating(sim_tables, as_of, massey):
    dates = as_of("2022-11-02", "2023-02-01")
    got = massey(sim_tables, dates, fit=False, carry_over=0.0)["massey_rating"]
    expected = massey_ratings(sim_tables, Rows.of(sim_tables, dates), 2.0)
    np.testing.assert_array_equal(got, expected)


def test_the_difference_of_ranks_by_hand(small_tables, as_of, massey):
    # Team 1 has lost narrowly to team 2, which has crushed nobody; team 3 was crushed twice.
    games = [
        ("2022-12-01", 1, 3, 130, 100),
        ("2022-12-02", 2, 1, 101, 100),
        ("2022-12-03", 2, 3, 101, 100),
        ("2023-03-01", 4, 3, 101, 100, {"kind": "playoffs"}),
    ]
    got = massey(small_tables(games), as_of("2022-12-01", "2022-12-04"))["massey_rank_diff"]
    assert got.loc["2022-12-01"].isna().all()
    # By record 2, 1, 3; by rating 1, 2, 3.
    np.testing.assert_array_equal(got.loc["2022-12-04"], [1, -1, 0, np.nan])
    # Equal records share their ranks.
    games = [("2022-12-01", 1, 2, 130, 100), ("2022-12-01", 3, 4, 101, 100)]
    got = massey(small_tables(games), as_of("2022-12-02"))["massey_rank_diff"]
    assert got.tolist() == [1.5 - 1, 3.5 - 4, 1.5 - 2, 3.5 - 3]


@pytest.mark.real
def test_on_opening_night_it_ranks_the_real_league(real_tables, as_of, built):
    seasons = real_tables.seasons["season"].iloc[2::3]
    dates = as_of(*(as_of_points(real_tables, season)["open"] for season in seasons))
    rating = built("massey", real_tables, dates)["massey_rating"]
    skill = []
    for season, date in zip(seasons, dates["as_of_date"], strict=True):
        ranks = outcomes(real_tables, season).set_index("team_id")["outcome_rank"].sort_index()
        skill.append(spearman(rating[date].to_numpy(), ranks.to_numpy()))
    assert np.mean(skill) > 0.5
