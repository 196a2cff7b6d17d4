"""Is model A's attention faithful? Means over seasons of what taking players out does."""

import numpy as np
import pandas as pd

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.compare import bootstrap_mean

_EFFECTS = ("top", "like_minutes", "difference", "top_moves_more")


def summarise_occlusion(
    effects: pd.DataFrame, rng: np.random.Generator, n_resamples: int = 10_000
) -> pd.DataFrame:
    """Average over the teams of each season, then over seasons.

    Args:
        effects: Columns `season`, `as_of_point`, and `top` and `like_minutes` of
            `nba_rank.models.model_a.faithfulness.occlusion_effects`; one row a team.
        rng: Source of the resamples over seasons.
        n_resamples: Number of resamples.

    Returns:
        One row an `as_of_point`, in order, with 95% intervals `<name>_low` and `<name>_high` (NaN
        with too few seasons) of `top`, `like_minutes` and `difference` (top minus that, above zero
        where attention is faithful), all in the unit of model A's scores, and of `top_moves_more`
        (share of teams whose score moves more without the player of most attention, 0 to 1);
        `n_seasons`. Empty where `effects` is.
    """
    if effects.empty:
        return pd.DataFrame()
    values = effects[["season", "as_of_point", "top", "like_minutes"]].assign(
        difference=effects["top"] - effects["like_minutes"],
        top_moves_more=effects["top"] > effects["like_minutes"],
    )
    means = values.groupby(["season", "as_of_point"]).mean().astype(float)
    points = [point for point in AS_OF_POINTS if point in set(effects["as_of_point"])]
    parts: dict[str, pd.Series] = {"as_of_point": pd.Series(points, dtype="str")}
    for name in _EFFECTS:
        by_season = means[name].unstack("as_of_point")[points]  # noqa: PD010
        boot = bootstrap_mean(by_season.to_numpy(), rng, n_resamples)
        parts |= {name: boot["mean"], f"{name}_low": boot["low"], f"{name}_high": boot["high"]}
    return pd.DataFrame(parts).assign(n_seasons=boot["n_seasons"])
