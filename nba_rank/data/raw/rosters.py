"""Players of one raw roster file."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw.files import RawFile


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of one roster file.

    Returns:
        Columns `named_season` (by the file's name, or empty), `date`, `team`, `abbreviation`,
        `player_id` (float64) and `player_name`, null where there is none.
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
