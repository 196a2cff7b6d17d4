"""Fits model A: one network a seed."""

import signal
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, LambdaCallback
from pytorch_lightning.loggers import Logger
from rich.console import Console
from torch import Tensor

from nba_rank.config.schema import Config
from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets
from nba_rank.models.model_a.callbacks import model_callbacks
from nba_rank.models.model_a.callbacks.not_learning import NotLearningError, Verdict
from nba_rank.models.model_a.device import device_of, gpu_memory
from nba_rank.models.model_a.fitted import FittedModelA
from nba_rank.models.model_a.game_attention import GameFloor
from nba_rank.models.model_a.inputs import Inputs
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.models.model_a.list_losses import LIST_LOSSES
from nba_rank.models.model_a.team_prior import warm_start
from nba_rank.samples.list_data import ListDataModule
from nba_rank.samples.lists import Batch, ListTensors

HELD_OUT = 3
"""With early stopping each network holds out one in so many seasons."""

LoggerFactory = Callable[[int], list[Logger]]
"""Makes the loggers of one network, given its number."""


def fit_model_a(
    sets: PlayerSets,
    team_prior: pd.DataFrame,
    relevance: npt.NDArray[np.float32],
    config: Config,
    seed: int,
    on_epoch: Callable[[], None],
    *,
    logger_factory: LoggerFactory | None = None,
    console: Console | None = None,
) -> FittedModelA:
    """Fit model A on player sets.

    With early stopping each network holds out every third season, the next one others, so that all
    seasons have a say; the weights of the set's lowest loss on them are kept. Scalers, skip and the
    attention over games are fitted on all seasons.

    Args:
        sets: Player sets of the training seasons, N rows.
        team_prior: Store features of the same rows, see `TeamPrior.fit`.
        relevance: Relevance of each row, higher is better, shape [N].
        config: The run's config.
        seed: Each network spawns its own from it, for weights, dropout, lists and ties.
        on_epoch: Called after each epoch of each network.
        logger_factory: Where losses and diagnostics are logged; None: nowhere.
        console: Where diagnostics are printed; None writes to the log.

    Raises:
        UserError: There are too few seasons for early stopping, the loss is not finite, or the GPU
            has too little memory.
        NotLearningError: A network does not learn, even after a restart if one was asked for.
    """
    games = _training_games(sets, team_prior, relevance, config)
    networks = []
    for number, sequence in enumerate(
        np.random.SeedSequence(seed).spawn(config.model.model_a.n_seeds)
    ):
        loggers = logger_factory(number) if logger_factory else []
        first, second = sequence.generate_state(2).tolist()
        lists = _held_out(games.lists, number, config)
        network, verdict = _train(games, lists, config, first, on_epoch, loggers, console)
        if verdict is not None and config.callbacks.not_learning.restart:
            network, verdict = _train(games, lists, config, second, on_epoch, loggers, console)
        if verdict is not None:
            raise NotLearningError(verdict, f"network {number} of model A")
        networks.append(network)
    return FittedModelA.of(networks, device_of(config.trainer))


@dataclass(frozen=True)
class _TrainingGames:
    """Lists that every network is trained on, and the weights [K] from which its skip starts."""

    inputs: Inputs
    lists: ListTensors
    skip: Tensor


def _training_games(
    sets: PlayerSets,
    team_prior: pd.DataFrame,
    relevance: npt.NDArray[np.float32],
    config: Config,
) -> _TrainingGames:
    """Fit scalers, vocabulary, attention over games and skip."""
    season, settings = sets.frame["season"].to_numpy(), config.model.model_a
    floor = None
    if settings.games.enabled:
        if sets.games is None:
            raise UserError(
                "the player sets hold no games: build them with `GameLog.of`, or set "
                "model.model_a.games.enabled=false"
            )
        floor = GameFloor.fit(
            sets.games,
            np.unique(season).tolist(),
            settings.games,
            config.folds.season_half_life,
        )
    inputs = Inputs.fit(sets, team_prior, floor)
    lists = inputs.lists(sets, team_prior, relevance, settings.list_scope)
    skip = torch.zeros(0)
    if inputs.prior.columns:
        loss = partial(_list_loss, lists.tensors, settings.loss)
        rows = lists.row[lists.row >= 0]
        skip = warm_start(relevance[rows], season[rows], lists, loss)
    return _TrainingGames(inputs, lists, skip)


