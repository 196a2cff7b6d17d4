"""Last season's simple rating and what it is made of, from a published table of records."""

import pandas as pd

from nba_rank.config.schema import PriorRecordsConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, start_years


def build(tables: Tables, rows: Rows, config: PriorRecordsConfig) -> pd.DataFrame:
    """Build last season's record columns, one row for each of `rows`.

    `SRS = MOV + SOS`: the mean margin of victory plus the opponents' mean SRS, over a whole
    regular season. The row of a season is complete only after it, so it is read in the next.

    Source: Basketball-Reference, glossary, from `Team_Records`.

    Args:
        tables: The canonical tables.
        rows: Rows asked for.
        config: The group has no parameters of its own.

    Returns:
        Columns `prior_mov`, `prior_sos`, `prior_srs` in points a game; NaN where the table lacks
        the team's last season.
    """
    records = tables.team_records
    key = [start_years(records["season"]) + 1, records["team_id"]]
    known = records[["mov", "sos", "srs"]].add_prefix("prior_").set_index(key)
    asked = pd.MultiIndex.from_arrays([rows.season, rows.team])
    return known.reindex(asked).reset_index(drop=True)
