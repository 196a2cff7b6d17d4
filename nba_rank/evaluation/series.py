"""Playoff series: does strength foretell the upsets, and how good are their probabilities?

Strengths are those of the morning after the regular season; the host is the side with the better
regular-season record, and an upset is a series that the guest wins.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nba_rank.core.arrays import FloatArray
from nba_rank.core.names import ALL, SIMULATION
from nba_rank.data import league
from nba_rank.data.calendar import as_of_points
from nba_rank.data.outcomes import series
from nba_rank.data.standings import standings
from nba_rank.data.tables import Tables
from nba_rank.evaluation.baselines import FIVETHIRTYEIGHT
from nba_rank.evaluation.calibration import brier, log_loss
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.metrics import roc_auc
from nba_rank.features.asof import Rows
from nba_rank.features.elo import elo_ratings
from nba_rank.odds.bracket import series_win_prob

COLUMNS = [
    "season", "round", "ranker", "host_team_id", "guest_team_id",
    "host_strength", "guest_strength", "host_won", "p_host",
]  # fmt: skip

_NODES = 41


def series_upsets(
    strength: pd.DataFrame,
    tables: Tables,
    season: str,
    *,
    home_edge: float,
    noise_sd: float,
    doubt_sd: float = 0.0,
) -> pd.DataFrame:
    """Pair the decided playoff series of a season with the strengths of both sides.

    Args:
        strength: Columns `team_id` and `strength` (points of margin in the playoffs).
        tables: The canonical tables.
        season: Season.
        home_edge: Points by which a home team does better, where anybody plays at home.
        noise_sd: Standard deviation of a game's margin around its expectation, points.
        doubt_sd: Standard deviation of a team's true strength throughout a series, points.

    Returns:
        `COLUMNS`, a row a series: the host has the better record, with the league's tie-breaks;
        `p_host` is the probability that he wins, as known before the first game.
    """
    of_team = strength.set_index("team_id")["strength"]
    record = standings(tables.team_games, tables.teams, season).set_index("team_id")
    table = _with_strength(_decided(tables, season, record), of_team, SIMULATION)
    edge = 0.0 if league.restart(season) is not None else home_edge
    gap = (table["host_strength"] - table["guest_strength"]).to_numpy(dtype=np.float64)
    needed = np.array([league.wins_needed(season, number) for number in table["round"]], dtype=int)
    table["p_host"] = _host_wins(gap, needed, edge, noise_sd, doubt_sd)
    return table[COLUMNS]


def series_references(tables: Tables, seasons: Iterable[str]) -> pd.DataFrame:
    """Pair series with winning percentages (`standings`) and Elo ratings (`elo`) of both sides.

    Returns rows as `series_upsets`, `p_host` being NaN, of seasons whose regular season is over.
    """
    ends = {season: as_of_points(tables, season).get("end") for season in seasons}
    dates = pd.DataFrame(
        [(season, date) for season, date in ends.items() if date is not None],
        columns=["season", "as_of_date"],
    )
    if dates.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows = Rows.of(tables, dates)
    rated = rows.frame.assign(elo=elo_ratings(tables, rows, FIVETHIRTYEIGHT))
    parts = []
    for season, teams in rated.groupby("season"):
        record = standings(tables.team_games, tables.teams, str(season)).set_index("team_id")
        decided = _decided(tables, str(season), record)
        elo = teams.set_index("team_id")["elo"]
        parts += [
            _with_strength(decided, record["win_pct"], "standings"),
            _with_strength(decided, elo, "elo"),
        ]
    return pd.concat(parts, ignore_index=True).assign(p_host=np.nan)[COLUMNS]


def series_metrics(upsets: pd.DataFrame) -> pd.DataFrame:
    """Score how well strengths foretell the upsets among rows of `series_upsets`.

    Returns:
        Tidy rows of scope `league` and point `end`, by ranker for each season and, as season
        `all`, for all series at once: `series_upset_auc` (by the guest's strength less the host's)
        and, where there are probabilities, `series_brier` and `series_log_loss`.
    """
    both = pd.concat([upsets, upsets.assign(season=ALL)], ignore_index=True)
    tidy: list[tuple[str, str, str, str, str, float]] = []
    for (season, ranker), rows in both.groupby(["season", "ranker"], sort=False):
        host_won = rows["host_won"].to_numpy(dtype=np.bool_)
        gap = (rows["guest_strength"] - rows["host_strength"]).to_numpy(dtype=np.float64)
        values = {"series_upset_auc": float(roc_auc(gap, ~host_won))}
        p_host = rows["p_host"].to_numpy(dtype=np.float64)
        if not np.isnan(p_host).all():
            values["series_brier"] = brier(p_host, host_won)
            values["series_log_loss"] = log_loss(p_host, host_won)
        tidy += [(str(season), "end", "league", str(ranker), *one) for one in values.items()]
    return pd.DataFrame(tidy, columns=TIDY_COLUMNS)


def _decided(tables: Tables, season: str, record: pd.DataFrame) -> pd.DataFrame:
    """Return the decided series of a season: `season`, `round`, the two sides, `host_won`."""
    table = series(tables.team_games, season)
    table = table[table["winner_team_id"] != 0]
    place = record["league_rank"]
    hosts = table["team_id"].map(place) < table["opponent_team_id"].map(place)
    table = table[hosts].rename(
        columns={"team_id": "host_team_id", "opponent_team_id": "guest_team_id"}
    )
    host_won = table["winner_team_id"] == table["host_team_id"]
    columns = ["season", "round", "host_team_id", "guest_team_id"]
    return table[columns].assign(host_won=host_won).reset_index(drop=True)


def _with_strength(table: pd.DataFrame, of_team: pd.Series, ranker: str) -> pd.DataFrame:
    sides = {side: table[f"{side}_team_id"].map(of_team) for side in ("host", "guest")}
    for side, strength in sides.items():
        unknown = table.loc[strength.isna(), f"{side}_team_id"].unique().tolist()
        if unknown:
            raise ValueError(f"no strength of the teams {unknown}, which played a playoff series")
    return table.assign(ranker=ranker, host_strength=sides["host"], guest_strength=sides["guest"])


def _host_wins(
    gap: FloatArray, needed: np.ndarray, home_edge: float, noise_sd: float, doubt_sd: float
) -> FloatArray:
    """Integrate the probability that the host wins each series over both teams' doubt, [N]."""
    node, weight = np.polynomial.hermite_e.hermegauss(_NODES)
    gaps = gap[:, None] + np.sqrt(2) * doubt_sd * node
    at_home, away = (ndtr((gaps + edge) / noise_sd) for edge in (home_edge, -home_edge))
    wins = needed[:, None]
    p = series_win_prob(at_home, away, home_left=wins, away_left=wins - 1, needed=wins)
    return np.clip(p @ (weight / weight.sum()), 0.0, 1.0)
