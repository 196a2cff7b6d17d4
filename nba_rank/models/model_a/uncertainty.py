"""Spread of model A's scores over networks and dropout samples.

Letters: S samples, B lists, L teams in a list, N teams of one date.

Source: Gal and Ghahramani (2016), "Dropout as a Bayesian Approximation".
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nba_rank.models.model_a.network import Network
from nba_rank.samples.lists import Batch

INTERVALS = (
    "model_a_score_spread_low",
    "model_a_score_spread_high",
    "model_a_rank_spread_low",
    "model_a_rank_spread_high",
)
"""Spread over networks and dropout samples: 5th and 95th percentile of the score, and of the rank
on the date (1 is best). No forecast interval: far fewer outcomes than 90% lie inside."""

_PERCENTILES = (5, 95)

NOMINAL_COVERAGE = (_PERCENTILES[1] - _PERCENTILES[0]) / 100
"""Share of the samples that lies between the bounds."""


def has_dropout(network: Network) -> bool:
    """Return whether dropout can change a network's scores."""
    return any(dropout.p > 0 for dropout in _dropouts(network))


def dropout_scores(network: Network, batch: Batch, n_samples: int, seed: int) -> Tensor:
    """Score lists with dropout on, all samples in one pass; the global random state is kept.

    Args:
        network: The network, in evaluation mode.
        batch: B lists, on its device.
        n_samples: Samples S.
        seed: Seed of the dropout.

    Returns:
        Scores [S, B, L].
    """
    repeated = {
        name: tensor.repeat(n_samples, *[1] * (tensor.dim() - 1)) for name, tensor in batch.items()
    }
    dropouts = _dropouts(network)
    with torch.random.fork_rng(devices=[network.device] if network.device.type == "cuda" else []):
        torch.manual_seed(seed)
        for dropout in dropouts:
            dropout.train()
        score = network.score_batch(repeated).score
        for dropout in dropouts:
            dropout.eval()
    return score.unflatten(0, (n_samples, -1))


def _dropouts(network: Network) -> list[nn.Dropout]:
    return [module for module in network.modules() if isinstance(module, nn.Dropout)]


def intervals(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return `INTERVALS` of the teams of one date, [N, 4]; ranks are rounded outwards.

    Args:
        samples: Scores of the date's teams in each sample, higher is better, [S, N]; NaN for a
            team without players.
    """
    order = np.argsort(-samples, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable") + 1.0
    rank[np.isnan(samples)] = np.nan
    low, high = np.percentile(samples, _PERCENTILES, axis=0)
    best, worst = np.percentile(rank, _PERCENTILES, axis=0)
    return np.stack([low, high, np.floor(best), np.ceil(worst)], axis=1)
