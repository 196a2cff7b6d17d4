"""Do intervals of rank hold the outcome, and how wide are they?"""

import pandas as pd

from nba_rank.evaluation.evaluate import TIDY_COLUMNS


def interval_metrics(
    predictions: pd.DataFrame,
    ranker: str = "model_a",
    low: str = "model_a_rank_low",
    high: str = "model_a_rank_high",
) -> pd.DataFrame:
    """Judge the intervals of rank at the as-of points.

    Args:
        predictions: Columns `season`, `as_of_point` and `actual_rank`, at as-of points of finished
            seasons, such as the predictions table; without the columns of the bounds there is
            nothing to judge.
        ranker: Whose intervals they are.
        low: Column of the best rank that an interval holds.
        high: Column of the worst.

    Returns:
        Tidy rows of scope `league`: `rank_interval_coverage` (share of teams whose outcome rank
        lies within the bounds, 0 to 1; to be compared with the share that the intervals are made
        to hold) and `rank_interval_width` (mean number of places from bound to bound, both
        counted; narrower is better at equal coverage). Teams without an interval are left out.
    """
    if low not in predictions:
        return pd.DataFrame(columns=TIDY_COLUMNS)
    known = predictions.dropna(subset=[low, high])
    judged = known[["season", "as_of_point"]].assign(
        rank_interval_coverage=known["actual_rank"].between(known[low], known[high]),
        rank_interval_width=known[high] - known[low] + 1,
    )
    means = judged.groupby(["season", "as_of_point"], sort=False).mean().astype(float)
    rows = means.reset_index().melt(["season", "as_of_point"], var_name="metric")
    return rows.assign(scope="league", ranker=ranker)[TIDY_COLUMNS]
