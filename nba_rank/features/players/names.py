"""Names of players."""

import pandas as pd

from nba_rank.data.tables import Tables


def player_names(tables: Tables) -> pd.Series:
    """Return the name that each player had last in the game logs, by `player_id`."""
    newest = tables.player_games.drop_duplicates("player_id", keep="last")
    return newest.set_index("player_id")["player_name"]


def known_names(tables: Tables) -> pd.Series:
    """Return `player_names`, and for players of no log the name in the last roster file."""
    listed = tables.rosters.drop_duplicates("player_id", keep="last")
    return player_names(tables).combine_first(listed.set_index("player_id")["player_name"])
