"""Diagnoses an epoch of model A by one of its batches."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from nba_rank.models.model_a.deep_set_ranker import Ranked
from nba_rank.models.model_a.diagnostics import Diagnostics, diagnose, gradient_norms
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.samples.lists import Batch


class BatchWatch(pl.Callback):
    """Keeps an epoch's last batch to be diagnosed, and counts the fallbacks of all batches.

    Lists are drawn in random order, so one batch represents its epoch. Fallbacks are counted in all
    batches, because they may be rare. Callbacks that read it come after it.

    Attributes:
        gradients: Norms of the running step, before clipping, see `gradient_norms`; of the first
            step and the last of each epoch, otherwise empty.
    """

    def __init__(self) -> None:
        self.gradients: dict[str, Tensor] = {}
        self._kept: Callable[[], Diagnostics] | None = None
        self._fallbacks: list[Tensor] = []
        self._newest: Diagnostics | None = None

    def diagnostics(self) -> Diagnostics:
        """Return the health of the running or last epoch; a batch was trained on."""
        if self._newest is None:
            assert self._kept is not None
            fallen, weighed = torch.stack(self._fallbacks).sum(dim=0).tolist()
            self._newest = replace(self._kept(), fallback_share=fallen / weighed)
        return self._newest

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Reset the counts."""
        self._fallbacks = []

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Measure the gradients."""
        measured = trainer.is_last_batch or trainer.global_step == 0
        self.gradients = gradient_norms(cast(ModelA, pl_module).ranker) if measured else {}

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Keep the batch."""
        self._newest = None
        module = cast(ModelA, pl_module)
        ranked = cast(Ranked, module.last_ranked)
        weighed = batch["team_mask"].sum() * ranked.fallback.shape[2]
        self._fallbacks.append(torch.stack([ranked.fallback.sum(), weighed]))
        self._kept = partial(
            diagnose,
            ranked,
            batch,
            self.gradients,
            minutes_bias_weight=module.config.attention.minutes_bias_weight,
            floor=module.floor,
        )
