"""Title odds as a softmax of the scores, with a temperature fitted on earlier seasons."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar

from nba_rank.core.arrays import FloatArray


@dataclass(frozen=True)
class SoftmaxOdds:
    """`odds = softmax(score / temperature)` over the teams of a date.

    Attributes:
        temperature: In units of the score; high is close to uniform.
    """

    temperature: float

    @classmethod
    def fit(cls, frame: pd.DataFrame) -> Self:
        """Choose the temperature with the least champion log loss.

        `frame` has columns `season`, `as_of_date`, `score` and `champion` (bool, one a list).
        """
        champion = frame["champion"].to_numpy()
        behind, lists = _behind_best(frame)

        def loss(log_temperature: float) -> float:
            return float(-_log_softmax(behind, lists, np.exp(log_temperature))[champion].mean())

        spread = float(frame["score"].std())
        bounds = np.log([spread / 50, spread * 50])
        return cls(temperature=float(np.exp(minimize_scalar(loss, bounds=bounds).x)))

    def predict(self, frame: pd.DataFrame) -> FloatArray:
        """Return title odds from `score`, which sum to 1 over the teams of each date, [N]."""
        return np.exp(_log_softmax(*_behind_best(frame), self.temperature))


def _behind_best(frame: pd.DataFrame) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return by how much each score differs from the best of its list, and its list's number."""
    score = np.asarray(frame["score"], dtype=np.float64)
    number = np.asarray(
        frame.groupby(["season", "as_of_date"], sort=False).ngroup(), dtype=np.int64
    )
    best = np.full(number.max(initial=-1) + 1, -np.inf)
    np.maximum.at(best, number, score)
    return score - best[number], number


def _log_softmax(
    behind: FloatArray, lists: npt.NDArray[np.int64], temperature: float
) -> FloatArray:
    logits = behind / temperature
    return logits - np.log(np.bincount(lists, np.exp(logits)))[lists]
