"""Model A's network as a LightningModule: its loss and its training."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torchmetrics.retrieval import RetrievalNormalizedDCG

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.deep_set_ranker import Ranked
from nba_rank.models.model_a.list_losses import LIST_LOSSES
from nba_rank.models.model_a.network import Network
from nba_rank.samples.lists import Batch


class ModelA(Network, pl.LightningModule):
    """Trains a `Network` with a list loss; takes the same arguments.

    Attributes:
        last_ranked: Result of the last training step, with its graph.
    """

    def __init__(
        self,
        *,
        columns: list[str],
        prior_columns: list[str],
        vocabulary_size: int,
        config: dict[str, Any],
        seed: int,
    ) -> None:
        super().__init__(
            columns=columns,
            prior_columns=prior_columns,
            vocabulary_size=vocabulary_size,
            config=config,
            seed=seed,
        )
        self.save_hyperparameters()
        self.last_ranked: Ranked | None = None
        self._generator: torch.Generator | None = None
        self._sums: dict[str, Tensor] = {}
        self._n_lists = 0
        self._val_ndcg = RetrievalNormalizedDCG()

    def loss(self, ranked: Ranked, batch: Batch) -> Tensor:
        """Return the configured list loss, a float32 scalar; ties are put in random order."""
        return LIST_LOSSES[self.config.loss](
            ranked.score, batch["relevance"], batch["team_mask"], self._random()
        )

    def set_loss(self, ranked: Ranked, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return `loss`, and less that of the skip alone with the same order of ties."""
        ties = self._random().clone_state()
        loss = self.loss(ranked, batch)
        skip = LIST_LOSSES[self.config.loss](
            ranked.skip, batch["relevance"], batch["team_mask"], ties
        )
        return loss, loss - skip

    def epoch_losses(self) -> dict[str, float]:
        """Return the epoch's mean losses so far: `train_loss` and `set_loss`."""
        return {name: float(total / self._n_lists) for name, total in self._sums.items()}

    def on_train_epoch_start(self) -> None:
        """Start the epoch's sums."""
        self._sums, self._n_lists = {}, 0

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return the loss of one batch, some of its players treated as unknown."""
        player = batch["player"]
        drawn = torch.rand(player.shape, generator=self._random()).to(player.device)
        unknown = drawn < self.config.unknown_player_share
        self.last_ranked = self.score_batch({**batch, "player": player.masked_fill(unknown, 0)})
        loss, of_set = self.set_loss(self.last_ranked, batch)
        # Summed here and logged once an epoch: `self.log` in each step takes a tenth of the time.
        self._n_lists += len(player)
        for name, value in (("train_loss", loss), ("set_loss", of_set)):
            self._sums[name] = self._sums.get(name, 0) + value.detach() * len(player)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:  # noqa: ANN401
        """Refuse a loss that is not finite, unless a callback has named the cause and stopped.

        Raises:
            UserError: The loss is not finite.
        """
        loss = outputs["loss"]
        if not bool(torch.isfinite(loss)) and not self.trainer.should_stop:
            raise UserError(
                f"model A's loss is {loss.item()} in epoch {self.current_epoch}, "
                f"batch {batch_idx}: lower model.model_a.learning_rate or check the features"
            )

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Measure the validation seasons' loss and the NDCG of their lists."""
        ranked, teams, n_lists = self.score_batch(batch), batch["team_mask"], len(batch["player"])
        loss, of_set = self.set_loss(ranked, batch)
        losses = {"val_loss": loss, "val_set_loss": of_set}
        self.log_dict(losses, on_epoch=True, logger=False, batch_size=n_lists)
        first = batch_index * self.config.lists_per_batch
        number = torch.arange(first, first + n_lists, device=teams.device)
        lists = number[:, None].expand_as(teams)
        self._val_ndcg.update(ranked.score[teams], batch["relevance"][teams], lists[teams])
        self.log("val_ndcg", self._val_ndcg, on_epoch=True, logger=False, batch_size=n_lists)

    def on_train_epoch_end(self) -> None:
        """Keep and log the epoch's losses."""
        row = {"epoch": float(self.current_epoch), "step": float(self.trainer.global_step - 1)}
        metrics = self.trainer.callback_metrics
        validation = {name: float(metrics[name]) for name in _VALIDATION if name in metrics}
        self.losses.append(row | self.epoch_losses() | validation)
        self.log_epoch(self.losses[-1], self.trainer.loggers)

    def on_train_end(self) -> None:
        """Drop the last batch's graph and the random state, which are not saved."""
        self.last_ranked = self._generator = None
        self._sums = {}

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW with a cosine decay over all epochs."""
        optimiser = torch.optim.AdamW(
            self.parameters(),
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            # One kernel for all parameters; with it, Lightning cannot clip under autocast.
            fused=self.trainer.precision == "32-true" or None,
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimiser, T_max=self.trainer.max_epochs or 1
        )
        return {"optimizer": optimiser, "lr_scheduler": schedule}

    def _random(self) -> torch.Generator:
        """Return the network's own generator, on the CPU: all devices draw alike."""
        if self._generator is None:
            self._generator = torch.Generator().manual_seed(self.seed)
        return self._generator


_VALIDATION = ("val_loss", "val_set_loss", "val_ndcg")
