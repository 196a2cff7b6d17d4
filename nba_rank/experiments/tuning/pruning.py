"""Pruning: trials that cannot become the best after their first validation seasons."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.schema import Config
from nba_rank.evaluation.sweeps import DEFAULT
from nba_rank.experiments.tuning.study import SharedStudy


def is_hopeless(
    values: Sequence[float], finished: Sequence[Sequence[float]], *, maximize: bool
) -> bool:
    """Return whether a trial would lag even with the best known value of every later season.

    Seasons differ far more than trials do and seldom order them alike, so a mere lag says little.

    Args:
        values: The trial's objective on its first seasons, in order.
        finished: The same of all finished trials and the default, [N][seasons].
        maximize: Whether higher is better.
    """
    known = np.array(finished, dtype=np.float64) * (1.0 if maximize else -1.0)
    own = np.array(values, dtype=np.float64) * (1.0 if maximize else -1.0)
    hoped_for = np.concatenate([own, known[:, len(own) :].max(axis=0)])
    return bool(hoped_for.mean() < known.mean(axis=1).max())


def storage_url(hydra: Any) -> str:  # noqa: ANN401
    """Return the URL of a sweep's study, given Hydra's config."""
    default = Path(hydra.sweep.dir).absolute() / "study.db"
    return str(hydra.sweeper.storage or f"sqlite:///{default}")


def pruner(config: Config) -> Callable[[list[dict[str, float]]], bool]:
    """Return the function that tells a trial, by its first validation seasons, to stop."""
    names, prune_after = config.tuning.objectives, config.tuning.prune_after
    if len(names) > 1 or prune_after is None or config.tuning.trial == DEFAULT:
        return lambda seasons: False
    url = storage_url(HydraConfig.get())
    study = SharedStudy(url, str(config.tuning.batch_id), names)

    def is_hopeless_after(seasons: list[dict[str, float]]) -> bool:
        values = [of_season[names[0]] for of_season in seasons]
        finished = [
            [one.seasons[season][names[0]] for season in sorted(one.seasons)]
            for one in study.candidates()
        ]
        if len(finished) - 1 < prune_after:  # the default is no trial
            return False
        return is_hopeless(values, finished, maximize=OBJECTIVES[names[0]].maximize)

    return is_hopeless_after
