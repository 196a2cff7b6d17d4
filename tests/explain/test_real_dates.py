from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.freshness import Basis
from nba_rank.data.outcomes import outcomes
from nba_rank.data.tables import SCHEMA, Tables
from nba_rank.experiments.inputs import inputs_on
from nba_rank.experiments.morning import Morning
from nba_rank.experiments.what_if import WhatIfConfig, assume
from nba_rank.explain.date import explain_date
from nba_rank.explain.moved import Seen, moved_levels
from nba_rank.features.players.impact import player_ratings
from nba_rank.models.members import Members
from nba_rank.models.ranker import Ensemble, Ranker
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.next_games import PLAYOFFS, GameModel, NextGames
from nba_rank.samples.target import relevance

pytestmark = [pytest.mark.real, pytest.mark.slow]  # rates all players of three seasons

SEASONS = ["2020-21", "2021-22", "2022-23"]


@pytest.fixture(scope="module")
def tables(real_tables) -> Tables:
    """Tables of three seasons alone."""
    kept = {}
    for field in fields(real_tables):
        table = getattr(real_tables, field.name)
        if "season" in SCHEMA[field.name] and field.name != "drafts":
            table = table[table["season"].isin(SEASONS)].reset_index(drop=True)
        kept[field.name] = table
    return replace(real_tables, **kept)


@pytest.fixture(scope="module")
def dates(tables) -> pd.DataFrame:
    """Eight random dates of the second season, three of the third, and one of its playoffs."""
    rng, rows = np.random.default_rng(8), []
    for season, n in zip(SEASONS[1:], (8, 3), strict=True):
        days = tables.games.loc[tables.games["season"] == season, "game_date"].unique()
        shares = rng.uniform(0, 1, n)
        rows += [(season, days[int(share * len(days))]) for share in sorted(shares)]
    rows.append((season, days[-20]))
    return pd.DataFrame(rows, columns=["season", "as_of_date"]).drop_duplicates()


@pytest.fixture(scope="module")
def config(compose_as_is):
    return compose_as_is(
        "data=nba", "model.members=[xgb,rf]", "model.rf.n_estimators=20", "paths.members=null",
        "features/injuries=on", "odds.n_simulations=200",
    )  # fmt: skip


@pytest.fixture(scope="module")
def mornings(tables, dates, config) -> list[Morning]:
    """Mornings of the third season, by a ranker that knows the second."""
    ratings = player_ratings(tables, dates, config.features.impact)
    results = outcomes(tables)
    data, league = inputs_on(tables, ratings, dates, results, config)
    known = TrainingGames.of(tables, league.inputs).of_seasons(SEASONS[1:2])
    projection = MonteCarloOdds.fit(known, n_simulations=200, seed=1)
    projected = projection.predict(league.inputs, tables, rounds=False)
    data = data.with_projection(projected)
    data = replace(data, relevance=relevance(results, config.target.name))
    members = Members.fit(data.of_seasons(SEASONS[1:2]), config, 1, lambda: None)
    oof = members.predict(data.of_seasons(SEASONS[1:2])).frame
    ensemble = Ensemble.fit(oof, data.relevance, config, league)
    weights = PLAYOFFS | {"absences": 2.0, "home": 1.0, "rest": 0.0, "altitude": 0.0}
    of_games = {kind: GameModel(weights, 12.0) for kind in ("regular", "playoffs")}
    ranker = Ranker(members, ensemble, projection, NextGames(of_games, of_games))
    found = []
    for season, date in dates[dates["season"] == SEASONS[2]].itertuples(index=False, name=None):
        own = ratings[ratings["as_of_date"] == date].reset_index(drop=True)
        basis = Basis.of(tables, season, date, date)
        found.append(
            Morning(season, date, ranker, config, tables, results, own, 0, basis, "", [], None)
        )
    return found


def test_parts_sum_to_their_whole_on_random_dates(mornings):
    for morning in mornings:
        data, league = morning.inputs
        table = explain_date(morning.ranker, data, league, morning.ratings, morning.config)
        known = table[table["whole"].notna()].groupby(["level", "team"])
        np.testing.assert_allclose(known["value"].sum(), known["whole"].first(), atol=1e-6)
        assert known.ngroups >= 30 * 15


def test_a_team_without_a_player_drops_by_what_explain_says(mornings):
    rng = np.random.default_rng(4)
    for morning in mornings:
        ranker, (data, league) = morning.ranker, morning.inputs
        plain = ranker.predict(data, league).frame.set_index("team_id")
        table = explain_date(ranker, data, league, morning.ratings, morning.config, n_players=1)
        left = table[table["level"] == "without_player"]
        one = left.iloc[rng.integers(len(left))]
        nothing = WhatIfConfig(out=[str(one["player_id"])], back=[], trades=[], results=[])
        after = ranker.predict(*assume(morning, nothing).inputs).frame.set_index("team_id")
        own = left[left["player_id"] == one["player_id"]].set_index("part")["value"]
        for part, column in (
            ("score", "score"), ("strength", "regular_strength"), ("wins", "expected_wins"),
            ("title_prob", "title_prob"),
        ):  # fmt: skip
            lost = after.loc[one["team_id"], column] - plain.loc[one["team_id"], column]
            assert own[part] == pytest.approx(lost, abs=1e-6), part


def test_moves_between_random_dates_sum(mornings):
    first, last = (Seen(*each.inputs, each.ratings) for each in (mornings[0], mornings[-1]))
    for table in moved_levels(mornings[0].ranker, first, last):
        of_team = table.groupby("team_id")
        np.testing.assert_allclose(of_team["value"].sum(), of_team["whole"].first(), atol=1e-6)
