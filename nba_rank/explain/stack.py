"""What makes the final score, and what each part of it is worth in places."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.explain.parts import AVERAGE, against_average, level, loose
from nba_rank.odds.strength import SCORE
from nba_rank.samples.dataset import PROJECTED

if TYPE_CHECKING:  # torch takes a second to import
    from nba_rank.models.ranker import Ensemble

ALONE = 0.95
"""Share of the spread of scores from which on the projection is said to make them alone."""


def score_levels(
    ensemble: "Ensemble", scored: pd.DataFrame, names: list[str]
) -> list[pd.DataFrame]:
    """Return `rank`, `score` (the final score of the teams of one date by input) and `places`.

    A part is worth as many places as the team would lose with the average of the date's teams in
    its stead, all others as they are; places are no parts of a sum.

    Args:
        ensemble: What makes the scores.
        scored: From `Ranker.predict`, of one date.
        names: Members of the ranker.
    """
    team, score = scored["team_id"].to_numpy(), scored[SCORE].to_numpy()
    parts = against_average(ensemble.parts(scored, names))
    parts.pop("intercept", None)  # the same for all teams
    own_rank, apart = rank_beside(score, score, team), {**parts}
    apart.pop(AVERAGE)
    places = {name: rank_beside(score, score - value, team) - own_rank
              for name, value in apart.items()}  # fmt: skip
    return [
        loose("rank", "rank", _long(team, {"rank": own_rank})),
        level("score", "relevance", team, score, parts),
        loose("places", "places", _long(team, places)),
    ]


def rank_beside(score: FloatArray, own: FloatArray, team_id: IntArray) -> FloatArray:
    """Return the rank that each team would have with another score, all others as they are, [N].

    1 is best; of equal scores the lower team id goes first.
    """
    better = score[None, :] > own[:, None]
    tied = (score[None, :] == own[:, None]) & (team_id[None, :] < team_id[:, None])
    ahead = better | tied
    np.fill_diagonal(ahead, val=False)
    return np.asarray(1.0 + ahead.sum(axis=1))


def _long(team: IntArray, parts: dict[str, FloatArray]) -> pd.DataFrame:
    """Return parts of teams one below the other."""
    tables = [
        pd.DataFrame({"team_id": team, "part": name, "player_id": 0, "value": value})
        for name, value in parts.items()
    ]
    return pd.concat(tables, ignore_index=True)


def projection_share(of_score: pd.DataFrame) -> float:
    """Return the share of the projection in the spread of scores over the teams of a date, 0 to 1.

    `of_score` is the level `score`; spreads are mean absolute parts. 0 where it is no input.
    """
    apart = of_score[of_score["part"] != AVERAGE]
    spread = apart["value"].abs().groupby(apart["part"]).mean()
    total = float(spread.sum())
    return float(spread.get(PROJECTED, 0.0)) / total if total else 0.0
