"""Elo ratings with margin of victory and carry-over between seasons.

Source: FiveThirtyEight, "How We Calculate NBA Elo Ratings" (2015). Their parameters are those of
1946 to 2015. Home courts have lost more than half of their worth since 2000, so the parameters of
a season can be fitted on the seasons before it.

Letters: N rows, M games in order of time, T teams, G combinations of `k` and `carry_over`.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import pairwise, product
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar

from nba_rank.config.schema import EloConfig
from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.league import club_ids
from nba_rank.data.tables import Tables
from nba_rank.data.venues import neutral_courts
from nba_rank.features.asof import DAY_SPAN, Rows, days, start_years

K_GRID = (15.0, 20.0, 25.0, 30.0)
CARRY_OVER_GRID = (0.55, 0.65, 0.75, 0.85)
"""Candidates for `k` and `carry_over`, beside the config's values."""

ELO_PER_POINT = 26.0
"""Elo points worth a point of margin; 24 to 27 in each four seasons from 2001-02 on."""

MAX_HOME_EDGE = 200.0
"""Elo points; a fitted home edge lies between 0 and this."""


def win_probability(elo_difference: FloatArray) -> FloatArray:
    """Return the expected score of the better rated side, `1 / (1 + 10^(-d/400))`."""
    return 1.0 / (1.0 + 10.0 ** (-elo_difference / 400.0))


def elo_ratings(tables: Tables, rows: Rows, config: EloConfig) -> FloatArray:
    """Return each row's Elo rating on the morning of its date, [N].

    After every game the winner gains and the loser loses
    `k * (margin + 3)^0.8 / (7.5 + 0.006 * d) * (1 - p)`, where d is the winner's rating edge,
    home edge included, and p its expected score. Between seasons a rating becomes
    `carry_over * rating + (1 - carry_over) * mean`; a club's first rating is `mean`, and a club
    that moves keeps its rating. Play-in and playoff games count; neutral sites have no home edge.

    With `config.fit` a season's parameters are those of least log loss in the seasons before it:
    first `k` and `carry_over`, each combination replaying the whole past, then the home edge over
    the newest `config.home_edge_seasons`. The first season uses the config's values, which are
    candidates later and win ties.
    """
    played = _played(tables, config)
    latest = np.searchsorted(played.key, rows.season * DAY_SPAN + rows.day, side="left") - 1
    club, known = club_ids(rows.season, rows.team), played.games.team_ids
    slot = np.minimum(np.searchsorted(known, club), len(known) - 1)
    return np.asarray(played.ratings[latest, np.where(known[slot] == club, slot, len(known))])


def home_leads(tables: Tables, config: EloConfig) -> pd.Series:
    """Return the home lead before each game in Elo points, home edge included, by game id."""
    played = _played(tables, config)
    return pd.Series(played.leads, index=played.games.game_id)


def build(tables: Tables, rows: Rows, config: EloConfig) -> pd.DataFrame:
    """Build `elo_rating` (Elo points)."""
    return pd.DataFrame({"elo_rating": elo_ratings(tables, rows, config)})


@dataclass(frozen=True)
class _Games:
    """All games in order of time.

    Attributes:
        team_ids: Team id of each slot; one more slot is that of all who have not played yet.
        home: Team slot.
        away: Team slot.
        margin: Home margin in points.
        court: 1 where the home team was at home, 0 on a neutral court.
        day: Days since 1970-01-01.
        season: Start year.
    """

    team_ids: IntArray
    game_id: npt.NDArray[np.object_]
    home: IntArray
    away: IntArray
    margin: FloatArray
    court: FloatArray
    day: IntArray
    season: IntArray

    @classmethod
    def of(cls, tables: Tables, *, fitted: bool) -> Self:
        """Sort the games."""
        games = tables.games.sort_values(["game_date", "game_id"])
        season = start_years(games["season"])
        sides = games[["home_team_id", "away_team_id"]].to_numpy()
        sides = club_ids(np.stack([season, season], axis=1), sides)
        team_ids = np.unique(sides)
        home, away = np.searchsorted(team_ids, sides).T
        # The published form knows neutral sites only as far as the logs name them.
        neutral = neutral_courts(games) if fitted else games["neutral_site"].to_numpy()
        return cls(
            team_ids=team_ids,
            game_id=games["game_id"].to_numpy(),
            home=home,
            away=away,
            margin=(games["home_points"] - games["away_points"]).to_numpy(dtype=np.float64),
            court=np.where(neutral, 0.0, 1.0),
            day=days(games["game_date"]),
            season=season,
        )


