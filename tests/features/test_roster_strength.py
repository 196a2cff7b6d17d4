import numpy as np
import pandas as pd
import pytest
from made_games import line
from scipy.stats import norm

from nba_rank.config.schema import RosterStrengthConfig
from nba_rank.data.calendar import as_of_points
from nba_rank.data.outcomes import outcomes
from nba_rank.data.simulated.league import SimParams, simulate_league
from nba_rank.evaluation.metrics import spearman
from nba_rank.features import roster_strength
from nba_rank.features.asof import Rows

STRENGTHS = ["roster_strength", "full_strength", "playoff_strength", "star_strength"]
COLUMNS = [*STRENGTHS, "projected_win_pct", "top3_strength", "depth_strength", "experience"]


def built(tables, ratings, dates):
    """The group's frame with season, date and team."""
    rows = Rows.of(tables, dates)
    frame = roster_strength.build(tables, ratings, rows, RosterStrengthConfig(enabled=True))
    assert list(frame.columns) == COLUMNS
    return pd.concat([rows.frame, frame], axis=1)


def rated(date, players):
    """Ratings by hand from (team, expected minutes, at full strength, impact rating)."""
    columns = ["team_id", "expected_minutes", "full_strength_minutes", "impact_rating"]
    frame = pd.DataFrame(players, columns=columns)
    return frame.assign(as_of_date=pd.Timestamp(date), player_id=range(1, len(frame) + 1))


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
def by_hand(small_tables, as_of):
    frame = built(small_tables(GAMES), rated("2022-11-04", NINES), as_of("2022-11-04"))
    return frame.set_index("team_id")


def test_strength_by_hand(by_hand):
    # Sums of share times rating, less the mean team's.
    available, full = np.array([0, 9, -4.5, 0]), np.array([5, 9, -4.5, 0])
    np.testing.assert_allclose(by_hand["roster_strength"], available - 4.5 / 4)
    np.testing.assert_allclose(by_hand["full_strength"], full - 9.5 / 4)
    # Nine men of equal minutes share them equally in the playoffs too, the star among them.
    np.testing.assert_allclose(by_hand["playoff_strength"], full - 9.5 / 4)


def test_strength_of_stars_by_hand(by_hand):
    average = 9.5 / 20
    stars = np.array([5 / 9 * (9 - average) ** 2, 5 * (1.8 - average) ** 2, 0, 0])
    np.testing.assert_allclose(by_hand["star_strength"], stars - stars.mean())


def test_the_rotation_of_the_playoffs_is_tighter(small_tables, as_of):
    # Whoever is back by then plays: the expected minutes of the morning do not matter.
    players = [(1, 0.0, 24, 6.0), *[(1, 20, 20, -1.5)] * 8, *[(2, 0.0, 20, 1.0)] * 9]
    frame = built(small_tables(GAMES, n_teams=2), rated("2022-11-04", players), as_of("2022-11-04"))

    def share(exponent):
        return 5 * 24**exponent / (24**exponent + 8 * 20**exponent)

    usual, playoffs = share(1.3), share(1.8)
    assert usual < playoffs < 40 / 48
    first = 6 * playoffs - 1.5 * (5 - playoffs)
    expected = (first - 5) / 2
    np.testing.assert_allclose(frame["playoff_strength"], [expected, -expected])
    # Stars stand out from the league's average minute, which is one of the regular season.
    average = (6 * usual - 1.5 * (5 - usual) + 5) / 10
    first, second = playoffs * (6 - average) ** 2, 5 * (1 - average) ** 2
    expected = (first - second) / 2
    np.testing.assert_allclose(frame["star_strength"], [expected, -expected])


def test_no_star_plays_more_than_40_minutes_in_the_playoffs(small_tables, as_of):
    players = [(1, 40, 40, 6.0), *[(1, 10, 10, 0.0)] * 8, (2, 20, 20, 0.0)]
    frame = built(small_tables(GAMES, n_teams=2), rated("2022-11-04", players), as_of("2022-11-04"))
    assert frame["playoff_strength"].tolist() == pytest.approx([2.5, -2.5])
    assert frame["full_strength"].tolist() == pytest.approx([2.375, -2.375])


def test_projected_wins_by_hand(by_hand):
    # Teams 1 and 3 play in the East: 52 games inside, 30 against the mean of 2 and 4.
    opponents = (52 * -4.5 + 30 * 4.5) / 82
    chance = norm.cdf((5 - opponents) / 13.3)
    assert by_hand.loc[1, "projected_win_pct"] == pytest.approx((2 + 79 * chance) / 82)
    opponents = (52 * 0 + 30 * 0.25) / 82
    chance = norm.cdf((9 - opponents) / 13.3)
    assert by_hand.loc[2, "projected_win_pct"] == pytest.approx((0 + 81 * chance) / 82)


