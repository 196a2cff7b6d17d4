"""Bookmakers' preseason figures, known on every date of the season."""

import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows


def build(tables: Tables, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build `market_win_pct` and `market_title_prob`; NaN where a figure is missing.

    The first is the win total over scheduled games, the second lacks the bookmaker's margin.
    """
    totals = tables.market_totals.set_index(["season", "team_id"])
    asked = pd.MultiIndex.from_frame(rows.frame[["season", "team_id"]])
    found = totals.reindex(asked).reset_index()
    win_pct = found["win_total"] / rows.scheduled()
    return pd.DataFrame({"market_win_pct": win_pct, "market_title_prob": found["title_prob"]})
