"""Massey rating as a feature group; the equations are in `schedule_ratings`."""

import pandas as pd

from nba_rank.config import MasseyConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows
from nba_rank.features.schedule_ratings import massey_ratings


def build(tables: Tables, rows: Rows, config: MasseyConfig) -> pd.DataFrame:
    """Build `massey_rating` (points), one row for each of `rows`."""
    return pd.DataFrame({"massey_rating": massey_ratings(tables, rows, config.ridge)})
