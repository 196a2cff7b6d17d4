"""Player sets: who is on each team on a date, and what each player has done lately.

The `size` players of most expected minutes make a team's set, whoever last played for it or stands
in its newest roster file; see `nba_rank.features.players.minutes`.

Letters: N rows (season, as-of date, team), P places of a set, F player columns, M taken places.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.config.schema import PlayerColumnsConfig, RosterConfig
from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.league import club_ids
from nba_rank.data.tables import Tables
from nba_rank.features.asof import DAY_SPAN, Rows, RunningSums, days, ratio, start_years
from nba_rank.features.players.box_rates import GAME_COLUMNS, game_values, rates

BOX_RATES = ("points", "reb", "ast", "stl", "blk", "tov")
"""Counts that are rolled per game."""


@dataclass(frozen=True)
class PlayerSets:
    """The players of N teams as of their dates.

    Attributes:
        frame: Columns `season`, `as_of_date`, `team_id`, `conference` of the N rows.
        player_id: int64 [N, P], most expected minutes first; 0 in empty places.
        minutes_share: float32 [N, P], share of the set's expected minutes; 0 in empty places.
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


def player_sets(
    tables: Tables, ratings: pd.DataFrame, dates: pd.DataFrame, config: RosterConfig
) -> PlayerSets:
    """Build the player sets of all teams on the dates, from games before each date only.

    Player columns, as far as `config.columns` asks for them, for each window of w games, over the
    player's last w games of the season, the missing games of an incomplete window filled with last
    season's average: `<count>_per_game_w`; `availability_w`, games played since the team's w-th
    newest game, over w; `plus_minus_share_w`, a fifth of the on-court plus-minus in points per
    game, so that the shares of a team's players add up to its margin; and `true_shooting_w`,
    `usage_w`, `game_score_w`, `box_rating_w`, see `nba_rank.features.players.box_rates`.
    Once: `returning_minutes_share`, the player's share of the team's minutes last season; the four
    rates of last season, `<rate>_last_season`; `prior_rating` and `impact_rating`; and
    `expected_minutes` and `full_strength_minutes`.

    Args:
        tables: The canonical tables.
        ratings: From `nba_rank.features.players.impact.player_ratings`, of the same dates.
        dates: Columns `season` and `as_of_date`; seasons without player logs are skipped.
        config: Set size, windows and columns.

    Raises:
        ValueError: The ratings are of other dates, or no player column is switched on.
    """
    seasons = tables.seasons
    with_logs = seasons.loc[seasons["has_player_games"], "season"]
    rows = Rows.of(tables, dates[dates["season"].isin(with_logs)])
    places = _Places.of(ratings, rows, config.size)
    named = _player_columns(tables, rows, places, config)
    if not named:
        raise ValueError("no player column is switched on: see features.roster.columns")

    shape = (len(rows.frame), config.size)
    chosen = places.row, places.place
    stats = np.full((*shape, len(named)), np.nan, dtype=np.float32)
    stats[chosen] = np.stack(list(named.values()), axis=1)
    player_id = np.zeros(shape, dtype=np.int64)
    player_id[chosen] = places.ratings["player_id"]
    minutes = np.zeros(shape)
    minutes[chosen] = places.ratings["expected_minutes"]
    total = minutes.sum(axis=1, keepdims=True)

    empty = pd.Series((player_id == 0).all(axis=1))
    date_key = [rows.frame["season"], rows.frame["as_of_date"]]
    kept = ~empty.groupby(date_key).transform("any").to_numpy()
    return PlayerSets(
        frame=rows.frame[kept].reset_index(drop=True),
        player_id=player_id[kept],
        minutes_share=(minutes[kept] / np.maximum(total[kept], 1e-9)).astype(np.float32),
        stats=stats[kept],
        columns=list(named),
        dates_left_out=int(rows.frame[~kept].drop_duplicates(["season", "as_of_date"]).shape[0]),
    )


@dataclass(frozen=True)
class _Places:
    """The M taken places of all sets: row and place of each, and its row of the ratings."""

    row: IntArray
    place: IntArray
    ratings: pd.DataFrame

    @classmethod
    def of(cls, ratings: pd.DataFrame, rows: Rows, size: int) -> Self:
        """Fill each row's places with the players of most expected minutes."""
        row = rows.find(ratings["as_of_date"], ratings["team_id"])
        order = np.lexsort((ratings["player_id"], -ratings["expected_minutes"], row))
        row = row[order]
        place = np.arange(len(row)) - np.searchsorted(row, row, side="left")
        taken = place < size
        return cls(row[taken], place[taken], ratings.iloc[order[taken]])


