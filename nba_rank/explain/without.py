"""The same forecast without a player, for one player after another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nba_rank.config.schema import FeaturesConfig, GroupConfig
from nba_rank.core.arrays import FloatArray
from nba_rank.explain.parts import loose
from nba_rank.explain.stack import rank_beside
from nba_rank.features import roster_strength
from nba_rank.features.asof import Rows
from nba_rank.features.registry import PLAYER_GROUPS, build_group, enabled_groups
from nba_rank.features.roster import PlayerSets, player_sets
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.inputs import ROSTER_INPUTS
from nba_rank.odds.residual import RESIDUAL_INPUTS, residual_inputs
from nba_rank.odds.restated import restated
from nba_rank.odds.season_sim import SeasonStrengths, Situation
from nba_rank.samples.dataset import Dataset

UNITS = {
    "places": "places", "score": "relevance", "strength": "points", "playoff_strength": "points",
    "wins": "wins",
}  # fmt: skip
"""What is told of a team without a player, and its unit."""


def without_level(
    ranker: Ranker,
    data: Dataset,
    league: League,
    ratings: pd.DataFrame,
    features: FeaturesConfig,
    chosen: pd.DataFrame,
) -> pd.DataFrame:
    """Return the level `without_player`: how a team's forecast differs without one of its players.

    He is out for the rest of the season and his team shares his minutes out, as under
    `what_if.out`; injury reports stay as they are. Values are no parts of a sum: players stand in
    for each other.

    Args:
        ranker: What ranks.
        data: What it reads of the teams of one date, without the projection.
        league: The same of its odds.
        ratings: Of the players on the date.
        features: Of the run.
        chosen: `team_id` and `player_id` of the players.

    Returns:
        By player: `places` (positive: the rank is worse), `score`, and where the run has a
        projection `strength`, `playoff_strength` and expected `wins`.
    """
    date = _Date(ranker, data, league, ratings, features)
    pairs = list(chosen[["team_id", "player_id"]].itertuples(index=False, name=None))
    plain, *others = date.forecasts([(0, 0), *pairs])
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
    """What the ranker reads on the date without a player."""

    data: Dataset
    strengths: SeasonStrengths | None


class _Date:
    """Everything about a date that players do not change, made once."""

    def __init__(
        self,
        ranker: Ranker,
        data: Dataset,
        league: League,
        ratings: pd.DataFrame,
        features: FeaturesConfig,
    ) -> None:
        self._ranker, self._data, self._ratings = ranker, data, ratings
        self._tables, self._inputs = league.tables, league.inputs.sort_values("team_id")
        dates = data.frame[["season", "as_of_date"]]
        self._rows = Rows.of(league.tables, dates)
        self._groups = [
            (name, group) for name, group in enabled_groups(features) if name in PLAYER_GROUPS
        ]
        # The player past the last place moves up.
        wider = replace(features.roster, size=features.roster.size + 1)
        self._wider = player_sets(league.tables, ratings, dates.drop_duplicates(), wider)
        self._morning: tuple[Situation, SeasonStrengths] | None = None
        if ranker.projection is not None:
            [self._morning] = ranker.projection.mornings(
                self._inputs, league.tables, league.hypothesis
            )

    def forecasts(self, chosen: Sequence[tuple[int, int]]) -> list[dict[str, FloatArray]]:
        """Return forecasts by name, [N] each, without a team's player; 0: without none."""
        cases = [self._case(*pair) for pair in chosen]
        played: list[dict[str, np.ndarray]] = []
        if self._morning is not None and self._ranker.projection is not None:
            situation, key = self._morning[0], self._data.frame[["season", "as_of_date"]]
            mornings = [(situation, case.strengths) for case in cases if case.strengths is not None]
            played = self._ranker.projection.play(mornings, rounds=False)
            summaries = [pd.DataFrame({**key, **columns}) for columns in played]
            cases = [
                replace(case, data=case.data.with_projection(summary))
                for case, summary in zip(cases, summaries, strict=True)
            ]
        result = []
        for number, case in enumerate(cases):
            members = self._ranker.members
            frame = members.predict(case.data, with_intervals=False).frame
            score = self._ranker.ensemble.score(frame, members.names)
            found = {
                "places": rank_beside(score, score, frame["team_id"].to_numpy()),
                "score": score,
            }
            if played:
                found["strength"] = played[number]["regular_strength"]
                found["playoff_strength"] = played[number]["playoffs_strength"]
                found["wins"] = played[number]["expected_wins"]
            result.append(found)
        return result

    def _case(self, team: int, player: int) -> _Case:
        strengths = None if self._morning is None else self._morning[1]
        if not player:
            return _Case(self._data, strengths)
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
        if strengths is not None:
            strengths = self._strengths(strengths, ratings, built.get("roster_strength"))
        return _Case(data, strengths)

    def _strengths(
        self, plain: SeasonStrengths, ratings: pd.DataFrame, built: pd.DataFrame | None
    ) -> SeasonStrengths:
        """Return the strengths of the teams as these players are there."""
        odds = self._ranker.projection
        assert odds is not None
        if built is None:
            on = GroupConfig(enabled=True)
            built = roster_strength.build(self._tables, ratings, self._rows, on)
        columns = {name: built[name].to_numpy() for name in ROSTER_INPUTS}
        models = odds.of_date(self._inputs)
        if {*RESIDUAL_INPUTS} & {*models.regular.inputs, *models.playoffs.inputs}:
            columns |= residual_inputs(self._tables, ratings, self._rows, columns)
        rated = self._inputs.assign(
            **{name: values - values.mean() for name, values in columns.items()}
        )
        rated = restated(rated, self._tables, self._ratings, ratings)
        regular = models.regular.strength(rated)
        change = regular - plain.regular
        return replace(
            plain,
            regular=regular,
            playoffs=models.playoffs.strength(rated),
            spells=tuple((day, of_spell + change) for day, of_spell in plain.spells),
        )

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
