"""Best and worst seeds still possible, exact by wins: ties in record count as open.

A set of rivals can all stay behind a team unless some of them must, in their games against each
other, win too often together; they can all draw level with it unless some of them have too few
games for the wins that they need together (Hall's theorem, as in "baseball elimination", Schwartz
1966). All sets of a conference are looked at.

Letters: T teams, C teams of a conference.
"""

import numpy as np

from nba_rank.core.arrays import Array, BoolArray, IntArray
from nba_rank.data.remaining import Remaining
from nba_rank.data.standings import Records


def possible_seeds(records: Records, left: Remaining) -> tuple[IntArray, IntArray]:
    """Return the best and the worst seed that each team can still have, by wins.

    The best is that with all games left won and every tie in record broken in the team's favour,
    the worst that with all of them lost and no tie so. Tie-breaks can make the range narrower,
    never wider. Seeds must go by record alone, as since 2015-16. Fixtures that are made up count as
    games against nobody.

    Args:
        records: Records so far.
        left: Games left.

    Returns:
        Best and worst seed, 1 is best [T] each.
    """
    T = len(records.team_id)
    won, lost = records.beat.sum(axis=1), records.beat.sum(axis=0)
    sides = np.concatenate([left.home, left.away])
    to_play = np.bincount(sides, minlength=T)
    meetings = np.zeros((T, T), dtype=np.int64)
    known = ~left.assumed
    np.add.at(meetings, (left.home[known], left.away[known]), 1)
    meetings += meetings.T
    best, worst = np.empty(T, dtype=np.int64), np.empty(T, dtype=np.int64)
    for code in np.unique(records.conference):
        own = np.flatnonzero(records.conference == code)
        best[own], worst[own] = _of_conference(
            won[own], (won + lost)[own], to_play[own], meetings[np.ix_(own, own)]
        )
    return best, worst


def _of_conference(
    won: IntArray, played: IntArray, to_play: IntArray, meetings: IntArray
) -> tuple[IntArray, IntArray]:
    """Return `possible_seeds` of one conference [C] each; `meetings` are those left [C, C]."""
    C = len(won)
    member = (np.arange(2**C)[:, None] >> np.arange(C)) & 1  # sets of teams [2^C, C]
    between = ((member @ meetings) * member).sum(axis=1, keepdims=True) // 2
    games = np.maximum(played + to_play, 1)
    # Most wins of a rival (row) with which a team (column) that wins all is not behind it.
    most = games[:, None] * (won + to_play) // games
    behind = _largest_without(member @ (most - won[:, None]) < between, member)
    # Fewest wins with which a rival is level with a team that loses all.
    fewest = -(games[:, None] * -won // games)
    needed = np.maximum(fewest - won[:, None], 0)
    ahead = _largest_without(member @ needed > (member @ to_play)[:, None] - between, member)
    return C - behind, 1 + ahead


def _largest_without(impossible: BoolArray, member: Array) -> IntArray:
    """Return, for each team, the size of the largest set of rivals without an impossible one in it.

    Args:
        impossible: Whether a set cannot be had against a team [2^C, C].
        member: Sets [2^C, C].
    """
    C = member.shape[1]
    for rival in range(C):
        with_or_without = impossible.reshape(-1, 2, 2**rival, C)
        with_or_without[:, 1] |= with_or_without[:, 0]
    size = np.where(impossible | (member == 1), 0, member.sum(axis=1, keepdims=True))
    return size.max(axis=0)
