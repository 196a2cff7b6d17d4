"""How good are forecasts of who makes the playoffs, by design, point of the season and forecaster?

Every function takes forecasts: a frame with columns `design`, `ranker` (who forecasts), `season`,
`as_of_point`, `team_id`, `p` (0 to 1) and `made` (bool), all teams of a season once at each point.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.evaluation.calibration import VERDICTS, brier, ece, ece_noise_floor, log_loss
from nba_rank.evaluation.compare import bootstrap_mean
from nba_rank.evaluation.metrics import roc_auc

SCORES = {"playoff_auc": roc_auc, "playoff_brier": brier, "playoff_log_loss": log_loss}
"""Scores of one list: the area under the ROC curve (higher is better), the Brier score and the log
loss (lower is better)."""

ECE = "playoff_ece"
"""Metric of the calibration error, of the lists of all seasons together."""

MEAN, ALL = "mean", "all"
"""Stand for the mean over the as-of points, and for all points or all seasons pooled."""

COLUMNS = ["design", "season", "as_of_point", "scope", "ranker", "metric", "value"]

_CELL = ["design", "as_of_point", "ranker"]
_LIST = ["design", "season", "as_of_point", "ranker"]


@dataclass(frozen=True)
class PlayoffFindings:
    """What was found.

    Attributes:
        metrics: Tidy rows of `COLUMNS`: each of `SCORES` by season, `ECE` of season `all`.
        summary: `design`, `as_of_point` (the points and `MEAN`), `ranker`, `metric`; the `mean`
            over seasons with `low` and `high`, its 95% bootstrap interval (NaN with fewer than
            three seasons), and `n_seasons`.
        differences: `design`, `as_of_point`, `reference`, `metric`; `difference` (the ranker minus
            the reference on the same lists, paired by season) with `low`, `high`, `n_seasons`;
            `verdict`, one of `VERDICTS`: whether the ranker is better.
        calibration: `design`, `as_of_point` (the points and `ALL`), `ranker`, `n` (forecasts),
            `ece`, `ece_floor` and `ece_floor_95` (what a perfect forecaster with the same
            probabilities would score: mean and 95th percentile).
    """

    metrics: pd.DataFrame
    summary: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame


def judge_playoff_forecasts(
    forecasts: pd.DataFrame, ranker: str, rng: np.random.Generator, n_resamples: int
) -> PlayoffFindings:
    """Score all forecasters, and compare one of them with the others.

    Args:
        forecasts: Forecasts.
        ranker: Who is compared with the others.
        rng: Source of the resamples over seasons and of the noise floors.
        n_resamples: Resamples over seasons.
    """
    lists = score_lists(forecasts)
    calibration = _calibration(forecasts, rng)
    pooled = calibration.rename(columns={"ece": "value"}).assign(
        season=ALL, scope="league", metric=ECE
    )
    return PlayoffFindings(
        metrics=pd.concat([lists, pooled[COLUMNS]], ignore_index=True),
        summary=_summary(with_mean(lists), rng, n_resamples),
        differences=_differences(with_mean(lists), ranker, rng, n_resamples),
        calibration=calibration,
    )


def score_lists(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return each of `SCORES` of every list, as tidy rows of `COLUMNS`."""
    rows = [
        (design, season, point, "league", ranker, name, score(teams["p"], teams["made"]))
        for (design, season, point, ranker), teams in forecasts.groupby(_LIST, sort=False)
        for name, score in SCORES.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def with_mean(lists: pd.DataFrame) -> pd.DataFrame:
    """Add the mean over the as-of points, where a forecaster has forecast at all of a season."""
    key = ["design", "season", "scope", "ranker", "metric"]
    means = lists.groupby(key, sort=False)["value"].agg(["mean", "size"]).reset_index()
    n_points = lists.groupby(["design", "season"])["as_of_point"].nunique().rename("n_points")
    means = means.merge(n_points.reset_index(), on=["design", "season"], validate="many_to_one")
    means = means[means["size"] == means["n_points"]]
    means = means.assign(as_of_point=MEAN).rename(columns={"mean": "value"})
    return pd.concat([lists, means[COLUMNS]], ignore_index=True)


def _summary(lists: pd.DataFrame, rng: np.random.Generator, n_resamples: int) -> pd.DataFrame:
    # Not pivot_table, which would average repeated rows instead of refusing them.
    wide = lists.pivot(index="season", columns=[*_CELL, "metric"], values="value")  # noqa: PD010
    boot = bootstrap_mean(wide.to_numpy(dtype=np.float64), rng, n_resamples)
    cells = wide.columns.to_frame(index=False)
    return pd.concat([cells, boot[["mean", "low", "high", "n_seasons"]]], axis=1)


def _differences(
    lists: pd.DataFrame, ranker: str, rng: np.random.Generator, n_resamples: int
) -> pd.DataFrame:
    key = ["design", "season", "as_of_point", "scope", "metric"]
    own = lists[lists["ranker"] == ranker]
    others = lists[lists["ranker"] != ranker].rename(columns={"ranker": "reference"})
    pairs = others.merge(own, on=key, suffixes=("", "_own"), validate="many_to_one")
    pairs["difference"] = pairs["value_own"] - pairs["value"]
    columns = ["design", "as_of_point", "reference", "metric"]
    wide = pairs.pivot(index="season", columns=columns, values="difference")  # noqa: PD010
    boot = bootstrap_mean(wide.to_numpy(dtype=np.float64), rng, n_resamples)
    cells = wide.columns.to_frame(index=False)
    # AUC is better the higher, the others the lower.
    sign = np.where(cells["metric"] == "playoff_auc", -1.0, 1.0)
    ahead = np.where(sign < 0, boot["low"] > 0, boot["high"] < 0)
    behind = np.where(sign < 0, boot["high"] < 0, boot["low"] > 0)
    return cells.assign(
        difference=boot["mean"],
        **boot[["low", "high", "n_seasons"]],
        verdict=np.select([ahead, behind], VERDICTS[:2], default=VERDICTS[2]),
    )


def _calibration(forecasts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for (design, ranker), own in forecasts.groupby(["design", "ranker"], sort=False):
        for point, teams in _points_and_all(own):
            # Forecasts of a team at several points come true together.
            team = teams.groupby(["season", "team_id"]).ngroup().to_numpy()
            floor = ece_noise_floor(teams["p"], rng, group=team)
            rows.append(
                {
                    "design": design,
                    "as_of_point": point,
                    "ranker": ranker,
                    "n": len(teams),
                    "ece": ece(teams["p"], teams["made"]),
                    "ece_floor": floor.mean,
                    "ece_floor_95": floor.percentile_95,
                }
            )
    return pd.DataFrame(rows)


def _points_and_all(forecasts: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    for point, teams in forecasts.groupby("as_of_point", sort=False):
        yield str(point), teams
    yield ALL, forecasts
