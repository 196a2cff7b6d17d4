from itertools import permutations

import numpy as np
import pytest

from nba_rank.explain.rank_change import OTHERS, places_won


def rank(scores, own):
    return 1 + np.sum(scores > own)


def by_orders(before, now, own, team):
    """The mean of the places that each part changes, over all orders: the definition."""
    names = [*own, OTHERS]
    total = dict.fromkeys(names, 0.0)
    orders = [*permutations(names)]
    for order in orders:
        scores, mine = before, before[team]
        place = rank(np.delete(scores, team), mine)
        for name in order:
            if name == OTHERS:
                scores = now
            else:
                mine = mine + own[name][team]
            after = rank(np.delete(scores, team), mine)
            total[name] += (place - after) / len(orders)
            place = after
    return total


@pytest.mark.parametrize("seed", range(5))
def test_places_are_the_mean_over_all_orders_and_sum_to_the_move(seed):
    rng = np.random.default_rng(seed)
    n = 12
    before, first, second = rng.normal(size=(3, n))
    now = before + first + second
    own = {"record": first, "strength": second}
    found = places_won(np.arange(n), before, now, own)
    wide = found.pivot(index="team_id", columns="part", values="value")
    for team in range(n):
        expected = by_orders(before, now, own, team)
        assert wide.loc[team].to_dict() == pytest.approx(expected, abs=1e-9)
        moved = rank(np.delete(before, team), before[team]) - rank(np.delete(now, team), now[team])
        assert wide.loc[team].sum() == pytest.approx(moved, abs=1e-9)
        assert found.loc[found["team_id"] == team, "whole"].unique() == pytest.approx([moved])


def test_who_stands_still_while_others_rise_has_lost_by_others_alone():
    before, now = np.array([3.0, 2.0, 1.0]), np.array([3.0, 4.0, 5.0])
    found = places_won(np.arange(3), before, now, {"strength": now - before})
    own = found[found["team_id"] == 0].set_index("part")["value"]
    assert own.to_dict() == {"strength": 0.0, OTHERS: -2.0}
    # Whom nobody could have passed has moved by nothing, whatever has changed.
    own = {"record": np.array([1.0, 1.0]), "strength": np.array([-3.0, 0.0])}
    alone = places_won(np.arange(2), np.array([9.0, 0.0]), np.array([7.0, 1.0]), own)
    assert (alone["value"] == 0).all()


def test_a_tie_goes_to_the_lower_id_though_parts_are_rounded():
    before, step = np.array([0.3, 0.0]), 0.1
    now = np.array([0.3, 0.3])
    parts = {f"part {n}": np.array([0.0, step]) for n in range(3)}  # .1 + .1 + .1 > .3
    found = places_won(np.array([1, 2]), before, now, parts)
    assert found["whole"].eq(0).all()
