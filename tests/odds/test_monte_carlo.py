import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.outcomes import outcomes
from nba_rank.odds import monte_carlo
from nba_rank.odds.inputs import ROSTER_INPUTS
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames, has_players
from nba_rank.odds.residual import RESIDUAL_INPUTS
from nba_rank.odds.starting_weights import PLAYOFFS, REGULAR, TEAM_ONLY
from nba_rank.odds.strength import DOUBT, StrengthModel

SEASON = "2023-24"
ROUND_ODDS = ["playoff_prob", "round_1_prob", "round_2_prob", "finals_prob", "title_prob"]
OF_PLAYERS = [*ROSTER_INPUTS, *RESIDUAL_INPUTS]
S = 200


@pytest.fixture(scope="module")
def earlier(sim_inputs) -> pd.DataFrame:
    return sim_inputs[sim_inputs["season"] < SEASON]


@pytest.fixture(scope="module")
def season(sim_inputs) -> pd.DataFrame:
    """Rated teams of the last season, on every third date and at its end."""
    frame = sim_inputs[sim_inputs["season"] == SEASON]
    dates = frame["as_of_date"].unique()
    return frame[frame["as_of_date"].isin([*dates[::3], dates[-1]])].reset_index(drop=True)


def fit(frame: pd.DataFrame, tables, **settings) -> MonteCarloOdds:
    settings = {"n_simulations": S, "seed": 1} | settings
    return MonteCarloOdds.fit(TrainingGames.of(tables, frame), **settings)


@pytest.fixture(scope="module")
def fitted(earlier, sim_tables) -> MonteCarloOdds:
    return fit(earlier, sim_tables)


@pytest.fixture(scope="module")
def predicted(fitted, season, sim_tables) -> pd.DataFrame:
    return fitted.predict(season, sim_tables)


def dates_of(frame: pd.DataFrame) -> list[pd.Timestamp]:
    return sorted(frame["as_of_date"].unique())


def on(frame: pd.DataFrame, *dates: pd.Timestamp) -> pd.DataFrame:
    return frame[frame["as_of_date"].isin(dates)].reset_index(drop=True)


def test_each_team_and_date_has_one_row_and_odds_add_up(predicted, season):
    key = ["season", "as_of_date", "team_id"]
    pd.testing.assert_frame_equal(predicted[key], season[key])
    assert predicted.notna().all(axis=None)
    assert (predicted["assumption"] == "").all()
    sums = predicted.groupby("as_of_date")[[*ROUND_ODDS, "playin_prob", "expected_wins"]].sum()
    np.testing.assert_allclose(sums, np.tile([16, 8, 4, 2, 1, 8, 30 * 41], (len(sums), 1)))


def test_odds_know_more_than_a_uniform_guess(predicted, sim_tables):
    real = outcomes(sim_tables, SEASON)[["team_id", "outcome_rank", "made_playoffs", "wins"]]
    frame = predicted.merge(real, on="team_id")
    brier = ((frame["playoff_prob"] - frame["made_playoffs"]) ** 2).groupby(frame["as_of_date"])
    assert (brier.mean() < 0.9 * 16 / 30 * 14 / 30).all()
    assert brier.mean().iloc[-1] < brier.mean().iloc[0]
    # A single champion may be a long shot: judge all who won a round.
    won = frame["outcome_rank"] <= 8
    assert ((frame["round_1_prob"] - won) ** 2).mean() < 0.95 * 8 / 30 * 22 / 30
    for _, teams in frame.groupby("as_of_date"):
        assert teams["projected_rank"].corr(teams["outcome_rank"], method="spearman") > 0.4
    assert frame["wins"].between(frame["wins_low"], frame["wins_high"]).mean() > 0.75


