"""The draft lottery: exact odds of every pick.

Letters: K teams of the lottery, by place from the worst record; N picks so far.
"""

import numpy as np

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.league import Lottery


def pick_probs(lottery: Lottery, chances: IntArray) -> FloatArray:
    """Return how likely each place gets each pick, over all sets of teams that can be drawn.

    Who was drawn matters, in which order does not: there are 2^K sets at most. Where only as many
    picks are left to the floor as teams that it protects, one of those is drawn.

    Args:
        lottery: Rules.
        chances: Chances of each place [K].

    Returns:
        Probabilities [K, K]: place, pick.
    """
    K = len(chances)
    sets = np.arange(2**K)
    member = (sets[:, None] >> np.arange(K)) & 1 == 1
    protected, floor = lottery.floor or (0, K)
    left = np.where(member, 0.0, chances)
    saved = (~member[:, :protected]).sum(axis=1)
    last = (saved > 0) & (floor - member.sum(axis=1) <= saved)
    left[last, protected:] = 0.0
    size = member.sum(axis=1)
    probs, reached = np.zeros((K, K)), np.zeros(len(sets))
    reached[0] = 1.0
    for n in range(lottery.drawn):
        at = np.flatnonzero((size == n) & (reached > 0))
        each = reached[at, None] * left[at] / left[at].sum(axis=1, keepdims=True)
        probs[:, n] = each.sum(axis=0)
        after = at[:, None] | (1 << np.arange(K))
        reached += np.bincount(after.ravel(), each.ravel(), minlength=len(sets))
    # The others keep their order: one falls a pick for each team drawn from behind it.
    at = np.flatnonzero((size == lottery.drawn) & (reached > 0))
    for place in range(K):
        waiting = at[~member[at, place]]
        pick = place + member[waiting, place + 1 :].sum(axis=1)
        probs[place] += np.bincount(pick, reached[waiting], minlength=K)
    return probs


def lottery_odds(lottery: Lottery, tier: IntArray, win_pct: FloatArray) -> FloatArray:
    """Return how likely each team gets each pick.

    Ties in record are broken by drawing, before which all orders of the tied are equally likely,
    so that they have the same odds. Combinations are shared out first, as evenly as they can be,
    and the drawing awards the odd ones; balls (`lottery.play_in`) go by the order drawn.

    Args:
        lottery: Rules.
        tier: Teams of a lower one come first, whatever their record [K].
        win_pct: Winning percentages [K].

    Returns:
        Probabilities [K, K]: team, pick.

    Raises:
        ValueError: There are more or fewer teams than places.
    """
    if len(tier) != len(lottery.chances):
        raise ValueError(f"{len(tier)} teams for {len(lottery.chances)} places of the lottery")
    order = np.lexsort((win_pct, tier))
    new = (np.diff(tier[order], prepend=-1) != 0) | (np.diff(win_pct[order], prepend=-1) != 0)
    tied = [np.array(group) for group in np.split(np.arange(len(order)), np.flatnonzero(new)[1:])]
    chances = np.array(lottery.chances)
    if not lottery.play_in:
        for places in tied:
            each, odd = divmod(int(chances[places].sum()), len(places))
            chances[places] = each + (np.arange(len(places)) < odd)
    by_place = pick_probs(lottery, chances)
    probs = np.empty_like(by_place)
    for places in tied:
        probs[order[places]] = by_place[places].mean(axis=0)
    return probs
