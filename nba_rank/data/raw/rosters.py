"""Rows of one raw roster file into rows of one form.

Which team and player a row means takes the game logs to say: `nba_rank.data.rosters` does that.
"""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile, read_dates


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every row without date, team or player, with file, row and
            value.

    Returns:
        Columns `file`, `row`, `named_season` (the season that the file's name promises, or empty),
        `date`, `team` (id or abbreviation, as text), `abbreviation`, `player_id` (float64, NaN
        where the source has none), `player_name` (null where it has none). After an error the
        rows are not fit for use.
    """
    rows = frame[["file", "row"]].assign(named_season=pd.Series(raw.season, frame.index, "str"))
    rows["date"], _ = read_dates(frame, "DATE", None, issues)
    rows["abbreviation"] = _text(frame, "TEAM_ABBREVIATION").str.upper()
    rows["team"] = _text(frame, "TEAM_ID").fillna(rows["abbreviation"])
    shown = [name for name in ("TEAM_ID", "TEAM_ABBREVIATION") if name in frame]
    remedy = "Give the id or the abbreviation of the team, or remove the rows."
    issues.error("no team", frame, rows["team"].isna(), shown, remedy)

    written = _text(frame, "PLAYER_ID")
    ids = raw_values.numbers(raw_values.digits(written))
    bad = ids.isna() & written.notna()
    remedy = "A player id is a whole number; 0 or nothing where it is not known."
    issues.error("PLAYER_ID not understood", frame, bad, ["PLAYER_ID"], remedy)
    rows["player_id"] = ids.where(ids > 0)
    rows["player_name"] = _text(frame, "PLAYER_NAME")
    nobody = rows["player_id"].isna() & rows["player_name"].isna() & ~bad
    remedy = "Give the id or the name of the player, or remove the rows."
    issues.error("no player", frame, nobody, shown, remedy)
    return rows


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as stripped text; all null where the file lacks it."""
    if column in frame:
        return raw_values.text(frame[column]).astype("str")
    return pd.Series(None, index=frame.index, dtype="str")
