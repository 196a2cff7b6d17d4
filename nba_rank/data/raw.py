"""Raw game logs: which files there are, and one file at a time into rows of one form.

The rows that come out (`normalise`) still hold duplicates and say nothing that needs a second row;
`nba_rank.data.assemble` does the rest.
"""

import hashlib
import io
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from nba_rank.data import league, raw_values
from nba_rank.data.findings import Findings
from nba_rank.data.tables import BOX_COLUMNS

KIND_OF_PREFIX = {"002": "regular", "004": "playoffs", "005": "playin"}
"""Kind of game by the first three digits of its id."""

DROPPED_PREFIXES = ("001", "003", "006")
"""Preseason, all-star games and the final of the NBA Cup belong to no table."""

MAX_PLAYER_SECONDS = 100 * 60
"""More than any game lasts (78 minutes with six overtimes); larger values are another unit."""

_FILE_NAME = re.compile(
    r"(?:(?P<kind>playoffs?|play_?in)_)?(?P<level>team|player)_logs_(?P<year>\d{4})_(?P<end>\d{2})"
)
_SUFFIXES = (".parquet", ".csv")
_BOX = tuple(column.upper() for column in BOX_COLUMNS)
_KEY = ("GAME_ID", "TEAM_ID", "GAME_DATE")
REQUIRED = {
    "team": (*_KEY, "TEAM_ABBREVIATION", "TEAM_NAME", "MATCHUP", "PTS", *_BOX),
    "player": (
        *_KEY, "PLAYER_ID", "PLAYER_NAME", "MIN", "PTS",
        *(column for column in _BOX if column not in ("OREB", "DREB", "PF")),
    ),
}  # fmt: skip
OPTIONAL = {
    "team": ("SEASON_ID", "WL", "MIN", "PLUS_MINUS", "VIDEO_AVAILABLE"),
    "player": ("SEASON_ID", "OREB", "DREB", "PF", "PLUS_MINUS", "VIDEO_AVAILABLE"),
}
_FIX_FILE = "Download the file again, or remove it from the raw folder."
_FIX_MINUTES = "Minutes are like 34, 34.2 or 34:12; correct or remove the rows."
_FILL_IN = "Fill it in or remove the rows."


@dataclass(frozen=True)
class RawFile:
    """A game log in the raw folder, described by its name.

    Attributes:
        path: Where it lies.
        name: Its path relative to the raw folder, with forward slashes.
        level: `team` or `player`: what a row is.
        kind: Kind of game that the name promises; a row's game id decides.
        season: Season that the name promises; a row's game id decides.
    """

    path: Path
    name: str
    level: str
    kind: str
    season: str


@dataclass
class FileRecord:
    """What the manifest and the quality report say of one raw file.

    Attributes:
        path: Path relative to the raw folder.
        sha256: Hash of its bytes.
        level: `team` or `player`.
        kind: Kind of game by its name.
        season: Season by its name.
        rows: Rows read.
        missing: Optional `LeagueGameLog` columns that it lacks.
        nulls: Share of nulls, 0 to 1, of each column that has any.
    """

    path: str
    sha256: str
    level: str
    kind: str
    season: str
    rows: int = 0
    missing: list[str] = field(default_factory=list)
    nulls: dict[str, float] = field(default_factory=dict)


def discover(raw_dir: Path, findings: Findings | None = None) -> list[RawFile]:
    """List the game logs of a raw folder, in order of name; other files are left alone.

    Args:
        raw_dir: The folder.
        findings: Receives a warning for each file that looks like a game log but is not named
            like one.
    """
    files = []
    for path in sorted(raw_dir.iterdir()):
        if path.suffix.lower() not in _SUFFIXES or not path.is_file():
            continue
        stem = path.stem.lower()
        match = _FILE_NAME.fullmatch(stem)
        if match is None or int(match["end"]) != (int(match["year"]) + 1) % 100:
            if findings is not None and re.search(r"(team|player)_(game_)?logs", stem):
                findings.warn_file(
                    path.name,
                    "not read: a game log is named like team_logs_2023_24 or "
                    "playoffs_player_logs_2023_24",
                )
            continue
        prefix = match["kind"] or "regular"
        kind = "playin" if "in" in prefix else "playoffs" if "playoff" in prefix else "regular"
        season = league.season_label(int(match["year"]))
        name = path.relative_to(raw_dir).as_posix()
        files.append(RawFile(path, name, match["level"], kind, season))
    return files


