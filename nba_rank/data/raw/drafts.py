"""Drafts of the players of one raw file."""

import pandas as pd

from nba_rank.core.seasons import season_label
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw.files import RawFile


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of one file of players, without those who were not drafted.

    Years of play are in such files, too: they are not read, since the last one is the future.

    Returns:
        Columns `season` (the one that follows the draft), `player_id` and `pick`.
    """
    rows = frame[["file", "row"]].assign(player_id=columns.player_ids(frame, issues))
    remedy = "Give the id of the player, or remove the row."
    issues.error("no player", frame, rows["player_id"].isna(), ["PLAYER_ID"], remedy)
    written = ["DRAFT_YEAR", "DRAFT_NUMBER"]
    frame = frame.assign(**{name: frame[name].replace("Undrafted", None) for name in written})
    year = columns.numbers(frame, "DRAFT_YEAR", issues)
    rows["pick"] = columns.numbers(frame, "DRAFT_NUMBER", issues)
    remedy = "Both are whole numbers; leave them empty for players who were not drafted."
    for column, values, most in (("DRAFT_YEAR", year, 2100), ("DRAFT_NUMBER", rows["pick"], 300)):
        odd = values.notna() & ~(values.between(1, most) & (values % 1 == 0))
        issues.error(f"impossible {column}", frame, odd, ["PLAYER_ID", column], remedy)
    drafted = year.between(1947, 2100) & rows["pick"].notna()
    labels = {start: season_label(int(start)) for start in year[drafted].unique()}
    return rows.assign(season=year.map(labels).astype("str"))[drafted]
