"""What is left to play for: games left, the line and the seeds in reach, and the draft."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import MotivationConfig
from nba_rank.data.race import race
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows

_OF_THE_RACE = ["games_left", "games_behind_line", "eliminated", "clinched", "seeds_in_reach"]


def build(tables: Tables, rows: Rows, config: MotivationConfig) -> pd.DataFrame:
    """Build the state of the playoff race.

    Columns: `games_left` (of the schedule as known on the date), `games_behind_line` (of the last
    seed that can reach the playoffs; negative: ahead of it), `eliminated` and `clinched`
    (mathematically; 0 or 1), `seeds_in_reach` (conference rivals that the team may still finish
    above or below), `late_season` (1 from `config.late_season_share` of the team's games on), and
    `draft_pressure` (0 to 1), the incentive to lose: 0 if the gap closes by winning half of the
    games left more than the team at the line, 1 if it takes all of them or the team is eliminated,
    linear in between.
    """
    key = ["season", "as_of_date", "team_id"]
    races = pd.concat(
        [
            race(tables.team_games, tables.teams, str(season), pd.DatetimeIndex(dates.unique()))
            for season, dates in rows.frame.groupby("season")["as_of_date"]
        ]
    )
    state = rows.frame[key].merge(races, on=key, how="left", validate="one_to_one")
    played = state["wins"] + state["losses"]
    share = played / (played + state["games_left"])
    needed = state["games_behind_line"] / state["games_left"].clip(lower=1)
    pressure = (2.0 * needed - 1.0).clip(0.0, 1.0)
    return state[_OF_THE_RACE].assign(
        late_season=share >= config.late_season_share,
        draft_pressure=np.where(state["eliminated"], 1.0, pressure),
    )
