"""Events of raw play-by-play, in any of the league's three forms, as rows of one form.

Source: `playbyplayv2` and `playbyplayv3` of stats.nba.com and `liveData/playbyplay` of cdn.nba.com,
as `nba_api` documents them.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum

import numpy as np
import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile


class Act(IntEnum):
    """What an event is; players of `BENCH` may be off court, those of the others are on it."""

    SHOT = 1
    FREE_THROW = 2
    REBOUND = 3
    TURNOVER = 4
    FOUL = 5
    SUBSTITUTION = 6
    OTHER = 7
    BENCH = 8


PEOPLE = (1, 2, 3)
_V2 = {
    1: Act.SHOT, 2: Act.SHOT, 3: Act.FREE_THROW, 4: Act.REBOUND, 5: Act.TURNOVER, 6: Act.FOUL,
    7: Act.OTHER, 8: Act.SUBSTITUTION, 10: Act.OTHER,
}  # fmt: skip
_V3 = {
    "made shot": Act.SHOT, "missed shot": Act.SHOT, "free throw": Act.FREE_THROW,
    "rebound": Act.REBOUND, "turnover": Act.TURNOVER, "foul": Act.FOUL,
    "substitution": Act.SUBSTITUTION, "violation": Act.OTHER, "jump ball": Act.OTHER,
}  # fmt: skip
_CDN = {
    "2pt": Act.SHOT, "3pt": Act.SHOT, "freethrow": Act.FREE_THROW, "rebound": Act.REBOUND,
    "turnover": Act.TURNOVER, "foul": Act.FOUL, "substitution": Act.SUBSTITUTION,
    "violation": Act.OTHER, "jumpball": Act.OTHER, "steal": Act.OTHER, "block": Act.OTHER,
}  # fmt: skip
_CDN_POINTS = {"2pt": 2, "3pt": 3, "freethrow": 1}

_V2_TECHNICAL = (11, 12, 13, 16, 18, 19, 25, 30)
"""`EVENTMSGACTIONTYPE` of fouls that people on the bench commit, too."""

_V2_DELAY = 1
_MIN_TEAM_ID = 1_610_612_000
"""Ids from here on are teams, also where a player's is expected."""


def normalise(files: Sequence[tuple[RawFile, pd.DataFrame]], issues: IngestIssues) -> pd.DataFrame:
    """Return the events of all files.

    They are read together: each alone would pay pandas' cost of a call again.

    Returns:
        Columns `game_id` (ten digits), `number` (of the event), `period`, `left` (seconds to the
        end of the period), `act`, `points` (scored), `technical` (a free throw of one), `player_1`
        to `player_3` and their teams `team_1` to `team_3`, 0 where there is none. The first acts;
        of a substitution the first goes and the second comes. In the order of the files.
    """
    forms: dict[Callable[..., pd.DataFrame], list[pd.DataFrame]] = {}
    for _, frame in files:
        form = _v2 if "EVENTMSGTYPE" in frame else _cdn if "POSSESSION" in frame else _v3
        forms.setdefault(form, []).append(frame.rename(columns={"GAMEID": "GAME_ID"}))
    parts = []
    for form, frames in forms.items():
        frame = pd.concat(frames, ignore_index=True)
        rows = columns.game_ids(frame, issues)
        frame = frame.loc[rows.index]
        rows["period"] = columns.numbers(frame, "PERIOD", issues, required=True)
        clock = "PCTIMESTRING" if form is _v2 else "CLOCK"
        rows["left"] = raw_values.seconds(frame[clock])
        remedy = "A clock is like 11:41 or PT11M41.00S; correct it, or remove all rows of the game."
        issues.error(f"{clock} not understood", frame, rows["left"].isna(), [clock], remedy)
        number = "EVENTNUM" if form is _v2 else "ACTIONNUMBER"
        rows["number"] = columns.numbers(frame, number, issues, required=True)
        parts.append(form(rows, frame, issues))
    rows = pd.concat(parts, ignore_index=True)
    # Some events stand there twice, with their points.
    repeated = rows.duplicated([name for name in rows if name not in ("file", "row")])
    issues.warn("event repeated: counted once", rows, repeated, ["game_id", "number"])
    return rows[~repeated]


