"""What is wrong with raw data: errors, which stop an ingest, and counted warnings, which do not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from nba_rank.core.errors import UserError

MAX_EXAMPLES = 5
"""Rows that one issue quotes."""


@dataclass(frozen=True)
class IngestIssue:
    """One thing found in one raw file.

    Attributes:
        file: Path of the file relative to the raw folder.
        what: What is wrong; the same text for the same defect in every file.
        count: Number of rows (or games, or files) with it.
        examples: The first of them, such as `row 12: game_id 0021200001`, counted from 1.
        remedy: What the reader can do about it, or empty.
    """

    file: str
    what: str
    count: int
    examples: tuple[str, ...] = ()
    remedy: str = ""

    def __str__(self) -> str:
        """Return the issue in one line."""
        text = f"{self.file}: {self.what}"
        if self.examples:
            text += f": {'; '.join(self.examples)}"
            if self.count > len(self.examples):
                text += f"; and {self.count - len(self.examples)} more"
        return f"{text}. {self.remedy}" if self.remedy else text


class IngestError(UserError):
    """Raw data that cannot be ingested, with every error that was found, by file."""

    def __init__(self, errors: Sequence[IngestIssue]) -> None:
        self.errors = list(errors)
        lines = "\n".join(f"  - {error}" for error in self.errors)
        noun = "error" if len(self.errors) == 1 else "errors"
        super().__init__(
            f"{len(self.errors)} {noun} in the raw data; no table was changed:\n{lines}"
        )


@dataclass
class IngestIssues:
    """Collects errors and warnings while files are read and tables are put together."""

    errors: list[IngestIssue] = field(default_factory=list)
    warnings: list[IngestIssue] = field(default_factory=list)

    def error(
        self, what: str, rows: pd.DataFrame, where: pd.Series, show: Sequence[str], remedy: str
    ) -> None:
        """Record the marked rows as an error, one issue per file; none marked, no issue.

        `rows` have columns `file` and `row`, and `show`, whose values the examples quote.
        """
        self.errors += _by_file(what, rows, where, show, remedy)

    def warn(self, what: str, rows: pd.DataFrame, where: pd.Series, show: Sequence[str]) -> None:
        """Record the marked rows as a counted warning; arguments as in `error`."""
        self.warnings += _by_file(what, rows, where, show, "")

    def error_file(self, file: str, what: str, remedy: str) -> None:
        """Record an error that concerns a whole file."""
        self.errors.append(IngestIssue(file, what, 1, remedy=remedy))

    def warn_file(self, file: str, what: str, example: str = "") -> None:
        """Record a warning that concerns a whole file."""
        self.warnings.append(IngestIssue(file, what, 1, (example,) if example else ()))

    def raise_errors(self) -> None:
        """Raise an `IngestError` if there is an error."""
        if self.errors:
            raise IngestError(sorted(self.errors, key=lambda error: error.file))


def _by_file(
    what: str, rows: pd.DataFrame, where: pd.Series, show: Sequence[str], remedy: str
) -> list[IngestIssue]:
    found: list[IngestIssue] = []
    if not where.any():
        return found
    for file, group in rows.loc[where, ["file", "row", *show]].groupby("file", sort=False):
        quoted = group.drop(columns="file").head(MAX_EXAMPLES).to_dict("records")
        examples = tuple(
            f"row {record.pop('row')}: "
            + ", ".join(f"{name} {value}" for name, value in record.items())
            for record in quoted
        )
        found.append(IngestIssue(str(file), what, len(group), examples, remedy))
    return found
