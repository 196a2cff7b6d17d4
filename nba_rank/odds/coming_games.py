"""Forecasts of the regular-season games of the next days, and who misses the next games.

Letters: S simulations, G games of the next days.
"""

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.features.players.availability import STATUS_PLAY_PROB, reported_availability
from nba_rank.features.players.names import player_names
from nba_rank.odds.antithetic import AntitheticDraws
from nba_rank.odds.home_edge import HomeEdge
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.next_games import NextGames
from nba_rank.odds.past_games import Meetings
from nba_rank.odds.season_sim import (
    SeasonStrengths,
    Simulated,
    Situation,
    simulate_together,
)

SIDES = ("home", "away")
AT_STAKE = ("playoff", "title")
"""What a game can decide: the events of `<side>_<event>_swing`."""

_BLOCKS, _AT_ONCE = 10, 1000
"""Simulations behind the swings: blocks, and simulations in each."""


def coming_games(
    odds: MonteCarloOdds,
    models: NextGames,
    frame: pd.DataFrame,
    tables: Tables,
    n_days: int,
    hypothesis: Hypothesis | None = None,
) -> pd.DataFrame:
    """Forecast the games of the next days.

    Args:
        odds: Fitted odds, which the rest of the season is simulated with.
        models: Models of single games.
        frame: Rated teams of one date, as both read them.
        tables: The canonical tables; results of the date and later are not read.
        n_days: Days from the date on.
        hypothesis: What is assumed of the games left.

    Returns:
        `game_date`, `home_team_id`, `away_team_id`, `neutral_site` and what `NextGames.forecast`
        returns of the fixtures that are known, in order of day, without those whose results are
        assumed; for both sides what `swings` returns, and `home_out` and `away_out`, as `out`
        returns them.
    """
    frame = frame.sort_values("team_id", ignore_index=True)
    [(situation, strengths)] = odds.mornings(frame, tables, hypothesis)
    edge = HomeEdge.of(tables).on_dates(frame[:1])
    left = situation.remaining
    # Rows of the frame, like positions of the situation, are teams in ascending order of id.
    court = np.where(left.neutral, 0.0, 1.0)
    tired = left.back_to_back.astype(np.float64)
    meetings = Meetings(left.home, left.away, edge * court, court, tired[:, 1] - tired[:, 0])
    forecast = models.forecast(frame, meetings, "regular")
    for day, rated in reversed(hypothesis.spells if hypothesis is not None else ()):
        rated = rated.sort_values("team_id", ignore_index=True)
        of_spell = left.day < day
        forecast[of_spell] = models.forecast(rated, meetings, "regular")[of_spell]
    ids = situation.records.team_id
    games = pd.DataFrame(
        {
            "game_date": pd.to_datetime(left.day, unit="D").as_unit("us"),
            "home_team_id": ids[left.home],
            "away_team_id": ids[left.away],
            "neutral_site": left.neutral,
            **forecast,
        }
    )
    date = situation.as_of_date
    until = date + pd.Timedelta(days=n_days)
    told = games["game_date"].between(date, until, inclusive="left") & ~left.assumed
    if situation.results is not None:
        told &= np.isnan(situation.results)
    known = np.flatnonzero(told)
    games = games.iloc[known].reset_index(drop=True)
    absent = out(tables, situation.season, date)
    simulations = _simulations(situation, strengths, odds.seed)
    return games.assign(
        **swings(situation, simulations if len(known) else (), known),
        **{f"{side}_out": games[f"{side}_team_id"].map(absent).fillna("") for side in SIDES},
    )


