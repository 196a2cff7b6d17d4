from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from scipy.optimize import brentq
from scipy.special import expit, logit

from nba_rank.config.compose import CONF
from nba_rank.config.schema import RecordConfig
from nba_rank.data.calendar import as_of_points
from nba_rank.evaluation.baselines import FIVETHIRTYEIGHT, baseline_scores, market_game_probs
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.single_games import COLUMNS, game_metrics, game_references
from nba_rank.features import record
from nba_rank.features.asof import Rows
from nba_rank.features.elo import win_probability

RANKERS = {"always_home", "elo", "elo_fitted", "standings"}


def of(frame, ranker, *conditions):
    rows = frame.query(" and ".join(["ranker == @ranker", *conditions]))
    return rows.set_index("game_id").sort_index()


@pytest.fixture(scope="module")
def references(sim_tables):
    return game_references(sim_tables, sim_tables.seasons["season"])


def test_scores_by_hand():
    rows = [
        ("2022-23", "regular", "elo", 0.8, True),
        ("2022-23", "regular", "elo", 0.4, True),
        ("2022-23", "playoffs", "elo", 0.5, False),
        ("2022-23", "regular", "market", 0.6, False),
        ("2021-22", "regular", "elo", 0.3, True),
    ]
    games = pd.DataFrame(rows, columns=["season", "kind", "ranker", "p_home", "home_won"])
    tidy = game_metrics(games)
    assert tidy.columns.tolist() == TIDY_COLUMNS
    assert set(tidy["as_of_point"]) == {"all"}
    value = tidy.pivot_table("value", ["season", "ranker", "scope"], "metric")
    assert value.T.to_dict("list") == {
        ("2021-22", "elo", "regular"): pytest.approx([0.49, -np.log(0.3)]),
        ("2022-23", "elo", "playoffs"): pytest.approx([0.25, np.log(2)]),
        ("2022-23", "elo", "regular"): pytest.approx([0.2, -np.log(0.8 * 0.4) / 2]),
        ("2022-23", "market", "regular"): pytest.approx([0.36, -np.log(0.4)]),
    }


def test_every_game_but_the_play_in_has_a_forecast(sim_tables, references):
    assert references.columns.tolist() == COLUMNS
    assert set(references["ranker"]) == RANKERS
    assert not references.duplicated(["game_id", "ranker"]).any()
    assert references["p_home"].between(0.01, 0.99).all()
    games = sim_tables.games[sim_tables.games["kind"] != "playin"].set_index("game_id").sort_index()
    elo = of(references, "elo")
    assert elo.index.tolist() == games.index.tolist()
    assert elo["home_won"].tolist() == (games["home_points"] > games["away_points"]).tolist()
    assert elo["kind"].tolist() == games["kind"].tolist()
    # The first season has none before it to learn from.
    for ranker in RANKERS - {"elo"}:
        assert set(of(references, ranker)["season"]) == {"2022-23", "2023-24"}


def test_always_home_is_the_share_of_earlier_seasons(sim_tables, references):
    games = sim_tables.games[sim_tables.games["season"] < "2023-24"]
    share = (games["home_points"] > games["away_points"]).groupby(games["kind"]).mean()
    for kind in ("regular", "playoffs"):
        p = of(references, "always_home", "season == '2023-24'", f"kind == '{kind}'")["p_home"]
        np.testing.assert_allclose(p, share[kind])


def test_elo_is_that_of_the_morning(sim_tables, references):
    season = "2023-24"
    date = as_of_points(sim_tables, season)["0.5"]
    morning = pd.DataFrame({"season": [season], "as_of_date": [date], "as_of_point": ["0.5"]})
    scores = baseline_scores(sim_tables, morning)
    rating = scores[scores["ranker"] == "elo"].set_index("team_id")["score"]
    games = sim_tables.games[sim_tables.games["game_date"] == date].set_index("game_id")
    gap = games["home_team_id"].map(rating) - games["away_team_id"].map(rating)
    expected = win_probability((gap + FIVETHIRTYEIGHT.home_edge).to_numpy())
    got = of(references, "elo")["p_home"].loc[games.index]
    np.testing.assert_allclose(got, expected)


def test_the_fitted_edge_expects_as_many_home_wins_as_there_were(references):
    regular = {name: of(references, name, "kind == 'regular'") for name in ("elo", "elo_fitted")}
    gap = {name: -400 * np.log10(1 / rows["p_home"] - 1) for name, rows in regular.items()}
    elo = regular["elo"]
    known, asked = elo["season"] < "2023-24", elo["season"] == "2023-24"
    won, level = elo["home_won"][known], gap["elo"][known] - FIVETHIRTYEIGHT.home_edge
    expected = brentq(lambda edge: (win_probability(level + edge) - won).sum(), -400, 400)
    got = (gap["elo_fitted"] - gap["elo"])[asked[asked].index] + FIVETHIRTYEIGHT.home_edge
    np.testing.assert_allclose(got, expected, atol=0.1)


