"""Is model A's attention faithful? What taking players out does, season by season."""

import pandas as pd

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.paired import PAIRED_COLUMNS, paired

TOP, OTHER = "top", "like_minutes"
"""Who is taken out: the player of most attention, or the team-mate of most similar minutes."""


def faithfulness(effects: pd.DataFrame) -> pd.DataFrame:
    """Compare the player of most attention with one of like minutes by how far scores move.

    Args:
        effects: Columns `season`, `as_of_point`, and `top` and `like_minutes` of
            `nba_rank.models.model_a.faithfulness.occlusion_effects`; one row a team.

    Returns:
        What `nba_rank.evaluation.paired.paired` returns of the metric `score_change` (mean over the
        teams, in the unit of model A's scores) by as-of point, and `moves_more`: the share of teams
        (0 to 1, mean over seasons) whose score moves more without the player of most attention.
        Empty where `effects` is.
    """
    if effects.empty:
        return pd.DataFrame(columns=[*PAIRED_COLUMNS, "moves_more"])
    key = ["season", "as_of_point"]
    more = (
        effects[key].assign(moves_more=effects[TOP] > effects[OTHER]).astype({"moves_more": float})
    )
    share = more.groupby(key).mean().groupby("as_of_point")["moves_more"].mean()
    tidy = effects.groupby(key)[[TOP, OTHER]].mean().reset_index().melt(key, var_name="ranker")
    tidy = tidy.assign(scope="league", metric="score_change")[TIDY_COLUMNS]
    order = tidy["as_of_point"].map(AS_OF_POINTS.index)
    table = paired(tidy.iloc[order.argsort(kind="stable")], OTHER)
    return table.assign(moves_more=table["as_of_point"].map(share))
