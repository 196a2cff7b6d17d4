"""List tensors for the ranker, and the data module that serves them from the device.

Letters: B lists, L teams in a list, P players of a team, F player columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from nba_rank.features.roster import PlayerSets

Batch = dict[str, Tensor]
"""Tensors of B lists by name; see `ListTensors`."""


@dataclass(frozen=True)
class PlayerScaler:
    """Standardises player columns by training seasons only; unknown becomes the mean, 0.

    A column that is constant in training, or never known there, is 0 in every season: nothing was
    learnt about it.

    Attributes:
        mean: float32 [F].
        scale: float32 [F], infinite where nothing was learnt.
    """

    mean: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, stats: npt.NDArray[np.float32]) -> Self:
        """Fit on player rows of shape [M, F]; NaN is left out.

        Raises:
            ValueError: A value is infinite.
        """
        infinite = np.isinf(stats).any(axis=0)
        if infinite.any():
            raise ValueError(
                f"player columns {np.flatnonzero(infinite).tolist()} hold values that are not "
                "finite: check the features and the player logs behind them"
            )
        known = ~np.isnan(stats)
        n_known = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, stats, 0).sum(axis=0, dtype=np.float64) / n_known
        square = np.where(known, stats - mean, 0) ** 2
        scale = np.sqrt(square.sum(axis=0, dtype=np.float64) / n_known)
        scale[scale < 1e-6] = np.inf
        return cls(mean.astype(np.float32), scale.astype(np.float32))

    def transform(self, stats: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Standardise an array whose last axis is F."""
        return np.nan_to_num((stats - self.mean) / self.scale)


@dataclass(frozen=True)
class Vocabulary:
    """Players known to a model; row 0 is shared by all others and by empty places.

    Attributes:
        player_ids: int64 [V], sorted; player i has row i + 1.
    """

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
        row: int64 [B, L], row of the player sets' frame that each team is; -1 is padding.
        tensors: `stats` float32 [B, L, P, F] standardised, `player` int64 [B, L, P] vocabulary
            rows, `minutes_share` float32 [B, L, P], `relevance` float32 [B, L] (0 where unknown),
            `team_mask` bool [B, L], True for teams.
    """

    row: npt.NDArray[np.int64]
    tensors: Batch

    def __len__(self) -> int:
        """Number of lists."""
        return len(self.row)


def list_tensors(
    sets: PlayerSets,
    relevance: npt.NDArray[np.float32],
    scope: str,
    scaler: PlayerScaler,
    vocabulary: Vocabulary,
) -> ListTensors:
    """Group the teams of each date into lists.

    Args:
        sets: Player sets of N rows.
        relevance: Relevance of each row, shape [N]; higher is better.
        scope: `conference` (one list a conference and date) or `league` (one a date).
        scaler: Standardises the player columns.
        vocabulary: Gives each player's embedding row.
    """
    by = ["season", "as_of_date"] + (["conference"] if scope == "conference" else [])
    number = sets.frame.groupby(by, sort=True).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    ordered = number[order]
    place = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
    row = np.full((ordered[-1] + 1, place.max() + 1), -1, dtype=np.int64)
    row[ordered, place] = order
    mask = row >= 0
    taken = np.where(mask, row, 0)
    stats = scaler.transform(sets.stats)
    return ListTensors(
        row=row,
        tensors={
            "stats": torch.from_numpy(stats[taken]),
            "player": torch.from_numpy(vocabulary.rows(sets.player_id)[taken]),
            "minutes_share": torch.from_numpy(sets.minutes_share[taken]),
            "relevance": torch.from_numpy(np.where(mask, relevance[taken], 0).astype(np.float32)),
            "team_mask": torch.from_numpy(mask),
        },
    )


class _Batches(IterableDataset[Batch]):
    """Index slices of tensors that already lie on the device, in a new order each epoch."""

    def __init__(
        self, tensors: Batch, lists_per_batch: int, generator: torch.Generator | None
    ) -> None:
        self._tensors = tensors
        self._size = lists_per_batch
        self._generator = generator

    def __iter__(self) -> Iterator[Batch]:
        n_lists, device = len(self._tensors["relevance"]), self._tensors["relevance"].device
        if self._generator is None:
            order = torch.arange(n_lists, device=device)
        else:
            order = torch.randperm(n_lists, generator=self._generator).to(device)
        for index in order.split(self._size):
            yield {name: tensor[index] for name, tensor in self._tensors.items()}


class ListDataModule(pl.LightningDataModule):
    """Puts the lists on the trainer's device once and serves index slices from there.

    Args:
        train: Lists to learn from.
        validation: Lists of other seasons to watch, or None.
        lists_per_batch: Lists in one step.
        seed: Seed of the order of the lists.
    """

    def __init__(
        self, train: ListTensors, validation: ListTensors | None, lists_per_batch: int, seed: int
    ) -> None:
        super().__init__()
        self._lists = {"train": train, "validation": validation}
        self._size = lists_per_batch
        self._generator = torch.Generator().manual_seed(seed)
        self._on_device: dict[str, Batch] = {}

    def setup(self, stage: str) -> None:
        """Copy the tensors to the device of the trainer's strategy."""
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        for name, lists in self._lists.items():
            if lists is not None:
                self._on_device[name] = {
                    key: tensor.to(device) for key, tensor in lists.tensors.items()
                }

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches in a new random order each epoch."""
        return self._loader("train", self._generator)

    def val_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """Batches of the validation season in order; none without one."""
        return self._loader("validation", None) if "validation" in self._on_device else []

    def _loader(self, name: str, generator: torch.Generator | None) -> DataLoader[Batch]:
        return DataLoader(_Batches(self._on_device[name], self._size, generator), batch_size=None)
