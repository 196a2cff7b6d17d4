from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_games import line, rated, table
from scipy.stats import norm

from nba_rank.data.calendar import as_of_points
from nba_rank.data.outcomes import outcomes
from nba_rank.data.simulated.league import SimParams, simulate_league
from nba_rank.evaluation.metrics import spearman

STRENGTHS = ["roster_strength", "full_strength", "playoff_strength", "star_strength"]

# Nine men of 20 minutes each: a share of 5/9. Player 1 of team 1, a star, is out.
NINES = [
    (1, 0.0, 20, 9.0), *[(1, 20, 20, 0.0)] * 8,
    *[(2, 20, 20, 1.8)] * 9,
    *[(3, 20, 20, -0.9)] * 9,
    *[(4, 20, 20, 0.0)] * 9,
]  # fmt: skip
GAMES = [
    ("2022-11-01", 1, 2, 110, 100),
    ("2022-11-02", 1, 3, 110, 100),
    ("2022-11-03", 1, 4, 100, 110),
]


@pytest.fixture(scope="module")
def strength(small_tables, as_of, built):
    """The group by team on 4 November: `strength(players, games, lines, n_teams=4)`."""

    def make(players, games=GAMES, lines=(), n_teams=4, date="2022-11-04"):
        tables = small_tables(games, lines, n_teams=n_teams)
        return built("roster_strength", tables, as_of(date), rated(date, players)).loc[date]

    return make


@pytest.fixture(scope="module")
def between_two(strength):
    """Columns of team 1, which are as far above the mean as those of team 2 below it."""

    def make(players, *args, **more):
        frame = strength(players, *args, n_teams=2, **more).drop(columns="projected_win_pct")
        np.testing.assert_allclose(frame.loc[1], -frame.loc[2])
        return 2 * frame.loc[1]

    return make


def test_strengths_by_hand(strength):
    got = strength(NINES)
    # Sums of share times rating, less the mean team's.
    full = np.array([5, 9, -4.5, 0])
    np.testing.assert_allclose(got["roster_strength"], [-1.125, 9 - 1.125, -5.625, -1.125])
    # Nine men of equal minutes share them equally in the playoffs too, the star among them.
    for name in ("full_strength", "playoff_strength"):
        np.testing.assert_allclose(got[name], full - full.mean())
    average = 9.5 / 20
    stars = np.array([5 / 9 * (9 - average) ** 2, 5 * (1.8 - average) ** 2, 0, 0])
    np.testing.assert_allclose(got["star_strength"], stars - stars.mean())
    # The star adds 5 points and nobody else of his team any; three of nine add a third.
    best = np.array([5, 3, -1.5, 0])
    np.testing.assert_allclose(got["top3_strength"], best - best.mean())
    np.testing.assert_allclose(got["depth_strength"], (full - best) - (full - best).mean())


def test_the_rotation_of_the_playoffs_is_tighter(between_two):
    # A player who is back by then plays: the expected minutes of the morning do not matter.
    got = between_two([(1, 0.0, 24, 6.0), *[(1, 20, 20, -1.5)] * 8, *[(2, 0.0, 20, 1.0)] * 9])

    def share(exponent):
        return 5 * 24**exponent / (24**exponent + 8 * 20**exponent)

    usual, playoffs = share(1.3), share(1.8)
    assert got["playoff_strength"] == pytest.approx(6 * playoffs - 1.5 * (5 - playoffs) - 5)
    # Stars stand out from the league's average minute, which is one of the regular season.
    average = (6 * usual - 1.5 * (5 - usual) + 5) / 10
    stars = playoffs * (6 - average) ** 2 - 5 * (1 - average) ** 2
    assert got["star_strength"] == pytest.approx(stars)


def test_nobody_plays_more_than_40_minutes_in_the_playoffs(between_two):
    got = between_two([(1, 40, 40, 6.0), *[(1, 10, 10, 0.0)] * 8, (2, 20, 20, 0.0)])
    expected = [6 * 40 / 48, 6 * 38 / 48]
    assert got[["playoff_strength", "full_strength"]].tolist() == pytest.approx(expected)


