"""Strength of the players who can play now, and of those who will play again this season."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import InjuriesConfig
from nba_rank.core.arrays import BoolArray, FloatArray
from nba_rank.data.tables import STATUSES, Tables
from nba_rank.features.asof import Rows, centred
from nba_rank.features.players.availability import has_report, reported_availability
from nba_rank.features.players.minutes import team_shares


def build(
    tables: Tables, ratings: pd.DataFrame, rows: Rows, config: InjuriesConfig
) -> pd.DataFrame:
    """Build availability.

    A player's expected minutes are his minutes at full strength times his probability to play, by
    `config.source`: with `reports` that of his status in the newest report, 1 if it does not list
    him, and unknown where no report is current; with `inferred` his expected minutes of the next
    game as a share of those at full strength, at most 1; with `auto` his status where a current
    report lists him, else as inferred. Minutes become shares of a team's 240 as in
    `roster_strength`.

    Columns: `available_strength` (points per game, the sum of share times impact rating, less the
    mean team's), `absent_minutes_share` (0 to 1), `absent_strength` (points per game that the
    absences cost), `season_strength` (as the first, of everybody who is not out for the season) and
    `injury_report_known` (1 where a report is current, else 0). The others are NaN where no player
    of the team is known.
    """
    row = rows.find(ratings["as_of_date"], ratings["team_id"])
    n = len(rows.frame)
    rating = ratings["impact_rating"].to_numpy()
    full = ratings["full_strength_minutes"].to_numpy()
    known = np.isin(np.arange(n), row)
    reported = has_report(tables, rows.frame, config.report_max_age_days).to_numpy()
    play_prob, season_out = _play_prob(tables, ratings, reported[row], config)
    known_now = known & (reported | (config.source != "reports"))

    def strength(shares: FloatArray) -> FloatArray:
        return np.bincount(row, shares * rating, n).astype(np.float64)

    shares = team_shares(full, row, n)
    everyone = season = strength(shares)
    available = strength(team_shares(full * play_prob, row, n))
    missing = np.bincount(row, shares * (1.0 - play_prob), n) / 5.0
    if season_out.any():
        season = strength(team_shares(np.where(season_out, 0.0, full), row, n))
    return pd.DataFrame(
        {
            "available_strength": centred(np.where(known_now, available, np.nan), rows.day),
            "absent_minutes_share": np.where(known_now, missing, np.nan),
            "absent_strength": np.where(known_now, everyone - available, np.nan),
            "season_strength": centred(np.where(known, season, np.nan), rows.day),
            "injury_report_known": reported.astype(np.float64),
        }
    )


def _play_prob(
    tables: Tables, ratings: pd.DataFrame, reported: BoolArray, config: InjuriesConfig
) -> tuple[FloatArray, BoolArray]:
    """Return each rated player's probability to play, and whether his season is over, [P]."""
    full = ratings["full_strength_minutes"].to_numpy()
    expected = ratings["expected_minutes"].to_numpy()
    inferred = np.where(full > 0, np.minimum(expected / np.maximum(full, 1e-9), 1.0), 1.0)
    if config.source == "inferred":
        return inferred, np.zeros(len(ratings), dtype=bool)
    told = reported_availability(
        tables,
        ratings[["season", "as_of_date"]],
        max_age_days=config.report_max_age_days,
        play_prob={status: getattr(config.status_weights, status.lower()) for status in STATUSES},
        season_ending=config.season_ending,
    )
    key = ["as_of_date", "player_id"]
    found = told.set_index(key).reindex(pd.MultiIndex.from_frame(ratings[key]))
    status = found["play_prob"].to_numpy()
    unlisted = np.where(reported, 1.0, np.nan) if config.source == "reports" else inferred
    season_out = found["season_out"].eq(True).to_numpy()
    # The caller masks what stays unknown: reports alone, and none is current.
    play_prob = np.nan_to_num(np.where(np.isnan(status), unlisted, status))
    return np.where(season_out, 0.0, play_prob), season_out
