"""Where games were played: at whose home, or at nobody's."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.data import league


def neutral_courts(games: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which games nobody played at home, those after the restart of 2019-20 included."""
    neutral = games["neutral_site"].to_numpy().copy()
    for season in games["season"].unique():
        restart = league.restart(season)
        if restart is not None:
            resumed = games["game_date"] >= restart.resumed
            neutral |= ((games["season"] == season) & resumed).to_numpy()
    return neutral
