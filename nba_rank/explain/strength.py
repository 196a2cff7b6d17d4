"""Strengths by input and player, and what they are worth in wins and places.

Strengths are sums, so their parts are exact. Expected wins and outcomes are not: own strength,
schedule and home edge are put in one after another, each step a part, and the wins that own
strength is worth are shared out in proportion to its parts, which is the Aumann-Shapley value of a
function of a sum.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nba_rank.core.arrays import FloatArray
from nba_rank.data.tables import Tables
from nba_rank.explain.parts import AVERAGE, level
from nba_rank.features.asof import Rows
from nba_rank.features.elo import ELO_PER_POINT, elo_ratings
from nba_rank.features.players.names import known_names
from nba_rank.features.roster_strength import player_terms
from nba_rank.features.schedule_ratings import normal_equations
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.inputs import ELO, MARGIN_RIDGE
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.next_games import NextGames
from nba_rank.odds.season_sim import SeasonStrengths, Situation, expected_margins
from nba_rank.odds.strength import StrengthModel

RATED = ("full_strength", "roster_strength", "playoff_strength")
"""Strengths whose value of a player is his rating."""

SIDES = ("offence", "defence")

_SHARES = 5.0
"""Sum of the shares of a team's players."""


def strength_levels(
    odds: MonteCarloOdds,
    rated: pd.DataFrame,
    tables: Tables,
    ratings: pd.DataFrame,
    hypothesis: Hypothesis | None = None,
    prefix: str = "",
    stint_share: float = 0.0,
    next_games: NextGames | None = None,
) -> list[pd.DataFrame]:
    """Return the levels of what a simulation makes of the teams of one date.

    Args:
        odds: What simulates.
        rated: Rated teams of the date, as `odds` reads them.
        tables: The canonical tables.
        ratings: Of the players on the date.
        hypothesis: What is assumed of the games left.
        prefix: Goes before the names of the levels.
        stint_share: Share of the stints in the ratings, see `ImpactConfig`.
        next_games: Models of single games, where the simulation has them.

    Returns:
        `strength` and `playoff_strength` (points), by input and player; both again by the evidence
        behind the players' ratings, `..._by_evidence`, and with stints by offence and defence,
        `..._by_side`; `wins` (expected, of the whole regular season) and `outcome` (number of teams
        ranked behind, mean over simulated seasons).
    """
    rated = rated.sort_values("team_id", ignore_index=True)
    models = odds.of_date(rated)
    sources = _Sources(tables, ratings, rated)
    found = []
    for name, model in (("strength", models.regular), ("playoff_strength", models.playoffs)):
        whole = sources.level(prefix + name, model)
        found += [whole, *sources.by_rating(prefix + name, model, stint_share)]
    [(situation, strengths)] = odds.mornings(rated, tables, hypothesis, next_games)
    by_strength = _steps(strengths)
    played = odds.play([(situation, each) for each in by_strength], rounds=False)
    wins = _wins(situation, strengths, found[0], played[-1]["expected_wins"], prefix)
    return [*found, wins, _outcome(played, prefix)]


