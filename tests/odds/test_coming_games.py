from dataclasses import replace

import pandas as pd
import pytest
from scipy.stats import norm

from nba_rank.odds.coming_games import coming_games
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames

SEASON = "2023-24"


@pytest.fixture(scope="module")
def odds(sim_tables, sim_inputs) -> MonteCarloOdds:
    """Odds that have learned nothing: strengths by the starting weights."""
    nothing = TrainingGames.of(sim_tables, sim_inputs.iloc[:0])
    return MonteCarloOdds.fit(nothing, n_simulations=10, seed=0)


@pytest.fixture(scope="module")
def morning(sim_inputs) -> pd.DataFrame:
    frame = sim_inputs[sim_inputs["season"] == SEASON]
    dates = sorted(frame["as_of_date"].unique())
    return frame[frame["as_of_date"] == dates[len(dates) // 3]]


def test_the_fixtures_of_the_days_asked_for_are_forecast(odds, morning, sim_tables):
    date = morning["as_of_date"].iloc[0]
    found = coming_games(odds, morning, sim_tables, 3)
    schedule = sim_tables.schedule
    due = schedule[schedule["game_date"].between(date, date + pd.Timedelta(days=2))]
    columns = ["game_date", "home_team_id", "away_team_id"]
    pd.testing.assert_frame_equal(
        found[columns].sort_values(columns, ignore_index=True),
        due[columns].sort_values(columns, ignore_index=True),
    )
    assert coming_games(odds, morning, sim_tables, 0).empty


def test_games_that_are_made_up_for_lack_of_a_schedule_are_not_forecast(odds, morning, sim_tables):
    unknown = replace(sim_tables, schedule=sim_tables.schedule.iloc[:0])
    assert coming_games(odds, morning, unknown, 7).empty


def test_margins_are_gaps_of_strength_with_home_edge_and_rest(odds, morning, sim_tables):
    found = coming_games(odds, morning, sim_tables, 7)
    ordered = morning.sort_values("team_id")
    [strengths] = odds.strengths(ordered, [2.0])
    points = pd.Series(strengths.regular, ordered["team_id"].to_numpy())
    home, away = (found[f"{side}_team_id"].map(points) for side in ("home", "away"))
    edge = (found["expected_margin"] - (home - away)).round(9)
    # Nobody, the home team or the visitors alone played on the day before.
    base = edge.mode()[0]
    assert base == pytest.approx(2.5, abs=1.5)
    assert set((edge - base).round(6)) <= {0.0, round(strengths.rest, 6), -round(strengths.rest, 6)}
    sd = found["margin_sd"].iloc[0]
    assert sd == pytest.approx(odds.players.regular.noise)
    expected = norm.cdf(found["expected_margin"] / sd)
    assert found["home_win_prob"].to_numpy() == pytest.approx(expected)


def test_results_of_the_date_and_later_play_no_part(odds, morning, sim_tables, poison):
    date = morning["as_of_date"].iloc[0]
    kept = coming_games(odds, morning, sim_tables, 7)
    poisoned = coming_games(odds, morning, poison(sim_tables, date), 7)
    pd.testing.assert_frame_equal(poisoned, kept, check_exact=True)
