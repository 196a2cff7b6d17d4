"""The team and the expected minutes of each player.

A player belongs to the team of his newest game or roster file, whichever is later. He goes along
with a club that moves under another id, and has no team if it leaves the league. Expected minutes
of the next game are his minutes lately times the probability that he appears, which depends on the
games that he has just played or missed. Those at full strength look further back, and do not ask
whether he is missing games now.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.core.seasons import season_start_year
from nba_rank.data.league import club_ids
from nba_rank.data.tables import Tables
from nba_rank.features.asof import days, places, start_years
from nba_rank.features.players.game_days import GameDay, PlayerGames, State

NOBODY = -1
"""Team slot of a player without a team."""

OLD_GAMES = 2.5
"""Games that the average of his last season counts for."""

LATELY = 4.0
"""Half-life in games of the minutes that are expected of the next one."""

LATELY_OLD_GAMES = 1.0
"""Games that the average of his last season counts for in them."""

NEWCOMER_MINUTES = 12.0
"""Minutes expected of a player who has never played."""

APPEARS = {
    "constant": -1.10, "opening": 4.39, "played": 0.54, "missed": -0.49,
    "minutes": 0.066, "minutes_missed": -0.049, "presence": 1.14,
}  # fmt: skip
"""Weights of the log odds that a player appears in the next game.

`opening`: his team has not played since he came or the season began; `played` and `missed`:
`log(1 + n)` of the games in a row that he has appeared in or missed; `minutes`: those per game
lately, and their product with `missed`; `presence`: the share of games that he has appeared in.
Logistic regression on the mornings of 2001-02 to 2009-10.
"""


@dataclass(frozen=True)
class Expected:
    """All player slots on a morning, [P] each.

    Attributes:
        team: Team slot, or `NOBODY`.
        play_prob: Probability to appear in the next game, 0 to 1.
        minutes: Expected minutes of the next game, not scaled to the team's 240.
        full_strength: Minutes of a game later on, whoever has been missing games being back.
    """

    team: IntArray
    play_prob: FloatArray
    minutes: FloatArray
    full_strength: FloatArray


class MinutesBook:
    """Teams, minutes and presence of players, day by day; the half-life is in games."""

    def __init__(self, games: PlayerGames, tables: Tables, *, half_life: float) -> None:
        n_players = len(games.player_ids)
        self._keep = 0.5 ** (1 / half_life)
        self._season = 0
        self._team = np.full(n_players, NOBODY)
        self._sums = np.zeros((n_players, 4))  # minutes, games; presences, team games
        self._lately = np.zeros((n_players, 2))  # minutes, games
        self._missed, self._played = np.zeros((2, n_players), dtype=np.int64)  # in a row
        self._whole = np.zeros((n_players, 2))  # minutes and games of the season
        self._old = np.full(n_players, np.nan)
        rosters = pd.DataFrame(
            {
                "day": days(tables.rosters["date"]),
                "season": start_years(tables.rosters["season"]),
                "player": np.searchsorted(games.player_ids, tables.rosters["player_id"]),
                "team": np.searchsorted(games.team_ids, tables.rosters["team_id"]),
            }
        )
        self._rosters: list[tuple[int, int, IntArray, IntArray]] = [
            (
                int(listed["day"].iloc[0]),
                int(listed["season"].iloc[0]),
                listed["team"].to_numpy(),
                listed["player"].to_numpy(),
            )
            for _, listed in rosters.groupby(["day", "season"])
        ]
        self._rosters_read = 0
        self._team_ids = games.team_ids
        self._in_league = {
            season_start_year(str(season)): np.isin(games.team_ids, team_id)
            for season, team_id in tables.teams.groupby("season")["team_id"]
        }

    def add(self, games: GameDay) -> None:
        """Add a day's games, which must be later than all added so far."""
        self._open(games.season, games.day)
        self._read_rosters(games.day)
        # One place more, which `NOBODY` points at.
        playing = np.zeros(len(self._team_ids) + 1, dtype=bool)
        playing[games.team] = True
        here = playing[self._team]
        here[games.player] = True
        self._team[games.player] = games.team
        self._sums[here, 2:] *= self._keep
        self._sums[here, 3] += 1
        self._missed[here] += 1
        self._missed[games.player] = 0
        self._played[self._missed > 0] = 0
        self._played[games.player] += 1
        self._sums[games.player, 2] += 1
        for sums, keep in ((self._sums, self._keep), (self._lately, 0.5 ** (1 / LATELY))):
            sums[games.player, :2] *= keep
            sums[games.player, 0] += games.minutes
            sums[games.player, 1] += 1
        self._whole[games.player, 0] += games.minutes
        self._whole[games.player, 1] += 1

    def expected(self, day: int, season: int) -> Expected:
        """Return teams and expected minutes on a morning later than the newest game added."""
        self._open(season, day)
        self._read_rosters(day)
        presence = (self._sums[:, 2] + OLD_GAMES) / (self._sums[:, 3] + OLD_GAMES)
        lately = self._mixed(self._lately, LATELY_OLD_GAMES)
        missed = np.log1p(self._missed)
        log_odds = (
            APPEARS["constant"]
            + APPEARS["opening"] * (self._sums[:, 3] == 0)
            + APPEARS["played"] * np.log1p(self._played)
            + APPEARS["missed"] * missed
            + APPEARS["minutes"] * lately
            + APPEARS["minutes_missed"] * lately * missed
            + APPEARS["presence"] * presence
        )
        play_prob = expit(log_odds)
        full_strength = self._mixed(self._sums, OLD_GAMES) * np.sqrt(presence)
        return Expected(self._team.copy(), play_prob, lately * play_prob, full_strength)

    def seen(self) -> BoolArray:
        """Return which players have played or have a team, [P]."""
        has_team = self._team != NOBODY
        return np.asarray(has_team | self._sums.any(axis=1) | ~np.isnan(self._old))

    def state(self, known: IntArray) -> State:
        """Return all that was added; `known` holds all players seen."""
        team = self._team[known]
        return {
            "season": np.array(self._season),
            "team_id": np.where(team == NOBODY, NOBODY, self._team_ids[team]),
            "sums": self._sums[known],
            "lately": self._lately[known],
            "missed": self._missed[known],
            "played": self._played[known],
            "whole": self._whole[known],
            "old": self._old[known],
            "rosters_read": np.array(self._rosters_read),
        }

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state whose players are in the slots `known`."""
        team_id = state["team_id"]
        slot = np.searchsorted(self._team_ids, team_id)
        self._team[known] = np.where(team_id == NOBODY, NOBODY, slot)
        self._season = int(state["season"])
        self._sums[known], self._lately[known] = state["sums"], state["lately"]
        self._missed[known], self._played[known] = state["missed"], state["played"]
        self._whole[known], self._old[known] = state["whole"], state["old"]
        self._rosters_read = int(state["rosters_read"])

    def _mixed(self, sums: FloatArray, old_games: float) -> FloatArray:
        """Return minutes per game by decayed sums, last season's counting for some games, [P]."""
        played = sums[:, 1]
        old = np.where(np.isnan(self._old), NEWCOMER_MINUTES, self._old)
        weight = np.where(np.isnan(self._old) & (played > 0), 0.0, old_games)
        return (sums[:, 0] + weight * old) / np.maximum(played + weight, 1e-9)

    def _open(self, season: int, day: int) -> None:
        """Start a new season: averages become last season's, and those who did not play leave."""
        if season == self._season:
            return
        # Whether a morning between the seasons was asked for must not matter.
        self._read_rosters(day)
        played = self._whole[:, 1] > 0
        average = self._whole[:, 0] / np.maximum(self._whole[:, 1], 1)
        self._old = np.where(played, average, self._old)
        self._team[~played] = NOBODY
        self._move(season)
        self._season = season
        for gathered in (self._sums, self._lately, self._missed, self._played, self._whole):
            gathered[:] = 0

    def _move(self, season: int) -> None:
        """Let players follow clubs that moved; those whose club is not in the league leave."""
        if season not in self._in_league:
            return
        clubs = club_ids(np.full_like(self._team_ids, self._season), self._team_ids)
        slot = np.minimum(np.searchsorted(self._team_ids, clubs), len(clubs) - 1)
        slot[~self._in_league[season][slot] | (self._team_ids[slot] != clubs)] = NOBODY
        # One place more, which `NOBODY` points at.
        self._team = np.append(slot, NOBODY)[self._team]

    def _read_rosters(self, day: int) -> None:
        """Apply the season's roster files dated up to the day: they name whole teams."""
        for published, season, team, player in self._rosters[self._rosters_read :]:
            # A summer's file waits for its season: read before, its newcomers would leave again.
            if published > day or season > self._season:
                return
            self._rosters_read += 1
            self._team[np.isin(self._team, team)] = NOBODY
            self._team[player] = team


