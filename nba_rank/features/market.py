"""What bookmakers said of a team before the season, and so known on each of its dates."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import MarketConfig
from nba_rank.data.league import scheduled_games
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows


def build(tables: Tables, rows: Rows, config: MarketConfig) -> pd.DataFrame:
    """Build the preseason columns, one row for each of `rows`.

    Returns:
        Columns `market_win_pct` (win total over scheduled games, a share) and `market_title_prob`
        (0 to 1, without the bookmaker's margin); NaN where the bookmakers' figures are missing.
    """
    totals = tables.market_totals.set_index(["season", "team_id"])
    asked = pd.MultiIndex.from_frame(rows.frame[["season", "team_id"]])
    found = totals.reindex(asked).reset_index()
    games = {season: scheduled_games(season) for season in found["season"].unique()}
    win_pct = found["win_total"] / found["season"].map(games).astype(np.float64)
    return pd.DataFrame({"market_win_pct": win_pct, "market_title_prob": found["title_prob"]})
