"""How well true strength is recovered where it is known."""

import pandas as pd

from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.metrics import spearman


def recovery_metrics(scores: pd.DataFrame, true_strength: pd.DataFrame) -> pd.DataFrame:
    """Correlate each ranker's scores with the true strength of a simulated league.

    Args:
        scores: Columns `season`, `as_of_date`, `as_of_point`, `team_id`, `ranker`, `score`.
        true_strength: Columns `season`, `as_of_date`, `team_id`, `true_strength` (points).

    Returns:
        Tidy rows of scope `league`, metric `true_strength_spearman`: rank correlation with the
        strength of the full roster on the date; higher is better.
    """
    key = ["season", "as_of_date", "team_id"]
    paired = scores.merge(true_strength[[*key, "true_strength"]], on=key, validate="many_to_one")
    lists = paired.groupby(["season", "as_of_point", "ranker"], sort=False)
    values = {
        name: spearman(teams["score"], teams["true_strength"].rank(ascending=False))
        for name, teams in lists
    }
    rows = [
        (season, point, "league", ranker, "true_strength_spearman", value)
        for (season, point, ranker), value in values.items()
    ]
    return pd.DataFrame(rows, columns=TIDY_COLUMNS)