def test_projected_wins_by_hand(strength):
    got = strength(NINES)["projected_win_pct"]
    # Teams 1 and 3 play in the East: 52 games inside, 30 against the mean of 2 and 4.
    chance = norm.cdf((5 - (52 * -4.5 + 30 * 4.5) / 82) / 13.3)
    assert got[1] == pytest.approx((2 + 79 * chance) / 82)
    chance = norm.cdf((9 - (52 * 0 + 30 * 0.25) / 82) / 13.3)
    assert got[2] == pytest.approx((0 + 81 * chance) / 82)


def test_the_top_three_are_those_who_add_most(between_two):
    # The player of the best rating hardly plays, so he is not among them.
    players = [(1, 2, 2, 9.0), *[(1, 30, 30, 2.0)] * 3, *[(1, 30, 30, 1.0)] * 4, (2, 20, 20, 0.0)]
    got = between_two(players)
    weights = np.array([2, *[30] * 7]) ** 1.3
    share = 5 * weights / weights.sum()
    expected = [3 * 2 * share[1], 9 * share[0] + 4 * share[-1]]
    assert got[["top3_strength", "depth_strength"]].tolist() == pytest.approx(expected)


def seasons(**years):
    """Games of teams 1 and 2 by year, and lines of team 1's players `p1`, `p2`, ..."""
    games = sorted({year for played in years.values() for year in played})
    lines = [line(f"{year}-11-01", int(player[1:]), 1, 20)
             for player, played in years.items() for year in played]  # fmt: skip
    return [(f"{year}-11-01", 1, 2, 110, 100) for year in games], lines


def test_experience_is_the_mean_number_of_earlier_seasons(between_two, strength):
    logs = seasons(p1=(2019, 2020, 2021, 2022), p2=(2020, 2022), p3=(2022,), p4=(2019, 2021))
    players = [(1, 15, 30, 0.0), (1, 10, 20, 0.0), (2, 10, 10, 0.0), (2, 10, 10, 0.0)]
    # Three, one, none and two. Nobody plays more than 38 minutes, so the first two play alike.
    assert between_two(players, *logs)["experience"] == pytest.approx((3 + 1) / 2 - (0 + 2) / 2)
    assert strength(players, *logs, date="2019-11-04")["experience"].isna().all()


def test_at_most_five_seasons_of_experience_count(between_two):
    players, logs = (
        [(1, 9, 9, 0.0), (2, 9, 9, 0.0)],
        seasons(p1=range(2015, 2023), p2=range(2017, 2022)),
    )
    assert between_two(players, *logs)["experience"] == 0
    assert between_two(players, *logs, date="2021-11-04")["experience"] == 1


def test_experience_is_weighted_by_minutes(between_two):
    players = [(1, 0, 22, 0.0), *[(1, 20, 20, 0.0)] * 8, (2, 20, 20, 0.0)]
    got = between_two(players, *seasons(p1=(2021,), p2=(2022,)))
    assert got["experience"] == pytest.approx(22**1.3 / (22**1.3 + 8 * 20**1.3))


def test_the_draft_value_of_young_players_by_hand(small_tables, as_of, built):
    date = "2022-11-04"
    drafts = [
        # The first pick in his fourth season and in his fifth, one of next year, and a late one.
        ("2019-20", 1, 1), ("2018-19", 2, 1), ("2023-24", 3, 1), ("2022-23", 4, 75),
        ("2022-23", 9, 3),
    ]  # fmt: skip
    tables = small_tables(GAMES, n_teams=2)
    tables = replace(tables, drafts=table("drafts", drafts))
    players = rated(date, [*[(1, 20, 30, 0.0)] * 8, *[(2, 20, 30, 0.0)] * 8])
    got = built("roster_strength", tables, as_of(date), players).loc[date]["draft_value"]
    values = 5 / 8 * np.log([61, 61 / 3])
    np.testing.assert_allclose(got, values - values.mean())


