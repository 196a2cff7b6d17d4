"""The files of raw folders: how they are found, and how one is read as it was written."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pandas as pd

from nba_rank.core.seasons import season_label
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import parse, producers
from nba_rank.data.tables import BOX_COLUMNS

_SEASON = re.compile(r"(?<!\d)(?P<year>\d{4})[-_ ](?P<end>\d{2})(?!\d)")
_LOG = re.compile(r"(team|player)s?_(game_)?(logs?|box(_?scores?)?|stat(istic)?s)(?![a-z])")

INJURY_FOLDER = "injury_reports"
"""Folder of injury reports, in folders of its own or not."""

PLAY_BY_PLAY_FOLDER = "play_by_play"
"""Folder of tables of a season and JSON files of a game, in folders of their own or not."""

_OTHERS = (
    ("injury_report", f"{INJURY_FOLDER}/.*"),
    ("play_by_play", rf"{PLAY_BY_PLAY_FOLDER}/.*|play_by_play_[^/]*"),
    ("stints", r"stints/[^/]*|stints_[^/]*"),
    ("roster", r"rosters?/[^/]*"),
    ("schedule", r"schedules?/[^/]*|schedule(_[^/]*)?"),
    ("market_lines", r"market/betting_lines[^/]*"),
    ("market_totals", r"market/preseason_win_totals[^/]*"),
    ("team_records", r"team_records[^/]*"),
    ("raptor", r"[^/]*raptor_by_team[^/]*"),
    ("drafts", r"players/players[^/]*"),
)
"""Names of the files of other tables, in lower case, with words joined by `_`."""

_WHERE = {
    "injury_report": f"{INJURY_FOLDER}/", "play_by_play": f"{PLAY_BY_PLAY_FOLDER}/",
    "stints": "stints/", "roster": "rosters/", "schedule": "schedules/",
    "market_lines": "market/betting_lines_", "market_totals": "market/preseason_win_totals_",
    "team_records": "team_records_", "raptor": "raptor_by_team_",
    "drafts": "players/players_", "injury_entries": f"{INJURY_FOLDER}/",
    "team": "team_logs_", "player": "player_logs_",
}  # fmt: skip
"""What the name of a file of each level begins with."""

PARAMS_FILE, TRUE_STRENGTH_FILE = "sim.json", "true_strength.parquet"
"""Files of a simulated league that only the simulator reads."""

FETCHED_FILE, DOWNLOADS = "fetched.json", ".fetch"
"""What `nba_rank.data.fetch` notes of the files that it wrote, and its own folder: no raw files."""

_NO_RAW_FILES = (PARAMS_FILE, TRUE_STRENGTH_FILE, FETCHED_FILE)
_BESIDE = re.compile(r"[._].*|readme.*|licen[cs]e.*|.*\.(md|rst|crc|log|lock)")
"""Names of files that lie beside data: hidden ones, marks of parquet writers, and notes."""

_ENDINGS = re.compile(r"(\.(csv|tsv|txt|parquet|pq|jsonl?|gz|bz2|xz|xlsx?|zip))+$", re.IGNORECASE)
_UNFINISHED = re.compile(r"~\$.*|.*\.(part|partial|crdownload|download|tmp)", re.IGNORECASE)
_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
LINE_UP = tuple(f"{side}{place}" for side in "HA" for place in range(1, 6))
_BOX = tuple(column.upper() for column in BOX_COLUMNS)
_KEY = ("GAME_ID", "TEAM_ID", "GAME_DATE")
_EITHER = " or "
_EVENT = (
    "GAME_ID or GAMEID", "PERIOD", "EVENTNUM or ACTIONNUMBER", "EVENTMSGTYPE or ACTIONTYPE",
    "PCTIMESTRING or CLOCK", "PLAYER1_ID or PERSONID", "PLAYER1_TEAM_ID or TEAMID",
)  # fmt: skip
REQUIRED = {
    "team": (*_KEY, "TEAM_ABBREVIATION", "TEAM_NAME", "MATCHUP", "PTS", *_BOX),
    "player": (
        *_KEY, "PLAYER_ID", "PLAYER_NAME", "MIN", "PTS",
        *(column for column in _BOX if column not in ("OREB", "DREB", "PF")),
    ),
    "roster": ("DATE", "TEAM_ID or TEAM_ABBREVIATION", "PLAYER_ID or PLAYER_NAME"),
    "schedule": ("DATE", "HOME", "AWAY"),
    "market_totals": ("SEASON", "TEAM_NAME", "WIN_TOTAL", "TITLE_ODDS_AMERICAN"),
    "market_lines": ("DATE", "HOME", "AWAY", "HOME_SPREAD", "MONEYLINE_HOME", "MONEYLINE_AWAY"),
    "team_records": ("SEASON", "TEAM", "W", "L", "MOV", "SOS", "SRS"),
    "raptor": (
        "PLAYER_NAME", "PLAYER_ID", "SEASON", "SEASON_TYPE", "TEAM", "MP",
        "RAPTOR_OFFENSE", "RAPTOR_DEFENSE",
    ),
    "drafts": ("PLAYER_ID", "DRAFT_YEAR", "DRAFT_NUMBER"),
    "stints": (
        "GAME_ID", "PERIOD", "START", "END", "HOME_TEAM_ID", "AWAY_TEAM_ID", *LINE_UP,
        "PTS_H", "PTS_A", "POSS_H", "POSS_A",
    ),
    "play_by_play": _EVENT,
    "game_events": _EVENT,
    "injury_report": ("DATE", "INJURIES"),
    "injury_entries": ("DATE", "PLAYER_NAME", "TEAM_ID", "STATUS"),
}  # fmt: skip
"""Columns without which a file cannot be used, by level; of `A or B` one is enough."""

_BY_COLUMNS = (
    "stints",
    "raptor",
    "drafts",
    "market_lines",
    "market_totals",
    "team_records",
    "play_by_play",
    "player",
    "team",
    "injury_entries",
    "roster",
    "schedule",
)
"""Levels in the order in which columns are compared with theirs, the most special first."""

_MARKET = ("market_lines", "market_totals")

_OPTIONAL = {
    "team": ("SEASON_ID", "WL", "MIN", "PLUS_MINUS", "VIDEO_AVAILABLE"),
    "player": ("SEASON_ID", "OREB", "DREB", "PF", "PLUS_MINUS", "VIDEO_AVAILABLE"),
    "roster": ("TEAM_ID", "TEAM_ABBREVIATION", "PLAYER_ID", "PLAYER_NAME"),
    "schedule": ("NEUTRAL",),
    "market_lines": ("GAME_ID", "SEASON", "SCORE_HOME", "SCORE_AWAY"),
    "stints": ("SECONDS", "FULL_10"),
}


@dataclass(frozen=True)
class RawFile:
    """A file of a raw folder, described by its name.

    Attributes:
        path: The file.
        folder: Position of its raw folder among all of them.
        name: Its path relative to the raw folder, with forward slashes; with the raw folder where
            there are several.
        level: What a row is, a key of `REQUIRED`.
        kind: Kind of game by the name (a row's game id decides); empty where it is no game log.
        season: Season by the name (a row's game id or date decides); empty if it names none.
    """

    path: Path
    folder: int
    name: str
    level: str
    kind: str
    season: str


@dataclass
class FileRecord:
    """What the manifest and the quality report say of one raw file.

    Attributes:
        path: Its `RawFile.name`; level, kind and season are those of `RawFile`, too.
        sha256: Hash of its bytes.
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


def discover(raw_dirs: Sequence[Path], issues: IngestIssues | None = None) -> list[RawFile]:
    """List the files of raw folders, by folder and name; notes and hidden files are none of them.

    Of a file that several folders have only that of the last one counts: a game log of the same
    level, kind and season, or another file of the same name, whatever its format. It is a warning,
    and a folder that cannot be read is an error.
    """
    found: list[tuple[tuple[str, ...], RawFile]] = []
    for folder, raw_dir in enumerate(raw_dirs):
        prefix = f"{raw_dir.as_posix()}/" if len(raw_dirs) > 1 else ""
        for path in sorted(_files_in(raw_dir, issues)):
            name = path.relative_to(raw_dir).as_posix()
            # A name that is not UTF-8 cannot be printed or kept in a table as it is.
            name = name.encode("utf-8", "backslashreplace").decode()
            level, kind, season = _by_name(name)
            plain = _ENDINGS.sub("", name).lower()
            identity: tuple[str, ...] = (level, kind, season) if kind and season else (plain,)
            found.append((identity, RawFile(path, folder, prefix + name, level, kind, season)))
    last = dict(found)
    kept = []
    for identity, file in found:
        if file.folder == last[identity].folder:
            kept.append(file)
        elif issues is not None:
            what = "not read: a later raw folder has the same file"
            issues.warn_file(file.name, what, last[identity].name)
    return kept


def _files_in(raw_dir: Path, issues: IngestIssues | None) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        if issues is not None and raw_dir.is_dir():
            remedy = "Give permission to list it, or move it out of the raw folder."
            issues.error_file(str(error.filename), "the folder cannot be read", remedy)

    seen = set()
    for place, folders, names in os.walk(raw_dir, followlinks=True, onerror=refuse):
        real = os.path.realpath(place)
        # A folder can hold a link to itself.
        folders[:] = [] if real in seen else [name for name in folders if name[0] not in "._"]
        if real not in seen:
            seen.add(real)
            for name in names:
                if not _BESIDE.fullmatch(name.lower()) and name not in _NO_RAW_FILES:
                    yield Path(place, name)


def _by_name(name: str) -> tuple[str, str, str]:
    """Return level, kind and season that a path inside a raw folder tells, each empty if not."""
    parts = [
        re.sub(r"[\W_]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", part)).lower().strip("_")
        for part in _ENDINGS.sub("", name).split("/")
    ]
    season = _named_season(_SEASON.search(name.rpartition("/")[2]))
    log = _LOG.search(parts[-1]) or next(filter(None, map(_LOG.search, parts[:-1])), None)
    other = next((level for level, form in _OTHERS if re.fullmatch(form, "/".join(parts))), "")
    if other == "play_by_play" and ".json" in name.lower():
        other = "game_events"
    if other or log is None:
        return other, "", season
    whole = "_".join(parts)
    playin = "playin" in whole or "play_in" in whole
    kind = "playin" if playin else "playoffs" if "playoff" in whole else "regular"
    return log[1], kind, season


def _named_season(match: re.Match[str] | None) -> str:
    """Return the season of the matched years, or empty text."""
    if match is None or int(match["end"]) != (int(match["year"]) + 1) % 100:
        return ""
    return season_label(int(match["year"]))


def read(raw: RawFile, issues: IngestIssues) -> tuple[FileRecord, pd.DataFrame | None]:
    """Return the record of one file, and its rows, None if it is not used.

    What a row is follows from the name of the file and its columns; a game log may have any name. A
    file of another name is a warning that says what it looks like; a file that does not hold what
    its name says, or stands for another one, is an error.

    Returns:
        The record, whose `level` is what the rows are, or empty; rows with our column names in
        capitals and the columns `file` and `row` (from 1).
    """
    record = FileRecord(raw.name, "", raw.level, raw.kind, raw.season)
    unfinished = _UNFINISHED.fullmatch(raw.path.name) is not None
    try:
        content = parse.content(raw.path)
        record.sha256 = hashlib.sha256(content).hexdigest()
        if unfinished:
            raise parse.UnreadableError("by its name an unfinished download or a temporary file")
        rows = parse.rows_of(content)
        if left_out := rows.attrs.get(parse.LEFT_OUT):
            what = "one of its lists of rows is read: put the others into files of their own"
            issues.warn_file(raw.name, what, f"not read: {', '.join(left_out)}")
    except parse.UnreadableError as error:
        if (raw.level and not unfinished) or error.stands_for_another:
            issues.error_file(raw.name, str(error), error.remedy)
        else:
            issues.warn_file(raw.name, f"not read: {error}")
        return record, None
    return record, _as_level(raw, record, rows, issues)


def _as_level(
    raw: RawFile, record: FileRecord, rows: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame | None:
    """Return the rows with our column names, and note in the record what they are."""
    if raw.level == "game_events" and rows.empty:
        issues.warn_file(raw.name, "has no rows")
        return None
    rows = producers.one_row_a_team(rows.reset_index(drop=True))
    rows, alone = producers.one_row_a_game(rows, raw.season)
    lost = pd.DataFrame({"file": raw.name, "row": alone + 1})
    what = "row whose game has no other row, first the visitors' and then the home team's"
    issues.drop(what, lost, pd.Series(True, lost.index), [])
    rows = producers.of_outcomes(rows)
    numbers = rows.index + 1
    rows = rows.reset_index(drop=True)
    logs = ("player", "team")
    hinted = (*logs,) if raw.level in logs else (raw.level,) if raw.level else tuple(_BY_COLUMNS)
    if raw.level == "roster":
        rows = dated_by_name(raw, rows, "roster")
    level, fitting = _fitting(rows, hinted)
    level = level or raw.level
    if level == "team" and {"PLAYER_ID", "PLAYER_NAME"} & {*with_names(rows, "player")}:
        # Rows of players that lack something are none of teams.
        level = "player"
    if raw.level == "team" and fitting is not None and level == "player":
        issues.warn_file(raw.name, "rows of players, though the name says teams: read as such")
    known = bool(raw.level) or level in logs or (level in _MARKET and _is_of_market(raw))
    record.level = level if known else ""
    if not known:
        _tell_not_read(raw, rows, level, issues)
        return None
    frame = _without_copies(with_names(rows, level) if fitting is None else fitting)
    if not has_columns(raw, level, list(frame.columns), issues, rows):
        return None
    frame = frame.loc[:, ~frame.columns.duplicated()]
    optional = _OPTIONAL.get(level, ())
    record.rows = len(frame)
    record.missing = [column for column in optional if column not in frame.columns]
    named = [column for column in (*REQUIRED[level], *optional) if column in frame.columns]
    shares = frame[named].isna().mean()
    record.nulls = {str(column): float(share) for column, share in shares[shares > 0].items()}
    if frame.empty:
        issues.warn_file(raw.name, "has no rows")
    return frame.assign(file=raw.name, row=numbers)


def _without_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Give columns that pandas numbered (`PTS.1`) their name again, and leave out equal ones."""
    if frame.columns.has_duplicates:
        return frame
    again = {name: base for name in frame if (base := re.sub(r"\.\d+$", "", str(name))) != name}
    again = {name: base for name, base in again.items() if base in frame}
    equal = [name for name, base in again.items() if frame[name].equals(frame[base])]
    return frame.drop(columns=equal).rename(columns=again)


def _fitting(rows: pd.DataFrame, levels: Sequence[str]) -> tuple[str, pd.DataFrame | None]:
    """Return the first level whose columns the rows have, and the rows with our names; or none."""
    for level in levels:
        # Names alone tell those of most levels; what a game log lacks can follow from its values.
        frame = with_names(rows if level in ("team", "player") else rows.head(0), level)
        if not _lacking(frame, level):
            return level, frame if len(frame) == len(rows) else with_names(rows, level)
    return "", None


def _is_of_market(raw: RawFile) -> bool:
    """Whether a file lies in a folder of bookmakers' figures, whatever its name."""
    return "market" in raw.path.parent.name.lower()


def dated_by_name(raw: RawFile, rows: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return rows that have no date with that of the file's name, such as `2023-10-24.csv`."""
    day = day_by_name(raw)
    if day is None or "DATE" in with_names(rows, level):
        return rows
    return rows.assign(DATE=day)


def day_by_name(raw: RawFile) -> str | None:
    """Return the day in a file's name, such as `2023-10-24.csv` or `rosters_20231024.csv`."""
    found = _DAY.search(raw.path.name)
    return None if found is None else f"{found[1]}-{found[3]}-{found[4]}"


def with_names(rows: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return rows with our names of a level's columns, and those that follow from others."""
    known = [name for each in _columns_of(level) for name in each.split(_EITHER)]
    frame = producers.renamed(rows, level, known)
    if level not in ("team", "player") or frame.columns.has_duplicates:
        return frame
    if level == "player" and "PLAYER_ID" not in frame:
        return frame
    return producers.complete(frame, level)


def _columns_of(level: str) -> tuple[str, ...]:
    return (*REQUIRED[level], *_OPTIONAL.get(level, ()))


def _lacking(frame: pd.DataFrame, level: str) -> list[str]:
    return [each for each in REQUIRED[level] if not {*each.split(_EITHER)} & {*frame.columns}]


def _tell_not_read(raw: RawFile, rows: pd.DataFrame, level: str, issues: IngestIssues) -> None:
    """Warn of a file whose name says nothing and that is no game log."""
    likeness = _likeness(rows, level)
    why = (
        f"it looks like {likeness}"
        if likeness
        else "no kind of raw file has such a name and columns"
    )
    example = (
        f"{_WHERE[level]}{_ENDINGS.sub('', raw.path.name)}.csv" if level else _first(rows.columns)
    )
    issues.warn_file(raw.name, f"not read: {why}", example)


def _likeness(rows: pd.DataFrame, level: str) -> str:
    """Say whose file has such columns, or what it is and how such files are named."""
    producer = producers.producer_of(rows.columns)
    if producer is not None:
        return producer
    return f"a {level.replace('_', ' ')} file, which is named {_WHERE[level]}..." if level else ""


def _first(names: Iterable[object]) -> str:
    """Return the first column names, as text of one line."""
    plain = filter(None, (" ".join(str(name).split()) for name in names))
    return ", ".join(islice(plain, 6)) or "no columns"


def has_columns(
    raw: RawFile,
    level: str,
    names: Sequence[str],
    issues: IngestIssues,
    rows: pd.DataFrame | None = None,
) -> bool:
    """Whether columns include each required one, and each once; if not, an error says so.

    It also says what the rows, as they were parsed, look like.
    """
    required = REQUIRED[level]
    missing = [each for each in required if not {*each.split(_EITHER)} & {*names}]
    used = {name for each in _columns_of(level) for name in each.split(_EITHER)}
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1 and name in used]
    if level in ("team", "player"):
        remedy = "Export it again with the columns of LeagueGameLog."
    elif level == "injury_report":
        remedy = 'An injury report is written {"date": ..., "injuries": [...]}.'
    elif level == "injury_entries":
        remedy = (
            "A table of injuries has the columns PLAYER_NAME, TEAM, STATUS and DATE, or is named "
            "by the day."
        )
    elif level == "roster":
        remedy = (
            "A roster file has a team, players by id or name, and DATE, or is named by the day."
        )
    else:
        remedy = f"A {level.replace('_', ' ')} file has the columns {', '.join(required)}."
    told = ""
    if (missing or repeated) and rows is not None:
        fitting, _ = _fitting(rows, _BY_COLUMNS)
        same = fitting == level or {level, fitting} <= {"team", "player"}
        likeness = _likeness(rows, "" if same else fitting)
        told = f"; it looks like {likeness}" if likeness else ""
    if len(missing) == len(required) > 3:
        what = f"has none of the columns of a {level.replace('_', ' ')} file, but {_first(names)}"
        issues.error_file(raw.name, f"{what}{told}", remedy)
        return False
    for what, columns in (("lacks the columns", missing), ("repeats the columns", repeated)):
        if columns:
            issues.error_file(raw.name, f"{what} {', '.join(columns)}{told}", remedy)
    return not missing and not repeated
