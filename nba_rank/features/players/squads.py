"""Who is on each team on a morning: rating, minutes, and whether he can play."""

import numpy as np
import pandas as pd

from nba_rank.data.tables import Tables
from nba_rank.features.players.availability import (
    STATUS_PLAY_PROB,
    has_report,
    reported_availability,
)
from nba_rank.features.players.names import known_names

SEASON_OUT = "Out for the season"
"""What `availability` says beside the statuses of reports."""


def squads(tables: Tables, ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the players of all teams on a morning.

    Args:
        tables: The canonical tables; games and reports of later days are not read.
        ratings: Of one date, from `nba_rank.features.players.impact.player_ratings`.

    Returns:
        A row a player, by team and full minutes, most first: `season`, `as_of_date`, `team_id`,
        `player_id`, `player` (`unknown` where no log and no roster names him); `impact_rating`,
        points per 48 minutes above the league's average minute; `impact_error`, the standard error
        of the part that comes from stints, points per 100 possessions (null where stints are not
        read);
        `full_strength_minutes` and `expected_minutes` of the next game, where he is available and
        as things are: by the newest report if it lists him, else by the games that he has played or
        missed; and `availability`: a status of the newest report, `SEASON_OUT`, or empty where no
        report is current.
    """
    dates = ratings[["season", "as_of_date"]].drop_duplicates()
    told = reported_availability(tables, dates).set_index("player_id")
    word = {chance: status for status, chance in STATUS_PLAY_PROB.items()}
    player = ratings["player_id"]
    fit = "Available" if has_report(tables, dates).all() else ""
    play_prob = player.map(told["play_prob"])
    status = play_prob.map(word).fillna(fit)
    out = player.isin(told.index[told["season_out"]])
    rating, minutes = ratings["impact_rating"], ratings["full_strength_minutes"]
    average = (rating * minutes).sum() / max(minutes[rating.notna()].sum(), 1e-9)
    table = ratings[["season", "as_of_date", "team_id", "player_id"]].assign(
        player=player.map(known_names(tables)).fillna("unknown"),
        impact_rating=rating - average,
        impact_error=ratings.get("net_error", np.nan),
        full_strength_minutes=minutes,
        expected_minutes=(minutes * play_prob).fillna(ratings["expected_minutes"]).mask(out, 0.0),
        availability=status.mask(out, SEASON_OUT),
    )
    return table.sort_values(
        ["team_id", "full_strength_minutes", "player_id"],
        ascending=[True, False, True],
        ignore_index=True,
    )
