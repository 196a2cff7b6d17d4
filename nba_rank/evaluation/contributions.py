"""What each member adds to the stack: the stack with it minus the stack without it."""

import numpy as np
import pandas as pd

from nba_rank.evaluation.compare import bootstrap_mean

WITHOUT = "without_"
"""Start of the name of the stack that leaves a member out."""

_LIST = ["as_of_point", "scope"]
_COLUMNS = ["member", *_LIST, "spearman", "spearman_without", "gain", "gain_low", "gain_high",
            "n_seasons"]  # fmt: skip


def contributions(
    tidy: pd.DataFrame, ranker: str, rng: np.random.Generator, n_resamples: int
) -> pd.DataFrame:
    """Pair the stack with the stacks that leave one member out, season by season.

    Args:
        tidy: What `nba_rank.evaluation.evaluate.evaluate` returns for `ranker` and for rankers
            named `without_<member>`.
        ranker: Name of the full stack.
        rng: Source of the resamples over seasons.
        n_resamples: Number of resamples.

    Returns:
        One row a member, as-of point and scope: `member`, `as_of_point`, `scope`, `spearman` (mean
        of the full stack over the seasons that both have), `spearman_without`, `gain` (their
        difference) and its 95% interval `gain_low`, `gain_high` (NaN with too few seasons),
        `n_seasons`; in the order of `tidy`. Empty where no stack leaves a member out.
    """
    rows = tidy[tidy["metric"] == "spearman"]
    lists = rows.loc[rows["ranker"] == ranker, _LIST].drop_duplicates(ignore_index=True)
    cells = pd.MultiIndex.from_frame(lists)

    def by_season(name: str) -> pd.DataFrame:
        own = rows[rows["ranker"] == name]
        wide = own.pivot(index="season", columns=_LIST, values="value")  # noqa: PD010
        return wide.reindex(index=rows["season"].unique(), columns=cells)

    full = by_season(ranker)
    parts = []
    for name in rows["ranker"].unique():
        if not name.startswith(WITHOUT):
            continue
        without = by_season(name)
        both = full.notna() & without.notna()
        gain = bootstrap_mean((full - without).to_numpy(), rng, n_resamples)
        part = lists.assign(
            member=name.removeprefix(WITHOUT),
            spearman=full.where(both).mean().to_numpy(),
            spearman_without=without.where(both).mean().to_numpy(),
            gain=gain["mean"],
            gain_low=gain["low"],
            gain_high=gain["high"],
            n_seasons=gain["n_seasons"],
        )
        parts.append(part[_COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)