def test_strengths_and_home_edge_are_those_of_the_models(predicted, season, fitted):
    models = fitted.players
    for name in ("regular", "playoffs"):
        expected = getattr(models, name).strength(season)
        np.testing.assert_array_equal(predicted[f"{name}_strength"], expected)
    date = on(season, dates_of(season)[2])
    strengths = next(fitted.strengths(date, [2.0]))
    assert strengths.regular_edge == 2.0 + models.regular.home
    assert strengths.playoffs_edge == 2.0 + models.playoffs.home
    progress = date["progress"].iloc[0]
    assert strengths.regular_doubt == models.regular.doubt_at(progress)
    assert strengths.playoffs_doubt == models.playoffs.doubt_at(progress)
    total = strengths.regular_noise**2 + 2 * strengths.regular_doubt**2
    assert total == pytest.approx(models.regular.noise**2)


@pytest.mark.parametrize(("threads", "at_once"), [(3, 2400), (1, 1), (2, 3 * S)])
def test_threads_and_dates_simulated_at_once_change_nothing(
    fitted, predicted, season, sim_tables, monkeypatch, threads, at_once
):
    monkeypatch.setattr(monte_carlo, "_TOGETHER", at_once)
    seen = []
    got = fitted.predict(season, sim_tables, threads=threads, on_date=lambda: seen.append(1))
    pd.testing.assert_frame_equal(got, predicted, check_exact=True)
    assert len(seen) == len(dates_of(season))


def test_a_date_depends_neither_on_others_nor_on_the_order_of_rows(fitted, sim_inputs, sim_tables):
    """Of two seasons, before and in the playoffs."""
    dates = sim_inputs["as_of_date"].unique()
    chosen = on(sim_inputs, *dates[-2:], *dates[:2])
    begun = sim_tables.games.query("kind == 'playoffs'")["game_date"].min() + pd.Timedelta("3D")
    late = on(sim_inputs, dates[sim_inputs.groupby("season")["as_of_date"].nunique().iloc[0] - 1])
    frame = pd.concat([chosen, late.assign(as_of_date=begun)]).sample(frac=1, random_state=0)
    got = fitted.predict(frame, sim_tables)
    for date in frame["as_of_date"].unique():
        alone = fitted.predict(on(frame, date), sim_tables)
        pd.testing.assert_frame_equal(on(got, date), alone, check_exact=True)


def test_the_seed_changes_the_simulations_alone(fitted, predicted, season, sim_tables):
    date = dates_of(season)[1]
    other = replace(fitted, seed=2).predict(on(season, date), sim_tables)
    same = ["regular_strength", "playoffs_strength", "team_id"]
    pd.testing.assert_frame_equal(other[same], on(predicted, date)[same])
    assert (other["title_prob"] != on(predicted, date)["title_prob"]).any()
    error = 4 * np.sqrt(0.25 / S)
    np.testing.assert_allclose(other["title_prob"], on(predicted, date)["title_prob"], atol=error)


def test_games_of_the_date_and_later_play_no_part(fitted, predicted, season, sim_tables, poison):
    for date in dates_of(season)[:3]:
        got = fitted.predict(on(season, date), poison(sim_tables, date))
        pd.testing.assert_frame_equal(got, on(predicted, date), check_exact=True)


def test_games_of_other_seasons_are_not_learned_from(fitted, earlier, sim_tables, poison):
    opening = sim_tables.seasons.set_index("season").loc[SEASON, "first_date"]
    assert fit(earlier, poison(sim_tables, opening)) == fitted


def test_training_games_of_some_seasons_equal_those_of_their_rows(fitted, sim_inputs, sim_tables):
    first, second = "2021-22", "2022-23"
    training_games = TrainingGames.of(sim_tables, sim_inputs)
    for seasons in ([], [second], [first, second]):
        frame = sim_inputs[sim_inputs["season"].isin(seasons)]
        expected = fit(frame, sim_tables)
        got = MonteCarloOdds.fit(training_games.of_seasons(seasons), n_simulations=S, seed=1)
        assert got == expected
    assert got == fitted


