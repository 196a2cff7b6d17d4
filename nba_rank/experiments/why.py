"""Why a forecast is as it is, for its page: what has changed since a week before, without whom."""

from dataclasses import dataclass, field

import pandas as pd

from nba_rank.data.calendar import expected_opening
from nba_rank.data.tables import Tables
from nba_rank.evaluation.date_forecast import DateForecast
from nba_rank.experiments.inputs import inputs_on, ratings_on
from nba_rank.experiments.morning import Morning, one_date
from nba_rank.explain.date import named
from nba_rank.explain.moved import Seen, moved_levels
from nba_rank.explain.names import PLACES
from nba_rank.explain.parts import difference
from nba_rank.explain.strength import reasons
from nba_rank.explain.without import without_level
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.report.page_changes import POINTS, Changes

SINCE_DAYS = 7
"""Days looked back."""

_WITHOUT = 2
"""Players of a team without whom it is forecast again, those who add most to its strength."""


@dataclass(frozen=True)
class Why:
    """What a page tells beside the forecast.

    Attributes:
        changes: What has changed; None on opening night, under assumptions, and where players are
            known now and were not then.
        without: See `nba_rank.explain.without.without_level`, of the players who add most to each
            team that can still win the title, with the column `player`; may be empty.
    """

    changes: Changes | None = None
    without: pd.DataFrame = field(default_factory=pd.DataFrame)


def why(forecast: DateForecast, morning: Morning) -> Why:
    """Explain a forecast.

    The earlier forecast is made anew by the same models from the same tables, so that nothing but
    games, players and time lies between the two.

    Args:
        forecast: The forecast.
        morning: What it was made of.
    """
    if forecast.hypothetical:
        return Why()
    now = Seen(*morning.inputs, morning.ratings)
    left = _without(forecast, morning, now)
    opening = _opening(morning.tables, morning.season)
    date = max(morning.as_of_date - pd.Timedelta(days=SINCE_DAYS), opening)
    if date >= morning.as_of_date:
        return Why(without=left)
    then = _seen(morning, date)
    if len(then.ratings) == 0 < len(now.ratings):
        return Why(without=left)
    return Why(_changes(forecast, morning, now, then, date), left)


def _changes(
    forecast: DateForecast, morning: Morning, now: Seen, then: Seen, date: pd.Timestamp
) -> Changes:
    """Say what has changed since a date, on whose morning `then` was seen."""
    ranker, tables = morning.ranker, morning.tables
    before = ranker.predict(then.data, then.league).frame
    moved = pd.concat(moved_levels(ranker, then, now), ignore_index=True)
    places = named(moved[moved["level"] == PLACES], tables, now.data.frame)
    points = pd.DataFrame(columns=places.columns)
    odds = ranker.ensemble.odds
    if "reasons" in forecast.tables and isinstance(odds, MonteCarloOdds):
        rated = then.league.rated(before)
        both = forecast.tables["reasons"], reasons(odds, rated, tables, then.ratings)
        points = difference(*(of.drop(columns="as_of_date").assign(level=POINTS) for of in both))
    names = ["level", "team_id", "part", "player", "value", "whole"]
    games = tables.team_games
    since = games[
        (games["season"] == morning.season)
        & (games["game_date"] >= date)
        & (games["game_date"] < morning.as_of_date)
    ]
    won = since.groupby("team_id")["won"].agg(["sum", "size"])
    won = won.reindex(before["team_id"], fill_value=0).astype("int64")
    return Changes(
        date,
        before.assign(won=won["sum"].to_numpy(), lost=(won["size"] - won["sum"]).to_numpy()),
        pd.concat([places[names], points[names]], ignore_index=True),
    )


def _without(forecast: DateForecast, morning: Morning, now: Seen) -> pd.DataFrame:
    """Return the level `without_player` of the players who add most to each team."""
    if "reasons" not in forecast.tables:
        return pd.DataFrame()
    alive = forecast.decided.loc[forecast.decided["state"] == "in", "team_id"]
    players = forecast.tables["reasons"]
    players = players[(players["player_id"] > 0) & players["team_id"].isin(alive)]
    key = ["team_id", "player_id", "player"]
    total = players.groupby(key, as_index=False)["value"].sum()
    total = total[total["value"] > 0].sort_values("value", ascending=False, kind="stable")
    chosen = total.groupby("team_id").head(_WITHOUT)
    if chosen.empty:
        return pd.DataFrame()
    features = morning.config.features
    found = without_level(morning.ranker, now.data, now.league, morning.ratings, features, chosen)
    return found.merge(chosen[["player_id", "player"]], on="player_id")


def _seen(morning: Morning, date: pd.Timestamp) -> Seen:
    """Return what the ranker reads on an earlier date of the season."""
    tables, config, dates = morning.tables, morning.config, one_date(morning.season, date)
    ratings = ratings_on(tables, dates, config)
    return Seen(*inputs_on(tables, ratings, dates, morning.results, config), ratings)


def _opening(tables: Tables, season: str) -> pd.Timestamp:
    """Return the first day of a season."""
    played = tables.games.loc[tables.games["season"] == season, "game_date"]
    return played.min() if len(played) else expected_opening(tables, season)
