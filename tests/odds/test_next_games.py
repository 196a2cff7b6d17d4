import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from nba_rank.data.venues import HIGH
from nba_rank.odds.inputs import MARKET_INPUT
from nba_rank.odds.next_games import PLAYOFFS, REGULAR, GameModel, Mornings, NextGames
from nba_rank.odds.past_games import Meetings, RatedGames
from nba_rank.odds.starting_weights import TEAM_ONLY

INPUTS = [*REGULAR, *PLAYOFFS, *TEAM_ONLY]
TRUE = {"available_strength": 0.8, "draft_value": 0.3, "idle": -2.0}
LOW = 1610612737


@pytest.fixture(scope="module")
def league():
    """Two seasons of four teams that meet every day, by strengths that change every day."""
    rng = np.random.default_rng(5)
    teams = np.array([*HIGH, LOW, LOW + 1])
    days = [
        *pd.date_range("2021-10-20", periods=150).strftime("%Y-%m-%d"),
        *pd.date_range("2022-10-20", periods=30).strftime("%Y-%m-%d"),
    ]
    key = [(day, team) for day in days for team in teams]
    frame = pd.DataFrame(key, columns=["as_of_date", "team_id"])
    frame["as_of_date"] = pd.to_datetime(frame["as_of_date"]).astype("datetime64[us]")
    frame["season"] = np.where(frame["as_of_date"] < "2022-07-01", "2021-22", "2022-23")
    for name in INPUTS:
        frame[name] = rng.normal(0, 5, len(frame))
    frame["idle"] = rng.integers(0, 2, len(frame)).astype(float)
    return frame, days, teams


@pytest.fixture(scope="module")
def mornings(league):
    """The games of these days, won by the true weights of the day's inputs, the edge and noise."""
    frame, days, teams = league
    rng = np.random.default_rng(6)
    n, t = len(days), len(teams)
    sides = np.array([rng.permutation(t) for _ in range(n)])
    home, away = ((np.arange(n)[:, None] * t + sides[:, k : k + 2]).ravel() for k in (0, 2))
    gap = frame[[*TRUE]].to_numpy()[home] - frame[[*TRUE]].to_numpy()[away]
    margin = gap @ [*TRUE.values()] + 3.0 + rng.normal(0, 8.0, len(home))
    games = RatedGames(
        home=home, away=away, game=np.arange(len(home)),
        season=frame["season"].str[:4].astype(int).to_numpy()[home],
        margin=margin, edge=np.full(len(home), 3.0), at_home=np.ones(len(home)),
        rest=np.zeros(len(home)), weight=np.ones(len(home)),
    )  # fmt: skip
    nothing = games.take(np.zeros(len(home), dtype=bool))
    return Mornings(frame, {"regular": games, "playin": nothing, "playoffs": nothing})


def test_the_weights_of_the_games_that_were_played_are_found(mornings):
    model = NextGames.fit(mornings, before="2022-23").players["regular"]
    for name, weight in TRUE.items():
        assert model.weights[name] == pytest.approx(weight, abs=1.0 if name == "idle" else 0.2)
    assert model.noise == pytest.approx(8.0, rel=0.25)


def test_no_game_of_the_season_and_later_is_learned_from(mornings):
    before = NextGames.fit(mornings, before="2022-23")
    games = mornings.games["regular"]
    spoiled = replace(games, margin=np.where(games.season >= 2022, 99.0, games.margin))
    there = replace(mornings, games=mornings.games | {"regular": spoiled})
    assert NextGames.fit(there, before="2022-23") == before
    assert NextGames.fit(there, before="2023-24") != before


def test_without_games_the_weights_are_those_of_no_learning(mornings):
    models = NextGames.fit(mornings, before="2020-21")
    for model, start in (
        (models.players["regular"], REGULAR),
        (models.teams["regular"], TEAM_ONLY),
    ):
        learned = {name: weight for name, weight in model.weights.items() if weight}
        assert learned == pytest.approx({name: weight for name, weight in start.items() if weight})


def test_scale_of_an_input_does_not_matter(mornings):
    games, start = mornings.games["regular"], {"available_strength": 0.9}
    plain = GameModel.fit(mornings.frame, games, start)
    scaled = mornings.frame.assign(available_strength=mornings.frame["available_strength"] * 1000)
    other = GameModel.fit(scaled, games, {"available_strength": 0.0009})
    assert other.weights["available_strength"] * 1000 == pytest.approx(
        plain.weights["available_strength"]
    )
    assert other.noise == pytest.approx(plain.noise)


