"""Stops a training of model A that does not learn, and names the most likely cause."""

import logging
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any, Self, cast

import pytorch_lightning as pl
import torch
from rich.console import Console
from torch import Tensor

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.callbacks.batch_watch import BatchWatch
from nba_rank.models.model_a.callbacks.show import show_diagnostics
from nba_rank.models.model_a.diagnostics import (
    Cause,
    Diagnostics,
    cause_in_data,
    cause_in_network,
    explain,
    explain_not_finite,
    not_finite,
)
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.samples.lists import Batch

# Above these the learning rate is too high: rise of the loss as a share of its start, and distance
# of the weights from their start in units of their size; 600 healthy steps move them by about 1.
_RISE_MAX = 0.5
_DRIFT_MAX = 30.0
# Share by which the first batch may be easier than its epoch by luck.
_LUCK = 0.1
# Distance below which the weights have not moved.
_DRIFT_MIN = 1e-3
# Share of its start by which a loss that has learned something has fallen.
_LEARNED_SHARE = 0.01


@dataclass(frozen=True)
class Verdict:
    """Why model A does not learn.

    Attributes:
        cause: The most likely cause.
        epoch: Epoch in which it was found, from 0.
        explanation: A sentence with the numbers, and the remedy with its config key.
        diagnostics: Health of the network in that epoch.
    """

    cause: Cause
    epoch: int
    explanation: str
    diagnostics: Diagnostics


class NotLearningError(UserError):
    """Model A was stopped because it does not learn.

    Args:
        verdict: Why.
        where: Which network it was.
    """

    def __init__(self, verdict: Verdict, where: str = "model A") -> None:
        super().__init__(
            f"{where} does not learn ({verdict.cause}, epoch {verdict.epoch}): "
            f"{verdict.explanation}"
        )
        self.verdict = verdict
        self._where = where

    def __reduce__(self) -> tuple[type[Self], tuple[Verdict, str]]:
        """Pickle by the arguments rather than the message."""
        return type(self), (self.verdict, self._where)


