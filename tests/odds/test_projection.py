from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from harm import HARMS
from rich.console import Console

from nba_rank.core.stages import Stages
from nba_rank.data.tables import Tables, conform
from nba_rank.experiments import inputs
from nba_rank.odds.inputs import ROSTER_INPUTS
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.projection import project, projected_seasons
from nba_rank.samples.folds import FoldPlan

FIRST, SECOND, THIRD = "2021-22", "2022-23", "2023-24"
SETTINGS = {"n_simulations": 20, "seed": 3, "threads": 1}


@pytest.fixture(scope="module")
def few(sim_inputs):
    """Three dates of each season; not to be altered."""
    dates = sim_inputs.groupby("season")["as_of_date"].unique()
    chosen = {date for known in dates for date in (known[0], known[len(known) // 2], known[-1])}
    return sim_inputs[sim_inputs["as_of_date"].isin(chosen)].reset_index(drop=True)


@pytest.fixture(scope="module")
def known(sim_tables, few, tmp_path_factory):
    """The third season projected from the two before it."""
    cache = tmp_path_factory.mktemp("cache")
    return project(sim_tables, few, {THIRD: [FIRST, SECOND]}, cache=cache, **SETTINGS)


def with_other_results(tables: Tables, day: pd.Timestamp) -> Tables:
    """Home teams win all games on the day and after it, by another margin each."""
    games = tables.games.copy()
    later = (games["game_date"] >= day).to_numpy()
    rng = np.random.default_rng(0)
    away = rng.integers(80, 100, later.sum())
    games.loc[later, "away_points"] = away
    games.loc[later, "home_points"] = away + rng.integers(1, 40, later.sum())
    points = games.set_index("game_id")[["home_points", "away_points"]]
    team_games = tables.team_games.copy()
    of_game = points.loc[team_games["game_id"]].to_numpy()
    at_home = team_games["is_home"].to_numpy()
    team_games["points"] = np.where(at_home, of_game[:, 0], of_game[:, 1])
    team_games["opponent_points"] = np.where(at_home, of_game[:, 1], of_game[:, 0])
    team_games["won"] = team_games["points"] > team_games["opponent_points"]
    return replace(
        tables, games=conform("games", games), team_games=conform("team_games", team_games)
    )


def test_each_season_is_simulated_with_the_maps_of_its_own_earlier_seasons(
    sim_tables, few, tmp_path
):
    seasons = []
    learn_from = {SECOND: [FIRST], THIRD: [FIRST, SECOND]}
    got = project(
        sim_tables,
        few,
        learn_from,
        cache=tmp_path,
        on_season=lambda: seasons.append(len(list(tmp_path.iterdir()))),
        **SETTINGS,
    )
    assert seasons == [1, 2]
    assert list(got.odds) == [SECOND, THIRD]
    parts = []
    for season, earlier in learn_from.items():
        games = TrainingGames.of(sim_tables, few[few["season"].isin(earlier)])
        odds = MonteCarloOdds.fit(games, n_simulations=20, seed=3)
        assert got.odds[season] == odds
        parts.append(odds.predict(few[few["season"] == season], sim_tables, rounds=False))
    pd.testing.assert_frame_equal(
        got.summary, pd.concat(parts, ignore_index=True), check_exact=True
    )
    assert got.odds[SECOND] != got.odds[THIRD]


def test_a_season_before_which_nothing_was_played_is_simulated_without_learning(
    sim_tables, few, tmp_path
):
    got = project(sim_tables, few, {FIRST: []}, cache=tmp_path, **SETTINGS)
    assert set(got.summary["season"]) == {FIRST}
    assert got.odds[FIRST].teams.regular.coef == pytest.approx([1, 0])
    assert got.summary["expected_wins"].notna().all()


def test_results_of_a_season_and_later_change_nothing_in_what_it_is_simulated_with(
    sim_tables, few, known, tmp_path
):
    opening = few.loc[few["season"] == THIRD, "as_of_date"].min()
    spoiled = with_other_results(sim_tables, opening)
    assert not spoiled.games.equals(sim_tables.games)
    got = project(spoiled, few, {THIRD: [FIRST, SECOND]}, cache=tmp_path, **SETTINGS)
    assert got.odds[THIRD] == known.odds[THIRD]
    before = few.loc[few["season"] == SECOND, "as_of_date"].max()
    earlier = with_other_results(sim_tables, before)
    other = project(earlier, few, {THIRD: [FIRST, SECOND]}, cache=tmp_path, **SETTINGS)
    assert other.odds[THIRD] != known.odds[THIRD]


def test_inputs_of_other_seasons_are_not_learned_from(sim_tables, few, known, tmp_path):
    other = few["season"] != FIRST
    spoiled = few.assign(elo_margin=few["elo_margin"].mask(other, 50.0))
    got = [
        project(sim_tables, frame, {THIRD: [FIRST]}, cache=tmp_path, **SETTINGS)
        for frame in (few, spoiled)
    ]
    assert got[0].odds == got[1].odds
    assert got[0].odds[THIRD] != known.odds[THIRD]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_poisoned_future_changes_no_projection_before_it(sim_tables, few, known, tmp_path, place):
    dates = few.loc[few["season"] == THIRD, "as_of_date"].unique()
    spoiled = with_other_results(sim_tables, dates[place])
    got = project(spoiled, few, {THIRD: [FIRST, SECOND]}, cache=tmp_path, **SETTINGS).summary
    for number, date in enumerate(dates):
        rows = [frame[frame["as_of_date"] == date] for frame in (got, known.summary)]
        # A game that has been played is no longer simulated, so later dates do know.
        assert rows[0].equals(rows[1]) == (number <= place)


def test_threads_do_not_change_a_projection(sim_tables, few, tmp_path):
    learn_from = {SECOND: [FIRST], THIRD: [FIRST, SECOND]}
    alone, together = (
        project(sim_tables, few, learn_from, cache=tmp_path / str(threads),
                **SETTINGS | {"threads": threads})
        for threads in (1, 3)
    )  # fmt: skip
    pd.testing.assert_frame_equal(together.summary, alone.summary, check_exact=True)
    assert together.odds == alone.odds


def test_what_is_in_the_cache_is_not_made_again(sim_tables, few, known, tmp_path, monkeypatch):
    learn_from = {THIRD: [FIRST, SECOND]}
    first = project(sim_tables, few, learn_from, cache=tmp_path, **SETTINGS)
    (path,) = tmp_path.iterdir()
    assert path.name.startswith(f"projection_{THIRD}_")

    def refuse(*args, **kwargs):
        raise AssertionError("simulated again")

    for step in ("fit", "predict"):
        monkeypatch.setattr(MonteCarloOdds, step, refuse)
    again = project(sim_tables, few, learn_from, cache=tmp_path, **SETTINGS)
    assert again.seconds == first.seconds > 0
    pd.testing.assert_frame_equal(again.summary, first.summary, check_exact=True)
    pd.testing.assert_frame_equal(again.summary, known.summary, check_exact=True)
    assert again.odds == first.odds
    with pytest.raises(AssertionError, match="simulated again"):
        project(sim_tables, few, learn_from, cache=tmp_path / "elsewhere", **SETTINGS)


@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_entry_is_made_anew(sim_tables, few, known, tmp_path, monkeypatch, harm):
    def ask():
        got = project(sim_tables, few, {THIRD: [FIRST, SECOND]}, cache=tmp_path, **SETTINGS)
        pd.testing.assert_frame_equal(got.summary, known.summary, check_exact=True)
        assert got.odds == known.odds

    ask()
    (entry,) = tmp_path.iterdir()
    harm(entry / "summary.parquet")
    ask()
    monkeypatch.setattr(MonteCarloOdds, "predict", None)
    ask()


@pytest.fixture
def instant(monkeypatch):
    """Nothing is simulated: only the name of the file counts."""
    monkeypatch.setattr(
        MonteCarloOdds, "predict", lambda self, frame, tables, **settings: frame[["season"]]
    )


def test_the_file_s_name_changes_with_all_that_it_is_made_from(
    sim_tables, few, tmp_path, instant, monkeypatch
):
    def name(tables=sim_tables, inputs=few, learn_from=(FIRST, SECOND), **settings):
        before = set(tmp_path.iterdir())
        project(tables, inputs, {THIRD: list(learn_from)}, cache=tmp_path, **SETTINGS | settings)
        new = set(tmp_path.iterdir()) - before
        return new.pop() if new else None

    last = few["season"] == THIRD
    assert name() is not None
    assert name() is None
    assert name(threads=2) is None
    # The season's own ratings, and those that its models are learned from.
    assert name(inputs=few.assign(elo_margin=few["elo_margin"] + 0.01 * last)) is not None
    assert name(inputs=few.assign(elo_margin=few["elo_margin"] * np.where(last, 1, 2))) is not None
    assert name(learn_from=[SECOND]) is not None
    assert name(n_simulations=21) is not None
    assert name(seed=4) is not None
    spoiled = with_other_results(sim_tables, few["as_of_date"].max())
    assert name(tables=spoiled) is not None
    assert name(inputs=few[few["as_of_date"] < few["as_of_date"].max()]) is not None
    assert name() is None
    monkeypatch.setattr("nba_rank.core.content_hash.code_hash", lambda module: "another")
    assert name() is not None


def test_seasons_of_known_players_are_worth_simulating_and_those_that_are_needed(sim_inputs):
    # Nothing is known of players in the first season of the logs.
    assert projected_seasons(sim_inputs, []) == [SECOND, THIRD]
    assert projected_seasons(sim_inputs, [THIRD]) == [SECOND, THIRD]
    assert projected_seasons(sim_inputs, [FIRST]) == [FIRST, SECOND, THIRD]
    nobody = sim_inputs.assign(**dict.fromkeys(ROSTER_INPUTS, np.nan))
    assert projected_seasons(nobody, []) == []
    assert projected_seasons(nobody, [THIRD, FIRST, THIRD]) == [FIRST, THIRD]


PLANS = {
    # Fitted once: neither test season may teach the other's models anything.
    "holdout": (
        [{"name": SECOND, "train": [FIRST], "predict": [SECOND, THIRD]}],
        [{"fit": SECOND, "seasons": [SECOND, THIRD], "stack_train": [FIRST]}],
        {SECOND: [FIRST], THIRD: [FIRST]},
    ),
    "walk_forward": (
        [
            {"name": SECOND, "train": [FIRST], "predict": [SECOND]},
            {"name": THIRD, "train": [FIRST, SECOND], "predict": [THIRD]},
        ],
        [
            {"fit": SECOND, "seasons": [SECOND], "stack_train": [FIRST]},
            {"fit": THIRD, "seasons": [THIRD], "stack_train": [FIRST, SECOND]},
        ],
        {SECOND: [FIRST], THIRD: [FIRST, SECOND]},
    ),
    # Seasons that are no test learn from all that came before, and never from later ones.
    "kfold": (
        [
            {"name": "kfold_0", "train": [SECOND], "predict": [FIRST]},
            {"name": "kfold_1", "train": [FIRST], "predict": [SECOND]},
            {"name": THIRD, "train": [FIRST, SECOND], "predict": [THIRD]},
        ],
        [{"fit": THIRD, "seasons": [THIRD], "stack_train": [FIRST, SECOND]}],
        {FIRST: [], SECOND: [FIRST], THIRD: [FIRST, SECOND]},
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_run_learns_no_map_from_a_season_that_its_models_do_not_know(
    sim_tables, sim_inputs, compose, monkeypatch, name
):
    fits, tests, expected = PLANS[name]
    asked = {}

    def only_ask(tables, inputs, learn_from, **settings):
        asked.update(learn_from)
        summary = inputs[["season", "as_of_date", "team_id"]]
        summary = summary.assign(projected_rank=15.5, expected_wins=41.0)
        return SimpleNamespace(summary=summary, odds=dict.fromkeys(learn_from, settings))

    monkeypatch.setattr(inputs, "project", only_ask)
    plan = FoldPlan.from_dict({"fits": fits, "tests": tests})
    league = SimpleNamespace(tables=sim_tables, inputs=sim_inputs)
    config = compose("features.projection.n_simulations=33", "seed=9")
    stages = Stages(Console(file=StringIO()), False)
    seasons = [FIRST, SECOND, THIRD]
    odds = inputs._projection(league, plan, seasons, config, stages).odds
    assert asked == expected
    assert (odds[THIRD]["n_simulations"], odds[THIRD]["seed"]) == (33, 9)
