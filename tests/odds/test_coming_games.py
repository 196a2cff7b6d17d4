from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from nba_rank.data.tables import conform
from nba_rank.odds import coming_games as module
from nba_rank.odds.coming_games import coming_games, swings, with_absent
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.next_games import GameModel, NextGames
from nba_rank.odds.season_sim import SeasonStrengths, Situation, simulate

SEASON = "2023-24"


@pytest.fixture(autouse=True)
def few_simulations(monkeypatch):
    monkeypatch.setattr(module, "_BLOCKS", 2)
    monkeypatch.setattr(module, "_AT_ONCE", 20)


def made_strengths(n_teams: int) -> SeasonStrengths:
    points = np.random.default_rng(0).normal(0, 4, n_teams)
    return SeasonStrengths(
        regular=points, playoffs=points, regular_doubt=2.0, playoffs_doubt=2.0,
        regular_noise=12.0, playoffs_noise=12.0, regular_edge=2.5, playoffs_edge=3.0, rest=1.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def opening(sim_tables) -> tuple[Situation, SeasonStrengths]:
    first = sim_tables.seasons.set_index("season").loc[SEASON, "first_date"]
    situation = Situation.of(sim_tables, SEASON, first)
    return situation, made_strengths(len(situation.records.team_id))


@pytest.fixture(scope="module")
def odds(sim_tables, sim_inputs) -> MonteCarloOdds:
    """Odds that have learned nothing: strengths by the starting weights."""
    nothing = TrainingGames.of(sim_tables, sim_inputs.iloc[:0])
    return MonteCarloOdds.fit(nothing, n_simulations=10, seed=0)


@pytest.fixture(scope="module")
def models() -> NextGames:
    weights = {"elo_margin": 1.0, "home": 0.5, "rest": 1.5, "altitude": 0.0}
    of_kind = {kind: GameModel(weights, 11.0) for kind in ("regular", "playoffs")}
    return NextGames(of_kind, of_kind)


@pytest.fixture(scope="module")
def morning(sim_inputs) -> pd.DataFrame:
    frame = sim_inputs[sim_inputs["season"] == SEASON]
    dates = sorted(frame["as_of_date"].unique())
    return frame[frame["as_of_date"] == dates[len(dates) // 3]]


def test_the_fixtures_of_the_days_asked_for_are_forecast(odds, models, morning, sim_tables):
    date = morning["as_of_date"].iloc[0]
    found = coming_games(odds, models, morning, sim_tables, 3)
    schedule = sim_tables.schedule
    due = schedule[schedule["game_date"].between(date, date + pd.Timedelta(days=2))]
    columns = ["game_date", "home_team_id", "away_team_id"]
    pd.testing.assert_frame_equal(
        found[columns].sort_values(columns, ignore_index=True),
        due[columns].sort_values(columns, ignore_index=True),
    )
    assert coming_games(odds, models, morning, sim_tables, 0).empty
    # What was due on the days before and has no result is not to come.
    early = sim_tables.team_games["game_date"] < date - pd.Timedelta(days=3)
    late = replace(sim_tables, team_games=sim_tables.team_games[early])
    assert len(coming_games(odds, models, morning, late, 3)) == len(found)


def test_games_that_are_made_up_for_lack_of_a_schedule_are_not_forecast(
    odds, models, morning, sim_tables
):
    unknown = replace(sim_tables, schedule=sim_tables.schedule.iloc[:0])
    assert coming_games(odds, models, morning, unknown, 7).empty


def test_margins_are_gaps_of_strength_with_home_edge_and_rest(odds, models, morning, sim_tables):
    found = coming_games(odds, models, morning, sim_tables, 7)
    points = morning.set_index("team_id")["elo_margin"]
    home, away = (found[f"{side}_team_id"].map(points) for side in ("home", "away"))
    edge = (found["expected_margin"] - (home - away)).round(9)
    # Nobody, the home team or the visitors alone played on the day before.
    base = edge.mode()[0]
    assert base == pytest.approx(2.5, abs=1.5)
    assert set((edge - base).round(6)) <= {0.0, 1.5, -1.5}
    assert (edge != base).any()
    expected = norm.cdf(found["expected_margin"] / 11.0)
    assert found["home_win_prob"].to_numpy() == pytest.approx(expected)


def test_results_of_the_date_and_later_play_no_part(odds, models, morning, sim_tables, poison):
    date = morning["as_of_date"].iloc[0]
    kept = coming_games(odds, models, morning, sim_tables, 7)
    poisoned = coming_games(odds, models, morning, poison(sim_tables, date), 7)
    pd.testing.assert_frame_equal(poisoned, kept, check_exact=True)


def test_swings_are_differences_of_shares_among_simulated_seasons(opening):
    """Three seasons and a game of the first two teams, counted by hand."""
    situation, strengths = opening
    one = simulate(situation, strengths, 4, np.random.default_rng(0))
    home, away = situation.remaining.home[0], situation.remaining.away[0]
    reach = np.zeros((4, len(strengths.regular), 5))
    reach[[0, 1], home, 0] = 1.0
    reach[:, away, 4] = [0.1, 0.3, 0.2, 0.6]
    won = np.zeros_like(one.home_won)
    won[[0, 2], 0] = True
    made = replace(one, reach=reach, home_won=won, strength=np.zeros_like(one.strength))
    got = swings(situation, iter([made]), np.array([0]))
    assert got["home_playoff_swing"] == pytest.approx([0.0])
    assert got["home_playoff_swing_se"] == pytest.approx([0.5])
    assert got["away_title_swing"] == pytest.approx([0.45 - 0.15])
    se = np.hypot(np.std([0.3, 0.6]), np.std([0.1, 0.2])) / np.sqrt(2)
    assert got["away_title_swing_se"] == pytest.approx([se])
    assert got["home_title_swing"] == pytest.approx([0.0])


def test_a_game_of_one_winner_in_all_seasons_has_no_swing(opening):
    situation, strengths = opening
    one = simulate(situation, strengths, 4, np.random.default_rng(0))
    always = replace(one, home_won=np.ones_like(one.home_won))
    assert np.isnan(swings(situation, iter([always]), np.array([0]))["home_playoff_swing"]).all()


def test_what_a_win_tells_of_the_strength_is_no_swing(opening):
    """The odds follow the strengths alone, and so do the winners."""
    situation, strengths = opening
    one = simulate(situation, strengths, 400, np.random.default_rng(0))
    home, away = situation.remaining.home[0], situation.remaining.away[0]
    reach = np.zeros((400, len(strengths.regular), 5))
    reach[:, home, 4] = 0.3 + 0.02 * (one.strength[:, home] - one.strength[:, home].mean())
    won = one.home_won.copy()
    won[:, 0] = one.strength[:, home] > one.strength[:, away] + np.random.default_rng(1).normal(
        size=400
    )
    got = swings(situation, iter([replace(one, reach=reach, home_won=won)]), np.array([0]))
    assert reach[won[:, 0], home, 4].mean() - reach[~won[:, 0], home, 4].mean() > 0.02
    assert got["home_title_swing"] == pytest.approx([0.0], abs=1e-9)


def test_a_win_never_lowers_the_odds_of_the_playoffs_and_some_games_decide_much(sim_tables):
    last = sim_tables.seasons.set_index("season").loc[SEASON, "last_regular_date"]
    situation = Situation.of(sim_tables, SEASON, last)
    strengths = made_strengths(len(situation.records.team_id))
    simulated = simulate(situation, strengths, 2000, np.random.default_rng(0))
    got = swings(situation, iter([simulated]), np.arange(len(situation.remaining.home)))
    for side in ("home", "away"):
        swing, se = got[f"{side}_playoff_swing"], got[f"{side}_playoff_swing_se"]
        assert (swing >= -4 * se - 1e-9).all()
    both = [got["home_playoff_swing"], got["away_playoff_swing"]]
    assert np.max(both) > 0.2


def test_who_is_out_is_told_by_team_the_most_used_first(odds, models, morning, sim_tables):
    date = morning["as_of_date"].iloc[0]
    [game] = coming_games(odds, models, morning, sim_tables, 7).iloc[:1].to_dict("records")
    played = sim_tables.player_games
    played = played[(played["season"] == SEASON) & (played["game_date"] < date)]
    of_home = played[played["team_id"] == game["home_team_id"]]
    most = of_home.groupby(["player_id", "player_name"])["seconds"].sum().sort_values().index
    statuses = ["Out", "Doubtful", "Questionable"]
    listed = pd.DataFrame(
        {"date": date, "season": SEASON, "player_id": [most[k][0] for k in (0, -1, -2)]}
    ).assign(team_id=game["home_team_id"], status=statuses, reason="")
    reported = replace(
        sim_tables,
        injury_reports=conform("injury_reports", listed),
        injury_report_dates=conform("injury_report_dates", listed[["date", "season"]].iloc[:1]),
    )
    told = coming_games(odds, models, morning, reported, 7).iloc[0]
    assert told["home_out"] == f"{most[-1][1]} (doubtful), {most[0][1]}"
    assert told["away_out"] == ""
    sides = {"host_team_id": game["away_team_id"], "guest_team_id": game["home_team_id"]}
    [series] = with_absent(
        pd.DataFrame([{"season": SEASON, "as_of_date": date, **sides}]), reported
    ).to_dict("records")
    assert (series["host_out"], series["guest_out"]) == ("", told["home_out"])
    for days_ago, current in ((3, True), (4, False)):
        moved = pd.Timedelta(days=days_ago)
        old = replace(
            reported,
            injury_reports=reported.injury_reports.assign(date=date - moved),
            injury_report_dates=reported.injury_report_dates.assign(date=date - moved),
        )
        assert (coming_games(odds, models, morning, old, 7)["home_out"].iloc[0] != "") == current
