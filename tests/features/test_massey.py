"""The Massey group; the equations themselves are tested in test_ratings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import as_of_points
from nba_rank.data.outcomes import outcomes
from nba_rank.evaluation.metrics import spearman
from nba_rank.features import massey
from nba_rank.features.asof import Rows
from nba_rank.features.schedule_ratings import massey_ratings, simple_ratings

# Team 1 beats team 2 by 8, then by 4; the season after, by 2.
SEASONS = [
    ("2020-12-01", 1, 2, 108, 100),
    ("2021-12-01", 1, 2, 104, 100),
    ("2022-12-01", 1, 2, 102, 100),
]


def built(tables, dates, config):
    rows = Rows.of(tables, dates)
    frame = massey.build(tables, rows, config)
    return frame.set_axis(pd.MultiIndex.from_frame(rows.frame[["as_of_date", "team_id"]]))


@pytest.fixture
def config(features):
    return replace(features().massey, ridge=2.0, fit=True, carry_over=0.8)


def test_a_season_starts_from_the_last_by_hand(small_tables, as_of, config):
    tables = small_tables(SEASONS, n_teams=2)
    dates = as_of("2020-12-01", "2021-12-01", "2021-12-02", "2022-12-01", "2022-12-02")
    got = built(tables, dates, config)["massey_rating"].xs(1, level="team_id")
    # Final ratings are 4, 2 and 1 against -4, -2 and -1. Two seasons are needed to know a slope,
    # so .8 stands in the second season and 2 / 4 in the third.
    # One game of margin m: (1 + 2) r - (1) (-r) = m + 2 prior, so r = (m + 2 prior) / 4.
    expected = [0, 0.8 * 4, (4 + 2 * 3.2) / 4, 0.5 * 2, (2 + 2 * 1.0) / 4]
    np.testing.assert_allclose(got, expected)


def test_a_carry_over_of_the_config_stands_where_none_is_fitted(small_tables, as_of, config):
    tables = small_tables(SEASONS, n_teams=2)
    got = built(tables, as_of("2022-12-01"), replace(config, fit=False))
    np.testing.assert_allclose(got["massey_rating"], [0.8 * 2, -0.8 * 2])


def test_the_slope_is_that_of_all_pairs_of_earlier_seasons(sim_tables, as_of, config):
    ends = sim_tables.seasons["last_regular_date"].iloc[:2] + pd.Timedelta(days=1)
    first, second = np.split(
        simple_ratings(sim_tables, Rows.of(sim_tables, as_of(*ends)))["srs"].to_numpy(), 2
    )
    slope = np.polyfit(np.r_[first, -first], np.r_[second, -second], 1)[0]
    got = built(sim_tables, as_of("2023-10-01", season="2023-24"), config)["massey_rating"]
    np.testing.assert_allclose(got, slope * second, atol=1e-9)
    assert 0.2 < slope < 1


def test_a_team_without_a_last_season_starts_at_the_average(small_tables, as_of, config):
    games = [*SEASONS[:2], ("2022-12-01", 3, 2, 102, 100)]
    got = built(small_tables(games, n_teams=3), as_of("2022-12-01"), config)["massey_rating"]
    np.testing.assert_allclose(got, [1, -1, 0], atol=1e-12)


def test_without_memory_it_is_masseys_own(sim_tables, as_of, config):
    dates = as_of("2022-11-02", "2023-02-01")
    forgetful = replace(config, fit=False, carry_over=0.0)
    np.testing.assert_array_equal(
        built(sim_tables, dates, forgetful)["massey_rating"],
        massey_ratings(sim_tables, Rows.of(sim_tables, dates), 2.0),
    )


def test_the_difference_of_ranks_by_hand(small_tables, as_of, config):
    # Team 1 has lost narrowly to team 2, which has crushed nobody; team 3 was crushed twice.
    games = [
        ("2022-12-01", 1, 3, 130, 100),
        ("2022-12-02", 2, 1, 101, 100),
        ("2022-12-03", 2, 3, 101, 100),
        ("2023-03-01", 4, 3, 101, 100, {"kind": "playoffs"}),
    ]
    got = built(small_tables(games), as_of("2022-12-01", "2022-12-04"), config)
    assert got.loc["2022-12-01", "massey_rank_diff"].isna().all()
    # By record 2, 1, 3; by rating 1, 2, 3.
    assert got.loc["2022-12-04", "massey_rating"].idxmax() == 1
    diff = got.loc["2022-12-04", "massey_rank_diff"]
    assert diff.loc[[1, 2, 3]].tolist() == [1, -1, 0]
    assert np.isnan(diff[4])


def test_equal_records_share_their_ranks(small_tables, as_of, config):
    games = [("2022-12-01", 1, 2, 130, 100), ("2022-12-01", 3, 4, 101, 100)]
    diff = built(small_tables(games), as_of("2022-12-02"), config)["massey_rank_diff"]
    assert diff.tolist() == [1.5 - 1, 3.5 - 4, 1.5 - 2, 3.5 - 3]


@pytest.mark.real
def test_on_opening_night_it_ranks_the_real_league(real_tables, features, as_of):
    seasons = real_tables.seasons["season"].iloc[2::3]
    skill = []
    for season in seasons:
        dates = as_of(as_of_points(real_tables, season)["open"], season=season)
        rating = built(real_tables, dates, features().massey)["massey_rating"]
        ranks = outcomes(real_tables, season).set_index("team_id")["outcome_rank"]
        skill.append(spearman(rating.to_numpy(), ranks.sort_index().to_numpy()))
    assert np.mean(skill) > 0.5
