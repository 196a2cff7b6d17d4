"""Continuity: the share of a team's past minutes that its present players have played."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.league import club_ids
from nba_rank.data.tables import Tables
from nba_rank.features.asof import (
    DAY_SPAN,
    Rows,
    RunningSums,
    days,
    ratio,
    start_years,
    team_season,
)


def build(tables: Tables, ratings: pd.DataFrame, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build the roster continuity of Basketball-Reference from regular-season minutes (0 to 1).

    Columns: `returning_minutes_share`, the share of the team's minutes last season that its
    present players played; `roster_minutes_share`, the same of this season so far. Injured players
    count. NaN without player logs, before the team's first game, and if none of its players is
    known.
    """
    row = rows.find(ratings["as_of_date"], ratings["team_id"])
    games = tables.player_games
    games = games[rows.within(games["season"], before=1) & (games["kind"] == "regular")]
    seconds = games["seconds"].to_numpy(dtype=np.float64)
    day = days(games["game_date"])
    season = start_years(games["season"])
    team = team_season(season, club_ids(season, games["team_id"].to_numpy()))
    ids = np.union1d(games["player_id"], ratings["player_id"])

    def each(team: IntArray, players: pd.Series) -> IntArray:
        return team * len(ids) + np.searchsorted(ids, players)

    of_team = RunningSums(team, day, [seconds])
    of_player = RunningSums(each(team, games["player_id"]), day, [seconds])
    known = np.isin(np.arange(len(rows.frame)), row)

    def share(season: IntArray, day: IntArray) -> FloatArray:
        asked = team_season(season, club_ids(rows.season, rows.team))
        (played,), _ = of_player.total(each(asked[row], ratings["player_id"]), day[row])
        by_roster = np.bincount(row, played, len(day))
        return ratio(np.where(known, by_roster, np.nan), of_team.total(asked, day)[0][0])

    return pd.DataFrame(
        {
            "returning_minutes_share": share(rows.season - 1, np.full_like(rows.day, DAY_SPAN - 1)),
            "roster_minutes_share": share(rows.season, rows.day),
        }
    )
