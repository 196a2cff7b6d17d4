"""The seeds of a run: one for each consumer, spawned from its root seed."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Seeds:
    """Independent sources of randomness.

    The simulation of seasons starts every date from the root seed itself, so that no date depends
    on another.

    Attributes:
        folds: Networks and trees of all fits.
        baselines: The random ranker, and the players removed at random.
        noise_floor: Outcomes drawn for the calibration error of a perfect forecaster.
    """

    folds: np.random.SeedSequence
    baselines: np.random.SeedSequence
    noise_floor: np.random.SeedSequence

    @classmethod
    def of(cls, seed: int) -> Self:
        """Spawn the seeds of a run from its root seed."""
        return cls(*np.random.SeedSequence(seed).spawn(3))
