"""Ratings from results, restated for players who leave or come.

A team's margins so far are those of the players who made them. Of a player who is out, its ratings
from results tell what it was worth with him; of one who comes, what it was worth without.
"""

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, ratio
from nba_rank.features.roster_strength import full_strength
from nba_rank.odds.inputs import MARGIN_RIDGE

_KEY = ["player_id", "team_id"]

OF_RESULTS = ("margin_rating", "elo_margin")
"""The inputs of strengths that are restated."""


def restated(
    inputs: pd.DataFrame, tables: Tables, before: pd.DataFrame, after: pd.DataFrame
) -> pd.DataFrame:
    """Return the inputs of one morning as if the players of now had made the season's margins.

    Had a player not played in g of n games of his team, its mean margin, shrunk with `MARGIN_RIDGE`
    games at zero, would differ by what the team loses without him times `g / (n + MARGIN_RIDGE)`.
    Of several players of a team g is their mean by minutes.

    Args:
        inputs: From `nba_rank.odds.inputs.strength_inputs`, by the players who are there now.
        tables: The canonical tables.
        before: Player ratings of the date, from `nba_rank.features.players.impact.player_ratings`.
        after: Those of the players who are there now, with their teams and minutes of now.
    """
    if before.empty:
        return inputs
    [(season, date)] = inputs[["season", "as_of_date"]].drop_duplicates().itertuples(index=False)
    rows, games, played = tables.once(
        ("played", season, date), lambda: _played(tables, season, date)
    )
    teams = pd.Index(rows.frame["team_id"])
    n_games = games.reindex(teams, fill_value=0).to_numpy()

    def strength(ratings: pd.DataFrame) -> FloatArray:
        return np.nan_to_num(full_strength(ratings, rows))

    def mean_played(players: pd.DataFrame) -> FloatArray:
        told = players.merge(played, on=_KEY, how="left")
        minutes, of_team = (
            told["full_strength_minutes"],
            teams.get_indexer(pd.Index(told["team_id"])),
        )
        sums = [
            np.bincount(of_team, part, len(teams)).astype(np.float64)
            for part in (minutes * told["played"].fillna(0), minutes)
        ]
        return np.nan_to_num(ratio(*sums))

    minutes = after.merge(before[[*_KEY, "full_strength_minutes"]], on=_KEY, how="left")
    raised = minutes["full_strength_minutes_x"] > minutes["full_strength_minutes_y"].fillna(-1.0)
    come = after[raised.to_numpy()]
    stays = before.merge(after[_KEY], on=_KEY, how="left", indicator=True)["_merge"] == "both"
    stayed, gone = before[stays.to_numpy()], before[~stays.to_numpy()]
    without = strength(stayed)
    lost = (without - strength(before)) * mean_played(gone)
    gained = (strength(after) - without) * (n_games - mean_played(come))
    gained = np.where(teams.isin(come["team_id"]), gained, 0.0)
    shift = (lost + gained) / (n_games + MARGIN_RIDGE)
    changed = pd.Series(shift - shift.mean(), index=teams).reindex(inputs["team_id"]).to_numpy()
    return inputs.assign(**{name: inputs[name] + changed for name in OF_RESULTS})


def _played(
    tables: Tables, season: str, date: pd.Timestamp
) -> tuple[Rows, "pd.Series[int]", pd.DataFrame]:
    """Return the teams of a date, and the games of its season before it.

    The games are those of each team by its id and, as `played`, those of each player and team.
    """
    rows = Rows.of(tables, pd.DataFrame({"season": [season], "as_of_date": [date]}))
    games, of_players = (
        table[(table["season"] == season) & (table["game_date"] < date)]
        for table in (tables.team_games, tables.player_games)
    )
    played = of_players.groupby(_KEY).size().rename("played").reset_index()
    return rows, games["team_id"].value_counts(), played
