"""Simple rating and strength of schedule."""

import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows
from nba_rank.features.schedule_ratings import simple_ratings


def build(tables: Tables, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build `srs` and `sos`, see `simple_ratings`."""
    return simple_ratings(tables, rows)
