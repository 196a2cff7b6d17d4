"""What the models learn: relevance from the outcomes of a season."""

import pandas as pd

RANK_COLUMNS = {
    "playoff_outcome": "outcome_rank",
    "final_rank": "eos_final_rank",
    "standings": "standings_rank",
}
"""Rank column of the outcomes for each target."""


def relevance(outcomes: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return `season`, `team_id` and `relevance`: from 1, the best, to 0 in even steps.

    The outcomes hold one row a team and season; the target is a key of `RANK_COLUMNS`.
    """
    rank = outcomes[RANK_COLUMNS[target]]
    teams = outcomes.groupby("season")["team_id"].transform("size")
    return outcomes[["season", "team_id"]].assign(relevance=(teams - rank) / (teams - 1))
