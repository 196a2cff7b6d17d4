"""Rows of one raw game log into rows of one form.

The rows that come out (`normalise`) still hold duplicates and say nothing that needs a second row;
`nba_rank.data.assemble` does the rest.
"""

import pandas as pd

from nba_rank.core.seasons import season_label
from nba_rank.data import league
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import RawFile, read_dates
from nba_rank.data.tables import BOX_COLUMNS

KIND_OF_PREFIX = {"002": "regular", "004": "playoffs", "005": "playin"}
"""Kind of game by the first three digits of its id."""

DROPPED_PREFIXES = ("001", "003", "006")
"""Preseason, all-star games and the final of the NBA Cup belong to no table."""

MAX_PLAYER_SECONDS = 100 * 60
"""More than any game lasts (78 minutes with six overtimes); larger values are another unit."""

_FIX_MINUTES = "Minutes are like 34, 34.2 or 34:12; correct or remove the rows."
_FILL_IN = "Fill it in or remove the rows."


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the rows of one file into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `raw_files.read` returns them.
        issues: Receives an error for every value that cannot be, with file, row and value, and
            counted warnings for rows that contradict themselves.

    Returns:
        Columns `file`, `row`, `game_id` (ten digits), `season`, `kind`, `game_date`, `team_id`,
        `points`, the box score, `season_id`, and for a team `abbreviation`, `name`, `matchup`,
        `wl`, `at_home`; for a player `player_id` (float64, NaN where the source has none),
        `player_name`, `seconds`, `plus_minus`, `shots_reconstructed`. After an error the rows are
        not fit for use.
    """
    rows = _games(raw, frame, issues)
    frame = frame.loc[rows.index]
    rows["game_date"] = _dates(rows, frame, issues)
    rows["team_id"] = _team_ids(rows, frame, issues)
    rows["points"] = _counts(rows, frame, "PTS", issues)
    for column in BOX_COLUMNS:
        name = column.upper()
        rows[column] = _counts(rows, frame, name, issues) if name in frame else float("nan")
    if raw.level == "team":
        _add_team_columns(rows, frame, issues)
    else:
        rows = _add_player_columns(rows, frame, issues)
    _check_arithmetic(rows, issues)
    return rows


def _games(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return `file`, `row`, `game_id`, `season`, `kind` of the rows whose kind has a table."""
    ids = raw_values.digits(frame["GAME_ID"], width=10)
    ids = ids.where(ids.str.len() == 10)
    remedy = "A game id has ten digits, with or without its leading zeros."
    issues.error("no game id", frame, ids.isna(), ["GAME_ID"], remedy)
    rows = frame[["file", "row"]].assign(game_id=ids).dropna(subset="game_id")
    prefix = rows["game_id"].str[:3]
    dropped = prefix.isin(DROPPED_PREFIXES)
    issues.warn(
        "dropped: preseason (001), all-star game (003) or NBA Cup final (006)",
        rows, dropped, ["game_id"],
    )  # fmt: skip
    unknown = ~dropped & ~prefix.isin(list(KIND_OF_PREFIX))
    remedy = f"Kinds of game are {', '.join(KIND_OF_PREFIX)} and {', '.join(DROPPED_PREFIXES)}."
    issues.error("game id of no known kind", rows, unknown, ["game_id"], remedy)
    rows = rows[~dropped & ~unknown].copy()
    years = raw_values.start_years(rows["game_id"])
    rows["season"] = years.map({year: season_label(year) for year in years.unique()})
    rows["season"] = rows["season"].astype("str")
    rows["kind"] = rows["game_id"].str[:3].map(KIND_OF_PREFIX).astype("str")
    elsewhere = (rows["season"] != raw.season) | (rows["kind"] != raw.kind)
    issues.warn(
        "file name disagrees with the game id, which is believed",
        rows, elsewhere, ["game_id", "season", "kind"],
    )  # fmt: skip
    if "SEASON_ID" in frame:
        written = raw_values.digits(frame.loc[rows.index, "SEASON_ID"])
        # 2, 4 or 5 as in the game id, and the year in which the season starts.
        expected = rows["game_id"].str[2] + years.astype("str")
        issues.warn(
            "SEASON_ID disagrees with the game id, which is believed",
            rows.assign(SEASON_ID=written),
            written.notna() & (written != expected),
            ["game_id", "SEASON_ID"],
        )
    return rows


