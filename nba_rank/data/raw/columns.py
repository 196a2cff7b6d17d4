"""Columns of one raw file as text, ids, numbers and dates; what cannot be read is an error."""

from collections.abc import Sequence

import pandas as pd

from nba_rank.core.seasons import is_season
from nba_rank.data import league
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import values as raw_values

OTHER_ZONE = (
    "Evening games stand on the day after where times are in UTC or another zone: give the "
    "league's day (US Eastern), or times with their zone such as 2023-11-04T00:30:00Z."
)
"""What to do about dates that seem to be of another zone."""


def text(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as stripped text, all null where the file lacks it."""
    if column in frame:
        return raw_values.text(frame[column])
    return pd.Series(None, index=frame.index, dtype="str")


def numbers(
    frame: pd.DataFrame, column: str, issues: IngestIssues, *, required: bool = False
) -> pd.Series:
    """Return a column as float64, all NaN where the file lacks it.

    Values that are no numbers are errors, and so are empty ones where they are required.
    """
    if column not in frame:
        return pd.Series(float("nan"), index=frame.index)
    found = raw_values.numbers(frame[column])
    bad = found.isna()
    if bad.any() and not required:
        bad &= raw_values.present(frame[column])
    other = "remove the row" if required else "leave it empty where it is not known"
    remedy = f"Correct the value, or {other}."
    issues.error(f"{column} is no number", frame, bad, [column], remedy)
    return found


def game_ids(frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return `file`, `row` and `game_id` (ten digits) of the rows that have one."""
    ids = raw_values.digits(frame["GAME_ID"], width=10)
    ids = ids.where(ids.str.len() == 10)
    remedy = "A game id has ten digits, with or without its leading zeros."
    issues.error("no game id", frame, ids.isna(), ["GAME_ID"], remedy)
    return frame[["file", "row"]].assign(game_id=ids).dropna(subset="game_id")


def player_ids(
    frame: pd.DataFrame, issues: IngestIssues, column: str = "PLAYER_ID", show: Sequence[str] = ()
) -> pd.Series:
    """Return the players' ids (float64), NaN where there is none or 0."""
    if column not in frame:
        return pd.Series(float("nan"), index=frame.index)
    written = frame[column]
    if not pd.api.types.is_numeric_dtype(written):
        written = raw_values.digits(written)
    ids = raw_values.numbers(written)
    ids = ids.where((ids >= 0) & (ids % 1 == 0))
    bad = ids.isna() & raw_values.present(frame[column])
    remedy = "A player id is a whole number; 0 or nothing where it is not known."
    issues.error(f"{column} not understood", frame, bad, [*show, column], remedy)
    return ids.where(ids > 0)


def seasons(frame: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    """Return the column SEASON, written like 2023-24."""
    found = text(frame, "SEASON")
    unread = ~found.map(is_season).astype("bool")
    issues.error("no season", frame, unread, ["SEASON"], "A season is written like 2023-24.")
    return found


def check_teams(
    teams: pd.Series, frame: pd.DataFrame, show: Sequence[str], issues: IngestIssues
) -> pd.Series:
    """Return teams as they are written; an empty one is an error that shows some columns."""
    remedy = "Give the name, the abbreviation or the id of the team, or remove the rows."
    issues.error("no team", frame, teams.isna(), show, remedy)
    return teams


def check_seasons(
    team_ids: pd.Series,
    seasons: pd.Series,
    rows: pd.DataFrame,
    show: Sequence[str],
    issues: IngestIssues,
) -> None:
    """Record an error for known teams that were not in the league in the season of their row."""
    remedy = "The team did not play in that season; correct either."
    known = team_ids.isin(league.known_team_ids())
    for season in seasons.unique():
        absent = known & (seasons == season) & ~team_ids.isin(league.team_ids(season))
        issues.error("team of another season", rows, absent, show, remedy)


def dates(
    frame: pd.DataFrame, column: str, start_years: pd.Series | None, issues: IngestIssues
) -> tuple[pd.Series, str]:
    """Return the league's dates of one file and the name of their form, see `raw_values.dates`.

    An unusual or undecided order of day and month is a warning, and so are times that were moved.
    """
    found = raw_values.dates(frame[column], start_years)
    if frame.empty:
        return found.days, found.form
    file = str(frame["file"].iloc[0])
    if found.form == raw_values.DAY_MONTH:
        issues.warn_file(file, "dates are written day/month")
    if found.undecided:
        issues.warn_file(file, "dates fit month/day and day/month; read as month/day")
    if found.zone:
        issues.warn_file(file, found.zone, f"{column} {frame[column].iloc[0]}")
    if found.odd:
        issues.error_file(file, f"the times in {column} are of no known zone", OTHER_ZONE)
    unread = text(frame.loc[found.days.isna()], column)
    reasons = unread.map(raw_values.refusal, na_action="ignore").fillna("empty")
    for reason in reasons.unique():
        remedy = f"The other dates of this file are read as {found.form}; give all of them alike."
        if found.days.isna().all():
            remedy = "Write dates like 2023-10-24."
        elif reason == "empty":
            remedy = "Fill in the date, or remove the rows."
        where = reasons.eq(reason).reindex(frame.index, fill_value=False)
        issues.error(f"no date ({reason})", frame, where, [column], remedy)
    return found.days, found.form