def test_standings_are_a_logistic_regression_on_win_shares(sim_tables, references):
    games = sim_tables.games[sim_tables.games["kind"] == "regular"].set_index("game_id")
    rows = Rows.of(
        sim_tables, games[["season", "game_date"]].rename(columns={"game_date": "as_of_date"})
    )
    config = RecordConfig(**OmegaConf.load(CONF / "features/record/on.yaml"))
    share = record.build(sim_tables, rows, config)["regressed_win_pct"].to_numpy()
    home, away = (
        share[rows.find(games["game_date"], games[f"{side}_team_id"])] for side in ("home", "away")
    )
    gap = pd.Series(home - away, games.index)
    asked = of(references, "standings", "season == '2023-24'", "kind == 'regular'")["p_home"]
    slope, edge = np.polyfit(gap[asked.index], logit(asked), 1)
    np.testing.assert_allclose(logit(asked), edge + slope * gap[asked.index], atol=1e-9)
    # The likeliest weights on earlier games expect what has happened, by the gap, too.
    known = games["season"] < "2023-24"
    surprise = (games["home_points"] > games["away_points"])[known] - expit(edge + slope * gap)[
        known
    ]
    assert surprise.mean() == pytest.approx(0, abs=1e-4)
    assert (surprise * gap[known]).mean() == pytest.approx(0, abs=1e-4)
    assert slope > 1


def test_nobody_is_at_home_on_a_neutral_court(sim_tables, references):
    games = sim_tables.games.copy()
    chosen = games.index[games["season"] == "2023-24"][-60]
    games.loc[chosen, "neutral_site"] = True
    changed = game_references(replace(sim_tables, games=games), ["2023-24"])
    game = games.loc[chosen, "game_id"]
    rows = changed[changed["game_id"] == game].set_index("ranker")["p_home"]
    assert rows["always_home"] == 0.5
    assert rows["elo"] == pytest.approx(rows["elo_fitted"])
    before = references[references["game_id"] == game].set_index("ranker")["p_home"]
    assert rows["elo"] < before["elo"]
    assert rows["standings"] < before["standings"]


def test_results_of_the_day_and_later_change_nothing(sim_tables, references):
    season = "2022-23"
    date = as_of_points(sim_tables, season)["0.5"]
    games = sim_tables.games.copy()
    later = games["game_date"] >= date
    games.loc[later, ["home_points", "away_points"]] = [[150, 80]]
    sides = sim_tables.team_games.copy()
    sides.loc[sides["game_date"] >= date, "won"] = True
    poisoned = game_references(replace(sim_tables, games=games, team_games=sides), [season])
    known = games.loc[games["game_date"] <= date, "game_id"]
    both = [
        frame[(frame["season"] == season) & frame["game_id"].isin(known)].drop(columns="home_won")
        for frame in (references, poisoned)
    ]
    both = [frame.sort_values([*frame], ignore_index=True) for frame in both]
    assert set(both[0]["ranker"]) == RANKERS
    pd.testing.assert_frame_equal(*both, check_exact=True)


def test_bookmakers_forecast_the_games_that_they_priced(sim_tables, references, priced):
    tables = priced(sim_tables, ["2022-23"])
    table = game_references(tables, ["2022-23", "2023-24"])
    market = of(table, "market")
    assert set(market["season"]) == {"2022-23"}
    lines = market_game_probs(tables).set_index("game_id")["home_win_prob"]
    assert market["p_home"].tolist() == lines.loc[market.index].tolist()
    won = of(references, "elo").loc[market.index, "home_won"]
    assert market["home_won"].tolist() == won.tolist()


@pytest.mark.real
def test_real_forecasts_reach_their_known_skill(real_tables):
    table = game_references(real_tables, real_tables.seasons["season"])
    tidy = game_metrics(table)
    brier = tidy[(tidy["metric"] == "game_brier") & tidy["season"].between("2015-16", "2021-22")]
    mean = brier.groupby(["scope", "ranker"])["value"].mean()
    assert mean["regular", "always_home"] == pytest.approx(0.246, abs=0.002)
    assert 0.213 < mean["regular", "elo"] < 0.219
    assert 0.213 < mean["regular", "elo_fitted"] < mean["regular", "elo"]
    assert mean["regular", "market"] == pytest.approx(0.207, abs=0.001)
    assert 0.216 < mean["regular", "standings"] < 0.222
    assert mean["playoffs", "market"] < mean["playoffs", "elo"] < mean["playoffs", "always_home"]
