"""Measures model A's health epoch by epoch: for the log, for the run folder and for the eye."""

from dataclasses import replace
from typing import cast

import pytorch_lightning as pl
from rich.console import Console
from torch.optim import Optimizer

from nba_rank.models.model_a.callbacks.batch_watch import BatchWatch
from nba_rank.models.model_a.callbacks.show import show_diagnostics
from nba_rank.models.model_a.deep_set_ranker import Ranked
from nba_rank.models.model_a.diagnostics import Diagnostics, diagnose, prior_gain
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.samples.lists import Batch

BEFORE_TRAINING = -1
"""Epoch of the row that shows the first batch before the first step."""


class AttentionDiagnostics(BatchWatch):
    """Keeps one row of diagnostics an epoch and gives it to the trainer's loggers.

    The row before training is that of the first training step between its backward pass and the
    optimiser's step: the untrained network on the first batch, without a pass of its own that
    would cost time and move the sources of chance.

    Args:
        attention_debug: Print the first batch before training, the first and the last epoch.
        console: Where to print; None writes to the log.

    Attributes:
        rows: `epoch`, `BEFORE_TRAINING` first, and the names of `Diagnostics.to_dict`.
    """

    def __init__(self, *, attention_debug: bool, console: Console | None) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._debug = attention_debug
        self._console = console
        self._first_batch: Batch | None = None
        self._newest: Diagnostics | None = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Keep the very first batch for `on_before_optimizer_step`, which is not given it."""
        self._first_batch = None if self.rows else batch

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Measure the gradients, and everything else before the first step."""
        super().on_before_optimizer_step(trainer, pl_module, optimizer)
        if self._first_batch is None:
            return
        module = cast(ModelA, pl_module)
        found = diagnose(
            cast(Ranked, module.last_ranked),
            self._first_batch,
            self._gradients,
            minutes_bias_weight=module.config.attention.minutes_bias_weight,
        )
        self._keep(BEFORE_TRAINING, found)
        for logger in trainer.loggers:
            logger.log_metrics(self.rows[-1], step=0)
        self._print("Model A, first batch before training", found)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep and log the epoch's row, beside its losses."""
        gain = prior_gain(trainer.callback_metrics)
        found = replace(self.diagnostics(), prior_gain=gain)
        self._keep(trainer.current_epoch, found)
        pl_module.log_dict(found.to_dict())
        if trainer.current_epoch == 0:
            self._print("Model A, epoch 0", found)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the last epoch."""
        last = self.rows[-1]["epoch"]
        if self._newest is not None and last > 0:
            self._print(f"Model A, epoch {last:.0f}, the last", self._newest)

    def _keep(self, epoch: int, found: Diagnostics) -> None:
        self._newest = found
        self.rows.append({"epoch": float(epoch)} | found.to_dict())

    def _print(self, title: str, found: Diagnostics) -> None:
        if self._debug:
            show_diagnostics(title, found, self._console)
