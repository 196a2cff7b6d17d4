"""Measures model A's health before training and after each epoch."""

from dataclasses import replace
from math import nan
from typing import cast

import pytorch_lightning as pl
from rich.console import Console
from torch.optim import Optimizer

from nba_rank.models.model_a.callbacks.batch_watch import BatchWatch
from nba_rank.models.model_a.callbacks.show import show_diagnostics
from nba_rank.models.model_a.deep_set_ranker import Ranked
from nba_rank.models.model_a.diagnostics import Diagnostics, diagnose
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.samples.lists import Batch

BEFORE_TRAINING = -1
"""Epoch of the row of the untrained network."""


class AttentionDiagnostics(pl.Callback):
    """Adds one row of diagnostics an epoch to `ModelA.diagnostics`, which the module logs.

    The row before training is that of the first step between its backward pass and the optimiser's
    step, so the untrained network needs no pass of its own that would draw random numbers.

    Args:
        watch: Diagnoses the epochs.
        attention_debug: Print the first batch before training, the first and the last epoch.
        console: Where to print; None writes to the log.
    """

    def __init__(
        self, watch: BatchWatch, *, attention_debug: bool, console: Console | None
    ) -> None:
        self._watch = watch
        self._debug = attention_debug
        self._console = console
        self._first_batch: Batch | None = None
        self._newest: Diagnostics | None = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Keep the first batch for `on_before_optimizer_step`, which does not receive it."""
        self._first_batch = None if cast(ModelA, pl_module).diagnostics else batch

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Measure and log the untrained network."""
        if self._first_batch is None:
            return
        module = cast(ModelA, pl_module)
        found = diagnose(
            cast(Ranked, module.last_ranked),
            self._first_batch,
            self._watch.gradients,
            minutes_bias_weight=module.config.attention.minutes_bias_weight,
            floor=module.floor,
        )
        module.diagnostics.append({"epoch": float(BEFORE_TRAINING)} | found.to_dict())
        for logger in trainer.loggers:
            logger.log_metrics(module.diagnostics[-1], step=0)
        self._print("Model A, first batch before training", found)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the epoch's row."""
        module = cast(ModelA, pl_module)
        found = replace(
            self._watch.diagnostics(),
            set_loss=module.epoch_losses()["set_loss"],
            val_set_loss=float(trainer.callback_metrics.get("val_set_loss", nan)),
        )
        module.diagnostics.append({"epoch": float(trainer.current_epoch)} | found.to_dict())
        self._newest = found
        if trainer.current_epoch == 0:
            self._print("Model A, epoch 0", found)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the last epoch."""
        last = int(cast(ModelA, pl_module).diagnostics[-1]["epoch"])
        if last > 0 and self._newest is not None:
            self._print(f"Model A, epoch {last}, the last", self._newest)

    def _print(self, title: str, found: Diagnostics) -> None:
        if self._debug:
            show_diagnostics(title, found, self._console)
