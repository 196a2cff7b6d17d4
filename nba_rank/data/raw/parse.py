"""The bytes of one raw file as rows, whatever form its producer or a spreadsheet gave them."""

import csv
import gzip
import io
import json
import re
import warnings
import zlib
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from nba_rank.data.raw.values import MISSING

_GZIP, _PARQUET, _ZIP, _OLD_EXCEL = b"\x1f\x8b", b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_AGAIN = "Download the file again, or remove it from the raw folder."
_AS_CSV = "Save its sheet as CSV, or unpack it."
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


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
        return path.read_bytes()
    except OSError as error:
        remedy = f"Give read permission: {error}."
        raise UnreadableError("may not be read", remedy, stands_for_another=True) from error


def _unpacked(found: bytes) -> bytes:
    """Return bytes that are gzip as they were before."""
    try:
        found = gzip.decompress(found) if found.startswith(_GZIP) else found
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(f"cannot be read ({error})") from error
    if found.startswith(b"version https://git-lfs"):
        remedy = "Run `git lfs pull` in its repository and copy the file again."
        raise UnreadableError(
            "a Git LFS pointer, not the file itself", remedy, stands_for_another=True
        )
    if found.startswith((_ZIP, _OLD_EXCEL)):
        raise UnreadableError("an Excel workbook or an archive", _AS_CSV)
    if re.match(rb"\s*<(!doctype|html|\?xml)", found[:200], re.IGNORECASE):
        raise UnreadableError("a web page, perhaps an error message in place of the file")
    return found


def rows_of(found: bytes) -> pd.DataFrame:
    """Return the rows of parquet, JSON or delimited text, gzip or not; text stays as it is.

    Raises:
        UnreadableError: It is none of them, broken, or stands for another file.
    """
    found = _unpacked(found)
    try:
        if found.startswith(_PARQUET):
            return pd.read_parquet(io.BytesIO(found))
        text = decode(found)
        if text.lstrip()[:1] in ("{", "["):
            return of_json(json.loads(text))
        return _delimited(text)
    except _BROKEN as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        reason = f"no {reason}" if isinstance(error, KeyError) else reason
        raise UnreadableError(f"cannot be read ({reason})") from error


def decode(found: bytes) -> str:
    """Return text in UTF-8, UTF-16 or, if it is neither, Windows' Western code page."""
    if found.startswith(_UTF16):
        return found.decode("utf-16")
    sample = found[:1000]
    if sample[1::2].count(0) > len(sample) // 4 or sample[::2].count(0) > len(sample) // 4:
        return found.decode("utf-16-le" if sample[1::2].count(0) else "utf-16-be")
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError:
        return found.decode("cp1252")


def of_json(found: object) -> pd.DataFrame:
    """Return the rows of JSON: the league's result sets, records, or columns of equal length.

    Of several result sets it is the first that has rows. A list inside an object is found, too, if
    there is only one that holds objects.

    Raises:
        ValueError: There are no rows in it.
    """
    game = found.get("game") if isinstance(found, dict) else None
    if isinstance(game, dict) and isinstance(game.get("actions"), list):
        # Play-by-play of stats.nba.com (V3) or cdn.nba.com.
        return pd.DataFrame(game["actions"]).assign(gameId=game.get("gameId"))
    sets = found.get("resultSets", found.get("resultSet")) if isinstance(found, dict) else None
    if sets:
        each = [sets] if isinstance(sets, dict) else sets
        tables = [pd.DataFrame(one["rowSet"], columns=one["headers"]) for one in each]
        return next((table for table in tables if len(table)), tables[0])
    records = found if isinstance(found, list) else _records_in(found)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("JSON without rows")
    return pd.json_normalize(records, sep="_") if records else pd.DataFrame()


def _records_in(found: object) -> list[dict[str, Any]] | None:
    """Return the records deep in an object, those of all lists of one name together.

    Lists in a record of many values are details of it, such as the broadcasters of a game.
    """
    if not isinstance(found, dict):
        return None
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


def _delimited(text: str) -> pd.DataFrame:
    """Return the rows of delimited text; a name that stands twice in its header stays so."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    sign = max(",;\t|", key=header.count)
    with warnings.catch_warnings():
        # Without this, rows longer than the header would be cut off in silence.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            io.StringIO(text), sep=sign, dtype="str", index_col=False, keep_default_na=False,
            na_values=[*MISSING], skipinitialspace=True,
        )  # fmt: skip
    names = next(csv.reader([header.rstrip("\r")], delimiter=sign), [])
    if len(names) == len(frame.columns):
        frame.columns = pd.Index(names)
    return frame
