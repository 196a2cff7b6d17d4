from io import StringIO
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from harm import shuffle
from rich.console import Console

from nba_rank.core.stages import Stages
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


def test_each_season_is_simulated_with_models_of_its_own_earlier_seasons(sim_tables, few, tmp_path):
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


def test_the_first_season_is_simulated_without_learning(sim_tables, few, tmp_path):
    got = project(sim_tables, few, {FIRST: []}, cache=tmp_path, **SETTINGS)
    assert set(got.summary["season"]) == {FIRST}
    assert got.odds[FIRST].teams.regular.coef == pytest.approx([1, 0])
    assert got.summary["expected_wins"].notna().all()


def test_inputs_of_other_seasons_are_not_learned_from(sim_tables, few, known, tmp_path):
    other = few["season"] != FIRST
    spoiled = few.assign(elo_margin=few["elo_margin"].mask(other, 50.0))
    got = [
        project(sim_tables, frame, {THIRD: [FIRST]}, cache=tmp_path, **SETTINGS)
        for frame in (few, spoiled)
    ]
    assert got[0].odds == got[1].odds
    assert got[0].odds[THIRD] != known.odds[THIRD]


@pytest.mark.parametrize("place", [-1, 0, 1, 2])
def test_a_poisoned_future_changes_nothing_before_it(
    sim_tables, few, known, tmp_path, poison, place
):
    dates = few.loc[few["season"] == THIRD, "as_of_date"].unique()
    first = dates[place] if place >= 0 else few.loc[few["season"] == SECOND, "as_of_date"].max()
    spoiled = poison(sim_tables, first)
    got = project(spoiled, few, {THIRD: [FIRST, SECOND]}, cache=tmp_path, **SETTINGS)
    assert (got.odds == known.odds) == (place >= 0)
    for number, date in enumerate(dates):
        rows = [frame[frame["as_of_date"] == date] for frame in (got.summary, known.summary)]
        # A game that has been played is no longer simulated, so later dates do know.
        assert rows[0].equals(rows[1]) == (number <= place)


@pytest.mark.slow
def test_threads_do_not_change_a_projection(sim_tables, few, tmp_path):
    learn_from = {SECOND: [FIRST], THIRD: [FIRST, SECOND]}
    alone, together = (
        project(sim_tables, few, learn_from, cache=tmp_path / str(threads),
                **SETTINGS | {"threads": threads})
        for threads in (1, 3)
    )  # fmt: skip
    pd.testing.assert_frame_equal(together.summary, alone.summary, check_exact=True)
    assert together.odds == alone.odds


def test_an_entry_of_the_cache_is_made_again_only_where_it_was_changed(
    sim_tables, few, known, tmp_path, monkeypatch
):
    def ask(cache=tmp_path):
        got = project(sim_tables, few, {THIRD: [FIRST, SECOND]}, cache=cache, **SETTINGS)
        pd.testing.assert_frame_equal(got.summary, known.summary, check_exact=True)
        assert got.odds == known.odds
        return got.seconds

    ask()
    (entry,) = tmp_path.iterdir()
    assert entry.name.startswith(f"projection_{THIRD}_")
    shuffle(entry / "summary.parquet")
    seconds = ask()
    monkeypatch.setattr(MonteCarloOdds, "predict", None)
    assert ask() == seconds > 0
    with pytest.raises(TypeError, match="not callable"):
        ask(tmp_path / "elsewhere")


def test_the_key_changes_with_all_that_a_projection_is_made_from(
    sim_tables, few, tmp_path, poison, monkeypatch
):
    # Nothing is simulated: only the name of the entry counts.
    monkeypatch.setattr(
        MonteCarloOdds, "predict", lambda self, frame, tables, **settings: frame[["season"]]
    )

    def is_new(tables=sim_tables, inputs=few, learn_from=(FIRST, SECOND), **settings):
        before = len(list(tmp_path.iterdir()))
        project(tables, inputs, {THIRD: list(learn_from)}, cache=tmp_path, **SETTINGS | settings)
        return len(list(tmp_path.iterdir())) > before

    last, margin = few["season"] == THIRD, few["elo_margin"]
    assert is_new()
    assert not is_new(threads=2)
    # The season's own ratings, and those that its models are learned from.
    assert is_new(inputs=few.assign(elo_margin=margin + 0.01 * last))
    assert is_new(inputs=few.assign(elo_margin=margin * np.where(last, 1, 2)))
    assert is_new(inputs=few[few["as_of_date"] < few["as_of_date"].max()])
    assert is_new(learn_from=[SECOND])
    assert is_new(n_simulations=21)
    assert is_new(seed=4)
    assert is_new(tables=poison(sim_tables, few["as_of_date"].max()))
    assert not is_new()
    monkeypatch.setattr("nba_rank.core.content_hash.code_hash", lambda module: "another")
    assert is_new()


def test_later_seasons_have_no_part_in_an_entry_of_the_cache(
    sim_tables, few, tmp_path, poison, monkeypatch
):
    monkeypatch.setattr(
        MonteCarloOdds, "predict", lambda self, frame, tables, **settings: frame[["season"]]
    )
    opening = sim_tables.seasons.set_index("season").loc[THIRD, "first_date"]
    for tables in (sim_tables, sim_tables.until(SECOND), poison(sim_tables, opening)):
        inputs = few[few["season"].isin(tables.seasons["season"])]
        project(tables, inputs, {SECOND: [FIRST]}, cache=tmp_path, **SETTINGS)
    assert len(list(tmp_path.iterdir())) == 1


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
def test_a_run_simulates_with_models_of_seasons_that_its_rankers_know(
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
