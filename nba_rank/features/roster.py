"""Player sets: the players of each team on a date with their columns.

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
from nba_rank.features.asof import Rows, RunningSums, days, places, ratio, start_years
from nba_rank.features.players.box_rates import RATE_INPUTS, game_values, rates
from nba_rank.features.players.game_log import GameLog

BOX_RATES = ("points", "reb", "ast", "stl", "blk", "tov")
"""Counts of the columns per game."""


@dataclass(frozen=True)
class PlayerSets:
    """The players of N teams as of their dates.

    Attributes:
        frame: Columns `season`, `as_of_date`, `team_id`, `conference`.
        player_id: [N, P], most expected minutes first; 0 in empty places.
        minutes_share: [N, P], share of the set's expected minutes; 0 in empty places.
        stats: [N, P, F]; NaN where unknown or empty.
        columns: Names of the F columns.
        dates_left_out: As-of dates dropped because a team had no known player, such as those before
            the first game in the player logs.
        games: Where the players' earlier games are looked up; None where they are not asked for.
    """

    frame: pd.DataFrame
    player_id: npt.NDArray[np.int64]
    minutes_share: npt.NDArray[np.float32]
    stats: npt.NDArray[np.float32]
    columns: list[str]
    dates_left_out: int
    games: GameLog | None = None

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

    A team's set is its `config.size` players of most expected minutes; seasons without player logs
    are skipped. Columns, where `config.columns` asks for them, for each window of the player's
    newest w games of the season, missing games filled with last season's average:
    `<count>_per_game_w`; `availability_w`, games played since the team's w-th newest game, over w;
    `plus_minus_share_w`, a fifth of the plus-minus per game, so that a team's shares add up to its
    margin; and the rates of `box_rates`, `<rate>_w`. Once: `returning_minutes_share`, the player's
    share of the team's minutes last season; `<rate>_last_season`; and `prior_rating`,
    `impact_rating`, `expected_minutes` and `full_strength_minutes` of `ratings`.

    Raises:
        ValueError: The ratings are of other dates, or no player column is switched on.
    """
    seasons = tables.seasons
    with_logs = seasons.loc[seasons["has_player_games"], "season"]
    rows = Rows.of(tables, dates[dates["season"].isin(with_logs)])
    row = rows.find(ratings["as_of_date"], ratings["team_id"])
    ids, minutes = ratings["player_id"].to_numpy(), ratings["expected_minutes"].to_numpy()
    place = places(minutes, row, ids)
    taken = np.flatnonzero(place < config.size)
    # Sorted by player, as the games are: several times as fast.
    taken = taken[np.argsort(ids[taken], kind="stable")]
    chosen = row[taken], place[taken]
    named = _player_columns(tables, rows, chosen[0], ratings[_RATED].iloc[taken], config)
    if not named:
        raise ValueError("no player column is switched on: see features.roster.columns")

    shape = (len(rows.frame), config.size)
    stats = np.full((*shape, len(named)), np.nan, dtype=np.float32)
    stats[chosen] = np.stack([column.astype(np.float32) for column in named.values()], axis=1)
    player_id, share = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    player_id[chosen], share[chosen] = ids[taken], minutes[taken]
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-9)

    empty = pd.Series((player_id == 0).all(axis=1))
    left_out = empty.groupby(rows.day).transform("any").to_numpy()
    kept = np.flatnonzero(~left_out)
    sets = PlayerSets(
        rows.frame, player_id, share.astype(np.float32), stats, list(named),
        dates_left_out=len(np.unique(rows.day[left_out])),
    )  # fmt: skip
    return sets.take(kept) if left_out.any() else sets


_RATED = [
    "player_id", "prior_rating", "impact_rating", "expected_minutes", "full_strength_minutes",
]  # fmt: skip


