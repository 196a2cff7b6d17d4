"""Platt scaling: from a score to the probability of making the playoffs."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PlattScaling:
    """`p = 1 / (1 + exp(-(slope score + intercept)))`, fitted with Platt's smoothed targets.

    Source: Platt (1999), "Probabilistic Outputs for Support Vector Machines".
    """

    slope: float
    intercept: float

    @classmethod
    def fit(cls, score: Vector, event: npt.NDArray[np.bool_]) -> Self:
        """Fit on out-of-fold scores [N] and whether the event happened [N].

        Raises:
            ValueError: The event always or never happened.
        """
        if event.all() or not event.any():
            raise ValueError("Platt scaling needs teams that made the playoffs and teams that not")
        happened = int(event.sum())
        high, low = (happened + 1) / (happened + 2), 1 / (len(event) - happened + 2)
        target = np.where(event, high, low)
        # A target between 0 and 1 is the same row once as an event and once as none, weighted.
        X = np.r_[score, score][:, None]
        y = np.r_[np.ones(len(score)), np.zeros(len(score))]
        fitted = LogisticRegression(C=np.inf).fit(X, y, sample_weight=np.r_[target, 1 - target])
        return cls(slope=float(fitted.coef_[0, 0]), intercept=float(fitted.intercept_[0]))

    def predict(self, score: Vector) -> Vector:
        """Return probabilities, 0 to 1."""
        return expit(self.slope * score + self.intercept)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON; `PlattScaling(**fields)` restores them exactly."""
        return asdict(self)
