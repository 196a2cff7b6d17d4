from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from nba_rank.data.calendar import as_of_points
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.mornings import morning_inputs
from nba_rank.odds.next_games import GameModel, NextGames
from nba_rank.odds.next_of_series import with_next_games
from nba_rank.odds.pairings import PLAY_IN, pairings
from nba_rank.odds.series_state import bracket_table, series_table

SEASON = "2023-24"
DAY = pd.Timedelta(days=1)
S = 500
REACHED = ["playoff_prob", "round_1_prob", "round_2_prob", "finals_prob", "title_prob"]
SIDES = ("host", "guest")
# They differ from the strengths, which are the Elo margins.
WEIGHTS = {"elo_margin": -0.5, "margin_rating": 0.4, "closing": -4.0,
           "home": 2.0, "rest": 0.0, "altitude": 0.0}  # fmt: skip
OF_GAMES = {kind: GameModel(WEIGHTS, 11.0) for kind in ("regular", "playoffs")}
MODELS = NextGames(OF_GAMES, OF_GAMES)


@pytest.fixture(scope="module")
def frame(sim_tables, compose_as_is) -> pd.DataFrame:
    """Rated teams, by nothing but margins, on all mornings of a postseason and two before."""
    first = as_of_points(sim_tables, SEASON)["end"] - 2 * DAY
    days = pd.date_range(first, sim_tables.games["game_date"].max() + DAY, unit="us")
    dates = pd.DataFrame({"season": SEASON, "as_of_date": days}).astype({"season": "str"})
    nobody = pd.DataFrame(columns=["season", "as_of_date"])
    return morning_inputs(sim_tables, nobody, dates, compose_as_is().features)


@pytest.fixture(scope="module")
def odds(sim_tables, frame) -> MonteCarloOdds:
    """Odds that have learned nothing: strengths by the starting weights."""
    nothing = TrainingGames.of(sim_tables, frame.iloc[:0])
    return MonteCarloOdds.fit(nothing, n_simulations=S, seed=0)


@pytest.fixture(scope="module")
def mornings(frame) -> dict[pd.Timestamp, pd.DataFrame]:
    return {pd.Timestamp(date): rows for date, rows in frame.groupby("as_of_date")}


@pytest.fixture(scope="module")
def series(odds, mornings, sim_tables) -> pd.DataFrame:
    """The known series of all mornings."""
    tables = [series_table(odds, rows, sim_tables, next_games=MODELS) for rows in mornings.values()]
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def predicted(odds, frame, sim_tables) -> pd.DataFrame:
    found = odds.predict(frame, sim_tables, next_games=MODELS)
    return found.set_index(["as_of_date", "team_id"])


def test_a_next_game_is_forecast_from_the_hosts_side(odds, mornings, sim_tables):
    """At home, away with the same edge against, on a neutral court without."""
    edges = []
    for rows in mornings.values():
        [(situation, strengths)] = odds.mornings(rows, sim_tables)
        found = pairings(situation)
        for neutral in (False, True):
            where = replace(situation, neutral_playoffs=neutral)
            [(_, told)] = with_next_games([(where, strengths)], MODELS, rows, [2.5])
            assert [game.teams for game in told.next_games] == [one.teams for one in found]
            for one, game in zip(found, told.next_games, strict=True):
                host, guest = (rows.iloc[team] for team in one.teams)
                names = ("elo_margin", "margin_rating", "closing")
                gap = sum(WEIGHTS[name] * (host[name] - guest[name]) for name in names)
                at_home = one.next_home == one.teams[0]
                edge = 0.0 if neutral else 4.5 if at_home else -4.5
                assert game.margin == pytest.approx(gap + edge)
                assert game.margin_sd == 11.0
                edges.append(edge)
    assert {-4.5, 0.0, 4.5} == set(edges)


def test_the_next_game_is_won_as_often_as_its_model_says(series):
    assert len(series) > 100
    expected = norm.cdf(series["host_next_margin"] / series["next_margin_sd"])
    np.testing.assert_allclose(series["host_next_win_prob"], expected, atol=1e-9)


def test_a_series_that_one_game_decides_has_the_chance_of_the_game(series):
    last = series[(series["round"] == PLAY_IN) | (series["host_wins"] + series["guest_wins"] == 6)]
    assert (last["round"] == PLAY_IN).sum() >= 6
    assert (last["round"] != PLAY_IN).sum() >= 1
    np.testing.assert_allclose(last["host_win_prob"], last["host_next_win_prob"], atol=1e-12)


def test_a_series_ends_with_the_next_game_as_often_as_its_leader_wins_it(series):
    n = 0
    for row in series[series["round"] != PLAY_IN].to_dict("records"):
        wins = row["host_wins"], row["guest_wins"]
        if max(wins) == 3 and min(wins) < 3:
            leader = row["host_next_win_prob"]
            leader = leader if wins[0] == 3 else 1 - leader
            assert row[f"length_{sum(wins) + 1}_prob"] == pytest.approx(leader, abs=1e-12)
            n += 1
    assert n > 10