def test_the_best_three_and_the_rest_by_hand(by_hand):
    # The star adds 5 points and nobody else of his team any; three of nine add a third.
    best, rest = np.array([5, 3, -1.5, 0]), np.array([0, 6, -3, 0])
    np.testing.assert_allclose(by_hand["top3_strength"], best - 6.5 / 4)
    np.testing.assert_allclose(by_hand["depth_strength"], rest - 3 / 4)


def test_the_best_are_those_who_add_most(small_tables, as_of):
    # Who has the best rating but hardly plays is not among them.
    players = [(1, 2, 2, 9.0), *[(1, 30, 30, 2.0)] * 3, *[(1, 30, 30, 1.0)] * 4, (2, 20, 20, 0.0)]
    frame = built(small_tables(GAMES, n_teams=2), rated("2022-11-04", players), as_of("2022-11-04"))
    weights = np.array([2, *[30] * 7]) ** 1.3
    share = 5 * weights / weights.sum()
    best = 3 * 2 * share[1]
    assert frame["top3_strength"].tolist() == pytest.approx([best / 2, -best / 2])
    rest = 9 * share[0] + 4 * share[-1]
    assert frame["depth_strength"].tolist() == pytest.approx([rest / 2, -rest / 2])


def test_experience_by_hand(small_tables, as_of):
    games = [(f"{year}-11-01", 1, 2, 110, 100) for year in (2019, 2020, 2021, 2022)]
    seasons = {1: (2019, 2020, 2021, 2022), 2: (2020, 2022), 3: (2022,), 4: (2019, 2021)}
    lines = [line(f"{year}-11-01", player, 1, 20) for player, years in seasons.items()
             for year in years]  # fmt: skip
    players = [(1, 15, 30, 0.0), (1, 10, 20, 0.0), (2, 10, 10, 0.0), (2, 10, 10, 0.0)]
    tables = small_tables(games, lines, n_teams=2)
    frame = built(tables, rated("2022-11-02", players), as_of("2022-11-02"))
    # Of three, one, none and two earlier seasons. More than 38 minutes nobody plays, so that the
    # first two have as many as each other.
    assert frame["experience"].tolist() == pytest.approx([0.5, -0.5])
    first = rated("2019-11-02", players)
    assert built(tables, first, as_of("2019-11-02"))["experience"].isna().all()


def test_a_sixth_season_makes_nobody_more_experienced(small_tables, as_of):
    years = range(2015, 2023)
    games = [(f"{year}-11-01", 1, 2, 110, 100) for year in years]
    lines = [line(f"{year}-11-01", 1, 1, 20) for year in years]
    lines += [line(f"{year}-11-01", 2, 2, 20) for year in range(2017, 2022)]
    tables = small_tables(games, lines, n_teams=2)
    frame = built(
        tables, rated("2022-11-02", [(1, 9, 9, 0.0), (2, 9, 9, 0.0)]), as_of("2022-11-02")
    )
    assert frame["experience"].tolist() == [0, 0]
    frame = built(
        tables, rated("2021-11-02", [(1, 9, 9, 0.0), (2, 9, 9, 0.0)]), as_of("2021-11-02")
    )
    assert frame["experience"].tolist() == [0.5, -0.5]


def test_experience_goes_by_minutes(small_tables, as_of):
    games = [(f"{year}-11-01", 1, 2, 110, 100) for year in (2021, 2022)]
    lines = [line("2021-11-01", 1, 1, 20), line("2022-11-01", 2, 1, 20)]
    players = [(1, 0, 22, 0.0), *[(1, 20, 20, 0.0)] * 8, (2, 20, 20, 0.0)]
    tables = small_tables(games, lines, n_teams=2)
    frame = built(tables, rated("2022-11-02", players), as_of("2022-11-02"))
    share = 22**1.3 / (22**1.3 + 8 * 20**1.3)
    assert frame["experience"].tolist() == pytest.approx([share / 2, -share / 2])


def test_every_date_is_centred_by_itself(sim_tables, as_of, rate):
    dates = as_of("2022-10-18", "2022-12-20", "2023-02-20")
    frame = built(sim_tables, rate(sim_tables, dates), dates)
    whole = frame["top3_strength"] + frame["depth_strength"]
    np.testing.assert_allclose(whole, frame["full_strength"], atol=1e-9)
    means = frame.groupby("as_of_date")[COLUMNS].mean()
    np.testing.assert_allclose(means[STRENGTHS], 0.0, atol=1e-9)
    np.testing.assert_allclose(means["projected_win_pct"], 0.5, atol=0.02)
    assert (frame.groupby("as_of_date")[STRENGTHS].std() > 2).all(axis=None)


def test_a_season_that_is_over_projects_what_was_won(sim_tables, as_of, rate):
    dates = as_of(sim_tables.seasons["last_regular_date"].iloc[0] + pd.Timedelta(days=1))
    frame = built(sim_tables, rate(sim_tables, dates), dates).set_index("team_id")
    won = outcomes(sim_tables, "2021-22").set_index("team_id")["win_pct"]
    np.testing.assert_allclose(frame["projected_win_pct"], won[frame.index], rtol=1e-12)


