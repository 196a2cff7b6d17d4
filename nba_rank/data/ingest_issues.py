"""What is wrong with raw data: errors, which stop an ingest, and counted warnings, which do not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from nba_rank.core.errors import UserError

MAX_EXAMPLES = 3
"""Rows that one issue quotes, and files that are named for one fault."""


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
    """Raw data that cannot be ingested, with every error and warning that was found, by file.

    The message has one entry a fault, whatever the number of files with it.
    """

    def __init__(self, errors: Sequence[IngestIssue], warnings: Sequence[IngestIssue] = ()) -> None:
        self.errors, self.warnings = list(errors), list(warnings)
        faults = by_fault(self.errors)
        lines = "\n".join(f"  - {_in_one_entry(fault)}" for fault in faults)
        noun = "error" if len(faults) == 1 else "errors"
        super().__init__(f"{len(faults)} {noun} in the raw data; no table was changed:\n{lines}")


def by_fault(issues: Sequence[IngestIssue]) -> list[list[IngestIssue]]:
    """Return the issues of each fault, whatever their file, in order of first appearance."""
    found: dict[tuple[str, str], list[IngestIssue]] = {}
    for issue in issues:
        found.setdefault((issue.what, issue.remedy), []).append(issue)
    return list(found.values())


def _in_one_entry(fault: Sequence[IngestIssue]) -> str:
    """Return the issues of one fault as text: the first files, and how many there are."""
    if len(fault) == 1:
        return str(fault[0])
    some = [issue.file + "".join(f" ({each})" for each in issue.examples[:1]) for issue in fault]
    more = f"; and {len(fault) - MAX_EXAMPLES} more files" if len(fault) > MAX_EXAMPLES else ""
    text = f"{fault[0].what}, in {len(fault)} files: {'; '.join(some[:MAX_EXAMPLES])}{more}"
    return f"{text}. {fault[0].remedy}".rstrip()


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

    def drop(
        self, what: str, rows: pd.DataFrame, where: pd.Series, show: Sequence[str]
    ) -> pd.DataFrame:
        """Return the rows that are not marked; the others are a counted warning `dropped: ...`."""
        self.warn(f"dropped: {what}", rows, where, show)
        return rows[~where] if where.any() else rows

    def error_file(self, file: str, what: str, remedy: str) -> None:
        """Record an error that concerns a whole file."""
        self.errors.append(IngestIssue(file, what, 1, remedy=remedy))

    def warn_file(self, file: str, what: str, example: str = "") -> None:
        """Record a warning that concerns a whole file."""
        self.warnings.append(IngestIssue(file, what, 1, (example,) if example else ()))

    def raise_errors(self) -> None:
        """Raise an `IngestError` if there is an error."""
        if self.errors:
            raise IngestError(sorted(self.errors, key=lambda error: error.file), self.warnings)


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
            + ", ".join(f"{name} {_quoted(value)}" for name, value in record.items())
            for record in quoted
        )
        found.append(IngestIssue(str(file), what, len(group), examples, remedy))
    return found


def _quoted(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value)
