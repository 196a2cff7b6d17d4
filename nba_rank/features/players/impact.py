"""Impact ratings of players: a box prior, updated by the margins of their games.

The prior rating of a player is a weighted sum of his box vector. The weights are a ridge
regression, over the games of earlier seasons, of the home margin on home minus away of the sum of
minutes share times vector. The rating on a date is a ridge regression of all margins before it on
who played, shrunk towards the prior: adjusted plus-minus by games (Sill 2010, "Improved NBA
adjusted +/- using regularization and out-of-sample testing"), with a prior as in xRAPM.
Unit: points per 48 minutes, of one player.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from nba_rank.config import ImpactConfig
from nba_rank.data.tables import Tables
from nba_rank.features.asof import FloatArray, IntArray, days
from nba_rank.features.players.box_vector import VECTOR, BoxSums
from nba_rank.features.players.game_days import GameDay, PlayerGames
from nba_rank.features.players.minutes import NOBODY, MinutesBook

_RATINGS = {
    "season": "str",
    "as_of_date": "datetime64[us]",
    "team_id": "int64",
    "player_id": "int64",
    "expected_minutes": "float64",
    "full_strength_minutes": "float64",
    "prior_rating": "float64",
    "impact_rating": "float64",
}


# One thread: the last bits of a solution must not depend on how many a machine has, and the threads
# of many small factorisations get in each other's way.
@threadpool_limits.wrap(limits=1, user_api="blas")
def player_ratings(tables: Tables, dates: pd.DataFrame, config: ImpactConfig) -> pd.DataFrame:
    """Rate every player of a team on every date, from games before the date only.

    Args:
        tables: The canonical tables.
        dates: Columns `season` and `as_of_date`; seasons without player logs are skipped.
        config: Decays and penalties.

    Returns:
        One row a player and date: `season`, `as_of_date`, `team_id`, `player_id`,
        `expected_minutes`, `full_strength_minutes` (minutes of the next game, before a team's sum
        to 240), `prior_rating` and `impact_rating` (points per 48 minutes; NaN before the first
        game in the logs).
    """
    seasons = tables.seasons
    with_logs = seasons.loc[seasons["has_player_games"], "season"]
    asked = dates[dates["season"].isin(with_logs)].drop_duplicates(["season", "as_of_date"])
    asked = asked.sort_values("as_of_date")
    if asked.empty:
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in _RATINGS.items()})
    games = PlayerGames.of(tables)
    box = BoxSums(
        len(games.player_ids),
        decay_days=config.box_decay_days,
        shrink_minutes=config.shrink_minutes,
    )
    minutes = MinutesBook(games, tables, half_life=config.minutes_half_life)
    prior = BoxPrior(config)
    margins = MarginSums(len(games.player_ids), config)

    frames = []
    upcoming = iter(games)
    next_day = next(upcoming, None)
    for season, date in zip(asked["season"], asked["as_of_date"], strict=True):
        day = int(days(pd.DatetimeIndex([date]))[0])
        while next_day is not None and next_day.day < day:
            response = margins.response(next_day)
            prior.add(next_day, box.vectors(next_day.day, next_day.player), response)
            margins.add(next_day, response)
            box.add(next_day)
            minutes.add(next_day)
            next_day = next(upcoming, None)
        expected = minutes.expected(day, int(season[:4]))
        here = np.flatnonzero(expected.team != NOBODY)
        prior_rating = prior.ratings(box.vectors(day), int(season[:4]))
        rating = margins.ratings(day, prior_rating)
        frames.append(
            pd.DataFrame(
                {
                    "season": season,
                    "as_of_date": date,
                    "team_id": games.team_ids[expected.team[here]],
                    "player_id": games.player_ids[here],
                    "expected_minutes": expected.minutes[here],
                    "full_strength_minutes": expected.full_strength[here],
                    "prior_rating": prior_rating[here],
                    "impact_rating": rating[here],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


class BoxPrior:
    """Learns what a box vector is worth, from the games of earlier seasons."""

    def __init__(self, config: ImpactConfig) -> None:
        self._ridge = config.prior_ridge
        self._season: list[IntArray] = []
        self._difference: list[FloatArray] = []
        self._response: list[FloatArray] = []
        self._weights: dict[int, FloatArray] = {}

    def add(self, games: GameDay, vectors: FloatArray, response: FloatArray) -> None:
        """Add a day's games with the vectors of that morning."""
        difference = np.zeros((len(response), len(VECTOR)))
        np.add.at(difference, games.game, (games.side * games.share)[:, None] * vectors)
        self._season.append(np.full(len(response), games.season))
        self._difference.append(difference)
        self._response.append(response)

    def ratings(self, vectors: FloatArray, season: int) -> FloatArray:
        """Return the prior ratings of box vectors, [n], by weights learned before a season.

        In the first season of the logs the weights are learned from that season's games so far;
        NaN before its first game.
        """
        if not self._season:
            return np.full(len(vectors), np.nan)
        first = int(self._season[0][0])
        if season == first:
            weights = self._fit(season + 1)
        else:
            if season not in self._weights:
                self._weights[season] = self._fit(season)
            weights = self._weights[season]
        # No matrix product: BLAS rounds a row by its place, so by who joins the league later.
        return np.asarray((vectors * weights).sum(axis=1))

    def _fit(self, before: int) -> FloatArray:
        earlier = np.concatenate(self._season) < before
        X = np.concatenate(self._difference)[earlier]
        y = np.concatenate(self._response)[earlier]
        scale = X.std(axis=0)
        # A column that does not vary, as all on the first day of the logs, tells nothing.
        scale[scale < 1e-6] = np.inf
        X = X / scale
        gram = X.T @ X + self._ridge * np.eye(X.shape[1])
        return np.asarray(np.linalg.solve(gram, X.T @ y) / scale)


