"""The files of a raw folder: which there are, and one at a time into columns as they were written.

Game logs and season-level ratings lie in the folder itself, rosters, schedules, injury reports and
bookmakers' figures in its folders `rosters`, `schedules`, `injury_reports` and `market`. What the
values mean is for the other modules `raw_*` to say.
"""

import hashlib
import io
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pandas as pd
import pyarrow as pa

from nba_rank.core.seasons import season_label
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import values as raw_values
from nba_rank.data.tables import BOX_COLUMNS

FOLDERS = {"roster": "rosters", "schedule": "schedules"}
"""Folders, inside the raw folder, of which every table is a file of one level."""

MARKET_FOLDER = "market"
MARKET_NAMES = {"market_totals": "preseason_win_totals", "market_lines": "betting_lines"}
"""How the names of the files in the folder of bookmakers' figures begin, by level."""

INJURY_FOLDER = "injury_reports"
"""Folder of injury reports, one or more in a JSON file, in folders of its own or not."""

RATING_NAMES = {"team_records": "team_records*", "raptor": "*raptor_by_team*"}
"""Names of the files of season-level ratings in the raw folder itself, by level."""

_YEARS = r"(?P<year>\d{4})_(?P<end>\d{2})"
_LOG_NAME = re.compile(rf"(?:(?P<kind>playoffs?|play_?in)_)?(?P<level>team|player)_logs_{_YEARS}")
_SEASON_IN_NAME = re.compile(rf".*?(?<!\d){_YEARS}(?!\d).*")
_SUFFIXES = (".parquet", ".csv")
_JSON = ".json"
_BOX = tuple(column.upper() for column in BOX_COLUMNS)
_KEY = ("GAME_ID", "TEAM_ID", "GAME_DATE")
_EITHER = " or "
REQUIRED = {
    "team": (*_KEY, "TEAM_ABBREVIATION", "TEAM_NAME", "MATCHUP", "PTS", *_BOX),
    "player": (
        *_KEY, "PLAYER_ID", "PLAYER_NAME", "MIN", "PTS",
        *(column for column in _BOX if column not in ("OREB", "DREB", "PF")),
    ),
    "roster": ("DATE", "TEAM_ID or TEAM_ABBREVIATION", "PLAYER_ID or PLAYER_NAME"),
    "schedule": ("DATE", "HOME", "AWAY"),
    "market_totals": ("SEASON", "TEAM_NAME", "WIN_TOTAL", "TITLE_ODDS_AMERICAN"),
    "market_lines": (
        "GAME_ID", "DATE", "HOME", "AWAY", "HOME_SPREAD", "MONEYLINE_HOME", "MONEYLINE_AWAY"
    ),
    "team_records": ("SEASON", "TEAM", "W", "L", "MOV", "SOS", "SRS"),
    "raptor": (
        "PLAYER_NAME", "PLAYER_ID", "SEASON", "SEASON_TYPE", "TEAM", "MP",
        "RAPTOR_OFFENSE", "RAPTOR_DEFENSE",
    ),
    "injury_report": ("DATE", "INJURIES"),
}  # fmt: skip
"""Columns without which a file cannot be used, by level; of `A or B` one is enough."""

OPTIONAL = {
    "team": ("SEASON_ID", "WL", "MIN", "PLUS_MINUS", "VIDEO_AVAILABLE"),
    "player": ("SEASON_ID", "OREB", "DREB", "PF", "PLUS_MINUS", "VIDEO_AVAILABLE"),
    "roster": ("TEAM_ID", "TEAM_ABBREVIATION", "PLAYER_ID", "PLAYER_NAME"),
    "schedule": ("NEUTRAL",),
    "market_totals": (),
    "market_lines": ("SEASON", "SCORE_HOME", "SCORE_AWAY"),
    "team_records": (),
    "raptor": (),
    "injury_report": (),
}
_SHORT_NAMES = {"TEAM": "TEAM_ABBREVIATION", "PLAYER": "PLAYER_NAME"}
"""What hand-written roster files call their columns."""

