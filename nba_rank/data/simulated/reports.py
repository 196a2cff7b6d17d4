"""Each morning's injury report, and the season's team records."""

import datetime as dt

import numpy as np
import pandas as pd

from nba_rank.data.simulated.games import Games
from nba_rank.data.simulated.players import player_name
from nba_rank.data.simulated.rawlogs import team_name
from nba_rank.data.simulated.rosters import TOTAL_DAYS, SeasonRosters
from nba_rank.data.simulated.schedule import SEASON_DAYS

_LONG_DAYS = 100
"""Days from which an absence that outlasts the season is called a torn ligament."""

INJURY_REPORTS, TEAM_RECORDS = "injury_reports/", "Team_Records_"
"""Prefixes of the file stems."""


def injury_reports(rosters: SeasonRosters, teams: pd.DataFrame, opening: dt.date) -> pd.DataFrame:
    """Return the reports of all mornings from opening day to the one after the regular season.

    Players who are unfit are out, on their last day doubtful; a morning without any has one row
    without player.
    """
    mornings = range(SEASON_DAYS + 1)
    players = rosters.players[: len(mornings)]
    left = rosters.days_out[players, np.arange(len(mornings))[:, None, None]]
    listed = (players >= 0) & ~rosters.available[: len(mornings)] & (left > 0)
    day, team, place = np.nonzero(listed)
    left, ids = left[day, team, place], players[day, team, place] + 1
    lost = (left >= _LONG_DAYS) & (left == TOTAL_DAYS - day)
    entries = pd.DataFrame(
        {
            "day": day,
            "player_id": pd.array(ids, dtype="Int64"),
            "player_name": pd.Series(map(player_name, ids), dtype="str"),
            "team_id": pd.array(teams["team_id"].to_numpy()[team], dtype="Int64"),
            "status": pd.Series(np.where(left == 1, "Doubtful", "Out"), dtype="str"),
            "reason": pd.Series(np.where(lost, "torn ACL in left knee", "injury"), dtype="str"),
        }
    )
    reports = pd.DataFrame({"day": mornings}).merge(entries, on="day", how="left")
    dates = [(opening + dt.timedelta(days=each)).isoformat() for each in mornings]
    reports.insert(0, "date", pd.Series(dates, dtype="str").iloc[reports["day"]].to_numpy())
    return reports.drop(columns="day").astype({"date": "str"})


def as_json(reports: pd.DataFrame) -> list[dict[str, object]]:
    """Return reports as in the files: `{"date": ..., "injuries": [...]}` each."""
    listed = reports.dropna(subset="player_id")
    injuries: dict[str, list[object]] = {date: [] for date in reports["date"]}
    entries = listed.drop(columns="date").to_dict("records")
    for date, entry in zip(listed["date"], entries, strict=True):
        injuries[date].append(entry)
    return [{"date": date, "injuries": of_date} for date, of_date in injuries.items()]


def team_records(games: Games, teams: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return each team's record and its simple rating over the games of a regular season.

    `SRS = MOV + mean SRS of the opponents`, centred at 0, in points per game.
    """
    home, away = games.fixtures.home, games.fixtures.away
    margin = games.points[:, 0] - games.points[:, 1]
    n = len(teams)
    wins = np.bincount(np.where(margin > 0, home, away), minlength=n)
    played = np.bincount(home, minlength=n) + np.bincount(away, minlength=n)
    mov = (np.bincount(home, margin, n) - np.bincount(away, margin, n)) / played
    met = np.zeros((n, n))
    np.add.at(met, (home, away), 1.0)
    met = (met + met.T) / played[:, None]
    # Adding the mean of all ratings to each equation makes it 0.
    srs = np.linalg.solve(np.eye(n) - met + 1 / n, mov)
    return pd.DataFrame(
        {
            "Season": pd.Series([season] * n, dtype="str"),
            "Team": pd.Series([team_name(city) for city in teams["city"]], dtype="str"),
            "W": wins,
            "L": played - wins,
            "MOV": mov.round(2),
            "SOS": (srs - mov).round(2),
            "SRS": srs.round(2),
        }
    )
