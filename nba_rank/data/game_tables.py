"""The tables of the game logs, which say what the rows of all other files mean.

Each `..._table(rows, known, issues)` makes a canonical table of the normalised rows of all files of
a level. Rows that name no known team, and rows that contradict each other, are errors in `issues`,
after which the table is not fit for use; rows that are left out or doubtful are counted warnings.
"""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd


@dataclass(frozen=True)
class GameTables:
    """The canonical tables that are made from game logs alone."""

    games: pd.DataFrame
    team_games: pd.DataFrame
    player_games: pd.DataFrame
    teams: pd.DataFrame
    seasons: pd.DataFrame

    @cached_property
    def players(self) -> pd.DataFrame:
        """Columns `season`, `team_id`, `player_id`, `player_name`, once each, the latest last."""
        columns = ["season", "team_id", "player_id", "player_name"]
        return self.player_games[columns].drop_duplicates(keep="last", ignore_index=True)
