"""As-of dates: an even grid, and the points of a season at which skill is measured."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data.league import league_teams, usual_opening
from nba_rank.data.outcomes import ROUNDS, series
from nba_rank.data.tables import Tables, conform

POINT_SHARES = {"open": 0.0, "0.05": 0.05, "0.15": 0.15, "0.25": 0.25, "0.5": 0.5, "0.75": 0.75}
"""Share of the regular season's games played by each as-of point but the last."""

AS_OF_POINTS = (*POINT_SHARES, "end")
"""As-of points in order; `end` is the morning after the last regular-season day."""

PLAYOFF_POINTS = tuple(
    f"round_{number}_{when}" for number in range(1, ROUNDS + 1) for when in ("begins", "two_games")
)
"""Points after `end` at which odds are judged: the morning of the first game of each round, and the
morning after the last of the second games of its series. The play-in begins at `end`."""

PLAYOFFS = "playoffs"
"""Name of all other dates after `end`."""

MAX_DAYS_WITHOUT_GAMES = 14
"""Days after the last game day that belong to its season: more than the All-Star break."""


def as_of_points(tables: Tables, season: str) -> dict[str, pd.Timestamp]:
    """Return the date of each as-of point that a season has reached.

    It is the morning of the day on which the share of regular games played reaches the point's.

    Raises:
        ValueError: The season is not in the tables.
    """
    row = _season_row(tables, season)
    games = tables.games
    played = (games["season"] == season) & (games["kind"] == "regular")
    days = np.sort(games.loc[played, "game_date"].to_numpy())
    total = len(days) if row["complete"] else max(len(days), row["n_regular_expected"])
    reached = {name: int(share * total) for name, share in POINT_SHARES.items()}
    points = {name: pd.Timestamp(days[game]) for name, game in reached.items() if game < len(days)}
    if len(days) == total:
        points["end"] = pd.Timestamp(days[-1]) + pd.Timedelta(days=1)
    return points


def as_of_grid(tables: Tables, seasons: list[str], every_days: int) -> pd.DataFrame:
    """Return the as-of dates of seasons: every so many days from opening, and all as-of points.

    Returns:
        `season`, `as_of_date`, `as_of_point` (empty between the points), sorted and unique by date.
    """
    frames = []
    for season in seasons:
        points = as_of_points(tables, season)
        last = _season_row(tables, season)["last_regular_date"] + pd.Timedelta(days=1)
        even = pd.date_range(points["open"], last, freq=f"{every_days}D")
        point_of = {date: point for point, date in points.items()}
        dates = even.union(pd.DatetimeIndex(list(points.values())).unique())
        names = [point_of.get(date, "") for date in dates]
        frames.append(pd.DataFrame({"season": season, "as_of_date": dates, "as_of_point": names}))
    grid = pd.concat(frames, ignore_index=True)
    return grid.astype({"as_of_date": "datetime64[us]", "season": "str", "as_of_point": "str"})


def game_days(tables: Tables, seasons: Sequence[str]) -> pd.DataFrame:
    """Return `season` and `as_of_date` of the mornings on which seasons have games of any kind."""
    games = tables.games[tables.games["season"].isin(seasons)]
    dates = games[["season", "game_date"]].drop_duplicates().sort_values("game_date")
    return dates.rename(columns={"game_date": "as_of_date"}).reset_index(drop=True)


def playoff_points(tables: Tables, season: str) -> dict[str, pd.Timestamp]:
    """Return the date of each of `PLAYOFF_POINTS` that a season has reached after `end`.

    None depends on how a series goes on, so none tells anything of its length.
    """
    end = _season_row(tables, season)["last_regular_date"] + pd.Timedelta(days=1)
    sides, games = ["team_id", "opponent_team_id"], tables.team_games
    games = games[(games["season"] == season) & (games["kind"] == "playoffs")]
    rounds = series(games, season)[[*sides, "round"]]
    games = games[[*sides, "game_date"]].sort_values("game_date").merge(rounds, on=sides)
    days, meeting = games["game_date"].to_numpy(), games.groupby(sides).cumcount().to_numpy()
    points: dict[str, pd.Timestamp] = {}
    for number in range(1, ROUNDS + 1):
        of_round = (games["round"] == number).to_numpy()
        second = days[of_round & (meeting == 1)]
        if of_round.any():
            points[f"round_{number}_begins"] = pd.Timestamp(days[of_round].min())
        if len(second) == 2 ** (ROUNDS + 1 - number):
            points[f"round_{number}_two_games"] = pd.Timestamp(second.max()) + pd.Timedelta(days=1)
    return {name: date for name, date in points.items() if date > end}


