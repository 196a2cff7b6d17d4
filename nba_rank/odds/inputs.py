"""What is known of a team's strength as of a date, in points, whatever features are switched on."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import EloConfig, GroupConfig, MarketConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features import roster_strength
from nba_rank.features.asof import Rows, ratio, sum_and_count
from nba_rank.features.elo import ELO_PER_POINT, elo_ratings
from nba_rank.features.market import market_ratings
from nba_rank.features.schedule_ratings import massey_ratings
from nba_rank.features.team_sums import regular_season_sums
from nba_rank.odds.residual import RESIDUAL_INPUTS, residual_inputs

ROSTER_INPUTS = (
    "full_strength", "roster_strength", "playoff_strength", "star_strength", "draft_value",
)  # fmt: skip
"""Inputs that need player logs; see `nba_rank.features.roster_strength`."""

INPUTS = (*ROSTER_INPUTS, *RESIDUAL_INPUTS, "margin_rating", "elo_margin")
"""All inputs but `MARKET_INPUT`."""

MARKET_INPUT = "market_rating"
"""The input from bookmakers, there only where models may read them; see
`nba_rank.features.market`."""

MARGIN_RIDGE = 15.0
"""Games of a zero-margin result added to each team in `margin_rating`: a single game's margin
varies about 15 times as much as the strength of teams does."""

ELO = EloConfig(
    enabled=True, fit=False, home_edge_seasons=1,
    k=20.0, home_edge=60.0, carry_over=0.75, mean=1505.0,
)  # fmt: skip
"""FiveThirtyEight's ratings, with the home edge of the years since 2010."""


def strength_inputs(
    tables: Tables, ratings: pd.DataFrame, dates: pd.DataFrame, market: MarketConfig | None = None
) -> pd.DataFrame:
    """Build the inputs of all teams on dates, from games before each date only.

    `ratings` are from `nba_rank.features.players.impact.player_ratings` and may cover fewer dates;
    `dates` has columns `season` and `as_of_date`. `MARKET_INPUT` is there if `market` is enabled.

    Returns:
        `season`, `as_of_date`, `team_id`, `conference`, `progress` (share of the season that the
        league has played, 0 to 1), and `INPUTS`, each less the mean of the date: points,
        `star_strength` points squared, `draft_value` and those of `nba_rank.odds.residual` in units
        of their own.
        `margin_rating` is Massey's with `MARGIN_RIDGE`, `elo_margin` the Elo rating over
        `ELO_PER_POINT`. Inputs of players are NaN where none are known, and in the first season of
        the player logs, whose ratings rest on a few games; `MARKET_INPUT` where there are no lines.
    """
    rows = Rows.of(tables, dates)
    asked = rows.frame[["season", "as_of_date"]].drop_duplicates()
    if len(ratings):
        ratings = ratings[ratings["season"] > tables.player_games["season"].min()]
    ratings = ratings.merge(asked, on=["season", "as_of_date"])
    columns: dict[str, FloatArray] = {name: np.full(len(rows.frame), np.nan) for name in INPUTS}
    if len(ratings):
        config = GroupConfig(enabled=True)
        built = roster_strength.build(tables, ratings, rows, config)
        columns |= {name: built[name].to_numpy() for name in ROSTER_INPUTS}
        unknown = np.isnan(columns["full_strength"])
        residual = residual_inputs(tables, ratings, rows, columns)
        columns |= {name: np.where(unknown, np.nan, part) for name, part in residual.items()}
    columns["margin_rating"] = massey_ratings(tables, rows, MARGIN_RIDGE)
    columns["elo_margin"] = elo_ratings(tables, rows, ELO) / ELO_PER_POINT
    if market is not None and market.enabled:
        columns[MARKET_INPUT] = market_ratings(tables, rows, market)
    frame = rows.frame.copy()
    for name in columns:
        frame[name] = columns[name] - ratio(*sum_and_count(columns[name], rows.day))
    return frame.assign(progress=league_progress(tables, rows))


def league_progress(tables: Tables, rows: Rows) -> FloatArray:
    """Return the share of the season that the league has played, 0 to 1 [N]."""
    played = regular_season_sums(tables, rows, ["won"]).total(rows).games / rows.scheduled()
    return ratio(*sum_and_count(played, rows.day))
