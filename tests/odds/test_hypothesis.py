import numpy as np
import pandas as pd
import pytest

from nba_rank.data.standings import standings
from nba_rank.features.asof import day_of
from nba_rank.odds.coming_games import coming_games
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.next_games import GameModel, NextGames
from nba_rank.odds.season_sim import Situation, expected_margins
from nba_rank.odds.starting_weights import PLAYOFFS, REGULAR

SEASON = "2022-23"
S = 60
MODEL = GameModel({"elo_margin": 1.0, "home": 0.0, "rest": 0.0, "altitude": 0.0}, 12.0)
MODELS = NextGames({"regular": MODEL}, {"regular": MODEL})


@pytest.fixture(scope="module")
def odds(sim_tables, sim_inputs) -> MonteCarloOdds:
    """Odds that have learned nothing: strengths by the starting weights."""
    nothing = TrainingGames.of(sim_tables, sim_inputs.iloc[:0])
    return MonteCarloOdds.fit(nothing, n_simulations=S, seed=0)


@pytest.fixture(scope="module")
def frame(sim_inputs) -> pd.DataFrame:
    """Rated teams in mid-season."""
    frame = sim_inputs[sim_inputs["season"] == SEASON]
    dates = sorted(frame["as_of_date"].unique())
    return frame[frame["as_of_date"] == dates[len(dates) // 2]].reset_index(drop=True)


def open_games(situation: Situation) -> np.ndarray:
    return np.full(len(situation.remaining.home), np.nan)


def check_standings(odds: MonteCarloOdds, frame: pd.DataFrame, tables, margins_played) -> None:
    [(situation, _)] = odds.mornings(frame, tables)
    results = margins_played(tables, situation)
    assert len(results) > 300
    assert not np.isnan(results).any()
    predicted = odds.predict(frame, tables, hypothesis=Hypothesis(results))
    real = standings(tables.team_games, tables.teams, situation.season).set_index("team_id")
    real = real.loc[predicted["team_id"]]
    for name in ("expected_wins", "wins_low", "wins_high"):
        np.testing.assert_array_equal(predicted[name], real["wins"])
    seeds = predicted[[f"seed_{place}" for place in range(1, 16)]].to_numpy()
    np.testing.assert_array_equal(seeds, np.eye(15)[real["seed"] - 1])


def test_results_of_all_games_left_give_the_real_standings(odds, frame, sim_tables, margins_played):
    check_standings(odds, frame, sim_tables, margins_played)


@pytest.mark.real
@pytest.mark.parametrize("season", ["2004-05", "2013-14", "2022-23"])
def test_real_results_give_the_real_standings(odds, real_tables, season, margins_played):
    teams = np.sort(real_tables.teams.query("season == @season")["team_id"])
    date = real_tables.seasons.set_index("season").loc[season, "first_date"]
    rated = dict.fromkeys(["elo_margin", "margin_rating", "progress"], 0.0)
    rated |= dict.fromkeys([*REGULAR, *PLAYOFFS], 0.0)
    frame = pd.DataFrame({"season": season, "as_of_date": date, "team_id": teams, **rated})
    frame = frame.assign(as_of_date=date + pd.Timedelta(days=60))
    check_standings(odds, frame, real_tables, margins_played)


def test_one_result_changes_nothing_but_that_game(odds, frame, sim_tables):
    [(situation, _)] = odds.mornings(frame, sim_tables)
    plain = odds.predict(frame, sim_tables)
    wins = {}
    for margin in (-5.0, 5.0):
        results = open_games(situation)
        results[17] = margin
        assumed = odds.predict(frame, sim_tables, hypothesis=Hypothesis(results))
        wins[margin] = assumed["expected_wins"] - plain["expected_wins"]
    home, away = situation.remaining.home[17], situation.remaining.away[17]
    others = plain.index.difference([home, away])
    for change in wins.values():
        assert (change[others] == 0).all()
        assert change[home] == pytest.approx(-change[away])
    assert (wins[5.0] - wins[-5.0])[[home, away]].tolist() == pytest.approx([1, -1])
    assert 0 < wins[5.0][home] < 1


def test_a_spell_changes_the_games_before_its_day_alone(odds, frame, sim_tables):
    [(situation, plain)] = odds.mornings(frame, sim_tables)
    left = situation.remaining
    first, second = (int(np.quantile(left.day, share)) for share in (0.3, 0.6))
    weaker = {team: frame["full_strength"] - 10.0 * (frame.index == team) for team in (4, 9)}
    both = weaker[4] + weaker[9] - frame["full_strength"]
    spells = (
        (first, frame.assign(full_strength=both)),
        (second, frame.assign(full_strength=weaker[9])),
    )
    hypothesis = Hypothesis(open_games(situation), spells)
    [(_, strengths)] = odds.mornings(frame, sim_tables, hypothesis)
    lost = expected_margins(left, plain) - expected_margins(left, strengths)
    cost = odds.players.regular.strength(frame) - odds.players.regular.strength(spells[0][1])
    assert cost[4] > 2
    for team, until in ((4, first), (9, second)):
        own = (left.home == team).astype(int) - (left.away == team)
        lost -= cost[team] * own * (left.day < until)
    np.testing.assert_allclose(lost, 0, atol=1e-9)

    predicted = {
        name: odds.predict(frame, sim_tables, hypothesis=assumed)
        for name, assumed in (("plain", None), ("spells", hypothesis))
    }
    columns = ["regular_strength", "playoffs_strength"]
    pd.testing.assert_frame_equal(predicted["plain"][columns], predicted["spells"][columns])
    change = (predicted["spells"]["expected_wins"] - predicted["plain"]["expected_wins"]).to_numpy()
    assert change[[4, 9]].max() < -0.3
    assert change.sum() == pytest.approx(0)


def test_games_whose_results_are_assumed_are_not_forecast(odds, frame, sim_tables):
    [(situation, _)] = odds.mornings(frame, sim_tables)
    results = open_games(situation)
    results[0] = 3.0
    found = coming_games(odds, MODELS, frame, sim_tables, 7)
    assumed = coming_games(odds, MODELS, frame, sim_tables, 7, Hypothesis(results))
    assert day_of(found["game_date"].iloc[0]) == situation.remaining.day[0]
    columns = ["game_date", "home_team_id", "away_team_id", "home_win_prob"]
    others = found[columns].iloc[1:].reset_index(drop=True)
    pd.testing.assert_frame_equal(assumed[columns], others)


def test_spells_of_absence_move_the_forecasts_of_games_before_their_end(odds, frame, sim_tables):
    [(situation, _)] = odds.mornings(frame, sim_tables)
    left = situation.remaining
    end = int(left.day[0]) + 3
    weaker = frame.assign(elo_margin=frame["elo_margin"] - 5.0 * (frame.index == left.home[0]))
    hypothesis = Hypothesis(open_games(situation), ((end, weaker),))
    plain = coming_games(odds, MODELS, frame, sim_tables, 7)
    assumed = coming_games(odds, MODELS, frame, sim_tables, 7, hypothesis)
    team = frame["team_id"][left.home[0]]
    own = (plain["home_team_id"] == team).astype(int) - (plain["away_team_id"] == team)
    lost = -5.0 * own * (plain["game_date"].map(day_of) < end)
    assert (assumed["expected_margin"] - plain["expected_margin"]).to_numpy() == pytest.approx(
        lost.to_numpy()
    )
    assert set(lost) == {-5.0, 0.0} or set(lost) == {-5.0, 0.0, 5.0}


def test_a_hypothesis_is_about_one_date(odds, sim_inputs, sim_tables):
    with pytest.raises(ValueError, match="single date"):
        odds.predict(sim_inputs, sim_tables, hypothesis=Hypothesis(np.zeros(0)))
