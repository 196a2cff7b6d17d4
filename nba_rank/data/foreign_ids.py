"""Games and players of sources with ids of their own, found in the league's logs."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.player_names import match_names
from nba_rank.data.raw.game_logs import FOREIGN_PLAYER

_LENGTH = 10
_PLACE = ["team_id", "game_date"]


def games_of_league(rows: pd.DataFrame, team_rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the league's `game_id` where its logs have a game of that team and date.

    Args:
        rows: Rows of teams or players; foreign games have ids of more than ten digits.
        team_rows: Rows of teams.
    """
    foreign = rows["game_id"].str.len() > _LENGTH
    if not foreign.any():
        return rows
    known = team_rows[team_rows["game_id"].str.len() == _LENGTH].drop_duplicates(_PLACE)
    found = rows[_PLACE].join(known.set_index(_PLACE)["game_id"], on=_PLACE)["game_id"]
    return rows.assign(game_id=rows["game_id"].mask(foreign & found.notna(), found))


def players_of_league(rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return rows of players with the league's `player_id` where its logs have the name.

    The others keep a negative one that is made of the foreign id.
    """
    foreign = rows["player_id"] < FOREIGN_PLAYER
    if not foreign.any():
        return rows
    known = rows[rows["player_id"] > 0]
    if known.empty:
        return rows
    columns = ["player_id", "player_name", "season", "team_id"]
    asked = rows.loc[foreign, columns].drop_duplicates()
    # Later seasons tell nothing of a name, but all rows of one id are one player.
    found, _ = match_names(asked, known[columns].drop_duplicates())
    one = found.groupby(asked["player_id"]).agg(["first", "nunique"])
    ids = rows["player_id"].map(one["first"].where(one["nunique"] == 1))
    issues.warn(
        "player of another source: the league's id of that name is taken",
        rows, foreign & ids.notna(), ["game_id", "player_name"],
    )  # fmt: skip
    return rows.assign(player_id=ids.where(foreign).fillna(rows["player_id"]))
