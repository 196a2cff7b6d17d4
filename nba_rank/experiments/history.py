"""The forecasts of a season, day by day, as they were made."""

from pathlib import Path

import pandas as pd

from nba_rank.core.files import locked, write_frame

FILE = "history.parquet"
"""Name of the file in a season's folder."""

MADE_BY = ["as_of_date", "run", "git_revision", "data"]
"""What tells two forecasts apart: date, run folder, revision of the program, hash of the tables."""


def append(path: Path, forecast: pd.DataFrame) -> pd.DataFrame:
    """Append the forecast of a date, unless the same one is there.

    Nothing that was appended before changes: new data make a second forecast of the same date.

    Args:
        path: The file, which need not exist.
        forecast: `MADE_BY`, `made_at`, `team_id` and what was forecast, a row a team.

    Returns:
        The whole history, oldest forecast first.
    """
    with locked(path.with_name(f".{path.name}.lock")):
        history = pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=MADE_BY)
        if same(history, forecast).any():
            return history
        history = pd.concat([history, forecast], ignore_index=True) if len(history) else forecast
        write_frame(path, history)
    return history


def same(history: pd.DataFrame, forecast: pd.DataFrame) -> "pd.Series[bool]":
    """Mark the rows of a history that are those of a forecast."""
    return (history[MADE_BY] == forecast[MADE_BY].iloc[0]).all(axis=1)


def named_as(history: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return a history with the teams' abbreviations of a forecast, by id.

    Before its first game a team may have another one than the season's logs give it.
    """
    names = predictions.set_index("team_id")["team"]
    return history.assign(team=history["team_id"].map(names))


def before(history: pd.DataFrame, as_of: pd.Timestamp, days: int) -> pd.DataFrame:
    """Return the newest forecast that is at least so many days older than a date, or no rows.

    Of several forecasts of a date, the last one counts.
    """
    earlier = history[history["as_of_date"] <= as_of - pd.Timedelta(days=days)]
    newest = earlier[earlier["as_of_date"] == earlier["as_of_date"].max()]
    return newest.drop_duplicates("team_id", keep="last").reset_index(drop=True)
