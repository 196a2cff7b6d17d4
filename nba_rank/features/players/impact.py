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
from nba_rank.data.tables import Tables
from nba_rank.features.asof import days
from nba_rank.features.players.box_prior import BoxPrior
from nba_rank.features.players.box_vector import BoxSums
from nba_rank.features.players.game_days import (
    GameDay,
    Part,
    PlayerGames,
    State,
    restore_parts,
    state_of,
)
from nba_rank.features.players.minutes import NOBODY, MinutesBook
from nba_rank.features.players.normal_equations import NormalEquations
from nba_rank.features.players.stint_ratings import StintSums

_RATINGS = {
    "team_id": np.int64, "player_id": np.int64,
    "expected_minutes": np.float64, "full_strength_minutes": np.float64,
    "prior_rating": np.float64, "impact_rating": np.float64,
}  # fmt: skip

STINT_RATINGS = ("offence_rating", "defence_rating", "side_error", "net_error")
"""Columns of ratings from stints, points per 100 possessions above average."""


def player_ratings(
    tables: Tables, dates: pd.DataFrame, config: ImpactConfig, *, with_stints: bool = False
) -> pd.DataFrame:
    """Rate every player of a team on every date, from games before the date only.

    Seasons without player logs are skipped.

    Returns:
        One row a player and date: `season`, `as_of_date`, `team_id`, `player_id`,
        `expected_minutes`, `full_strength_minutes` (of the next game, not scaled to the team's
        240), `prior_rating` and `impact_rating` (NaN before the first game in the logs). With
        `with_stints`, or where they have a share in the impact rating, also `STINT_RATINGS`.
    """
    book = PlayerBook(tables, config, with_stints=with_stints)
    return book.ratings(rated_dates(tables, dates))


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

    def __init__(
        self,
        tables: Tables,
        config: ImpactConfig,
        state: State | None = None,
        *,
        with_stints: bool = False,
    ) -> None:
        with_stints = with_stints or config.stint_share > 0
        after = None if state is None else int(state["day"])
        self._games = games = PlayerGames.of(tables, after=after, with_stints=with_stints)
        n = len(games.player_ids)
        self._box = BoxSums(
            n, decay_days=config.box_decay_days, shrink_minutes=config.shrink_minutes
        )
        self._minutes = MinutesBook(games, tables, half_life=config.minutes_half_life)
        self._prior = BoxPrior(config)
        self._margins = MarginSums(n, config)
        self._stints = StintSums(n, config) if with_stints else None
        self._stint_share = config.stint_share
        self._parts: dict[str, Part] = {
            "box": self._box,
            "minutes": self._minutes,
            "prior": self._prior,
            "margins": self._margins,
        }
        if self._stints is not None:
            self._parts["stints"] = self._stints
        if state is not None:
            known = np.searchsorted(games.player_ids, state["player_id"])
            restore_parts(self._parts, state, known)
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
        columns = dict(_RATINGS)
        if self._stints is not None:
            columns |= dict.fromkeys(STINT_RATINGS, np.float64)
        return frame.assign(
            **{
                name: np.concatenate([np.zeros(0, dtype), *(part[name] for part in found)])
                for name, dtype in columns.items()
            }
        )

    def add_before(self, day: int) -> None:
        """Add the games before a day, in days since 1970-01-01."""
        while self._next is not None and self._next.day < day:
            games = self._next
            response = self._margins.response(games)
            vectors = self._box.vectors(games.day, games.player)
            if self._stints is not None:
                self._stints.add(games, vectors, self._prior.ratings(vectors, games.season))
            self._prior.add(games, vectors, response)
            self._margins.add(games, response)
            self._box.add(games)
            self._minutes.add(games)
            self._next = next(self._upcoming, None)

    def state(self, day: int) -> State:
        """Return all that is known after the games of a day, the newest added."""
        known = np.flatnonzero(self._box.seen() | self._minutes.seen())
        own = {"day": np.array(day), "player_id": self._games.player_ids[known]}
        return own | state_of(self._parts, known)

    def _on(self, season: str, day: int) -> Callable[[], dict[str, np.ndarray]]:
        """Return a function of the ratings on a date, which later games do not change."""
        year = int(season[:4])
        expected = self._minutes.expected(day, year)
        here = np.flatnonzero(expected.team != NOBODY)
        vectors = self._box.vectors(day)
        prior_rating = self._prior.ratings(vectors, year)
        by_games = self._margins.ratings(day, prior_rating)
        columns = {
            "team_id": self._games.team_ids[expected.team[here]],
            "player_id": self._games.player_ids[here],
            "expected_minutes": expected.minutes[here],
            "full_strength_minutes": expected.full_strength[here],
            "prior_rating": prior_rating[here],
        }
        if self._stints is None:
            return lambda: {**columns, "impact_rating": by_games()[here]}
        wanted = expected.team != NOBODY
        by_stints = self._stints.ratings(day, year, vectors, prior_rating, wanted)

        def rated() -> dict[str, np.ndarray]:
            game_rating, stints = by_games()[here], by_stints()
            difference = stints.per_48[here] - game_rating
            found = (stints.offence, stints.defence, stints.side_error, stints.net_error)
            return {
                **columns,
                "impact_rating": game_rating + self._stint_share * difference,
                **{name: value[here] for name, value in zip(STINT_RATINGS, found, strict=True)},
            }

        return rated


class MarginSums:
    """Normal equations of the margin on who played, older games weighing less."""

    def __init__(self, n_players: int, config: ImpactConfig) -> None:
        self._cap = config.margin_cap
        self._equations = NormalEquations(
            n_players,
            decay_days=config.margin_decay_days,
            ridge=config.update_ridge,
            ridge_name="features.impact.update_ridge",
        )
        self._home = np.zeros(2)

    def response(self, games: GameDay) -> FloatArray:
        """Return the margins less the home edge, the mean of earlier margins."""
        margin = np.clip(games.home_margin, -self._cap, self._cap)
        edge = self._home[0] / self._home[1] if self._home[1] > 0 else 0.0
        return margin - np.where(games.neutral, 0.0, edge)

    def add(self, games: GameDay, response: FloatArray) -> None:
        """Add a day's games."""
        weight = self._equations.weight(games.day)
        margin = np.clip(games.home_margin, -self._cap, self._cap)
        self._home += weight * np.array([margin[~games.neutral].sum(), (~games.neutral).sum()])
        signed = games.side * games.share
        x = np.zeros((len(margin), games.place.max() + 1))
        x[games.game, games.place] = signed
        products = weight * (x[:, :, None] * x[:, None, :])
        self._equations.add(games, products, weight * signed * response[games.game])

    def ratings(self, day: int, prior: FloatArray) -> Callable[[], FloatArray]:
        """Return a function of the ratings on a morning, [P], by prior ratings and games so far."""
        solved = self._equations.posed(day, prior)
        return lambda: solved()[0]

    def state(self, known: IntArray) -> State:
        """Return all that was added; `known` holds all players seen."""
        return {**self._equations.state(known), "home": self._home}

    def restore(self, state: State, known: IntArray) -> None:
        """Go on from a state whose players are in the slots `known`."""
        self._equations.restore(state, known)
        self._home = state["home"].copy()
