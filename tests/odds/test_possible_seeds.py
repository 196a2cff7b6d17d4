from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_rank.data.remaining import Remaining
from nba_rank.data.standings import count_records
from nba_rank.odds.possible_seeds import possible_seeds
from nba_rank.odds.seeding import League, seed

CONFERENCE = np.array([0, 0, 0, 0, 1, 1, 1])


def position(played, to_play, assumed=0):
    """Records after games (winner, loser), and games left, the last so many of them made up."""
    winner, loser = np.reshape(np.array(played, dtype=np.int64), (-1, 2)).T
    team, opponent = np.concatenate([winner, loser]), np.concatenate([loser, winner])
    won = np.repeat([True, False], len(winner))
    margin = np.where(won, 1, -1)
    ids = np.arange(len(CONFERENCE))
    records = count_records(ids, CONFERENCE, CONFERENCE, team, opponent, won, margin)
    home, away = np.reshape(np.array(to_play, dtype=np.int64), (-1, 2)).T
    games = len(home)
    left = Remaining(
        home=home,
        away=away,
        day=np.zeros(games, dtype=np.int64),
        neutral=np.zeros(games, dtype=bool),
        back_to_back=np.zeros((games, 2), dtype=bool),
        assumed=np.arange(games) >= games - assumed,
    )
    return records, left


def every_outcome(records, left):
    """Who beat whom at the end [S, T, T], for every outcome of the games left."""
    beat = np.repeat(records.beat[None], 2 ** len(left.home), axis=0)
    outcomes = np.array(list(product([True, False], repeat=len(left.home))))
    for game, home_won in enumerate(outcomes.T):
        winner = np.where(home_won, left.home[game], left.away[game])
        loser = np.where(home_won, left.away[game], left.home[game])
        beat[np.arange(len(beat)), winner, loser] += 1
    return beat


def by_wins(beat):
    """Best and worst place of each team by record alone, ties in its favour and against it."""
    won, lost = beat.sum(axis=2), beat.sum(axis=1)
    rivals = (CONFERENCE[:, None] == CONFERENCE) & ~np.eye(len(CONFERENCE), dtype=bool)
    pct = np.where(won + lost > 0, won / np.maximum(won + lost, 1), 0.5)
    above = ((pct[:, None] > pct[:, :, None]) & rivals).sum(axis=2)
    level = ((pct[:, None] >= pct[:, :, None]) & rivals).sum(axis=2)
    return 1 + above.min(axis=0), 1 + level.max(axis=0)


pairs = st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda pair: pair[0] != pair[1])
rounds = [(a, b) for a in range(7) for b in range(7) if a != b]
"""Every pair twice: all have then played as many games, as in a real season."""


@settings(max_examples=60, deadline=None)
@given(extra=st.lists(pairs, max_size=12), to_play=st.lists(pairs, max_size=8))
def test_the_range_is_exact_by_wins_and_holds_every_outcome(extra, to_play):
    records, left = position([*rounds, *extra], to_play)
    best, worst = possible_seeds(records, left)
    beat = every_outcome(records, left)
    low, high = by_wins(beat)
    assert (best.tolist(), worst.tolist()) == (low.tolist(), high.tolist())
    seeds = seed(beat, np.zeros(beat.shape[:2]), League(CONFERENCE, CONFERENCE)).seed
    assert (seeds >= best).all()
    assert (seeds <= worst).all()


def test_rivals_cannot_all_lose_their_games_against_each_other():
    # 0 can still reach the wins of 1 and 2, but one of these two wins their last game.
    played = [(4, 0), (1, 4), (2, 4), (3, 4), (3, 5)]
    best, _ = possible_seeds(*position(played, [(0, 5), (1, 2)]))
    assert best[0] == 3
    apart, _ = possible_seeds(*position(played, [(0, 5), (1, 5), (2, 6)]))
    assert apart[0] == 2


def test_games_that_are_made_up_prove_nothing():
    played = [(4, 0), (1, 4), (2, 4), (3, 4), (3, 5)]
    best, _ = possible_seeds(*position(played, [(0, 5), (1, 2)], assumed=1))
    assert best[0] == 2
