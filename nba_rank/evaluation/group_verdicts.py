"""Which feature groups bring more than noise, and which cost more than they bring."""

from collections.abc import Mapping

import pandas as pd

from nba_rank.evaluation.ablations import MEAN

BRINGS, COSTS, OPEN, UNTOLD = "brings", "costs", "open", "untold"
"""More than noise; more cost than gain; neither; too few seasons to tell."""

DEAR = 0.10
"""Share of the time to build all features from which a group has to bring more than noise."""


def verdicts(gains: pd.DataFrame, seconds: Mapping[str, float]) -> pd.DataFrame:
    """Judge each group by what it adds to all others.

    A group brings more than noise where the interval of its gain lies above zero in the mean over
    the as-of points, or at two neighbouring points. One that does not costs more than it brings
    where its mean gain is not above zero (to three decimals), or where building it takes more than
    `DEAR` of the time to build them all.

    Args:
        gains: What `nba_rank.evaluation.ablations.paired_gains` returns, a part a group.
        seconds: Build time of every group that is on, by name.

    Returns:
        One row a group, in the order of `gains`: `group`, `gain` (in the mean over the points),
        `gain_low`, `gain_high`, `seconds`, `share` (of all groups' build time, 0 to 1), `verdict`.
    """
    total = sum(seconds.values())
    rows = []
    for part, lists in gains.groupby("part", sort=False):
        name = str(part)
        (mean,) = lists[lists["as_of_point"] == MEAN].to_dict("records")
        share = seconds[name] / total
        if pd.isna(mean["gain_low"]):
            verdict = UNTOLD
        elif brings(lists):
            verdict = BRINGS
        else:
            verdict = COSTS if round(mean["gain"], 3) <= 0 or share > DEAR else OPEN
        interval = (mean["gain"], mean["gain_low"], mean["gain_high"])
        rows.append((name, *interval, seconds[name], share, verdict))
    columns = ["group", "gain", "gain_low", "gain_high", "seconds", "share", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def brings(lists: pd.DataFrame) -> bool:
    """Return whether the gains of one part are more than noise, see `verdicts`."""
    league = lists[lists["scope"] == "league"]
    is_mean = league["as_of_point"] == MEAN
    above = league.loc[~is_mean, "firm"] > 0
    neighbours = above & above.shift(fill_value=False)
    return bool((league.loc[is_mean, "firm"] > 0).any() or neighbours.any())
