"""Last season's RAPTOR (FiveThirtyEight, `nba-raptor`, CC BY 4.0) of a team's present players."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import RaptorConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, places, start_years

REPLACEMENT = -2.75 / 2
"""Replacement level on offence and on defence, points per 100 possessions: FiveThirtyEight's total
is -2.75, the split is ours."""


def build(tables: Tables, ratings: pd.DataFrame, rows: Rows, config: RaptorConfig) -> pd.DataFrame:
    """Build `prior_raptor_offense` and `prior_raptor_defense`, points per 100 possessions.

    Each is the sum over the `config.players` players of most minutes at full strength. A player's
    rating is that of last season with `config.prior_minutes` minutes at replacement level added, or
    replacement level without one. NaN where last season has no RAPTOR (it ends with 2021-22) or no
    player of the team is known.
    """
    row = rows.find(ratings["as_of_date"], ratings["team_id"])
    minutes, ids = ratings["full_strength_minutes"].to_numpy(), ratings["player_id"].to_numpy()
    place = places(minutes, row, ids)
    chosen = place < config.players
    where = row[chosen], place[chosen]

    raptor = tables.raptor
    known = raptor.set_index([start_years(raptor["season"]) + 1, raptor["player_id"]])
    asked = pd.MultiIndex.from_arrays([rows.season[row[chosen]], ratings["player_id"][chosen]])
    found = known.reindex(asked)
    played = found["minutes"].fillna(0.0).to_numpy()
    covered = np.isin(rows.season, known.index.get_level_values(0))
    covered &= np.isin(np.arange(len(rows.frame)), row)

    def total(column: str) -> FloatArray:
        rate = found[column].fillna(0.0).to_numpy()
        held = played + config.prior_minutes
        rated = (played * rate + config.prior_minutes * REPLACEMENT) / np.maximum(held, 1e-9)
        players = np.zeros((len(rows.frame), config.players))
        players[where] = np.where(held > 0, rated, REPLACEMENT)
        return np.where(covered, players.sum(axis=1), np.nan)

    return pd.DataFrame(
        {f"prior_{name}": total(name) for name in ("raptor_offense", "raptor_defense")}
    )
