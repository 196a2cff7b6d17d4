"""What a chosen configuration is worth beside the default, season by season."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nba_rank.evaluation.compare import bootstrap_mean

SeasonValues = Mapping[str, Mapping[str, float]]
"""Objectives by season and name."""


def paired(
    chosen: SeasonValues,
    default: SeasonValues,
    objective: str,
    rng: np.random.Generator,
    n_resamples: int,
) -> pd.Series:
    """Compare two configurations on the same seasons.

    Args:
        chosen: Of the chosen configuration.
        default: Of the default, with the same seasons.
        objective: Name of the objective.
        rng: Source of the resamples.
        n_resamples: Resamples of the seasons behind the interval.

    Returns:
        `chosen` and `default` (means), `difference`, its 95% interval `low` and `high` (NaN where
        there are too few seasons), `by_season` (differences in order of time).
    """
    seasons = sorted(default)
    own = np.array([chosen[season][objective] for season in seasons])
    other = np.array([default[season][objective] for season in seasons])
    interval = bootstrap_mean((own - other)[:, None], rng, n_resamples).iloc[0]
    return pd.Series(
        {
            "chosen": own.mean(),
            "default": other.mean(),
            "difference": interval["mean"],
            "low": interval["low"],
            "high": interval["high"],
            "by_season": (own - other).tolist(),
        }
    )


def season_agreement(values: Sequence[Mapping[str, float]]) -> float:
    """Return how alike the seasons order the trials.

    Args:
        values: The objective by season of each trial, N trials with the same seasons.

    Returns:
        Mean rank correlation over pairs of seasons, -1 to 1: about 0 where the differences between
        trials are chance. NaN below 3 trials or 2 seasons, or where a season knows no difference.
    """
    frame = pd.DataFrame([*values])
    if len(frame) < 3 or frame.shape[1] < 2:
        return float("nan")
    correlation = frame.corr(method="spearman").to_numpy()
    return float(correlation[np.triu_indices_from(correlation, k=1)].mean())