def _held_out(
    lists: ListTensors, network: int, config: Config
) -> tuple[ListTensors, ListTensors | None]:
    """Return the lists that a network learns from, and those that stop it, if any."""
    if not config.callbacks.early_stopping_patience:
        return lists, None
    held_out = (lists.season.max() - lists.season) % HELD_OUT == network % HELD_OUT
    if lists.season.max() < HELD_OUT - 1:
        raise UserError(
            f"early stopping holds out every {HELD_OUT}rd season, and only "
            f"{lists.season.max() + 1} training season(s) have players: set "
            "callbacks.early_stopping_patience=0 or add seasons"
        )
    return lists.take(~held_out), lists.take(held_out)


def _list_loss(tensors: Batch, name: str, score: Tensor) -> Tensor:
    """Return the loss of the lists, ties in the same random order each time."""
    ties = torch.Generator().manual_seed(0)
    return LIST_LOSSES[name](score, tensors["relevance"], tensors["team_mask"], ties)


def _train(
    games: _TrainingGames,
    lists: tuple[ListTensors, ListTensors | None],
    config: Config,
    seed: int,
    on_epoch: Callable[[], None],
    loggers: list[Logger],
    console: Console | None,
) -> tuple[ModelA, Verdict | None]:
    """Train one network; also return why it does not learn, or None."""
    settings, patience = config.model.model_a, config.callbacks.early_stopping_patience
    callbacks, not_learning = model_callbacks(config.callbacks, console)
    callbacks.append(LambdaCallback(on_train_epoch_end=lambda *_: on_epoch()))
    if patience:
        callbacks += [_BestWeights(), EarlyStopping("val_set_loss", patience=patience)]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = ModelA(
            columns=games.inputs.scaler.outputs,
            prior_columns=games.inputs.prior.columns,
            vocabulary_size=len(games.inputs.vocabulary),
            config=asdict(settings),
            seed=seed,
        )
        module.inputs = games.inputs
        if module.ranker.skip is not None:
            module.ranker.skip.weight.data.copy_(games.skip)
        data = ListDataModule(
            *lists,
            lists_per_batch=settings.lists_per_batch,
            dates_per_epoch=settings.dates_per_epoch,
            season_half_life=config.folds.season_half_life,
            seed=seed,
        )
        trainer = _trainer(config, callbacks, loggers, validate=lists[1] is not None)
        with warnings.catch_warnings():
            # A deprecated name of torch that Lightning uses.
            warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
            try:
                with gpu_memory("training model A", "model.model_a.lists_per_batch"):
                    trainer.fit(module, data)
            except SystemExit as leaving:
                # Lightning turns Ctrl-C into an exit and leaves the signal ignored.
                signal.signal(signal.SIGINT, signal.default_int_handler)
                raise KeyboardInterrupt from leaving
    return module, None if not_learning is None else not_learning.verdict


class _BestWeights(pl.Callback):
    """Ends training with the weights of the set's lowest validation loss."""

    def __init__(self) -> None:
        self._loss = float("inf")
        self._state: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loss = float(trainer.callback_metrics["val_set_loss"])
        if loss < self._loss:
            self._loss = loss
            self._state = {name: value.clone() for name, value in pl_module.state_dict().items()}

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._state:
            pl_module.load_state_dict(self._state)


def _trainer(
    config: Config, callbacks: list[pl.Callback], loggers: list[Logger], *, validate: bool
) -> pl.Trainer:
    return pl.Trainer(
        accelerator=device_of(config.trainer).type,
        devices=1,
        deterministic=config.trainer.deterministic,
        max_epochs=config.trainer.max_epochs,
        precision=config.trainer.precision,  # type: ignore[arg-type]
        gradient_clip_val=config.trainer.gradient_clip_val,
        limit_val_batches=1.0 if validate else 0,
        callbacks=callbacks,
        logger=loggers,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
