"""Why teams have moved since an earlier date of the season: score, places and wins by cause.

The season is also simulated with the games of now and the strengths of before. What that changes
is due to results, the rest to strengths. A team's own strength counts by what a point of it is
worth at strengths halfway between the dates. Letters: N teams of the date, K parts.
"""

from dataclasses import dataclass, replace
from math import factorial
from typing import Any, Self

import numpy as np
import pandas as pd

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.explain.names import (
    MOVED_SCORE,
    OTHERS,
    OTHERS_RESULTS,
    OTHERS_SCORES,
    PLACES,
    PLAYER,
    PLAYER_STATES,
    RESULTS,
    SEASON,
    SMALL,
    WINS,
)
from nba_rank.explain.parts import AVERAGE, level
from nba_rank.explain.stack import rank_beside
from nba_rank.explain.strength import strengths_by_part
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.season_sim import SeasonStrengths, Situation
from nba_rank.samples.dataset import PROJECTED, Dataset

_ABSENT = 1 / 3
"""Share of his minutes below which a player counts as out."""

_NOTABLE_MINUTES = 8.0

_OWN = 8
"""Most parts of its own by which a team's places are split."""


@dataclass(frozen=True)
class Seen:
    """What a ranker reads on a date: of the teams, of its odds and of the players.

    `known` are the players as they are known to be, where others are assumed.
    """

    data: Dataset
    league: League
    ratings: pd.DataFrame
    known: pd.DataFrame | None = None


def moved_levels(
    ranker: Ranker, earlier: Seen, now: Seen, teams: list[int] | None = None
) -> list[pd.DataFrame]:
    """Return the levels `MOVED_SCORE`, `PLACES` and, where seasons are simulated, `WINS`.

    Places are split by the Shapley values of the parts of the score: a rank is no sum, and small
    gaps between teams would make other shares as large as one likes. The others' results and
    strengths are parts of a team's places, and of its score what it makes of them.

    Args:
        ranker: What ranks on both dates.
        earlier: What it read on the earlier date.
        now: What it reads now.
        teams: Teams that are asked for; None: all.
    """
    before, after = _scored(ranker, earlier), _scored(ranker, now)
    team = after["team_id"].to_numpy()
    asked = np.isin(team, team if teams is None else teams)
    odds = ranker.projection or ranker.ensemble.odds
    path = None
    if isinstance(odds, MonteCarloOdds):
        path = _Path.of(odds, earlier, now, before, after, asked)
    parts, of_players = _of_score(ranker, before, after, path)
    score = after["score"].to_numpy() - before["score"].to_numpy()
    own = [
        pd.DataFrame({"team_id": team, "part": part, "player_id": 0, "value": value})
        for part, value in parts.items()
    ]
    table = pd.concat([*own, of_players], ignore_index=True)
    table = table[table["team_id"].isin(team[asked])]
    found = [
        level(MOVED_SCORE, "relevance", team[asked], score[asked], {}, table),
        _places(before, after, table, parts.get(RESULTS), asked),
    ]
    return found if path is None else [*found, path.wins()]


def _scored(ranker: Ranker, seen: Seen) -> pd.DataFrame:
    """Return what goes into the score of each team, and `score`, in ascending order of id."""
    scored = ranker.scored(ranker.projected(seen.data, seen.league))
    return scored.sort_values("team_id", ignore_index=True)


@dataclass(frozen=True)
class _Path:
    """Simulated seasons between two dates.

    Attributes:
        team: Ids, [N].
        asked: Teams whose own strength is told apart, [N].
        played: Of before, of the games of now with the strengths of before, and of now.
        worth: What the team's own strength changes, by name of the column of `played`: `team_id`,
            `part`, `player_id`, `value`.
    """

    team: IntArray
    asked: BoolArray
    played: list[dict[str, Any]]
    worth: dict[str, pd.DataFrame]

    @classmethod
    def of(
        cls,
        odds: MonteCarloOdds,
        earlier: Seen,
        now: Seen,
        before: pd.DataFrame,
        after: pd.DataFrame,
        asked: BoolArray,
    ) -> Self:
        """Simulate them."""
        sides, mornings = [], []
        for seen, scored in ((earlier, before), (now, after)):
            league = seen.league
            rated = league.rated(scored).sort_values("team_id", ignore_index=True)
            sides.append(strengths_by_part(odds, rated, league.tables, seen.ratings))
            mornings += odds.mornings(rated, league.tables, league.hypothesis)
        (_, first), (situation, last) = mornings
        held = _with(last, first.regular, first.playoffs)
        played = odds.play([mornings[0], (situation, held), mornings[1]], rounds=False)
        middle = _with(
            last, (first.regular + last.regular) / 2, (first.playoffs + last.playoffs) / 2
        )
        slopes = _slopes(odds, situation, middle, asked)
        states = _states(earlier.ratings, now.ratings, now.known)
        changes = [_change(old, new, states) for old, new in zip(*sides, strict=True)]
        team = after["team_id"].to_numpy()
        worth = {}
        for column in _COLUMNS:
            tables = []
            for change, slope in zip(changes, slopes[column], strict=True):
                of_team = slope[np.searchsorted(team, change["team_id"])]
                tables.append(change.assign(value=change["value"] * of_team))
            key = ["team_id", "part", "player_id"]
            total = pd.concat(tables).groupby(key, as_index=False)["value"].sum()
            worth[column] = total[total["team_id"].isin(team[asked])]
        return cls(team, asked, played, worth)

    def step(self, column: str) -> tuple[FloatArray, FloatArray]:
        """Return what the games between change of a column, and what the strengths do, [N] each."""
        first, held, last = (np.asarray(one[column], dtype=np.float64) for one in self.played)
        return held - first, last - held

    def wins(self) -> pd.DataFrame:
        """Return the level `WINS`."""
        results, strengths = self.step("expected_wins")
        own = self.worth["expected_wins"]
        parts = {RESULTS: results, OTHERS: strengths - _sums(own, self.team)}
        whole = (results + strengths)[self.asked]
        parts = {name: value[self.asked] for name, value in parts.items()}
        return level(WINS, "wins", self.team[self.asked], whole, parts, own)


