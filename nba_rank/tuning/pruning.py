"""Which trials are hopeless after their first validation seasons."""

from collections.abc import Sequence

import numpy as np

from nba_rank.config import PruningConfig


def is_hopeless(
    values: Sequence[float],
    finished: Sequence[Sequence[float]],
    config: PruningConfig,
    *,
    maximize: bool,
) -> bool:
    """Return whether a trial is not worth its remaining seasons.

    Seasons differ far more from each other than trials do, so a trial is compared with what the
    finished trials had on the same seasons, never with their final values: it goes where its mean
    so far is worse than the given quantile of theirs. Source: the median stopping rule of Golovin
    et al., "Google Vizier" (2017), section 3.5.1, with another quantile.

    Args:
        values: The trial's objective on its first seasons, in order.
        finished: The same of the trials that were judged on all seasons.
        config: When to prune.
        maximize: Whether higher is better.
    """
    enough = len(values) >= config.min_seasons and len(finished) >= config.startup_trials
    if not config.enabled or not enough:
        return False
    sign = 1.0 if maximize else -1.0
    others = sign * np.array([of_trial[: len(values)] for of_trial in finished]).mean(axis=1)
    return bool(sign * np.mean(values) < np.quantile(others, config.worst_share))