def with_absent(series: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return series of a morning with `host_out` and `guest_out`, as `out` returns them."""
    absent = out(tables, series["season"].iloc[0], series["as_of_date"].iloc[0])
    sides = ("host", "guest")
    return series.assign(
        **{f"{side}_out": series[f"{side}_team_id"].map(absent).fillna("") for side in sides}
    )


def swings(
    situation: Situation, simulations: Iterable[Simulated], games: IntArray
) -> dict[str, FloatArray]:
    """Return how far the results of games move both teams' odds.

    A win also speaks for a team's strength, which is no effect of the game: the shares of seasons
    with either winner are compared at equal strengths of both teams, by least squares.

    Args:
        situation: What is known of the season.
        simulations: Simulations of its rest; each is only needed once, so they may be made one by
            one.
        games: Positions of G of the games left.

    Returns:
        By name, [G]: `<side>_<event>_swing`, the share of the seasons in which the side wins the
        game less that of those in which it loses, for the events `AT_STAKE`; and `..._swing_se`,
        the standard error that the number of simulations leaves. NaN where the simulations know
        only one winner.
    """
    left = situation.remaining
    teams = np.stack([left.home[games], left.away[games]], axis=1)
    shape = (len(games), len(SIDES), len(AT_STAKE))
    # Normal equations of the odds on a constant, the winner, both strengths and their squares.
    inputs, products = np.zeros((len(games), 6, 6)), np.zeros((6, *shape))
    squares, n = np.zeros(shape), 0
    for simulated in simulations:
        won = simulated.home_won[:, games]
        strength = (simulated.strength - simulated.strength.mean(axis=0))[:, teams]
        winner = np.stack([np.ones(won.shape), won], axis=-1)
        x = np.concatenate([winner, strength, strength**2], axis=-1)
        # [S, G, sides, events]
        reach = simulated.reach[:, teams][..., [0, -1]]
        inputs += np.einsum("sgk,sgl->gkl", x, x)
        products += np.einsum("sgk,sgie->kgie", x, reach)
        squares += (reach**2).sum(axis=0)
        n += len(won)
    inverse = np.linalg.pinv(inputs, hermitian=True)
    weights = np.einsum("gkl,lgie->kgie", inverse, products)
    residual = np.maximum(squares - (weights * products).sum(axis=0), 0) / n
    known = (inputs[:, 0, 1] > 0) & (inputs[:, 0, 1] < n)
    # The visitors win where the home team loses.
    gain = np.where(known[:, None, None], weights[1], np.nan) * np.array([1, -1])[:, None]
    error = np.sqrt(residual * inverse[:, 1, 1, None, None])
    error = np.where(known[:, None, None], error, np.nan)
    found = {}
    for (i, side), (e, event) in product(enumerate(SIDES), enumerate(AT_STAKE)):
        found[f"{side}_{event}_swing"] = gain[:, i, e]
        found[f"{side}_{event}_swing_se"] = error[:, i, e]
    return found


def _simulations(
    situation: Situation, strengths: SeasonStrengths, seed: int
) -> Iterator[Simulated]:
    teams, games = len(situation.records.team_id), len(situation.remaining.home)
    for block in np.random.default_rng(seed).spawn(_BLOCKS):
        # Twice the draws: a mirror image has the opposite winner and so doubles a difference's
        # variance, where it would lessen that of a mean.
        [draws] = AntitheticDraws.draw_all(block, 2 * _AT_ONCE, teams, [games])
        yield simulate_together([situation], [strengths], _AT_ONCE, [draws])[0]


def out(tables: Tables, season: str, date: pd.Timestamp) -> pd.Series:
    """Return who will probably not play by the report of a morning, text by team id.

    Those who have played most this season come first; a status better than `Out` stands behind the
    name. Teams with nobody out, and all where no report is current, are not in it.
    """
    asked = pd.DataFrame({"season": [season], "as_of_date": [date]})
    listed = reported_availability(tables, asked)
    listed = listed[listed["season_out"] | listed["play_prob"].lt(STATUS_PLAY_PROB["Questionable"])]
    games = tables.player_games
    own = games[(games["season"] == season) & (games["game_date"] < date)]
    played = own.groupby("player_id")["seconds"].sum()
    listed = listed.assign(
        played=listed["player_id"].map(played).fillna(0),
        text=listed["player_id"].map(player_names(tables)).astype("str")
        + np.where(listed["play_prob"].gt(0) & ~listed["season_out"], " (doubtful)", ""),
    ).dropna(subset="text")
    ordered = listed.sort_values(["played", "player_id"], ascending=[False, True])
    return ordered.groupby("team_id")["text"].agg(", ".join)
