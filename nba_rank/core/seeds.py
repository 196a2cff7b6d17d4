"""The seeds of a run: one for each consumer, all from its root seed."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Seeds:
    """Sources of randomness that do not disturb each other.

    The simulation of seasons is no consumer: it starts every date from the root seed itself, so
    that a date does not depend on others.

    Attributes:
        folds: Networks and trees of all fits.
        baselines: The random ranker, and the players that are taken out at random.
        noise_floor: Outcomes drawn for the calibration error of a perfect forecaster.
    """

    folds: np.random.SeedSequence
    baselines: np.random.SeedSequence
    noise_floor: np.random.SeedSequence

    @classmethod
    def of(cls, seed: int) -> Self:
        """Spawn the seeds of a run from its root seed."""
        return cls(*np.random.SeedSequence(seed).spawn(3))
