"""Last season's simple rating and its parts, as Basketball-Reference published them."""

import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, start_years


def build(tables: Tables, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build last season's `prior_mov`, `prior_sos` and `prior_srs`, in points a game.

    `SRS = MOV + SOS`, the mean margin of victory plus the opponents' mean SRS; NaN where the table
    lacks the team's last season.
    """
    records = tables.team_records
    key = [start_years(records["season"]) + 1, records["team_id"]]
    known = records[["mov", "sos", "srs"]].add_prefix("prior_").set_index(key)
    asked = pd.MultiIndex.from_arrays([rows.season, rows.team])
    return known.reindex(asked).reset_index(drop=True)
