"""Least-squares team ratings from margins and schedule, on many dates at once.

The normal equations `M r = p` of Massey (1997), "Statistical Models Applied to the Rating of Sports
Teams": `M_ii` games played, `M_ij` minus the meetings of i and j, `p_i` the summed margin, over the
regular-season games before the date.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows, days, start_years


@dataclass(frozen=True)
class NormalEquations:
    """The equations of one season on D dates for T teams.

    Attributes:
        matrix: M, [D, T, T].
        margins: p in points, [D, T].
        games: Games played, [D, T].
        row: Row of each date and team, [D, T].
    """

    matrix: FloatArray
    margins: FloatArray
    games: FloatArray
    row: IntArray


def normal_equations(tables: Tables, rows: Rows) -> Iterator[NormalEquations]:
    """Yield the equations of each season of the rows."""
    games = tables.games[tables.games["kind"] == "regular"].sort_values("game_date")
    game_season = start_years(games["season"])
    game_day = days(games["game_date"])
    margin = (games["home_points"] - games["away_points"]).to_numpy(dtype=np.float64)
    pairs = games[["home_team_id", "away_team_id"]].to_numpy()
    for season in np.unique(rows.season):
        index = np.flatnonzero(rows.season == season)
        dates, teams = np.unique(rows.day[index]), np.unique(rows.team[index])
        played = game_season == season
        # A game counts from the first as-of date after its day.
        slot = np.searchsorted(dates, game_day[played], side="right")
        counted = slot < len(dates)
        slot = slot[counted]
        home, away = np.searchsorted(teams, pairs[played][counted]).T
        home_margin = margin[played][counted]

        met = np.zeros((len(dates), len(teams), len(teams)))
        np.add.at(met, (slot, home, away), 1.0)
        np.add.at(met, (slot, away, home), 1.0)
        margins = np.zeros((len(dates), len(teams)))
        np.add.at(margins, (slot, home), home_margin)
        np.add.at(margins, (slot, away), -home_margin)
        met, margins = met.cumsum(axis=0), margins.cumsum(axis=0)
        total = met.sum(axis=2)
        yield NormalEquations(
            matrix=total[:, :, None] * np.eye(len(teams)) - met,
            margins=margins,
            games=total,
            row=index.reshape(len(dates), len(teams)),
        )


def massey_ratings(
    tables: Tables, rows: Rows, ridge: float, prior: FloatArray | None = None
) -> FloatArray:
    """Return Massey ratings in points, [N]: `(M + ridge I) r = p + ridge prior`.

    The ridge, in games, draws each rating towards its prior, [N] in points, 0 if None.
    """
    ratings = np.zeros(len(rows.frame))
    prior = np.zeros(len(rows.frame)) if prior is None else prior
    for equations in normal_equations(tables, rows):
        system = equations.matrix + ridge * np.eye(equations.matrix.shape[1])
        drawn = equations.margins + ridge * prior[equations.row]
        ratings[equations.row] = np.linalg.solve(system, drawn[:, :, None])[:, :, 0]
    return ratings


def simple_ratings(tables: Tables, rows: Rows) -> pd.DataFrame:
    """Return Basketball-Reference's simple rating `srs` and schedule `sos`, in points.

    `srs = margin + mean srs of the opponents`, the minimum-norm solution of the equations without
    ridge, and `sos = srs - margin`; NaN before a team's first game.
    """
    result = np.full((len(rows.frame), 2), np.nan)
    for equations in normal_equations(tables, rows):
        # Each connected group of teams has one zero eigenvalue, which rounding lifts above pinv's
        # default cutoff.
        inverse = np.linalg.pinv(equations.matrix, rcond=1e-10, hermitian=True)
        srs = np.einsum("dij,dj->di", inverse, equations.margins)
        with np.errstate(invalid="ignore"):
            sos = srs - equations.margins / equations.games
        srs[equations.games == 0] = np.nan
        result[equations.row] = np.stack([srs, sos], axis=-1)
    return pd.DataFrame(result, columns=["srs", "sos"])