class _PlayerLog:
    """Player games as running sums by player and season, and by player and team."""

    def __init__(self, tables: Tables, rows: Rows) -> None:
        # Sums of whole numbers do not depend on where they begin.
        needed = {
            name: games[rows.within(games["season"], before=1)]
            for name, games in tables.items()
            if name in ("player_games", "team_games")
        }
        games, team_games = needed["player_games"], needed["team_games"]
        self.player_ids, player = np.unique(games["player_id"], return_inverse=True)
        season = start_years(games["season"])
        team = club_ids(season, games["team_id"].to_numpy())
        values = game_values(replace(tables, **needed))
        by_season = _keyed(player, season - 1_900)
        self.by_season = RunningSums(by_season, days(games["game_date"]), [*values.values()])
        self.by_team = RunningSums(_keyed(player, team % 1_000), season, [values["seconds"]])
        self.team_seconds = RunningSums(team % 1_000, season, [values["seconds"]])
        season, day = start_years(team_games["season"]), days(team_games["game_date"])
        club = club_ids(season, team_games["team_id"].to_numpy()) % 1_000
        self.of_team = RunningSums(club, day, [])
        self.team_season, self.team_day = season[self.of_team.order], day[self.of_team.order]

    def games_since(
        self, player: IntArray, team: IntArray, season: IntArray, day: IntArray, games: int
    ) -> IntArray:
        """Return how many games each player has played since his team's w-th newest, [M]."""
        start, end = self.of_team.span(team % 1_000, day)
        first = np.minimum(np.maximum(start, end - games), len(self.team_day) - 1)
        played = start < end
        from_season = np.where(played, self.team_season[first], season)
        since = np.where(played, self.team_day[first], day)
        return self.positions(player, season, day) - self.positions(player, from_season, since)

    def positions(self, player: IntArray, season: IntArray, day: IntArray) -> IntArray:
        """Return where each player's day in a season begins among the sorted games."""
        return self.by_season.positions(_keyed(player, season - 1_900), day)

    def returning_share(self, player: IntArray, team: IntArray, season: IntArray) -> FloatArray:
        """Return each player's share of his team's minutes last season, [M]."""
        club = team % 1_000
        of_player, of_team = (
            # The days of these sums are season years.
            sums.between(sums.positions(group, season - 1), sums.positions(group, season))[0][0]
            for sums, group in ((self.by_team, _keyed(player, club)), (self.team_seconds, club))
        )
        return ratio(of_player, of_team)


def _keyed(player: IntArray, part: IntArray) -> IntArray:
    """Return one integer per player and part, such as his season."""
    return player * 1_000 + part


def _player_columns(
    tables: Tables, rows: Rows, row: IntArray, ratings: pd.DataFrame, config: RosterConfig
) -> dict[str, FloatArray]:
    """Return the player columns of the taken places by name, [M] each."""
    season, day = rows.season[row], rows.day[row]
    team = club_ids(season, rows.team[row])
    log, asked = _PlayerLog(tables, rows), config.columns
    # A player of a roster file who has never played has no games: any slot past the last is his.
    ids = ratings["player_id"].to_numpy()
    player = np.searchsorted(log.player_ids, ids)
    player[~np.isin(ids, log.player_ids)] = len(log.player_ids)
    new_year = np.zeros_like(day)
    before, start = (log.positions(player, season - back, new_year) for back in (1, 0))
    end = log.positions(player, season, day)
    baseline = ratio(*log.by_season.between(before, start))

    named: dict[str, FloatArray] = {}
    for window in config.windows:
        sums, counts = log.by_season.between(np.maximum(start, end - window), end)
        per_game = {}
        for name, usual, total, n in zip(RATE_INPUTS, baseline, sums, counts, strict=True):
            fill = np.where(np.isnan(usual), 0.0, window - n)
            per_game[name] = ratio(total + fill * np.nan_to_num(usual), n + fill)
        if asked.box_rates:
            named |= {f"{count}_per_game_{window}": per_game[count] for count in BOX_RATES}
        if asked.availability:
            played = log.games_since(player, team, season, day, window)
            named[f"availability_{window}"] = np.minimum(played / window, 1.0)
        if asked.plus_minus_share:
            named[f"plus_minus_share_{window}"] = per_game["plus_minus"] / 5
        named |= {f"{name}_{window}": v for name, v in _rates(per_game, asked).items()}
    if asked.returning_minutes:
        named["returning_minutes_share"] = log.returning_share(player, team, season)
    if asked.last_season:
        last = dict(zip(RATE_INPUTS, baseline, strict=True))
        named |= {f"{name}_last_season": v for name, v in _rates(last, asked).items()}
    from_ratings = [
        *(("prior_rating", "impact_rating") if asked.impact_rating else ()),
        *(("expected_minutes", "full_strength_minutes") if asked.expected_minutes else ()),
    ]
    return named | {name: ratings[name].to_numpy() for name in from_ratings}


def _rates(per_game: dict[str, FloatArray], asked: PlayerColumnsConfig) -> dict[str, FloatArray]:
    return {name: rate for name, rate in rates(per_game).items() if getattr(asked, name)}
