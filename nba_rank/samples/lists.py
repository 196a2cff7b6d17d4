"""List tensors for the ranker.

Letters: B lists, L teams in a list, P players of a team, F player columns with indicators of
unknown ones, K prior columns.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets

Batch = dict[str, Tensor]
"""Tensors of B lists by name; see `ListTensors`."""

UNKNOWN = "_unknown"
"""Suffix of an indicator, which is 1 where its column is unknown, else 0."""


@dataclass(frozen=True)
class ColumnScaler:
    """Standardises columns by the training seasons; unknown becomes 0, the mean.

    Each of the columns `flagged`, which are sometimes unknown in training, gets an indicator. A
    column that is constant or never known in training is always 0: its scale is infinite.
    """

    columns: list[str]
    mean: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    flagged: list[str]

    @classmethod
    def fit(cls, values: npt.NDArray[np.float32], columns: list[str]) -> Self:
        """Fit on rows of the training seasons, [M, F]; a `UserError` if a value is infinite."""
        infinite = np.isinf(values).any(axis=0)
        if infinite.any():
            named = [columns[i] for i in np.flatnonzero(infinite)]
            raise UserError(
                f"columns {named} hold values that are not finite: check the features and the "
                "logs behind them"
            )
        known = ~np.isnan(values)
        n_known = np.maximum(known.sum(axis=0), 1)
        total = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
        mean = (total / n_known).astype(np.float32)
        # Only the sums need double precision.
        apart = np.where(known, values - mean, 0)
        scale = np.sqrt(np.einsum("mf,mf->f", apart, apart, dtype=np.float64) / n_known)
        scale[scale < 1e-6] = np.inf
        sometimes = known.any(axis=0) & ~known.all(axis=0)
        flagged = [columns[i] for i in np.flatnonzero(sometimes)]
        return cls(columns, mean, scale.astype(np.float32), flagged)

    @property
    def outputs(self) -> list[str]:
        """Names of the columns, then of the indicators."""
        return [*self.columns, *(name + UNKNOWN for name in self.flagged)]

    def transform(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Standardise an array whose last axis is F; the last axis becomes `outputs`."""
        standardised = np.nan_to_num((values - self.mean) / self.scale)
        if not self.flagged:
            return standardised
        places = [self.columns.index(name) for name in self.flagged]
        unknown = np.isnan(values[..., places]).astype(np.float32)
        return np.concatenate([standardised, unknown], axis=-1)


@dataclass(frozen=True)
class Vocabulary:
    """The sorted players known to a model, from row 1; all others and empty places share row 0."""

    player_ids: npt.NDArray[np.int64]

    @classmethod
    def of(cls, player_id: npt.NDArray[np.int64]) -> Self:
        """Collect the players in an array of ids, 0 being no player."""
        ids = np.unique(player_id)
        return cls(ids[ids != 0])

    def __len__(self) -> int:
        """Number of rows, the shared one included."""
        return len(self.player_ids) + 1

    def rows(self, player_id: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return each player's row, 0 for the unknown; the shape is kept."""
        if len(self.player_ids) == 0:
            return np.zeros_like(player_id)
        slot = np.minimum(np.searchsorted(self.player_ids, player_id), len(self.player_ids) - 1)
        return np.where(self.player_ids[slot] == player_id, slot + 1, 0)


@dataclass(frozen=True)
class ListTensors:
    """Lists of teams, padded to the longest.

    Attributes:
        row: Row of each team in the player sets, -1 in padding, [B, L].
        season: Number of each list's season, in order from 0, [B].
        date: Number of each list's date within its season, in order from 0, [B].
        tensors: `stats` float32 [B, L, P, F] standardised, `player` int64 [B, L, P] vocabulary
            rows, `player_mask` bool [B, L, P], True for players, `minutes_share` float32
            [B, L, P], `team_prior` float32 [B, L, K], `relevance` float32 [B, L] (0 in padding),
            `team_mask` bool [B, L], True for teams. Padding repeats some team.
    """

    row: npt.NDArray[np.int64]
    season: npt.NDArray[np.int64]
    date: npt.NDArray[np.int64]
    tensors: Batch

    def __len__(self) -> int:
        """Number of lists."""
        return len(self.row)

    def take(self, lists: npt.NDArray[np.bool_]) -> Self:
        """Return some of the lists; `lists` is a mask, [B]."""
        chosen = torch.from_numpy(lists)
        tensors = {name: tensor[chosen] for name, tensor in self.tensors.items()}
        return replace(
            self,
            row=self.row[lists],
            season=self.season[lists],
            date=self.date[lists],
            tensors=tensors,
        )


def list_tensors(
    sets: PlayerSets,
    team_prior: npt.NDArray[np.float32],
    relevance: npt.NDArray[np.float32],
    scope: str,
    scaler: ColumnScaler,
    vocabulary: Vocabulary,
) -> ListTensors:
    """Group the teams of each date, or of each date and conference by `scope`, into lists.

    The standardised priors, [N, K], and the relevance, [N], are of the rows of the player sets.
    """
    by = ["season", "as_of_date"] + (["conference"] if scope == "conference" else [])
    number = sets.frame.groupby(by, sort=True).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    ordered = number[order]
    place = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
    n_lists, longest = ordered.max(initial=-1) + 1, place.max(initial=0) + 1
    row = np.full((n_lists, longest), -1, dtype=np.int64)
    row[ordered, place] = order
    mask = row >= 0
    taken = np.where(mask, row, 0)
    dates = sets.frame.iloc[row[:, 0]]
    newness = dates.groupby("season")["as_of_date"].rank(method="dense")
    stats = scaler.transform(sets.stats)
    return ListTensors(
        row=row,
        season=pd.factorize(dates["season"], sort=True)[0],
        date=newness.to_numpy(dtype=np.int64) - 1,
        tensors={
            "stats": torch.from_numpy(stats[taken]),
            "player": torch.from_numpy(vocabulary.rows(sets.player_id)[taken]),
            "player_mask": torch.from_numpy((sets.player_id != 0)[taken]),
            "minutes_share": torch.from_numpy(sets.minutes_share[taken]),
            "team_prior": torch.from_numpy(team_prior[taken]),
            "relevance": torch.from_numpy(np.where(mask, relevance[taken], 0).astype(np.float32)),
            "team_mask": torch.from_numpy(mask),
        },
    )
