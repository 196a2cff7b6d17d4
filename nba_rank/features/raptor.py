"""What FiveThirtyEight's RAPTOR of last season says of the players whom a team has now."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import RaptorConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, places, start_years

REPLACEMENT = -2.75 / 2
"""Points per 100 possessions, on offence and on defence, of a player whom any team can sign:
FiveThirtyEight puts his total RAPTOR at -2.75; the split is ours."""


def build(tables: Tables, ratings: pd.DataFrame, rows: Rows, config: RaptorConfig) -> pd.DataFrame:
    """Build the RAPTOR of a team's leading players, one row for each of `rows`.

    A player's rating is that of last season, with `config.prior_minutes` minutes at replacement
    level added; without one he is at replacement level. The ratings of the `config.players`
    players of most minutes at full strength are added. The published ratings end with 2021-22.

    Source: FiveThirtyEight, `nba-raptor` (CC BY 4.0).

    Returns:
        Columns `prior_raptor_offense` and `prior_raptor_defense`, points per 100 possessions,
        higher is better; NaN where last season has no RAPTOR or no player of the team is known.
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
        # With no minutes at all, the replacement level is what is left of the mean.
        rated = (played * rate + config.prior_minutes * REPLACEMENT) / np.maximum(held, 1e-9)
        players = np.zeros((len(rows.frame), config.players))
        players[where] = np.where(held > 0, rated, REPLACEMENT)
        return np.where(covered, players.sum(axis=1), np.nan)

    return pd.DataFrame(
        {f"prior_{name}": total(name) for name in ("raptor_offense", "raptor_defense")}
    )
