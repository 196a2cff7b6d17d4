"""Looks at an untrained model A: one batch, forward and backward.

Letters: B lists, L teams in a list.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from math import isfinite

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nba_rank.config.schema import ModelAConfig, TrainerConfig
from nba_rank.models.model_a.deep_set_ranker import Ranked
from nba_rank.models.model_a.device import device_of
from nba_rank.models.model_a.diagnostics import (
    Cause,
    Diagnostics,
    cause_in_data,
    cause_in_network,
    diagnose,
    explain,
    explain_not_finite,
    gradient_norms,
)
from nba_rank.models.model_a.game_attention import GameFloor
from nba_rank.models.model_a.inputs import Inputs
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.lists import Batch

GAME_STEPS = 2
"""Steps of the attention over games before a look at model A."""


@dataclass(frozen=True)
class Checkup:
    """Health of an untrained model A on one batch.

    Attributes:
        row: Row of the player sets that each team of the batch is, int64 [B, L]; -1 is padding.
        ranked: The network's result, without graph, on the CPU.
        loss: The list loss.
        diagnostics: Health, with gradients.
        cause: Why it cannot learn; None where it can.
        explanation: The numbers behind the cause and the remedy; empty without one.
        stepped: Whether an optimiser step came first.
        game_losses: Losses of `GAME_STEPS` steps of the attention over games; empty without.
    """

    row: npt.NDArray[np.int64]
    ranked: Ranked
    loss: float
    diagnostics: Diagnostics
    cause: Cause | None
    explanation: str
    stepped: bool
    game_losses: list[float]


def check_up(
    data: Dataset, first: int, model: ModelAConfig, trainer: TrainerConfig, seed: int
) -> Checkup:
    """Run an untrained model A forward and backward on a batch.

    It is in evaluation mode, without dropout, and its inputs are standardised by the given dates
    alone. Beside a team prior the scorer starts at zero and passes no gradient on to attention and
    encoder, so one optimiser step comes first.

    Args:
        data: Some dates.
        first: Number of the batch's first list among the lists of these dates.
        model: Architecture, loss and lists per batch.
        trainer: Device and precision.
        seed: Seed of the weights.

    Raises:
        ConfigError: There is no such device.
        ValueError: A feature of the team prior is missing, or `fallback=error` and a set falls
            back.
    """
    device = device_of(trainer)
    team_prior = data.team_prior(model.team_prior)
    floor = None
    if model.games.enabled and data.sets.games is not None:
        settings = replace(model.games, iterations=GAME_STEPS)
        floor = GameFloor.fit(
            data.sets.games, data.sets.frame["season"].unique().tolist(), settings
        )
    inputs = Inputs.fit(data.sets, team_prior, floor)
    lists = inputs.lists(data.sets, team_prior, data.set_relevance(), model.list_scope)
    chosen = slice(first, first + model.lists_per_batch)
    batch = {name: tensor[chosen].to(device) for name, tensor in lists.tensors.items()}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = ModelA(
            columns=inputs.scaler.outputs,
            prior_columns=inputs.prior.columns,
            vocabulary_size=len(inputs.vocabulary),
            config=asdict(model),
            seed=seed,
        ).to(device)
    module.eval()
    autocast = _autocast(trainer.precision, device)
    stepped = bool(inputs.prior.columns)
    if stepped:
        _backward(module, batch, autocast)
        torch.optim.AdamW(module.parameters(), lr=model.learning_rate).step()
    ranked, loss = _backward(module, batch, autocast)
    found = diagnose(
        ranked,
        batch,
        gradient_norms(module.ranker),
        minutes_bias_weight=model.attention.minutes_bias_weight,
        floor=floor,
    )
    if isfinite(loss):
        cause = cause_in_data(found) or cause_in_network(found, model.attention.pooling)
        explanation = explain(cause, found) if cause else ""
    else:
        cause, explanation = Cause.NOT_FINITE, explain_not_finite(loss, batch)
    return Checkup(
        row=lists.row[chosen],
        ranked=Ranked(*(tensor.detach().cpu() for tensor in ranked)),
        loss=loss,
        diagnostics=found,
        cause=cause,
        explanation=explanation,
        stepped=stepped,
        game_losses=[] if floor is None else floor.losses,
    )


def _backward(
    module: ModelA, batch: Batch, autocast: AbstractContextManager
) -> tuple[Ranked, float]:
    module.zero_grad()
    with autocast:
        ranked = module.score_batch(batch)
        loss: Tensor = module.loss(ranked, batch)
    loss.backward()
    return ranked, loss.item()


def _autocast(precision: str, device: torch.device) -> AbstractContextManager:
    dtypes = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
    if precision not in dtypes:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtypes[precision])
