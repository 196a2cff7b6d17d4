"""Win probabilities of single games: how good they are, and simple references."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from nba_rank.config.schema import RecordConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.core.names import MARKET, STANDINGS
from nba_rank.data.tables import Tables
from nba_rank.data.venues import neutral_courts
from nba_rank.evaluation.baselines import FIVETHIRTYEIGHT, market_game_probs
from nba_rank.evaluation.calibration import group_scores, log_loss
from nba_rank.evaluation.evaluate import tidy_rows
from nba_rank.features import record
from nba_rank.features.asof import Rows
from nba_rank.features.elo import elo_ratings, win_probability

KINDS = ("regular", "playoffs")
"""Kinds of games that are scored."""

ALWAYS_HOME, ELO, ELO_FITTED = "always_home", "elo", "elo_fitted"

RECENT_SEASONS = 5
"""Earlier seasons, at most, from which a home edge is estimated."""

COLUMNS = ["season", "game_id", "kind", "ranker", "p_home", "home_won"]

_MAX_EDGE = 400.0

_RECORD = RecordConfig(enabled=True, last_games=10, prior_games=5.0, prior_carry_over=0.6)
"""How win shares are regressed: the default of the feature group `record`."""


def game_metrics(games: pd.DataFrame) -> pd.DataFrame:
    """Return tidy `game_brier` and `game_log_loss` by season and ranker, the kind as scope.

    `games` have the columns `season`, `kind` (one of `KINDS`), `ranker`, `p_home` (0 to 1) and
    `home_won`, a row a game and ranker.
    """
    named = games.rename(columns={"p_home": "p", "home_won": "happened", "kind": "scope"})
    scores = group_scores(named, ["season", "scope", "ranker"]).add_prefix("game_")
    return tidy_rows(scores, as_of_point="all")


def game_references(tables: Tables, seasons: Iterable[str]) -> pd.DataFrame:
    """Forecast the games of seasons by home advantage, standings, Elo and bookmakers.

    `always_home`: the share of games of the same kind that home teams won in up to
    `RECENT_SEASONS` earlier seasons. `elo`: FiveThirtyEight's Elo ratings on the morning of the
    game, with the published home edge. `elo_fitted`: the same ratings with the home edge that is
    likeliest in those earlier seasons, for games of the same kind. `standings`: a logistic
    regression, with a home edge, on the difference of the teams' win shares that morning, which are
    regressed to last season's; fitted on the same games as that edge. `market`: the moneylines at
    tip-off, of the games that have them. On a neutral court the first says one half and the others
    have no edge, and such games are not learned from.

    Returns:
        `COLUMNS`, a row a game of `KINDS` and ranker. What is fitted starts with the second season
        that has games of the kind.
    """
    asked = set(seasons)
    games = _rated_games(tables)
    now = games[games["season"].isin(asked)]
    parts = [
        now.assign(ranker=ELO, p_home=_elo_win_prob(now, FIVETHIRTYEIGHT.home_edge)),
        now.merge(market_game_probs(tables), on="game_id", validate="one_to_one").assign(
            ranker=MARKET, p_home=lambda frame: frame["home_win_prob"]
        ),
    ]
    fitted: dict[str, Callable[[pd.DataFrame, pd.DataFrame], FloatArray]] = {
        ALWAYS_HOME: _home_share,
        ELO_FITTED: _fitted_elo,
        STANDINGS: _fitted_record,
    }
    for (season, kind), rows in now.groupby(["season", "kind"]):
        earlier = games[(games["season"] < str(season)) & (games["kind"] == kind)]
        recent = np.sort(earlier["season"].unique())[-RECENT_SEASONS:]
        known = earlier[earlier["season"].isin(recent) & ~earlier["neutral"]]
        if known.empty:
            continue
        parts += [
            rows.assign(ranker=name, p_home=forecast(known, rows))
            for name, forecast in fitted.items()
        ]
    return pd.concat([part[COLUMNS] for part in parts], ignore_index=True)


def _rated_games(tables: Tables) -> pd.DataFrame:
    """Return all games of `KINDS` with `elo_gap` and `record_gap`, the win shares'.

    Both are home less away, on the morning of the game.
    """
    games = tables.games[tables.games["kind"].isin(KINDS)]
    dates = games[["season", "game_date"]].rename(columns={"game_date": "as_of_date"})
    rows = Rows.of(tables, dates)
    home, away = (
        rows.find(games["game_date"], games[f"{side}_team_id"]) for side in ("home", "away")
    )
    rating = elo_ratings(tables, rows, FIVETHIRTYEIGHT)
    share = record.build(tables, rows, _RECORD)["regressed_win_pct"].to_numpy()
    return games[["season", "game_id", "kind"]].assign(
        elo_gap=rating[home] - rating[away],
        record_gap=share[home] - share[away],
        neutral=neutral_courts(games),
        home_won=games["home_points"] > games["away_points"],
    )


def _elo_win_prob(games: pd.DataFrame, home_edge: float) -> FloatArray:
    edge = np.where(games["neutral"].to_numpy(), 0.0, home_edge)
    return win_probability(games["elo_gap"].to_numpy() + edge)


def _home_share(known: pd.DataFrame, games: pd.DataFrame) -> FloatArray:
    return np.where(games["neutral"].to_numpy(), 0.5, known["home_won"].mean())


def _fitted_elo(known: pd.DataFrame, games: pd.DataFrame) -> FloatArray:
    gap, won = known["elo_gap"].to_numpy(), known["home_won"].to_numpy()

    def loss(edge: float) -> float:
        return log_loss(win_probability(gap + edge), won)

    edge = minimize_scalar(loss, bounds=(-_MAX_EDGE, _MAX_EDGE), method="bounded").x
    return _elo_win_prob(games, float(edge))


def _fitted_record(known: pd.DataFrame, games: pd.DataFrame) -> FloatArray:
    gap, won = known["record_gap"].to_numpy(), known["home_won"].to_numpy()

    def loss(weights: FloatArray) -> float:
        return log_loss(expit(weights[0] + weights[1] * gap), won)

    edge, slope = minimize(loss, np.array([0.3, 4.0]), method="Nelder-Mead").x
    home = np.where(games["neutral"].to_numpy(), 0.0, edge)
    return np.asarray(expit(home + slope * games["record_gap"].to_numpy()))
