"""The bytes of one raw file as rows, whatever form its producer or a spreadsheet gave them."""

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import re
import stat
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from nba_rank.data.raw import answers
from nba_rank.data.raw.values import MISSING

_PARQUET = b"PAR1"
_PACKED = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
}
_BINARY = {
    b"PK\x03\x04": "a zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook, or another file of an office program",
    **dict.fromkeys((b"7z\xbc\xaf", b"Rar!"), "an archive"),
    b"\x28\xb5\x2f\xfd": "a file that zstd has packed",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "a Feather or Arrow file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"\x89HDF": "an HDF5 file",
    **dict.fromkeys(
        (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        "a Python pickle, which can run code and so is never loaded",
    ),
    b"X\n\x00\x00\x00": "an RDS file of R",
    b"RDX": "an RData file of R",
    b"\xff\xfe\x00\x00": "text in UTF-32",
    b"%PDF": "a PDF document",
}
"""What a file is whose bytes begin so; none of them is read."""

_AGAIN = "Download the file again, or remove it from the raw folder."
_AS_CSV = "Save the table in it as CSV or parquet, or unpack it."
_WORKBOOK = b"[Content_Types].xml"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")

LEFT_OUT = "left out"
"""Attribute of rows: names of the other lists of rows that their file has."""

_MAX_ABOVE = 12
"""Most lines above a header."""

_ROW_VALUES = 6
"""So many plain values make a JSON object a row, whatever lists it holds."""

_BROKEN = (
    ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error,
    pd.errors.ParserWarning, pa.ArrowException,
)  # fmt: skip
"""What parsers raise on content of another form."""


class UnreadableError(Exception):
    """A file that holds no rows; says why, and what to do.

    Attributes:
        remedy: What to do.
        stands_for_another: It is a link or pointer to the file that is meant, or may not be read.
    """

    def __init__(
        self, reason: str, remedy: str = _AGAIN, *, stands_for_another: bool = False
    ) -> None:
        super().__init__(reason)
        self.remedy, self.stands_for_another = remedy, stands_for_another


def content(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        UnreadableError: It is a link to nothing, or may not be read.
    """
    if path.is_symlink() and not path.exists():
        remedy = "Put the file there, or remove the link."
        raise UnreadableError(
            f"a link to {path.readlink()}, which does not exist", remedy, stands_for_another=True
        )
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableError(
                "a pipe, socket or device", "Take it out of the folder.", stands_for_another=True
            )
        return path.read_bytes()
    except OSError as error:
        remedy = f"Give read permission: {error}."
        raise UnreadableError("may not be read", remedy, stands_for_another=True) from error


def unpacked(found: bytes) -> bytes:
    """Return bytes that gzip, bzip2 or xz has packed as they were before."""
    try:
        for mark, unpack in _PACKED.items():
            found = unpack(found) if found.startswith(mark) else found
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise UnreadableError(f"cannot be read ({error})") from error
    for mark, name, command in (
        (b"version https://git-lfs", "Git LFS", "git lfs pull"),
        (b"/annex/objects/", "git-annex", "git annex get"),
    ):
        if found.startswith(mark):
            remedy = f"Run `{command}` in its repository and copy the file again."
            what = f"a {name} pointer, not the file itself"
            raise UnreadableError(what, remedy, stands_for_another=True)
    binary = next((what for mark, what in _BINARY.items() if found.startswith(mark)), None)
    if binary is not None:
        binary = "an Excel workbook" if _WORKBOOK in found[:4000] else binary
        raise UnreadableError(binary, _AS_CSV)
    if re.match(rb"\s*<(!doctype|html|\?xml|table|head|body|div)", found[:200], re.IGNORECASE):
        raise UnreadableError("a web page, perhaps an error message in place of the file")
    return found


def rows_of(found: bytes) -> pd.DataFrame:
    """Return the rows of parquet, JSON or delimited text, packed or not; text stays as it is.

    Raises:
        UnreadableError: It is none of them, broken, or stands for another file.
    """
    found = unpacked(found)
    try:
        if found.startswith(_PARQUET):
            return _with_index(pd.read_parquet(io.BytesIO(found)))
        text = decode(found)
        if text.lstrip().startswith(("{", "[", '"{', '"[')):
            return of_json(json_of(text))
        return _delimited(text)
    except _BROKEN as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        reason = f"no {reason}" if isinstance(error, KeyError) else reason
        if isinstance(error, pd.errors.ParserWarning):
            reason = "its rows have more values than its header"
        raise UnreadableError(f"cannot be read ({reason})") from error


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the named levels of its index as columns."""
    named = [name for name in frame.index.names if name is not None and name not in frame]
    return frame.reset_index(level=named) if named else frame


def decode(found: bytes) -> str:
    """Return text in UTF-8, UTF-16 or, if it is neither, Windows' Western code page."""
    if found.startswith(_UTF16):
        return found.decode("utf-16")
    sample = found[:1000]
    if sample[1::2].count(0) > len(sample) // 4 or sample[::2].count(0) > len(sample) // 4:
        return found.decode("utf-16-le" if sample[1::2].count(0) else "utf-16-be")
    try:
        if _NO_TEXT.search(sample) is None:
            return found.decode("utf-8-sig")
    except UnicodeDecodeError:
        with contextlib.suppress(UnicodeDecodeError):
            return found.decode("cp1252")
    raise UnreadableError("neither text nor parquet", _AS_CSV)


def json_of(text: str) -> object:
    """Return what JSON says; of JSON Lines, a list of what each line says."""
    try:
        return json.loads(text)
    except ValueError:
        lines = text.strip().splitlines()
        if len(lines) > 1 and all(line.strip()[-1:] in ("}", "") for line in lines):
            return [json.loads(line) for line in lines if line.strip()]
        raise


def of_json(found: object) -> pd.DataFrame:
    """Return the rows of JSON: answers of the league, records, or a table as pandas writes it.

    Of several result sets of an answer it is the first that has rows; those of several answers, a
    list or an object of them, are put together. A list of objects inside an object is found, too;
    of several those with like objects. `attrs[LEFT_OUT]` names the others that have rows. JSON can
    also stand in a text of JSON.

    Raises:
        ValueError: There are no rows in it.
    """
    if isinstance(found, str):
        return of_json(json.loads(found))
    plain = answers.plain_rows(found)
    if plain is not None:
        return pd.DataFrame(plain)
    several = [*found.values()] if isinstance(found, dict) else found
    if isinstance(several, list):
        each = [_answer(one) for one in several]
        tables = [table for table in each if table is not None]
        if tables and len(tables) == len(each):
            names = [name for table in tables for name in table.attrs.get(LEFT_OUT, [])]
            return _leaving(pd.concat(tables, ignore_index=True), names)
    table = _answer(found)
    if table is None and isinstance(found, dict):
        table = _table_of_pandas(found)
    if table is not None:
        return table
    records = _records_in({"": found} if isinstance(found, list) and found else found)
    if records is None and isinstance(found, list):
        records = found
    if records is None or not all(isinstance(record, dict) for record in records):
        raise ValueError("JSON without rows")
    rows = pd.json_normalize(records, sep="_") if records else pd.DataFrame()
    taken = {id(record) for record in records}
    lists = dict(_lists_of_rows(found))
    return _leaving(rows, [name for name, value in lists.items() if id(value[0]) not in taken])


def _leaving(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return rows with the names of the other lists in their file."""
    rows.attrs = {LEFT_OUT: [*dict.fromkeys(names)]}
    return rows


def _lists_of_rows(found: object) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Find the lists of rows in an object, and in objects in it, by name."""
    for name, value in found.items() if isinstance(found, dict) else ():
        if _is_rows(value):
            yield str(name), value
        yield from _lists_of_rows(value)


def _answer(found: object) -> pd.DataFrame | None:
    """Return the rows of one answer of stats.nba.com or cdn.nba.com, None if it is none.

    It has result sets, or since V3 the events or the box score of a game.
    """
    if not isinstance(found, dict):
        return None
    game = found.get("game", found.get("boxScoreTraditional"))
    game = game if isinstance(game, dict) else {}
    if isinstance(game.get("actions"), list):
        return pd.DataFrame(game["actions"]).assign(gameId=game.get("gameId"))
    sides = [game[side] for side in ("homeTeam", "awayTeam") if "players" in game.get(side, {})]
    if len(sides) == 2:
        players = [
            {"gameId": game["gameId"], "teamId": side["teamId"], **player, **player["statistics"]}
            for side in sides
            for player in side["players"]
        ]
        return pd.DataFrame(players).drop(columns="statistics", errors="ignore")
    sets = found.get("resultSets", found.get("resultSet"))
    if found and all(isinstance(s, dict) and {"headers", "data"} <= {*s} for s in found.values()):
        # As `nba_api` gives result sets by name.
        sets = [{"name": name, **one} for name, one in found.items()]
    each = [sets] if isinstance(sets, dict) else sets
    if not each:
        return None
    tables = [
        pd.DataFrame(one["rowSet"] if "rowSet" in one else one["data"], columns=one["headers"])
        for one in each
    ]
    chosen = next((place for place, table in enumerate(tables) if len(table)), 0)
    names = [str(one.get("name", place + 1)) for place, one in enumerate(each)]
    others = [names[place] for place, one in enumerate(tables) if len(one) and place != chosen]
    return _leaving(tables[chosen], others)


def _table_of_pandas(found: dict[str, Any]) -> pd.DataFrame | None:
    """Return the table that `DataFrame.to_json` or `to_dict` wrote, None if it is something else.

    Its orient is `columns`, `index`, `split` or `table`, or a list a column.
    """
    values = [*found.values()]
    rows = found.get("data", found.get("rows"))
    if isinstance(found.get("columns"), list) and isinstance(rows, list):
        return pd.DataFrame(rows, columns=found["columns"])
    if isinstance(found.get("schema"), dict) and isinstance(rows, list):
        return pd.DataFrame(rows)
    if values and all(isinstance(value, dict) and value for value in values):
        names = [[*value] for value in values]
        plain = not any(
            isinstance(cell, dict | list) for value in values for cell in value.values()
        )
        if plain and all(name == names[0] for name in names):
            by_row = not all(map(str.isdigit, names[0]))
            return pd.DataFrame.from_dict(found, orient="index" if by_row else "columns")
    lists = len(values) > 1 and all(isinstance(value, list) for value in values)
    if lists and not any(isinstance(cell, dict | list) for value in values for cell in value):
        return pd.DataFrame(found)
    return None


def _records_in(found: object) -> list[dict[str, Any]] | None:
    """Return the records deep in an object, those of all lists of one name or like rows together.

    Lists in a record of many values are details of it, such as the broadcasters of a game.
    """
    if not isinstance(found, dict):
        return None
    lists = [value for value in found.values() if _is_rows(value)]
    if len(lists) > 1 and all(_alike({*value[0]}, {*lists[0][0]}) for value in lists):
        # By season, or by game.
        return [record for value in lists for record in value]
    for value in found.values():
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            plain = [
                sum(not isinstance(part, dict | list) for part in each.values()) for each in value
            ]
            if max(plain) >= _ROW_VALUES:
                return value
            inner = [_records_in(each) for each in value]
            nested = [each for each in inner if each is not None]
            return [record for each in nested for record in each] if nested else value
        if isinstance(value, dict) and (records := _records_in(value)) is not None:
            return records
    return None


def _alike(some: set[str], others: set[str]) -> bool:
    """Whether rows have the same names, but for a few; those of players and teams have not."""
    apart = some ^ others
    of_players = any(re.search("player|person|athlete", name, re.IGNORECASE) for name in apart)
    return not of_players and len(apart) < 0.2 * len(some | others)


def _is_rows(value: object) -> bool:
    """Whether a value is a list of objects of many plain values."""
    if not isinstance(value, list) or not value or not all(isinstance(e, dict) for e in value):
        return False
    return sum(not isinstance(part, dict | list) for part in value[0].values()) >= _ROW_VALUES


def _delimited(text: str) -> pd.DataFrame:
    """Return the rows of delimited text; a name that stands twice in its header stays so.

    Lines above the header are passed over, and so are headers that are repeated among the rows.
    """
    text = _from_header(text if "\n" in text else text.replace("\r", "\n"))
    sign = _sign(text.split("\n", 1)[0])
    with warnings.catch_warnings():
        # Without this, rows longer than the header would be cut off in silence.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            io.StringIO(text), sep=sign, dtype="str", index_col=False, keep_default_na=False,
            na_values=[*MISSING], skipinitialspace=True,
        )  # fmt: skip
    if sign == ";":
        frame = frame.replace(r"^([+-]?\d+),(\d+)$", r"\1.\2", regex=True)
    lines = io.StringIO(text, newline="")
    names = next(csv.reader(lines, delimiter=sign, skipinitialspace=True), [])
    if len(names) == len(frame.columns):
        frame.columns = pd.Index(names)
        repeated = frame.iloc[:, :2].eq([*names[:2]]).all(axis=1)
        frame = frame[~repeated] if len(names) > 1 else frame
    return frame


def _sign(line: str) -> str:
    return max(",;\t|", key=line.count)


def _from_header(text: str) -> str:
    """Return text from its header on.

    Above it can be blank lines, remarks, a line with the separator, and names of groups of columns.
    """
    rest = text
    for _ in range(_MAX_ABOVE):
        line, *below = rest.split("\n", _MAX_ABOVE)
        below = [each for each in below[: _MAX_ABOVE - 1] if each.strip()]
        if line.strip() and (not below or not _above_header(line.strip(), below)):
            return rest
        rest = rest.partition("\n")[2]
    return text


def _above_header(line: str, below: Sequence[str]) -> bool:
    sign = _sign(line)
    names = [name.strip(' "') for name in line.split(sign)]
    if sign not in line:
        sign = _sign(below[0])
    n_fields = sorted(each.count(sign) + 1 for each in below)[len(below) // 2]
    if re.fullmatch("sep=.", line, re.IGNORECASE) or 2 * len(names) < n_fields:
        return line.count('"') % 2 == 0
    if line[0] == "#":
        return len(names) != n_fields
    # Groups of columns: a name stands in the first of them, or in each.
    groups = sum(
        not name or name.startswith("Unnamed:") or name == names[place - 1]
        for place, name in enumerate(names)
    )
    return 2 * groups > len(names) > 2 and not re.search(r"\d{3}", below[0])
