"""Model A: the deep-set ranker as a LightningModule, its fitting and its predictions."""

import signal
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from nba_rank.config import Config, ModelAConfig
from nba_rank.features.roster import PlayerSets
from nba_rank.lists import (
    Batch,
    ListDataModule,
    PlayerScaler,
    Vocabulary,
    list_tensors,
)
from nba_rank.models.deep_set_ranker import DeepSetRanker
from nba_rank.models.listmle import list_mle


class ModelA(pl.LightningModule):
    """Trains a `DeepSetRanker` with ListMLE.

    Args:
        stat_dim: Player columns.
        vocabulary_size: Embedding rows.
        config: Architecture and optimiser.
        seed: Seed of the order of ties and of the players treated as unknown.
    """

    def __init__(
        self, *, stat_dim: int, vocabulary_size: int, config: ModelAConfig, seed: int
    ) -> None:
        super().__init__()
        self.config = config
        self.ranker = DeepSetRanker(
            stat_dim=stat_dim,
            vocabulary_size=vocabulary_size,
            embedding_dim=config.embedding_dim,
            encoder_dims=config.encoder_dims,
            n_heads=config.n_heads,
            minutes_bias_weight=config.minutes_bias_weight,
            dropout=config.dropout,
            uniform_attention=config.attention == "uniform",
        )
        self._seed = seed
        self._generator: torch.Generator | None = None
        self.losses: list[dict[str, float]] = []

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return the loss of one batch.

        Raises:
            FloatingPointError: The loss is not finite.
        """
        loss = self._loss(batch, self.config.unknown_player_share)
        if not bool(torch.isfinite(loss)):
            raise FloatingPointError(
                f"model A's loss is {loss.item()} in epoch {self.current_epoch}, "
                f"batch {batch_index}: lower model.model_a.learning_rate or check the features"
            )
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch["stats"]))
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Log the validation season's loss."""
        loss = self._loss(batch, unknown_player_share=0.0)
        self.log("val_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch["stats"]))

    def on_train_epoch_end(self) -> None:
        """Keep the epoch's losses for the run folder."""
        metrics = self.trainer.callback_metrics
        row = {"epoch": float(self.current_epoch)}
        known = [name for name in ("train_loss", "val_loss") if name in metrics]
        row |= {name: float(metrics[name]) for name in known}
        self.losses.append(row)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW with a cosine decay over all epochs; embeddings and biases decay alike."""
        optimiser = torch.optim.AdamW(
            self.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimiser, T_max=self.trainer.max_epochs or 1
        )
        return {"optimizer": optimiser, "lr_scheduler": schedule}

    def _loss(self, batch: Batch, unknown_player_share: float) -> Tensor:
        if self._generator is None:
            self._generator = torch.Generator(self.device).manual_seed(self._seed)
        player, generator = batch["player"], self._generator
        drawn = torch.rand(player.shape, generator=generator, device=player.device)
        player = player.masked_fill(drawn < unknown_player_share, 0)
        score, _ = self.ranker(batch["stats"], player, batch["minutes_share"], batch["team_mask"])
        return list_mle(score, batch["relevance"], batch["team_mask"], generator)


@dataclass(frozen=True)
class FittedModelA:
    """Everything that scores a roster: weights, scaler, vocabulary and the columns they expect.

    Attributes:
        module: The trained network.
        scaler: Standardisation of the player columns.
        vocabulary: Embedding rows by player id.
        columns: Player columns, in order.
        losses: Columns `epoch`, `train_loss` and, with a validation season, `val_loss`.
    """

    module: ModelA
    scaler: PlayerScaler
    vocabulary: Vocabulary
    columns: list[str]
    losses: pd.DataFrame

    def predict(self, sets: PlayerSets) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """Score each team of the sets.

        Each date goes through the network by itself: the last bits of a matrix product depend on
        its shape, and a date must score the same alone as among others.

        Returns:
            Scores [N], higher is better, and attention weights [N, P], the mean over heads.

        Raises:
            ValueError: The columns are not those that the model was fitted on.
        """
        if sets.columns != self.columns:
            wrong = sorted(set(sets.columns) ^ set(self.columns)) or "their order"
            raise ValueError(
                f"model A was fitted on other player columns; the difference is {wrong}: "
                "use the windows of the run"
            )
        unknown = np.zeros(len(sets.frame), dtype=np.float32)
        scope = self.module.config.list_scope
        score = np.zeros(len(sets.frame))
        attention = np.zeros(sets.player_id.shape, dtype=np.float32)
        self.module.eval()
        dates = sets.frame.groupby(["season", "as_of_date"], sort=False).indices
        for index in dates.values():
            rows = np.asarray(index)
            lists = list_tensors(
                sets.take(rows), unknown[rows], scope, self.scaler, self.vocabulary
            )
            inputs = {name: lists.tensors[name] for name in _INPUTS}
            with torch.inference_mode():
                scores, weights = self.module.ranker(**inputs)
            team = lists.row >= 0
            target = rows[lists.row[team]]
            score[target] = scores.double().numpy()[team]
            attention[target] = weights.mean(dim=2).numpy()[team]
        return score, attention

    def save(self, path: Path) -> None:
        """Write the model to one file."""
        torch.save(
            {
                "state": self.module.state_dict(),
                "config": vars(self.module.config),
                "player_ids": torch.from_numpy(self.vocabulary.player_ids),
                "mean": torch.from_numpy(self.scaler.mean),
                "scale": torch.from_numpy(self.scaler.scale),
                "columns": self.columns,
                "losses": self.losses.to_dict("list"),
            },
            path,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a model back; it scores exactly as the one that was saved."""
        saved = torch.load(path, map_location="cpu", weights_only=True)
        vocabulary = Vocabulary(saved["player_ids"].numpy())
        module = ModelA(
            stat_dim=len(saved["columns"]),
            vocabulary_size=len(vocabulary),
            config=ModelAConfig(**saved["config"]),
            seed=0,
        )
        module.load_state_dict(saved["state"])
        scaler = PlayerScaler(saved["mean"].numpy(), saved["scale"].numpy())
        losses = pd.DataFrame(saved["losses"])
        return cls(module, scaler, vocabulary, saved["columns"], losses)


_INPUTS = ("stats", "player", "minutes_share", "team_mask")


def fit_model_a(
    sets: PlayerSets,
    relevance: npt.NDArray[np.float32],
    config: Config,
    seed: int,
    on_epoch: Callable[[], None],
) -> FittedModelA:
    """Fit model A on player sets.

    With early stopping the newest season is held out to decide when to stop, and the weights of
    its lowest loss are kept.

    Args:
        sets: Player sets of the training seasons, N rows.
        relevance: Relevance of each row, higher is better, shape [N].
        config: The run's config.
        seed: Seed of the weights, the order of the lists and the order of ties.
        on_epoch: Called after each epoch.

    Raises:
        ValueError: Early stopping has no season left to learn from.
        FloatingPointError: The loss is not finite.
    """
    patience = config.callbacks.early_stopping_patience
    seasons = sets.frame["season"]
    learn = seasons < seasons.max() if patience else seasons == seasons
    if not learn.any():
        raise ValueError(
            f"early stopping holds out {seasons.max()}, the only training season with players: "
            "set callbacks.early_stopping_patience=0 or add seasons"
        )
    train_sets = sets.take(np.flatnonzero(learn))
    places = train_sets.player_id != 0
    scaler = PlayerScaler.fit(train_sets.stats[places])
    vocabulary = Vocabulary.of(train_sets.player_id)
    scope = config.model.model_a.list_scope
    train = list_tensors(train_sets, relevance[learn], scope, scaler, vocabulary)
    validation = None
    if patience:
        held_out = sets.take(np.flatnonzero(~learn))
        validation = list_tensors(held_out, relevance[~learn], scope, scaler, vocabulary)

    torch.set_num_threads(config.trainer.num_threads)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = ModelA(
            stat_dim=len(sets.columns),
            vocabulary_size=len(vocabulary),
            config=config.model.model_a,
            seed=seed,
        )
        callbacks: list[pl.Callback] = [_EpochHook(on_epoch)]
        if patience:
            callbacks += [
                _BestWeights(),
                EarlyStopping("val_loss", patience=patience, mode="min"),
            ]
        trainer = _trainer(config, callbacks, validate=validation is not None)
        lists = ListDataModule(train, validation, config.model.model_a.lists_per_batch, seed)
        with warnings.catch_warnings():
            # Workers would only copy: the batches are slices of tensors on the device.
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            # Lightning's own use of a torch name that torch has since deprecated.
            warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
            try:
                trainer.fit(module, lists)
            except SystemExit as leaving:
                # Lightning turns Ctrl-C into an exit and leaves the signal ignored.
                signal.signal(signal.SIGINT, signal.default_int_handler)
                raise KeyboardInterrupt from leaving
    return FittedModelA(
        module.cpu().eval(), scaler, vocabulary, sets.columns, pd.DataFrame(module.losses)
    )


class _BestWeights(pl.Callback):
    """Ends training with the weights of the lowest validation loss."""

    def __init__(self) -> None:
        self._loss = float("inf")
        self._state: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loss = float(trainer.callback_metrics["val_loss"])
        if loss < self._loss:
            self._loss = loss
            self._state = {name: value.clone() for name, value in pl_module.state_dict().items()}

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pl_module.load_state_dict(self._state)


class _EpochHook(pl.Callback):
    """Tells the run's own progress display that an epoch is over."""

    def __init__(self, on_epoch: Callable[[], None]) -> None:
        self._on_epoch = on_epoch

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._on_epoch()


def _trainer(config: Config, callbacks: list[pl.Callback], *, validate: bool) -> pl.Trainer:
    return pl.Trainer(
        accelerator=config.trainer.accelerator,
        devices=config.trainer.devices,
        max_epochs=config.trainer.max_epochs,
        precision=config.trainer.precision,  # type: ignore[arg-type]
        gradient_clip_val=config.trainer.gradient_clip_val,
        limit_val_batches=1.0 if validate else 0,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
