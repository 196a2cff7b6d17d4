from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS, as_of_grid, as_of_points
from nba_rank.data.outcomes import outcomes
from nba_rank.evaluation.assessment import truth_of
from nba_rank.evaluation.baselines import (
    baseline_scores,
    market_game_probs,
    market_scores,
    market_title_prob,
    with_random,
)
from nba_rank.evaluation.evaluate import BASELINES, evaluate
from nba_rank.evaluation.metrics import SPEARMAN

SEASONS = [f"{year}-{year - 1999}" for year in range(2015, 2024)]


def points(tables, seasons=None):
    grid = as_of_grid(tables, seasons or tables.seasons["season"].tolist(), 1000)
    return grid[grid["as_of_point"] != ""]


def scored(tables, seasons=None):
    return with_random(baseline_scores(tables, points(tables, seasons)), np.random.default_rng(0))


@pytest.fixture(scope="module")
def sim_scores(sim_tables):
    return scored(sim_tables)


def at(scores, season, point, ranker):
    rows = scores[(scores["season"] == season) & (scores["as_of_point"] == point)]
    return rows[rows["ranker"] == ranker].set_index("team_id")["score"].sort_index()


def test_every_baseline_scores_every_team_at_every_point(sim_scores):
    made_from_games = set(BASELINES) - {"margins", "market", "closing_spreads"}
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


def test_opening_night_is_ranked_by_last_season(sim_tables, sim_scores):
    last = outcomes(sim_tables, "2021-22").set_index("team_id").sort_index()
    opening = {name: at(sim_scores, "2022-23", "open", name) for name in BASELINES[:5]}
    np.testing.assert_allclose(opening["standings"], last["win_pct"])
    assert opening["massey"].nunique() > 20
    assert all(opening["massey"].equals(opening[name]) for name in ("srs", "net_rating"))
    got = at(sim_scores, "2022-23", "0.5", "last_season")
    np.testing.assert_allclose(got, last["win_pct"] + last["playoff_wins"] / 100)


def check_alone(tables, season, among):
    alone = baseline_scores(tables, points(tables, [season]))
    among = among[(among["season"] == season) & (among["ranker"] != "random")]
    pd.testing.assert_frame_equal(alone, among.reset_index(drop=True), check_exact=True)


def test_scores_of_a_season_do_not_depend_on_the_seasons_asked_for(sim_tables, sim_scores):
    check_alone(sim_tables, "2021-22", sim_scores)
    check_alone(sim_tables, "2023-24", sim_scores)


@pytest.fixture(scope="module")
def priced_tables(sim_tables, priced):
    """Bookmakers' figures of two of three seasons."""
    return priced(sim_tables, ["2022-23", "2023-24"])


@pytest.fixture(scope="module")
def market(compose_as_is):
    """Scores of bookmakers: `market(tables)`."""
    config = compose_as_is().features.market
    return lambda tables: market_scores(tables, points(tables), config)


def test_bookmakers_rank_seasons_in_which_every_team_has_a_win_total(
    priced_tables, sim_scores, market
):
    tables = priced_tables
    scores = market(tables)
    assert scores.dtypes.equals(sim_scores.dtypes)
    assert set(scores["season"]) == {"2022-23", "2023-24"}
    scores = scores[scores["ranker"] == "market"]
    assert len(scores) == 2 * 30 * len(AS_OF_POINTS)
    assert not scores.duplicated(["season", "as_of_point", "team_id"]).any()
    totals = tables.market_totals
    keys = pd.MultiIndex.from_frame(scores[["season", "team_id"]])
    expected = totals.set_index(["season", "team_id"])["win_total"].loc[keys]
    assert scores["score"].tolist() == expected.tolist()
    fourth = totals.index[totals["season"] == "2022-23"][3]
    for lacking in (
        totals.drop(index=fourth),
        totals.assign(win_total=totals["win_total"].mask(totals.index == fourth)),
    ):
        scores = market(replace(tables, market_totals=lacking))
        assert set(scores.loc[scores["ranker"] == "market", "season"]) == {"2023-24"}


def test_closing_spreads_rank_dates_on_which_they_are_known(priced_tables, market):
    tables = replace(priced_tables, market_totals=priced_tables.market_totals.iloc[:0])
    scores = market(tables)
    assert set(scores["ranker"]) == {"closing_spreads"}
    known = scores.groupby(["season", "as_of_point"]).size()
    assert (known == 30).all()
    # Nothing is known before the first line; the second season starts from the first one's lines.
    assert set(AS_OF_POINTS) - set(known["2022-23"].index) == {"open"}
    assert set(known["2023-24"].index) == set(AS_OF_POINTS)
    assert scores["score"].abs().max() < 15


def test_without_bookmakers_figures_there_are_no_rows(sim_tables, sim_scores, market):
    none = market(sim_tables)
    assert none.empty
    assert none.dtypes.equals(sim_scores.dtypes)
    assert market_title_prob(sim_tables, SEASONS).empty
    assert market_game_probs(sim_tables).empty


def test_market_odds_are_of_priced_seasons_and_games(priced_tables):
    tables = priced_tables
    odds = market_title_prob(tables, ["2021-22", "2023-24"])
    assert set(odds["season"]) == {"2023-24"}
    assert len(odds) == 30
    totals = tables.market_totals
    unknown = totals.assign(title_prob=totals["title_prob"].mask(totals["season"] == "2023-24"))
    assert market_title_prob(replace(tables, market_totals=unknown), ["2023-24"]).empty
    lines = tables.market_lines.copy()
    lines.loc[:4, "home_win_prob"] = np.nan
    probs = market_game_probs(replace(tables, market_lines=lines))
    assert probs["game_id"].tolist() == lines["game_id"].tolist()[5:]


@pytest.mark.real
def test_real_baselines_reach_their_known_skill(real_tables):
    truth = truth_of(outcomes(real_tables), real_tables)
    tidy = evaluate(scored(real_tables, SEASONS), truth, SPEARMAN)
    values = tidy.groupby(["ranker", "scope", "as_of_point"])["value"].mean()
    known = {
        "standings": (0.545, 0.438, 0.617, 0.749, 0.831, 0.907, 0.952),
        "massey": (0.545, 0.393, 0.616, 0.733, 0.817, 0.864, 0.907),
        "srs": (0.545, 0.393, 0.616, 0.733, 0.817, 0.864, 0.907),
        "elo": (0.57, 0.60, 0.684, 0.754, 0.824, 0.885, 0.891),
    }
    for ranker, expected in known.items():
        got = values[ranker, "league"].reindex(list(AS_OF_POINTS))
        np.testing.assert_allclose(got, expected, atol=0.025, err_msg=ranker)
    assert values["standings", "playoff16", "end"] == pytest.approx(0.709, abs=0.01)
    # Charlotte joined in 2004-05: its stand-in for last season may not look ahead.
    later = scored(real_tables, ["2003-04", "2004-05", "2005-06", "2006-07"])
    check_alone(real_tables, "2004-05", later)
