"""Within-season sums of team box scores, own and the opponent's, as of a date."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import (
    DAY_SPAN,
    Rows,
    RunningSums,
    days,
    ratio,
    start_years,
    team_season,
)


@dataclass(frozen=True)
class Totals:
    """Number of games, and the sum of each column over them, [N] each."""

    games: FloatArray
    values: dict[str, FloatArray]

    def __getitem__(self, column: str) -> FloatArray:
        """Return the sums of a column; NaN where a game lacks it."""
        return self.values[column]


@dataclass(frozen=True)
class TeamSums:
    """Running sums of named team columns."""

    sums: RunningSums
    columns: list[str]

    def total(self, rows: Rows, last: int | None = None) -> Totals:
        """Sum over each row's season to date, or its `last` games."""
        return self._total(team_season(rows.season, rows.team), rows.day, last)

    def last_season(self, rows: Rows) -> Totals:
        """Sum over the season before each row's."""
        group = team_season(rows.season - 1, rows.team)
        return self._total(group, np.full_like(rows.day, DAY_SPAN - 1), None)

    def _total(self, group: IntArray, day: IntArray, last: int | None) -> Totals:
        games = self.sums.games(group, day).astype(np.float64)
        if last is not None:
            games = np.minimum(games, last)
        sums, counts = self.sums.total(group, day, last)
        known = np.where(counts == games, sums, np.nan)
        return Totals(games, dict(zip(self.columns, known, strict=True)))


def regular_season_sums(tables: Tables, rows: Rows, columns: list[str]) -> TeamSums:
    """Return running sums over the regular seasons of the rows and those before.

    Columns are those of `team_games`, `margin` (points), or `opponent_<column>`.
    """
    games = tables.team_games
    games = games[rows.within(games["season"], before=1) & (games["kind"] == "regular")]
    group = team_season(start_years(games["season"]), games["team_id"].to_numpy())
    return TeamSums(
        RunningSums(group, days(games["game_date"]), side_values(games, columns)), columns
    )


def side_values(team_games: pd.DataFrame, columns: list[str]) -> list[FloatArray]:
    """Return columns of team games, named as in `regular_season_sums`."""
    own = team_games.assign(margin=team_games["points"] - team_games["opponent_points"])
    by_opponent = [name for name in columns if name not in own]
    opponents = _opponents(team_games) if by_opponent else np.zeros(0, dtype=np.int64)

    def value(name: str) -> FloatArray:
        if name not in by_opponent:
            return own[name].to_numpy(dtype=np.float64)
        theirs = own[name.removeprefix("opponent_")].to_numpy(dtype=np.float64)
        return np.where(opponents >= 0, theirs[opponents], np.nan)

    return [value(name) for name in columns]


def _opponents(team_games: pd.DataFrame) -> IntArray:
    """Return the place of the opponent's row of the same game, -1 if there is none, [N]."""
    game = pd.factorize(team_games["game_id"])[0]
    own, other = (
        game * 1_000 + team_games[side].to_numpy() % 1_000
        for side in ("team_id", "opponent_team_id")
    )
    order = np.argsort(own)
    place = order[np.minimum(np.searchsorted(own, other, sorter=order), len(own) - 1)]
    return np.where(own[place] == other, place, -1)


_POSSESSION_INPUTS = ["fgm", "fga", "fta", "oreb", "dreb", "tov"]


def possession_columns() -> list[str]:
    """Return the columns that `possessions` needs."""
    return _POSSESSION_INPUTS + [f"opponent_{column}" for column in _POSSESSION_INPUTS]


def possessions(totals: Totals | dict[str, FloatArray]) -> FloatArray:
    """Return possessions as on Basketball-Reference, the mean of both sides' estimates.

    Of each side `FGA + .4 FTA - 1.07 ORB / (ORB + opponents' DRB) (FGA - FGM) + TOV`.
    """
    return 0.5 * (_one_side(totals, "", "opponent_") + _one_side(totals, "opponent_", ""))


def _one_side(totals: Totals | dict[str, FloatArray], side: str, other: str) -> FloatArray:
    fga, oreb = totals[f"{side}fga"], totals[f"{side}oreb"]
    offensive_share = ratio(oreb, oreb + totals[f"{other}dreb"])
    missed = fga - totals[f"{side}fgm"]
    return fga + 0.4 * totals[f"{side}fta"] - 1.07 * offensive_share * missed + totals[f"{side}tov"]
