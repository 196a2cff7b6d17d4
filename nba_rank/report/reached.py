"""What has happened to each team after the regular season, by the tables of a forecast."""

from collections.abc import Mapping

import pandas as pd

from nba_rank.report.format import records

_DONE = ("clinched", "reached", "reached", "reached", "champions")
"""What is said of an event that has happened, in the order of `EVENTS`."""


def decided_word(place: int, n_reached: int, *, out: bool) -> str:
    """Return what is said of an event that is decided for a team; empty while it is open.

    Args:
        place: Of the event in `EVENTS`.
        n_reached: See `reached`.
        out: Whether the team is out.
    """
    if n_reached > place:
        return _DONE[place]
    return "out" if out else ""


def reached(tables: Mapping[str, pd.DataFrame]) -> dict[int, int]:
    """Return how many of `EVENTS` are certain of each team, by id; teams of none may be missing.

    Args:
        tables: See `nba_rank.evaluation.date_forecast.DateForecast`.
    """
    found: dict[int, int] = {}
    if "standings" in tables:
        standings = tables["standings"]
        found = dict.fromkeys(standings.loc[standings["clinched_playoffs"], "team_id"].tolist(), 1)
    for row in records(tables["bracket"]) if "bracket" in tables else ():
        for side in ("host", "guest") if row["state"] != "projected" else ():
            # Whoever wins the play-in is in a series, if not in a further game of it.
            won = row["round"] > 0 and row["state"] == "decided" and row[f"{side}_win_prob"] == 1
            team = row[f"{side}_team_id"]
            found[team] = max(found.get(team, 0), row["round"] + won)
    return found
