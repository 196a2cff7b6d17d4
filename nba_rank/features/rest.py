"""Rest, recent games and travel."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import RestConfig
from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.data.venues import arena_offsets, neutral_courts
from nba_rank.features.asof import Rows, RunningSums, days, start_years, team_season


def build(tables: Tables, rows: Rows, config: RestConfig) -> pd.DataFrame:
    """Build rest and travel.

    Columns: `days_since_game` (1 means yesterday; NaN before the season's first game),
    `games_in_window` (in the last `config.window_days` days), `played_yesterday` (0 or 1), and
    `time_zones_crossed` (on the way to the games of the window, each from the arena of the game
    before or, for the first, from the team's own; trips to neutral courts do not count; NaN where
    an arena is unknown).
    """
    games = tables.team_games
    games = games[rows.within(games["season"], before=1) & (games["kind"] == "regular")]
    day = days(games["game_date"])
    group = team_season(start_years(games["season"]), games["team_id"].to_numpy())
    log = RunningSums(group, day, [_zones_crossed(tables, games, group, day)])
    asked = team_season(rows.season, rows.team)

    played = log.games(asked, rows.day)
    newest = log.positions(asked, rows.day) - 1
    days_since = rows.day - day[log.order][np.maximum(newest, 0)]
    first = log.positions(asked, rows.day - config.window_days)
    recent = newest + 1 - first
    (crossed,), (known,) = log.between(first, newest + 1)
    return pd.DataFrame(
        {
            "days_since_game": np.where(played > 0, days_since, np.nan),
            "games_in_window": recent.astype(np.float64),
            "played_yesterday": (played - log.games(asked, rows.day - 1)).astype(np.float64),
            "time_zones_crossed": np.where(known == recent, crossed, np.nan),
        }
    )


def _zones_crossed(
    tables: Tables, games: pd.DataFrame, group: IntArray, day: IntArray
) -> FloatArray:
    """Return the time zones crossed on the way to each team game, NaN where an arena is unknown."""
    home = games["team_id"].where(games["is_home"], games["opponent_team_id"])
    here = arena_offsets(games["season"], home)
    own = arena_offsets(games["season"], games["team_id"])
    on_neutral = pd.Series(neutral_courts(tables.games), index=tables.games["game_id"])
    travelled = ~on_neutral[games["game_id"]].to_numpy()

    order = np.lexsort((day, group))
    place = np.arange(len(order))
    start = np.searchsorted(group[order], group[order], side="left")
    # The arena of the newest game that was not on a neutral court; before it, the team's own.
    newest = np.maximum.accumulate(np.where(travelled[order], place, -1))
    located = np.where(newest >= start, here[order][newest], own[order])
    before = np.where(place > start, np.roll(located, 1), own[order])
    crossed = np.empty(len(order))
    crossed[order] = np.abs(located - before)
    return crossed