def strengths_by_part(
    odds: MonteCarloOdds, rated: pd.DataFrame, tables: Tables, ratings: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the levels `strength` and `playoff_strength` alone; arguments as `reasons`."""
    rated = rated.sort_values("team_id", ignore_index=True)
    models, sources = odds.of_date(rated), _Sources(tables, ratings, rated)
    return (
        sources.level("strength", models.regular),
        sources.level("playoff_strength", models.playoffs),
    )


def reasons(
    odds: MonteCarloOdds, rated: pd.DataFrame, tables: Tables, ratings: pd.DataFrame
) -> pd.DataFrame:
    """Return what the strengths of teams are made of, as the simulation has them.

    Args:
        odds: What simulates.
        rated: Rated teams of the date, as `odds` reads them.
        tables: The canonical tables.
        ratings: Of the players on the date.

    Returns:
        A row a part, points against the average team: `season`, `as_of_date`, `team_id`, `part` (an
        input of the strengths), `player_id` and `player` whom it is about (0 and empty for none),
        `value`, and `whole`, the team's strength in the regular season, once that is over in the
        playoffs, which its values sum to.
    """
    rated = rated.sort_values("team_id", ignore_index=True)
    models = odds.of_date(rated)
    playing = (rated["progress"] < 1).any()
    model = models.regular if playing else models.playoffs
    table = _Sources(tables, ratings, rated).level("strength", model)
    season, date = rated[["season", "as_of_date"]].iloc[0]
    player = (
        table["player_id"].map(known_names(tables)).fillna("").mask(table["player_id"] == 0, "")
    )
    table = table.assign(season=season, as_of_date=date, player=player)
    columns = ["season", "as_of_date", "team_id", "part", "player_id", "player", "value", "whole"]
    return table[columns]


class _Sources:
    """What the inputs of the strengths of one date are made of.

    Args:
        tables: The canonical tables.
        ratings: Of the players on the date.
        rated: Rated teams of the date, in ascending order of id, [N].
    """

    def __init__(self, tables: Tables, ratings: pd.DataFrame, rated: pd.DataFrame) -> None:
        rows = Rows.of(tables, rated[["season", "as_of_date"]])
        self._tables, self._ratings, self._rated, self._rows = tables, ratings, rated, rows
        self._team = rated["team_id"].to_numpy()
        self._player_row = rows.find(ratings["as_of_date"], ratings["team_id"])
        self._terms = player_terms(tables, ratings, rows)

    def level(self, name: str, model: StrengthModel) -> pd.DataFrame:
        """Return a strength by input, those of players by player."""
        weights, of_inputs = model.weights(self._rated), model.parts(self._rated)
        parts: dict[str, FloatArray] = {}
        players = []
        for column, input_ in enumerate(model.inputs):
            weight, value = weights[:, column], of_inputs[:, column]
            if not model.coef[column] and not model.coef_change[column]:
                continue
            if input_ in self._terms:
                shares, values = self._terms[input_]
                own = self._of_players(weight, shares, values)
                players.append(self._named(input_, own))
                value = value - self._sums(own)  # minutes that no player is there for
                if np.abs(value).max() < _ROUNDING:
                    continue
            parts |= self._split(input_, weight, value)
        whole = model.strength(self._rated)
        table = pd.concat(players) if players else None
        return level(name, "points", self._team, whole, parts, table)

    def by_rating(self, name: str, model: StrengthModel, stint_share: float) -> list[pd.DataFrame]:
        """Return what the players' ratings add to a strength, by what the ratings are made of.

        Offence and defence are the stints' share of the rating, in points per 100 possessions,
        about the 48 minutes of a game; the rest is that of the games, and the difference in pace.
        """
        ratings = self._ratings
        splits = {
            "by_evidence": {
                "box_score": ratings["prior_rating"],
                "results_with_him": ratings["impact_rating"] - ratings["prior_rating"],
            }
        }
        if stint_share:
            sides = {side: stint_share * ratings[f"{side}_rating"] for side in SIDES}
            rest = ratings["impact_rating"] - sum(sides.values())
            splits["by_side"] = {**sides, "rest_of_the_rating": rest}
        weights = model.weights(self._rated)
        used = [(n, weights[:, n]) for n, one in enumerate(model.inputs) if one in RATED]
        if not used:
            return []
        total = np.zeros(len(self._team))
        for column, weight in used:
            total += self._sums(self._of_players(weight, *self._terms[model.inputs[column]]))
        found = []
        for split, values in splits.items():
            tables = []
            for part, value in values.items():
                own = np.zeros(len(ratings))
                for column, weight in used:
                    shares, _ = self._terms[model.inputs[column]]
                    own += self._of_players(weight, shares, value.to_numpy())
                tables.append(self._named(part, own))
            found.append(
                level(f"{name}_{split}", "points", self._team, total, {}, pd.concat(tables))
            )
        return found

    def _of_players(self, weight: FloatArray, shares: FloatArray, values: FloatArray) -> FloatArray:
        """Return what each player adds against the average minute of the date's teams, [P]."""
        average = self._sums(shares * values).mean() / _SHARES
        return np.asarray(weight[self._player_row] * shares * (values - average))

    def _sums(self, values: FloatArray) -> FloatArray:
        """Return the sum over each team's players, [N]."""
        return np.asarray(np.bincount(self._player_row, values, len(self._team)), np.float64)

    def _named(self, part: str, own: FloatArray) -> pd.DataFrame:
        """Return the players who add anything as a table of parts."""
        table = pd.DataFrame(
            {
                "team_id": self._team[self._player_row],
                "part": part,
                "player_id": self._ratings["player_id"].to_numpy(),
                "value": own,
            }
        )
        return table[own != 0]

    def _split(self, input_: str, weight: FloatArray, value: FloatArray) -> dict[str, FloatArray]:
        """Return an input of teams by what it is made of."""
        if input_ == "margin_rating":
            margins, opponents = (weight * part for part in self._margins())
            parts = {"margin_to_date": margins, "opponents_to_date": opponents}
            rest = value - margins - opponents
            # What `nba_rank.odds.restated` makes of assumed players.
            return parts if np.abs(rest).max() < _ROUNDING else parts | {"margin_restated": rest}
        if input_ == "elo_margin":
            before = weight * self._elo_before()
            return {"elo_of_earlier_seasons": before, "elo_of_this_season": value - before}
        return {input_: value}

    def _margins(self) -> tuple[FloatArray, FloatArray]:
        """Return the two parts of `margin_rating`, points less their means, [N].

        The equations say `(n + ridge) r = margins + ratings of the opponents met`.
        """
        [equations] = normal_equations(self._tables, self._rows)
        counts = equations.games[0] + MARGIN_RIDGE
        own = equations.margins[0] / counts
        system = equations.matrix[0] + MARGIN_RIDGE * np.eye(len(counts))
        opponents = np.linalg.solve(system, equations.margins[0]) - own
        order = equations.row[0]
        result = np.empty((2, len(order)))
        result[:, order] = own - own.mean(), opponents - opponents.mean()
        return result[0], result[1]

    def _elo_before(self) -> FloatArray:
        """Return the Elo rating on opening night over `ELO_PER_POINT`, less the mean, [N]."""
        season, date = self._rated[["season", "as_of_date"]].iloc[0]
        games = self._tables.games
        opening = games.loc[games["season"] == season, "game_date"].min()
        asked = pd.DataFrame({"season": [season], "as_of_date": [min(date, opening)]})
        rating = elo_ratings(self._tables, Rows.of(self._tables, asked), ELO) / ELO_PER_POINT
        return np.asarray(rating - rating.mean())


_ROUNDING = 1e-9


def _steps(strengths: SeasonStrengths) -> list[SeasonStrengths]:
    """Return strengths of equal teams, then those of either part of the season alone, then all.

    What is known of next games beside the strengths is of the playoffs.
    """
    equal = np.zeros_like(strengths.regular)
    playoffs = replace(strengths, regular=equal, spells=())
    regular = replace(strengths, playoffs=equal, next_games=())
    return [replace(playoffs, playoffs=equal, next_games=()), regular, playoffs, strengths]


def _outcome(played: Sequence[dict[str, Any]], prefix: str) -> pd.DataFrame:
    """Return the number of teams that each is ranked ahead of, by part.

    The first is what remains if all teams are equally strong; whom a team has still to meet counts
    with the strengths of the regular season.

    The strengths of regular season and playoffs count by the mean of both orders in which they can
    be put in, which is their Shapley value.
    """
    n = len(played[0]["team_id"])
    equal, regular, playoffs, both = (n - each["projected_rank"] for each in played)
    parts = {
        AVERAGE: np.full(n, equal.mean()),
        "record_so_far": equal - equal.mean(),
        "strength_in_the_regular_season": (regular - equal + both - playoffs) / 2,
        "strength_in_the_playoffs": (playoffs - equal + both - regular) / 2,
    }
    return level(f"{prefix}outcome", "places", played[0]["team_id"], both, parts)


def _wins(
    situation: Situation,
    strengths: SeasonStrengths,
    strength: pd.DataFrame,
    simulated: FloatArray,
    prefix: str,
) -> pd.DataFrame:
    """Return expected wins of the regular season by part; `strength` is its level."""
    left, team_id = situation.remaining, situation.records.team_id
    n, regular = len(team_id), strengths.regular
    gap = regular[left.home] - regular[left.away]
    margin = expected_margins(left, strengths)
    deviation = np.hypot(strengths.regular_noise, np.sqrt(2) * strengths.regular_doubt)
    side = np.concatenate([left.home, left.away])

    def total(of_sides: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(side, of_sides, n), np.float64)

    def chance(points: FloatArray) -> FloatArray:
        return np.asarray(ndtr(points / deviation))

    games = np.bincount(side, minlength=n).astype(np.float64)
    alone = total(chance(regular[side]))
    met = total(chance(np.concatenate([gap, -gap])))
    sides = np.concatenate([margin, -margin])
    expected = chance(sides)
    by_margin = total(expected)
    so_far = situation.records.beat.sum(axis=1).astype(np.float64)
    parts = {
        "wins_so_far": so_far,
        "games_left_of_an_average_team": games / 2,
        "schedule_to_come": met - alone,
        "home_court_and_rest": by_margin - met,
    }
    if situation.results is not None:
        results = np.concatenate([situation.results, -situation.results])
        known = ~np.isnan(results)
        parts["assumed_results"] = total(np.where(known, (results > 0) - expected, 0.0))
    closed = sum(parts.values()) + alone - games / 2
    parts["chance_of_the_simulation"] = simulated - closed
    flat = np.abs(regular) < _ROUNDING
    slope = np.where(
        flat,
        games / (deviation * np.sqrt(2 * np.pi)),
        (alone - games / 2) / np.where(flat, 1.0, regular),
    )
    worth = strength["value"].to_numpy() * slope[np.searchsorted(team_id, strength["team_id"])]
    own = strength.assign(value=worth)
    return level(f"{prefix}wins", "wins", team_id, simulated, parts, own)
