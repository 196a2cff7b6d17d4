"""Rows that several files, or several places of one file, have of the same thing."""

from collections.abc import Sequence

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues

_SOURCE = ["file", "row", "folder", "modified"]


def of_last_folder(
    rows: pd.DataFrame, key: list[str], shown: list[str], issues: IngestIssues
) -> pd.DataFrame:
    """Leave of all rows with one key those of the last raw folder (`folder`), with a warning."""
    if rows["folder"].nunique() < 2:
        return rows
    last = rows.groupby(key, dropna=False)["folder"].transform("max")
    earlier = rows["folder"] < last
    return issues.drop("a later raw folder has the same row", rows, earlier, shown)


def deduplicate(
    rows: pd.DataFrame,
    key: list[str],
    shown: Sequence[str],
    issues: IngestIssues,
    trust: pd.Series | None = None,
) -> pd.DataFrame:
    """Keep one row a key, with a warning.

    Of equal rows it is the first. Of rows with other values it is the one with the highest `trust`;
    among those, that of the file modified last (`modified`, seconds), and in it the last one. Only
    rows of the last raw folder that has any are compared.
    """
    rows = of_last_folder(rows, key, key, issues)
    repeated = rows[rows.duplicated(key, keep=False)]
    if repeated.empty:
        return rows
    equal = repeated.duplicated([column for column in rows if column not in _SOURCE])
    issues.warn("duplicate rows removed", repeated, equal, key)
    unequal = repeated[~equal]
    order = unequal[["modified", "file", "row"]].assign(trust=0 if trust is None else trust)
    order = order.sort_values(["trust", "modified", "file", "row"])
    beaten = unequal[key].loc[order.index].duplicated(keep="last").sort_index()
    issues.warn(
        "corrected elsewhere: of rows with the same key and other values the one that agrees with "
        "the rest is kept, else that of the newer file, else the later one",
        unequal, beaten, [*key, *shown],
    )  # fmt: skip
    return rows.drop(index=repeated.index[equal].append(unequal.index[beaten]))