@dataclass(frozen=True)
class _Played:
    """Ratings over all games, in Elo points.

    Attributes:
        games: The games.
        key: `season * DAY_SPAN + day` after which each of S snapshots applies.
        ratings: [S, T].
        leads: The home team's lead before each game, home edge included, [M].
    """

    games: _Games
    key: IntArray
    ratings: FloatArray
    leads: FloatArray


def _played(tables: Tables, config: EloConfig) -> _Played:
    """Play all games of the tables, once for each config."""
    return tables.once(
        ("elo", astuple(config)), lambda: _play(_Games.of(tables, fitted=config.fit), config)
    )


def _play(games: _Games, config: EloConfig) -> _Played:
    """Play all games with every combination at once, and keep the ratings of the best so far."""
    k, carry_over = _combinations(config)
    ratings = np.full((len(k), len(games.team_ids) + 1), config.mean)
    gaps = np.empty((len(k), len(games.margin)))
    leads = np.empty(len(games.margin))
    loss = np.zeros(len(k))
    best, edge = 0, config.home_edge
    starts: list[int] = []
    key, snapshots = [int(games.season[0]) * DAY_SPAN], [ratings[best]]
    for season in _runs(games.season, 0, len(games.season)):
        year = int(games.season[season.start])
        home_edge = edge * games.court
        for day in _runs(games.day, season.start, season.stop):
            home, away = games.home[day], games.away[day]
            gaps[:, day] = ratings[:, home] - ratings[:, away]
            change = _changes(k, gaps[:, day] + home_edge[day], games.margin[day])
            ratings = ratings.copy()
            np.add.at(ratings.T, home, change.T)
            np.add.at(ratings.T, away, -change.T)
            key.append(year * DAY_SPAN + int(games.day[day.start]))
            snapshots.append(ratings[best])
        leads[season] = gaps[best, season] + home_edge[season]
        starts.append(season.start)
        if config.fit:
            won = games.margin[season] > 0
            loss += _log_loss(gaps[:, season] + home_edge[season], won).sum(axis=1)
            best = int(np.argmin(loss))
            recent = slice(starts[-config.home_edge_seasons :][0], season.stop)
            edge = _fitted_edge(gaps[best, recent], games.court[recent], games.margin[recent])
        ratings = carry_over * ratings + (1 - carry_over) * config.mean
        key.append((year + 1) * DAY_SPAN)
        snapshots.append(ratings[best])
    return _Played(games, np.array(key), np.stack(snapshots), leads)


def _combinations(config: EloConfig) -> tuple[FloatArray, FloatArray]:
    """Return `k` and `carry_over` of each combination, [G, 1] each.

    The config's own come first, so they win ties, such as of all carry-overs after one season.
    """
    ks = dict.fromkeys((config.k, *(K_GRID if config.fit else ())))
    shares = dict.fromkeys((config.carry_over, *(CARRY_OVER_GRID if config.fit else ())))
    k, carry_over = np.array(list(product(ks, shares))).T[:, :, None]
    return k, carry_over


def _changes(k: FloatArray, lead: FloatArray, margin: FloatArray) -> FloatArray:
    """Return the home teams' gains in Elo points, [G, n] for n games of a day."""
    sign = np.sign(margin)
    winner_edge = sign * lead
    # The published divisor would reach 0 if a team 1,250 points behind won.
    divisor = np.maximum(7.5 + 0.006 * winner_edge, 1.0)
    multiplier = (np.abs(margin) + 3.0) ** 0.8 / divisor
    return np.asarray(sign * k * multiplier * (1.0 - win_probability(winner_edge)))


def _log_loss(lead: FloatArray, won: npt.NDArray[np.bool_]) -> FloatArray:
    return np.asarray(np.log1p(10.0 ** (np.where(won, -lead, lead) / 400.0)))


def _fitted_edge(gap: FloatArray, court: FloatArray, margin: FloatArray) -> float:
    """Return the home edge of least log loss in Elo points, 0 if nobody was at home."""
    at_home = court > 0
    if not at_home.any():
        return 0.0
    gap, won = gap[at_home], margin[at_home] > 0
    found = minimize_scalar(
        lambda edge: _log_loss(gap + edge, won).sum(),
        bounds=(0.0, MAX_HOME_EDGE),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(found.x)


def _runs(values: IntArray, start: int, stop: int) -> Iterator[slice]:
    """Yield the runs of equal values between two places."""
    cuts = start + np.flatnonzero(np.diff(values[start:stop], prepend=-1))
    return (slice(first, last) for first, last in pairwise([*cuts.tolist(), stop]))
