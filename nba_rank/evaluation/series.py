"""Playoff series: does strength foretell the upsets, and how good are their probabilities?

Strengths are those of the morning after the regular season; the host is the side with the better
regular-season record, and an upset is a series that the guest wins.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.core.names import ALL, SIMULATION
from nba_rank.data import league
from nba_rank.data.calendar import as_of_points
from nba_rank.data.outcomes import series
from nba_rank.data.tables import Tables
from nba_rank.evaluation.baselines import FIVETHIRTYEIGHT
from nba_rank.evaluation.calibration import brier, log_loss
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.metrics import roc_auc
from nba_rank.features.asof import Rows
from nba_rank.features.elo import elo_ratings
from nba_rank.odds.bracket import series_win_prob
from nba_rank.odds.series_state import over_doubt

COLUMNS = [
    "season", "round", "ranker", "host_team_id", "guest_team_id",
    "host_strength", "guest_strength", "host_won", "p_host",
]  # fmt: skip

_KEY = ["season", "team_id"]
_SIDES = ["host_team_id", "guest_team_id"]


def decided_series(tables: Tables, results: pd.DataFrame, seasons: Iterable[str]) -> pd.DataFrame:
    """Return the decided playoff series of complete seasons, with the better record as host.

    `results` are those of `nba_rank.data.outcomes.outcomes`. The columns are `season`, `round`,
    `host_team_id`, `guest_team_id` and `host_won`.
    """
    games = tables.team_games[tables.team_games["kind"] == "playoffs"]
    found = pd.concat([series(games, season) for season in seasons], ignore_index=True)
    place = results.set_index(_KEY)["standings_rank"]
    host, guest = (_of_teams(place, found, side) for side in ("team_id", "opponent_team_id"))
    table = found[(host < guest) & (found["winner_team_id"] != 0)]
    table = table.assign(host_won=table["winner_team_id"] == table["team_id"]).rename(
        columns={"team_id": "host_team_id", "opponent_team_id": "guest_team_id"}
    )
    return table[["season", "round", *_SIDES, "host_won"]].reset_index(drop=True)


def series_upsets(
    decided: pd.DataFrame,
    strength: pd.DataFrame,
    *,
    home_edge: float,
    noise_sd: float,
    doubt_sd: float = 0.0,
) -> pd.DataFrame:
    """Give series the simulation's strengths of both sides, and the host's chance to win.

    Args:
        decided: Rows of `decided_series`.
        strength: Columns `season`, `team_id` and `strength` (points of margin in the playoffs).
        home_edge: Points by which a home team does better, where anybody plays at home.
        noise_sd: Standard deviation of a game's margin around its expectation, points.
        doubt_sd: Standard deviation of a team's true strength throughout a series, points.

    Returns:
        `COLUMNS`; `p_host` is the probability that the host wins, as known before the first game.
    """
    table = _with_strength(decided, strength.set_index(_KEY)["strength"], SIMULATION)
    at_home = [league.restart(season) is None for season in table["season"]]
    gap = (table["host_strength"] - table["guest_strength"]).to_numpy(dtype=np.float64)
    rounds = zip(table["season"], table["round"], strict=True)
    needed = np.array([league.wins_needed(season, number) for season, number in rounds], dtype=int)
    edge = np.where(at_home, home_edge, 0.0)
    table["p_host"] = _host_wins(gap, needed, edge, noise_sd, doubt_sd)
    return table[COLUMNS]


def series_references(decided: pd.DataFrame, tables: Tables, results: pd.DataFrame) -> pd.DataFrame:
    """Give series the winning percentages (`standings`) and Elo ratings (`elo`) of both sides.

    Returns rows as `series_upsets`, `p_host` being NaN.
    """
    seasons = decided["season"].unique()
    dates = [as_of_points(tables, season)["end"] for season in seasons]
    rows = Rows.of(tables, pd.DataFrame({"season": seasons, "as_of_date": dates}))
    rated = rows.frame.assign(elo=elo_ratings(tables, rows, FIVETHIRTYEIGHT))
    record, elo = results.set_index(_KEY)["win_pct"], rated.set_index(_KEY)["elo"]
    parts = [_with_strength(decided, record, "standings"), _with_strength(decided, elo, "elo")]
    table = pd.concat(parts).sort_values("season", kind="stable", ignore_index=True)
    return table.assign(p_host=np.nan)[COLUMNS]


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


def _with_strength(decided: pd.DataFrame, strength: pd.Series, ranker: str) -> pd.DataFrame:
    """Add the strengths of both sides, given by season and team."""
    sides = {side: _of_teams(strength, decided, side) for side in _SIDES}
    for side, found in sides.items():
        unknown = decided.loc[found.isna(), side].unique().tolist()
        if unknown:
            raise ValueError(f"no strength of the teams {unknown}, which played a playoff series")
    host, guest = sides.values()
    return decided.assign(ranker=ranker, host_strength=host, guest_strength=guest)


def _of_teams(value: pd.Series, table: pd.DataFrame, side: str) -> pd.Series:
    """Return the value of the team of a column in each row's season."""
    return value.reindex(pd.MultiIndex.from_frame(table[["season", side]])).set_axis(table.index)


def _host_wins(
    gap: FloatArray, needed: IntArray, home_edge: FloatArray, noise_sd: float, doubt_sd: float
) -> FloatArray:
    """Integrate the probability that the host wins each series over both teams' doubt, [N]."""
    gaps, weight = over_doubt(gap, doubt_sd)
    edge, wins = home_edge[:, None], needed[:, None]
    at_home, away = ndtr((gaps + edge) / noise_sd), ndtr((gaps - edge) / noise_sd)
    p = series_win_prob(at_home, away, home_left=wins, away_left=wins - 1, needed=wins)
    return np.clip(p @ weight, 0.0, 1.0)
