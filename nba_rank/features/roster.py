"""Player sets: who is on each team on a date, and what each player has done lately.

A player belongs to the team of his newest game. The `size` players with most minutes in the team's
newest `recent_games` games (last season's included) are kept, so on opening night a team's players
are those of last season's end.

Letters: N rows (season, as-of date, team), P places of a set, F player columns.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.config import RosterConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import (
    DAY_SPAN,
    FloatArray,
    IntArray,
    Rows,
    RunningSums,
    days,
    ratio,
    start_years,
)

BOX_RATES = ("points", "reb", "ast", "stl", "blk", "tov")
"""Counts that are rolled per game."""


@dataclass(frozen=True)
class PlayerSets:
    """The players of N teams as of their dates.

    Attributes:
        frame: Columns `season`, `as_of_date`, `team_id`, `conference` of the N rows.
        player_id: int64 [N, P], most recent minutes first; 0 in empty places.
        minutes_share: float32 [N, P], share of the set's recent minutes; 0 in empty places.
        stats: float32 [N, P, F]; NaN is unknown, empty places are NaN.
        columns: Names of the F columns.
        dates_left_out: Number of as-of dates dropped because some team had no known player, as
            before the first game in the player logs.
    """

    frame: pd.DataFrame
    player_id: npt.NDArray[np.int64]
    minutes_share: npt.NDArray[np.float32]
    stats: npt.NDArray[np.float32]
    columns: list[str]
    dates_left_out: int

    def take(self, index: npt.NDArray[np.int64]) -> Self:
        """Return the sets of some rows."""
        return replace(
            self,
            frame=self.frame.iloc[index].reset_index(drop=True),
            player_id=self.player_id[index],
            minutes_share=self.minutes_share[index],
            stats=self.stats[index],
        )


def stat_columns(windows: list[int]) -> list[str]:
    """Return the names of the player columns: eight for each window, and one.

    For each window of w games: `<count>_per_game_w`, `availability_w`, `plus_minus_share_w`;
    and `returning_minutes_share`.
    """
    columns = []
    for window in windows:
        columns += [f"{count}_per_game_{window}" for count in BOX_RATES]
        columns += [f"availability_{window}", f"plus_minus_share_{window}"]
    return [*columns, "returning_minutes_share"]


def player_sets(tables: Tables, dates: pd.DataFrame, config: RosterConfig) -> PlayerSets:
    """Build the player sets of all teams on the dates, from games before each date only.

    Player columns: per-game counts over the player's last w games of the season, the missing games
    of an incomplete window filled with last season's average; `availability_w`, games played since
    the team's w-th newest game, over w; `plus_minus_share_w`, a fifth of the on-court
    plus-minus in points per game, so that the shares of a team's players add up to its margin;
    `returning_minutes_share`, the player's share of the team's minutes last season.

    Args:
        tables: The canonical tables.
        dates: Columns `season` and `as_of_date`; seasons without player logs are skipped.
        config: Set size, windows and the span of recent minutes.
    """
    seasons = tables.seasons
    with_logs = seasons.loc[seasons["has_player_games"], "season"]
    rows = Rows.of(tables, dates[dates["season"].isin(with_logs)])
    log = _PlayerLog(tables)
    places = _places(log, rows, config)

    chosen = places.row * config.size + places.place
    full = len(rows.frame) * config.size
    stats = np.full((full, len(stat_columns(config.windows))), np.nan, dtype=np.float32)
    stats[chosen] = _stats(log, rows, places, config)
    player_id = np.zeros(full, dtype=np.int64)
    player_id[chosen] = log.player_ids[places.player]
    flat_seconds = np.zeros(full)
    flat_seconds[chosen] = places.seconds
    seconds = flat_seconds.reshape(-1, config.size)
    total = seconds.sum(axis=1, keepdims=True)

    empty = pd.Series(total[:, 0] == 0)
    date_key = [rows.frame["season"], rows.frame["as_of_date"]]
    kept = ~empty.groupby(date_key).transform("any").to_numpy()
    return PlayerSets(
        frame=rows.frame[kept].reset_index(drop=True),
        player_id=player_id.reshape(-1, config.size)[kept],
        minutes_share=(seconds[kept] / total[kept]).astype(np.float32),
        stats=stats.reshape(len(rows.frame), config.size, stats.shape[1])[kept],
        columns=stat_columns(config.windows),
        dates_left_out=int(rows.frame[~kept].drop_duplicates(["season", "as_of_date"]).shape[0]),
    )


class _PlayerLog:
    """Player games as running sums by player, by player and season, and by player and team."""

    def __init__(self, tables: Tables) -> None:
        games = tables.player_games
        self.player_ids, self.player = np.unique(games["player_id"], return_inverse=True)
        self.season = start_years(games["season"])
        team = games["team_id"].to_numpy()
        seconds = games["seconds"].to_numpy(dtype=np.float64)
        rates = games[[*BOX_RATES, "plus_minus"]].to_numpy(dtype=np.float64)
        day, stint = days(games["game_date"]), player_team(self.player, team)
        self.career = RunningSums(self.player, day, seconds[:, None])
        self.career_team = team[self.career.order]
        self.by_season = RunningSums(player_season(self.player, self.season), day, rates)
        self.by_team = RunningSums(stint, day, seconds[:, None])
        self.by_team_season = RunningSums(stint, self.season, seconds[:, None])
        self.team_seconds = RunningSums(team % 1_000, self.season, seconds[:, None])
        team_games = tables.team_games
        team_day = days(team_games["game_date"])
        self.team_log = RunningSums(
            team_games["team_id"].to_numpy() % 1_000, team_day, np.ones((len(team_games), 1))
        )
        self.team_day = team_day[self.team_log.order]


def player_season(player: IntArray, season: IntArray) -> IntArray:
    """Return one integer per player and season."""
    return player * 1_000 + (season - 1_900)


def player_team(player: IntArray, team: IntArray) -> IntArray:
    """Return one integer per player and team."""
    return player * 1_000 + team % 1_000


@dataclass(frozen=True)
class _Places:
    """Taken places of all sets: row and place, player slot, recent seconds; each of shape [M]."""

    row: IntArray
    place: IntArray
    player: IntArray
    seconds: FloatArray


def _newest_games_start(log: _PlayerLog, team: IntArray, day: IntArray, games: int) -> IntArray:
    """Return the day of each team's newest-but-(games-1) game before the day, shape as asked."""
    group = team % 1_000
    end = log.team_log.positions(group, day)
    start = np.maximum(log.team_log.positions(group, np.zeros_like(day)), end - games)
    first = log.team_day[np.minimum(start, len(log.team_day) - 1)]
    return np.where(start < end, first, day)