@dataclass(frozen=True)
class Rotation:
    """How players share a team's minutes.

    Attributes:
        size: Most players who share them.
        exponent: Power of the expected minutes that shares are in proportion to.
        cap: Most minutes of one player.
    """

    size: int
    exponent: float
    cap: float


ROTATION_SIZE = 15
"""Players who share a team's minutes of the regular season."""

REGULAR = Rotation(size=ROTATION_SIZE, exponent=1.3, cap=38.0)
PLAYOFFS = Rotation(size=9, exponent=1.8, cap=40.0)
"""Rotations of the regular season and, tighter, of the playoffs.

What counts is a share's mean over games, and the end of the bench plays in some of them: with nine
players for `REGULAR`, strengths at full strength miss the margins of 2005-06 to 2009-10 by .8
points squared more on the morning itself, and by .9 ten games later.
"""


def team_shares(
    minutes: FloatArray, team: IntArray, n_teams: int, rotation: Rotation = REGULAR
) -> FloatArray:
    """Turn players' expected minutes into shares of their team's time, [n], which sum to 5.

    The `rotation.size` players of most minutes share 240 minutes in proportion to
    `minutes ** rotation.exponent`, with at most `rotation.cap` each; the excess goes to the others.
    Players of the team slot `NOBODY` get 0.
    """
    playing = (places(minutes, team) < rotation.size) & (team != NOBODY)
    weight = np.where(playing, minutes, 0.0) ** rotation.exponent
    slot = np.where(playing, team, 0)
    share = np.zeros(len(team))
    limit = rotation.cap / 48
    free, capped = playing & (weight > 0), np.zeros(len(team), dtype=bool)
    for _ in range(rotation.size):
        taken = np.bincount(slot, np.where(capped, limit, 0.0), n_teams)
        total = np.bincount(slot, np.where(free, weight, 0.0), n_teams)
        scale = (5.0 - taken)[slot] / np.maximum(total[slot], 1e-9)
        share = np.where(capped, limit, np.where(free, weight * scale, 0.0))
        over = free & (share > limit)
        if not over.any():
            break
        free, capped = free & ~over, capped | over
    return share