def read(raw: RawFile, findings: Findings) -> tuple[FileRecord, pd.DataFrame | None]:
    """Read one file.

    Args:
        raw: The file.
        findings: Receives an error if the file is unreadable or lacks a required column.

    Returns:
        The record of the file, and its rows with column names in capitals and a column `row`
        (from 1), or None if there was an error.
    """
    content = raw.path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    record = FileRecord(raw.name, digest, raw.level, raw.kind, raw.season)
    try:
        frame = _parse(content, raw.path.suffix.lower())
    except (OSError, ValueError, pd.errors.ParserWarning, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        findings.error_file(raw.name, f"cannot be read ({reason})", _FIX_FILE)
        return record, None
    frame.columns = [str(column).strip().upper() for column in frame.columns]
    missing = [column for column in REQUIRED[raw.level] if column not in frame.columns]
    repeated = frame.columns[frame.columns.duplicated()].unique().tolist()
    for what, columns in (("lacks the columns", missing), ("repeats the columns", repeated)):
        if columns:
            remedy = "Export it again with the columns of LeagueGameLog."
            findings.error_file(raw.name, f"{what} {', '.join(columns)}", remedy)
    if missing or repeated:
        return record, None
    optional = OPTIONAL[raw.level]
    record.rows = len(frame)
    record.missing = [column for column in optional if column not in frame.columns]
    known = [c for c in (*REQUIRED[raw.level], *optional) if c in frame.columns]
    shares = frame[known].isna().mean()
    record.nulls = {str(column): float(share) for column, share in shares[shares > 0].items()}
    if frame.empty:
        findings.warn_file(raw.name, "has no rows")
    return record, frame.reset_index(drop=True).assign(row=range(1, len(frame) + 1))


def _parse(content: bytes, suffix: str) -> pd.DataFrame:
    if suffix == ".parquet":
        return pd.read_parquet(io.BytesIO(content))
    with warnings.catch_warnings():
        # Rows longer than the header would be cut off without a word.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            io.BytesIO(content), dtype="str", index_col=False, encoding="utf-8-sig",
            keep_default_na=False, na_values=["", "NaN", "nan", "NULL", "null", "None", "<NA>"],
        )  # fmt: skip


