"""What each part of a model is worth: its skill with it minus its skill without it."""

import numpy as np
import pandas as pd

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.compare import bootstrap_mean
from nba_rank.evaluation.metrics import spearman

TIDY_COLUMNS = ["variant", "season", "as_of_point", "spearman"]

SUMMARY_COLUMNS = [
    "variant", "as_of_point", "mean", "cost", "cost_low", "cost_high", "n_seasons",
]  # fmt: skip


def spearman_by_point(
    scores: pd.DataFrame, points: pd.DataFrame, results: pd.DataFrame
) -> pd.DataFrame:
    """Judge scores against the outcome, over all teams of each as-of point.

    Args:
        scores: Columns `season`, `as_of_date`, `team_id`, `score` (higher is better); other dates
            than those of the points are ignored.
        points: Columns `season`, `as_of_date`, `as_of_point`.
        results: Columns `season`, `team_id`, `outcome_rank` (1 is best).

    Returns:
        Columns `season`, `as_of_point`, `spearman` (-1 to 1), sorted by season and point.

    Raises:
        ValueError: A team has no score at a point.
    """
    named = points.loc[points["as_of_point"] != "", ["season", "as_of_date", "as_of_point"]]
    judged = named.merge(scores, on=["season", "as_of_date"], how="left")
    unscored = judged["score"].isna()
    if unscored.any():
        first = judged[unscored].iloc[0]
        raise ValueError(
            f"no players are known in {first['season']} on {first['as_of_date']:%Y-%m-%d}, so "
            "there is no score to judge: test seasons with player logs, see folds.n_test_seasons"
        )
    judged = judged.merge(results, on=["season", "team_id"], validate="many_to_one")
    rows = [
        (season, point, spearman(rows["score"], rows["outcome_rank"]))
        for (season, point), rows in judged.groupby(["season", "as_of_point"])
    ]
    tidy = pd.DataFrame(rows, columns=TIDY_COLUMNS[1:])
    return tidy.sort_values(["season", "as_of_point"], key=_position, ignore_index=True)


def ablation_costs(
    tidy: pd.DataFrame, full: str, rng: np.random.Generator, n_resamples: int
) -> pd.DataFrame:
    """Pair every variant with the full model, season by season.

    Args:
        tidy: Columns `variant`, `season`, `as_of_point`, `spearman`.
        full: Name of the full model among the variants.
        rng: Source of the resamples over seasons.
        n_resamples: Number of resamples.

    Returns:
        One row a variant and as-of point, in their order: `variant`, `as_of_point`, `mean` (mean
        Spearman over seasons), `cost` (mean of the full model's Spearman minus the variant's) and
        its 95% interval `cost_low`, `cost_high` (NaN with too few seasons), `n_seasons`. Above
        zero the full model is ahead.
    """
    variants = list(dict.fromkeys(tidy["variant"]))
    by_season = tidy.pivot(  # noqa: PD010
        index="season", columns=["variant", "as_of_point"], values="spearman"
    )
    cells = pd.MultiIndex.from_product(
        [variants, [point for point in AS_OF_POINTS if point in set(tidy["as_of_point"])]],
        names=["variant", "as_of_point"],
    )
    own = by_season.reindex(columns=cells)
    same_point = by_season[full][cells.get_level_values("as_of_point")]
    cost = bootstrap_mean(same_point.to_numpy() - own.to_numpy(), rng, n_resamples)
    summary = cells.to_frame(index=False).assign(
        mean=own.mean().to_numpy(),
        cost=cost["mean"],
        cost_low=cost["low"],
        cost_high=cost["high"],
        n_seasons=cost["n_seasons"],
    )
    return summary[SUMMARY_COLUMNS]


def _position(column: pd.Series) -> pd.Series:
    return column.map(AS_OF_POINTS.index) if column.name == "as_of_point" else column
