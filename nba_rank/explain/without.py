"""The same forecast without a player, for one player after another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nba_rank.config.schema import FeaturesConfig, GroupConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.explain.parts import loose
from nba_rank.explain.stack import rank_beside
from nba_rank.features import injuries, roster_strength
from nba_rank.features.asof import Rows
from nba_rank.features.registry import PLAYER_GROUPS, build_group, enabled_groups
from nba_rank.features.roster import PlayerSets, player_sets
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.home_edge import HomeEdge
from nba_rank.odds.inputs import ROSTER_INPUTS
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.mornings import absences_of
from nba_rank.odds.next_games import NextGames
from nba_rank.odds.next_of_series import with_next_games
from nba_rank.odds.residual import RESIDUAL_INPUTS, residual_inputs
from nba_rank.odds.restated import OF_RESULTS, restated
from nba_rank.samples.dataset import Dataset

UNITS = {
    "places": "places", "score": "relevance", "strength": "points", "playoff_strength": "points",
    "wins": "wins", "title_prob": "probability",
}  # fmt: skip
"""What is told of a team without a player, and its unit."""

_PLAYED = {
    "strength": "regular_strength", "playoff_strength": "playoffs_strength",
    "wins": "expected_wins", "title_prob": "title_prob",
}  # fmt: skip
"""What simulated seasons call it."""


@dataclass(frozen=True)
class Assumed:
    """What stands behind a morning on which other players are assumed than are known.

    Attributes:
        known: Ratings of the players who are known.
        spells: Days, ascending, each with what the ranker reads of the games before it, while some
            players are out, and with the ratings of those who are there.
    """

    known: pd.DataFrame
    spells: tuple[tuple[int, Dataset, League, pd.DataFrame], ...] = ()


_Spells = tuple[tuple[int, pd.DataFrame], ...]
"""As `nba_rank.odds.hypothesis.Hypothesis` has them."""


def without_level(
    ranker: Ranker,
    data: Dataset,
    league: League,
    ratings: pd.DataFrame,
    features: FeaturesConfig,
    chosen: pd.DataFrame,
    assumed: Assumed | None = None,
) -> pd.DataFrame:
    """Return the level `without_player`: how a team's forecast differs without one of its players.

    He is out for the rest of the season and his team shares his minutes out: the values are those
    of `predict` with `what_if.out`, of which only the player's line in the newest injury report is
    not rewritten, since nothing that ranks reads reports of players who are not there. Values are
    no parts of a sum: players stand in for each other.

    Args:
        ranker: What ranks.
        data: What it reads of the teams of one date, without the projection.
        league: The same of its odds.
        ratings: Of the players on the date.
        features: Of the run.
        chosen: `team_id` and `player_id` of the players.
        assumed: What is assumed of players already, if anything.

    Returns:
        By player: `places` (positive: the rank is worse), `score`, and as the odds have them
        `strength`, `playoff_strength`, expected `wins` and `title_prob`. Without odds by simulation
        strengths and wins are the projection's, if there is one.
    """
    known = None if assumed is None else assumed.known
    spells = () if assumed is None else assumed.spells
    date = _Date(ranker, data, league, ratings, features, known)
    pairs = list(chosen[["team_id", "player_id"]].itertuples(index=False, name=None))
    cases = [(0, 0), *pairs]
    rated = [
        (day, _Date(ranker, read, of_spell, there, features, known).rated(cases))
        for day, read, of_spell, there in spells
    ]
    of_cases = [tuple((day, each[number]) for day, each in rated) for number in range(len(cases))]
    plain, *others = date.forecasts(cases, of_cases)
    row_of = {team: row for row, team in enumerate(data.frame["team_id"].tolist())}
    rows = [
        {"team_id": team, "part": part, "player_id": player,
         "value": after[part][row_of[team]] - plain[part][row_of[team]]}
        for (team, player), after in zip(pairs, others, strict=True)
        for part in UNITS
        if part in after
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["team_id", "part", "player_id", "value"])
    return loose("without_player", "", table).assign(unit=table["part"].map(UNITS))


@dataclass(frozen=True)
class _Case:
    """What the ranker reads on the date without a player, and the inputs of the strengths."""

    data: Dataset
    inputs: pd.DataFrame


class _Date:
    """Everything about a date that players do not change, made once."""

    def __init__(
        self,
        ranker: Ranker,
        data: Dataset,
        league: League,
        ratings: pd.DataFrame,
        features: FeaturesConfig,
        known: pd.DataFrame | None = None,
    ) -> None:
        self._ranker, self._data, self._ratings = ranker, data, ratings
        self._league, self._tables = league, league.tables
        self._inputs = league.inputs.sort_values("team_id", ignore_index=True)
        # What results tell of the known players, whatever is assumed of them.
        self._known, self._results = ratings, self._inputs[[*OF_RESULTS]]
        if known is not None:
            told = restated(self._inputs, self._tables, known, ratings)
            self._known, self._results = known, 2 * self._results - told[[*OF_RESULTS]]
        dates = data.frame[["season", "as_of_date"]]
        self._rows = Rows.of(league.tables, dates)
        self._groups = [
            (name, group) for name, group in enabled_groups(features) if name in PLAYER_GROUPS
        ]
        # The player past the last place moves up.
        wider = replace(features.roster, size=features.roster.size + 1)
        self._wider = player_sets(league.tables, ratings, dates.drop_duplicates(), wider)
        simulated = (ranker.projection, ranker.ensemble.odds)
        models = [
            odds.of_date(self._inputs) for odds in simulated if isinstance(odds, MonteCarloOdds)
        ]
        read = {name for one in models for name in (*one.regular.inputs, *one.playoffs.inputs)}
        self._reads_residual = not read.isdisjoint(RESIDUAL_INPUTS)
        self._injuries = features.injuries
        # Absences cost nothing before the playoffs, and no other player has one when one is out.
        absences = ranker.next_games is not None and self._inputs["absences"].fillna(0).any()
        self._reads_absences = bool(absences)

    def forecasts(
        self, chosen: Sequence[tuple[int, int]], spells: Sequence[_Spells]
    ) -> list[dict[str, FloatArray]]:
        """Return forecasts by name, [N] each, without a team's player; 0, which is first: none.

        `spells` are those of each forecast.
        """
        ranker = self._ranker
        cases, scored, played = self._scored(chosen, spells)
        if isinstance(ranker.ensemble.odds, MonteCarloOdds):
            rated = self._of_odds(cases, scored)
            played = self._played(
                ranker.ensemble.odds, rated, spells, ranker.next_games, rounds=True
            )
        result = []
        for number, frame in enumerate(scored):
            score = frame["score"].to_numpy()
            found = {
                "places": rank_beside(score, score, frame["team_id"].to_numpy()),
                "score": score,
            }
            for name, column in _PLAYED.items():
                if played and column in played[number]:
                    found[name] = played[number][column]
            result.append(found)
        return result

    def rated(self, chosen: Sequence[tuple[int, int]]) -> list[pd.DataFrame]:
        """Return the rated teams with their scores without a team's player, as `forecasts`."""
        cases, scored, _ = self._scored(chosen, [()] * len(chosen))
        return self._of_odds(cases, scored)

    def _scored(
        self, chosen: Sequence[tuple[int, int]], spells: Sequence[_Spells]
    ) -> tuple[list[_Case], list[pd.DataFrame], list[dict[str, np.ndarray]]]:
        """Return what the ranker reads, the scores that it gives, and the projected seasons."""
        projection = self._ranker.projection
        cases = [self._case(*pair) for pair in chosen]
        played: list[dict[str, np.ndarray]] = []
        if projection is not None:
            inputs = [case.inputs for case in cases]
            played = self._played(projection, inputs, spells, None, rounds=False)
            key = self._data.frame[["season", "as_of_date"]]
            cases = [
                replace(case, data=case.data.with_projection(pd.DataFrame({**key, **columns})))
                for case, columns in zip(cases, played, strict=True)
            ]
        return cases, [self._ranker.scored(case.data) for case in cases], played

    def _of_odds(
        self, cases: Sequence[_Case], scored: Sequence[pd.DataFrame]
    ) -> list[pd.DataFrame]:
        return [
            replace(self._league, inputs=case.inputs).rated(frame)
            for case, frame in zip(cases, scored, strict=True)
        ]

    def _played(
        self,
        odds: MonteCarloOdds,
        rated: Sequence[pd.DataFrame],
        spells: Sequence[_Spells],
        next_games: NextGames | None,
        *,
        rounds: bool,
    ) -> list[dict[str, np.ndarray]]:
        """Simulate the season by rated teams, first by those who are there, with the same draws."""
        hypothesis = self._league.hypothesis
        [(situation, plain)] = odds.mornings(rated[0], self._tables, hypothesis)
        mornings = [(situation, plain)]
        for each, own in zip(rated[1:], spells[1:], strict=True):
            models = odds.of_date(each)
            strengths = replace(
                plain,
                regular=models.regular.strength(each),
                playoffs=models.playoffs.strength(each),
                spells=tuple(
                    (day, odds.of_date(frame).regular.strength(frame)) for day, frame in own
                ),
            )
            mornings.append((situation, strengths))
        if next_games is not None:
            edges = HomeEdge.of(self._tables).on_dates(rated[0][:1]).tolist() * len(rated)
            frame = pd.concat(rated, ignore_index=True)
            mornings = with_next_games(mornings, next_games, frame, edges)
        return odds.play(mornings, rounds=rounds)

    def _case(self, team: int, player: int) -> _Case:
        if not player:
            return _Case(self._data, self._inputs)
        ratings = self._ratings[self._ratings["player_id"] != player].reset_index(drop=True)
        built = {
            name: build_group(name, group, self._tables, ratings, self._rows)
            for name, group in self._groups
        }
        X = self._data.X.copy()
        for group in built.values():
            for name in group:
                X[:, self._data.columns.index(str(name))] = group[name]
        data = replace(self._data, X=X, sets=self._sets(team, player))
        return _Case(data, self._rated(ratings, built))

    def _rated(self, ratings: pd.DataFrame, groups: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """Return the inputs of the strengths as these players are there."""
        if self._inputs[[*ROSTER_INPUTS]].isna().all(axis=None):
            return self._inputs  # nothing is known of any player
        built = groups.get("roster_strength")
        if built is None:
            on = GroupConfig(enabled=True)
            built = roster_strength.build(self._tables, ratings, self._rows, on)
        columns = {name: built[name].to_numpy() for name in ROSTER_INPUTS}
        if self._reads_residual:
            columns |= residual_inputs(self._tables, ratings, self._rows, columns)
        rated = self._inputs.assign(
            **{name: values - values.mean() for name, values in columns.items()}
        )
        if self._reads_absences:
            absent = groups.get("injuries")
            if absent is None:
                absent = injuries.build(self._tables, ratings, self._rows, self._injuries)
            rated["absences"] = absences_of(absent, self._tables, self._rows)
        rated = rated.assign(**self._results)
        return restated(rated, self._tables, self._known, ratings)

    def _sets(self, team: int, player: int) -> PlayerSets:
        """Return the player sets without a player of a team."""
        sets = self._data.sets
        found = np.flatnonzero((sets.frame["team_id"] == team).to_numpy())
        if not len(found):
            return sets
        [row] = found
        kept = np.flatnonzero(self._wider.player_id[row] != player)[: sets.player_id.shape[1]]
        result = sets.take(np.arange(len(sets.frame)))
        result.player_id[row] = self._wider.player_id[row, kept]
        share = self._wider.minutes_share[row, kept].astype(np.float64)
        result.minutes_share[row] = share / max(share.sum(), 1e-9)
        result.stats[row] = self._wider.stats[row, kept]
        return result
