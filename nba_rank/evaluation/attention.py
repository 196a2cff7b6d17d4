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

TOP, OTHER = "top", "other"
"""What is taken out: the player or game of most attention, or a similar one."""


def last_epochs(diagnostics: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each network in `EvaluationResult.diagnostics`, and if it is `alive`.

    With early stopping it is that of the weights that are kept, of the lowest `val_set_loss`. Alive
    is: the entropy ratio lies between `ALIVE_ENTROPY_RATIO`, `prior_kl` has grown by more than
    `PRIOR_KL_GAIN` since the first row, no weights fell back, and all gradients are finite and
    above zero. The attention over games, if any, is alive (`games_alive`) where its weights differ
    from those of minutes and decay by as much and the ratings explain some of the margins.
    """
    key = ["fit", "network"]
    ordered = diagnostics.sort_values([*key, "epoch"], kind="stable")
    networks = ordered.groupby(key, sort=False)
    kept = ordered["val_set_loss"] == networks["val_set_loss"].transform("min")
    rows = ordered.assign(kept=kept).sort_values("kept", kind="stable")
    rows = rows.groupby(key).tail(1).drop(columns="kept").sort_values(key).reset_index(drop=True)
    gain = rows["prior_kl"] - networks.head(1).reset_index(drop=True)["prior_kl"]
    low, high = ALIVE_ENTROPY_RATIO
    gradients = rows[GRADIENTS].to_numpy(dtype=np.float64)
    alive = (
        rows["entropy_ratio"].between(low, high, inclusive="neither")
        & (gain > PRIOR_KL_GAIN)
        & (rows["fallback_share"] == 0)
        & (np.isfinite(gradients) & (gradients > 0)).all(axis=1)
    )
    games_alive = (rows["game_kl"] > PRIOR_KL_GAIN) & (rows["game_gain"] > 0)
    return rows.assign(alive=alive, games_alive=games_alive)


def health_summary(last: pd.DataFrame) -> pd.DataFrame:
    """Return `mean`, `lowest` and `highest` over the networks of `last_epochs`, by `statistic`."""
    shown = ["set_loss", "val_set_loss", "set_variance", "prior_kl", "entropy_ratio"]
    shown += ["attention_max", "fallback_share", "score_spread", "game_kl", "game_gain", *GRADIENTS]
    known = last[shown].replace([np.inf, -np.inf], np.nan).dropna(axis="columns", how="all")
    table = known.agg(["mean", "min", "max"]).T.rename_axis("statistic").reset_index()
    return table.rename(columns={"min": "lowest", "max": "highest"})


def faithfulness(effects: pd.DataFrame) -> pd.DataFrame:
    """Compare what has most attention with something similar by how far scores move without it.

    `effects` are those of `nba_rank.models.model_a.faithfulness`, with the point.

    Returns:
        What `paired` returns of `score_change` (mean over the teams, in the unit of model A's
        scores) by as-of point, `left_out` and `moves_more`: the share of teams, mean over seasons,
        whose score moves more without what has most attention.
    """
    if effects.empty:
        return pd.DataFrame(columns=[*PAIRED_COLUMNS, "left_out", "moves_more"])
    kinds = effects.groupby("left_out", sort=False)
    return pd.concat([_faithfulness(rows).assign(left_out=kind) for kind, rows in kinds])


def _faithfulness(effects: pd.DataFrame) -> pd.DataFrame:
    key = ["season", "as_of_point"]
    more = (effects[TOP] > effects[OTHER]).astype(float)
    lists = effects.assign(moves_more=more).groupby(key)[[TOP, OTHER, "moves_more"]].mean()
    share = lists.pop("moves_more").groupby("as_of_point").mean()
    tidy = lists.reset_index().melt(key, var_name="ranker")
    tidy = tidy.assign(scope="league", metric="score_change")[TIDY_COLUMNS]
    order = tidy["as_of_point"].map(AS_OF_POINTS.index)
    table = paired(tidy.iloc[order.argsort(kind="stable")], OTHER)
    return table.assign(moves_more=table["as_of_point"].map(share))
