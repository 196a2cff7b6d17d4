"""The places that teams have won or lost between two dates, by what moved them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import NamedTuple

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.explain.parts import level
from nba_rank.explain.stack import rank_beside
from nba_rank.models.ranker import League
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.samples.dataset import PROJECTED

LEVEL = "rank_change"

RECORD, STRENGTH, REST, OTHERS = "record_and_schedule", "own_strength", "own_rest", "other_teams"
"""Parts: what a team's record and schedule change about its score, what its strength does, what all
else does, and what the scores of the other teams do."""


class Dated(NamedTuple):
    """What is read of a date.

    Attributes:
        levels: From `nba_rank.explain.date.explain_date`, of all teams.
        league: What its odds are made from.
    """

    levels: pd.DataFrame
    league: League


def rank_change(projection: MonteCarloOdds | None, now: Dated, before: Dated) -> pd.DataFrame:
    """Return the level `LEVEL`: places won since an earlier date of the season, by part.

    Args:
        projection: What projects the season; None: nothing does, and a score has one own part.
        now: A date.
        before: An earlier one.
    """
    new, old = (_scores(of.levels) for of in (now, before))
    own = {}
    if projection is not None:
        own = _projected(projection, now, before)
    rest = (new - old).to_numpy() - sum(own.values())
    return places_won(new.index.to_numpy(), old.to_numpy(), new.to_numpy(), {**own, REST: rest})


def places_won(
    team_id: IntArray, before: FloatArray, now: FloatArray, own: Mapping[str, FloatArray]
) -> pd.DataFrame:
    """Return the level `LEVEL` of scores that change.

    A part is the mean of the places that it changes over all orders in which the parts can change:
    its Shapley value. Shares of the gaps between teams would be as many places as one likes, where
    two teams change much and their gap changes little.

    Args:
        team_id: Teams, [N].
        before: Their scores, higher is better, [N].
        now: Their scores at last, [N].
        own: Parts that each team's score changes by, [N] each.
    """
    changes = [*own.values()]
    others = len(changes)

    def places(moved: frozenset[int]) -> FloatArray:
        parts = moved - {others}
        # All parts sum to the score but for rounding, which must not break a tie.
        score = now if len(parts) == others else before + sum(changes[n] for n in sorted(parts))
        return -rank_beside(now if others in moved else before, score, team_id)

    values = _shapley(places, others + 1)
    won = places(frozenset(range(others + 1))) - places(frozenset())
    return level(LEVEL, "places", team_id, won, dict(zip([*own, OTHERS], values, strict=True)))


def _scores(levels: pd.DataFrame) -> pd.Series:
    """Return the score of each team, in order of id."""
    return levels[levels["level"] == "score"].groupby("team_id")["whole"].first()


def _projected(projection: MonteCarloOdds, now: Dated, before: Dated) -> dict[str, FloatArray]:
    """Return what record and strength change about the scores through the projection.

    Both dates are simulated with the strengths of either. Each part counts by the mean of both
    orders in which the two can change, which is its Shapley value.
    """
    [(situation, strengths)], [(earlier, weaker)] = (
        projection.mornings(of.league.inputs.sort_values("team_id"), of.league.tables)
        for of in (now, before)
    )
    swapped = [
        (situation, strengths),
        (situation, replace(strengths, regular=weaker.regular, playoffs=weaker.playoffs)),
        (earlier, replace(weaker, regular=strengths.regular, playoffs=strengths.playoffs)),
        (earlier, weaker),
    ]
    played = projection.play(swapped, rounds=False)
    both, record, strength, none = (-each["projected_rank"] for each in played)
    worth = (_worth(now.levels, both) + _worth(before.levels, none)) / 2
    return {
        RECORD: worth * (record - none + both - strength) / 2,
        STRENGTH: worth * (strength - none + both - record) / 2,
    }


def _worth(levels: pd.DataFrame, outcome: FloatArray) -> float:
    """Return the score that a place of the mean simulated outcome is worth on a date."""
    score = levels[levels["level"] == "score"]
    part = score[score["part"] == PROJECTED].sort_values("team_id")["value"].to_numpy()
    if not len(part):
        return 0.0
    apart = outcome - outcome.mean()
    return float(part @ apart) / max(float(apart @ apart), 1e-12)


def _shapley(value: Callable[[frozenset[int]], FloatArray], n: int) -> list[FloatArray]:
    """Return the Shapley values of n parts; `value` is that of a set of them."""
    sets = [frozenset(of) for size in range(n + 1) for of in combinations(range(n), size)]
    known = {one: value(one) for one in sets}
    found = []
    for part in range(n):
        total = np.zeros_like(known[frozenset()])
        for others, before in known.items():
            if part not in others:
                weight = factorial(len(others)) * factorial(n - len(others) - 1) / factorial(n)
                total += weight * (known[others | {part}] - before)
        found.append(total)
    return found
