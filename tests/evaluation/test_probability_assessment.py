from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy.special import ndtr
from sklearn.ensemble import RandomForestRegressor
from xgboost import XGBRegressor

from nba_rank.core.names import MARGINS, PLATT
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.outcomes import EVENTS
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.probability_assessment import (
    Forecast,
    assess_probabilities,
    win_probabilities,
)
from nba_rank.features.store import KEY
from nba_rank.models.members import Members, Scores
from nba_rank.models.ranker import Ensemble, League, Ranker
from nba_rank.odds.inputs import ROSTER_INPUTS
from nba_rank.odds.margins_only import margins_only
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.past_games import RatedGames
from nba_rank.samples.dataset import PROGRESS

LEARNED, TESTED = "2022-23", "2023-24"
ODDS = [f"{event}_prob" for event in EVENTS]
TITLE = {"champion_brier", "champion_log_loss"}
ADVANCEMENT = TITLE | {
    "playoff_brier", "round_1_brier", "round_2_brier", "finals_brier", "playoff_log_loss",
    "advancement_log_loss",
}  # fmt: skip
GAMES = {"game_brier", "game_log_loss"}
NO_GAMES = pd.DataFrame()


@pytest.fixture(scope="module")
def league(sim_tables, sim_inputs, sim_results):
    """The simulated league."""
    return League(sim_tables, sim_inputs, sim_results)


@pytest.fixture(scope="module")
def forecast_of(league, sim_inputs, sim_data, compose_as_is):
    """A forecast of the test season by two made-up members: `forecast_of(*overrides)`."""
    rng = np.random.default_rng(0)
    scored = sim_inputs.rename(columns={"progress": PROGRESS})
    scored = scored[[*KEY, "conference", PROGRESS]].assign(
        xgb=sim_inputs["elo_margin"] / 10,
        rf=sim_inputs["margin_rating"] / 10 + 0.1 * rng.normal(size=len(sim_inputs)),
    )
    known, asked = (
        scored[scored["season"] == season].reset_index(drop=True) for season in (LEARNED, TESTED)
    )
    trees = Members([], [], None, XGBRegressor(), RandomForestRegressor())

    def make(*overrides):
        config = compose_as_is("odds.n_simulations=20", *overrides)
        ranker = Ranker(trees, Ensemble.fit(known, sim_data.relevance, config, league), None)
        return Forecast(ranker, ranker.complete(Scores(asked, None), league))

    return make


@pytest.fixture(scope="module")
def simulated(forecast_of):
    """Simulated and calibrated; not to be altered."""
    return forecast_of("odds=monte_carlo", "calibration=platt_stack")


@pytest.fixture(scope="module")
def assess(sim_tables, sim_dates):
    """Judges a forecast: `assess(forecast, league)`."""
    points = sim_dates[sim_dates["as_of_point"] != ""]
    baselines = baseline_scores(sim_tables, points)
    settings = {"n_simulations": 100, "seed": 0, "threads": 1}
    margins = margins_only(sim_tables, points, [TESTED], **settings)

    def judge(forecast, league, own_games=NO_GAMES):
        simulated = isinstance(forecast.ranker.ensemble.odds, MonteCarloOdds)
        reference = margins if simulated else margins.iloc[:0]
        return assess_probabilities(
            {TESTED: forecast}, league, baselines, sim_dates, "stack", reference, own_games
        )

    return judge


@pytest.fixture(scope="module")
def found(assess, simulated, league):
    """What is found of the simulated forecast; not to be altered."""
    return assess(simulated, league)


def metrics_of(found, ranker, scope="league"):
    rows = found.metrics
    return set(rows.loc[(rows["ranker"] == ranker) & (rows["scope"] == scope), "metric"])


def rankers(frame):
    return set(frame["ranker"])


def test_forecasts_of_single_games_are_judged_as_the_rankers(assess, simulated, league, found):
    games = league.tables.games
    own = games.loc[games["season"] == TESTED, ["season", "game_id", "kind"]].assign(
        home_win_prob=0.25, home_won=True
    )
    judged = assess(simulated, league, own)
    told = judged.games[judged.games["ranker"] == "stack"]
    before = found.games[found.games["ranker"] == "stack"]
    assert sorted(told["game_id"]) == sorted(before["game_id"])
    assert (told["p_home"] == 0.25).all()
    rows = judged.metrics[judged.metrics["ranker"] == "stack"]
    assert (rows.loc[rows["metric"] == "game_brier", "value"] == 0.75**2).all()
    others = [part.games[part.games["ranker"] != "stack"] for part in (judged, found)]
    keys = ["ranker", "game_id"]
    assert_frame_equal(*(part.sort_values(keys, ignore_index=True) for part in others))