def test_a_team_without_a_known_player_is_unknown_and_counts_for_nobody(small_tables, as_of):
    players = [row for row in NINES if row[0] != 3]
    frame = built(small_tables(GAMES), rated("2022-11-04", players), as_of("2022-11-04"))
    frame = frame.set_index("team_id")
    assert frame.loc[3, COLUMNS].isna().all()
    np.testing.assert_allclose(frame["full_strength"].drop(3), np.array([5, 9, 0]) - 14 / 3)
    average = 14 / 15
    stars = np.array([5 / 9 * (9 - average) ** 2, 5 * (1.8 - average) ** 2, 0])
    np.testing.assert_allclose(frame["star_strength"].drop(3), stars - stars.mean())


def test_without_logs_and_before_their_first_game_strength_is_unknown(small_tables, as_of, rate):
    old = [("2021-11-01", 1, 2, 110, 100)]
    lines = [line(game[0], 10 * team + i, team, 40)
             for game in GAMES for team in game[1:3] for i in range(7)]  # fmt: skip
    rosters = [("2022-10-30", team, range(10 * team, 10 * team + 7)) for team in (1, 2, 3, 4)]
    tables = small_tables([*old, *GAMES], lines, rosters=rosters)
    dates = as_of("2021-11-02", "2022-11-01", "2022-11-02")
    frame = built(tables, rate(tables, dates), dates).set_index("as_of_date")
    assert frame.loc[["2021-11-02", "2022-11-01"], COLUMNS].isna().all(axis=None)
    # That nobody has played in an earlier season is not known in the first one.
    known = [column for column in COLUMNS if column != "experience"]
    assert frame.loc["2022-11-02", known].notna().all(axis=None)
    assert frame["experience"].isna().all()


def test_a_date_does_not_feel_that_another_is_unknown(sim_tables, as_of, rate):
    """To the last bit, although sums over gaps are rounded otherwise by some libraries."""
    first = sim_tables.seasons["first_date"].min()
    days = [first + pd.Timedelta(days=days) for days in (20, 50, 80)]
    ratings = rate(sim_tables, as_of(first, *days))
    both = built(sim_tables, ratings, as_of(first, *days))
    known = built(sim_tables, ratings[ratings["as_of_date"] > first], as_of(*days))
    assert both.loc[:29, COLUMNS].isna().all(axis=None)
    pd.testing.assert_frame_equal(both[30:].reset_index(drop=True), known, check_exact=True)


# What it is worth.


def test_it_recovers_the_true_strength_of_a_simulated_league(sim_tables, rate):
    seasons = sim_tables.seasons["season"]
    dates = pd.DataFrame(
        {
            "season": seasons,
            "as_of_date": [as_of_points(sim_tables, season)["0.25"] for season in seasons],
        }
    )
    truth = simulate_league(SimParams(seed=11, n_seasons=3)).true_strength
    frame = built(sim_tables, rate(sim_tables, dates), dates).merge(
        truth, on=["season", "as_of_date", "team_id"], validate="one_to_one"
    )
    assert len(frame) == 90
    for _, teams in frame.groupby("season"):
        assert teams["roster_strength"].corr(teams["true_strength"]) > 0.7
        assert teams["full_strength"].corr(teams["true_strength"]) > 0.7
        assert teams["playoff_strength"].corr(teams["true_strength"]) > 0.7
        # Stars carry teams, but their number is not all that strength is.
        assert teams["star_strength"].corr(teams["true_strength"]) > 0.4
    # Points are points: neither shrunk nor blown up.
    assert 0.7 < np.polyfit(frame["full_strength"], frame["true_strength"], 1)[0] < 1.2


@pytest.mark.real
def test_it_ranks_the_real_league_from_opening_night_on(real_tables, rate):
    seasons = [f"{year}-{(year + 1) % 100:02d}" for year in range(2015, 2024)]
    dates = pd.DataFrame(
        [
            (season, as_of_points(real_tables, season)[point], point)
            for season in seasons
            for point in ("open", "0.25")
        ],
        columns=["season", "as_of_date", "as_of_point"],
    )
    ranks = pd.concat([outcomes(real_tables, season) for season in seasons])
    frame = built(real_tables, rate(real_tables, dates), dates)
    frame = frame.merge(dates).merge(ranks[["season", "team_id", "outcome_rank"]])
    skill = {
        key: spearman(teams["full_strength"], teams["outcome_rank"])
        for key, teams in frame.groupby(["as_of_point", "season"])
    }
    mean = pd.Series(skill).groupby(level=0).mean()
    assert mean["open"] >= 0.62
    assert mean["0.25"] >= 0.75
