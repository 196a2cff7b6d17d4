"""What a team did last season, known in full before this one begins."""

import pandas as pd

from nba_rank.config.schema import GroupConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, start_years


def prior_season_results(tables: Tables, rows: Rows) -> pd.DataFrame:
    """Return last season's results, one row for each of `rows`.

    Columns `prior_win_pct` (share), `prior_margin_per_game` (points), both of the regular season,
    and `prior_playoff_wins` (games); NaN where the team did not play last season.
    """
    games = tables.team_games
    games = games[rows.within(games["season"], before=1)]
    margin = games["points"] - games["opponent_points"]
    facts = games.assign(margin=margin, year=start_years(games["season"]) + 1)
    key = ["year", "team_id"]
    regular = facts[facts["kind"] == "regular"].groupby(key)
    playoffs = facts[facts["kind"] == "playoffs"].groupby(key)
    results = pd.DataFrame(
        {
            "prior_win_pct": regular["won"].mean(),
            "prior_margin_per_game": regular["margin"].mean(),
            "prior_playoff_wins": playoffs["won"].sum(),
        }
    )
    played = results["prior_win_pct"].notna()
    results["prior_playoff_wins"] = results["prior_playoff_wins"].where(
        results["prior_playoff_wins"].notna() | ~played, 0
    )
    asked = pd.MultiIndex.from_arrays([rows.season, rows.team], names=key)
    return results.reindex(asked).reset_index(drop=True).astype("float64")


def build(tables: Tables, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build the columns of `prior_season_results`, one row for each of `rows`."""
    return prior_season_results(tables, rows)