def with_market(frame, tables, *, n_dates):
    """The frame with a perfect market, which the first dates of each season alone know."""
    won = tables.games.assign(margin=tables.games["home_points"] - tables.games["away_points"])
    means = won.groupby(["season", "home_team_id"])["margin"].mean().rename("market_rating")
    frame = frame.join(means, on=["season", "team_id"])
    date = frame.groupby("season")["as_of_date"].rank("dense")
    return frame.assign(market_rating=frame["market_rating"].where(date <= n_dates))


def test_the_market_is_read_on_dates_that_know_it_and_changes_no_others(
    fitted, predicted, earlier, season, sim_tables
):
    odds = fit(with_market(earlier, sim_tables, n_dates=5), sim_tables)
    assert replace(odds, market=None) == fitted
    regular = odds.market.regular
    assert dict(zip(regular.inputs, regular.coef, strict=True))["market_rating"] > 0.2
    assert MonteCarloOdds.from_dict(json.loads(json.dumps(odds.to_dict()))) == odds
    got = odds.predict(with_market(season, sim_tables, n_dates=2), sim_tables)
    first = got["as_of_date"] <= dates_of(season)[1]
    same = got["regular_strength"] == predicted["regular_strength"]
    assert not same[first].any()
    pd.testing.assert_frame_equal(got[~first], predicted[~first], check_exact=True)


def test_training_games_of_some_seasons_keep_their_market(earlier, sim_tables):
    frame = with_market(earlier, sim_tables, n_dates=5)
    some = TrainingGames.of(sim_tables, frame).of_seasons(["2022-23"])
    got = MonteCarloOdds.fit(some, n_simulations=S, seed=1)
    assert got == fit(frame[frame["season"] == "2022-23"], sim_tables)


def test_strength_is_worth_points(fitted):
    regular = dict(zip(fitted.players.regular.inputs, fitted.players.regular.coef, strict=True))
    assert 0.5 < regular["full_strength"] + regular["roster_strength"] < 1.2
    assert fitted.players.regular.doubt[0] > fitted.players.regular.doubt[1]
    teams = dict(zip(fitted.teams.regular.inputs, fitted.teams.regular.coef, strict=True))
    assert 0.5 < teams["elo_margin"] + teams["margin_rating"] < 1.3


def test_without_playoff_strength_the_playoffs_use_the_regular_model(earlier, season, sim_tables):
    odds = fit(earlier, sim_tables, n_simulations=50, playoff_strength=False)
    for models in (odds.players, odds.teams):
        assert models.playoffs == models.regular
    table = odds.predict(on(season, dates_of(season)[2]), sim_tables)
    np.testing.assert_array_equal(table["playoffs_strength"], table["regular_strength"])


def test_the_playoff_residual_enters_the_playoffs_alone(fitted, earlier, season, sim_tables):
    odds = fit(earlier, sim_tables, n_simulations=50, playoff_residual=True)
    assert set(odds.players.playoffs.inputs) - set(fitted.players.playoffs.inputs) == set(
        RESIDUAL_INPUTS
    )
    assert odds.players.regular == fitted.players.regular
    assert odds.teams == fitted.teams
    table = odds.predict(on(season, dates_of(season)[2]), sim_tables)
    assert table.notna().all(axis=None)


