"""Shooting and defence over a team's newest games, and its previous result."""

import pandas as pd

from nba_rank.config.schema import TeamRollingConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.team_sums import possession_columns, possessions, regular_season_sums


def build(tables: Tables, rows: Rows, config: TeamRollingConfig) -> pd.DataFrame:
    """Build form over the season's newest games; NaN before a team's first.

    Columns: for each w of `config.windows`, over the newest w games or as many as there are,
    `rolling_efg_pct_w` (share) and `rolling_defensive_rating_w` (points allowed per 100
    possessions); and `won_previous_game` (0 or 1).
    """
    columns = ["fg3m", "opponent_points", "won", *possession_columns()]
    sums = regular_season_sums(tables, rows, columns)
    features: dict[str, FloatArray] = {}
    for games in config.windows:
        window = sums.total(rows, last=games)
        efg_pct = ratio(window["fgm"] + 0.5 * window["fg3m"], window["fga"])
        defensive_rating = 100.0 * ratio(window["opponent_points"], possessions(window))
        features[f"rolling_efg_pct_{games}"] = efg_pct
        features[f"rolling_defensive_rating_{games}"] = defensive_rating
    previous = sums.total(rows, last=1)
    features["won_previous_game"] = ratio(previous["won"], previous.games)
    return pd.DataFrame(features)
