"""Last season's simple rating and what it is made of, from a published table of records."""

import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, start_years


def build(tables: Tables, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build last season's `prior_mov`, `prior_sos` and `prior_srs`, one row for each of `rows`.

    `SRS = MOV + SOS`, in points a game: the mean margin of victory plus the opponents' mean SRS
    over a whole regular season. NaN where the table lacks the team's last season.

    Source: Basketball-Reference, glossary, from `Team_Records`.
    """
    records = tables.team_records
    key = [start_years(records["season"]) + 1, records["team_id"]]
    known = records[["mov", "sos", "srs"]].add_prefix("prior_").set_index(key)
    asked = pd.MultiIndex.from_arrays([rows.season, rows.team])
    return known.reindex(asked).reset_index(drop=True)