class _PlayerLog:
    """Player games as running sums by player, by player and season, and by player and team."""

    def __init__(self, tables: Tables, seasons: IntArray) -> None:
        # Nothing here reaches further back than the season before, and sums of whole numbers do
        # not depend on where they begin.
        needed = np.union1d(seasons, seasons - 1)
        tables = replace(
            tables,
            **{
                name: table[np.isin(start_years(table["season"]), needed)]
                for name, table in tables.items()
                if name in ("player_games", "team_games")
            },
        )
        games = tables.player_games
        self.player_ids, player = np.unique(games["player_id"], return_inverse=True)
        season = start_years(games["season"])
        team = club_ids(season, games["team_id"].to_numpy())
        seconds = games["seconds"].to_numpy(dtype=np.float64)[:, None]
        day = days(games["game_date"])
        self.career = RunningSums(player, day, np.ones_like(seconds))
        self.by_season = RunningSums(player_season(player, season), day, game_values(tables))
        self.by_team_season = RunningSums(player_team(player, team), season, seconds)
        self.team_seconds = RunningSums(team % 1_000, season, seconds)
        team_games = tables.team_games
        team_day = days(team_games["game_date"])
        clubs = club_ids(start_years(team_games["season"]), team_games["team_id"].to_numpy())
        self.team_log = RunningSums(clubs % 1_000, team_day, np.ones((len(team_games), 1)))
        self.team_day = team_day[self.team_log.order]

    def newest_games_start(self, team: IntArray, day: IntArray, games: int) -> IntArray:
        """Return the day of each team's newest-but-(games-1) game before the day."""
        group = team % 1_000
        end = self.team_log.positions(group, day)
        start = np.maximum(self.team_log.positions(group, np.zeros_like(day)), end - games)
        first = self.team_day[np.minimum(start, len(self.team_day) - 1)]
        return np.where(start < end, first, day)


def player_season(player: IntArray, season: IntArray) -> IntArray:
    """Return one integer per player and season."""
    return player * 1_000 + (season - 1_900)


def player_team(player: IntArray, team: IntArray) -> IntArray:
    """Return one integer per player and team."""
    return player * 1_000 + team % 1_000


def _player_columns(
    tables: Tables, rows: Rows, places: _Places, config: RosterConfig
) -> dict[str, FloatArray]:
    """Compute the player columns of the taken places by name, each of shape [M]."""
    season, day = rows.season[places.row], rows.day[places.row]
    team = club_ids(season, rows.team[places.row])
    log, asked = _PlayerLog(tables, season), config.columns
    # A player of a roster file who has never played has no games: any slot past the last will do.
    player = np.searchsorted(log.player_ids, places.ratings["player_id"])
    known = np.isin(places.ratings["player_id"], log.player_ids)
    player = np.where(known, player, len(log.player_ids))
    this_season = player_season(player, season)
    last_season = player_season(player, season - 1)
    baseline = ratio(*log.by_season.total(last_season, np.full_like(day, DAY_SPAN - 1)))

    named: dict[str, FloatArray] = {}
    start, end = log.by_season.span(this_season, day)
    games_so_far = log.career.positions(player, day)
    for window in config.windows:
        sums, counts = log.by_season.between(np.maximum(start, end - window), end)
        fill = np.where(np.isnan(baseline), 0.0, window - counts)
        means = ratio(sums + fill * np.nan_to_num(baseline), counts + fill)
        per_game = dict(zip(GAME_COLUMNS, means.T, strict=True))
        if asked.box_rates:
            named |= {f"{count}_per_game_{window}": per_game[count] for count in BOX_RATES}
        if asked.availability:
            since = log.newest_games_start(team, day, window)
            played = games_so_far - log.career.positions(player, since)
            named[f"availability_{window}"] = np.minimum(played / window, 1.0)
        if asked.plus_minus_share:
            named[f"plus_minus_share_{window}"] = per_game["plus_minus"] / 5
        named |= {f"{name}_{window}": v for name, v in _rates(per_game, asked).items()}
    if asked.returning_minutes:
        named["returning_minutes_share"] = _returning_share(log, player, team, season)
    if asked.last_season:
        last = dict(zip(GAME_COLUMNS, baseline.T, strict=True))
        named |= {f"{name}_last_season": v for name, v in _rates(last, asked).items()}
    from_ratings = [
        *(("prior_rating", "impact_rating") if asked.impact_rating else ()),
        *(("expected_minutes", "full_strength_minutes") if asked.expected_minutes else ()),
    ]
    named |= {name: places.ratings[name].to_numpy() for name in from_ratings}
    return named


def _rates(per_game: dict[str, FloatArray], asked: PlayerColumnsConfig) -> dict[str, FloatArray]:
    wanted = {
        "true_shooting": asked.true_shooting,
        "usage": asked.usage,
        "game_score": asked.game_score,
        "box_rating": asked.box_rating,
    }
    return {name: rate for name, rate in rates(per_game).items() if wanted[name]}


def _returning_share(
    log: _PlayerLog, player: IntArray, team: IntArray, season: IntArray
) -> FloatArray:
    """Return each player's share of his team's minutes last season, [M]."""
    parts = []
    for sums, group in (
        (log.by_team_season, player_team(player, team)),
        (log.team_seconds, team % 1_000),
    ):
        # The days of these sums are season years.
        span = sums.positions(group, season - 1), sums.positions(group, season)
        parts.append(sums.between(*span)[0][:, 0])
    return ratio(parts[0], parts[1])
