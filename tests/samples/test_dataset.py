from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets
from nba_rank.samples.dataset import PROGRESS, PROJECTED, PROJECTION, Dataset


def frame(keys):
    made = pd.DataFrame(keys, columns=["season", "as_of_date", "team_id"])
    made["as_of_date"] = pd.to_datetime(made["as_of_date"])
    return made.assign(conference="East")


KEYS = [
    (season, date, team)
    for season, date in [
        ("2020-21", "2021-01-05"),
        ("2021-22", "2022-01-05"),
        ("2021-22", "2022-02-05"),
    ]
    for team in (1, 2)
]


def data(store_keys, set_keys):
    """A data set whose features tell each store row: its number, and a hundred times it."""
    number = np.arange(len(store_keys), dtype=np.float32)
    sets = PlayerSets(
        frame=frame(set_keys),
        player_id=np.ones((len(set_keys), 1), dtype=np.int64),
        minutes_share=np.ones((len(set_keys), 1), dtype=np.float32),
        stats=np.zeros((len(set_keys), 1, 1), dtype=np.float32),
        columns=["a"],
        dates_left_out=0,
    )
    X = np.stack([number, 100 * number], axis=1)
    return Dataset(frame(store_keys), ["number", "hundred"], X, sets, pd.DataFrame())


def test_features_of_the_player_sets_are_those_of_the_same_team_and_date():
    order = [5, 2, 3]
    made = data(KEYS, [KEYS[i] for i in order])
    assert made.set_features(["hundred", "number"]).to_numpy().tolist() == [
        [500, 5], [200, 2], [300, 3],
    ]  # fmt: skip
    of_season = made.of_seasons(["2021-22"])
    assert of_season.set_features(["number"])["number"].tolist() == [5, 2, 3]


def test_player_sets_without_a_store_row_are_refused():
    with pytest.raises(ValueError, match=r"2 rows .* team 2 on 2022-01-05"):
        data(KEYS[:3], [KEYS[0], KEYS[3], KEYS[4]]).set_features(["number"])


def test_the_team_prior_brings_the_share_of_the_season_where_it_is_known():
    made = data(KEYS, KEYS)
    assert list(made.team_prior(["hundred"])) == ["hundred"]
    known = replace(made, columns=["number", PROGRESS])
    assert list(known.team_prior(["number"])) == ["number", PROGRESS]
    assert list(known.team_prior(["number", "of_a_group_that_is_off"])) == ["number", PROGRESS]
    for nothing in ([], ["of_a_group_that_is_off"]):
        assert known.team_prior(nothing).shape == (6, 0)


def test_features_that_the_store_does_not_hold_are_named():
    made = data(KEYS, KEYS)
    for get in (made.features, made.set_features):
        with pytest.raises(UserError, match=r"\['massey'\]"):
            get(["number", "massey"])


def simulated(keys, ranks, wins):
    """What a simulation says of some rows, with columns that nobody reads."""
    summary = frame(keys).drop(columns="conference")
    return summary.assign(projected_rank=ranks, expected_wins=wins, title_prob=0.5)


def test_a_projection_adds_places_from_the_bottom_and_wins():
    made = data(KEYS, KEYS)
    ranks, wins = [1.25, 1.75, 1.0, 2.0, 1.5, 1.5], [50.5, 30, 60, 20, 41, 41]
    got = made.with_projection(simulated(KEYS, ranks, wins))
    assert got.columns == ["number", "hundred", *PROJECTION] == [*made.columns, *PROJECTION]
    assert got.X.dtype == np.float32
    assert np.array_equal(got.X[:, :2], made.X)
    # Of two teams: how many are expected to be behind.
    behind = [0.75, 0.25, 1.0, 0.0, 0.5, 0.5]
    assert got.features([PROJECTED])[PROJECTED].tolist() == behind
    assert got.features(["projected_wins"])["projected_wins"].tolist() == wins
    assert (made.columns, made.X.shape) == (["number", "hundred"], (6, 2))


def test_a_projection_is_joined_by_team_and_date_whatever_the_order():
    order = [4, 0, 5, 2, 1, 3]
    ranks, wins = np.arange(6) / 4, np.arange(6.0)
    straight = data(KEYS, KEYS).with_projection(simulated(KEYS, ranks, wins))
    summary = simulated([KEYS[i] for i in order], ranks[order], wins[order])
    assert np.array_equal(data(KEYS, KEYS).with_projection(summary).X, straight.X)


def test_dates_that_were_not_simulated_are_unknown():
    got = data(KEYS, KEYS).with_projection(simulated(KEYS[2:], [1.0, 2.0] * 2, [50.0, 32.0] * 2))
    added = got.features(list(PROJECTION))
    assert added[:2].isna().all(axis=None)
    assert added[2:].notna().all(axis=None)
    assert np.array_equal(got.of_seasons(["2021-22"]).X, got.X[2:])


def test_a_projection_with_two_rows_of_a_team_on_a_date_is_refused():
    summary = simulated([*KEYS, KEYS[0]], np.ones(7), np.ones(7))
    with pytest.raises(pd.errors.MergeError):
        data(KEYS, KEYS).with_projection(summary)
