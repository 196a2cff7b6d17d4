from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.explain.seasons import (
    PART,
    PERMUTATION,
    SHAP,
    STRONGEST,
    _dealt,
    family,
    over_seasons,
    partial_dependence,
    season_importance,
    strongest,
)
from nba_rank.models.members import Members
from nba_rank.models.ranker import Ensemble

GROUPS = {"elo": ["elo_margin"], "massey": ["margin_rating", "absent"], "noise": ["noise"]}


@pytest.fixture(scope="module")
def seen(sim_data, compose_as_is):
    """Members that know the first season, and their ensemble; one feature is noise."""
    noise = np.random.default_rng(0).normal(size=(len(sim_data.X), 1)).astype(np.float32)
    data = replace(sim_data, columns=[*sim_data.columns, "noise"], X=np.hstack([sim_data.X, noise]))
    config = compose_as_is(
        "model.members=[xgb,rf]",
        "paths.members=null",
        "model.stack.features=[]",
        "model.stack.shrinkage_targets=[]",
    )
    members = Members.fit(data.of_seasons(["2021-22"]), config, 1, lambda: None)
    known = data.of_seasons(["2022-23"])
    oof = members.predict(known).frame
    ensemble = Ensemble.fit(oof, data.relevance, config)
    return members, ensemble, data.of_seasons(["2023-24"])


@pytest.fixture(scope="module")
def found(seen, sim_results):
    """Their importance in the last season."""
    members, ensemble, last = seen
    truth = sim_results.set_index(["season", "team_id"])["outcome_rank"]
    rank = truth.reindex(pd.MultiIndex.from_frame(last.frame[["season", "team_id"]])).to_numpy()
    rng = np.random.default_rng(1)
    return season_importance(members, ensemble, last, rank.astype(float), GROUPS, rng)


def test_what_knows_the_teams_matters_and_noise_does_not(found):
    wide = found.set_index(["member", "group", "measure"])["value"]
    for member in ("xgb", "rf"):
        for measure in (SHAP, PERMUTATION):
            assert max(wide[member, "elo", measure], wide[member, "massey", measure]) > 3 * abs(
                wide[member, "noise", measure]
            )
    assert set(found[found["member"] == "stack"]["group"]) == {"xgb", "rf"}
    assert (found[found["measure"] == PART]["value"] > 0).all()


def test_scores_depend_on_what_knows_the_teams(seen, found):
    members, _, last = seen
    seasons = [(members, last)] * 2
    names = strongest(found)
    assert len(names) == min(STRONGEST, len(last.columns))
    assert "elo_margin" in names
    table = partial_dependence(seasons, ["elo_margin", "noise"])
    assert (table["n_seasons"] == 2).all()
    for member in ("xgb", "rf"):
        own = table[table["member"] == member]
        curves = {name: rows.sort_values("at")["mean"] for name, rows in own.groupby("feature")}
        rise = {name: curve.iloc[-1] - curve.iloc[0] for name, curve in curves.items()}
        assert rise["elo_margin"] > 5 * abs(rise["noise"])
        assert abs(curves["elo_margin"].mean()) < 1e-9
        at = own.loc[own["feature"] == "elo_margin", "at"].iloc[3]
        X = last.X[pd.factorize(last.frame["as_of_date"])[0] % 4 == 0].copy()
        X[:, last.columns.index("elo_margin")] = at
        others = own[own["feature"] == "elo_margin"]["mean"]
        expected = getattr(members, member).predict(X).mean()
        assert np.ptp(others) > 0
        X[:, last.columns.index("elo_margin")] = own["at"].iloc[0]
        first = getattr(members, member).predict(X).mean()
        assert expected - first == pytest.approx(others.iloc[3] - others.iloc[0], abs=1e-5)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("points_per_game_10", "box score per game"), ("plus_minus_share_30", "plus-minus"),
        ("true_shooting_last_season", "last season"), ("true_shooting_10", "true shooting"),
        ("returning_minutes_share", "returning minutes"), ("prior_rating", "ratings"),
        ("full_strength_minutes", "expected minutes"), ("availability_10", "availability"),
    ],
)  # fmt: skip
def test_player_columns_have_families(column, expected):
    assert family(column) == expected


def test_values_are_dealt_within_their_date_and_columns_stay_together():
    date = np.array([1, 0, 1, 0, 1, 0])
    X = np.stack([np.arange(6), 10 + np.arange(6), 20 + np.arange(6)], axis=1).astype(np.float32)
    got = _dealt(X, [0, 2], date, np.random.default_rng(3))
    assert (got[:, 0] != X[:, 0]).any()
    np.testing.assert_array_equal(got[:, 1], X[:, 1])
    np.testing.assert_array_equal(got[:, 2], got[:, 0] + 20)
    for day in (0, 1):
        assert sorted(got[date == day, 0]) == sorted(X[date == day, 0])


def test_seasons_give_the_interval(found):
    seasons = [
        found.assign(season=f"20{n}-{n + 1}", value=found["value"] + n) for n in range(10, 15)
    ]
    got = over_seasons(pd.concat(seasons)).set_index(["member", "group", "measure"])
    first = found.iloc[0]
    row = got.loc[(first["member"], first["group"], first["measure"])]
    assert row["mean"] == pytest.approx(first["value"] + 12)
    assert row["low"] < row["mean"] < row["high"]
    assert row["n_seasons"] == 5
    assert over_seasons(found)["low"].isna().all()
