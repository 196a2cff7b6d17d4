"""Fixtures of one raw schedule file."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile

_OTHER_KINDS = (
    r"(?i)pre|play|post|all.star|summer|cup final|championship|first round|conf\. |nba finals"
    r"|^[135](?:\.0)?$|^[pqtcsf]$|^true$"
)
"""Kinds of game and labels of the league, ESPN and FiveThirtyEight (a letter), or `postseason`."""

_OFF = r"(?i)^(?:ppd|postponed|canc?e?ll?ed|cncl)"
"""Status of a game that is not played on its day. Where it has a new day, another row says so."""


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return `named_season` (of the file's name, or empty), `date`, both teams, `neutral_site`.

    `game_id` (ten digits) is null where the file has none.
    """
    frame = _regular(frame, issues)
    rows = frame[["file", "row"]].assign(named_season=pd.Series(raw.season, frame.index, "str"))
    rows["date"], _ = columns.dates(frame, "DATE", None, issues)
    for side in ("HOME", "AWAY"):
        rows[side.lower()] = columns.check_teams(columns.text(frame, side), frame, [side], issues)
    rows["game_id"] = None
    if "GAME_ID" in frame:
        rows["game_id"] = raw_values.digits(frame["GAME_ID"], width=10)
    rows["neutral_site"] = False
    if "NEUTRAL" in frame:
        rows["neutral_site"] = raw_values.truths(frame["NEUTRAL"])
        written = columns.text(frame, "NEUTRAL").str.lower()
        known = written.isna() | rows["neutral_site"] | written.isin(["false", "0", "0.0"])
        remedy = "NEUTRAL is true or false; leave it empty where it is not known."
        issues.error("NEUTRAL not understood", frame, ~known, ["NEUTRAL"], remedy)
    return rows


def _regular(frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Leave out fixtures of other kinds than the regular season and those not settled yet."""
    # Basketball-Reference writes the playoffs below a row of that name.
    other = columns.text(frame, "DATE").eq("Playoffs").cummax()
    shown = ["DATE", "HOME", "AWAY"]
    if "GAME_ID" in frame:
        ids = raw_values.digits(frame["GAME_ID"], width=10)
        other |= ids.str.startswith("00").eq(True) & ~ids.str.startswith("002").eq(True)
    if "SEASON_TYPE" in frame:
        other |= columns.text(frame, "SEASON_TYPE").str.contains(_OTHER_KINDS).eq(True)
    frame = issues.drop("fixture that is not of the regular season", frame, other, shown)
    if "STATUS" in frame:
        off = columns.text(frame, "STATUS").str.contains(_OFF).eq(True)
        frame = issues.drop("fixture that was put off or cancelled", frame, off, shown)
    home, away = (raw_values.present(frame[side]) for side in ("HOME", "AWAY"))
    # The league's own schedule leaves a side empty that a game of the Cup decides.
    open_ = ~(home & away) if "GAME_ID" in frame else ~(home | away)
    for side in ("HOME", "AWAY"):
        open_ |= columns.text(frame, side).str.upper().isin(["TBD", "TBA", "0"])
    return issues.drop("fixture whose teams are not known yet", frame, open_, shown)