def _places(log: _PlayerLog, rows: Rows, config: RosterConfig) -> _Places:
    """Fill each row's places with the players of most recent minutes."""
    since = _newest_games_start(log, rows.team, rows.day, config.recent_games)
    nothing = np.array([], dtype=np.int64)
    parts = [(nothing, nothing, nothing.astype(np.float64))]
    for season in np.unique(rows.season):
        index = np.flatnonzero(rows.season == season)
        dates, teams = np.unique(rows.day[index]), np.unique(rows.team[index])
        row_of = index.reshape(len(dates), len(teams))
        active = np.unique(log.player[(log.season == season) | (log.season == season - 1)])
        player = np.tile(active, len(dates))
        date_slot = np.repeat(np.arange(len(dates)), len(active))
        day = dates[date_slot]

        newest = log.career.positions(player, day) - 1
        known = log.career.games(player, day) > 0
        team = log.career_team[np.maximum(newest, 0)]
        slot = np.searchsorted(teams, team)
        known &= (slot < len(teams)) & (teams[np.minimum(slot, len(teams) - 1)] == team)
        row = row_of[date_slot[known], slot[known]]
        player, team, day = player[known], team[known], day[known]
        group = player_team(player, team)
        seconds = log.by_team.between(
            log.by_team.positions(group, since[row]), log.by_team.positions(group, day)
        )[0][:, 0]
        recent = seconds > 0
        parts.append((row[recent], player[recent], seconds[recent]))
    row, player, seconds = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((player, -seconds, row))
    row, player, seconds = row[order], player[order], seconds[order]
    place = np.arange(len(row)) - np.searchsorted(row, row, side="left")
    taken = place < config.size
    return _Places(row[taken], place[taken], player[taken], seconds[taken])


def _stats(log: _PlayerLog, rows: Rows, places: _Places, config: RosterConfig) -> FloatArray:
    """Compute the player columns of the taken places, shape [M, F]."""
    season, day, team = rows.season[places.row], rows.day[places.row], rows.team[places.row]
    this_season = player_season(places.player, season)
    last_season = player_season(places.player, season - 1)
    ever = np.full_like(day, DAY_SPAN - 1)
    baseline = ratio(*log.by_season.total(last_season, ever))

    columns = []
    for window in config.windows:
        sums, counts = log.by_season.total(this_season, day, last=window)
        fill = np.where(np.isnan(baseline), 0.0, window - counts)
        rates = ratio(sums + fill * np.nan_to_num(baseline), counts + fill)
        since = _newest_games_start(log, team, day, window)
        appearances = log.career.games(places.player, day) - log.career.games(places.player, since)
        columns += [
            rates[:, :-1],
            np.minimum(appearances / window, 1.0)[:, None],
            rates[:, -1:] / 5,
        ]
    mine, _ = log.by_team_season.between(
        *_season_span(log.by_team_season, player_team(places.player, team), season - 1)
    )
    whole, _ = log.team_seconds.between(*_season_span(log.team_seconds, team % 1_000, season - 1))
    columns.append(ratio(mine, whole))
    return np.hstack(columns)


def _season_span(sums: RunningSums, group: IntArray, season: IntArray) -> tuple[IntArray, IntArray]:
    """Return the positions of one season in sums whose days are season years."""
    return sums.positions(group, season), sums.positions(group, season + 1)
