"""Rows of one raw file of stints."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import LINE_UP, RawFile
from nba_rank.data.tables import LINE_UP as TABLE_LINE_UP

_COUNTS = {
    "PERIOD": "period",
    "HOME_TEAM_ID": "home_team_id", "AWAY_TEAM_ID": "away_team_id",
    "PTS_H": "home_points", "PTS_A": "away_points",
    "POSS_H": "home_possessions", "POSS_A": "away_possessions",
}  # fmt: skip
_TIMES = {"START": "start", "END": "end"}


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of one file of stints.

    Returns:
        Columns `game_id` (ten digits), `home_team_id`, `away_team_id`, and of the table `stints`
        those that are not of the whole game; all numbers are float64.
    """
    rows = columns.game_ids(frame, issues)
    frame = frame.loc[rows.index]
    for column, name in {**_COUNTS, **_TIMES}.items():
        found = columns.numbers(frame, column, issues, required=True)
        odd = (found < 0) | ((found % 1 > 0) & (column in _COUNTS))
        remedy = "Correct the value, or remove all rows of the game."
        issues.error(f"impossible {column}", frame, odd, ["GAME_ID", column], remedy)
        rows[name] = found
    for column, name in zip(LINE_UP, TABLE_LINE_UP, strict=True):
        rows[name] = columns.player_ids(frame, issues, column, ["GAME_ID"]).fillna(0.0)
    known = (rows[[*TABLE_LINE_UP]] > 0).all(axis=1)
    issues.warn("player on court unknown", frame, ~known, ["GAME_ID", "PERIOD", "START"])
    if "FULL_10" in frame:
        more = known & raw_values.present(frame["FULL_10"]) & ~raw_values.truths(frame["FULL_10"])
        issues.warn(
            "not ten players on court (FULL_10), though ten are given: all are unknown",
            frame, more, ["GAME_ID", "PERIOD", "START"],
        )  # fmt: skip
        rows.loc[more, [*TABLE_LINE_UP]] = 0.0
    return rows