def test_margins_add_up_and_turn_into_probabilities(league):
    frame, _, teams = league
    weights = {"available_strength": 1.0, "home": 0.5, "rest": 2.0, "altitude": 1.5}
    models = {kind: GameModel(weights, 10.0) for kind in ("regular", "playoffs")}
    day = frame.iloc[: len(teams)]
    # Denver at home to Atlanta, to Utah and on a neutral court; Atlanta at home to Denver.
    games = Meetings(
        np.array([0, 0, 0, 2]), np.array([2, 1, 2, 0]), np.array([3.0, 3.0, 0.0, 3.0]),
        np.array([1.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, -1.0]),
    )  # fmt: skip
    told = NextGames(models, models).forecast(day, games, "regular")
    strength = day["available_strength"].to_numpy()
    gap = strength[games.home] - strength[games.away]
    expected = gap + np.array([3 + 0.5 + 2 + 1.5, 3 + 0.5, 0, 3 + 0.5 - 2])
    assert told["expected_margin"].to_numpy() == pytest.approx(expected)
    assert (told["margin_sd"] == 10.0).all()
    assert told["home_win_prob"].to_numpy() == pytest.approx(norm.cdf(expected / 10.0))


def test_games_are_forecast_by_the_most_that_is_known_of_both_teams(mornings):
    games = mornings.games["regular"]
    frame = mornings.frame.assign(**{MARKET_INPUT: 1.0})
    unknown, unpriced = games.home[0], games.away[1]
    frame.loc[unknown, "available_strength"] = np.nan
    frame.loc[unpriced, MARKET_INPUT] = np.nan
    models = NextGames.fit(replace(mornings, frame=frame), before="2022-23")
    assert models.market is not None
    told = models.forecast(frame, games, "regular")["margin_sd"]
    assert told[0] == models.teams["regular"].noise
    assert told[1] == models.players["regular"].noise
    assert (told[2:] == models.market["regular"].noise).all()
    assert NextGames.fit(mornings, before="2022-23").market is None


def test_models_are_restored_exactly(mornings):
    frame = mornings.frame.assign(**{MARKET_INPUT: mornings.frame["elo_margin"]})
    for known in (mornings, replace(mornings, frame=frame)):
        models = NextGames.fit(known, before="2022-23")
        assert NextGames.from_dict(json.loads(json.dumps(asdict(models)))) == models


def test_each_game_is_forecast_by_its_own_morning(sim_tables):
    season = "2023-24"
    days = sim_tables.games.loc[sim_tables.games["season"] == season, "game_date"].unique()
    teams = sim_tables.teams.loc[sim_tables.teams["season"] == season, "team_id"]
    frame = pd.MultiIndex.from_product([np.sort(days), teams], names=["as_of_date", "team_id"])
    frame = frame.to_frame(index=False).assign(season=season)
    rng = np.random.default_rng(0)
    frame = frame.assign(**{name: rng.normal(size=len(frame)) for name in INPUTS})
    known = Mornings.of(sim_tables, frame)
    models = NextGames.fit(known, before=season)
    told = known.forecasts({season: models}, sim_tables)
    games = sim_tables.games[sim_tables.games["season"] == season].set_index("game_id")
    assert sorted(told["game_id"]) == sorted(games.index)
    one = told.iloc[700]
    game = games.loc[one["game_id"]]
    names = sim_tables.teams[sim_tables.teams["season"] == season].set_index("team_id")
    assert one["home"] == names.loc[game["home_team_id"], "abbreviation"]
    assert one["away"] == names.loc[game["away_team_id"], "abbreviation"]
    assert one["home_won"] == (game["home_points"] > game["away_points"])
    # What is known of a team on that morning moves this game alone.
    moved = (frame["as_of_date"] == game["game_date"]) & (frame["team_id"] == game["home_team_id"])
    strength = frame["available_strength"] + 9.0 * moved
    other = replace(known, frame=frame.assign(available_strength=strength))
    after = other.forecasts({season: models}, sim_tables)
    changed = after["expected_margin"] != told["expected_margin"]
    assert told.loc[changed, "game_id"].tolist() == [one["game_id"]]
