"""What is known of teams on the mornings of games, beside what strengths are made of."""

from pathlib import Path

import numpy as np
import pandas as pd

from nba_rank.config.schema import FeaturesConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.core.fit_or_load import Entry
from nba_rank.data.tables import Tables
from nba_rank.features import injuries, motivation
from nba_rank.features.asof import Rows, RunningSums, days, start_years, team_season
from nba_rank.odds.inputs import strength_inputs

_FILE = "mornings.parquet"  # of an entry of the cache


def morning_inputs(
    tables: Tables, ratings: pd.DataFrame, dates: pd.DataFrame, features: FeaturesConfig
) -> pd.DataFrame:
    """Build what games are forecast from on the morning of their day.

    Returns:
        What `strength_inputs` returns of these arguments, with four columns more. NaN without
        players: `available_strength`, that of `nba_rank.features.injuries`, points; `absences`, the
        points that absences cost in the playoffs, as a negative number, times `n / (n + 1)` after n
        playoff games of the team, since players who rest before the playoffs come back. Of all
        teams: `idle`, 1 where no conference rival can change places with the team any more, else 0;
        `closing`, 1 where one more win decides the playoff series that the team is in, else 0 (best
        of seven).
    """
    frame = strength_inputs(tables, ratings, dates, features.market)
    rows = Rows.of(tables, dates)
    wins, _ = _playoffs(tables, rows)
    available = absences = np.full(len(frame), np.nan)
    rated = frame["full_strength"].notna()
    if rated.any():
        asked = ratings.merge(rows.frame[["season", "as_of_date"]].drop_duplicates())
        built = injuries.build(tables, asked, rows, features.injuries).where(rated)
        available = built["available_strength"].to_numpy()
        absences = absences_of(built, tables, rows)
    in_reach = motivation.build(tables, rows, features.motivation)["seeds_in_reach"]
    return frame.assign(
        available_strength=available,
        absences=absences,
        idle=(in_reach == 0).astype(np.float64).to_numpy(),
        closing=(wins % 4 == 3).astype(np.float64),
    )


def absences_of(built: pd.DataFrame, tables: Tables, rows: Rows) -> FloatArray:
    """Return `absences` of `morning_inputs`, from what `nba_rank.features.injuries` built, [N]."""
    _, played = _playoffs(tables, rows)
    return np.asarray(-built["absent_strength"].to_numpy() * played / (played + 1))


def mornings_entry(
    tables: Tables, seasons: list[str], features: FeaturesConfig, cache: Path
) -> Entry[pd.DataFrame]:
    """Return the place in the cache of `morning_inputs` of all game days of seasons."""
    return Entry(
        cache,
        "mornings",
        [tables.hashes(), seasons, features],
        made_by=__name__,
        write=lambda frame, folder: frame.to_parquet(folder / _FILE, index=False),
        read=lambda folder: pd.read_parquet(folder / _FILE),
    )


def _playoffs(tables: Tables, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return the playoff games of the season that each team has won and played so far, [N]."""
    games = tables.team_games[tables.team_games["kind"] == "playoffs"]
    group = team_season(start_years(games["season"]), games["team_id"].to_numpy())
    won = games["won"].to_numpy(dtype=np.float64)
    sums = RunningSums(group, days(games["game_date"]), [won])
    (wins,), (played,) = sums.total(team_season(rows.season, rows.team), rows.day)
    return wins, played
