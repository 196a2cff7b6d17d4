"""Offence and defence of the current roster, from its players' ratings from stints."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, centred
from nba_rank.features.players.minutes import team_shares


def build(tables: Tables, ratings: pd.DataFrame, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build sums of minutes share times rating over the players expected to play.

    Columns, points per 100 possessions: `offence_strength` and `defence_strength`, each less the
    mean team's; `strength_error`, the standard error of their sum, with players' errors taken as
    independent. NaN without player logs.
    """
    del tables, config
    row = rows.find(ratings["as_of_date"], ratings["team_id"])
    n = len(rows.frame)
    known = np.isin(np.arange(n), row)
    share = team_shares(ratings["expected_minutes"].to_numpy(), row, n)

    def total(values: FloatArray) -> FloatArray:
        return np.where(known, np.bincount(row, values, n), np.nan)

    variance = total(np.square(share * ratings["net_error"].to_numpy()))
    return pd.DataFrame(
        {
            "offence_strength": centred(total(share * ratings["offence_rating"]), rows.day),
            "defence_strength": centred(total(share * ratings["defence_rating"]), rows.day),
            "strength_error": np.sqrt(variance),
        }
    )
