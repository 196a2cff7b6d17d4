"""Simple rating and strength of schedule as a feature group; see `schedule_ratings`."""

import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows
from nba_rank.features.schedule_ratings import simple_ratings


def build(tables: Tables, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build `srs` and `sos` (points), one row for each of `rows`; the group has no parameters."""
    return simple_ratings(tables, rows)