def test_every_ranker_has_the_metrics_of_its_probabilities(found):
    metrics = found.metrics
    assert metrics.columns.tolist() == TIDY_COLUMNS
    assert not metrics.duplicated(TIDY_COLUMNS[:-1]).any()
    assert set(metrics["season"]) == {TESTED, "all"}
    assert set(metrics["as_of_point"]) == {*AS_OF_POINTS, "all"}
    # Fitted references need three earlier seasons, of which this league has two.
    assert rankers(found.odds) == {"stack", PLATT, MARGINS, "random", "random16"}
    for ranker in ("stack", PLATT, MARGINS):
        assert metrics_of(found, ranker) == ADVANCEMENT
    assert metrics_of(found, "random") == TITLE | {"playoff_brier", "playoff_log_loss"}
    assert metrics_of(found, "random16") == TITLE
    intervals = {"rank_interval_coverage", "rank_interval_width"}
    series = {"series_upset_auc", "series_brier", "series_log_loss"}
    assert metrics_of(found, "simulation") == series | intervals
    assert metrics_of(found, "standings") == metrics_of(found, "elo") == {"series_upset_auc"}
    for scope, platt in (("regular", GAMES), ("playoffs", set())):
        for ranker in ("stack", "elo", "elo_fitted", "always_home"):
            assert metrics_of(found, ranker, scope) == GAMES
        assert metrics_of(found, PLATT, scope) == platt
    coverage = metrics[metrics["metric"] == "rank_interval_coverage"]
    assert coverage["as_of_point"].tolist() == list(AS_OF_POINTS)
    counts = found.finishes.groupby("as_of_point", sort=False).size()
    assert counts.to_dict() == dict.fromkeys(AS_OF_POINTS, 30)


def test_odds_at_the_points_are_those_of_the_forecast(found, simulated, sim_dates):
    points = sim_dates[(sim_dates["season"] == TESTED) & (sim_dates["as_of_point"] != "")]
    key = ["as_of_point", "team_id"]
    frame = simulated.predicted.frame.merge(points, on=["season", "as_of_date"]).set_index(key)
    for ranker, ending in (("stack", ""), (PLATT, "_platt")):
        got = found.odds[found.odds["ranker"] == ranker].set_index(key)[ODDS]
        assert len(got) == 7 * 30
        expected = frame.loc[got.index, [f"{name}{ending}" for name in ODDS]]
        assert np.array_equal(got, expected)
    own = found.odds[found.odds["ranker"] == "stack"].groupby("as_of_point")[ODDS].sum()
    assert own.to_numpy() == pytest.approx(np.tile([16, 8, 4, 2, 1], (7, 1)))


def test_every_ranker_forecasts_every_game_of_its_kinds_once(found, league):
    games = found.games
    assert not games.duplicated(["game_id", "ranker"]).any()
    assert games["p_home"].between(0, 1).all()
    played = league.tables.games.set_index("game_id")
    won = played["home_points"] > played["away_points"]
    assert (games["home_won"] == won.reindex(games["game_id"]).to_numpy()).all()
    n_playoffs = (played["kind"].eq("playoffs") & played["season"].eq(TESTED)).sum()
    counts = games.groupby(["ranker", "kind"]).size()
    assert counts["stack"].to_dict() == {"playoffs": n_playoffs, "regular": 1230}
    assert counts[PLATT].to_dict() == {"regular": 1230}


def test_series_are_judged_by_strengths_after_the_regular_season(found, simulated, sim_dates):
    series = found.series
    counts = {"elo": 15, "simulation": 15, "standings": 15}
    assert series.groupby("ranker").size().to_dict() == counts
    own = series[series["ranker"] == "simulation"]
    end = sim_dates[(sim_dates["season"] == TESTED) & (sim_dates["as_of_point"] == "end")]
    frame = simulated.predicted.frame.merge(end, on=["season", "as_of_date"])
    strength = frame.set_index("team_id")["playoffs_strength"]
    for side in ("host", "guest"):
        expected = strength[own[f"{side}_team_id"]].to_numpy()
        assert own[f"{side}_strength"].to_numpy() == pytest.approx(expected)


def test_softmax_gives_title_odds_and_calibration_the_games(assess, forecast_of, league):
    found = assess(forecast_of("odds=softmax", "calibration=platt_stack"), league)
    assert metrics_of(found, "stack") == TITLE
    assert metrics_of(found, PLATT) == ADVANCEMENT
    assert found.finishes.empty
    assert found.series.empty
    # Nothing else forecasts games, so calibration is filed under the ranker.
    assert metrics_of(found, "stack", "regular") == GAMES
    assert PLATT not in rankers(found.games)
    assert set(found.games.loc[found.games["ranker"] == "stack", "kind"]) == {"regular"}
    found = assess(forecast_of("odds=none", "calibration=none"), league)
    assert rankers(found.odds) == {"random", "random16"}
    assert rankers(found.games) == {"always_home", "elo", "elo_fitted", "standings"}
    assert rankers(found.metrics) == rankers(found.odds) | rankers(found.games)