class MarginSums:
    """Normal equations of the margin on who played, older games weighing less.

    Weights grow with the date of a game instead of shrinking with its age, so that nothing needs
    to be touched again; a solution divides by the weight of its date.
    """

    def __init__(self, n_players: int, config: ImpactConfig) -> None:
        self._config = config
        # A square of all players ever: 20 MB for 1,600 of them, 200 MB for 5,000.
        self._gram = np.zeros((n_players, n_players))
        self._moment = np.zeros(n_players)
        self._first_day: int | None = None
        self._home = np.zeros(2)

    def response(self, games: GameDay) -> FloatArray:
        """Return the margins without home edge, the edge being the mean of earlier margins."""
        margin = np.clip(games.home_margin, -self._config.margin_cap, self._config.margin_cap)
        edge = self._home[0] / self._home[1] if self._home[1] > 0 else 0.0
        return margin - np.where(games.neutral, 0.0, edge)

    def add(self, games: GameDay, response: FloatArray) -> None:
        """Add a day's games."""
        weight = self._weight(games.day)
        margin = np.clip(games.home_margin, -self._config.margin_cap, self._config.margin_cap)
        self._home += weight * np.array([margin[~games.neutral].sum(), (~games.neutral).sum()])
        signed = games.side * games.share
        np.add.at(self._moment, games.player, weight * signed * response[games.game])
        cuts = [*np.flatnonzero(np.diff(games.game, prepend=-1)).tolist(), len(games.game)]
        for start, end in pairwise(cuts):
            player, x = games.player[start:end], signed[start:end]
            self._gram[np.ix_(player, player)] += weight * np.outer(x, x)

    def ratings(self, day: int, prior: FloatArray) -> FloatArray:
        """Return the ratings on the morning of a day, [P].

        Args:
            day: Days since 1970-01-01.
            prior: Prior rating of each player, [P].
        """
        if self._first_day is None:
            return prior.copy()
        weight = self._weight(day)
        played = np.flatnonzero(np.diag(self._gram) > 0.05 * weight)
        gram = self._gram[np.ix_(played, played)] / weight
        moment = self._moment[played] / weight
        gram[np.diag_indices_from(gram)] += self._config.update_ridge
        factor = cho_factor(gram, overwrite_a=True, check_finite=False)
        solved = cho_solve(factor, moment + self._config.update_ridge * prior[played])
        ratings = prior.copy()
        ratings[played] = solved
        return ratings

    def _weight(self, day: int) -> float:
        if self._first_day is None:
            self._first_day = day
        return float(np.exp((day - self._first_day) / self._config.margin_decay_days))
