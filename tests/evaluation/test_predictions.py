import json

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import as_of_points
from nba_rank.evaluation.predictions import (
    PROBABILITIES,
    SIMULATED,
    agreement,
    as_json,
    flat,
    predictions_table,
    verdict,
)
from nba_rank.models.members import Scores
from nba_rank.models.model_a.uncertainty import INTERVALS

SEASON = "2022-23"


@pytest.fixture
def predicted(sim_tables):
    """Scores of two members for all teams on one date, without attention."""
    rng = np.random.default_rng(0)
    teams = sim_tables.teams.loc[sim_tables.teams["season"] == SEASON]
    frame = teams[["season", "team_id", "conference"]].assign(
        as_of_date=as_of_points(sim_tables, SEASON)["0.25"],
        model_a=rng.normal(size=len(teams)),
        xgb=rng.normal(size=len(teams)),
    )
    return frame.assign(score=frame["model_a"] + frame["xgb"]).reset_index(drop=True)


@pytest.fixture
def table_of(sim_tables):
    """The predictions table of member scores, the outcome being unknown."""
    unknown = pd.DataFrame({"season": ["1999-00"], "team_id": [1], "outcome_rank": [1]})
    return lambda frame: predictions_table(Scores(frame, None), None, sim_tables, unknown)


def test_ranks_follow_the_scores(predicted, table_of):
    table = table_of(predicted)
    assert set(table["as_of_point"]) == {"0.25"}
    assert table["rank"].tolist() == list(range(1, 31))
    assert table["score"].is_monotonic_decreasing
    best = predicted.loc[predicted["xgb"].idxmax(), "team_id"]
    assert table.loc[table["xgb_rank"] == 1, "team_id"].tolist() == [best]


def test_intervals_follow_model_a_s_rank_in_whole_places(predicted, table_of):
    rank = predicted["model_a"].rank(ascending=False)
    with_bounds = predicted.assign(
        model_a_score_spread_low=predicted["model_a"] - 0.5,
        model_a_score_spread_high=predicted["model_a"] + 0.5,
        model_a_rank_spread_low=(rank - 2).clip(lower=1),
        model_a_rank_spread_high=rank + 2,
    )
    # A team without players has none.
    with_bounds.loc[3, list(INTERVALS)] = np.nan
    table = table_of(with_bounds)
    start = table.columns.get_loc("model_a_rank")
    expected = ["model_a_rank", *INTERVALS, "xgb_rank", "model_agreement"]
    assert table.columns[start : start + 7].tolist() == expected
    known = table.dropna(subset=list(INTERVALS))
    assert len(known) == 29
    assert (known["model_a_rank_spread_high"] == known["model_a_rank"] + 2).all()
    without = table_of(predicted)
    assert not {*INTERVALS, *PROBABILITIES, *SIMULATED} & set(without.columns)
    assert table["model_agreement"].equals(without["model_agreement"])
    row = flat(table).to_csv(index=False).splitlines()[1].split(",")
    assert row[start + 4] == str(table["model_a_rank_spread_high"].iloc[0])
    records = json.loads(as_json(table))
    absent = predicted.loc[3, "team_id"]
    bounds = {record["team_id"]: record["model_a_rank_spread_low"] for record in records}
    assert bounds[absent] is None
    assert all(isinstance(low, int) for team, low in bounds.items() if team != absent)


@pytest.mark.parametrize(
    "names", [PROBABILITIES, SIMULATED, ("title_prob",), (*PROBABILITIES, *SIMULATED)]
)
def test_probabilities_follow_the_agreement_and_change_no_rank(predicted, table_of, names):
    rng = np.random.default_rng(1)
    made = {name: rng.uniform(size=len(predicted)) for name in reversed(names)}
    given = predicted.assign(seed_1=0.5, **made)
    table = table_of(given)
    start = table.columns.get_loc("model_agreement") + 1
    assert table.columns[start : start + len(names)].tolist() == list(names)
    assert table.columns[start + len(names)] == "actual_rank"
    assert "seed_1" not in table
    expected = given.set_index("team_id").loc[table["team_id"], list(names)].to_numpy()
    assert np.array_equal(table[list(names)].to_numpy(), expected)
    columns = ["team_id", "rank", "conference_rank", "strength_percentile"]
    assert table[columns].equals(table_of(predicted)[columns])


def test_verdict_and_agreement_by_hand():
    said = verdict([1, 9, 5, 4, 2], [8, 2, 5, 6, np.nan], tolerance=2)
    assert said.tolist() == ["over-ranked", "under-ranked", "aligned", "aligned", None]
    assert agreement([[1, 30], [4, 4]], n_teams=30).tolist() == [0.0, 1.0]