def test_every_date_is_centred_by_itself(sim_tables, as_of, rate, built):
    dates = as_of("2022-10-18", "2022-12-20", "2023-02-20")
    frame = built("roster_strength", sim_tables, dates, rate(sim_tables, dates))
    whole = frame["top3_strength"] + frame["depth_strength"]
    np.testing.assert_allclose(whole, frame["full_strength"], atol=1e-9)
    by_date = frame.groupby(level="as_of_date")
    np.testing.assert_allclose(by_date[STRENGTHS].mean(), 0.0, atol=1e-9)
    np.testing.assert_allclose(by_date["projected_win_pct"].mean(), 0.5, atol=0.02)
    assert (by_date[STRENGTHS].std() > 2).all(axis=None)


def test_a_season_that_is_over_projects_its_record(sim_tables, as_of, rate, built):
    dates = as_of(sim_tables.seasons["last_regular_date"].iloc[0] + pd.Timedelta(days=1))
    frame = built("roster_strength", sim_tables, dates, rate(sim_tables, dates))
    won = outcomes(sim_tables, "2021-22").set_index("team_id")["win_pct"].sort_index()
    np.testing.assert_allclose(frame["projected_win_pct"], won, rtol=1e-12)


def test_a_team_without_a_known_player_is_unknown_and_not_in_any_mean(strength):
    frame = strength([row for row in NINES if row[0] != 3])
    assert frame.loc[3].isna().all()
    np.testing.assert_allclose(frame["full_strength"].drop(3), np.array([5, 9, 0]) - 14 / 3)
    average = 14 / 15
    stars = np.array([5 / 9 * (9 - average) ** 2, 5 * (1.8 - average) ** 2, 0])
    np.testing.assert_allclose(frame["star_strength"].drop(3), stars - stars.mean())


def test_an_unknown_date_does_not_change_another(sim_tables, as_of, rate, built):
    """To the last bit, although some libraries round sums over gaps differently."""
    first = sim_tables.seasons["first_date"].min()
    days = [first + pd.Timedelta(days=days) for days in (20, 50, 80)]
    ratings = rate(sim_tables, as_of(first, *days))
    both = built("roster_strength", sim_tables, as_of(first, *days), ratings)
    later = ratings[ratings["as_of_date"] > first]
    known = built("roster_strength", sim_tables, as_of(*days), later)
    assert both.loc[first].isna().all(axis=None)
    pd.testing.assert_frame_equal(both[30:], known, check_exact=True)


# What it is worth.


def test_it_recovers_the_true_strength_of_a_simulated_league(sim_tables, as_of, rate, built):
    points = [as_of_points(sim_tables, season)["0.25"] for season in sim_tables.seasons["season"]]
    dates = as_of(*points)
    truth = simulate_league(SimParams(seed=11, n_seasons=3)).true_strength
    frame = built("roster_strength", sim_tables, dates, rate(sim_tables, dates))
    frame = frame.reset_index().merge(truth, on=["as_of_date", "team_id"], validate="one_to_one")
    assert len(frame) == 90
    # Stars carry teams, but their number is not all that strength is.
    for name, least in zip(STRENGTHS, (0.7, 0.7, 0.7, 0.4), strict=True):
        for _, teams in frame.groupby("season"):
            assert teams[name].corr(teams["true_strength"]) > least, name
    # Points are points: neither shrunk nor blown up.
    assert 0.7 < np.polyfit(frame["full_strength"], frame["true_strength"], 1)[0] < 1.2


@pytest.mark.real
@pytest.mark.slow
def test_it_ranks_the_real_league_from_opening_night_on(real_tables, as_of, rate, built):
    seasons = [f"{year}-{(year + 1) % 100:02d}" for year in range(2015, 2024)]
    points = {season: as_of_points(real_tables, season) for season in seasons}
    dates = as_of(*(points[season][point] for season in seasons for point in ("open", "0.25")))
    frame = built("roster_strength", real_tables, dates, rate(real_tables, dates))["full_strength"]
    for point, least in (("open", 0.62), ("0.25", 0.75)):
        skill = []
        for season in seasons:
            ranks = outcomes(real_tables, season).set_index("team_id")["outcome_rank"].sort_index()
            skill.append(spearman(frame[points[season][point]], ranks))
        assert np.mean(skill) >= least
