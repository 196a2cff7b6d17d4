"""Where games were played."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.data import league

HIGH = (1610612743, 1610612762)
"""Ids of the teams whose arenas lie high: Denver at 1,600 m and Utah at 1,300 m; all others are
below 400 m."""


def arena_offsets(season: pd.Series, team_id: pd.Series) -> npt.NDArray[np.float64]:
    """Return the hours from UTC of each team's arena in its season, NaN for an unknown team."""
    zones = pd.Series(
        {
            (label, team): hours
            for label in season.unique()
            for team, hours in league.utc_offsets(label).items()
        },
        dtype="float64",
    )
    return zones.reindex(pd.MultiIndex.from_arrays([season, team_id])).to_numpy()


def neutral_courts(games: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which games were on neutral courts, as all after the restart of 2019-20."""
    neutral = games["neutral_site"].to_numpy().copy()
    for season in games["season"].unique():
        restart = league.restart(season)
        if restart is not None:
            resumed = games["game_date"] >= restart.resumed
            neutral |= ((games["season"] == season) & resumed).to_numpy()
    return neutral
