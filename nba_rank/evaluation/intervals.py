"""Do model A's intervals of rank hold the outcome, and how wide are they?"""

import pandas as pd

from nba_rank.evaluation.tidy import TIDY_COLUMNS

_LOW, _HIGH = "model_a_rank_low", "model_a_rank_high"


def interval_metrics(predictions: pd.DataFrame) -> pd.DataFrame:
    """Judge the intervals of rank at the as-of points.

    Args:
        predictions: The predictions table, at as-of points of finished seasons; without the
            columns `model_a_rank_low` and `model_a_rank_high` there is nothing to judge.

    Returns:
        Tidy rows of scope `league` and ranker `model_a`: `rank_interval_coverage` (share of teams
        whose outcome rank lies within the bounds, 0 to 1; to be compared with the share that the
        intervals are made to hold) and `rank_interval_width` (mean number of places from bound to
        bound, both counted; narrower is better at equal coverage). Teams without an interval are
        left out.
    """
    if _LOW not in predictions:
        return pd.DataFrame(columns=TIDY_COLUMNS)
    known = predictions.dropna(subset=[_LOW, _HIGH])
    judged = known[["season", "as_of_point"]].assign(
        rank_interval_coverage=known["actual_rank"].between(known[_LOW], known[_HIGH]),
        rank_interval_width=known[_HIGH] - known[_LOW] + 1,
    )
    means = judged.groupby(["season", "as_of_point"], sort=False).mean().astype(float)
    rows = means.reset_index().melt(["season", "as_of_point"], var_name="metric")
    return rows.assign(scope="league", ranker="model_a")[TIDY_COLUMNS]
