"""Strength of teams in their next game, with everybody and with those who can play."""

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.next_games import NextGames
from nba_rank.odds.past_games import Meetings

EVERYBODY = {
    "regular": ("available_strength", "full_strength"),
    "playoffs": ("absences", None),
}
"""By kind of game the input that absences change, and the one of a team without absences; none
stands for zero."""


def strength_now(
    models: NextGames, frame: pd.DataFrame, kind: str, hypothesis: Hypothesis | None = None
) -> pd.DataFrame:
    """Return the expected margins against an average team on a neutral court.

    Args:
        models: Models of single games.
        frame: Teams of one morning, from `nba_rank.odds.mornings.morning_inputs`, rated.
        kind: Of games, `regular` or `playoffs`.
        hypothesis: What is assumed of the games left: its first spell holds in the next one.

    Returns:
        `season`, `as_of_date`, `team_id`, `full_points` (nobody is absent) and `available_points`
        (those who can play), points; a row a team.
    """
    changed, by = EVERYBODY[kind]
    full = frame
    if changed in frame and frame[changed].notna().all():
        full = frame.assign(**{changed: 0.0 if by is None else frame[by]})
    if kind == "regular" and hypothesis is not None and hypothesis.spells:
        (_, spell), *_ = hypothesis.spells
        frame = spell.set_index("team_id").loc[frame["team_id"]].reset_index()
    key = ["season", "as_of_date", "team_id"]
    return frame[key].assign(
        full_points=_against_average(models, full, kind),
        available_points=_against_average(models, frame, kind),
    )


def _against_average(models: NextGames, frame: pd.DataFrame, kind: str) -> FloatArray:
    """Return the expected margin of each team of a frame over the mean of all, [T]."""
    n = len(frame)
    mean = frame.select_dtypes("number").mean().to_frame().T.assign(team_id=0)
    both = pd.concat([frame, mean], ignore_index=True)
    team, nothing = np.arange(n), np.zeros(n)
    met = Meetings(team, np.full(n, n), nothing, nothing, nothing)
    return models.forecast(both, met, kind)["expected_margin"].to_numpy()
