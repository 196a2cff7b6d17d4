"""Rows that files of several raw folders have."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues


def of_last_folder(
    rows: pd.DataFrame, key: list[str], shown: list[str], issues: IngestIssues
) -> pd.DataFrame:
    """Leave of all rows with one key those of the last raw folder (`folder`), with a warning."""
    if rows["folder"].nunique() < 2:
        return rows
    last = rows.groupby(key, dropna=False)["folder"].transform("max")
    earlier = rows["folder"] < last
    issues.warn("dropped: a later raw folder has the same row", rows, earlier, shown)
    return rows[~earlier]
