"""Model A's network: what scores lists of teams, and its checkpoint.

Scoring needs torch alone. Lightning, which takes seconds to import, is for training.
"""

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn

from nba_rank.config.schema import AttentionConfig, GamesConfig, ModelAConfig
from nba_rank.models.model_a.deep_set_ranker import DeepSetRanker, Ranked
from nba_rank.models.model_a.game_attention import GameFloor
from nba_rank.models.model_a.inputs import Inputs
from nba_rank.samples.lists import Batch

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


class Network(nn.Module):
    """A `DeepSetRanker` with all that a checkpoint keeps of it.

    All arguments are plain values, so `Network.load(path)` needs nothing else. A checkpoint also
    restores `inputs`, `losses` and `diagnostics`.

    Args:
        columns: Player columns F, the indicators of unknown ones among them.
        prior_columns: Prior columns K of a team; empty: the players alone.
        vocabulary_size: Embedding rows.
        config: Fields of `ModelAConfig`, as nested dictionaries.
        seed: Seed of the order of ties and of the players treated as unknown.

    Attributes:
        arguments: The arguments by name.
        inputs: Makes the lists; None before the fit.
        losses: One row an epoch: `epoch`, its last `step`, `train_loss`, `set_loss`, its part that
            is the set's, and with validation seasons `val_loss`, `val_set_loss` and `val_ndcg`, the
            mean NDCG of their lists, 0 to 1. The set's part is the loss less that of the skip alone
            on the same lists (of equal scores without one): below zero the set helps.
        diagnostics: One row an epoch, see `nba_rank.models.model_a.diagnostics`; empty unless
            measured.
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
        super().__init__()
        self.arguments: dict[str, Any] = {
            "columns": columns,
            "prior_columns": prior_columns,
            "vocabulary_size": vocabulary_size,
            "config": config,
            "seed": seed,
        }
        parts = {
            "attention": AttentionConfig(**config["attention"]),
            "games": GamesConfig(**config["games"]),
        }
        self.config = ModelAConfig(**{**config, **parts})
        self.ranker = DeepSetRanker(
            stat_dim=len(columns),
            vocabulary_size=vocabulary_size,
            n_prior=len(prior_columns),
            embedding_dim=self.config.embedding_dim,
            encoder_dims=self.config.encoder_dims,
            dropout=self.config.dropout,
            attention=config["attention"],
        )
        self.seed = seed
        self.inputs: Inputs | None = None
        self.losses: list[dict[str, float]] = []
        self.diagnostics: list[dict[str, float]] = []

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        return next(self.parameters()).device

    @property
    def floor(self) -> GameFloor | None:
        """The attention over games, if any."""
        return None if self.inputs is None else self.inputs.floor

    def score_batch(self, batch: Batch) -> Ranked:
        """Score the lists of a batch; no player is treated as unknown."""
        return self.ranker(**{name: batch[name] for name in _INPUTS})

    def log_epoch(self, losses: dict[str, float], loggers: "Iterable[Logger]") -> None:
        """Log an epoch's row of `losses` and, if measured, its row of `diagnostics`."""
        step = int(losses["step"])
        found = next((row for row in self.diagnostics if row["epoch"] == losses["epoch"]), {})
        row = {name: value for name, value in {**found, **losses}.items() if name != "step"}
        for logger in loggers:
            logger.log_metrics({**row, "epoch": int(losses["epoch"])}, step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add inputs, losses and diagnostics."""
        checkpoint["inputs"] = None if self.inputs is None else self.inputs.state()
        checkpoint["losses"] = self.losses
        checkpoint["diagnostics"] = self.diagnostics

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what `on_save_checkpoint` added."""
        state = checkpoint["inputs"]
        self.inputs = None if state is None else Inputs.of_state(state)
        self.losses = checkpoint["losses"]
        self.diagnostics = checkpoint["diagnostics"]

    def save_checkpoint(self, path: Path) -> None:
        """Write a Lightning checkpoint without a trainer.

        `load` reads it, and so does `load_from_checkpoint` of the module that trains.
        """
        checkpoint = {
            "pytorch-lightning_version": metadata.version("pytorch-lightning"),
            "hyper_parameters": self.arguments,
            "state_dict": {name: value.cpu() for name, value in self.state_dict().items()},
        }
        self.on_save_checkpoint(checkpoint)
        torch.save(checkpoint, path)

    @classmethod
    def load(cls, path: Path, **changed: Any) -> Self:  # noqa: ANN401
        """Read a checkpoint back, on the CPU, with some arguments changed."""
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        network = cls(**{**checkpoint["hyper_parameters"], **changed})
        network.load_state_dict(checkpoint["state_dict"])
        network.on_load_checkpoint(checkpoint)
        return network


_INPUTS = ("stats", "player", "player_mask", "minutes_share", "team_prior", "team_mask")
