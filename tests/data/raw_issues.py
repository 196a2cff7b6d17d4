"""Helpers that read a raw folder and look up its errors and warnings."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from raw_logs import put_rows

from nba_rank.data.ingest import IngestError, read_raw
from nba_rank.data.ingest_issues import IngestIssue
from nba_rank.data.quality import QualityReport


def check_warnings(
    report: QualityReport, files: str, expected: Mapping[str, int | tuple[int, str]]
) -> None:
    """Check that files whose names begin with `files` have these warnings and no others.

    Args:
        report: The quality report.
        files: Beginning of the names.
        expected: Count by a part of the text, or count and beginning of the first example.
    """
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    for warning in report.warnings:
        if warning.file.startswith(files):
            counts[warning.what] = counts.get(warning.what, 0) + warning.count
            examples.setdefault(warning.what, "".join(warning.examples[:1]))
    assert len(counts) == len(expected), counts
    for part, value in expected.items():
        (what,) = [what for what in counts if part in what]
        count, example = value if isinstance(value, tuple) else (value, "")
        assert counts[what] == count, what
        assert examples[what].startswith(example), examples[what]


def errors_of(folder: Path | Sequence[Path]) -> list[IngestIssue]:
    """Return the errors for which a folder, or several, are refused."""
    with pytest.raises(IngestError, match="in the raw data; no table was changed") as caught:
        read_raw(folder)
    return caught.value.errors


def check_errors(folder: Path, file: str, *messages: str) -> None:
    """Check that one file has exactly these errors (regular expressions), each with a remedy."""
    errors = errors_of(folder)
    for message in messages:
        hits = [error for error in errors if re.search(message, str(error))]
        assert len(hits) == 1, f"{message!r} in {[str(error) for error in errors]}"
        errors.remove(hits[0])
        assert hits[0].file == file
        assert hits[0].remedy
    assert not errors


def check_broken(
    folder: Path, file: str, columns: list[str], rows: list[tuple[tuple, str | None]]
) -> None:
    """Check that a file of these rows has the errors beside them, each beside its first row."""
    put_rows(folder, file, columns, [row for row, _ in rows])
    check_errors(folder, file, *(message for _, message in rows if message))