class NotLearning(pl.Callback):
    """Judges each epoch and stops the trainer.

    It stops at once where the loss is not finite; otherwise after `patience` epochs in a row

    - in which the network or its inputs are dead (see `cause_in_data`, `cause_in_network`), or the
      loss or the weights have blown up; or
    - in which the training loss has not fallen by `min_delta` below its lowest, unless it has
      fallen by a hundredth since the start, and so has converged; beside a team prior it may have
      converged from the start, as long as the weights move.

    Of several causes the one in the data is named first, then the learning rate, then the network.
    Beside a team prior, `finding` says where the set adds nothing: in the last epoch its part of
    the loss is not below zero by `min_delta`. This stops nothing.

    Args:
        watch: Diagnoses the epochs.
        min_delta: Fall of the training loss that counts, 0 or more.
        patience: Epochs, 1 or more.
        console: Where the diagnostics are printed when it stops; None writes to the log.

    Attributes:
        verdict: Why it has stopped; None while it has not.
        finding: A note on a training that was not stopped; empty if there is none.
    """

    def __init__(
        self, watch: BatchWatch, *, min_delta: float, patience: int, console: Console | None
    ) -> None:
        self.verdict: Verdict | None = None
        self.finding = ""
        self._watch = watch
        self._min_delta = min_delta
        self._patience = patience
        self._console = console
        self._weights = torch.empty(0)
        self._start = nan
        self._lowest = inf
        self._dead_epochs = 0
        self._flat_epochs = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the weights before the first step."""
        self._weights = _weights(pl_module)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Stop where the loss is not finite, before the module refuses to go on."""
        loss = float(outputs["loss"])
        if trainer.global_step <= 1:
            self._start = loss
        if isfinite(loss):
            return
        if not_finite(batch) or trainer.global_step <= 1:
            self._stop(trainer, Cause.NOT_FINITE, explain_not_finite(loss, batch))
            return
        self._stop(
            trainer,
            Cause.LEARNING_RATE,
            f"the training loss is {loss} in batch {batch_idx} (it was {self._start:.4g} in the "
            f"first) though the batch is finite, with a learning rate of "
            f"{_learning_rate(trainer):g}: lower model.model_a.learning_rate",
        )

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge the epoch."""
        if self.verdict is not None:
            return
        module = cast(ModelA, pl_module)
        loss = module.epoch_losses()["train_loss"]
        found, drift = self._watch.diagnostics(), self._drift(pl_module)
        rise = (loss - self._start) / (abs(self._start) or 1.0)
        if trainer.current_epoch == 0 and 0 < rise < _LUCK:
            self._start = loss
        cause = cause_in_data(found)
        if cause is None and (rise > _RISE_MAX or not drift <= _DRIFT_MAX):
            cause = Cause.LEARNING_RATE
        # A set residual that starts at zero lets no gradient through before the first step.
        if cause is None and trainer.global_step > 1:
            cause = cause_in_network(found, module.config.attention.pooling)
        self._dead_epochs = self._dead_epochs + 1 if cause else 0

        if loss < self._lowest - self._min_delta:
            self._lowest, self._flat_epochs = loss, 0
        else:
            self._flat_epochs += 1
        least = max(self._min_delta, _LEARNED_SHARE * abs(self._start))
        flat = self._flat_epochs >= self._patience and self._lowest > self._start - least
        # A team prior is fitted before training: the players may have nothing to add to it.
        if module.ranker.skip is not None and cause is None:
            flat = flat and drift < _DRIFT_MIN

        if self._dead_epochs < self._patience and not flat:
            return
        if cause is None:
            cause = Cause.LEARNING_RATE if drift < _DRIFT_MIN else Cause.PLATEAU
        self._stop(trainer, cause, self._sentence(trainer, cause, found, loss, drift))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note where the set adds nothing to the skip."""
        module = cast(ModelA, pl_module)
        losses = module.losses[-1]
        adds = module.ranker.skip is None or losses["set_loss"] < -self._min_delta
        if self.verdict is not None or adds:
            return
        self.finding = (
            f"the set adds nothing to the team prior: in the last epoch the training loss is "
            f"{losses['train_loss']:.4g}, {losses['set_loss']:+.2g} from that of the prior alone: "
            "train longer or faster (trainer.max_epochs, model.model_a.learning_rate), or do "
            "without the prior (model.model_a.team_prior=[])"
        )
        self._say("note", self.finding)

    def _sentence(
        self, trainer: pl.Trainer, cause: Cause, found: Diagnostics, loss: float, drift: float
    ) -> str:
        rate = f"a learning rate of {_learning_rate(trainer):g}"
        moved = f"the weights have moved by {drift:.2g} times their size"
        numbers = f"the training loss is {loss:.4g}, it started at {self._start:.4g}, and {moved}"
        if cause is Cause.PLATEAU:
            return (
                f"{numbers} with {rate}, yet the loss has not fallen by {self._min_delta:g} for "
                f"{self._flat_epochs} epochs though inputs, attention and gradients are alive: "
                "change model.model_a.learning_rate, or look at the features and target.name"
            )
        if cause is Cause.LEARNING_RATE:
            change = "raise" if drift < _DRIFT_MIN else "lower"
            return f"{numbers} with {rate}: {change} model.model_a.learning_rate"
        return explain(cause, found)

    def _drift(self, pl_module: pl.LightningModule) -> float:
        """Return how far the weights have moved since the start, in units of their length."""
        return float((_weights(pl_module) - self._weights).norm() / self._weights.norm())

    def _stop(self, trainer: pl.Trainer, cause: Cause, explanation: str) -> None:
        found = self._watch.diagnostics()
        self.verdict = Verdict(cause, trainer.current_epoch, explanation, found)
        trainer.should_stop = True
        show_diagnostics(f"Model A does not learn: {cause}", found, self._console)
        self._say(cause, explanation)

    def _say(self, title: str, text: str) -> None:
        if self._console is None:
            logging.getLogger(__name__).warning("%s: %s", title, text)
        else:
            self._console.print(f"[bold red]{title}:[/]", end=" ")
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _weights(pl_module: pl.LightningModule) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in pl_module.parameters()])


def _learning_rate(trainer: pl.Trainer) -> float:
    """Return the learning rate at the start of the schedule."""
    group = trainer.optimizers[0].param_groups[0]
    return float(group.get("initial_lr", group["lr"]))
