"""Record and form: win share and margin to date and over the newest games."""

import pandas as pd

from nba_rank.config import RecordConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.team_sums import regular_season_sums


def build(tables: Tables, rows: Rows, config: RecordConfig) -> pd.DataFrame:
    """Build win share and margin in points per game, one row for each of `rows`.

    Columns: `games_played`, `win_pct`, `margin_per_game`, `form_win_pct` and
    `form_margin_per_game` (the last `config.last_games` games of the season). Unknown before a
    team's first game of the season.
    """
    sums = regular_season_sums(tables, ["won", "margin"])
    to_date = sums.total(rows)
    form = sums.total(rows, last=config.last_games)
    return pd.DataFrame(
        {
            "games_played": to_date.games,
            "win_pct": ratio(to_date["won"], to_date.games),
            "margin_per_game": ratio(to_date["margin"], to_date.games),
            "form_win_pct": ratio(form["won"], form.games),
            "form_margin_per_game": ratio(form["margin"], form.games),
        }
    )
