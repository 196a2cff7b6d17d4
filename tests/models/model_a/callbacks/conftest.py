from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from nba_rank.models.model_a.callbacks.batch_watch import BatchWatch
from nba_rank.models.model_a.callbacks.not_learning import NotLearning
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.samples.list_data import ListDataModule
from nba_rank.samples.lists import Batch, ListTensors

N_COLUMNS, N_PRIOR, VOCABULARY = 5, 2, 50


def made_up_lists(n_lists: int = 40, seed: int = 0, n_prior: int = 0) -> Batch:
    """Lists of eight teams; minutes times the first player column decides, a prior knows half."""
    rng = torch.Generator().manual_seed(seed)
    shape = (n_lists, 8, 6)
    mask = torch.arange(6) < torch.randint(4, 7, (*shape[:2], 1), generator=rng)
    minutes = (torch.rand(shape, generator=rng) + 0.1) * mask
    minutes = minutes / minutes.sum(dim=2, keepdim=True)
    stats = torch.randn(*shape, N_COLUMNS, generator=rng) * mask[..., None]
    strength = (minutes * stats[..., 0]).sum(dim=2)
    noise = torch.randn(*shape[:2], n_prior, generator=rng)
    return {
        "stats": stats,
        "player": torch.randint(1, VOCABULARY, shape, generator=rng) * mask,
        "player_mask": mask,
        "minutes_share": minutes,
        "team_prior": 2 * strength[..., None] + noise,
        "relevance": strength.argsort(dim=1).argsort(dim=1) / 7,
        "team_mask": torch.ones(shape[:2], dtype=torch.bool),
    }


@pytest.fixture(scope="session")
def lists() -> Callable[..., Batch]:
    """Makes up lists: `lists(n_lists=40, seed=0, n_prior=0)`."""
    return made_up_lists


@pytest.fixture(scope="session")
def train(compose_as_is):
    """Trains a small model A: `train(lists, callbacks, epochs=6, seed=0, ...)` returns it.

    `attention` and further knobs are fields of the configs; `prepare` is called on the untrained
    module, `trainer` are arguments of the trainer.
    """
    composed = compose_as_is().model.model_a
    small = replace(
        composed,
        embedding_dim=4,
        encoder_dims=[24, 16],
        learning_rate=0.01,
        attention=replace(composed.attention, n_heads=2),
    )

    def run(
        batch, callbacks, epochs=6, seed=0, lists_per_batch=8, attention=None,
        prepare=lambda module: None, trainer=None, **knobs,
    ):  # fmt: skip
        attention = replace(small.attention, **(attention or {}))
        n_lists, n_prior = len(batch["relevance"]), batch["team_prior"].shape[2]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            module = ModelA(
                columns=[f"column_{i}" for i in range(N_COLUMNS)],
                prior_columns=[f"prior_{i}" for i in range(n_prior)],
                vocabulary_size=VOCABULARY,
                config=asdict(replace(small, attention=attention, **knobs)),
                seed=seed,
            )
            prepare(module)
            dated = ListTensors(
                row=np.zeros((n_lists, 8), dtype=np.int64),
                season=np.zeros(n_lists, dtype=np.int64),
                date=np.arange(n_lists),
                tensors=batch,
            )
            data = ListDataModule(
                dated, None, lists_per_batch=lists_per_batch, dates_per_epoch=0, seed=seed
            )
            pl.Trainer(
                **{
                    "accelerator": "cpu",
                    "max_epochs": epochs,
                    "callbacks": callbacks,
                    "gradient_clip_val": 1.0,
                    "logger": False,
                    "enable_checkpointing": False,
                    "enable_progress_bar": False,
                    "enable_model_summary": False,
                    **(trainer or {}),
                }
            ).fit(module, data)
        return module

    return run


@pytest.fixture
def watch(train):
    """Trains under a `NotLearning` callback of patience 3 and returns module and verdict."""

    def run(batch, patience=3, min_delta=1e-4, **knobs):
        watched = BatchWatch()
        judge = NotLearning(watched, min_delta=min_delta, patience=patience, console=None)
        return train(batch, [watched, judge], **knobs), judge.verdict

    return run
