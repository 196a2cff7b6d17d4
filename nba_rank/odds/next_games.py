"""Forecasts of single games by the strengths of the morning of their day.

The expected margin of a game is a weighted sum of the differences between both teams on that
morning, the home edge, rest and altitude. The weights are a ridge regression over the games of
earlier seasons, each by its own morning, shrunk towards weights that stand for no learning. Unlike
`nba_rank.odds.strength`, which looks at all games to come, it knows who can play now; the
simulation plays the next games of play-in and series by it, see `nba_rank.odds.next_of_series`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from nba_rank.core.arrays import FloatArray
from nba_rank.core.season_weights import season_weights
from nba_rank.data.tables import SIDES, Tables
from nba_rank.data.venues import HIGH
from nba_rank.odds import starting_weights
from nba_rank.odds.inputs import MARKET_INPUT
from nba_rank.odds.past_games import Meetings, RatedGames
from nba_rank.odds.starting_weights import TEAM_ONLY, with_market
from nba_rank.odds.strength import (
    EXTRA_GAMES,
    MARGIN_CAP,
    RIDGE_GAMES,
    shrunk_weights,
    winning_noise,
)

REGULAR = {"available_strength": 0.9, "draft_value": 0.0, "idle": 0.0}
PLAYOFFS = starting_weights.PLAYOFFS | {"absences": 0.5, "closing": 0.0}
"""Inputs of games with known players, and their weights before any game was learned from."""

KINDS = ("regular", "playin", "playoffs")
"""Kinds of games that are forecast; the play-in as the playoffs."""

_OF_GAME = ("home", "rest", "altitude")


@dataclass(frozen=True)
class GameModel:
    """A fitted model of games of one kind.

    Attributes:
        weights: Points per unit of each input's difference, home less away; then `home`, the points
            that the home edge is above that of the regular season, `rest`, the points that the home
            team gains when the visitors alone played on the day before, and `altitude`, those that
            it gains in an arena of `HIGH` over visitors from elsewhere.
        noise: Standard deviation that turns an expected margin into a probability of winning.
    """

    weights: dict[str, float]
    noise: float

    # One thread: the last bits must not depend on how many a machine has.
    @classmethod
    @threadpool_limits.wrap(limits=1, user_api="blas")
    def fit(
        cls,
        frame: pd.DataFrame,
        games: RatedGames,
        start: dict[str, float],
        season_half_life: float | None = None,
    ) -> Self:
        """Learn from games, each paired with its own morning; with none it keeps `start`."""
        design = _design(frame, games, [*start])
        weight = season_weights(games.season, season_half_life)
        square = (weight[:, None] * design**2).sum(axis=0) / max(weight.sum(), 1e-9)
        penalty = np.full(len(square), EXTRA_GAMES)
        penalty[: len(start)] = RIDGE_GAMES * np.where(square > 0, square, 1.0)[: len(start)]
        solved = shrunk_weights(
            design,
            np.clip(games.margin, -MARGIN_CAP, MARGIN_CAP) - games.edge,
            weight,
            penalty,
            np.array([*start.values(), *np.zeros(len(_OF_GAME))]),
        )
        weights = dict(zip([*start, *_OF_GAME], solved.tolist(), strict=True))
        expected = design @ solved + games.edge
        return cls(weights, winning_noise(expected, games.margin > 0, weight))

    def expected_margin(self, frame: pd.DataFrame, games: Meetings) -> FloatArray:
        """Return the expected margin of the home team, points, [N]; NaN where inputs are."""
        names = [name for name in self.weights if name not in _OF_GAME]
        design = _design(frame, games, names)
        result = games.edge.copy()
        # Summed one by one: a matrix product's last bits depend on the number of rows.
        for column, weight in zip(design.T, self.weights.values(), strict=True):
            result += weight * column
        return result


@dataclass(frozen=True)
class NextGames:
    """Models of games, by what is known of the teams on a morning.

    Attributes:
        players: Where the players of both teams are known, by kind: `regular` and `playoffs`.
        teams: Elsewhere.
        market: Where the market's ratings are known beside the players; None where they are not
            read.
    """

    players: dict[str, GameModel]
    teams: dict[str, GameModel]
    market: dict[str, GameModel] | None = None

    @classmethod
    def fit(
        cls, mornings: "Mornings", *, before: str, season_half_life: float | None = None
    ) -> Self:
        """Learn from the games of the seasons before one; they weigh by `season_weights`."""
        with_players = {"regular": REGULAR, "playoffs": PLAYOFFS}
        starts = {
            "players": with_players,
            "teams": {
                "regular": TEAM_ONLY | {"idle": 0.0}, "playoffs": TEAM_ONLY | {"closing": 0.0},
            },
        }  # fmt: skip
        if MARKET_INPUT in mornings.frame:
            starts["market"] = {kind: with_market(of) for kind, of in with_players.items()}

        def model(kind: str, start: dict[str, float]) -> GameModel:
            games, frame = mornings.games[kind], mornings.frame
            known = frame[[*start]].notna().all(axis=1).to_numpy()
            known = known[games.home] & known[games.away] & (games.season < int(before[:4]))
            return GameModel.fit(frame, games.take(known), start, season_half_life)

        return cls(
            **{
                name: {kind: model(kind, start) for kind, start in of.items()}
                for name, of in starts.items()
            }
        )

    def forecast(self, frame: pd.DataFrame, games: Meetings, kind: str) -> pd.DataFrame:
        """Forecast games of one of `KINDS` by the mornings of a frame, from `morning_inputs`.

        Returns:
            `expected_margin` and `margin_sd` of the home team, points, and `home_win_prob`, 0 to 1,
            a row a game.
        """
        of_kind = "regular" if kind == "regular" else "playoffs"
        margin, sd = np.full((2, len(games.home)), np.nan)
        for models in (self.teams, self.players, self.market):
            if models is not None:
                expected = models[of_kind].expected_margin(frame, games)
                known = ~np.isnan(expected)
                margin[known], sd[known] = expected[known], models[of_kind].noise
        return pd.DataFrame(
            {"expected_margin": margin, "margin_sd": sd, "home_win_prob": ndtr(margin / sd)}
        )

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Restore models exactly from `dataclasses.asdict`, as from JSON."""
        return cls(
            **{
                name: of and {kind: GameModel(**model) for kind, model in of.items()}
                for name, of in fields.items()
            }
        )


