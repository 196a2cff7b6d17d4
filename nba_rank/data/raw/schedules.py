"""Fixtures of one raw schedule file."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return `named_season` (of the file's name, or empty), `date`, both teams, `neutral_site`."""
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
