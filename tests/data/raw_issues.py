"""Helpers that read a raw folder and look up its errors and warnings."""

import re
from pathlib import Path

import pytest
from raw_logs import put_rows

from nba_rank.data.ingest import IngestError, read_raw
from nba_rank.data.ingest_issues import IngestIssue
from nba_rank.data.quality import QualityReport


def found(report: QualityReport, what: str) -> IngestIssue:
    """Return the only warning whose text holds `what`."""
    (warning,) = [warning for warning in report.warnings if what in warning.what]
    return warning


def warnings_in(report: QualityReport, folder: str) -> list[str]:
    """Return the warnings of files whose names begin like that."""
    return [warning.what for warning in report.warnings if warning.file.startswith(folder)]


def errors_of(folder: Path) -> list[IngestIssue]:
    """Return the errors for which a folder is refused."""
    with pytest.raises(IngestError) as caught:
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