def normalise(raw: RawFile, frame: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Turn the rows of one file into rows of one form.

    Args:
        raw: The file.
        frame: Its rows as `read` returns them.
        findings: Receives an error for every value that cannot be, with file, row and value, and
            counted warnings for rows that contradict themselves.

    Returns:
        Columns `file`, `row`, `game_id` (ten digits), `season`, `kind`, `game_date`, `team_id`,
        `points`, the box score, `season_id`, and for a team `abbreviation`, `name`, `matchup`,
        `wl`, `at_home`; for a player `player_id` (float64, NaN where the source has none),
        `player_name`, `seconds`, `plus_minus`, `shots_reconstructed`. After an error the rows are
        not fit for use.
    """
    frame = frame.assign(file=raw.name)
    rows = _games(raw, frame, findings)
    frame = frame.loc[rows.index]
    rows["game_date"] = _dates(rows, frame, findings)
    rows["team_id"] = _team_ids(rows, frame, findings)
    rows["points"] = _counts(rows, frame, "PTS", findings)
    for column in BOX_COLUMNS:
        name = column.upper()
        rows[column] = _counts(rows, frame, name, findings) if name in frame else float("nan")
    if raw.level == "team":
        _add_team_columns(rows, frame, findings)
    else:
        rows = _add_player_columns(rows, frame, findings)
    _check_arithmetic(rows, findings)
    return rows


def _games(raw: RawFile, frame: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Return `file`, `row`, `game_id`, `season`, `kind` of the rows whose kind has a table."""
    ids = raw_values.digits(frame["GAME_ID"], width=10)
    ids = ids.where(ids.str.len() == 10)
    remedy = "A game id has ten digits, with or without its leading zeros."
    findings.error("no game id", frame, ids.isna(), ["GAME_ID"], remedy)
    rows = frame[["file", "row"]].assign(game_id=ids).dropna(subset="game_id")
    prefix = rows["game_id"].str[:3]
    dropped = prefix.isin(DROPPED_PREFIXES)
    findings.warn(
        "dropped: preseason (001), all-star game (003) or NBA Cup final (006)",
        rows, dropped, ["game_id"],
    )  # fmt: skip
    unknown = ~dropped & ~prefix.isin(list(KIND_OF_PREFIX))
    remedy = f"Kinds of game are {', '.join(KIND_OF_PREFIX)} and {', '.join(DROPPED_PREFIXES)}."
    findings.error("game id of no known kind", rows, unknown, ["game_id"], remedy)
    rows = rows[~dropped & ~unknown].copy()
    years = raw_values.start_years(rows["game_id"])
    rows["season"] = years.map({year: league.season_label(year) for year in years.unique()})
    rows["season"] = rows["season"].astype("str")
    rows["kind"] = rows["game_id"].str[:3].map(KIND_OF_PREFIX).astype("str")
    elsewhere = (rows["season"] != raw.season) | (rows["kind"] != raw.kind)
    findings.warn(
        "file name disagrees with the game id, which is believed",
        rows, elsewhere, ["game_id", "season", "kind"],
    )  # fmt: skip
    if "SEASON_ID" in frame:
        written = raw_values.digits(frame.loc[rows.index, "SEASON_ID"])
        # 2, 4 or 5 as in the game id, and the year in which the season starts.
        expected = rows["game_id"].str[2] + years.astype("str")
        findings.warn(
            "SEASON_ID disagrees with the game id, which is believed",
            rows.assign(SEASON_ID=written),
            written.notna() & (written != expected),
            ["game_id", "SEASON_ID"],
        )
    return rows


def _dates(rows: pd.DataFrame, frame: pd.DataFrame, findings: Findings) -> pd.Series:
    years = raw_values.start_years(rows["game_id"])
    dates, form, undecided = raw_values.dates(frame["GAME_DATE"], years)
    if form == raw_values.DAY_MONTH:
        findings.warn_file(str(rows["file"].iloc[0]), "dates are written day/month")
    if undecided:
        findings.warn_file(
            str(rows["file"].iloc[0]), "dates fit month/day and day/month; read as month/day"
        )
    remedy = f"The other dates of this file are read as {form}; give all of them in one format."
    findings.error("no date", frame, dates.isna(), ["GAME_DATE"], remedy)
    frame = frame.assign(season=rows["season"])
    wrong = raw_values.outside_season(dates, years)
    remedy = f"Dates of this file are read as {form}; correct the date or the game id."
    findings.error(
        "date outside its season", frame, wrong, ["GAME_DATE", "GAME_ID", "season"], remedy
    )
    return dates


def _team_ids(rows: pd.DataFrame, frame: pd.DataFrame, findings: Findings) -> pd.Series:
    ids = raw_values.numbers(raw_values.digits(frame["TEAM_ID"]))
    known = ids.isin(league.known_team_ids())
    remedy = "Team ids run from 1610612737 to 1610612766."
    findings.error("unknown team id", frame, ~known, ["TEAM_ID"], remedy)
    for season in rows["season"].unique():
        playing = ids.isin(league.league_teams(season)["team_id"])
        absent = (rows["season"] == season) & known & ~playing
        remedy = "The team did not play in the season that the game id names; correct either id."
        findings.error("team of another season", frame, absent, ["TEAM_ID", "GAME_ID"], remedy)
    return ids.where(known, 0).astype("int64")


def _numbers(frame: pd.DataFrame, column: str, findings: Findings) -> pd.Series:
    numbers = raw_values.numbers(frame[column])
    bad = numbers.isna() & raw_values.present(frame[column])
    findings.error(f"{column} is no number", frame, bad, [column], "Correct or remove the rows.")
    return numbers


def _counts(rows: pd.DataFrame, frame: pd.DataFrame, column: str, findings: Findings) -> pd.Series:
    counts = _numbers(frame, column, findings)
    remedy = "Counts are whole and not negative; correct or remove the rows."
    shown = ["GAME_ID", column]
    findings.error(f"{column} is negative", frame, counts < 0, shown, remedy)
    findings.error(f"{column} is not whole", frame, counts % 1 > 0, shown, remedy)
    return counts.loc[rows.index]


def _add_team_columns(rows: pd.DataFrame, frame: pd.DataFrame, findings: Findings) -> None:
    rows["abbreviation"] = raw_values.text(frame["TEAM_ABBREVIATION"])
    rows["name"] = raw_values.text(frame["TEAM_NAME"])
    rows["matchup"] = raw_values.text(frame["MATCHUP"])
    for column in ("abbreviation", "name", "matchup"):
        findings.error(f"{column} is empty", frame, rows[column].isna(), ["GAME_ID"], _FILL_IN)
    side = rows["matchup"].str.extract(r"\s(vs\.?|@)\s", expand=False)
    remedy = "A matchup reads like 'CLE vs. WAS' (at home) or 'CLE @ WAS'."
    unread = side.isna() & rows["matchup"].notna()
    findings.error("matchup not understood", frame, unread, ["MATCHUP"], remedy)
    rows["at_home"] = side.str.startswith("vs").fillna(False).astype("bool")
    results = raw_values.text(frame["WL"]).str.upper() if "WL" in frame else None
    rows["wl"] = pd.Series(pd.NA, index=rows.index, dtype="str") if results is None else results
    if "MIN" in frame:
        played = _seconds(frame, findings)
        findings.error("MIN is negative", frame, played < 0, ["GAME_ID", "MIN"], _FIX_MINUTES)


def _seconds(frame: pd.DataFrame, findings: Findings) -> pd.Series:
    played = raw_values.seconds(frame["MIN"])
    unread = played.isna() & raw_values.present(frame["MIN"])
    findings.error("MIN not understood", frame, unread, ["GAME_ID", "MIN"], _FIX_MINUTES)
    return played


def _add_player_columns(
    rows: pd.DataFrame, frame: pd.DataFrame, findings: Findings
) -> pd.DataFrame:
    ids = raw_values.numbers(raw_values.digits(frame["PLAYER_ID"]))
    bad = ids.isna() & raw_values.present(frame["PLAYER_ID"])
    remedy = "A player id is a whole number; 0 or nothing where it is not known."
    findings.error("PLAYER_ID not understood", frame, bad, ["PLAYER_ID"], remedy)
    rows["player_id"] = ids.where(ids > 0)
    rows["player_name"] = raw_values.text(frame["PLAYER_NAME"])
    unnamed = rows["player_name"].isna()
    findings.error("PLAYER_NAME is empty", frame, unnamed, ["GAME_ID", "PLAYER_ID"], _FILL_IN)

    rows["seconds"] = _seconds(frame, findings)
    shown = ["GAME_ID", "PLAYER_NAME", "MIN"]
    findings.error("MIN is negative", frame, rows["seconds"] < 0, shown, _FIX_MINUTES)
    long = rows["seconds"] > MAX_PLAYER_SECONDS
    findings.error("MIN is longer than a game", frame, long, shown, _FIX_MINUTES)

    if "PLUS_MINUS" in frame:
        margins = _numbers(frame, "PLUS_MINUS", findings)
        findings.warn("PLUS_MINUS rounded", frame, margins % 1 > 0, ["GAME_ID", "PLUS_MINUS"])
        rows["plus_minus"] = margins.round()
    else:
        rows["plus_minus"] = float("nan")
    flag = "SHOTS_RECONSTRUCTED"
    rows["shots_reconstructed"] = raw_values.truths(frame[flag]) if flag in frame else False
    absent = ~raw_values.present(frame["MIN"])
    findings.warn(
        "dropped: player row without minutes",
        rows, absent, ["game_id", "team_id", "player_name"],
    )  # fmt: skip
    return rows[~absent].copy()


def _check_arithmetic(rows: pd.DataFrame, findings: Findings) -> None:
    """Warn of box scores that do not add up; a null makes a comparison false."""
    shown = ["game_id", "team_id"]
    made = 2 * rows["fgm"] + rows["fg3m"] + rows["ftm"]
    apart = (made - rows["points"]).abs() > 0
    findings.warn("points are not 2 FGM + FG3M + FTM", rows, apart, [*shown, "points"])
    apart = (rows["oreb"] + rows["dreb"] - rows["reb"]).abs() > 0
    findings.warn("rebounds are not OREB + DREB", rows, apart, [*shown, "reb"])
    for shots in ("fg", "fg3", "ft"):
        more = rows[f"{shots}m"] > rows[f"{shots}a"]
        findings.warn(f"more {shots}m than {shots}a", rows, more, [*shown, f"{shots}m"])
