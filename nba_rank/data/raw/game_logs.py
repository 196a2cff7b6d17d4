"""Rows of one raw game log."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nba_rank.data import league
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.player_names import plain_name
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile
from nba_rank.data.tables import BOX_COLUMNS

KIND_OF_PREFIX = {"002": "regular", "004": "playoffs", "005": "playin"}
"""Kind of game by the first three digits of its id."""

DROPPED_PREFIXES = ("001", "003", "006")
"""Preseason, all-star games and the final of the NBA Cup belong to no table."""

_ESPN_KINDS = {"1": "1", "2": "2", "3": "4", "5": "5"}
"""Third digit of a game id by ESPN's type of season."""

FOREIGN_PLAYER = -1_000_000_000
"""ESPN's id of a player, taken from this, is none of the league's nor one that the ingest gives."""

MAX_PLAYER_SECONDS = 100 * 60
"""More than any game lasts (78 minutes with six overtimes); larger values are another unit."""

MIN_TEAM_SECONDS = 235 * 60
"""A team has at least so many in a game that is over: 240 minutes, rounded player by player."""

MIN_POINTS = 45
"""No team has scored fewer in a game since the shot clock came in 1954."""

_TOTALS = frozenset(
    {"team", "total", "totals", "teamtotal", "teamtotals", "opponenttotals"}
    | {f"{part}{total}" for part in ("starters", "bench", "reserves") for total in ("", "totals")}
)

_ABSENT = (
    r"(?i)(?:dnp|dnd|nwt|did not|not with|inactive|suspended|player suspended|injured|coach|out\b)"
)
"""What sources write in place of the minutes of a player who did not play."""

_FIX_MINUTES = "Minutes are like 34, 34.2 or 34:12; correct or remove the rows."
_FILL_IN = "Fill it in or remove the rows."


