"""Is model A's attention alive when training ends? One row a network."""

import numpy as np
import pandas as pd

from nba_rank.models.model_a.diagnostics import PARTS

ALIVE_ENTROPY_RATIO = (0.2, 0.98)
"""Below, a team is about one player; above, the weights say hardly more than that all count."""

PRIOR_KL_GAIN = 0.02
"""Nats by which training has to move the weights away from the minutes prior.

It is what weights show that are off by a fifth of their size. Untrained networks are within 0.005
nats of the prior, networks that learn a planted task end at about 1.
"""

GRADIENTS = [f"gradient_{part}" for part in PARTS]
"""Columns of the diagnostics that hold gradient norms."""


def last_epochs(diagnostics: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each network, and whether its attention is alive.

    Args:
        diagnostics: Columns `fit`, `network`, `epoch` and the names of
            `nba_rank.models.model_a.diagnostics.Diagnostics.to_dict`.

    Returns:
        The same columns and `alive`: the entropy ratio lies between `ALIVE_ENTROPY_RATIO`,
        `prior_kl` has grown by more than `PRIOR_KL_GAIN` since the network's first row, no weights
        fell back, and the gradients of all parts are finite and above zero.
    """
    key = ["fit", "network"]
    networks = diagnostics.sort_values([*key, "epoch"], kind="stable").groupby(key, sort=False)
    rows = networks.tail(1).reset_index(drop=True)
    gain = rows["prior_kl"] - networks.head(1).reset_index(drop=True)["prior_kl"]
    low, high = ALIVE_ENTROPY_RATIO
    gradients = rows[GRADIENTS].to_numpy(dtype=np.float64)
    alive = (
        rows["entropy_ratio"].between(low, high, inclusive="neither")
        & (gain > PRIOR_KL_GAIN)
        & (rows["fallback_share"] == 0)
        & (np.isfinite(gradients) & (gradients > 0)).all(axis=1)
    )
    return rows.assign(alive=alive)


def health_summary(last: pd.DataFrame) -> pd.DataFrame:
    """Summarise over networks what `last_epochs` returns.

    Returns:
        One row a `statistic`: `mean`, `lowest`, `highest` over networks.
    """
    shown = ["prior_gain", "prior_kl", "entropy_ratio", "attention_max", "fallback_share"]
    shown += ["score_spread", *GRADIENTS]
    table = last[shown].agg(["mean", "min", "max"]).T.rename_axis("statistic").reset_index()
    return table.rename(columns={"min": "lowest", "max": "highest"})
