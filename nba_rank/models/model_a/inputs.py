"""Scalers and vocabulary that turn player sets into lists."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets
from nba_rank.models.model_a.team_prior import TeamPrior
from nba_rank.samples.lists import ColumnScaler, ListTensors, Vocabulary, list_tensors


@dataclass(frozen=True)
class Inputs:
    """Turns player sets and team priors into lists; fitted on training seasons only.

    Attributes:
        scaler: Standardises the player columns.
        vocabulary: Embedding rows by player id.
        prior: Prior columns of a team.
    """

    scaler: ColumnScaler
    vocabulary: Vocabulary
    prior: TeamPrior

    @classmethod
    def fit(cls, sets: PlayerSets, team_prior: pd.DataFrame) -> Self:
        """Fit on player sets and the store features of the same rows, see `TeamPrior.fit`."""
        return cls(
            scaler=ColumnScaler.fit(sets.stats[sets.player_id != 0], sets.columns),
            vocabulary=Vocabulary.of(sets.player_id),
            prior=TeamPrior.fit(team_prior),
        )

    @property
    def columns(self) -> list[str]:
        """Names of the player columns of the sets, in order."""
        return self.scaler.columns

    def lists(
        self,
        sets: PlayerSets,
        team_prior: pd.DataFrame,
        relevance: npt.NDArray[np.float32],
        scope: str,
    ) -> ListTensors:
        """Group the teams of each date into lists, see `list_tensors`.

        Raises:
            UserError: The columns are not those of the fit.
        """
        if sets.columns != self.columns:
            wrong = sorted(set(sets.columns) ^ set(self.columns)) or "their order"
            raise UserError(
                f"model A was fitted on other player columns; the difference is {wrong}: "
                "use the player columns of the run"
            )
        prior = self.prior.transform(team_prior)
        return list_tensors(sets, prior, relevance, scope, self.scaler, self.vocabulary)

    def state(self) -> dict[str, Any]:
        """Return lists and tensors for a checkpoint; `of_state` restores them exactly."""
        return {
            "columns": self.columns,
            **_scaling(self.scaler, "stat"),
            "player_ids": torch.from_numpy(self.vocabulary.player_ids),
            "prior_features": self.prior.scaler.columns,
            **_scaling(self.prior.scaler, "prior"),
            "prior_moving": self.prior.moving,
        }

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> Self:
        """Restore what `state` returned."""
        prior = _scaler(state, "prior", state["prior_features"])
        return cls(
            scaler=_scaler(state, "stat", state["columns"]),
            vocabulary=Vocabulary(state["player_ids"].numpy()),
            prior=TeamPrior(prior, state["prior_moving"]),
        )


def _scaling(scaler: ColumnScaler, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}_mean": torch.from_numpy(scaler.mean),
        f"{prefix}_scale": torch.from_numpy(scaler.scale),
        f"{prefix}_flagged": scaler.flagged,
    }


def _scaler(state: dict[str, Any], prefix: str, columns: list[str]) -> ColumnScaler:
    mean, scale = (state[f"{prefix}_{name}"].numpy() for name in ("mean", "scale"))
    return ColumnScaler(columns, mean, scale, state[f"{prefix}_flagged"])
