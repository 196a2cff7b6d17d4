"""The forecast of one date, and its files."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nba_rank.core.files import write_frame
from nba_rank.data.freshness import Basis
from nba_rank.evaluation.predictions import flat


@dataclass(frozen=True)
class DateForecast:
    """The forecast of one date.

    Attributes:
        predictions: See `predictions_table`.
        tables: What else is forecast, by name, none empty: where the run simulates, `seeds` with
            `season`, `as_of_date`, `team_id` and the probability of each seed, `seed_1` to
            `seed_15`, `games`, the `coming_games` of the next days, and `series`, the
            `series_table`, both with the abbreviation of each team before its id; and `standings`,
            see `nba_rank.odds.ended_today`.
        decided: See `nba_rank.data.outcomes.decided`.
        basis: What the forecast rests on.
        data: Hash of the tables.
        changed: Tables that have changed since the run.
        forgotten: Why an ingest is needed, or None.
    """

    predictions: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    decided: pd.DataFrame
    basis: Basis
    data: str
    changed: list[str]
    forgotten: str | None

    def write(self, out: Path) -> list[Path]:
        """Write the predictions to a file, and `tables` beside it as `<stem>_<name>`."""
        files = {out: flat(self.predictions)}
        files |= {
            out.with_name(f"{out.stem}_{name}{out.suffix}"): table
            for name, table in self.tables.items()
        }
        for path, table in files.items():
            write_frame(path, table)
        return list(files)
