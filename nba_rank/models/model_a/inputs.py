"""Scalers and vocabulary that turn player sets into lists."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from nba_rank.core.errors import UserError
from nba_rank.features.asof import days
from nba_rank.features.players.minutes import team_shares
from nba_rank.features.roster import PlayerSets
from nba_rank.models.model_a.game_attention import GameFloor
from nba_rank.models.model_a.team_prior import TeamPrior
from nba_rank.samples.lists import ColumnScaler, ListTensors, Vocabulary, list_tensors

GAME_RATING, GAME_STRENGTH = "game_rating", "game_strength"
"""Player column of the attention over games, and the team's sum of it by expected minutes."""


@dataclass(frozen=True)
class Inputs:
    """Turns player sets and team priors into lists; fitted on training seasons only.

    Attributes:
        floor: Rates players by their games; None: the player columns are all.
        scaler: Standardises the player columns.
        vocabulary: Embedding rows by player id.
        prior: Prior columns of a team.
    """

    floor: GameFloor | None
    scaler: ColumnScaler
    vocabulary: Vocabulary
    prior: TeamPrior

    @classmethod
    def fit(
        cls, sets: PlayerSets, team_prior: pd.DataFrame, floor: GameFloor | None = None
    ) -> Self:
        """Fit on player sets and the store features of the same rows, see `TeamPrior.fit`."""
        if floor is not None:
            sets, team_prior = _rated(floor, sets, team_prior)
        return cls(
            floor=floor,
            scaler=ColumnScaler.fit(sets.stats[sets.player_id != 0], sets.columns),
            vocabulary=Vocabulary.of(sets.player_id),
            prior=TeamPrior.fit(team_prior),
        )

    @property
    def columns(self) -> list[str]:
        """Names of the player columns of the sets, in order."""
        return [name for name in self.scaler.columns if name != GAME_RATING]

    @property
    def features(self) -> list[str]:
        """Names of the store features that `lists` reads."""
        return [name for name in self.prior.features if name != GAME_STRENGTH]

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
        if self.floor is not None:
            sets, team_prior = _rated(self.floor, sets, team_prior)
        prior = self.prior.transform(team_prior)
        return list_tensors(sets, prior, relevance, scope, self.scaler, self.vocabulary)

    def state(self) -> dict[str, Any]:
        """Return lists and tensors for a checkpoint; `of_state` restores them exactly."""
        return {
            **({} if self.floor is None else self.floor.state()),
            "columns": self.scaler.columns,
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
            floor=GameFloor.of_state(state),
            scaler=_scaler(state, "stat", state["columns"]),
            vocabulary=Vocabulary(state["player_ids"].numpy()),
            prior=TeamPrior(prior, state["prior_moving"]),
        )


def _rated(
    floor: GameFloor, sets: PlayerSets, team_prior: pd.DataFrame
) -> tuple[PlayerSets, pd.DataFrame]:
    """Add the rating by games to the player columns and, beside other features, to the prior."""
    if sets.games is None:
        raise UserError(
            "model A was fitted on the players' games, which these player sets do not hold: build "
            "them with `GameLog.of`"
        )
    row, place = np.nonzero(sets.player_id)
    day = days(sets.frame["as_of_date"])
    pooled = floor.pool(sets.games, sets.player_id[row, place], day[row])
    rating = np.full(sets.player_id.shape, np.nan, dtype=np.float32)
    rating[row, place] = pooled.rating.numpy()
    stats = np.concatenate([sets.stats, rating[..., None]], axis=-1)
    rated = replace(sets, columns=[*sets.columns, GAME_RATING], stats=stats)
    if not len(team_prior.columns):
        return rated, team_prior
    share = team_shares(sets.minutes_share[row, place].astype(np.float64), row, len(day))
    strength = np.bincount(row, share * rating[row, place], len(day))
    return rated, team_prior.assign(**{GAME_STRENGTH: strength})


def _scaling(scaler: ColumnScaler, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}_mean": torch.from_numpy(scaler.mean),
        f"{prefix}_scale": torch.from_numpy(scaler.scale),
        f"{prefix}_flagged": scaler.flagged,
    }


def _scaler(state: dict[str, Any], prefix: str, columns: list[str]) -> ColumnScaler:
    mean, scale = (state[f"{prefix}_{name}"].numpy() for name in ("mean", "scale"))
    return ColumnScaler(columns, mean, scale, state[f"{prefix}_flagged"])
