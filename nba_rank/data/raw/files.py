"""The files of raw folders: how they are found, and how one is read as it was written."""

import hashlib
import io
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pandas as pd
import pyarrow as pa

from nba_rank.core.seasons import season_label
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.tables import BOX_COLUMNS

_YEARS = r"(?P<year>\d{4})_(?P<end>\d{2})"
_LOG = re.compile(rf"(?:(?P<kind>playoffs?|play_?in)_)?(?P<level>team|player)_logs_{_YEARS}")
_SEASON = re.compile(rf"(?<!\d){_YEARS}(?!\d)")

_OTHERS = (
    ("team_records", "", "team_records"),
    ("raptor", "", r".*raptor_by_team"),
    ("roster", "rosters", ""),
    ("schedule", "schedules", ""),
    ("market_lines", "market", "betting_lines"),
    ("market_totals", "market", "preseason_win_totals"),
    ("stints", "", "stints_"),
    ("stints", "stints", ""),
    ("play_by_play", "", "play_by_play_"),
)
"""Level of other tables, folder inside the raw folder and beginning of the name."""

INJURY_FOLDER = "injury_reports"
"""Folder of JSON files of injury reports, in folders of its own or not."""

PLAY_BY_PLAY_FOLDER = "play_by_play"
"""Folder of tables of a season and JSON files of a game, in folders of their own or not."""

PARAMS_FILE, TRUE_STRENGTH_FILE = "sim.json", "true_strength.parquet"
"""Files of a simulated league that only the simulator reads."""

_SUFFIXES = (".parquet", ".csv")
_NOT_READ = {
    r".*(team|player)_(game_)?logs": (
        "a game log is named like team_logs_2023_24 or playoffs_player_logs_2023_24"
    ),
    "market/": "bookmakers' figures are named like betting_lines or preseason_win_totals",
    "players/": "no feature uses births, heights or drafts, and last years of play are the future",
    "": "no kind of raw file has such a name",
}
"""Why a file is not read, by the beginning of its name; the first that fits counts."""
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
    "market_lines": (
        "GAME_ID", "DATE", "HOME", "AWAY", "HOME_SPREAD", "MONEYLINE_HOME", "MONEYLINE_AWAY"
    ),
    "team_records": ("SEASON", "TEAM", "W", "L", "MOV", "SOS", "SRS"),
    "raptor": (
        "PLAYER_NAME", "PLAYER_ID", "SEASON", "SEASON_TYPE", "TEAM", "MP",
        "RAPTOR_OFFENSE", "RAPTOR_DEFENSE",
    ),
    "stints": (
        "GAME_ID", "PERIOD", "START", "END", "HOME_TEAM_ID", "AWAY_TEAM_ID", *LINE_UP,
        "PTS_H", "PTS_A", "POSS_H", "POSS_A",
    ),
    "play_by_play": _EVENT,
    "game_events": _EVENT,
    "injury_report": ("DATE", "INJURIES"),
}  # fmt: skip
"""Columns without which a file cannot be used, by level; of `A or B` one is enough."""

_OPTIONAL = {
    "team": ("SEASON_ID", "WL", "MIN", "PLUS_MINUS", "VIDEO_AVAILABLE"),
    "player": ("SEASON_ID", "OREB", "DREB", "PF", "PLUS_MINUS", "VIDEO_AVAILABLE"),
    "roster": ("TEAM_ID", "TEAM_ABBREVIATION", "PLAYER_ID", "PLAYER_NAME"),
    "schedule": ("NEUTRAL",),
    "market_lines": ("SEASON", "SCORE_HOME", "SCORE_AWAY"),
    "stints": ("SECONDS", "FULL_10"),
}
_SHORT_NAMES = {"TEAM": "TEAM_ABBREVIATION", "PLAYER": "PLAYER_NAME"}
"""Names of columns in hand-written roster files."""


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

    @classmethod
    def of(cls, raw: RawFile, content: bytes) -> Self:
        """Return the record of a file that has not been read yet."""
        digest = hashlib.sha256(content).hexdigest()
        return cls(raw.name, digest, raw.level, raw.kind, raw.season)


def discover(raw_dirs: Sequence[Path], issues: IngestIssues | None = None) -> list[RawFile]:
    """List the files of raw folders that can be read, by folder, level and name.

    Of a file that several folders have only that of the last one counts: a game log of the same
    level, kind and season, or another file of the same name, whatever its format. It and tables
    that cannot be read are warnings.
    """
    found = []
    for folder, raw_dir in enumerate(raw_dirs):
        prefix = f"{raw_dir.as_posix()}/" if len(raw_dirs) > 1 else ""
        found += _in_folder(raw_dir, folder, prefix, issues)
    last = dict(found)
    kept = []
    for identity, file in found:
        if file.folder == last[identity].folder:
            kept.append(file)
        elif issues is not None:
            what = "not read: a later raw folder has the same file"
            issues.warn_file(file.name, what, last[identity].name)
    return kept


