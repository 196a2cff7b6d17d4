"""Names of players."""

import pandas as pd

from nba_rank.data.tables import Tables


def player_names(tables: Tables) -> pd.Series:
    """Return the name that each player had last in the game logs, by `player_id`."""
    newest = tables.player_games.drop_duplicates("player_id", keep="last")
    return newest.set_index("player_id")["player_name"]
