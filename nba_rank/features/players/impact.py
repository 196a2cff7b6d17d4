"""Impact ratings of players in points per 48 minutes: a box prior, updated by margins of games.

The prior rating is a weighted sum of the box vector; the weights are a ridge regression, over the
games of earlier seasons, of the home margin on home minus away of the sum of minutes share times
vector. The rating is a ridge regression of all earlier margins on who played, shrunk towards the
prior: adjusted plus-minus by games (Sill 2010, "Improved NBA adjusted +/- using regularization and
out-of-sample testing"), with a prior as in xRAPM.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from nba_rank.config.schema import ImpactConfig
from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.core.errors import UserError
from nba_rank.core.season_weights import season_weights
from nba_rank.data.tables import Tables
from nba_rank.features.asof import days
from nba_rank.features.players.box_vector import VECTOR, BoxSums
from nba_rank.features.players.cholesky import solve
from nba_rank.features.players.game_days import GameDay, PlayerGames, State
from nba_rank.features.players.minutes import NOBODY, MinutesBook

_RATINGS = {
    "team_id": np.int64, "player_id": np.int64,
    "expected_minutes": np.float64, "full_strength_minutes": np.float64,
    "prior_rating": np.float64, "impact_rating": np.float64,
}  # fmt: skip


def player_ratings(tables: Tables, dates: pd.DataFrame, config: ImpactConfig) -> pd.DataFrame:
    """Rate every player of a team on every date, from games before the date only.

    Seasons without player logs are skipped.

    Returns:
        One row a player and date: `season`, `as_of_date`, `team_id`, `player_id`,
        `expected_minutes`, `full_strength_minutes` (of the next game, not scaled to the team's
        240), `prior_rating` and `impact_rating` (NaN before the first game in the logs).
    """
    return PlayerBook(tables, config).ratings(rated_dates(tables, dates))


def rated_dates(tables: Tables, dates: pd.DataFrame) -> pd.DataFrame:
    """Return the dates of seasons with player logs, in order, each once."""
    seasons = tables.seasons
    with_logs = seasons.loc[seasons["has_player_games"], "season"]
    asked = dates.loc[dates["season"].isin(with_logs), ["season", "as_of_date"]]
    return asked.drop_duplicates().sort_values("as_of_date", ignore_index=True)


class PlayerBook:
    """Rates players by the games so far, added day by day.

    It may resume from a `state` of tables that were the same up to its day.
    """

    def __init__(self, tables: Tables, config: ImpactConfig, state: State | None = None) -> None:
        after = None if state is None else int(state["day"])
        self._games = games = PlayerGames.of(tables, after=after)
        n = len(games.player_ids)
        self._box = BoxSums(
            n, decay_days=config.box_decay_days, shrink_minutes=config.shrink_minutes
        )
        self._minutes = MinutesBook(games, tables, half_life=config.minutes_half_life)
        self._prior = BoxPrior(config)
        self._margins = MarginSums(n, config)
        self._parts: dict[str, BoxSums | MinutesBook | BoxPrior | MarginSums] = {
            "box": self._box,
            "minutes": self._minutes,
            "prior": self._prior,
            "margins": self._margins,
        }
        if state is not None:
            known = np.searchsorted(games.player_ids, state["player_id"])
            for name, part in self._parts.items():
                own = (key for key in state if key.startswith(f"{name}."))
                part.restore({key.removeprefix(f"{name}."): state[key] for key in own}, known)
        self._upcoming = iter(games)
        self._next = next(self._upcoming, None)

    # With more BLAS threads the last bits would depend on the machine.
    @threadpool_limits.wrap(limits=1, user_api="blas")
    def ratings(self, dates: pd.DataFrame, threads: int = 1) -> pd.DataFrame:
        """Rate the players on `rated_dates`, none before a date that was rated already.

        Threads solve several dates at once while later games are added; the result is the same.
        """
        parts: list[Future[dict[str, np.ndarray]]] = []
        with ThreadPoolExecutor(threads) as pool:
            for season, day in zip(
                dates["season"], days(dates["as_of_date"]).tolist(), strict=True
            ):
                self.add_before(day)
                if len(parts) > threads:
                    # Each date that waits holds a square of all players.
                    parts[-threads - 1].result()
                parts.append(pool.submit(self._on(season, day)))
        found = [part.result() for part in parts]
        n_players = [len(part["team_id"]) for part in found]
        frame = dates.iloc[np.repeat(np.arange(len(dates)), n_players)].reset_index(drop=True)
        return frame.assign(
            **{
                name: np.concatenate([np.zeros(0, dtype), *(part[name] for part in found)])
                for name, dtype in _RATINGS.items()
            }
        )

    def add_before(self, day: int) -> None:
        """Add the games before a day, in days since 1970-01-01."""
        while self._next is not None and self._next.day < day:
            games = self._next
            response = self._margins.response(games)
            self._prior.add(games, self._box.vectors(games.day, games.player), response)
            self._margins.add(games, response)
            self._box.add(games)
            self._minutes.add(games)
            self._next = next(self._upcoming, None)

    def state(self, day: int) -> State:
        """Return all that is known after the games of a day, the newest added."""
        known = np.flatnonzero(self._box.seen() | self._minutes.seen())
        state = {"day": np.array(day), "player_id": self._games.player_ids[known]}
        for name, part in self._parts.items():
            state |= {f"{name}.{key}": value for key, value in part.state(known).items()}
        return state

    def _on(self, season: str, day: int) -> Callable[[], dict[str, np.ndarray]]:
        """Return a function of the ratings on a date, which later games do not change."""
        expected = self._minutes.expected(day, int(season[:4]))
        here = np.flatnonzero(expected.team != NOBODY)
        prior_rating = self._prior.ratings(self._box.vectors(day), int(season[:4]))
        rating = self._margins.ratings(day, prior_rating)
        columns = {
            "team_id": self._games.team_ids[expected.team[here]],
            "player_id": self._games.player_ids[here],
            "expected_minutes": expected.minutes[here],
            "full_strength_minutes": expected.full_strength[here],
            "prior_rating": prior_rating[here],
        }
        return lambda: {**columns, "impact_rating": rating()[here]}


class BoxPrior:
    """Learns weights of the box vector from the games of earlier seasons."""

    def __init__(self, config: ImpactConfig) -> None:
        self._ridge, self._half_life = config.prior_ridge, config.season_half_life
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
        """Return the prior ratings of box vectors, [n], by the weights of a season.

        In the first season of the logs they are learned from its games so far; NaN before the
        first game.
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
        # No matrix product: BLAS rounds a row by its place, which depends on later players.
        return np.asarray((vectors * weights).sum(axis=1))

    def state(self, known: IntArray) -> State:
        """Return all that was added."""
        del known
        return {
            "season": np.concatenate(self._season),
            "difference": np.concatenate(self._difference),
            "response": np.concatenate(self._response),
        }

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state."""
        del known
        self._season = [state["season"]]
        self._difference, self._response = [state["difference"]], [state["response"]]

    def _fit(self, before: int) -> FloatArray:
        season = np.concatenate(self._season)
        earlier = season < before
        X = np.concatenate(self._difference)[earlier]
        y = np.concatenate(self._response)[earlier]
        weight = season_weights(season[earlier], self._half_life)
        spread = np.square(X - np.average(X, axis=0, weights=weight))
        scale = np.sqrt(np.average(spread, axis=0, weights=weight))
        # A constant column, as all are on the first day of the logs, gets no weight.
        scale[scale < 1e-6] = np.inf
        root = np.sqrt(weight)
        X = X / scale * root[:, None]
        gram = X.T @ X + self._ridge * np.eye(X.shape[1])
        return np.asarray(np.linalg.solve(gram, X.T @ (y * root)) / scale)


class MarginSums:
    """Normal equations of the margin on who played, older games weighing less.

    Weights grow with the date of a game, so that sums stay as they are, and a solution divides by
    the weight of its date.
    """

    def __init__(self, n_players: int, config: ImpactConfig) -> None:
        self._config = config
        # A square of all players ever: 20 MB for 1,600 of them, 200 MB for 5,000.
        self._gram = np.zeros((n_players, n_players))
        self._moment = np.zeros(n_players)
        # Memory of solved equations, for the next: new memory takes longer to get than to fill.
        self._free: list[FloatArray] = []
        self._first_day: int | None = None
        self._home = np.zeros(2)

    def response(self, games: GameDay) -> FloatArray:
        """Return the margins less the home edge, the mean of earlier margins."""
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
        # All pairs of players of each game. Short lineups are filled up with player 0 at share 0.
        player = np.zeros((len(margin), games.place.max() + 1), dtype=np.int64)
        x = np.zeros(player.shape)
        player[games.game, games.place], x[games.game, games.place] = games.player, signed
        cell = player[:, :, None] * len(self._gram) + player[:, None, :]
        product = weight * (x[:, :, None] * x[:, None, :])
        np.add.at(self._gram.ravel(), cell.ravel(), product.ravel())

    def ratings(self, day: int, prior: FloatArray) -> Callable[[], FloatArray]:
        """Return a function of the ratings on a morning, [P], by prior ratings and games so far."""
        if self._first_day is None:
            return prior.copy
        weight = self._weight(day)
        played = np.flatnonzero(np.diag(self._gram) > 0.05 * weight)
        memory = self._free.pop() if self._free else np.empty(self._gram.size)
        gram = memory[: len(played) ** 2].reshape(len(played), len(played))
        # Only the upper triangle is read. Blocks of rows stay in the processor's cache.
        for start in range(0, len(played), 64):
            rows = slice(start, start + 64)
            cell = played[rows, None] * len(self._gram) + played[start:]
            np.divide(self._gram.ravel().take(cell), weight, out=gram[rows, start:])
        gram[np.diag_indices_from(gram)] += self._config.update_ridge
        moment = self._moment[played] / weight + self._config.update_ridge * prior[played]

        def solved() -> FloatArray:
            failed = solve(gram, moment)
            self._free.append(memory)
            if failed:
                raise UserError(
                    f"the player ratings have no solution (LAPACK dposv: {failed}): raise "
                    f"features.impact.update_ridge={self._config.update_ridge}"
                )
            ratings = prior.copy()
            ratings[played] = moment
            return ratings

        return solved

    def state(self, known: IntArray) -> State:
        """Return all that was added; `known` holds all players seen."""
        gram = np.triu(self._gram.ravel().take(known[:, None] * len(self._gram) + known)).ravel()
        met = np.flatnonzero(gram)
        return {
            "met": met,
            "gram": gram[met],
            "moment": self._moment[known],
            "home": self._home,
            "first_day": np.array(self._first_day),
        }

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state whose players are in the slots `known`."""
        row, column = (known[side] for side in np.divmod(state["met"], len(known)))
        self._gram[row, column] = self._gram[column, row] = state["gram"]
        self._moment[known] = state["moment"]
        self._home = state["home"].copy()
        self._first_day = int(state["first_day"])

    def _weight(self, day: int) -> float:
        if self._first_day is None:
            self._first_day = day
        return float(np.exp((day - self._first_day) / self._config.margin_decay_days))
