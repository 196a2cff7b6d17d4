from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS, as_of_grid
from nba_rank.data.outcomes import outcomes
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.evaluation.evaluate import RANKERS, evaluate
from nba_rank.evaluation.market import market_game_probs, market_scores, market_title_prob
from nba_rank.evaluation.metrics import LIST_METRICS

COLUMNS = ["season", "as_of_date", "team_id", "ranker", "score", "as_of_point"]
SPEARMAN = {"spearman": LIST_METRICS["spearman"]}


def points(tables, seasons=None):
    grid = as_of_grid(tables, seasons or tables.seasons["season"].tolist(), 1000)
    return grid[grid["as_of_point"] != ""].reset_index(drop=True)


def truth_of(tables):
    conferences = tables.teams[["season", "team_id", "conference"]]
    return outcomes(tables).merge(conferences, on=["season", "team_id"])


@pytest.fixture(scope="module")
def tables(sim_tables, priced):
    """Bookmakers' figures of two of three seasons."""
    return priced(sim_tables, ["2022-23", "2023-24"])


def test_every_team_has_its_win_total_at_every_point(tables, sim_tables):
    scores = market_scores(tables, points(tables))
    games = baseline_scores(sim_tables, points(tables).head(1))
    assert list(scores.columns) == list(games.columns) == COLUMNS
    assert scores.dtypes.equals(games.dtypes)
    assert set(scores["season"]) == {"2022-23", "2023-24"}
    assert set(scores["ranker"]) == {"market"}
    assert len(scores) == 2 * 30 * len(AS_OF_POINTS)
    assert not scores.duplicated(["season", "as_of_point", "team_id"]).any()
    totals = tables.market_totals.set_index(["season", "team_id"])["win_total"]
    keys = pd.MultiIndex.from_frame(scores[["season", "team_id"]])
    assert scores["score"].tolist() == totals.loc[keys].tolist()


def test_a_season_that_lacks_a_team_has_no_scores(tables):
    totals = tables.market_totals
    first = totals["season"] == "2022-23"
    for lacking in (
        totals.drop(index=totals.index[first][3]),
        totals.assign(win_total=totals["win_total"].mask(totals.index == totals.index[first][3])),
    ):
        scores = market_scores(replace(tables, market_totals=lacking), points(tables))
        assert set(scores["season"]) == {"2023-24"}


def test_without_figures_there_is_nothing(sim_tables):
    scores = market_scores(sim_tables, points(sim_tables))
    assert scores.empty
    assert list(scores.columns) == COLUMNS
    odds = market_title_prob(sim_tables, sim_tables.seasons["season"])
    assert odds.empty
    assert list(odds.columns) == ["season", "team_id", "title_prob"]
    probs = market_game_probs(sim_tables)
    assert probs.empty
    assert list(probs.columns) == ["game_id", "home_win_prob"]


def test_title_odds_are_those_of_the_seasons_asked_for(tables):
    odds = market_title_prob(tables, ["2021-22", "2023-24"])
    assert set(odds["season"]) == {"2023-24"}
    assert len(odds) == 30
    assert odds["title_prob"].sum() == pytest.approx(1)
    totals = tables.market_totals
    unknown = totals.assign(title_prob=totals["title_prob"].mask(totals["season"] == "2023-24"))
    assert market_title_prob(replace(tables, market_totals=unknown), ["2023-24"]).empty


def test_game_probabilities_leave_out_games_without_moneylines(tables):
    lines = tables.market_lines.copy()
    lines.loc[:4, "home_win_prob"] = np.nan
    probs = market_game_probs(replace(tables, market_lines=lines))
    assert probs["game_id"].tolist() == lines["game_id"].tolist()[5:]
    assert probs["home_win_prob"].between(0, 1).all()


def test_a_ranker_of_some_seasons_is_compared_within_them(tables):
    scores = pd.concat(
        [
            baseline_scores(tables, points(tables)),
            market_scores(tables, points(tables)),
        ],
        ignore_index=True,
    )
    tidy = evaluate(scores, truth_of(tables), SPEARMAN)
    assert set(tidy.loc[tidy["ranker"] == "market", "season"]) == {"2022-23", "2023-24"}
    assert tidy["ranker"].isin(RANKERS).all()


# The real league.


@pytest.mark.real
def test_real_bookmakers_see_games_well(real_tables):
    probs = market_game_probs(real_tables)
    games = real_tables.games
    games = games[(games["kind"] == "regular") & games["season"].between("2015-16", "2021-22")]
    priced = games.merge(probs, on="game_id")
    assert len(priced) / len(games) > 0.99
    won = priced["home_points"] > priced["away_points"]
    error = (priced["home_win_prob"] - won) ** 2
    assert 0.19 < error.mean() < 0.22
    assert abs(priced["home_win_prob"].mean() - won.mean()) < 0.02


@pytest.mark.real
def test_real_bookmakers_beat_last_seasons_standings_before_the_season(real_tables):
    seasons = sorted(real_tables.market_totals["season"].unique())
    opening = points(real_tables, seasons)
    opening = opening[opening["as_of_point"] == "open"]
    scores = pd.concat(
        [
            baseline_scores(real_tables, opening),
            market_scores(real_tables, opening),
        ],
        ignore_index=True,
    )
    tidy = evaluate(scores, truth_of(real_tables), SPEARMAN)
    mean = tidy[tidy["scope"] == "league"].groupby("ranker")["value"].agg(["mean", "size"])
    assert mean.loc["market", "size"] == 12
    assert mean.loc["market", "mean"] > mean["mean"].drop("market").max() + 0.05


@pytest.mark.real
def test_real_title_odds_beat_a_uniform_guess(real_tables):
    seasons = real_tables.seasons
    odds = market_title_prob(real_tables, seasons["season"])
    champions = seasons.rename(columns={"champion_team_id": "team_id"})[["season", "team_id"]]
    champions = champions.merge(odds, on=["season", "team_id"])
    assert len(champions) == 12
    assert -np.log(champions["title_prob"]).mean() < np.log(30) - 1
