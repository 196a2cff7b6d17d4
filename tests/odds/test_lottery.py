from itertools import permutations

import numpy as np
import pytest

from nba_rank.data import league
from nba_rank.data.league import Lottery, lottery
from nba_rank.odds.lottery import lottery_odds, pick_probs

PUBLISHED = {
    "2005-06": {
        21: [25.0], 23: [19.9], 26: [13.8, 13.7], 27: [8.8], 33: [5.3, 5.3], 34: [2.3, 2.2],
        35: [1.1], 36: [0.8], 38: [0.7, 0.6], 41: [0.5],
    },
    "2011-12": {
        7: [25.0], 20: [19.9], 21: [13.8, 13.7], 22: [7.6, 7.5], 23: [3.6, 3.5], 25: [1.7],
        26: [1.1], 28: [0.8], 31: [0.7], 33: [0.6], 34: [0.5],
    },
    "2015-16": {
        10: [25.0], 17: [19.9], 21: [15.6], 23: [11.9], 29: [8.8], 30: [6.3], 32: [4.3],
        33: [1.9, 1.9, 1.8], 35: [0.8], 40: [0.7], 41: [0.6], 42: [0.5],
    },
    "2018-19": {
        17: [14.0], 19: [14.0, 14.0], 22: [12.5], 29: [10.5], 32: [9.0], 33: [6.0, 6.0, 6.0],
        36: [3.0], 37: [2.0], 39: [1.0, 1.0, 1.0],
    },
}  # fmt: skip
"""Chances of the first pick, percent, as published before the draw, by wins of the season."""


@pytest.mark.parametrize("season", PUBLISHED)
def test_first_picks_are_as_likely_as_published(season):
    wins = np.array([won for won, odds in PUBLISHED[season].items() for _ in odds])
    drawing = np.random.default_rng(0).permutation(len(wins))
    odds = lottery_odds(lottery(season), np.zeros(len(wins), dtype=int), wins[drawing] / 82)
    expected = np.array([np.mean(odds) for odds in PUBLISHED[season].values() for _ in odds])
    # Before it was known who had the odd combination of a tie, each of the tied had half of it.
    assert 100 * odds[:, 0] == pytest.approx(expected[drawing], abs=0.001)


def test_picks_of_the_worst_three_are_as_likely_as_published():
    """As published in 2019: the same chances of the first four picks, then who falls how far."""
    rules = lottery("2018-19")
    probs = 100 * pick_probs(rules, np.array(rules.chances))
    assert probs[:3, :4] == pytest.approx(np.tile([14.0, 13.4, 12.7, 12.0], (3, 1)), abs=0.06)
    fifth_to_seventh = [[47.9, 0, 0], [27.8, 20.0, 0], [14.8, 26.0, 7.0]]
    assert probs[:3, 4:7] == pytest.approx(np.array(fifth_to_seventh), abs=0.06)


@pytest.mark.parametrize("season", ["2002-03", "2010-11", "2018-19", "2026-27"])
def test_every_place_has_a_pick_and_every_pick_a_place(season):
    rules = lottery(season)
    probs = pick_probs(rules, np.array(rules.chances))
    assert probs.sum(axis=0) == pytest.approx(1)
    assert probs.sum(axis=1) == pytest.approx(1)
    assert probs[:, 0] == pytest.approx(np.array(rules.chances) / sum(rules.chances))
    if not rules.play_in:
        assert len(rules.chances) == len(league.team_ids(season)) - 16
        assert sum(rules.chances) == 1000


@pytest.mark.parametrize(
    "rules",
    [
        Lottery((5, 3, 1, 1), 2),
        Lottery((1, 2, 3, 1), 4, (2, 3)),
        Lottery((1, 1, 3, 1, 1), 5, (2, 2)),
    ],
    ids=["two drawn", "two fall to the third", "the worst two come first"],
)
def test_odds_are_those_of_all_orders_of_drawing(rules):
    K, expected = len(rules.chances), np.zeros((len(rules.chances),) * 2)
    protected, floor = rules.floor or (0, K)
    for drawn in permutations(range(K), rules.drawn):
        prob, left = 1.0, list(range(K))
        for pick, place in enumerate(drawn):
            saved = [team for team in left if team < protected]
            pool = saved if saved and floor - pick <= len(saved) else left
            prob *= rules.chances[place] / sum(rules.chances[i] for i in pool) * (place in pool)
            left.remove(place)
        for pick, place in enumerate([*drawn, *left]):
            expected[place, pick] += prob
    assert pick_probs(rules, np.array(rules.chances)) == pytest.approx(expected)


def test_the_worst_three_of_2027_pick_twelfth_at_the_latest():
    rules = lottery("2026-27")
    probs = pick_probs(rules, np.array(rules.chances))
    assert (probs[:3, 12:] == 0).all()
    assert (probs[:3, 11] > 0).all()
    assert (probs[3:, 15] > 0).all()


def test_tied_teams_have_the_same_odds_and_a_lower_tier_comes_first():
    rules = Lottery((50, 25, 15, 10), 1)
    odds = lottery_odds(rules, np.array([1, 0, 0, 0]), np.array([0.1, 0.5, 0.4, 0.5]))
    assert odds[:, 0].tolist() == pytest.approx([0.10, 0.20, 0.50, 0.20])
    assert (odds[1] == odds[3]).all()
    with pytest.raises(ValueError, match="3 teams for 4 places"):
        lottery_odds(rules, np.zeros(3), np.zeros(3))
