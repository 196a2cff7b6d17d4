"""How good are forecasts of who makes the playoffs, by design, point of the season and forecaster?

Forecasts are a frame with columns `design`, `ranker` (who forecasts), `season`, `as_of_point`,
`team_id`, `p` (0 to 1) and `made` (bool), all teams of a season once at each point. Tidy tables
have the design as their `part`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray
from nba_rank.core.names import ALL
from nba_rank.evaluation.calibration import brier, log_loss, measure_calibration, reliability_tables
from nba_rank.evaluation.metrics import roc_auc
from nba_rank.evaluation.paired import against_each, season_means, with_mean

SCORES: dict[str, Callable[..., FloatArray | float]] = {
    "playoff_brier": brier, "playoff_auc": roc_auc, "playoff_log_loss": log_loss,
}  # fmt: skip
"""Scores of one list: the Brier score, the area under the ROC curve and the log loss."""

ECE = "playoff_ece"
"""Metric of the calibration error, of the lists of all seasons together."""

COLUMNS = ["part", "season", "as_of_point", "scope", "ranker", "metric", "value"]


@dataclass(frozen=True)
class PlayoffFindings:
    """Scores of all forecasters, and one of them compared with the others.

    Attributes:
        metrics: Tidy rows of `COLUMNS`: each of `SCORES` by season, `ECE` of season `all`.
        means: `season_means` of `SCORES` and of their means over the as-of points.
        differences: The ranker minus each other one, as `paired`.
        calibration: What `measure_calibration` returns by `part`, `as_of_point` and `ranker`.
        reliability: See `reliability_tables`, by `design` and `ranker`.
    """

    metrics: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame
    reliability: pd.DataFrame


def judge_playoff_forecasts(
    forecasts: pd.DataFrame, ranker: str, rng: np.random.Generator
) -> PlayoffFindings:
    """Score all forecasters, and compare the ranker with the others; `rng` draws noise floors."""
    lists = score_lists(forecasts)
    calibration = _calibration(forecasts, rng)
    pooled = calibration.rename(columns={"ece": "value"})
    pooled = pooled.assign(season=ALL, scope="league", metric=ECE)
    scores = with_mean(lists)
    return PlayoffFindings(
        metrics=pd.concat([lists, pooled[COLUMNS]], ignore_index=True),
        means=season_means(scores),
        differences=against_each(scores, [ranker]),
        calibration=calibration,
        reliability=reliability_tables(
            forecasts.rename(columns={"made": "happened"}), ["design", "ranker"]
        ),
    )


def score_lists(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return each of `SCORES` of every list, as tidy rows of `COLUMNS`."""
    key = ["design", "season", "as_of_point", "ranker"]
    rows = [
        (design, season, point, "league", ranker, name, score(teams["p"], teams["made"]))
        for (design, season, point, ranker), teams in forecasts.groupby(key, sort=False)
        for name, score in SCORES.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _calibration(forecasts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for (design, ranker), own in forecasts.groupby(["design", "ranker"], sort=False):
        for point, teams in [(ALL, own), *own.groupby("as_of_point", sort=False)]:
            # Forecasts of a team at several points come true together.
            team = teams.groupby(["season", "team_id"]).ngroup().to_numpy()
            cell = {"part": design, "as_of_point": point, "ranker": ranker}
            rows.append(cell | measure_calibration(teams["p"], teams["made"], rng, team))
    return pd.DataFrame(rows)
