"""Rows of one raw schedule file into rows of one form.

Which team a row means, and whether its game has been played, takes the game logs to say:
`nba_rank.data.schedules` does that.
"""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile, read_dates

_FALSE = ("false", "0", "0.0")


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every row without date or team, and for one whose NEUTRAL
            is neither true nor false, with file, row and value.

    Returns:
        Columns `file`, `row`, `named_season` (the season that the file's name promises, or empty),
        `date`, `home`, `away` (id or abbreviation, as text), `neutral_site` (False where the file
        does not say). After an error the rows are not fit for use.
    """
    rows = frame[["file", "row"]].assign(named_season=pd.Series(raw.season, frame.index, "str"))
    rows["date"], _ = read_dates(frame, "DATE", None, issues)
    for side in ("HOME", "AWAY"):
        rows[side.lower()] = raw_values.text(frame[side]).astype("str")
        remedy = "Give the id or the abbreviation of the team, or remove the rows."
        issues.error("no team", frame, rows[side.lower()].isna(), [side], remedy)
    rows["neutral_site"] = False
    if "NEUTRAL" in frame:
        neutral = raw_values.truths(frame["NEUTRAL"])
        written = raw_values.text(frame["NEUTRAL"]).astype("str").str.lower()
        unclear = written.notna() & ~neutral & ~written.isin(_FALSE)
        remedy = "NEUTRAL is true or false; leave it empty where it is not known."
        issues.error("NEUTRAL not understood", frame, unclear, ["NEUTRAL"], remedy)
        rows["neutral_site"] = neutral
    return rows
