"""Bookmakers' figures as a bar: a ranking, title odds and win probabilities of games.

Bookmakers know of injuries, trades and line-ups what the game logs do not hold, so a model that
comes close to them is good. Where the raw folder holds none of their figures, nothing is returned.
"""

from collections.abc import Iterable

import pandas as pd

from nba_rank.core.names import MARKET
from nba_rank.data.tables import Tables


def market_scores(tables: Tables, dates: pd.DataFrame) -> pd.DataFrame:
    """Score every team on every date of a season by its preseason win total.

    The score was known before the season and stays the same on all of its dates.

    Args:
        tables: The canonical tables.
        dates: Columns `season`, `as_of_date`, `as_of_point`.

    Returns:
        Columns `season`, `as_of_date`, `team_id`, `ranker` (`market`), `score` (games, higher is
        better), `as_of_point`, one row a team and date, of the seasons alone in which every team
        has a win total; may be empty.
    """
    teams = tables.teams[["season", "team_id"]]
    totals = teams.merge(
        tables.market_totals, how="left", on=["season", "team_id"], validate="one_to_one"
    )
    known = totals["win_total"].notna().groupby(totals["season"]).transform("all")
    scores = dates.merge(totals[known], on="season")
    scores = scores.assign(ranker=MARKET, score=scores["win_total"])
    columns = ["season", "as_of_date", "team_id", "ranker", "score", "as_of_point"]
    return scores[columns].astype({"ranker": "str"})


def market_title_prob(tables: Tables, seasons: Iterable[str]) -> pd.DataFrame:
    """Return the title odds of bookmakers before the season.

    Args:
        tables: The canonical tables.
        seasons: Seasons asked for, such as `2018-19`.

    Returns:
        Columns `season`, `team_id`, `title_prob` (0 to 1, without the bookmaker's margin, adding
        up to 1 in each season), of the seasons that have them; may be empty.
    """
    totals = tables.market_totals
    found = totals[totals["season"].isin(list(seasons)) & totals["title_prob"].notna()]
    found = found[["season", "team_id", "title_prob"]].reset_index(drop=True)
    return found


def market_game_probs(tables: Tables) -> pd.DataFrame:
    """Return the bookmakers' win probability of the home team, as of tip-off.

    Args:
        tables: The canonical tables.

    Returns:
        Columns `game_id`, `home_win_prob` (0 to 1, without the bookmaker's margin), of the games
        that have both moneylines; may be empty.
    """
    lines = tables.market_lines
    return lines.loc[lines["home_win_prob"].notna(), ["game_id", "home_win_prob"]].reset_index(
        drop=True
    )
