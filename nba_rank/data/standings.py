"""Regular-season standings with the league's tie-breaks.

Source: the league's playoff tie-break procedures since 2015-16: seven criteria for ties of two
teams, six for more; before, a division title came first for two as well. Percentages are compared
exactly: a quotient of whole numbers is correctly rounded, so 41-41 equals 36-36.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from nba_rank.data import league

BERTHS = 8
"""Playoff teams of a conference."""

LOTS = "lots"
"""The rule where no criterion tells teams apart."""

Criterion = Callable[[np.ndarray], np.ndarray]
"""Team indices [K] of a tied group -> values [K], higher is better."""

Criteria = dict[str, Criterion]  # by the name of the rule, in order


@dataclass(frozen=True)
class Records:
    """Who beat whom among T teams in ascending order of id.

    Attributes:
        team_id: Team ids, int64 [T].
        beat: Wins of the row team over the column team, int64 [T, T].
        point_diff: Points scored less points allowed, int64 [T].
        conference: Conference codes, int64 [T].
        division: Division codes, unique over conferences, int64 [T].
        win_pct: Winning percentages, one half without games, float64 [T].
    """

    team_id: np.ndarray
    beat: np.ndarray
    point_diff: np.ndarray
    conference: np.ndarray
    division: np.ndarray
    win_pct: np.ndarray

    def pct_against(self, opponents: np.ndarray) -> np.ndarray:
        """Return winning percentages [T] against each team's opponents, a mask [T, T] or [T]."""
        wins = (self.beat * opponents).sum(axis=1)
        return win_pct(wins, (self.beat.T * opponents).sum(axis=1))

    def with_games(self, home: np.ndarray, away: np.ndarray, margin: np.ndarray) -> Self:
        """Return the records after N more games.

        `home` and `away` are positions [N], `margin` is points of the home team less the other's,
        not 0 [N].
        """
        more = count_records(
            self.team_id,
            self.conference,
            self.division,
            np.concatenate([home, away]),
            np.concatenate([away, home]),
            np.concatenate([margin > 0, margin < 0]),
            np.concatenate([margin, -margin]),
        )
        beat, point_diff = self.beat + more.beat, self.point_diff + more.point_diff
        pct = win_pct(beat.sum(axis=1), beat.sum(axis=0))
        return replace(self, beat=beat, point_diff=point_diff, win_pct=pct)


