"""The networks of model A, one by one: their scores, and how much their sets say."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from nba_rank.core.workers import one_thread
from nba_rank.features.store import KEY
from nba_rank.models.model_a.diagnostics import diagnose
from nba_rank.models.model_a.fitted import FittedModelA
from nba_rank.samples.dataset import Dataset


class NetworkScores(NamedTuple):
    """What each network of model A says of the teams of some dates.

    Attributes:
        frame: `season`, `as_of_date`, `team_id` and the score of each network in the column
            `network_0` and so on.
        measures: A row a network: `network`, its column; `prior_kl`, the Kullback-Leibler
            divergence of its attention from the shares of minutes, nats; `set_variance`, the
            variance of the set's part of the score over that of the skip on the team prior, within
            the teams of a list, NaN without a prior.
    """

    frame: pd.DataFrame
    measures: pd.DataFrame


def network_scores(model: FittedModelA, data: Dataset) -> NetworkScores:
    """Score the player sets of a dataset by each network alone, without dropout."""
    sets, prior = data.sets, data.set_features(model.inputs.features)
    unknown = np.zeros(len(sets.frame), dtype=np.float32)
    settings = model.networks[0].config
    lists = model.inputs.lists(sets, prior, unknown, settings.list_scope)
    teams = lists.row >= 0
    row = lists.row[teams]
    batch = {name: tensor.to(model.networks[0].device) for name, tensor in lists.tensors.items()}
    scores, measures = {}, []
    with one_thread(), torch.inference_mode():
        for number, network in enumerate(model.networks):
            ranked, name = network.score_batch(batch), f"network_{number}"
            scores[name] = np.zeros(len(row))
            scores[name][row] = ranked.score.cpu().numpy()[teams]
            found = diagnose(
                ranked, batch, minutes_bias_weight=settings.attention.minutes_bias_weight
            )
            share = np.nan if network.ranker.skip is None else found.set_variance
            measures.append((name, found.prior_kl, share))
    table = pd.DataFrame(measures, columns=["network", "prior_kl", "set_variance"])
    return NetworkScores(sets.frame[KEY].assign(**scores), table)


def network_summary(networks: pd.DataFrame) -> pd.DataFrame:
    """Summarise networks over the test seasons.

    `networks` has a row a `variant`, `season` and `network`, and columns of numbers.

    Returns:
        A row a variant: the mean of each number over seasons and networks, and, ending in `_sd`,
        the standard deviation over the networks of their means over the seasons, NaN for one.
    """
    means = networks.groupby(["variant", "network"], sort=False).mean(numeric_only=True)
    by_variant = means.groupby("variant", sort=False)
    spread = by_variant.std().add_suffix("_sd")
    return by_variant.mean().join(spread).reset_index()
