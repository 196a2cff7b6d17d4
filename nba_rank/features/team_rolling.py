"""Team rolling form: shooting and defence over the newest games, and the previous result."""

import pandas as pd

from nba_rank.config import TeamRollingConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.team_sums import possession_columns, possessions, regular_season_sums


def build(tables: Tables, rows: Rows, config: TeamRollingConfig) -> pd.DataFrame:
    """Build rolling team form over the season's last `config.games` games.

    Columns: `rolling_efg_pct` (share), `rolling_defensive_rating` (points allowed per 100
    possessions, possessions as on Basketball-Reference), `won_previous_game` (0 or 1). Unknown
    before a team's first game.
    """
    columns = ["fg3m", "opponent_points", "won", *possession_columns()]
    sums = regular_season_sums(tables, columns)
    window = sums.total(rows, last=config.games)
    previous = sums.total(rows, last=1)
    return pd.DataFrame(
        {
            "rolling_efg_pct": ratio(window["fgm"] + 0.5 * window["fg3m"], window["fga"]),
            "rolling_defensive_rating": 100.0
            * ratio(window["opponent_points"], possessions(window)),
            "won_previous_game": ratio(previous["won"], previous.games),
        }
    )
