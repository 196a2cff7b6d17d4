"""Within-season sums of team box scores, own and the opponent's, as of a date."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.data.tables import BOX_COLUMNS, Tables
from nba_rank.features.asof import (
    DAY_SPAN,
    FloatArray,
    IntArray,
    Rows,
    RunningSums,
    days,
    ratio,
    start_years,
    team_season,
)


@dataclass(frozen=True)
class Totals:
    """Sums of named columns over some games.

    Attributes:
        games: Number of games summed, shape [N].
        values: Sum of each column, shape [N] each.
    """

    games: FloatArray
    values: dict[str, FloatArray]

    def __getitem__(self, column: str) -> FloatArray:
        """Return one column's sums; NaN where no game was recorded in full."""
        return self.values[column]


@dataclass(frozen=True)
class TeamSums:
    """Running sums of named team columns; a column with a gap in its games is unknown."""

    sums: RunningSums
    columns: list[str]

    def total(self, rows: Rows, last: int | None = None) -> Totals:
        """Sum over each row's season to date, or its last so many games."""
        return self._total(team_season(rows.season, rows.team), rows.day, last)

    def last_season(self, rows: Rows) -> Totals:
        """Sum over the whole season before each row's."""
        group = team_season(rows.season - 1, rows.team)
        return self._total(group, np.full_like(rows.day, DAY_SPAN - 1), None)

    def _total(self, group: IntArray, day: IntArray, last: int | None) -> Totals:
        sums, counts = self.sums.total(group, day, last)
        games = counts[:, -1]
        complete = counts[:, :-1] == games[:, None]
        known = np.where(complete, sums[:, :-1], np.nan)
        return Totals(games, dict(zip(self.columns, known.T, strict=True)))


def regular_season_sums(tables: Tables, columns: list[str]) -> TeamSums:
    """Prepare running sums over each team's regular-season games.

    Args:
        tables: The canonical tables.
        columns: Columns of `team_games`, `margin` (points), or `opponent_<column>` for the
            opponent's value in the same game.
    """
    games = with_opponent(tables.team_games[tables.team_games["kind"] == "regular"])
    values = games[columns].to_numpy(dtype=np.float64)
    counter = np.ones((len(games), 1))
    group = team_season(start_years(games["season"]), games["team_id"].to_numpy())
    return TeamSums(
        RunningSums(group, days(games["game_date"]), np.hstack([values, counter])), columns
    )


def with_opponent(team_games: pd.DataFrame) -> pd.DataFrame:
    """Add `margin` and `opponent_<column>` for every box column; rows keep their order."""
    box = list(BOX_COLUMNS)
    keyed = team_games.set_index(["game_id", "team_id"])[box]
    other = pd.MultiIndex.from_frame(team_games[["game_id", "opponent_team_id"]])
    opponents = keyed.reindex(other).add_prefix("opponent_").set_index(team_games.index)
    margin = team_games["points"] - team_games["opponent_points"]
    return pd.concat([team_games.assign(margin=margin), opponents], axis=1)


_POSSESSION_INPUTS = ["fgm", "fga", "fta", "oreb", "dreb", "tov"]


def possession_columns() -> list[str]:
    """Return the columns that `possessions` needs, own and the opponents'."""
    return _POSSESSION_INPUTS + [f"opponent_{column}" for column in _POSSESSION_INPUTS]


def possessions(totals: Totals) -> FloatArray:
    """Return possessions, the mean of both sides' estimates.

    `FGA + .4 FTA - 1.07 ORB / (ORB + opponents' DRB) (FGA - FGM) + TOV` of each side.

    Source: Basketball-Reference glossary.
    """
    return 0.5 * (_one_side(totals, "", "opponent_") + _one_side(totals, "opponent_", ""))


def _one_side(totals: Totals, side: str, other: str) -> FloatArray:
    fga, oreb = totals[f"{side}fga"], totals[f"{side}oreb"]
    offensive_share = ratio(oreb, oreb + totals[f"{other}dreb"])
    missed = fga - totals[f"{side}fgm"]
    return fga + 0.4 * totals[f"{side}fta"] - 1.07 * offensive_share * missed + totals[f"{side}tov"]
