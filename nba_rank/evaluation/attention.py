"""Is model A's attention alive when training ends, and is it faithful to what moves the score?"""

import numpy as np
import pandas as pd

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.paired import PAIRED_COLUMNS, paired
from nba_rank.models.model_a.diagnostics import PARTS

ALIVE_ENTROPY_RATIO = (0.2, 0.98)
"""Below, a team is about one player; above, its players count almost alike."""

PRIOR_KL_GAIN = 0.02
"""Nats by which training has to move the weights away from the minutes prior.

Weights that are off by a fifth of their size reach it. Untrained networks are within 0.005 nats of
the prior, networks that learn a planted task end at about 1.
"""

GRADIENTS = [f"gradient_{part}" for part in PARTS]
"""Columns of the diagnostics that hold gradient norms."""

TOP, OTHER = "top", "like_minutes"
"""Who is taken out: the player of most attention, or the team-mate of most similar minutes."""


def last_epochs(diagnostics: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each network in `EvaluationResult.diagnostics`, and if it is `alive`.

    That is: the entropy ratio lies between `ALIVE_ENTROPY_RATIO`, `prior_kl` has grown by more than
    `PRIOR_KL_GAIN` since the first row, no weights fell back, and all gradients are finite and
    above zero.
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
    """Return `mean`, `lowest` and `highest` over the networks of `last_epochs`, by `statistic`."""
    shown = ["prior_gain", "prior_kl", "entropy_ratio", "attention_max", "fallback_share"]
    shown += ["score_spread", *GRADIENTS]
    table = last[shown].agg(["mean", "min", "max"]).T.rename_axis("statistic").reset_index()
    return table.rename(columns={"min": "lowest", "max": "highest"})


def faithfulness(effects: pd.DataFrame) -> pd.DataFrame:
    """Compare the player of most attention with one of like minutes by how far scores move.

    `effects` are those of `nba_rank.models.model_a.faithfulness.occlusion_effects`, with the point.

    Returns:
        What `paired` returns of `score_change` (mean over the teams, in the unit of model A's
        scores) by as-of point, and `moves_more`: the share of teams, mean over seasons, whose score
        moves more without the player of most attention.
    """
    if effects.empty:
        return pd.DataFrame(columns=[*PAIRED_COLUMNS, "moves_more"])
    key = ["season", "as_of_point"]
    more = (effects[TOP] > effects[OTHER]).astype(float)
    lists = effects.assign(moves_more=more).groupby(key)[[TOP, OTHER, "moves_more"]].mean()
    share = lists.pop("moves_more").groupby("as_of_point").mean()
    tidy = lists.reset_index().melt(key, var_name="ranker")
    tidy = tidy.assign(scope="league", metric="score_change")[TIDY_COLUMNS]
    order = tidy["as_of_point"].map(AS_OF_POINTS.index)
    table = paired(tidy.iloc[order.argsort(kind="stable")], OTHER)
    return table.assign(moves_more=table["as_of_point"].map(share))
