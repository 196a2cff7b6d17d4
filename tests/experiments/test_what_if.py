from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hydra.errors import ConfigCompositionException
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import PredictConfig, TodayConfig, WhatIfConfig
from nba_rank.core.errors import UserError
from nba_rank.data.calendar import as_of_points
from nba_rank.data.standings import standings
from nba_rank.evaluation.date_forecast import beside
from nba_rank.experiments.explain_date import explained
from nba_rank.experiments.morning import Morning
from nba_rank.experiments.predict import forecast_of
from nba_rank.experiments.what_if import assume
from nba_rank.features.asof import day_of
from nba_rank.features.players.names import player_names
from nba_rank.features.store import build_store
from nba_rank.models.members import Members
from nba_rank.models.ranker import Ensemble, Ranker
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.pairings import pairings
from nba_rank.odds.season_sim import Situation
from nba_rank.report.forecast_console import show_what_if
from nba_rank.samples.dataset import Dataset

SEASON = "2023-24"
NOTHING = WhatIfConfig(out=[], back=[], trades=[], results=[])


@pytest.fixture(scope="module")
def morning(
    sim_tables,
    sim_dates,
    sim_ratings,
    sim_inputs,
    sim_results,
    sim_data,
    compose_as_is,
    plain_morning,
) -> Morning:
    """A morning in the first half of the last season, by trees that know the first alone."""
    small = ["model.members=[rf]", "model.rf.n_estimators=20", "trainer.num_threads=1"]
    config = compose_as_is("features=lean", "paths.members=null", *small)
    store = build_store(sim_tables, sim_ratings, sim_dates, config.features)
    data = Dataset.of(store, sim_data.sets, sim_data.relevance)
    members = Members.fit(data.of_seasons(["2021-22"]), config, 1, lambda: None)
    scored = Ensemble(None).score(members.predict(data).frame, members.names)
    inputs = sim_inputs.assign(score=scored)
    games = TrainingGames.of(sim_tables, inputs).of_seasons(["2022-23"])
    odds = MonteCarloOdds.fit(games, n_simulations=300, seed=4)
    dates = sorted(sim_inputs.loc[sim_inputs["season"] == SEASON, "as_of_date"].unique())
    date = dates[len(dates) // 3]
    return plain_morning(
        SEASON,
        date,
        ranker=Ranker(members, Ensemble(None, odds=odds), None),
        config=config,
        tables=sim_tables,
        results=sim_results,
        ratings=sim_ratings[sim_ratings["as_of_date"] == date].reset_index(drop=True),
    )


@pytest.fixture(scope="module")
def plain(morning):
    return forecast_of(morning)


@pytest.fixture(scope="module")
def differences(morning, plain):
    """How a forecast under assumptions differs from the plain one, by abbreviation."""

    def make(**asked) -> pd.DataFrame:
        hypothetical = forecast_of(assume(morning, replace(NOTHING, **asked)))
        return beside(plain, hypothetical).tables["differences"].set_index("team")

    return make


@pytest.fixture(scope="module")
def players(morning) -> pd.DataFrame:
    """The players of the morning with names and teams, the worthiest first."""
    teams = morning.tables.teams.query("season == @SEASON").set_index("team_id")["abbreviation"]
    ratings = morning.ratings
    above = ratings["impact_rating"] - ratings["impact_rating"].mean()
    found = ratings.assign(
        name=ratings["player_id"].map(player_names(morning.tables)),
        team=ratings["team_id"].map(teams),
        worth=ratings["full_strength_minutes"] * above,
    )
    return found.sort_values("worth", ascending=False, ignore_index=True)


def games_left(morning) -> pd.DataFrame:
    """The fixtures left with their results."""
    games = morning.tables.games.query("season == @SEASON and kind == 'regular'")
    games = games[games["game_date"] >= morning.as_of_date]
    names = morning.tables.teams.query("season == @SEASON").set_index("team_id")["abbreviation"]
    sides = {side: games[f"{side}_team_id"].map(names) for side in ("home", "away")}
    return games.assign(**sides)


def asked_result(game) -> str:
    sides = [(game.home_points, game.home), (game.away_points, game.away)]
    (most, winner), (least, loser) = sorted(sides, reverse=True)
    return f"{winner} beats {loser} {most}-{least} on {game.game_date:%Y-%m-%d}"


def refusal(morning, **asked) -> str:
    with pytest.raises(UserError) as told:
        assume(morning, replace(NOTHING, **asked))
    return str(told.value)


def test_without_his_best_player_a_team_drops_and_a_reserve_is_hardly_missed(differences, players):
    star, reserve = players.iloc[0], players.loc[players["expected_minutes"].idxmin()]
    lost = differences(out=[star["name"]])
    own = lost.loc[star["team"]]
    assert lost["expected_wins_difference"].idxmin() == star["team"]
    assert own["expected_wins_difference"] < -1
    assert own["title_prob_difference"] < 0
    assert own["rank_difference"] >= 0
    assert lost["strength_difference"].idxmin() == star["team"]
    assert lost["strength_difference"].sum() == pytest.approx(0, abs=1e-6)
    assert lost["expected_wins_difference"].sum() == pytest.approx(0, abs=1e-6)
    assert lost["title_prob_difference"].sum() == pytest.approx(0, abs=1e-6)
    bench = differences(out=[reserve["name"]])
    assert bench["expected_wins_difference"].abs().max() < -own["expected_wins_difference"] / 3


def scored(morning: Morning) -> pd.DataFrame:
    """The rated teams of a morning with their score."""
    data, league = morning.inputs
    return league.rated(morning.ranker.predict(data, league).frame)


def test_an_absence_until_a_day_costs_the_games_before_it_alone(morning, differences, players):
    star = players.iloc[0]
    left = games_left(morning)
    days = left.loc[(left["home"] == star["team"]) | (left["away"] == star["team"]), "game_date"]
    half = days.quantile(0.5, interpolation="nearest")
    asked = [f"{star['name']} until {half:%Y-%m-%d}"]
    whole, part = differences(out=[star["name"]]), differences(out=asked)
    team = star["team"]
    share = part.loc[team, "expected_wins_difference"] / whole.loc[team, "expected_wins_difference"]
    assert 0.35 < share < 0.65
    assumed = assume(morning, replace(NOTHING, out=asked))
    pd.testing.assert_frame_equal(assumed.ratings, morning.ratings)
    [(day, rated)] = assumed.hypothesis.spells
    assert day == day_of(half)
    gone = assume(morning, replace(NOTHING, out=[star["name"]]))
    pd.testing.assert_frame_equal(rated, scored(gone))


@pytest.mark.parametrize("assumed", ["out", "until a day", "traded"])
def test_explain_leaves_a_player_out_beside_other_assumptions_as_what_if_does(
    morning, players, assumed
):
    games = morning.tables.player_games.query("season == @SEASON")
    n_played = games.loc[games["game_date"] < morning.as_of_date, "player_id"].value_counts()
    # A good one whom results know less of than of the others of his team.
    star = players.loc[players["player_id"].head(60).map(n_played).idxmin()]
    mates = players.loc[players["team"] == star["team"], "player_id"].tolist()
    other = next(team for team in players["team"] if team != star["team"])
    days = games_left(morning)["game_date"]
    word = {"out": "", "until a day": f" until {days.quantile(0.5):%Y-%m-%d}"}
    first = {"trades": [f"{star['name']} to {other}"]}
    if assumed in word:
        first = {"out": [star["name"] + word[assumed]]}
    hypothetical = assume(morning, replace(NOTHING, **first))
    team_id = int(star["team_id"])
    table = explained(hypothetical, [team_id], 5, [team_id])
    left = table[table["level"] == "without_player"]
    assert set(left["player_id"]) <= set(mates)

    def forecast(of: Morning) -> pd.Series:
        return of.ranker.predict(*of.inputs).frame.set_index("team_id").loc[team_id]

    before = forecast(hypothetical)
    for player, own in left.groupby("player_id"):
        more = [] if player == star["player_id"] else first.get("out", [])
        both = assume(morning, replace(NOTHING, **(first | {"out": [*more, str(player)]})))
        after, told = forecast(both), own.set_index("part")["value"]
        for part, column in (("score", "score"), ("strength", "regular_strength"),
                             ("wins", "expected_wins"), ("title_prob", "title_prob")):  # fmt: skip
            assert told[part] == pytest.approx(after[column] - before[column], abs=1e-9), part
    if assumed == "until a day":
        assert star["player_id"] in set(left["player_id"])


def test_a_trade_and_its_way_back(morning, differences, players):
    star = players.iloc[0]
    weak = players[players["team"] != star["team"]].groupby("team")["worth"].sum().idxmin()
    moved = differences(trades=[f"{star['name']} > {weak}"])["expected_wins_difference"]
    assert moved.idxmin() == star["team"]
    assert moved.idxmax() == weak
    traded = assume(morning, replace(NOTHING, trades=[f"{star['name']} to {weak}"]))
    back = assume(traded, replace(NOTHING, trades=[f"{star['name']} to {star['team']}"]))
    pd.testing.assert_frame_equal(back.ratings, morning.ratings)


def test_a_player_who_has_missed_games_comes_back_with_his_old_minutes(morning, players):
    star = players.iloc[0]
    games = morning.tables.player_games
    own = games[(games["player_id"] == star["player_id"])]
    own = own[own["game_date"] < morning.as_of_date]
    missed = games.drop(own.index[-3:])
    ratings = morning.ratings
    gone = ratings["player_id"] == star["player_id"]
    ratings = ratings.assign(expected_minutes=ratings["expected_minutes"].mask(gone, 2.0))
    absent = replace(morning, tables=replace(morning.tables, player_games=missed), ratings=ratings)
    back = assume(absent, replace(NOTHING, back=[star["name"].upper()]))
    usual = own["seconds"].iloc[-13:-3].mean() / 60
    [now] = back.ratings.loc[gone, "expected_minutes"]
    assert now == pytest.approx(max(usual, 2.0))
    assert "is not out" in refusal(morning, back=[star["name"]])
    later = morning.as_of_date + pd.Timedelta(days=20)
    [spell] = assume(
        absent, replace(NOTHING, back=[f"{star['name']} from {later:%Y-%m-%d}"])
    ).hypothesis.spells
    strength = spell[1].set_index("team_id")["full_strength"]
    whole = assume(absent, replace(NOTHING, out=[star["name"]])).inputs[1].inputs
    np.testing.assert_allclose(
        strength, whole.set_index("team_id")["full_strength"].loc[strength.index]
    )


def test_absences_are_told_by_the_injury_report(morning, players):
    listed = morning.tables.injury_reports
    listed = listed[listed["date"] == morning.basis.injuries]
    ours = set(listed["player_id"]) & set(players["player_id"])
    assert ours
    [back] = sorted(ours)[:1]
    star = players.iloc[0]
    tables = assume(morning, replace(NOTHING, out=[star["name"]], back=[str(back)])).tables
    now = tables.injury_reports[tables.injury_reports["date"] == morning.basis.injuries]
    before = set(listed["player_id"]) - {star["player_id"]}
    assert set(now["player_id"]) == before - {back} | {star["player_id"]}
    assert now.set_index("player_id").loc[star["player_id"], "status"] == "Out"


@pytest.mark.slow
def test_all_results_give_the_real_standings(morning):
    results = [asked_result(game) for game in games_left(morning).itertuples()]
    assert len(results) > 500
    hypothetical = forecast_of(assume(morning, replace(NOTHING, results=results)))
    table = standings(morning.tables.team_games, morning.tables.teams, SEASON)
    real = table.set_index("team_id")
    got = hypothetical.predictions.set_index("team_id").loc[real.index]
    for name in ("expected_wins", "wins_low", "wins_high"):
        np.testing.assert_array_equal(got[name], real["wins"])
    seeds = hypothetical.tables["seeds"].set_index("team_id").loc[real.index]
    certain = seeds[[f"seed_{place}" for place in range(1, 16)]].to_numpy()
    np.testing.assert_array_equal(certain, np.eye(15)[real["seed"] - 1])
    assert "games" not in hypothetical.tables
    today = hypothetical.tables["standings"].set_index("team_id").loc[real.index]
    for name in ("wins", "losses", "point_diff", "seed", "tie_break"):
        np.testing.assert_array_equal(today[name], real[name])
    assert (today["games_left"] == 0).all()
    end = Situation.of(morning.tables, SEASON, as_of_points(morning.tables, SEASON)["end"])
    expected = {(one.round, *end.records.team_id[[*one.teams]]) for one in pairings(end)}
    met = hypothetical.tables["series"][["round", "host_team_id", "guest_team_id"]]
    assert expected == set(met.itertuples(index=False, name=None))
    assert len(expected) == 8


def test_names_are_read_in_any_spelling(morning, players):
    tables = morning.tables
    star = players.iloc[0]
    games = tables.player_games
    own = games["player_id"] == star["player_id"]
    renamed = games.assign(player_name=games["player_name"].mask(own, "Nikola Jokić Jr."))
    named = replace(morning, tables=replace(tables, player_games=renamed))
    for text in ("nikola JOKIC jr", "Nikola Jokic", "jokić", str(star["player_id"])):
        told = assume(named, replace(NOTHING, out=[text])).hypothetical
        assert told == f"Nikola Jokić Jr. ({star['team']}) out for the rest of the season"
    assert f"Nikola Jokić Jr. ({star['team']}, " in refusal(named, out=["Nikola Jokovic"])
    written = {"gs": "GSW", "utah jazz": "UTA", "Nets": "BKN"}
    for text, team in written.items():
        if team == star["team"]:
            continue
        told = assume(named, replace(NOTHING, trades=[f"Jokic to {text}"])).hypothetical
        assert told == f"Nikola Jokić Jr. ({star['team']}) to {team}"


@pytest.fixture(scope="module")
def words(morning, players) -> dict[str, str]:
    """Names and dates that the refused assumptions are made of."""
    tables, date = morning.tables, morning.as_of_date
    gone = set(tables.player_games["player_id"]) - set(players["player_id"])
    names = player_names(tables)
    left = games_left(morning)
    pairs = left.groupby(["home", "away"]).size()
    home, away = pairs[pairs > 1].index[0]
    game = left[(left["home"] == home) & (left["away"] == away)].iloc[0]
    return {
        "star": players["name"][0], "other": players["name"][1], "team": players["team"][0],
        "gone": sorted({*names[[*gone]]} - {*players["name"]})[0],
        "today": f"{date:%Y-%m-%d}", "past": f"{date - pd.Timedelta(days=1):%Y-%m-%d}",
        "soon": f"{date + pd.Timedelta(days=9):%Y-%m-%d}", "summer": f"{date.year + 1}-07-01",
        "home": home, "away": away, "on": f"{game['game_date']:%Y-%m-%d}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"out": ["Nobody Atall"]}, r"out: Nobody Atall: no team has a player of that name"),
        ({"out": ["{gone}"]}, "on no team's roster"),
        ({"out": ["{star} until {past}"]}, r"is before as_of={today}"),
        ({"out": ["{star} until {today}"]}, "nothing is left to miss"),
        ({"out": ["{star} until {summer}"]}, "last game of the regular season"),
        ({"out": ["{star} until 1/2/2024"]}, "1/2/2024 is not a date of the form 2024-01-15"),
        ({"out": ["{star}", "{star} until {soon}"]}, "twice in one"),
        ({"out": ["{star}"], "back": ["{star}"]}, r"out and what_if\.back"),
        ({"trades": ["{star}"]}, "write `NAME to TEAM`"),
        ({"trades": ["{star} to SEA2"]}, r"has no team SEA2; its teams are ATL, BKN"),
        ({"trades": ["{star} to {team}"]}, "is in {team} already"),
        ({"results": ["{home} {away} 110-99"]}, "write `TEAM beats TEAM`"),
        ({"results": ["{home} beats {away}"]}, "say which game .*they meet on .*{on}"),
        ({"results": ["{home} beats {away} on {past}"]}, "is before as_of={today}"),
        ({"results": ["{home} beats {away} on {summer}"]}, "no such game .*they meet on .*{on}"),
        ({"results": ["{home} beats {away} 99-110 on {on}"]}, "no more points than the loser"),
        (
            {"results": ["{home} beats {away} on {on}", "{away} beats {home} on {on}"]},
            "an earlier assumption",
        ),
    ],
)
def test_what_cannot_be_is_refused(morning, words, asked, message):
    said = {kind: [text.format(**words) for text in texts] for kind, texts in asked.items()}
    with pytest.raises(UserError, match=message.format(**words)):
        assume(morning, replace(NOTHING, **said))


