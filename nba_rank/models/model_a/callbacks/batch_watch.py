"""Keeps what one batch of an epoch left behind, so that it can be diagnosed."""

from dataclasses import replace
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
    """Diagnoses an epoch by its last full batch, and counts the fallbacks of all its batches.

    Lists are drawn in random order, so one full batch stands for its epoch, and the network that
    it shows is the one with which the epoch ends. Diagnosing every batch would make an epoch 4%
    longer on one core, this makes it 1% longer. Fallbacks are counted throughout, because a rare
    one must not hide. Nothing waits for the device before the epoch's end.
    """

    def __init__(self) -> None:
        self._gradients: dict[str, Tensor] = {}
        self._kept: tuple[Ranked, Batch, dict[str, Tensor]] | None = None
        self._size = 0
        self._fallbacks: list[Tensor] = []
        self._minutes_bias_weight = 1.0

    def diagnostics(self) -> Diagnostics:
        """Return the health of the running or last epoch; to be had at any time after its start.

        Raises:
            RuntimeError: No batch has been trained on.
        """
        if self._kept is None:
            raise RuntimeError("no batch has been trained on: diagnose one with diagnose(...)")
        ranked, batch, gradients = self._kept
        fallen, weighed = torch.stack(self._fallbacks).sum(dim=0).tolist()
        found = diagnose(ranked, batch, gradients, minutes_bias_weight=self._minutes_bias_weight)
        return replace(found, fallback_share=fallen / weighed)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting anew."""
        self._size = 0
        self._fallbacks = []
        attention = cast(ModelA, pl_module).config.attention
        self._minutes_bias_weight = attention.minutes_bias_weight

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Measure the gradients; Lightning has unscaled them by now and clips them after this."""
        self._gradients = gradient_norms(cast(ModelA, pl_module).ranker)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Keep the batch if none of its epoch was larger."""
        ranked = cast(Ranked, cast(ModelA, pl_module).last_ranked)
        fallback = ranked.fallback & batch["team_mask"][..., None]
        self._fallbacks.append(
            torch.stack([fallback.sum(), batch["team_mask"].sum() * fallback.shape[2]])
        )
        if len(batch["relevance"]) >= self._size:
            self._size = len(batch["relevance"])
            without_graph = Ranked(*(tensor.detach() for tensor in ranked))
            self._kept = (without_graph, batch, self._gradients)
