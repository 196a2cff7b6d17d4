"""Rankers that learn nothing: the standings, ratings, last season, chance, and bookmakers.

Functions of bookmakers return no rows where the raw folder has no figures of theirs.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from nba_rank.config.schema import EloConfig, MarketConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.core.names import CLOSING_SPREADS, MARKET
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.elo import elo_ratings
from nba_rank.features.market import market_ratings
from nba_rank.features.prior_season import prior_season_results
from nba_rank.features.schedule_ratings import massey_ratings, simple_ratings
from nba_rank.features.team_sums import possession_columns, possessions, regular_season_sums

FIVETHIRTYEIGHT = EloConfig(
    enabled=True, fit=False, home_edge_seasons=1,
    k=20.0, home_edge=100.0, carry_over=0.75, mean=1505.0,
)  # fmt: skip
"""The published Elo parameters; the baseline keeps them whatever the feature group uses."""

_MASSEY_RIDGE = 1.0  # games of a zero-margin result for each team: defined on day one

_COLUMNS = ["season", "as_of_date", "team_id", "ranker", "score", "as_of_point"]


def baseline_scores(tables: Tables, dates: pd.DataFrame) -> pd.DataFrame:
    """Score every team on every date by each baseline, from games before the date only.

    `standings`: winning percentage to date. `elo`: Elo rating. `massey`, `srs`: points per game.
    `net_rating`: points per 100 possessions. `last_season`: last season's winning percentage plus
    playoff wins over 100. Before a team's first game of the season all but `elo` and `last_season`
    take last season's percentage or margin, and a team without one the average.

    `dates` have the columns `season`, `as_of_date` and `as_of_point`.

    Returns:
        Columns `_COLUMNS`, a row a team, date and ranker; a higher score is better.
    """
    rows = Rows.of(tables, dates)
    prior = prior_season_results(tables, rows)
    prior = prior.fillna(prior.groupby(rows.season).transform("mean")).fillna(0.0)
    prior_margin = prior["prior_margin_per_game"].to_numpy()

    columns = ["won", "margin", *possession_columns()]
    totals = regular_season_sums(tables, rows, columns).total(rows)
    begun = totals.games > 0
    net_rating = 100 * ratio(totals["margin"], possessions(totals))
    scores: dict[str, FloatArray] = {
        "standings": np.where(
            begun, ratio(totals["won"], totals.games), prior["prior_win_pct"].to_numpy()
        ),
        "elo": elo_ratings(tables, rows, FIVETHIRTYEIGHT),
        "massey": np.where(begun, massey_ratings(tables, rows, _MASSEY_RIDGE), prior_margin),
        "srs": np.where(begun, simple_ratings(tables, rows)["srs"].to_numpy(), prior_margin),
        "net_rating": np.where(begun, net_rating, prior_margin),
        "last_season": (prior["prior_win_pct"] + prior["prior_playoff_wins"] / 100).to_numpy(),
    }
    key = ["season", "as_of_date", "team_id"]
    wide = pd.concat([rows.frame[key], pd.DataFrame(scores)], axis=1)
    points = dates[["season", "as_of_date", "as_of_point"]]
    return wide.melt(key, var_name="ranker", value_name="score").merge(
        points, on=["season", "as_of_date"], validate="many_to_one"
    )


def with_random(scores: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add the ranker `random`, which ranks by chance, to what `baseline_scores` returns."""
    once = scores[scores["ranker"] == "standings"]
    drawn = once.assign(ranker="random", score=rng.random(len(once)))
    return pd.concat([scores, drawn], ignore_index=True)


def market_scores(tables: Tables, dates: pd.DataFrame, config: MarketConfig) -> pd.DataFrame:
    """Score every team on every date by what bookmakers say, as `baseline_scores`.

    `market`: the preseason win total. `closing_spreads`: the rating from closing lines of games
    before the date, points, see `nba_rank.features.market.market_ratings`. Dates on which a team
    has no figure are left out.
    """
    return pd.concat(
        [_win_totals(tables, dates), _closing_spreads(tables, dates, config)], ignore_index=True
    )


def _closing_spreads(tables: Tables, dates: pd.DataFrame, config: MarketConfig) -> pd.DataFrame:
    rows = Rows.of(tables, dates)
    scores = rows.frame.assign(
        ranker=CLOSING_SPREADS, score=market_ratings(tables, rows, config)
    ).dropna(subset="score")
    points = dates[["season", "as_of_date", "as_of_point"]]
    return scores.merge(points, on=["season", "as_of_date"])[_COLUMNS].astype({"ranker": "str"})


def _win_totals(tables: Tables, dates: pd.DataFrame) -> pd.DataFrame:
    teams = tables.teams[["season", "team_id"]]
    totals = teams.merge(
        tables.market_totals, how="left", on=["season", "team_id"], validate="one_to_one"
    )
    known = totals["win_total"].notna().groupby(totals["season"]).transform("all")
    scores = dates.merge(totals[known], on="season")
    scores = scores.assign(ranker=MARKET, score=scores["win_total"])
    return scores[_COLUMNS].astype({"ranker": "str"})


def market_title_prob(tables: Tables, seasons: Iterable[str]) -> pd.DataFrame:
    """Return bookmakers' preseason odds, `season`, `team_id`, `title_prob`, which sum to 1."""
    totals = tables.market_totals
    found = totals[totals["season"].isin(list(seasons)) & totals["title_prob"].notna()]
    return found[["season", "team_id", "title_prob"]].reset_index(drop=True)


def market_game_probs(tables: Tables) -> pd.DataFrame:
    """Return `game_id` and `home_win_prob` at tip-off of the games that bookmakers have priced."""
    lines = tables.market_lines[["game_id", "home_win_prob"]]
    return lines[lines["home_win_prob"].notna()].reset_index(drop=True)