def test_bookmakers_are_judged_where_they_have_priced_the_season(
    assess, simulated, league, found, priced
):
    def with_tables(tables):
        return assess(simulated, replace(league, tables=tables))

    tables = priced(league.tables, [TESTED])
    with_market = with_tables(tables)
    odds = with_market.odds[with_market.odds["ranker"] == "market"]
    # Their odds are made before opening night.
    assert odds["as_of_point"].tolist() == ["open"] * 30
    expected = tables.market_totals.set_index("team_id")["title_prob"]
    assert np.array_equal(odds["title_prob"], expected[odds["team_id"]])
    assert metrics_of(with_market, "market") == TITLE
    for scope in ("regular", "playoffs"):
        assert metrics_of(with_market, "market", scope) == GAMES
    others = with_market.metrics[with_market.metrics["ranker"] != "market"]
    pd.testing.assert_frame_equal(others.reset_index(drop=True), found.metrics, check_exact=True)

    totals = tables.market_totals.copy()
    totals.loc[3, "title_prob"] = np.nan
    lacking = with_tables(replace(tables, market_totals=totals))
    assert metrics_of(lacking, "market") == set()
    assert metrics_of(lacking, "market", "regular") == GAMES


@pytest.fixture(scope="module")
def forecast_games(simulated, league):
    """Win probabilities of the simulated forecast; not to be altered."""
    return win_probabilities(simulated, league, "stack")


def on_fifth_date(games, frame, league):
    """Whether the fifth as-of date is the newest before each game, and that date."""
    start, end = np.sort(frame["as_of_date"].unique())[4:6]
    day = league.tables.games.set_index("game_id")["game_date"].reindex(games["game_id"])
    return day.between(start, end, inclusive="left").to_numpy(), start


def test_a_game_is_forecast_by_the_newest_date_before_it(simulated, league, forecast_games):
    frame = simulated.predicted.frame
    of_date, start = on_fifth_date(forecast_games, frame, league)
    moved = frame.assign(score=frame["score"].mask(frame["as_of_date"] == start, 0.0))
    after = win_probabilities(replace(simulated, predicted=Scores(moved, None)), league, "stack")
    changed = (forecast_games["p_home"] != after["p_home"]).to_numpy()
    assert (changed == of_date).mean() > 0.99
    assert not changed[~of_date].any()


def test_results_of_the_games_do_not_change_their_forecasts(simulated, league, forecast_games):
    games = league.tables.games
    turned = games["season"] == TESTED
    home, away = (games[f"{side}_points"] for side in ("home", "away"))
    spoiled = games.assign(
        home_points=home.where(~turned, away), away_points=away.where(~turned, home)
    )
    there = replace(league, tables=replace(league.tables, games=spoiled))
    before, after = forecast_games, win_probabilities(simulated, there, "stack")
    assert (before["home_won"] != after["home_won"]).all()
    opening = simulated.predicted.frame["as_of_date"].unique()[1]
    first = before["game_id"].isin(games.loc[games["game_date"] < opening, "game_id"])
    assert first.sum() > 50
    # Later on the home edge of the league has been seen.
    assert before.loc[first, "p_home"].equals(after.loc[first, "p_home"])


def test_dates_without_known_players_use_the_strengths_of_teams(simulated, league, forecast_games):
    frame, odds = simulated.predicted.frame, simulated.ranker.ensemble.odds
    of_date, start = on_fifth_date(forecast_games, frame, league)
    unknown = league.inputs["as_of_date"] == start
    masked = {name: league.inputs[name].mask(unknown) for name in ROSTER_INPUTS}
    there = replace(league, inputs=league.inputs.assign(**masked))
    before, after = forecast_games, win_probabilities(simulated, there, "stack")
    assert before.loc[~of_date, "p_home"].equals(after.loc[~of_date, "p_home"])
    rated = there.rated(frame)
    games = RatedGames.of(league.tables, rated, "regular", next_only=True)
    model = odds.teams.regular
    by_teams = ndtr(model.expected_margin(rated, games) / model.noise)
    chosen = ((before["ranker"] == "stack") & (before["kind"] == "regular")).to_numpy()
    got, of_date = after.loc[chosen, "p_home"].to_numpy(), of_date[chosen]
    assert of_date.any()
    assert got[of_date] == pytest.approx(by_teams[of_date])
    assert not np.isnan(got).any()