def normalise(logs: Sequence[tuple[RawFile, pd.DataFrame]], issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of all game logs of a level, duplicates included.

    The logs are read together: each alone would pay pandas' cost of a call again.

    Returns:
        Columns `game_id` (ten digits), `season`, `kind`, `game_date`, `team_id`, `points`, the box
        score, and for a team `abbreviation`, `name`, `matchup`, `wl`, `at_home`, `in_progress`;
        for a player `player_id` (float64, NaN where the source has none), `player_name`, `seconds`
        (NaN where there are none), `plus_minus`, `shots_reconstructed`.
    """
    frame = pd.concat(
        [
            rows.assign(named_season=raw.season, named_kind=raw.kind, has_wl="WL" in rows)
            for raw, rows in logs
        ],
        ignore_index=True,
    )
    if logs[0][0].level == "player":
        frame = _without_totals(_without_absent(frame, issues), issues)
    rows = _games(frame, issues)
    if len(rows) < len(frame):
        frame = frame.loc[rows.index]
    frame["season"] = rows["season"]
    rows["game_date"] = _dates(rows, frame, issues)
    rows["team_id"] = _team_ids(rows, frame, issues)
    rows = pd.concat([rows, _counts(frame, issues)], axis=1)
    if logs[0][0].level == "team":
        _add_team_columns(rows, frame, issues)
    else:
        _add_player_columns(rows, frame, issues)
    _check_arithmetic(rows, issues)
    return rows


def _without_absent(frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Leave out the rows that say in words that the player did not play, and count nothing."""
    told = columns.text(frame, "MIN").str.match(_ABSENT).eq(True)
    told &= ~raw_values.numbers(frame["PTS"]).gt(0)
    shown = ["GAME_ID", "PLAYER_NAME", "MIN"]
    return issues.drop("row of a player who did not play", frame, told, shown)


def _without_totals(frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Leave out the rows of a team among those of its players."""
    names = pd.Series(frame["PLAYER_NAME"].dropna().unique()).astype("str")
    totals = names[names.map(plain_name).isin(_TOTALS) | league.team_ids_of(names).notna()]
    ids = raw_values.numbers(frame["PLAYER_ID"])
    marked = frame["PLAYER_NAME"].isin(totals) | ids.isin(league.known_team_ids())
    shown = ["GAME_ID", "TEAM_ID", "PLAYER_NAME"]
    return issues.drop("the total of a team among its players", frame, marked, shown)


def _games(frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return `file`, `row`, `game_id`, `season`, `kind` of the rows whose kind has a table."""
    rows = columns.game_ids(frame, issues)
    foreign = _foreign(rows, frame)
    rows["game_id"] = foreign.fillna(rows["game_id"])
    other = ~rows["game_id"].str.startswith("00")
    rows = issues.drop("game of another league, by its id", rows, other, ["game_id"])
    team = frame["TEAM_ID"].loc[rows.index]
    nobody = foreign.loc[rows.index].notna() & ~raw_values.present(team)
    shown = ["game_id", *(["team_name"] if "TEAM_NAME" in frame else [])]
    rows = issues.drop(
        "game of a team that is none of the league's", _named(rows, frame), nobody, shown
    )
    prefix = rows["game_id"].str[:3]
    rows["season"] = raw_values.seasons(rows["game_id"])
    early = rows["season"] < league.FIRST_SEASON
    what = f"game of a season before {league.FIRST_SEASON}, whose teams are not known"
    rows = issues.drop(what, rows, early, ["game_id"])
    prefix = prefix.loc[rows.index]
    rows["kind"] = prefix.map(KIND_OF_PREFIX).astype("str")
    known, dropped = rows["kind"].notna(), prefix.isin(DROPPED_PREFIXES)
    issues.warn(
        "dropped: preseason (001), all-star game (003) or NBA Cup final (006)",
        rows, dropped, ["game_id"],
    )  # fmt: skip
    remedy = f"Kinds of game are {', '.join(KIND_OF_PREFIX)} and {', '.join(DROPPED_PREFIXES)}."
    issues.error("game id of no known kind", rows, ~known & ~dropped, ["game_id"], remedy)
    named = frame.loc[rows.index, ["named_season", "named_kind"]]
    other = (rows["season"] != named["named_season"]) | (rows["kind"] != named["named_kind"])
    issues.warn(
        "file name disagrees with the game id, which is believed",
        rows, known & other & named["named_season"].ne(""),
        ["game_id", "season", "kind"],
    )  # fmt: skip
    if "SEASON_ID" in frame:
        written = raw_values.digits(frame["SEASON_ID"].loc[rows.index])
        # 2, 4 or 5 as in the game id, and the year in which the season starts.
        expected = rows["game_id"].str[2] + rows["season"].str[:4]
        issues.warn(
            "SEASON_ID disagrees with the game id, which is believed",
            rows.assign(SEASON_ID=written),
            known & written.notna() & (written != expected),
            ["game_id", "SEASON_ID"],
        )
    return rows if known.all() else rows[known]


def _named(rows: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    if "TEAM_NAME" not in frame:
        return rows
    return rows.assign(team_name=frame["TEAM_NAME"])


def _foreign(rows: pd.DataFrame, frame: pd.DataFrame) -> pd.Series:
    """Return longer ids of our form for games with ESPN's, null for the others.

    They are kind and season as in the league's ids, and then ESPN's id. ESPN's seasons are the
    years in which they end.
    """
    if not {"SEASON", "SEASON_TYPE"} <= {*frame}:
        return pd.Series(None, index=rows.index, dtype="str")
    year = raw_values.numbers(frame["SEASON"].loc[rows.index])
    kind = raw_values.digits(frame["SEASON_TYPE"].loc[rows.index]).map(_ESPN_KINDS)
    known = year.between(1947, 2100) & kind.notna() & ~rows["game_id"].str.startswith("00")
    start = ((year.fillna(1) - 1) % 100).astype("int64").astype("str").str.zfill(2)
    return ("00" + kind + start + rows["game_id"].str.lstrip("0")).where(known)


def _dates(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    """Return the dates of all files, each read in its own format."""
    years = raw_values.start_years(rows["game_id"])
    shown = ["GAME_DATE", "GAME_ID", "season"]
    found = []
    for _, own in frame[["file", "row", *shown]].groupby("file", sort=False):
        if "PLAYER_ID" in frame and own["GAME_DATE"].isna().all():
            # The team's row tells the date.
            found.append(pd.Series(pd.NaT, own.index, dtype="datetime64[us]"))
            continue
        dates, form = columns.dates(own, "GAME_DATE", years.loc[own.index], issues)
        wrong = raw_values.outside_season(dates, years.loc[own.index])
        remedy = f"Dates of this file are read as {form}; correct the date or the game id."
        issues.error("date outside its season", own, wrong, shown, remedy)
        found.append(dates)
    days = pd.concat(found) if found else pd.Series(dtype="datetime64[us]")
    _check_kinds(days.reindex(rows.index), rows, frame, issues)
    return days


def _check_kinds(
    days: pd.Series, rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues
) -> None:
    """Record an error for dates on which no game of the kind is played."""
    inside = ~raw_values.outside_season(days, raw_values.start_years(rows["game_id"]))
    remedy = "Correct the date or the game id."
    for (season, kind), part in rows.groupby(["season", "kind"])["game_id"]:
        own = days.loc[part.index]
        first, last = league.playing_days(str(season), str(kind))
        odd = own.notna() & ~own.between(first, last) & inside.loc[part.index]
        what = f"date on which no {kind} game of {season} was played"
        if odd.any():
            rows_of_kind = frame.loc[part.index]
            issues.error(what, rows_of_kind, odd, ["GAME_DATE", "GAME_ID"], remedy)


def _team_ids(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    ids = raw_values.numbers(raw_values.digits(frame["TEAM_ID"]))
    known = ids.isin(league.known_team_ids())
    remedy = "Team ids run from 1610612737 to 1610612766."
    issues.error("unknown team id", frame, ~known, ["TEAM_ID"], remedy)
    columns.check_seasons(ids, rows["season"], frame, ["TEAM_ID", "GAME_ID"], issues)
    # Of names only full ones are of one club: the Hornets were of Charlotte or of New Orleans.
    full = league.franchise_names()
    for column in ("TEAM_ABBREVIATION", "TEAM_NAME"):
        if column in frame:
            written = columns.text(frame, column)
            if column == "TEAM_NAME":
                written = written.where(written.str.lower().isin(full))
            named = league.team_ids_of(written)
            other = named.notna() & known & (named != ids)
            shown = ["TEAM_ID", column, "GAME_ID"]
            issues.error(f"{column} is another team's", frame, other, shown, "Correct one of them.")
    return ids.where(known, 0).astype("int64")


def _counts(frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return points and box score."""
    names = {"points": "PTS", **{column: column.upper() for column in BOX_COLUMNS}}
    counts = pd.DataFrame(
        {name: columns.numbers(frame, column, issues) for name, column in names.items()}
    )
    negative, broken = counts < 0, counts % 1 > 0
    remedy = "Counts are whole and not negative; correct or remove the rows."
    for name, column in names.items():
        shown = ["GAME_ID", column]
        issues.error(f"{column} is negative", frame, negative[name], shown, remedy)
        issues.error(f"{column} is not whole", frame, broken[name], shown, remedy)
    return counts


def _add_team_columns(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> None:
    named = {"abbreviation": "TEAM_ABBREVIATION", "name": "TEAM_NAME", "matchup": "MATCHUP"}
    for name, column in named.items():
        rows[name] = columns.text(frame, column)
        issues.error(f"{name} is empty", frame, rows[name].isna(), ["GAME_ID"], _FILL_IN)
    rows["at_home"] = rows["matchup"].str.contains(r"\svs\.?\s")
    unread = rows["matchup"].notna() & ~rows["at_home"] & ~rows["matchup"].str.contains(r"\s@\s")
    remedy = "A matchup reads like 'CLE vs. WAS' (at home) or 'CLE @ WAS'."
    issues.error("matchup not understood", frame, unread, ["MATCHUP"], remedy)
    rows["wl"] = columns.text(frame, "WL").str.upper().str.extract(r"^([WL])", expand=False)
    short = pd.Series(False, index=rows.index)
    if "MIN" in frame:
        played = _seconds(frame, issues)
        issues.error("MIN is negative", frame, played < 0, ["GAME_ID", "MIN"], _FIX_MINUTES)
        # Some sources give the minutes of the game, not those of five players.
        of_game = played.groupby(frame["file"]).transform("max") <= MAX_PLAYER_SECONDS
        short = played * np.where(of_game, 5, 1) < MIN_TEAM_SECONDS
    undecided = rows["wl"].isna() & (frame["has_wl"] | rows["points"].lt(MIN_POINTS))
    rows["in_progress"] = undecided | short


def _seconds(frame: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    played = raw_values.seconds(frame["MIN"])
    unread = played.isna() & raw_values.present(frame["MIN"])
    issues.error("MIN not understood", frame, unread, ["GAME_ID", "MIN"], _FIX_MINUTES)
    return played


def _add_player_columns(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> None:
    ids = columns.player_ids(frame, issues)
    rows["player_id"] = ids.mask(rows["game_id"].str.len() > 10, FOREIGN_PLAYER - ids)
    rows["player_name"] = columns.text(frame, "PLAYER_NAME")
    names = rows.dropna(subset=["player_id", "player_name"]).drop_duplicates("player_id")
    known = rows["player_id"].map(names.set_index("player_id")["player_name"])
    rows["player_name"] = rows["player_name"].fillna(known)
    unnamed = rows["player_name"].isna()
    issues.error("PLAYER_NAME is empty", frame, unnamed, ["GAME_ID", "PLAYER_ID"], _FILL_IN)

    rows["seconds"] = _seconds(frame, issues)
    shown = ["GAME_ID", "PLAYER_NAME", "MIN"]
    issues.error("MIN is negative", frame, rows["seconds"] < 0, shown, _FIX_MINUTES)
    long = rows["seconds"] > MAX_PLAYER_SECONDS
    issues.error("MIN is longer than a game", frame, long, shown, _FIX_MINUTES)

    margins = columns.numbers(frame, "PLUS_MINUS", issues)
    issues.warn("PLUS_MINUS rounded", frame, margins % 1 > 0, ["GAME_ID", "PLUS_MINUS"])
    rows["plus_minus"] = margins.round()
    flag = "SHOTS_RECONSTRUCTED"
    rows["shots_reconstructed"] = raw_values.truths(frame[flag]) if flag in frame else False


def _check_arithmetic(rows: pd.DataFrame, issues: IngestIssues) -> None:
    """Warn of box scores that do not add up; a null makes a comparison false."""
    shown = ["game_id", "team_id"]
    made = 2 * rows["fgm"] + rows["fg3m"] + rows["ftm"]
    apart = (made - rows["points"]).abs() > 0
    issues.warn("points are not 2 FGM + FG3M + FTM", rows, apart, [*shown, "points"])
    apart = (rows["oreb"] + rows["dreb"] - rows["reb"]).abs() > 0
    issues.warn("rebounds are not OREB + DREB", rows, apart, [*shown, "reb"])
    for shots in ("fg", "fg3", "ft"):
        more = rows[f"{shots}m"] > rows[f"{shots}a"]
        issues.warn(f"more {shots}m than {shots}a", rows, more, [*shown, f"{shots}m"])