def win_pct(wins: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Return wins over games (0 to 1), elementwise; one half where there is no game."""
    games = np.asarray(wins) + np.asarray(losses)
    return np.where(games > 0, wins / np.maximum(games, 1), 0.5)


def _break_tie(
    group: np.ndarray, of_two: Criteria, of_more: Criteria, apart: str = ""
) -> list[tuple[int, str]]:
    """Return the teams of a tied group, best first, and the rule that set each behind the last.

    The first criterion that separates any teams orders the group; teams that remain tied start
    again with the first criterion for their number. Where the league would draw lots, the lower
    team id is first. `apart` is the rule of the first team.
    """
    if len(group) > 1:
        for rule, criterion in (of_two if len(group) == 2 else of_more).items():
            values = criterion(group)
            levels = np.unique(values)[::-1]
            if len(levels) > 1:
                rules = [apart, *[rule] * (len(levels) - 1)]
                return [
                    team
                    for level, rule in zip(levels, rules, strict=True)
                    for team in _break_tie(group[values == level], of_two, of_more, rule)
                ]
    return [(int(team), LOTS if place else apart) for place, team in enumerate(group)]


def _order(
    teams: np.ndarray, pct: np.ndarray, of_two: Criteria, of_more: Criteria
) -> list[tuple[int, str]]:
    """Return team indices ordered by winning percentage, then tie-breaks; see `_break_tie`."""
    groups = (teams[pct[teams] == level] for level in np.unique(pct[teams])[::-1])
    return [team for group in groups for team in _break_tie(group, of_two, of_more)]


def _eligible(records: Records) -> np.ndarray:
    """Return the mask [T] of each conference's best eight by record and teams level with them."""
    mask = np.zeros(len(records.win_pct), dtype=bool)
    for code in np.unique(records.conference):
        members = records.conference == code
        pct = np.sort(records.win_pct[members])[::-1]
        mask |= members & (records.win_pct >= pct[min(BERTHS, len(pct)) - 1])
    return mask


def winners_first(order: np.ndarray, winner: np.ndarray, others: int | None) -> np.ndarray:
    """Return orders of seed [S, K] from orders by record [S, K].

    `winner` says which teams won a division [S, T], `others` how many more go with them, see
    `nba_rank.data.league.seeded_with_winners`.
    """
    if others is None:
        return order
    first = np.take_along_axis(winner, order, axis=1)
    first |= np.cumsum(~first, axis=1) <= others
    return np.take_along_axis(order, np.argsort(~first, axis=1, kind="stable"), axis=1)


def _orders(records: Records, title_first: bool) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return each conference's order of record, who won a division [T], and the tie-breaks [T].

    Of two teams level, the title decides before their games against each other if `title_first`.
    """
    same_division = records.division[:, None] == records.division
    same_conference = records.conference[:, None] == records.conference
    eligible = _eligible(records)
    in_division = records.pct_against(same_division)
    in_conference = records.pct_against(same_conference)
    own_field = records.pct_against(same_conference & eligible)
    other_field = records.pct_against(~same_conference & eligible)
    winner = np.zeros(len(eligible), dtype=bool)

    def among_tied(group: np.ndarray) -> np.ndarray:
        beat = records.beat[np.ix_(group, group)]
        return win_pct(beat.sum(axis=1), beat.sum(axis=0))

    def division_record(group: np.ndarray) -> np.ndarray:
        one_division = len(np.unique(records.division[group])) == 1
        return in_division[group] if one_division else np.zeros(len(group))

    def by(values: np.ndarray) -> Criterion:
        return lambda group: values[group]

    head_to_head: Criteria = {"head-to-head": among_tied}
    title: Criteria = {"division title": by(winner)}
    after: Criteria = {
        "division record": division_record,
        "conference record": by(in_conference),
        "playoff teams of own conference": by(own_field),
    }
    other: Criteria = {"playoff teams of other conference": by(other_field)}
    margin: Criteria = {"point differential": by(records.point_diff)}
    # Ties for a division title are broken first and decide only the title.
    for code in np.unique(records.division):
        members = np.flatnonzero(records.division == code)
        best = members[records.win_pct[members] == records.win_pct[members].max()]
        first = _break_tie(
            best, head_to_head | after | other | margin, head_to_head | after | margin
        )
        winner[first[0][0]] = True
    of_two = title | head_to_head if title_first else head_to_head | title
    of_two, of_more = of_two | after | other | margin, title | head_to_head | after | margin
    orders, rules = [], np.full(len(eligible), "", dtype=object)
    for code in np.unique(records.conference):
        ordered = _order(
            np.flatnonzero(records.conference == code), records.win_pct, of_two, of_more
        )
        orders.append(np.array([team for team, _ in ordered]))
        rules[orders[-1]] = [rule for _, rule in ordered]
    return orders, winner, rules


def _merge(orders: list[np.ndarray], records: Records) -> list[int]:
    """Merge the conferences' orders by record, head-to-head, then point differential."""
    queues = [list(order) for order in orders]
    merged: list[int] = []

    def better(a: int, b: int) -> bool:
        keys = [
            (records.win_pct[a], records.win_pct[b]),
            (records.beat[a, b], records.beat[b, a]),
            (records.point_diff[a], records.point_diff[b]),
        ]
        return next((left > right for left, right in keys if left != right), a < b)

    while queues := [queue for queue in queues if queue]:
        best = queues[0]
        for queue in queues[1:]:
            if better(queue[0], best[0]):
                best = queue
        merged.append(int(best.pop(0)))
    return merged


def regular_season(
    team_games: pd.DataFrame, teams: pd.DataFrame, season: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the teams of a season, sorted by id, and its regular-season team games.

    Raises:
        ValueError: The season has no teams.
    """
    members = teams[teams["season"] == season].sort_values("team_id", ignore_index=True)
    if members.empty:
        raise ValueError(f"no teams of season {season!r} in the table of teams")
    rows = team_games[(team_games["season"] == season) & (team_games["kind"] == "regular")]
    return members, rows


def records_of(members: pd.DataFrame, rows: pd.DataFrame) -> Records:
    """Return who beat whom, of the teams and team games that `regular_season` returns.

    Raises:
        ValueError: A game names another team.
    """
    ids = members["team_id"].to_numpy()
    team, opponent = (team_codes(rows[column], ids) for column in ("team_id", "opponent_team_id"))
    margin = (rows["points"] - rows["opponent_points"]).to_numpy()
    conference, division = alignment(members)
    return count_records(ids, conference, division, team, opponent, rows["won"].to_numpy(), margin)


def alignment(members: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the conference and division codes of a season's teams, int64 [T] each."""
    # Plain text: pandas takes a millisecond to join a few strings.
    of_team = list(zip(members["conference"], members["division"], strict=True))
    conference = np.unique([name for name, _ in of_team], return_inverse=True)[1]
    division = np.unique(["/".join(names) for names in of_team], return_inverse=True)[1]
    return conference, division


def count_records(
    team_id: np.ndarray,
    conference: np.ndarray,
    division: np.ndarray,
    team: np.ndarray,
    opponent: np.ndarray,
    won: np.ndarray,
    margin: np.ndarray,
) -> Records:
    """Return who beat whom, from N team games.

    `team` and `opponent` are positions [N], `margin` is points scored less allowed [N].
    """
    n = len(team_id)
    beat = np.bincount(team[won] * n + opponent[won], minlength=n * n).reshape(n, n)
    points = np.bincount(team, weights=margin, minlength=n).astype("int64")
    pct = win_pct(beat.sum(axis=1), beat.sum(axis=0))
    return Records(team_id, beat, points, conference, division, pct)


def standings(team_games: pd.DataFrame, teams: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return the standings of a season from its rows of kind `regular`, see `standings_of`.

    Raises:
        ValueError: The season has no teams, or a game names another team.
    """
    members, rows = regular_season(team_games, teams, season)
    return standings_of(records_of(members, rows), members)


def standings_of(records: Records, members: pd.DataFrame) -> pd.DataFrame:
    """Return the standings of a season.

    `members` are its rows of the table of teams, in ascending order of id.

    Returns:
        One row a team, ordered by `league_rank`:
        `season`, `team_id`, `conference`, `division`;
        `wins`, `losses`, `win_pct` (0 to 1; one half before the first game);
        `games_behind` (behind the conference's first seed; negative only if teams have played
        unequal numbers of games);
        `conference_wins`, `conference_losses`, `division_wins`, `division_losses`;
        `point_diff` (points scored less allowed), `division_winner`;
        `seed` (1 is best, within the conference);
        `tie_break` (the rule that put the team behind the next better one of the conference, where
        their records are equal, else empty; `LOTS`: the lower id is first);
        `league_rank` (1 is best, a strict order by record over both conferences, which decides home
        court; it agrees with the seeds unless division winners are seeded first).
    """
    beat, conference, division = records.beat, records.conference, records.division
    n = len(beat)
    wins, losses = beat.sum(axis=1), beat.sum(axis=0)
    others = league.seeded_with_winners(str(members["season"].iloc[0]))
    orders, winner, rules = _orders(records, title_first=others is not None)

    seed = np.zeros(n, dtype="int64")
    games_behind = np.zeros(n)
    for order in orders:
        (seeded,) = winners_first(order[None], winner[None], others)
        seed[seeded] = np.arange(1, len(order) + 1)
        lead = wins[order[0]] - losses[order[0]]
        games_behind[order] = (lead - (wins - losses)[order]) / 2
    same_conference = conference[:, None] == conference
    same_division = division[:, None] == division
    columns = {
        "wins": wins,
        "losses": losses,
        "win_pct": records.win_pct,
        "games_behind": games_behind,
        "conference_wins": (beat * same_conference).sum(axis=1),
        "conference_losses": (beat.T * same_conference).sum(axis=1),
        "division_wins": (beat * same_division).sum(axis=1),
        "division_losses": (beat.T * same_division).sum(axis=1),
        "point_diff": records.point_diff,
        "division_winner": winner,
        "seed": seed,
        "tie_break": rules,
    }
    table = members[["season", "team_id", "conference", "division"]].assign(**columns)
    table = table.iloc[_merge(orders, records)].reset_index(drop=True)
    table["league_rank"] = np.arange(1, n + 1)
    return table


def team_codes(team_ids: pd.Series | np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the positions [N] of team ids [N] in the season's ascending ids [T].

    Raises:
        ValueError: An id is not among the season's.
    """
    values = np.asarray(team_ids)
    codes = np.minimum(np.searchsorted(ids, values), len(ids) - 1)
    unknown = values[ids[codes] != values]
    if len(unknown):
        raise ValueError(
            f"team {int(unknown[0])} plays but is not among the season's {len(ids)} teams: "
            "check the table of teams"
        )
    return codes
