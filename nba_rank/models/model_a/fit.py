"""Fits model A: one network a seed, watched while it learns."""

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
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.loggers import Logger
from rich.console import Console
from torch import Tensor

from nba_rank.config.schema import Config
from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets
from nba_rank.models.model_a.callbacks import model_callbacks
from nba_rank.models.model_a.callbacks.not_learning import NotLearningError, Verdict
from nba_rank.models.model_a.device import device_of
from nba_rank.models.model_a.fitted import FittedModelA
from nba_rank.models.model_a.inputs import Inputs
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.models.model_a.list_losses import LIST_LOSSES
from nba_rank.models.model_a.team_prior import warm_start
from nba_rank.samples.lists import Batch, ListDataModule, ListTensors

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

    With early stopping the newest season is held out to decide when to stop, and the weights of
    its lowest loss are kept.

    Args:
        sets: Player sets of the training seasons, N rows.
        team_prior: Store features of the same rows: those of `model.model_a.team_prior` and, where
            it is known, `season_progress`.
        relevance: Relevance of each row, higher is better, shape [N].
        config: The run's config.
        seed: Seed from which each network spawns its own, for its weights, the draw and order of
            the lists and the order of ties.
        on_epoch: Called after each epoch of each network.
        logger_factory: Where losses and diagnostics are logged; None: nowhere.
        console: Where diagnostics are printed; None writes to the log.

    Raises:
        UserError: Early stopping has no season left to learn from.
        NotLearningError: A network does not learn, after a restart too if one was asked for.
        UserError: The loss is not finite.
    """
    lessons = _lessons(sets, team_prior, relevance, config)
    networks = []
    for number, sequence in enumerate(
        np.random.SeedSequence(seed).spawn(config.model.model_a.n_seeds)
    ):
        loggers = logger_factory(number) if logger_factory else []
        first, second = sequence.generate_state(2).tolist()
        network, verdict = _train(lessons, config, first, on_epoch, loggers, console)
        if verdict is not None and config.callbacks.not_learning.restart:
            network, verdict = _train(lessons, config, second, on_epoch, loggers, console)
        if verdict is not None:
            raise NotLearningError(verdict, f"network {number} of model A")
        networks.append(network)
    return FittedModelA.of(networks, device_of(config.trainer))


@dataclass(frozen=True)
class _Lessons:
    """What every network learns from, and the weights [K] from which its skip starts."""

    inputs: Inputs
    train: ListTensors
    validation: ListTensors | None
    skip: Tensor


def _lessons(
    sets: PlayerSets,
    team_prior: pd.DataFrame,
    relevance: npt.NDArray[np.float32],
    config: Config,
) -> _Lessons:
    """Split off the validation season, and fit scalers, vocabulary and skip on the others."""
    season = sets.frame["season"].to_numpy()
    held_out = (season == season.max()) & (config.callbacks.early_stopping_patience > 0)
    if held_out.all():
        raise UserError(
            f"early stopping holds out {season.max()}, the only training season with players: "
            "set callbacks.early_stopping_patience=0 or add seasons"
        )
    learn, settings = np.flatnonzero(~held_out), config.model.model_a
    inputs = Inputs.fit(sets.take(learn), team_prior.iloc[learn])

    def lists(rows: npt.NDArray[np.int64]) -> ListTensors:
        own = sets.take(rows), team_prior.iloc[rows], relevance[rows]
        return inputs.lists(*own, settings.list_scope)

    train = lists(learn)
    validation = lists(np.flatnonzero(held_out)) if held_out.any() else None
    skip = torch.zeros(0)
    if inputs.prior.columns:
        prior = inputs.prior.transform(team_prior.iloc[learn])
        loss = partial(_list_loss, train.tensors, settings.loss)
        skip = warm_start(prior, relevance[learn], season[learn], train, loss)
    return _Lessons(inputs, train, validation, skip)


def _list_loss(tensors: Batch, name: str, score: Tensor) -> Tensor:
    """Return the loss of the lists, ties in the same random order each time."""
    ties = torch.Generator().manual_seed(0)
    return LIST_LOSSES[name](score, tensors["relevance"], tensors["team_mask"], ties)


def _train(
    lessons: _Lessons,
    config: Config,
    seed: int,
    on_epoch: Callable[[], None],
    loggers: list[Logger],
    console: Console | None,
) -> tuple[ModelA, Verdict | None]:
    """Train one network; also return why it does not learn, where it was found not to."""
    settings, patience = config.model.model_a, config.callbacks.early_stopping_patience
    watching = model_callbacks(config.callbacks, console)
    callbacks = [_EpochHook(on_epoch), *watching.active]
    if patience:
        callbacks += [_BestWeights(), EarlyStopping("val_loss", patience=patience, mode="min")]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = ModelA(
            columns=lessons.inputs.scaler.outputs,
            prior_columns=lessons.inputs.prior.columns,
            vocabulary_size=len(lessons.inputs.vocabulary),
            config=asdict(settings),
            seed=seed,
        )
        module.inputs = lessons.inputs
        if module.ranker.skip is not None:
            module.ranker.skip.weight.data.copy_(lessons.skip)
        lists = ListDataModule(
            lessons.train,
            lessons.validation,
            lists_per_batch=settings.lists_per_batch,
            dates_per_season=settings.dates_per_season,
            seed=seed,
        )
        trainer = _trainer(config, callbacks, loggers, validate=lessons.validation is not None)
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
    if watching.attention_diagnostics is not None:
        module.diagnostics = watching.attention_diagnostics.rows
    return module, watching.not_learning.verdict if watching.not_learning is not None else None


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
        if self._state:
            pl_module.load_state_dict(self._state)


class _EpochHook(pl.Callback):
    """Tells the run's own progress display that an epoch is over."""

    def __init__(self, on_epoch: Callable[[], None]) -> None:
        self._on_epoch = on_epoch

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._on_epoch()


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
