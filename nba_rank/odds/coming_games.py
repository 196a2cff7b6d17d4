"""Forecasts of the regular-season games of the next days, by the strengths of one morning."""

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nba_rank.data.tables import Tables
from nba_rank.features.asof import days, start_years
from nba_rank.odds.home_edge import HomeEdge
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.season_sim import Situation, expected_margins


def coming_games(
    odds: MonteCarloOdds, frame: pd.DataFrame, tables: Tables, n_days: int
) -> pd.DataFrame:
    """Forecast the games of the next days.

    Args:
        odds: Fitted odds.
        frame: Rated teams of one date, as `MonteCarloOdds.predict` reads them.
        tables: The canonical tables; results of the date and later are not read.
        n_days: Days from the date on.

    Returns:
        `game_date`, `home_team_id`, `away_team_id`, `neutral_site`, `expected_margin` and
        `margin_sd` (of the home team, points; the spread holds the doubt in both strengths) and
        `home_win_prob` (0 to 1) of the fixtures that are known, in order of day.
    """
    frame = frame.sort_values("team_id")
    season, date = frame[["season", "as_of_date"]].iloc[0]
    situation = Situation.of(tables, season, date)
    edge = HomeEdge.of(tables).at(start_years(frame["season"][:1]), days(frame["as_of_date"][:1]))
    strengths = next(odds.strengths(frame, edge.tolist()))
    left = situation.remaining
    margin = expected_margins(left, strengths)
    sd = float(np.hypot(strengths.regular_noise, np.sqrt(2) * strengths.regular_doubt))
    ids = situation.records.team_id
    games = pd.DataFrame(
        {
            "game_date": pd.to_datetime(left.day, unit="D").as_unit("us"),
            "home_team_id": ids[left.home],
            "away_team_id": ids[left.away],
            "neutral_site": left.neutral,
            "expected_margin": margin,
            "margin_sd": sd,
            "home_win_prob": ndtr(margin / sd),
        }
    )
    soon = games["game_date"] < date + pd.Timedelta(days=n_days)
    return games[soon & ~left.assumed].reset_index(drop=True)
