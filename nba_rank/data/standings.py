"""Regular-season standings of one season, with the league's tie-breaks.

Source: the league's playoff tie-break procedures as in force since 2015-16: seeds by winning
percentage, ties of two teams by seven criteria and of three or more by six. Percentages are
compared exactly: a quotient of two whole numbers is correctly rounded, so equal records of unequal
length (41-41 and 36-36) compare as equal.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

BERTHS = 8
"""Teams of a conference in the playoffs; the tie-breaks' "teams eligible for the playoffs"."""

Criterion = Callable[[np.ndarray], np.ndarray]
"""Team indices [k] of a tied group -> values [k], higher is better."""


@dataclass(frozen=True)
class Records:
    """Who beat whom. T teams of a season, in ascending order of id.

    Attributes:
        team_id: Team ids, int64 [T].
        beat: Wins of the row team over the column team, int64 [T, T].
        point_diff: Points scored less points allowed, all games, int64 [T].
        conference: Conference codes, int64 [T].
        division: Division codes, unique over conferences, int64 [T].
        win_pct: Winning percentage, all games; one half without games, float64 [T].
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


def win_pct(wins: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Return wins over games, elementwise; one half where there is no game yet.

    Args:
        wins: Games won, any shape.
        losses: Games lost, the same shape.

    Returns:
        Percentages between 0 and 1, float64.
    """
    games = np.asarray(wins) + np.asarray(losses)
    return np.where(games > 0, wins / np.maximum(games, 1), 0.5)


def _break_tie(
    group: np.ndarray, of_two: list[Criterion], of_more: list[Criterion]
) -> list[np.ndarray]:
    """Split a tied group into single teams, best first.

    The first criterion that separates any teams of the group orders it; teams that remain tied
    start again from the first criterion for their number. If no criterion separates them, the
    league draws lots; here the team id decides.
    """
    if len(group) == 1:
        return [group]
    for criterion in of_two if len(group) == 2 else of_more:
        values = criterion(group)
        levels = np.unique(values)[::-1]
        if len(levels) > 1:
            return [
                team
                for level in levels
                for team in _break_tie(group[values == level], of_two, of_more)
            ]
    return [group[i : i + 1] for i in range(len(group))]


def _order(
    teams: np.ndarray, pct: np.ndarray, of_two: list[Criterion], of_more: list[Criterion]
) -> np.ndarray:
    """Return team indices ordered by winning percentage, then tie-breaks."""
    groups = (teams[pct[teams] == level] for level in np.unique(pct[teams])[::-1])
    return np.concatenate([t for group in groups for t in _break_tie(group, of_two, of_more)])


def _eligible(records: Records) -> np.ndarray:
    """Return the mask [T] of each conference's best eight by record, ties with the eighth in."""
    mask = np.zeros(len(records.win_pct), dtype=bool)
    for code in np.unique(records.conference):
        members = records.conference == code
        pct = np.sort(records.win_pct[members])[::-1]
        mask |= members & (records.win_pct >= pct[min(BERTHS, len(pct)) - 1])
    return mask


def _seed_orders(records: Records) -> tuple[list[np.ndarray], np.ndarray]:
    """Return each conference's team indices in order of seeds, and who won a division [T]."""
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

    def division_winner(group: np.ndarray) -> np.ndarray:
        return winner[group]

    def division_record(group: np.ndarray) -> np.ndarray:
        one_division = len(np.unique(records.division[group])) == 1
        return in_division[group] if one_division else np.zeros(len(group))

    before: list[Criterion] = [among_tied]
    after: list[Criterion] = [
        division_record,
        lambda group: in_conference[group],
        lambda group: own_field[group],
    ]
    other: list[Criterion] = [lambda group: other_field[group]]
    margin: list[Criterion] = [lambda group: records.point_diff[group]]

    # Ties for a division title come before all others and settle nothing but the title.
    for code in np.unique(records.division):
        members = np.flatnonzero(records.division == code)
        best = members[records.win_pct[members] == records.win_pct[members].max()]
        first = _break_tie(best, before + after + other + margin, before + after + margin)[0]
        winner[first] = True
    of_two = [*before, division_winner, *after, *other, *margin]
    of_more = [division_winner, *before, *after, *margin]
    orders = [
        _order(np.flatnonzero(records.conference == code), records.win_pct, of_two, of_more)
        for code in np.unique(records.conference)
    ]
    return orders, winner


