"""From how a season ended to what the models learn."""

import pandas as pd

RANK_COLUMNS = {
    "playoff_outcome": "outcome_rank",
    "final_rank": "eos_final_rank",
    "standings": "standings_rank",
}
"""Column of the outcomes that each target ranks by."""


def relevance(outcomes: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return each team's relevance: 1 for the best of its season, 0 for the worst.

    Args:
        outcomes: One row a team and season, with the rank columns of `RANK_COLUMNS` (1 is best).
        target: A key of `RANK_COLUMNS`.

    Returns:
        Columns `season`, `team_id`, `relevance` (0 to 1, higher is better, even steps).
    """
    rank = outcomes[RANK_COLUMNS[target]]
    teams = outcomes.groupby("season")["team_id"].transform("size")
    return outcomes[["season", "team_id"]].assign(relevance=(teams - rank) / (teams - 1))