@dataclass(frozen=True)
class Mornings:
    """Rated teams on the mornings of games, from `morning_inputs`, and the games by kind."""

    frame: pd.DataFrame
    games: dict[str, RatedGames]

    @classmethod
    def of(cls, tables: Tables, frame: pd.DataFrame) -> Self:
        """Pair each game with the morning of its day; the frame holds all game days."""
        frame = frame.reset_index(drop=True)
        return cls(
            frame, {kind: RatedGames.of(tables, frame, kind, next_only=True) for kind in KINDS}
        )

    def forecasts(self, models: Mapping[str, NextGames], tables: Tables) -> pd.DataFrame:
        """Forecast all games of some seasons, each by its own models.

        Returns:
            `season`, `game_id`, `game_date`, `kind`, `home` and `away` (abbreviations), what
            `NextGames.forecast` returns, and `home_won`, in order of time.
        """
        teams = tables.teams.set_index(["season", "team_id"])["abbreviation"]
        parts = []
        for season, model in models.items():
            for kind, of_kind in self.games.items():
                games = of_kind.take(of_kind.season == int(season[:4]))
                facts = tables.games.iloc[games.game].reset_index(drop=True)
                sides = {
                    side: teams.reindex(
                        pd.MultiIndex.from_frame(facts[["season", f"{side}_team_id"]])
                    ).to_numpy()
                    for side in SIDES
                }
                told = model.forecast(self.frame, games, kind)
                facts = facts[["season", "game_id", "game_date", "kind"]].assign(**sides)
                parts.append(pd.concat([facts, told], axis=1).assign(home_won=games.margin > 0))
        found = pd.concat(parts, ignore_index=True)
        return found.sort_values(["game_date", "game_id"], ignore_index=True)


def _design(frame: pd.DataFrame, games: Meetings, inputs: list[str]) -> FloatArray:
    """Return what the weights are of, [N, K], in the order of `inputs` and `_OF_GAME`."""
    X = frame[inputs].to_numpy(dtype=np.float64)
    high = np.isin(frame["team_id"].to_numpy(), HIGH)
    altitude = games.at_home * (high[games.home] & ~high[games.away])
    return np.column_stack([X[games.home] - X[games.away], games.at_home, games.rest, altitude])