def _v2(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    kind = columns.numbers(frame, "EVENTMSGTYPE", issues, required=True)
    how = columns.numbers(frame, "EVENTMSGACTIONTYPE", issues)
    act = kind.map(_V2).fillna(Act.BENCH).astype("int64")
    bench = (act.eq(Act.FOUL) & how.isin(_V2_TECHNICAL)) | (kind.eq(7) & how.eq(_V2_DELAY))
    rows["act"] = act.mask(bench, Act.BENCH)
    told = frame["HOMEDESCRIPTION"].fillna("") + " " + frame["VISITORDESCRIPTION"].fillna("")
    # A free throw without a word on it is made if it changes the score.
    made = kind.eq(3) & ~told.str.contains("MISS ", regex=False) & frame["SCORE"].notna()
    three = kind.eq(1) & told.str.contains("3PT", regex=False)
    rows["points"] = np.select([made, three, kind.eq(1)], [1, 3, 2], 0)
    rows["technical"] = kind.eq(3) & told.str.contains("Technical", regex=False)
    for number in PEOPLE:
        player = columns.numbers(frame, f"PLAYER{number}_ID", issues)
        team = columns.numbers(frame, f"PLAYER{number}_TEAM_ID", issues)
        _add_person(rows, number, player, team)
    return rows


def _v3(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Read V3: one player a row; blocks and steals are rows, and who comes in stands by name."""
    kind, how, told = (
        columns.text(frame, name).fillna("") for name in ("ACTIONTYPE", "SUBTYPE", "DESCRIPTION")
    )
    kind = kind.str.lower()
    helper = kind.eq("") & told.str.contains("BLOCK|STEAL")
    act = kind.mask(helper, "violation").map(_V3).fillna(Act.BENCH).astype("int64")
    technical = how.str.contains("technical", case=False)
    bench = (act.eq(Act.FOUL) & technical) | (act.eq(Act.OTHER) & how.str.contains("(?i)delay"))
    rows["act"] = act.mask(bench, Act.BENCH)
    worth = columns.numbers(frame, "SHOTVALUE", issues).fillna(0)
    line = kind.eq("free throw")
    worth = worth.where(kind.eq("made shot"), (line & ~told.str.startswith("MISS")).astype("int64"))
    rows["points"] = worth.astype("int64")
    rows["technical"] = line & technical
    player = columns.numbers(frame, "PERSONID", issues)
    _add_person(rows, 1, player, columns.numbers(frame, "TEAMID", issues))
    names = pd.concat(
        [
            rows[["game_id", "team_1", "player_1"]].assign(name=columns.text(frame, column))
            for column in ("PLAYERNAME", "PLAYERNAMEI")
        ]
    ).dropna(subset="name")
    comes = told.str.extract(r"^SUB:\s*(?P<name>.+?)\s+FOR\s")["name"].where(kind == "substitution")
    found = pd.Series(np.nan, index=rows.index)
    # A player who only comes in is named by other games of his team.
    for key in (["game_id", "team_1", "name"], ["team_1", "name"]):
        ids = names[names["player_1"] > 0].groupby(key)["player_1"].agg(["min", "max"])
        one = ids.loc[ids["min"] == ids["max"], "min"].rename("found")
        found = found.fillna(rows.assign(name=comes)[key].join(one, on=key)["found"])
    unknown = comes.notna() & found.isna()
    issues.warn("no single player of this name comes in", frame, unknown, ["DESCRIPTION"])
    _add_person(rows, 2, found, rows["team_1"])
    return _nobody(rows, 3)


def _cdn(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Read the CDN's live form: each substitution is two rows, one `out` and one `in`."""
    kind, how, result, detail = (
        columns.text(frame, name).str.lower().fillna("")
        for name in ("ACTIONTYPE", "SUBTYPE", "SHOTRESULT", "DESCRIPTOR")
    )
    act = kind.map(_CDN).fillna(Act.BENCH).astype("int64")
    bench = (act.eq(Act.FOUL) & how.eq("technical")) | (
        kind.eq("violation") & how.str.contains("delay")
    )
    rows["act"] = act.mask(bench, Act.BENCH)
    rows["points"] = kind.map(_CDN_POINTS).where(result == "made", 0).fillna(0).astype("int64")
    rows["technical"] = kind.eq("freethrow") & detail.eq("technical")
    player = columns.numbers(frame, "PERSONID", issues)
    team = columns.numbers(frame, "TEAMID", issues)
    comes = kind.eq("substitution") & how.eq("in")
    _add_person(rows, 1, player.mask(comes), team)
    helper = columns.numbers(frame, "ASSISTPERSONID", issues)
    _add_person(rows, 2, helper.mask(comes, player), team)
    return _nobody(rows, 3)


def _add_person(rows: pd.DataFrame, number: int, player: pd.Series, team: pd.Series) -> None:
    player, team = player.fillna(0), team.fillna(0)
    is_team = player >= _MIN_TEAM_ID
    rows[f"player_{number}"] = player.mask(is_team, 0).astype("int64")
    rows[f"team_{number}"] = team.mask(is_team & team.eq(0), player).astype("int64")


def _nobody(rows: pd.DataFrame, number: int) -> pd.DataFrame:
    return rows.assign(**{f"player_{number}": 0, f"team_{number}": 0})
