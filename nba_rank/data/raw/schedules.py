"""Rows of one raw schedule file into rows of one form."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every row without date or team, and for one whose NEUTRAL
            is neither true nor false.

    Returns:
        Columns `file`, `row`, `named_season` (by the file's name, or empty), `date`, `home`,
        `away` (as written), `neutral_site`. After an error the rows are not fit for use.
    """
    rows = frame[["file", "row"]].assign(named_season=pd.Series(raw.season, frame.index, "str"))
    rows["date"], _ = columns.dates(frame, "DATE", None, issues)
    for side in ("HOME", "AWAY"):
        rows[side.lower()] = columns.check_teams(columns.text(frame, side), frame, [side], issues)
    rows["neutral_site"] = False
    if "NEUTRAL" in frame:
        rows["neutral_site"] = raw_values.truths(frame["NEUTRAL"])
        written = columns.text(frame, "NEUTRAL").str.lower()
        known = written.isna() | rows["neutral_site"] | written.isin(["false", "0", "0.0"])
        remedy = "NEUTRAL is true or false; leave it empty where it is not known."
        issues.error("NEUTRAL not understood", frame, ~known, ["NEUTRAL"], remedy)
    return rows