def playoff_dates(tables: Tables, seasons: list[str], every_days: int) -> pd.DataFrame:
    """Return `season` and `as_of_date` in the play-in and the playoffs of complete seasons.

    They are every so many days after the point `end`, `playoff_points`, and the morning after the
    last game.
    """
    frames = []
    for season in seasons:
        end = _season_row(tables, season)["last_regular_date"] + pd.Timedelta(days=1)
        last = tables.games.loc[tables.games["season"] == season, "game_date"].max()
        over = last + pd.Timedelta(days=1)
        named = pd.DatetimeIndex([*playoff_points(tables, season).values(), over])
        dates = pd.date_range(end, over, freq=f"{every_days}D").union(named)
        frames.append(pd.DataFrame({"season": season, "as_of_date": dates[dates > end]}))
    return pd.concat(frames, ignore_index=True).astype(
        {"as_of_date": "datetime64[us]", "season": "str"}
    )


def season_of_date(tables: Tables, date: pd.Timestamp) -> str:
    """Return the season of a date: the last one that had opened by then.

    Raises:
        UserError: The date lies before the first season, or so long after the last game day that
            games must be missing, and no fixture of the season is known to come; see
            `with_coming_season`.
    """
    seasons = tables.seasons
    opened = seasons[seasons["first_date"] <= date]
    last_day = max(tables.games["game_date"].max(), seasons["first_date"].max())
    schedule = tables.schedule
    to_come = (schedule["game_date"] >= date) & (schedule["known_from"] <= date)
    goes_on = schedule.loc[to_come, "season"].isin(opened["season"].tail(1)).any()
    late = date > last_day + pd.Timedelta(days=MAX_DAYS_WITHOUT_GAMES)
    if opened.empty or (late and not goes_on):
        raise UserError(
            f"{date:%Y-%m-%d} is outside the data, which reaches from "
            f"{seasons['first_date'].min():%Y-%m-%d} to {last_day:%Y-%m-%d}; "
            "ingest later game logs, or train with a later data.last_season, to rank later dates"
        )
    return str(opened["season"].iloc[-1])


def with_coming_season(tables: Tables, date: pd.Timestamp) -> Tables:
    """Return the tables with the season that is about to open on a date, if there is one.

    After a complete season the next one can be ranked without games until two weeks after its
    opening, see `expected_opening`. It is added as a season that begins on the date, with the
    league's teams.
    """
    last = tables.seasons.iloc[-1]
    break_ = pd.Timedelta(days=MAX_DAYS_WITHOUT_GAMES)
    season = season_label(season_start_year(last["season"]) + 1)
    if not last["complete"] or date <= tables.games["game_date"].max() + break_:
        return tables
    if date > expected_opening(tables, season) + break_:
        return tables
    members = league_teams(season)
    names = tables.teams.drop_duplicates("team_id", keep="last").set_index("team_id")["name"]
    teams = members.assign(season=season, name=members["team_id"].map(names))
    opened = tables.seasons.tail(1).assign(
        season=season, first_date=date, last_regular_date=date, complete=False,
        n_regular=0, n_playin=0, n_playoffs=0, champion_team_id=0, runner_up_team_id=0,
    )  # fmt: skip
    return replace(
        tables,
        teams=conform("teams", pd.concat([tables.teams, teams])),
        seasons=conform("seasons", pd.concat([tables.seasons, opened])),
    )


def expected_opening(tables: Tables, season: str) -> pd.Timestamp:
    """Return the first day of a season without games.

    It is that of the first fixture of a schedule file, else the date of the last roster file, else
    the usual one.
    """
    schedule = tables.schedule.loc[tables.schedule["season"] == season, "game_date"]
    rosters = tables.rosters.loc[tables.rosters["season"] == season, "date"]
    if len(schedule):
        return schedule.min()
    return rosters.max() if len(rosters) else usual_opening(season)


def _season_row(tables: Tables, season: str) -> pd.Series:
    rows = tables.seasons[tables.seasons["season"] == season]
    if rows.empty:
        raise ValueError(
            f"season {season!r} is not in the tables, which hold "
            f"{tables.seasons['season'].min()} to {tables.seasons['season'].max()}"
        )
    return rows.iloc[0]
