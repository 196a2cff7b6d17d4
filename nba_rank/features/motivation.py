"""What is left to play for: games left, distance to the line, elimination and clinching."""

import pandas as pd

from nba_rank.config import MotivationConfig
from nba_rank.data.race import race
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows


def build(tables: Tables, rows: Rows, config: MotivationConfig) -> pd.DataFrame:
    """Build the state of the playoff race, one row for each of `rows`.

    Columns: `games_left` (of the schedule as known on the date), `games_behind_line` (negative:
    ahead of the last seed that can reach the playoffs), `eliminated` and `clinched`
    (mathematically, by the real standings; 0 or 1), `late_season` (1 from
    `config.late_season_share` of the team's games on).
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
    return state[["games_left", "games_behind_line", "eliminated", "clinched"]].assign(
        late_season=share >= config.late_season_share
    )
