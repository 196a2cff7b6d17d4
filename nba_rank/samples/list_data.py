"""The data module that draws lists and serves them from the device."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from nba_rank.core.season_weights import season_weights
from nba_rank.samples.lists import Batch, ListTensors


class DateSampler:
    """Draws the lists of an epoch: at most `dates_per_epoch` dates, spread over all seasons.

    Neighbouring dates are near-duplicates, so each season is cut into equal stretches, and each
    stretch gives one date with all its lists. A season has stretches in proportion to its dates and
    its `season_weights`; 0 cuts the newest season into single dates. An epoch's length does not
    grow with the number of seasons.
    """

    def __init__(
        self, lists: ListTensors, dates_per_epoch: int, season_half_life: float | None = None
    ) -> None:
        seasons, number = np.unique(lists.season, return_inverse=True)
        self._season, self._date = torch.from_numpy(number), torch.from_numpy(lists.date)
        n_dates = np.array([lists.date[lists.season == season].max() + 1 for season in seasons])
        most = (n_dates * season_weights(seasons, season_half_life)).cumsum()
        share = min(1.0, dates_per_epoch / most[-1]) if dates_per_epoch else 1.0
        stretches = torch.from_numpy(np.diff((share * most).round(), prepend=0).astype(np.int64))
        self._n_dates = torch.from_numpy(n_dates)
        place = torch.arange(int(stretches.max()) + 1).minimum(stretches[:, None])
        bounds = place * self._n_dates[:, None] // stretches.clamp(min=1)[:, None]
        self._start, self._width = bounds[:, :-1], bounds.diff(dim=1)

    def draw(self, generator: torch.Generator) -> Tensor:
        """Return the numbers of the drawn lists in random order, int64."""
        # Double precision, so that a draw just below 1 is not rounded into the next stretch.
        share = torch.rand(self._width.shape, generator=generator, dtype=torch.float64)
        date = self._start + (share * self._width).long()
        season, stretch = torch.nonzero(self._width, as_tuple=True)
        drawn = torch.zeros(len(self._n_dates), int(self._n_dates.max()), dtype=torch.bool)
        drawn[season, date[season, stretch]] = True
        lists = drawn[self._season, self._date].nonzero()[:, 0]
        return lists[torch.randperm(len(lists), generator=generator)]


class _Batches:
    """Index slices of tensors that already lie on the device; `draw` gives an epoch's lists."""

    def __init__(self, tensors: Batch, lists_per_batch: int, draw: Callable[[], Tensor]) -> None:
        self._tensors = tensors
        self._size = lists_per_batch
        self._draw = draw

    def __iter__(self) -> Iterator[Batch]:
        lists = self._draw().to(self._tensors["relevance"].device)
        for index in lists.tensor_split(-(-len(lists) // self._size)):
            yield {name: tensor[index] for name, tensor in self._tensors.items()}


class ListDataModule(pl.LightningDataModule):
    """Puts the lists on the trainer's device once and serves index slices from there.

    Each epoch draws the training lists of `dates_per_epoch` dates, see `DateSampler`, in steps of
    about equal size, `lists_per_batch` at most; the validation lists, if any, are of other seasons.
    """

    def __init__(
        self,
        train: ListTensors,
        validation: ListTensors | None,
        *,
        lists_per_batch: int,
        dates_per_epoch: int,
        season_half_life: float | None = None,
        seed: int,
    ) -> None:
        super().__init__()
        self._lists = {"train": train, "validation": validation}
        self._size = lists_per_batch
        self._sampler = DateSampler(train, dates_per_epoch, season_half_life)
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

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Return the batch, which lies there already."""
        return batch

    def train_dataloader(self) -> Iterable[Batch]:
        """Batches of lists that are drawn anew each epoch."""
        return self._loader("train", lambda: self._sampler.draw(self._generator))

    def val_dataloader(self) -> Iterable[Batch]:
        """Batches of the validation lists in order, if any."""
        validation = self._lists["validation"]
        if validation is None:
            return []
        return self._loader("validation", lambda: torch.arange(len(validation)))

    def _loader(self, name: str, draw: Callable[[], Tensor]) -> Iterable[Batch]:
        return _Batches(self._on_device[name], self._size, draw)
