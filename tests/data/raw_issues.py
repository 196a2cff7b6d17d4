"""What the reading of a raw folder finds fault with."""

from pathlib import Path

import pytest

from nba_rank.data.ingest import IngestError, read_raw
from nba_rank.data.ingest_issues import IngestIssue, IngestIssues


def found(report: IngestIssues, what: str) -> IngestIssue:
    """Return the only warning whose text holds `what`."""
    (warning,) = [warning for warning in report.warnings if what in warning.what]
    return warning


def errors_of(folder: Path) -> list[IngestIssue]:
    """Return the errors for which a folder is refused."""
    with pytest.raises(IngestError) as caught:
        read_raw(folder)
    return caught.value.errors
