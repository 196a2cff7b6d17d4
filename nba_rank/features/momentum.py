"""Momentum: margins above expectation, lately and over a longer stretch."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import EloConfig, MomentumConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, RunningSums, days, ratio, start_years, team_season
from nba_rank.features.elo import ELO_PER_POINT, home_leads

ELO = EloConfig(
    enabled=True, fit=True, home_edge_seasons=3,
    k=20.0, home_edge=100.0, carry_over=0.75, mean=1505.0,
)  # fmt: skip
"""What to expect of a game, so that opponents and home courts do not look like form."""

_GRAIN = 1024.0
"""Parts of a point; sums of whole parts are exact."""


def build(tables: Tables, rows: Rows, config: MomentumConfig) -> pd.DataFrame:
    """Build form against expectation, in points per game.

    A game's margin above expectation is the margin less the team's Elo lead before the game over
    `ELO_PER_POINT`. Columns: `margin_above_expected`, its mean over the season's newest
    `config.short_games` games; and `momentum`, that less the mean over the newest
    `config.long_games`, NaN while both windows hold the same games.
    """
    games = tables.games[tables.games["kind"] == "regular"]
    lead = home_leads(tables, ELO)[games["game_id"]].to_numpy()
    margin = (games["home_points"] - games["away_points"]).to_numpy(dtype=np.float64)
    above = np.round(_GRAIN * (margin - lead / ELO_PER_POINT))
    season, day = start_years(games["season"]), days(games["game_date"])
    sides = [team_season(season, games[f"{side}_team_id"].to_numpy()) for side in ("home", "away")]
    log = RunningSums(np.concatenate(sides), np.tile(day, 2), [np.r_[above, -above]])

    asked = team_season(rows.season, rows.team)
    short, long = (
        ratio(*log.total(asked, rows.day, last))[0] / _GRAIN
        for last in (config.short_games, config.long_games)
    )
    more = log.games(asked, rows.day) > config.short_games
    return pd.DataFrame(
        {"margin_above_expected": short, "momentum": np.where(more, short - long, np.nan)}
    )