def _merge(orders: list[np.ndarray], records: Records) -> list[int]:
    """Merge the conferences' orders into one by record, head-to-head, then point differential."""
    queues = [list(order) for order in orders]
    merged: list[int] = []

    def better(a: int, b: int) -> bool:
        keys = [
            (records.win_pct[a], records.win_pct[b]),
            (records.beat[a, b], records.beat[b, a]),
            (records.point_diff[a], records.point_diff[b]),
        ]
        return next((left > right for left, right in keys if left != right), a < b)

    while any(queues):
        heads = [queue for queue in queues if queue]
        best = heads[0]
        for queue in heads[1:]:
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
    """Return who beat whom.

    Args:
        members: Teams of a season, sorted by id, as `regular_season` returns them.
        rows: The team games that count.

    Raises:
        ValueError: A game names a team that is not among the season's.
    """
    ids = members["team_id"].to_numpy()
    team, opponent = (team_codes(rows[column], ids) for column in ("team_id", "opponent_team_id"))
    margin = (rows["points"] - rows["opponent_points"]).to_numpy()
    conference, division = alignment(members)
    return count_records(ids, conference, division, team, opponent, rows["won"].to_numpy(), margin)


def alignment(members: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the conference and division codes of the teams of a season, int64 [T] each."""
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
    """Return who beat whom, from N rows of teams and games.

    Args:
        team_id: Ids of the season's teams, ascending [T].
        conference: Conference codes [T].
        division: Division codes [T].
        team: Position of the team, int64 [N].
        opponent: Position of its opponent, int64 [N].
        won: Whether the team won, bool [N].
        margin: Points scored less points allowed [N].
    """
    n = len(team_id)
    beat = np.bincount(team[won] * n + opponent[won], minlength=n * n).reshape(n, n)
    points = np.bincount(team, weights=margin, minlength=n).astype("int64")
    pct = win_pct(beat.sum(axis=1), beat.sum(axis=0))
    return Records(team_id, beat, points, conference, division, pct)


def standings(team_games: pd.DataFrame, teams: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return the regular-season standings of a season, or of the part of it that is given.

    Args:
        team_games: Team games as in the schema. Only the season's rows of kind `regular` count;
            cut them by date for the standings of a morning.
        teams: Teams as in the schema; the season's rows name conference and division.
        season: Season, such as `2023-24`.

    Returns:
        One row a team, ordered by `league_rank`:
        `season`, `team_id`, `conference`, `division`;
        `wins`, `losses`, `conference_wins`, `conference_losses`, `division_wins`,
        `division_losses` (games);
        `win_pct` (0 to 1; one half before the first game);
        `games_behind` (games behind the conference's first seed, halves possible; negative only
        when teams have played unequal numbers of games);
        `point_diff` (points scored less allowed, season sum);
        `division_winner`;
        `seed` (1 is best, within the conference, by record and the tie-breaks of 2015-16 and
        later. Until 2014-15 division winners were seeded ahead of better records, in several
        forms: the seed still says the order by record, and the playoff field of those seasons
        has to be taken from the games);
        `league_rank` (1 is best, over both conferences, a strict order that agrees with the
        seeds: conferences are merged by record, then head-to-head, then point differential of
        the two teams compared). The lower `league_rank` is the better record that hosts a series
        between conferences.

    Raises:
        ValueError: The season has no teams, or a game names a team that is not among them.
    """
    members, rows = regular_season(team_games, teams, season)
    records = records_of(members, rows)
    beat, conference, division = records.beat, records.conference, records.division
    n = len(beat)
    wins, losses = beat.sum(axis=1), beat.sum(axis=0)
    orders, winner = _seed_orders(records)

    seed = np.zeros(n, dtype="int64")
    games_behind = np.zeros(n)
    for order in orders:
        seed[order] = np.arange(1, len(order) + 1)
        lead = wins[order[0]] - losses[order[0]]
        games_behind[order] = (lead - (wins - losses)[order]) / 2
    ranked = np.array(_merge(orders, records))
    same_conference = conference[:, None] == conference
    same_division = division[:, None] == division
    table = pd.DataFrame(
        {
            "season": members["season"],
            "team_id": records.team_id,
            "conference": members["conference"],
            "division": members["division"],
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
        }
    )
    table = table.iloc[ranked].reset_index(drop=True)
    table["league_rank"] = np.arange(1, n + 1)
    return table


def team_codes(team_ids: pd.Series | np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the positions of team ids in a sorted array of ids.

    Args:
        team_ids: Team ids [N].
        ids: Ids of the season's teams, ascending [T].

    Returns:
        Positions [N] between 0 and T - 1.

    Raises:
        ValueError: An id is not among the season's teams.
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