def test_results_of_the_playoffs_cannot_be_given(morning, words):
    games = morning.tables.games.query("season == @SEASON and kind == 'regular'")
    after = replace(morning, as_of_date=games["game_date"].max() + pd.Timedelta(days=1))
    told = refusal(after, results=["{home} beats {away}".format(**words)])
    assert "do not meet any more in the regular season" in told


def test_all_problems_are_told_at_once_and_names_that_several_have_with_their_teams(
    morning, players
):
    games = morning.tables.player_games
    two = players.iloc[[0, 3]]
    same = games.assign(
        player_name=games["player_name"].mask(games["player_id"].isin(two["player_id"]), "Al Low")
    )
    named = replace(morning, tables=replace(morning.tables, player_games=same))
    told = refusal(named, out=["al low"], trades=["x"])
    for _, player in two.iterrows():
        assert f"Al Low ({player['team']}, {player['player_id']})" in told
    assert "what_if.trades: x" in told
    names = players.loc[players["team"] == players["team"][0], "name"].tolist()
    assert "would have" in refusal(morning, out=names[:-5])


def test_every_file_says_that_it_is_hypothetical(morning, plain, players, tmp_path):
    star = players.iloc[0]
    forecast = beside(plain, forecast_of(assume(morning, replace(NOTHING, out=[star["name"]]))))
    files = forecast.write(tmp_path / "p_what_if.csv")
    names = {"p_what_if.csv", *(f"p_what_if_{name}.csv" for name in forecast.tables)}
    assert {file.name for file in files} == names
    assert {"p_what_if_differences.csv", "p_what_if_seeds.csv"} < names
    told = f"{star['name']} ({star['team']}) out for the rest of the season"
    for file in files:
        assert set(pd.read_csv(file)["hypothetical"]) == {told}
    plain.write(tmp_path / "plain.csv")
    assert "hypothetical" not in pd.read_csv(tmp_path / "plain.csv")
    console = Console(file=StringIO(), width=160)
    show_what_if(forecast, console)
    row = forecast.tables["differences"].set_index("team").loc[star["team"]]
    lines = console.file.getvalue().splitlines()
    [line] = [line for line in lines if line.split()[:1] == [star["team"]]]
    assert line.split()[3] == f"{row['rank_difference']:+.0f}"
    assert line.split()[6] == f"{row['strength_difference']:+.1f}"
    assert line.split()[9] == f"{row['expected_wins_difference']:+.1f}"


def test_the_command_line_needs_no_quotes_within_quotes(compose_file):
    words = [
        "run=a",
        "as_of=2024-01-15",
        "what_if.out=[Jayson Tatum until 2024-03-01,LeBron James]",
    ]
    more = ["what_if.trades=[DeAaron Fox to BOS]", "what_if.results=[BOS beats NYK 110-99]"]
    config = as_config(compose_file("predict", *words, *more), PredictConfig)
    assert config.what_if == WhatIfConfig(
        out=["Jayson Tatum until 2024-03-01", "LeBron James"],
        back=[],
        trades=["DeAaron Fox to BOS"],
        results=["BOS beats NYK 110-99"],
    )
    with pytest.raises(ConfigCompositionException, match="what_if"):
        as_config(compose_file("today", "what_if.out=[Jayson Tatum]"), TodayConfig)