def test_an_informative_score_gets_weight_and_noise_gets_none(fitted, earlier, season, sim_tables):
    ranks = pd.concat([outcomes(sim_tables, name) for name in ("2021-22", "2022-23", SEASON)])
    rank = ranks.set_index(["season", "team_id"])["outcome_rank"]

    def with_truth(frame):
        keys = pd.MultiIndex.from_frame(frame[["season", "team_id"]])
        return frame.assign(score=15.5 - rank.loc[keys].to_numpy())

    date = on(season, dates_of(season)[1])
    told = fit(with_truth(earlier), sim_tables)
    for models in (told.players, told.teams):
        for part in (models.regular, models.playoffs):
            assert part.inputs[-1] == "score"
            assert part.coef[-1] > 0.03
    table, untold = told.predict(with_truth(date), sim_tables), fitted.predict(date, sim_tables)
    real = pd.Series(rank.loc[SEASON].loc[table["team_id"]].to_numpy())
    assert table["projected_rank"].corr(real) > untold["projected_rank"].corr(real)
    noise = np.random.default_rng(0).normal(0, 8, len(earlier))
    assert abs(fit(earlier.assign(score=noise), sim_tables).players.regular.coef[-1]) < 0.05
    # Without the score that the models read, there are no odds.
    with pytest.raises(KeyError, match="score"):
        told.predict(date, sim_tables)


def test_without_earlier_seasons_nothing_is_learned(earlier, season, sim_tables):
    odds = fit(earlier.iloc[:0], sim_tables)
    assert odds.players.regular.coef == pytest.approx(list(REGULAR.values()))
    assert odds.players.playoffs.coef == pytest.approx(list(PLAYOFFS.values()))
    assert odds.teams.regular == odds.teams.playoffs
    assert odds.teams.regular.coef == pytest.approx(list(TEAM_ONLY.values()))
    for models in (odds.players, odds.teams):
        assert models.regular.doubt == models.playoffs.doubt == DOUBT
    table = odds.predict(on(season, dates_of(season)[2]), sim_tables)
    assert table[ROUND_ODDS].sum().tolist() == pytest.approx([16, 8, 4, 2, 1])


def test_dates_without_players_use_the_team_models(fitted, predicted, season, sim_tables):
    first, second = dates_of(season)[1:3]
    frame = on(season, first, second)
    gone = frame["as_of_date"] == first
    frame.loc[gone, OF_PLAYERS] = np.nan
    assert (has_players(frame) == ~gone).all()
    table = fitted.predict(frame, sim_tables)
    pd.testing.assert_frame_equal(on(table, second), on(predicted, second), check_exact=True)
    for name in ("regular", "playoffs"):
        expected = getattr(fitted.teams, name).strength(on(season, first))
        np.testing.assert_array_equal(on(table, first)[f"{name}_strength"], expected)
    assert table.notna().all(axis=None)
    assert on(table, first)[ROUND_ODDS].sum().tolist() == pytest.approx([16, 8, 4, 2, 1])


@pytest.mark.parametrize("name", ["full_strength", "star_strength"])
def test_a_date_without_the_players_of_one_team_is_rated_without_players(
    fitted, season, sim_tables, name
):
    date = on(season, dates_of(season)[2])
    date.loc[4, name] = np.nan
    table = fitted.predict(date, sim_tables)
    np.testing.assert_array_equal(table["regular_strength"], fitted.teams.regular.strength(date))


def test_unknown_teams_are_refused(fitted, season, sim_tables):
    date = on(season, dates_of(season)[2])
    date.loc[4, "margin_rating"] = np.nan
    with pytest.raises(ValueError, match="regular strength of 1 teams is not known"):
        fitted.predict(date, sim_tables)


def test_team_models_are_learned_without_player_logs(earlier, sim_tables):
    odds = fit(earlier.assign(**dict.fromkeys(OF_PLAYERS, np.nan)), sim_tables)
    assert odds.players.regular.coef == pytest.approx(list(REGULAR.values()))
    assert odds.teams.regular.coef != pytest.approx(list(TEAM_ONLY.values()), abs=1e-3)


def test_odds_are_restored_exactly(fitted, predicted, season, sim_tables):
    restored = MonteCarloOdds.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert restored == fitted
    assert isinstance(restored.players.playoffs, StrengthModel)
    date = dates_of(season)[1]
    got = restored.predict(on(season, date), sim_tables)
    pd.testing.assert_frame_equal(got, on(predicted, date), check_exact=True)
