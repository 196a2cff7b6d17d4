"""Store features of a team as a linear skip beside its players, warm-started.

Their weight changes over a season, so each feature enters twice: itself, and times the share of the
season played. So does the indicator of a feature that was sometimes unknown in training.

Letters: N rows, K prior columns, B lists, L teams in a list.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from nba_rank.core.errors import UserError
from nba_rank.models.ridge import fit_ridge
from nba_rank.samples.dataset import PROGRESS
from nba_rank.samples.lists import ColumnScaler, ListTensors

BY_PROGRESS = "_by_progress"
"""Ends the name of a prior column that is a feature times the share of the season played."""

_ALPHAS = (1.0, 10.0, 100.0, 1000.0)
_SCALES = (1e-2, 1e2)


@dataclass(frozen=True)
class TeamPrior:
    """Turns store features into prior columns.

    Attributes:
        scaler: Standardises the features and flags the unknown ones, by training seasons only.
        moving: Whether the features include the share of the season played.
    """

    scaler: ColumnScaler
    moving: bool

    @classmethod
    def fit(cls, features: pd.DataFrame) -> Self:
        """Fit on training rows: store features, with `season_progress` where it is known."""
        names = [name for name in features.columns if name != PROGRESS]
        scaler = ColumnScaler.fit(features[names].to_numpy(dtype=np.float32), names)
        return cls(scaler, moving=bool(names) and PROGRESS in features)

    @property
    def columns(self) -> list[str]:
        """Names of the K prior columns: the scaler's, then each by progress if `moving`."""
        names = self.scaler.outputs
        return [*names, *(name + BY_PROGRESS for name in names if self.moving)]

    @property
    def features(self) -> list[str]:
        """Names of the store features that `transform` reads."""
        return [*self.scaler.columns, PROGRESS] if self.moving else self.scaler.columns

    def transform(self, features: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return the prior columns, [N, K]; for unknown features see `ColumnScaler`.

        Raises:
            UserError: A feature is missing.
        """
        absent = sorted(set(self.features) - set(features.columns))
        if absent:
            raise UserError(
                f"model A was fitted on other team priors: {absent} are missing; use the features "
                "of the run"
            )
        values = self.scaler.transform(features[self.scaler.columns].to_numpy(dtype=np.float32))
        if not self.moving:
            return values
        return np.hstack([values, values * features[[PROGRESS]].to_numpy(dtype=np.float32)])


def warm_start(
    relevance: npt.NDArray[np.float32],
    season: npt.NDArray[Any],
    lists: ListTensors,
    loss: Callable[[Tensor], Tensor],
) -> Tensor:
    """Return the first weights of the linear skip, [K].

    Their direction is a ridge regression of the relevance on the prior columns, their length that
    of the lowest list loss.

    Args:
        relevance: Relevance of each team of the lists, [N].
        season: Season of each, [N]; groups of the cross-validation.
        lists: Lists of these teams.
        loss: Mean loss of scores [B, L] of the lists, deterministic.
    """
    prior = lists.tensors["team_prior"][lists.tensors["team_mask"]].numpy()
    spread = float(relevance.std()) or 1.0
    ridge = fit_ridge(prior, (relevance - relevance.mean()) / spread, season, _ALPHAS)
    direction = torch.from_numpy(ridge.coef).float()
    score = lists.tensors["team_prior"] @ direction
    found = minimize_scalar(
        lambda log_scale: float(loss(score * float(np.exp(log_scale)))),
        bounds=np.log(_SCALES),
        method="bounded",
    )
    return direction * float(np.exp(found.x))