def test_simulated_rounds_are_those_of_the_series(series, predicted):
    n = 0
    for row in series[series["round"] != PLAY_IN].to_dict("records"):
        for side in SIDES:
            key = row["as_of_date"], row[f"{side}_team_id"]
            simulated = predicted.loc[key, REACHED[row["round"]]]
            assert row[f"{side}_win_prob"] == pytest.approx(simulated, abs=0.01)
            n += 1
    assert n > 200


def test_the_last_berth_is_won_as_often_as_its_game(series, odds, mornings, sim_tables):
    games = series[(series["host_seed"] <= 8) & (series["guest_seed"] >= 9)]
    games = games[games["round"] == PLAY_IN]
    assert len(games) >= 2
    many = replace(odds, n_simulations=4_000)
    for date, of_date in games.groupby("as_of_date"):
        found = many.predict(mornings[pd.Timestamp(date)], sim_tables, next_games=MODELS)
        simulated = found.set_index("team_id")["playoff_prob"]
        for side in SIDES:
            np.testing.assert_allclose(
                simulated[of_date[f"{side}_team_id"]], of_date[f"{side}_win_prob"], atol=0.025
            )


def test_before_the_end_of_the_regular_season_nothing_changes(
    odds, frame, mornings, predicted, sim_tables
):
    end = as_of_points(sim_tables, SEASON)["end"]
    plain = odds.predict(frame, sim_tables).set_index(["as_of_date", "team_id"])
    days = plain.index.get_level_values("as_of_date")
    before = days < end
    assert before.sum() == 60
    pd.testing.assert_frame_equal(plain[before], predicted[before], check_exact=True)
    first = days[0]
    brackets = [
        bracket_table(
            odds, mornings[first], sim_tables, plain.loc[first, "expected_wins"], next_games=models
        )
        for models in (None, MODELS)
    ]
    pd.testing.assert_frame_equal(*brackets, check_exact=True)
    for date in days[~before].unique()[:-1]:
        assert (plain.loc[date, "title_prob"] != predicted.loc[date, "title_prob"]).any()


def test_a_morning_depends_on_no_other(odds, mornings, predicted, sim_tables):
    for date in [*mornings][1:4]:
        alone = odds.predict(mornings[date], sim_tables, next_games=MODELS)
        pd.testing.assert_frame_equal(
            alone.set_index(["as_of_date", "team_id"]), predicted.loc[[date]], check_exact=True
        )


def test_the_bracket_holds_the_same_chances(odds, mornings, predicted, series, sim_tables):
    for date in [*mornings][2:8]:
        wins = predicted.loc[date, "expected_wins"]
        bracket = bracket_table(odds, mornings[date], sim_tables, wins, next_games=MODELS)
        known = bracket.loc[bracket["state"] == "known"].reset_index(drop=True)
        own = series[series["as_of_date"] == date].reset_index(drop=True).dropna(axis=1, how="all")
        pd.testing.assert_frame_equal(known[[*own]], own, check_dtype=False)


def test_assumed_results_of_all_games_left_lead_to_the_same_next_games(
    odds, mornings, sim_tables, margins_played
):
    """The pairings of the morning after, by what is known on the one before."""
    date = as_of_points(sim_tables, SEASON)["end"] - DAY
    rows = mornings[date]
    [(situation, _)] = odds.mornings(rows, sim_tables)
    hypothesis = Hypothesis(margins_played(sim_tables, situation))
    table = series_table(odds, rows, sim_tables, hypothesis, MODELS)
    expected = norm.cdf(table["host_next_margin"] / table["next_margin_sd"])
    np.testing.assert_allclose(table["host_next_win_prob"], expected, atol=1e-9)
    assert (table["round"] == PLAY_IN).sum() == 4
    simulated = odds.predict(rows, sim_tables, hypothesis=hypothesis, next_games=MODELS)
    reached = simulated.set_index("team_id")["round_1_prob"]
    of_round = table[table["round"] == 1]
    assert len(of_round) == 4
    np.testing.assert_allclose(
        reached[of_round["host_team_id"]], of_round["host_win_prob"], atol=0.01
    )


def test_teams_of_the_play_in_that_meet_again_play_that_game_as_any_other(
    odds, mornings, sim_tables
):
    end = as_of_points(sim_tables, SEASON)["end"]
    [(_, strengths)] = odds.mornings(mornings[end], sim_tables, next_games=MODELS)
    in_play_in = [game for game in strengths.next_games if game.round == PLAY_IN]
    assert len(in_play_in) == 4
    edges = [strengths.next_edge(number) for number in range(5)]
    assert [edge is None for edge in edges] == [False, False, True, True, True]
    for game in strengths.next_games:
        host, guest = game.teams
        own, other = edges[game.round], edges[1 - game.round]
        assert own[host, guest] == game.edge == -own[guest, host]
        assert np.isnan(other[host, guest])
    assert [(~np.isnan(edge)).sum() for edge in edges[:2]] == [8, 8]
