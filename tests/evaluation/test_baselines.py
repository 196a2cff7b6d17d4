import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS, as_of_grid, as_of_points
from nba_rank.data.outcomes import outcomes
from nba_rank.evaluation.baselines import baseline_scores, with_random
from nba_rank.evaluation.evaluate import BASELINES, evaluate
from nba_rank.evaluation.metrics import LIST_METRICS

# Mean Spearman over the nine seasons 2015-16 to 2023-24 at each as-of point, and at the end inside
# the sixteen playoff teams.
SEASONS = [f"{year}-{year - 1999}" for year in range(2015, 2024)]
MASSEY = (0.545, 0.393, 0.616, 0.733, 0.817, 0.864, 0.907)
ELO = (0.57, 0.60, 0.684, 0.754, 0.824, 0.885, 0.891)


def points(tables, seasons):
    grid = as_of_grid(tables, seasons, 1000)
    return grid[grid["as_of_point"] != ""].reset_index(drop=True)


def scored(tables, seasons, seed=0):
    found = baseline_scores(tables, points(tables, seasons))
    return with_random(found, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def sim_scores(sim_tables):
    return scored(sim_tables, sim_tables.seasons["season"].tolist())


def at(scores, season, point, ranker):
    rows = scores[(scores["season"] == season) & (scores["as_of_point"] == point)]
    return rows[rows["ranker"] == ranker].set_index("team_id")["score"].sort_index()


def test_every_baseline_scores_every_team_at_every_point(sim_scores):
    made_from_games = set(BASELINES) - {"market"}
    assert set(sim_scores["ranker"]) == made_from_games
    assert len(sim_scores) == 3 * 7 * 30 * len(made_from_games)
    assert not sim_scores.duplicated(["season", "as_of_point", "ranker", "team_id"]).any()
    assert np.isfinite(sim_scores["score"]).all()


def test_standings_are_the_winning_percentage_to_date(sim_tables, sim_scores):
    games = sim_tables.team_games
    date = as_of_points(sim_tables, "2022-23")["0.25"]
    played = (games["season"] == "2022-23") & (games["game_date"] < date)
    expected = games[played].groupby("team_id")["won"].mean()
    got = at(sim_scores, "2022-23", "0.25", "standings")
    pd.testing.assert_series_equal(got, expected, check_names=False)
    final = outcomes(sim_tables, "2022-23").set_index("team_id")["win_pct"].sort_index()
    np.testing.assert_allclose(at(sim_scores, "2022-23", "end", "standings"), final)


def test_on_opening_night_last_season_speaks(sim_tables, sim_scores):
    last = outcomes(sim_tables, "2021-22").set_index("team_id").sort_index()
    opening = at(sim_scores, "2022-23", "open", "standings")
    np.testing.assert_allclose(opening, last["win_pct"])
    got = at(sim_scores, "2022-23", "0.5", "last_season")
    np.testing.assert_allclose(got, last["win_pct"] + last["playoff_wins"] / 100)
    margins = [at(sim_scores, "2022-23", "open", name) for name in ("massey", "srs", "net_rating")]
    assert margins[0].nunique() > 20
    assert margins[0].equals(margins[1])
    assert margins[0].equals(margins[2])


def test_chance_depends_on_the_generator_alone(sim_tables, sim_scores):
    again = scored(sim_tables, sim_tables.seasons["season"].tolist())
    pd.testing.assert_frame_equal(again, sim_scores)
    other = scored(sim_tables, sim_tables.seasons["season"].tolist(), seed=1)
    differ = other["score"] != sim_scores["score"]
    assert set(sim_scores.loc[differ, "ranker"]) == {"random"}


def check_alone(tables, season, seasons):
    def learnt(frame):
        frame = frame[(frame["season"] == season) & (frame["ranker"] != "random")]
        return frame.reset_index(drop=True)

    alone, among = learnt(scored(tables, [season])), learnt(scored(tables, seasons))
    pd.testing.assert_frame_equal(alone, among, check_exact=True)


@pytest.mark.parametrize("season", ["2021-22", "2023-24"])
def test_the_scores_of_a_season_do_not_depend_on_others_asked(sim_tables, season):
    check_alone(sim_tables, season, sim_tables.seasons["season"].tolist())


@pytest.mark.real
def test_a_new_team_is_the_average_of_what_was_known(real_tables):
    # Charlotte joined in 2004-05: its stand-in for last season may not look ahead.
    check_alone(real_tables, "2004-05", ["2003-04", "2004-05", "2005-06", "2006-07"])


# The real league.


@pytest.fixture(scope="module")
def real_spearman(real_tables):
    """Mean Spearman over the nine seasons by ranker, scope and point."""
    truth = outcomes(real_tables).merge(
        real_tables.teams[["season", "team_id", "conference"]], on=["season", "team_id"]
    )
    spearman = {"spearman": LIST_METRICS["spearman"]}
    tidy = evaluate(scored(real_tables, SEASONS), truth, spearman)
    assert tidy["season"].unique().tolist() == SEASONS
    return tidy.groupby(["ranker", "scope", "as_of_point"])["value"].mean()


@pytest.mark.real
@pytest.mark.parametrize(
    ("point", "scope", "expected", "within"),
    [
        ("open", "league", 0.545, 0.01),
        ("0.05", "league", 0.438, 0.01),
        ("0.15", "league", 0.617, 0.01),
        ("0.25", "league", 0.749, 0.01),
        ("0.5", "league", 0.831, 0.01),
        ("0.75", "league", 0.907, 0.01),
        ("end", "league", 0.952, 0.005),
        ("end", "playoff16", 0.709, 0.01),
    ],
)
def test_real_standings_reach_their_known_skill(real_spearman, point, scope, expected, within):
    assert real_spearman["standings", scope, point] == pytest.approx(expected, abs=within)


@pytest.mark.real
@pytest.mark.parametrize(("ranker", "known"), [("massey", MASSEY), ("srs", MASSEY), ("elo", ELO)])
def test_real_ratings_reach_their_known_skill(real_spearman, ranker, known):
    got = real_spearman[ranker, "league"].reindex(list(AS_OF_POINTS))
    np.testing.assert_allclose(got, known, atol=0.025)


@pytest.mark.real
@pytest.mark.parametrize(("ranker", "known"), [("massey", 0.643), ("elo", 0.573)])
def test_real_ratings_reach_their_known_skill_inside_the_playoff_field(
    real_spearman, ranker, known
):
    assert real_spearman[ranker, "playoff16", "end"] == pytest.approx(known, abs=0.025)


@pytest.mark.real
def test_chance_has_no_skill(real_spearman):
    assert abs(real_spearman["random", "league"]).max() < 0.2