def _dates(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    years = raw_values.start_years(rows["game_id"])
    dates, form = read_dates(frame, "GAME_DATE", years, issues)
    frame = frame.assign(season=rows["season"])
    wrong = raw_values.outside_season(dates, years)
    remedy = f"Dates of this file are read as {form}; correct the date or the game id."
    issues.error(
        "date outside its season", frame, wrong, ["GAME_DATE", "GAME_ID", "season"], remedy
    )
    return dates


def _team_ids(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    ids = raw_values.numbers(raw_values.digits(frame["TEAM_ID"]))
    known = ids.isin(league.known_team_ids())
    remedy = "Team ids run from 1610612737 to 1610612766."
    issues.error("unknown team id", frame, ~known, ["TEAM_ID"], remedy)
    for season in rows["season"].unique():
        playing = ids.isin(league.league_teams(season)["team_id"])
        absent = (rows["season"] == season) & known & ~playing
        remedy = "The team did not play in the season that the game id names; correct either id."
        issues.error("team of another season", frame, absent, ["TEAM_ID", "GAME_ID"], remedy)
    return ids.where(known, 0).astype("int64")


def _numbers(frame: pd.DataFrame, column: str, issues: IngestIssues) -> pd.Series:
    numbers = raw_values.numbers(frame[column])
    bad = numbers.isna() & raw_values.present(frame[column])
    issues.error(f"{column} is no number", frame, bad, [column], "Correct or remove the rows.")
    return numbers


def _counts(
    rows: pd.DataFrame, frame: pd.DataFrame, column: str, issues: IngestIssues
) -> pd.Series:
    counts = _numbers(frame, column, issues)
    remedy = "Counts are whole and not negative; correct or remove the rows."
    shown = ["GAME_ID", column]
    issues.error(f"{column} is negative", frame, counts < 0, shown, remedy)
    issues.error(f"{column} is not whole", frame, counts % 1 > 0, shown, remedy)
    return counts.loc[rows.index]


def _add_team_columns(rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues) -> None:
    rows["abbreviation"] = raw_values.text(frame["TEAM_ABBREVIATION"])
    rows["name"] = raw_values.text(frame["TEAM_NAME"])
    rows["matchup"] = raw_values.text(frame["MATCHUP"])
    for column in ("abbreviation", "name", "matchup"):
        issues.error(f"{column} is empty", frame, rows[column].isna(), ["GAME_ID"], _FILL_IN)
    side = rows["matchup"].str.extract(r"\s(vs\.?|@)\s", expand=False)
    remedy = "A matchup reads like 'CLE vs. WAS' (at home) or 'CLE @ WAS'."
    unread = side.isna() & rows["matchup"].notna()
    issues.error("matchup not understood", frame, unread, ["MATCHUP"], remedy)
    rows["at_home"] = side.str.startswith("vs").fillna(False).astype("bool")
    results = raw_values.text(frame["WL"]).str.upper() if "WL" in frame else None
    rows["wl"] = pd.Series(pd.NA, index=rows.index, dtype="str") if results is None else results
    if "MIN" in frame:
        played = _seconds(frame, issues)
        issues.error("MIN is negative", frame, played < 0, ["GAME_ID", "MIN"], _FIX_MINUTES)


def _seconds(frame: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    played = raw_values.seconds(frame["MIN"])
    unread = played.isna() & raw_values.present(frame["MIN"])
    issues.error("MIN not understood", frame, unread, ["GAME_ID", "MIN"], _FIX_MINUTES)
    return played


def _add_player_columns(
    rows: pd.DataFrame, frame: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    ids = raw_values.numbers(raw_values.digits(frame["PLAYER_ID"]))
    bad = ids.isna() & raw_values.present(frame["PLAYER_ID"])
    remedy = "A player id is a whole number; 0 or nothing where it is not known."
    issues.error("PLAYER_ID not understood", frame, bad, ["PLAYER_ID"], remedy)
    rows["player_id"] = ids.where(ids > 0)
    rows["player_name"] = raw_values.text(frame["PLAYER_NAME"])
    unnamed = rows["player_name"].isna()
    issues.error("PLAYER_NAME is empty", frame, unnamed, ["GAME_ID", "PLAYER_ID"], _FILL_IN)

    rows["seconds"] = _seconds(frame, issues)
    shown = ["GAME_ID", "PLAYER_NAME", "MIN"]
    issues.error("MIN is negative", frame, rows["seconds"] < 0, shown, _FIX_MINUTES)
    long = rows["seconds"] > MAX_PLAYER_SECONDS
    issues.error("MIN is longer than a game", frame, long, shown, _FIX_MINUTES)

    if "PLUS_MINUS" in frame:
        margins = _numbers(frame, "PLUS_MINUS", issues)
        issues.warn("PLUS_MINUS rounded", frame, margins % 1 > 0, ["GAME_ID", "PLUS_MINUS"])
        rows["plus_minus"] = margins.round()
    else:
        rows["plus_minus"] = float("nan")
    flag = "SHOTS_RECONSTRUCTED"
    rows["shots_reconstructed"] = raw_values.truths(frame[flag]) if flag in frame else False
    absent = ~raw_values.present(frame["MIN"])
    issues.warn(
        "dropped: player row without minutes",
        rows, absent, ["game_id", "team_id", "player_name"],
    )  # fmt: skip
    return rows[~absent].copy()


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