_FIX_FILE = "Download the file again, or remove it from the raw folder."
_FIX_COLUMNS = {
    "team": "Export it again with the columns of LeagueGameLog.",
    "player": "Export it again with the columns of LeagueGameLog.",
    "roster": f"A roster file has the columns {', '.join(REQUIRED['roster'])}.",
    "schedule": f"A schedule file has the columns {', '.join(REQUIRED['schedule'])}.",
    "market_totals": f"Win totals have the columns {', '.join(REQUIRED['market_totals'])}.",
    "market_lines": f"Betting lines have the columns {', '.join(REQUIRED['market_lines'])}.",
    "team_records": f"Team records have the columns {', '.join(REQUIRED['team_records'])}.",
    "raptor": f"RAPTOR has, among others, the columns {', '.join(REQUIRED['raptor'])}.",
    "injury_report": 'An injury report is written {"date": ..., "injuries": [...]}.',
}


@dataclass(frozen=True)
class RawFile:
    """A file of the raw folder, described by its name.

    Attributes:
        path: Where it lies.
        name: Its path relative to the raw folder, with forward slashes.
        level: What a row is: `team` or `player` of a game, a player of a `roster`, a game of a
            `schedule`, bookmakers' figures of a team's season (`market_totals`) or of a game
            (`market_lines`), ratings of a team's season (`team_records`) or of a player's with a
            team (`raptor`), or an `injury_report`.
        kind: Kind of game that the name promises (a row's game id decides); empty where it is
            no game log.
        season: Season that the name promises (a row's game id or date decides); empty if none.
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
        level: As of `RawFile`.
        kind: Kind of game by its name; empty where it is no game log.
        season: Season by its name; empty if it names none.
        rows: Rows read.
        missing: Optional columns that it lacks.
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


def discover(raw_dir: Path, issues: IngestIssues | None = None) -> list[RawFile]:
    """List the files of a raw folder that can be read, each level in order of name.

    Other files are left alone.

    Args:
        raw_dir: The folder.
        issues: Receives a warning for each file that looks like a game log but is not named
            like one, and for each of `MARKET_FOLDER` not named like `MARKET_NAMES`.
    """
    files = []
    for path in _tables_in(raw_dir):
        stem = path.stem.lower()
        match = _LOG_NAME.fullmatch(stem)
        season = _named_season(match)
        if match is None or not season:
            if issues is not None and re.search(r"(team|player)_(game_)?logs", stem):
                issues.warn_file(
                    path.name,
                    "not read: a game log is named like team_logs_2023_24 or "
                    "playoffs_player_logs_2023_24",
                )
            continue
        prefix = match["kind"] or "regular"
        kind = "playin" if "in" in prefix else "playoffs" if "playoff" in prefix else "regular"
        name = path.relative_to(raw_dir).as_posix()
        files.append(RawFile(path, name, match["level"], kind, season))
    for level, name_form in RATING_NAMES.items():
        for path in _tables_in(raw_dir):
            if fnmatch(path.stem.lower(), name_form):
                files.append(RawFile(path, path.relative_to(raw_dir).as_posix(), level, "", ""))
    for level, folder in FOLDERS.items():
        for path in _tables_in(raw_dir / folder):
            season = _named_season(_SEASON_IN_NAME.fullmatch(path.stem))
            name = path.relative_to(raw_dir).as_posix()
            files.append(RawFile(path, name, level, "", season))
    for path in _tables_in(raw_dir / MARKET_FOLDER):
        name = path.relative_to(raw_dir).as_posix()
        for level, beginning in MARKET_NAMES.items():
            if path.stem.lower().startswith(beginning):
                season = _named_season(_SEASON_IN_NAME.fullmatch(path.stem))
                files.append(RawFile(path, name, level, "", season))
                break
        else:
            if issues is not None:
                beginnings = " or ".join(MARKET_NAMES.values())
                issues.warn_file(name, f"not read: bookmakers' figures are named like {beginnings}")
    for path in sorted((raw_dir / INJURY_FOLDER).rglob("*")):
        if path.suffix.lower() == _JSON and path.is_file() and not path.name.startswith("."):
            name = path.relative_to(raw_dir).as_posix()
            files.append(RawFile(path, name, "injury_report", "", ""))
    return files


def _tables_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        hidden = path.name.startswith(".")
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not hidden:
            yield path


def _named_season(match: re.Match[str] | None) -> str:
    """Return the season that the matched years name, or empty text."""
    if match is None or int(match["end"]) != (int(match["year"]) + 1) % 100:
        return ""
    return season_label(int(match["year"]))


def read(raw: RawFile, issues: IngestIssues) -> tuple[FileRecord, pd.DataFrame | None]:
    """Read one file.

    Args:
        raw: The file.
        issues: Receives an error if the file is unreadable or lacks a required column.

    Returns:
        The record of the file, and its rows with column names in capitals and the columns `file`
        and `row` (from 1), or None if there was an error.
    """
    content = raw.path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    record = FileRecord(raw.name, digest, raw.level, raw.kind, raw.season)
    try:
        frame = _parse(content, raw.path.suffix.lower())
    except (OSError, ValueError, pd.errors.ParserWarning, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        issues.error_file(raw.name, f"cannot be read ({reason})", _FIX_FILE)
        return record, None
    frame.columns = [str(column).strip().upper() for column in frame.columns]
    if raw.level == "roster":
        frame = frame.rename(
            columns={short: name for short, name in _SHORT_NAMES.items() if name not in frame}
        )
    required, optional = REQUIRED[raw.level], OPTIONAL[raw.level]
    missing = [names for names in required if not _any_present(names, frame)]
    repeated = frame.columns[frame.columns.duplicated()].unique().tolist()
    for what, columns in (("lacks the columns", missing), ("repeats the columns", repeated)):
        if columns:
            remedy = _FIX_COLUMNS[raw.level]
            issues.error_file(raw.name, f"{what} {', '.join(columns)}", remedy)
    if missing or repeated:
        return record, None
    record.rows = len(frame)
    record.missing = [column for column in optional if column not in frame.columns]
    known = [column for column in (*required, *optional) if column in frame.columns]
    shares = frame[known].isna().mean()
    record.nulls = {str(column): float(share) for column, share in shares[shares > 0].items()}
    if frame.empty:
        issues.warn_file(raw.name, "has no rows")
    rows = range(1, len(frame) + 1)
    return record, frame.reset_index(drop=True).assign(file=raw.name, row=rows)


def _any_present(names: str, frame: pd.DataFrame) -> bool:
    return any(name in frame.columns for name in names.split(_EITHER))


def _parse(content: bytes, suffix: str) -> pd.DataFrame:
    if suffix == ".parquet":
        return pd.read_parquet(io.BytesIO(content))
    if suffix == _JSON:
        found = json.loads(content)
        records = found if isinstance(found, list) else [found]
        if not all(isinstance(record, dict) for record in records):
            raise ValueError("neither an object nor a list of objects")
        return pd.DataFrame.from_records(records)
    with warnings.catch_warnings():
        # Rows longer than the header would be cut off without a word.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            io.BytesIO(content), dtype="str", index_col=False, encoding="utf-8-sig",
            keep_default_na=False, na_values=["", "NaN", "nan", "NULL", "null", "None", "<NA>"],
        )  # fmt: skip


def read_dates(
    frame: pd.DataFrame, column: str, start_years: pd.Series | None, issues: IngestIssues
) -> tuple[pd.Series, str]:
    """Read the dates of one file; see `raw_values.dates`.

    Args:
        frame: Rows of one file, as `read` returns them.
        column: The column of dates.
        start_years: Year in which each row's season starts, where that is known.
        issues: Receives an error for rows without a date, and a warning where the order of day
            and month is unusual or undecided.

    Returns:
        Dates (datetime64[us], midnight), and the name of the format in which they are written.
    """
    dates, form, undecided = raw_values.dates(frame[column], start_years)
    if form == raw_values.DAY_MONTH:
        issues.warn_file(str(frame["file"].iloc[0]), "dates are written day/month")
    if undecided:
        issues.warn_file(
            str(frame["file"].iloc[0]), "dates fit month/day and day/month; read as month/day"
        )
    remedy = f"The other dates of this file are read as {form}; give all of them in one format."
    issues.error("no date", frame, dates.isna(), [column], remedy)
    return dates, form
