from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from nba_rank.explain.moved import _shapley, _states
from nba_rank.explain.names import PLAYER, PLAYER_STATES


def rank(score, row):
    order = np.lexsort((np.arange(len(score)), -score))
    return 1.0 + np.flatnonzero(order == row)[0]


def by_permutation(own, others, score, row):
    """Shapley values of the places gained, from all orders of the parts."""
    k = len(own) + 2
    beside = np.arange(len(score)) != row
    gained, orders = np.zeros(k), list(permutations(range(k)))
    for order in orders:
        now = score.copy()
        for part in order:
            before = rank(now, row)
            if part < len(own):
                now[row] += own[part]
            else:
                now[beside] += others[part - len(own)]
            gained[part] += before - rank(now, row)
    return gained / len(orders)


def test_places_are_split_as_the_orders_of_the_parts_say():
    rng = np.random.default_rng(2)
    for row in range(0, 8, 2):
        score, own, others = rng.normal(size=8), rng.normal(size=3), rng.normal(size=(2, 7)) / 2
        now = score.copy()
        now[row] += own.sum()
        now[np.arange(8) != row] += others.sum(axis=0)
        places = rank(score, row), rank(now, row)
        found = _shapley(own, others, score, row, places)
        np.testing.assert_allclose(found, by_permutation(own, others, score, row), atol=1e-12)
        assert found.sum() == pytest.approx(places[0] - places[1])


def test_what_does_not_move_a_team_has_no_part():
    score = np.array([1.0, 2.0, 3.0, 3.0])
    found = _shapley(np.array([1.5, 0.0]), np.zeros((2, 3)), score, 0, (4.0, 3.0))
    np.testing.assert_allclose(found, [1.0, 0.0, 0.0, 0.0], atol=1e-12)


def test_equal_scores_keep_their_order_by_id():
    score = np.zeros(3)
    alike = np.full((2, 2), 0.1)
    found = _shapley(np.array([0.1, 0.1]), alike, score, 1, (2.0, 2.0))
    assert found.sum() == pytest.approx(0.0)


def test_who_is_there_and_was_not_is_told_apart():
    def players(**minutes):
        rows = [(int(name[1:]), team, m) for name, (team, m) in minutes.items()]
        return pd.DataFrame(rows, columns=["player_id", "team_id", "expected_minutes"])

    old = players(p1=(1, 30.0), p2=(1, 2.0), p3=(1, 20.0), p4=(1, 1.0), p5=(1, 25.0))
    new = players(p1=(1, 33.0), p2=(1, 30.0), p3=(1, 1.0), p4=(1, 4.0), p5=(2, 25.0))
    found = _states(old, new).set_index(["team_id", "player_id"])["state"]
    assert found.to_dict() == {
        (1, 1): PLAYER, (1, 2): PLAYER_STATES["back"], (1, 3): PLAYER_STATES["out"],
        (1, 4): PLAYER, (1, 5): PLAYER_STATES["left"], (2, 5): PLAYER_STATES["came"],
    }  # fmt: skip


def test_who_is_assumed_to_be_out_has_not_gone():
    columns = ["team_id", "player_id", "expected_minutes"]
    old = pd.DataFrame([(1, 1, 30.0), (1, 2, 30.0), (1, 3, 30.0)], columns=columns)
    known = pd.DataFrame([(1, 1, 30.0), (1, 2, 30.0), (2, 3, 30.0)], columns=columns)
    # The first is assumed to be out, the second to be traded; the third had been, and is out.
    now = pd.DataFrame([(2, 2, 30.0)], columns=columns)
    found = _states(old, now, known).set_index(["team_id", "player_id"])["state"]
    out, left, came = (PLAYER_STATES[name] for name in ("out", "left", "came"))
    assert found.to_dict() == {(1, 1): out, (1, 2): left, (1, 3): left, (2, 2): came}
