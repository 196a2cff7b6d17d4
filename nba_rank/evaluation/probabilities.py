"""Scores of probabilities, and how well true strength is recovered where it is known."""

import numpy as np
import pandas as pd

from nba_rank.evaluation.metrics import spearman
from nba_rank.evaluation.tidy import TIDY_COLUMNS

_LIST = ["season", "as_of_point"]


def probability_metrics(predictions: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Score playoff probabilities and title odds at the as-of points.

    Args:
        predictions: The predictions table, at as-of points of finished seasons; scored are the
            columns `playoff_prob` and `title_odds` that it has.
        ranker: Name under which the scores are filed.

    Returns:
        Tidy rows of scope `league`: `playoff_brier` (mean squared error of the playoff probability,
        0 to 1) and `champion_log_loss` (minus log odds of the champion, in nats); lower is better
        for both. A uniform forecast of the title, filed as `random`, has log 30.
    """
    rows: list[tuple[str, str, str, str, str, float]] = []
    for (season, point), date in predictions.groupby(_LIST, sort=False):
        # The outcome rank puts the sixteen playoff teams first.
        actual = date["actual_rank"].to_numpy(dtype=np.float64)
        key = (str(season), str(point), "league")
        if "playoff_prob" in date:
            error = date["playoff_prob"].to_numpy() - (actual <= 16)
            rows.append((*key, ranker, "playoff_brier", float((error**2).mean())))
        if "title_odds" in date:
            won = date["title_odds"].to_numpy()[actual == 1]
            rows.append((*key, ranker, "champion_log_loss", float(-np.log(won[0]))))
            rows.append((*key, "random", "champion_log_loss", float(np.log(len(date)))))
    return pd.DataFrame(rows, columns=TIDY_COLUMNS)


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