def _in_folder(
    raw_dir: Path, folder: int, prefix: str, issues: IngestIssues | None
) -> list[tuple[tuple[str, ...], RawFile]]:
    """Return the files of one folder that can be read, each with what it holds in any folder."""
    found: dict[Path, tuple[tuple[str, ...], RawFile]] = {}

    def add(path: Path, level: str, kind: str = "") -> None:
        season = _named_season(_SEASON.search(path.stem))
        name = path.relative_to(raw_dir).as_posix()
        identity = (level, kind, season) if kind else (name.removesuffix(path.suffix).lower(),)
        found[path] = (identity, RawFile(path, folder, prefix + name, level, kind, season))

    for path in _files_in(raw_dir, _SUFFIXES):
        match = _LOG.fullmatch(path.stem.lower())
        if match is not None and _named_season(match):
            named = match["kind"] or "regular"
            kind = "playin" if "in" in named else "playoffs" if "playoff" in named else "regular"
            add(path, match["level"], kind)
    for level, place, beginning in _OTHERS:
        for path in _files_in(raw_dir / place, _SUFFIXES):
            if re.match(beginning, path.stem.lower()):
                add(path, level)
    for path in _files_in(raw_dir / INJURY_FOLDER, (".json",), "**/*"):
        add(path, "injury_report")
    for path in _files_in(raw_dir / PLAY_BY_PLAY_FOLDER, (*_SUFFIXES, ".json"), "**/*"):
        add(path, "game_events" if path.suffix.lower() == ".json" else "play_by_play")
    if issues is not None:
        for path in _files_in(raw_dir, (*_SUFFIXES, ".json"), "**/*"):
            if path not in found and path.name not in (PARAMS_FILE, TRUE_STRENGTH_FILE):
                name = path.relative_to(raw_dir).as_posix()
                stem = name.removesuffix(path.suffix).lower()
                why = next(why for begins, why in _NOT_READ.items() if re.match(begins, stem))
                issues.warn_file(prefix + name, f"not read: {why}")
    return [*found.values()]


def _files_in(folder: Path, suffixes: Sequence[str], pattern: str = "*") -> Iterator[Path]:
    for path in sorted(folder.glob(pattern)):
        hidden = path.name.startswith(".")
        if path.suffix.lower() in suffixes and path.is_file() and not hidden:
            yield path


def _named_season(match: re.Match[str] | None) -> str:
    """Return the season of the matched years, or empty text."""
    if match is None or int(match["end"]) != (int(match["year"]) + 1) % 100:
        return ""
    return season_label(int(match["year"]))


def read(raw: RawFile, issues: IngestIssues) -> tuple[FileRecord, pd.DataFrame | None]:
    """Return the record of one file, and its rows, None if it cannot be used, which is an error.

    The rows have column names in capitals and the columns `file` and `row` (from 1).
    """
    content = raw.path.read_bytes()
    record = FileRecord.of(raw, content)
    try:
        frame = _parse(content, raw.path.suffix.lower())
    except (OSError, ValueError, pd.errors.ParserWarning, pa.ArrowException) as error:
        refuse(raw, error, issues)
        return record, None
    frame.columns = [str(column).strip().upper() for column in frame.columns]
    if raw.level == "roster":
        frame = frame.rename(
            columns={short: name for short, name in _SHORT_NAMES.items() if name not in frame}
        )
    if not has_columns(raw, list(frame.columns), issues):
        return record, None
    optional = _OPTIONAL.get(raw.level, ())
    record.rows = len(frame)
    record.missing = [column for column in optional if column not in frame.columns]
    known = [column for column in (*REQUIRED[raw.level], *optional) if column in frame.columns]
    shares = frame[known].isna().mean()
    record.nulls = {str(column): float(share) for column, share in shares[shares > 0].items()}
    if frame.empty:
        issues.warn_file(raw.name, "has no rows")
    rows = range(1, len(frame) + 1)
    return record, frame.reset_index(drop=True).assign(file=raw.name, row=rows)


def refuse(raw: RawFile, error: Exception, issues: IngestIssues) -> None:
    """Record an error for a file that cannot be parsed."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    remedy = "Download the file again, or remove it from the raw folder."
    issues.error_file(raw.name, f"cannot be read ({reason})", remedy)


def has_columns(raw: RawFile, names: Sequence[str], issues: IngestIssues) -> bool:
    """Whether columns include each required one, and each once; if not, an error says so."""
    required = REQUIRED[raw.level]
    missing = [each for each in required if not {*each.split(_EITHER)} & {*names}]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if raw.level in ("team", "player"):
        remedy = "Export it again with the columns of LeagueGameLog."
    elif raw.level == "injury_report":
        remedy = 'An injury report is written {"date": ..., "injuries": [...]}.'
    else:
        level = raw.level.replace("_", " ")
        remedy = f"A {level} file has the columns {', '.join(required)}."
    for what, columns in (("lacks the columns", missing), ("repeats the columns", repeated)):
        if columns:
            issues.error_file(raw.name, f"{what} {', '.join(columns)}", remedy)
    return not missing and not repeated


def _parse(content: bytes, suffix: str) -> pd.DataFrame:
    if suffix == ".parquet":
        return pd.read_parquet(io.BytesIO(content))
    if suffix == ".json":
        return _actions(json.loads(content))
    with warnings.catch_warnings():
        # Without this, rows longer than the header would be cut off in silence.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            io.BytesIO(content), dtype="str", index_col=False, encoding="utf-8-sig",
            keep_default_na=False, na_values=["", "NaN", "nan", "NULL", "null", "None", "<NA>"],
        )  # fmt: skip


def _actions(found: object) -> pd.DataFrame:
    """Return the actions of a game as stats.nba.com (V3) and cdn.nba.com write them."""
    game = found.get("game") if isinstance(found, dict) else None
    if not isinstance(game, dict) or not isinstance(game.get("actions"), list):
        raise ValueError('not play-by-play: {"game": {"gameId": ..., "actions": [...]}}')
    return pd.DataFrame(game["actions"]).assign(gameId=game.get("gameId"))
