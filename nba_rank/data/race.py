"""The race for the playoffs by date: games left, distances, eliminated, clinched.

Letters: D as-of dates, T teams of the season, C teams of one conference.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nba_rank.data import league
from nba_rank.data.standings import BERTHS, regular_season, team_codes, win_pct

TeamRows = pd.DataFrame | Mapping[str, np.ndarray]
"""Regular-season team games, a frame or columns by name."""


def _played_before(
    rows: TeamRows, ids: np.ndarray, dates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each team's wins and losses [D, T] before each date."""
    days, day = np.unique(np.asarray(rows["game_date"]), return_inverse=True)
    team = team_codes(rows["team_id"], ids)
    won = np.asarray(rows["won"])
    shape = (len(days) + 1, len(ids))
    before = np.searchsorted(days, dates, side="left")
    counts = []
    for mask in (won, ~won):
        cells = (day[mask] + 1) * len(ids) + team[mask]
        daily = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
        counts.append(daily.cumsum(axis=0)[before])
    return counts[0], counts[1]


def _format(
    rows: TeamRows, season: str, dates: np.ndarray, played: np.ndarray, ids: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the last seed that can reach the playoffs [D], games left and the uninvited [D, T].

    `played` is the number of games before each date [D, T].
    """
    left = np.maximum(league.scheduled_games(season) - played, 0)
    play_in = league.play_in(season)
    line = np.full(len(dates), play_in.line if play_in else BERTHS)
    restart = league.restart(season)
    if restart is None:
        return line, left, np.zeros(left.shape, dtype=bool)
    stopped, resumed = restart.stopped.to_datetime64(), restart.resumed.to_datetime64()
    days = np.unique(np.asarray(rows["game_date"]))
    # A simulated season of this label has games between stop and restart.
    no_stop = np.searchsorted(days[(days > stopped) & (days < resumed)], dates, side="left") > 0
    announced = dates > restart.announced.to_datetime64()
    in_force = (announced & ~no_stop)[:, None]
    wins, losses = _played_before(rows, ids, np.array([resumed]))
    since = np.maximum(played - (wins + losses), 0)
    uninvited = np.isin(ids, list(restart.uninvited))
    after = np.where(uninvited, 0, np.maximum(restart.games - since, 0))
    line = np.where(announced | no_stop, line, BERTHS)
    return line, np.where(in_force, after, left), in_force & uninvited


def _decided(
    worst: np.ndarray,
    best: np.ndarray,
    division: np.ndarray,
    line: np.ndarray,
    winners_first: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return who is eliminated, who has clinched, and `seeds_in_reach` of one conference [D, C].

    `worst` and `best` are final winning percentages if all games left are lost or won [D, C], and
    `line` is the last seed that can still reach the playoffs [D].
    """
    out_of_reach = worst[:, None, :] > best[:, :, None]
    can_catch = (best[:, None, :] >= worst[:, :, None]) & ~np.eye(len(division), dtype=bool)
    in_reach = (can_catch & can_catch.transpose(0, 2, 1)).sum(axis=2)
    # A play-in decides the last berths: one of each conference in 2020, two since.
    safe = (2 * BERTHS - line)[:, None]
    line = line[:, None]
    if not winners_first:
        return out_of_reach.sum(axis=2) >= line, can_catch.sum(axis=2) < safe, in_reach
    same = division[:, None] == division
    division_lost = (out_of_reach & same).any(axis=2)
    eliminated = (out_of_reach.sum(axis=2) >= line) & division_lost
    # The winner of another division may take a berth with a worse record.
    codes = np.unique(division)
    ahead = np.stack([can_catch[:, :, division == code].sum(axis=2) for code in codes], axis=2)
    elsewhere = division[:, None] != codes
    return eliminated, np.maximum(ahead, elsewhere).sum(axis=2) < safe, in_reach


def games_left(
    rows: TeamRows, season: str, ids: np.ndarray, as_of_date: pd.Timestamp
) -> np.ndarray:
    """Return `games_left` of `race` on one morning, int64 [T], from a season's regular games."""
    dates = np.array([as_of_date.to_datetime64()])
    wins, losses = _played_before(rows, ids, dates)
    return _format(rows, season, dates, wins + losses, ids)[1][0]


def race(
    team_games: pd.DataFrame,
    teams: pd.DataFrame,
    season: str,
    as_of_dates: pd.DatetimeIndex,
) -> pd.DataFrame:
    """Return the race for the playoffs of one season on the mornings of some dates.

    Only regular-season games before the as-of date count. `eliminated` and `clinched` are certain:
    they compare final winning percentages and assume nothing about ties, tie-breaks or who meets
    whom in the games left, so they may come a few days later than the league's own.

    Returns:
        D * T rows, by date as given and then `team_id`: `season`, `as_of_date`, `team_id`;
        `wins`, `losses` (games so far);
        `games_left` (scheduled games less those played; once the restart of 2019-20 is announced,
        eight seeding games less those played, and none for teams not invited);
        `games_behind_line` (by wins less losses, behind the team at the line: the conference's last
        seed that can still reach the playoffs or the play-in; negative: ahead of it. The line of
        2019-20 is 8 until its play-in was announced);
        `eliminated` (as many teams of the conference as there are seeds down to the line will
        finish above this team; until 2014-15 its division must be lost too; teams not invited to
        the restart of 2019-20 are out once that is known);
        `clinched` (a berth without a play-in game: too few teams of the conference can reach this
        team's present wins to take it; until 2014-15 every other division has one that can);
        `seeds_in_reach` (rivals of the conference that can finish level with this team or on its
        other side).

    Raises:
        ValueError: The season has no teams, or a game names another team.
    """
    members, rows = regular_season(team_games, teams, season)
    ids = members["team_id"].to_numpy()
    as_of = pd.DatetimeIndex(as_of_dates).as_unit("us")
    dates = as_of.to_numpy()
    wins, losses = _played_before(rows, ids, dates)
    played = wins + losses
    line, left, uninvited = _format(rows, season, dates, played, ids)
    worst, best = win_pct(wins, losses + left), win_pct(wins + left, losses)
    ahead = (wins - losses) / 2

    winners_first = league.seeded_with_winners(season) is not None
    division = pd.factorize(members["division"])[0]
    eliminated = np.zeros(wins.shape, dtype=bool)
    clinched = np.zeros(wins.shape, dtype=bool)
    behind = np.zeros(wins.shape)
    in_reach = np.zeros(wins.shape, dtype=np.int64)
    for conference in members["conference"].unique():
        own = (members["conference"] == conference).to_numpy()
        eliminated[:, own], clinched[:, own], in_reach[:, own] = _decided(
            worst[:, own], best[:, own], division[own], line, winners_first
        )
        place = np.minimum(line, own.sum())[:, None]
        at_line = np.take_along_axis(np.sort(ahead[:, own], axis=1)[:, ::-1], place - 1, axis=1)
        behind[:, own] = at_line - ahead[:, own]
    return pd.DataFrame(
        {
            "season": pd.Series(season, index=range(wins.size), dtype="str"),
            "as_of_date": np.repeat(dates, len(ids)),
            "team_id": np.tile(ids, len(dates)),
            "wins": wins.ravel(),
            "losses": losses.ravel(),
            "games_left": left.ravel(),
            "games_behind_line": behind.ravel(),
            "eliminated": (eliminated | uninvited).ravel(),
            "clinched": clinched.ravel(),
            "seeds_in_reach": in_reach.ravel(),
        }
    )
