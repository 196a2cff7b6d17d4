"""Rows of one raw roster file into rows of one form."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw.files import RawFile


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every row without date, team or player.

    Returns:
        Columns `file`, `row`, `named_season` (by the file's name, or empty), `date`, `team` (as
        written), `abbreviation`, `player_id` (float64) and `player_name`, null where there is none.
        After an error the rows are not fit for use.
    """
    rows = frame[["file", "row"]].assign(named_season=pd.Series(raw.season, frame.index, "str"))
    rows["date"], _ = columns.dates(frame, "DATE", None, issues)
    rows["abbreviation"] = columns.text(frame, "TEAM_ABBREVIATION").str.upper()
    shown = [name for name in ("TEAM_ID", "TEAM_ABBREVIATION") if name in frame]
    team = columns.text(frame, "TEAM_ID").fillna(rows["abbreviation"])
    rows["team"] = columns.check_teams(team, frame, shown, issues)
    rows["player_id"] = columns.player_ids(frame, issues)
    rows["player_name"] = columns.text(frame, "PLAYER_NAME")
    nobody = rows["player_id"].isna() & rows["player_name"].isna()
    remedy = "Give the id or the name of the player, or remove the rows."
    issues.error("no player", frame, nobody, shown, remedy)
    return rows
