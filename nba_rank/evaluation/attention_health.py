"""Is model A's attention alive when training ends? One row a network."""

import numpy as np
import pandas as pd

from nba_rank.models.model_a.diagnostics import PARTS

ALIVE_ENTROPY_RATIO = (0.2, 0.98)
"""Below, a team is about one player; above, the weights say hardly more than that all count."""

GRADIENTS = [f"gradient_{part}" for part in PARTS]
"""Columns of the diagnostics that hold gradient norms."""


def last_epochs(diagnostics: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each network, and whether its attention is alive.

    Args:
        diagnostics: Columns `fit`, `network`, `epoch` and the names of
            `nba_rank.models.model_a.diagnostics.Diagnostics.to_dict`.

    Returns:
        The same columns and `alive`: the entropy ratio lies between `ALIVE_ENTROPY_RATIO`, no
        weights fell back, and the gradients of all parts are finite and above zero.
    """
    last = diagnostics.sort_values("epoch", kind="stable").groupby(["fit", "network"], sort=False)
    rows = last.tail(1).sort_values(["fit", "network"], ignore_index=True)
    low, high = ALIVE_ENTROPY_RATIO
    gradients = rows[GRADIENTS].to_numpy(dtype=np.float64)
    alive = (
        rows["entropy_ratio"].between(low, high, inclusive="neither")
        & (rows["fallback_share"] == 0)
        & (np.isfinite(gradients) & (gradients > 0)).all(axis=1)
    )
    return rows.assign(alive=alive)


def health_summary(last: pd.DataFrame) -> pd.DataFrame:
    """Summarise over networks what `last_epochs` returns.

    Returns:
        One row a `statistic`: `mean`, `lowest`, `highest` over networks.
    """
    shown = ["entropy_ratio", "attention_max", "fallback_share", "score_spread", *GRADIENTS]
    table = last[shown].agg(["mean", "min", "max"]).T.rename_axis("statistic").reset_index()
    return table.rename(columns={"min": "lowest", "max": "highest"})
