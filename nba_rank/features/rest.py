"""Rest and fatigue: how long ago and how densely a team has played."""

import numpy as np
import pandas as pd

from nba_rank.config import RestConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, RunningSums, days, start_years, team_season


def build(tables: Tables, rows: Rows, config: RestConfig) -> pd.DataFrame:
    """Build rest and fatigue, one row for each of `rows`.

    Columns: `days_since_game` (days since the season's last game, 1 means yesterday; unknown
    before the first game), `games_in_window` (games in the last `config.window_days` days),
    `played_yesterday` (0 or 1).
    """
    games = tables.team_games[tables.team_games["kind"] == "regular"]
    day = days(games["game_date"])
    group = team_season(start_years(games["season"]), games["team_id"].to_numpy())
    log = RunningSums(group, day, np.ones((len(games), 1)))
    asked = team_season(rows.season, rows.team)

    played = log.games(asked, rows.day)
    newest = log.positions(asked, rows.day) - 1
    days_since = rows.day - day[log.order][np.maximum(newest, 0)]
    recent = played - log.games(asked, rows.day - config.window_days)
    return pd.DataFrame(
        {
            "days_since_game": np.where(played > 0, days_since, np.nan),
            "games_in_window": recent.astype(np.float64),
            "played_yesterday": (played - log.games(asked, rows.day - 1)).astype(np.float64),
        }
    )