_COLUMNS = ("projected_rank", "expected_wins")


def _with(strengths: SeasonStrengths, regular: FloatArray, playoffs: FloatArray) -> SeasonStrengths:
    """Return strengths with others in their stead; spells differ from them as before."""
    spells = tuple((day, own + regular - strengths.regular) for day, own in strengths.spells)
    return replace(strengths, regular=regular, playoffs=playoffs, spells=spells)


def _slopes(
    odds: MonteCarloOdds, situation: Situation, strengths: SeasonStrengths, asked: BoolArray
) -> dict[str, list[FloatArray]]:
    """Return what one point of a team's own strength is worth in each of `_COLUMNS`, [N] each.

    First in the regular season, then in the playoffs; 0 for teams that are not asked for.
    """
    n, rows = len(asked), np.flatnonzero(asked)
    mornings = []
    for regular in (True, False):
        for row in rows:
            for side in (0.5, -0.5):
                point = np.zeros(n)
                point[row] = side
                changed = (
                    _with(strengths, strengths.regular + point, strengths.playoffs)
                    if regular
                    else _with(strengths, strengths.regular, strengths.playoffs + point)
                )
                mornings.append((situation, changed))
    played = odds.play(mornings, rounds=False)
    found = {}
    for column in _COLUMNS:
        of_each = np.array([one[column] for one in played], dtype=np.float64)
        of_each = of_each.reshape(2, len(rows), 2, n)
        slopes = [np.zeros(n), np.zeros(n)]
        for slope, sides in zip(slopes, of_each, strict=True):
            slope[rows] = (sides[:, 0] - sides[:, 1])[np.arange(len(rows)), rows]
        found[column] = slopes
    return found


