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


def data(store_keys=KEYS, set_keys=KEYS):
    """A dataset whose features tell each store row: its number, and a hundred times it."""
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


def test_the_team_prior_holds_known_features_and_with_them_the_progress():
    assert list(data().team_prior(["hundred"])) == ["hundred"]
    known = replace(data(), columns=["number", PROGRESS])
    assert list(known.team_prior(["number", "of_a_group_that_is_off"])) == ["number", PROGRESS]
    for nothing in ([], ["of_a_group_that_is_off"]):
        assert known.team_prior(nothing).shape == (6, 0)


def test_features_that_the_store_lacks_are_named():
    for get in (data().features, data().set_features):
        with pytest.raises(UserError, match=r"\['massey'\]"):
            get(["number", "massey"])


def simulated(keys, ranks, wins):
    """What a simulation says of some rows, with columns that nobody reads."""
    summary = frame(keys).drop(columns="conference")
    return summary.assign(projected_rank=ranks, expected_wins=wins, title_prob=0.5)


def test_a_projection_adds_teams_behind_and_wins():
    ranks, wins = np.array([1.25, 1.75, 1.0, 2.0, 1.5, 1.5]), np.array([50.5, 30, 60, 20, 41, 41])
    order = [4, 0, 5, 2, 1, 3]
    for some in (range(6), order):  # joined by team and date
        summary = simulated([KEYS[i] for i in some], ranks[some], wins[some])
        got = data().with_projection(summary)
        assert got.columns == ["number", "hundred", *PROJECTION]
        assert got.X.dtype == np.float32
        assert np.array_equal(got.X[:, :2], data().X)
        # Of two teams: how many are expected to be behind.
        assert got.features([PROJECTED])[PROJECTED].tolist() == (2 - ranks).tolist()
        assert got.features(["projected_wins"])["projected_wins"].tolist() == wins.tolist()
    with pytest.raises(pd.errors.MergeError):
        data().with_projection(pd.concat([summary, summary.head(1)]))


def test_dates_that_were_not_simulated_are_unknown():
    got = data().with_projection(simulated(KEYS[2:], [1.0, 2.0] * 2, [50.0, 32.0] * 2))
    added = got.features(list(PROJECTION))
    assert added[:2].isna().all(axis=None)
    assert added[2:].notna().all(axis=None)
    assert np.array_equal(got.of_seasons(["2021-22"]).X, got.X[2:])
