"""Entries of one raw file of injury reports into rows of one form.

Which player and team an entry means takes the game logs to say: `nba_rank.data.injuries` does that.
"""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw.files import RawFile

_ENTRY = {"player_id": "PLAYER_ID", "player_name": "PLAYER_NAME", "team": "TEAM_ID",
          "status": "STATUS", "reason": "REASON"}  # fmt: skip


def normalise(raw: RawFile, frame: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Turn the entries of one file into rows of one form.

    Args:
        raw: The file.
        frame: One row a report, as `raw_files.read` returns them.
        issues: Receives an error for every report whose injuries are no list of objects.

    Returns:
        One row an entry and one more, not `listed`, for each report: `file`, `row` (of the entry
        in its report, from 1; 0 for the report itself), `report` (its row in the file),
        `written_date`, `listed`, `player_id`, `player_name`, `team`, `status`, `reason`, as they
        were written. After an error the rows are not fit for use.
    """
    sound = frame["INJURIES"].map(_is_list_of_objects).astype("bool")
    remedy = "The injuries of a report are a list of objects, empty where nobody is injured."
    issues.error("injuries not understood", frame, ~sound, ["DATE"], remedy)
    rows = []
    reports = frame[sound]
    for number, date, entries in zip(
        reports["row"], reports["DATE"], reports["INJURIES"], strict=True
    ):
        report = {"report": number, "written_date": date}
        rows.append({**report, "row": 0, "listed": False})
        for place, entry in enumerate(entries, start=1):
            written = {str(name).strip().upper(): value for name, value in entry.items()}
            values = {name: written.get(column) for name, column in _ENTRY.items()}
            rows.append({**report, "row": place, "listed": True, **values})
    columns = ["row", "report", "written_date", "listed", *_ENTRY]
    # As objects: a column of ids with a gap would otherwise become one of floats.
    return pd.DataFrame(rows, columns=columns, dtype="object").assign(file=raw.name)


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
