"""Results of last season."""

import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, start_years


def prior_season_results(tables: Tables, rows: Rows) -> pd.DataFrame:
    """Return last season's results; NaN where the team did not play.

    Columns `prior_win_pct` (share) and `prior_margin_per_game` (points), both of the regular
    season, and `prior_playoff_wins` (games).
    """
    games = tables.team_games
    games = games[rows.within(games["season"], before=1)]
    margin = games["points"] - games["opponent_points"]
    facts = games.assign(margin=margin, year=start_years(games["season"]) + 1)
    key = ["year", "team_id"]
    regular = facts[facts["kind"] == "regular"].groupby(key)
    wins = facts[facts["kind"] == "playoffs"].groupby(key)["won"].sum()
    win_pct = regular["won"].mean()
    results = pd.DataFrame(
        {
            "prior_win_pct": win_pct,
            "prior_margin_per_game": regular["margin"].mean(),
            "prior_playoff_wins": wins.reindex(win_pct.index, fill_value=0),
        }
    )
    asked = pd.MultiIndex.from_arrays([rows.season, rows.team], names=key)
    return results.reindex(asked).reset_index(drop=True).astype("float64")


def build(tables: Tables, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build the columns of `prior_season_results`."""
    return prior_season_results(tables, rows)