def _states(
    earlier: pd.DataFrame, now: pd.DataFrame, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the players of either date by team, with the part that they are.

    One who is known to be there and is assumed not to be anywhere is out.
    """
    key, columns = ["team_id", "player_id"], ["team_id", "player_id", "expected_minutes"]
    both = earlier[columns].merge(now[columns], on=key, how="outer", suffixes=("_old", "_new"))
    old, new = both["expected_minutes_old"], both["expected_minutes_new"]
    assumed_out = np.zeros(len(both), dtype=bool)
    if known is not None:
        gone = known[~known["player_id"].isin(now["player_id"])]
        assumed_out = pd.MultiIndex.from_frame(both[key]).isin(pd.MultiIndex.from_frame(gone[key]))
    part = np.select(
        [
            old.isna(),
            new.isna() & assumed_out,
            new.isna(),
            (new >= _NOTABLE_MINUTES) & (old < _ABSENT * new),
            (old >= _NOTABLE_MINUTES) & (new < _ABSENT * old),
        ],
        [PLAYER_STATES[name] for name in ("came", "out", "left", "back", "out")],
        PLAYER,
    )
    return both[key].assign(state=part)


def _change(old: pd.DataFrame, new: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Return how much more the parts of strengths are: of players in sum, of others one by one."""
    both = pd.concat([new, old.assign(value=-old["value"])])
    both = both.merge(states, on=["team_id", "player_id"], how="left")
    both["part"] = both["state"].where(both["player_id"] > 0, both["part"])
    key = ["team_id", "part", "player_id"]
    return both.groupby(key)["value"].sum().reset_index()


def _sums(table: pd.DataFrame, team: IntArray) -> FloatArray:
    return table.groupby("team_id")["value"].sum().reindex(team, fill_value=0.0).to_numpy()


def _of_score(
    ranker: Ranker, before: pd.DataFrame, after: pd.DataFrame, path: _Path | None
) -> tuple[dict[str, FloatArray], pd.DataFrame]:
    """Return the parts of the change of the score, [N] each, and the team's own of the projection.

    The projection's is split by cause, where it is an input; those of other inputs stay whole.
    What the weights of the inputs change as the season goes on is a part of its own.
    """
    ensemble, names = ranker.ensemble, ranker.members.names
    team = after["team_id"].to_numpy()

    def parts(frame: pd.DataFrame) -> pd.DataFrame:
        found = ensemble.parts(frame, names).drop(columns="intercept", errors="ignore")
        return found - found.mean()

    last = parts(after)
    inputs = [str(name) for name in last]
    # As before, but at the weights of now.
    held = parts(after.assign(**{name: before[name] for name in inputs if name in before}))
    first = parts(before).reindex(columns=inputs, fill_value=0.0)
    moved = {name: (last[name] - held[name]).to_numpy() for name in inputs}
    moved[SEASON] = (held - first).sum(axis=1).to_numpy()
    own = pd.DataFrame({"team_id": team, "part": "", "player_id": 0, "value": 0.0})[:0]
    if PROJECTED in moved and path is not None:
        del moved[PROJECTED]
        outcome = after[PROJECTED].to_numpy()
        _, strengths = path.step("projected_rank")
        middle = parts(after.assign(**{PROJECTED: outcome + strengths}))[PROJECTED]
        point = ensemble.parts(after.assign(**{PROJECTED: outcome + 1}), names)[PROJECTED]
        worth = (point - ensemble.parts(after, names)[PROJECTED]).to_numpy()
        own = path.worth["projected_rank"]
        own = own.assign(value=-own["value"] * worth[np.searchsorted(path.team, own["team_id"])])
        moved[RESULTS] = (middle - held[PROJECTED]).to_numpy()
        moved[OTHERS] = (last[PROJECTED] - middle).to_numpy() - _sums(own, path.team)
    score = after["score"].to_numpy() - before["score"].to_numpy()
    moved[AVERAGE] = score - sum(moved.values()) - _sums(own, team)
    return moved, own


def _places(
    before: pd.DataFrame,
    after: pd.DataFrame,
    table: pd.DataFrame,
    results: FloatArray | None,
    asked: BoolArray,
) -> pd.DataFrame:
    """Return the level `PLACES` of the teams that are asked for.

    Args:
        before: Scores of the earlier date.
        after: Scores of now.
        table: Parts of the changes of the scores of these teams.
        results: Part of each team's change that is due to results, [N]; None: nothing tells.
        asked: These teams, [N].
    """
    team = after["team_id"].to_numpy()
    old, new = (of["score"].to_numpy() - of["score"].mean() for of in (before, after))
    ranks = [rank_beside(score, score, team) for score in (old, new)]
    rows, wholes = [], []
    for row in np.flatnonzero(asked).tolist():
        own = table[(table["team_id"] == team[row]) & (table["part"] != AVERAGE)]
        # New results are always told apart.
        size = own["value"].abs().mask(own["part"] == RESULTS, np.inf)
        few = own.loc[size.sort_values(ascending=False, kind="stable").index].head(_OWN)
        named = list(few[["part", "player_id"]].itertuples(index=False, name=None))
        values = few["value"].to_numpy()
        # With it the changes sum to that of the score, to the last bit.
        small = new[row] - old[row] - values.sum()
        due = np.zeros(len(team)) if results is None else results
        others = np.delete(np.stack([due, new - old - due]), row, axis=1)
        places = float(ranks[0][row]), float(ranks[1][row])
        split = _shapley(np.array([*values, small]), others, old, row, places)
        theirs = OTHERS_SCORES if results is None else OTHERS
        parts = [*named, (SMALL, 0), (OTHERS_RESULTS, 0), (theirs, 0)]
        rows += [
            (team[row], part, player, value)
            for (part, player), value in zip(parts, split, strict=True)
        ]
        wholes.append(places[0] - places[1])
    key = ["team_id", "part", "player_id"]
    frame = pd.DataFrame(rows, columns=[*key, "value"])
    frame = frame.groupby(key, sort=False)["value"].sum().reset_index()
    return level(PLACES, "places", team[asked], np.array(wholes), {}, frame)


def _shapley(
    own: FloatArray, others: FloatArray, score: FloatArray, row: int, places: tuple[float, float]
) -> FloatArray:
    """Return what each part gains in places, those of the team and the two of the others, [K + 2].

    Args:
        own: Parts of the change of the team's score, [K].
        others: Two parts of the changes of the others' scores, [2, N - 1].
        score: Scores before, [N].
        row: The team's row.
        places: Its ranks before and now.
    """
    k = len(own) + 2
    taken = (np.arange(2**k)[:, None] >> np.arange(k)) & 1
    reached = (score[row] + taken[:, :-2] @ own)[:, None]
    beside = np.delete(score, row) + taken[:, -2:] @ others
    first = np.arange(len(score) - 1) < row
    place = 1.0 + ((beside > reached) | ((beside == reached) & first)).sum(axis=1)
    place[[0, -1]] = places  # of equal scores the last bits of a sum must not decide
    size = taken.sum(axis=1)
    weight = np.array([factorial(s) * factorial(k - s - 1) / factorial(k) for s in range(k)])
    found = np.empty(k)
    for part in range(k):
        without = np.flatnonzero(taken[:, part] == 0)
        gained = place[without] - place[without + (1 << part)]
        found[part] = (weight[size[without]] * gained).sum()
    return found
