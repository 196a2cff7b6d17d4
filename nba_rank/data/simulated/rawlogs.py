"""Played games in the raw shapes of `LeagueGameLog`."""

import datetime as dt

import numpy as np
import pandas as pd

from nba_rank.data.simulated.games import COUNTS, Games, points_of
from nba_rank.data.simulated.players import player_name

_TEAM_COLUMNS = (
    "SEASON_ID", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID", "GAME_DATE", "MATCHUP",
    "WL", "MIN", "FGM", "FGA", "FG_PCT", "FG3M", "FG3A", "FG3_PCT", "FTM", "FTA", "FT_PCT",
    "OREB", "DREB", "REB", "AST", "STL", "BLK", "TOV", "PF", "PTS", "PLUS_MINUS",
)  # fmt: skip
_PLAYER_COLUMNS = (
    "SEASON_ID", "PLAYER_ID", "PLAYER_NAME", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME",
    "GAME_ID", "GAME_DATE", "MATCHUP", "WL", "MIN", "FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA",
    "OREB", "DREB", "REB", "AST", "STL", "BLK", "TOV", "PF", "PTS", "PLUS_MINUS",
    "SHOTS_RECONSTRUCTED",
)  # fmt: skip
_PLAYER_COUNTS = _PLAYER_COLUMNS[11:-1]


def team_name(city: str) -> str:
    """Return the made-up name of a city's team."""
    return f"{city} Sim"


def raw_logs(
    games: Games, game_ids: list[str], season_id: str, teams: pd.DataFrame, opening: dt.date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the team log (home team first) and the player log of games, as in real files.

    Game ids have ten digits [G], and the season id is 2, 4 or 5 and the season's first year.
    """
    n = len(game_ids)
    sides = games.fixtures.sides
    abbreviation = teams["abbreviation"].to_numpy(dtype=object)
    names = np.array([team_name(city) for city in teams["city"]], dtype=object)
    points = games.points
    margin = points - points[:, ::-1]
    home, away = abbreviation[sides[:, 0]], abbreviation[sides[:, 1]]
    dates = np.datetime64(opening) + games.fixtures.day
    shared = {
        "SEASON_ID": np.full(2 * n, season_id, dtype=object),
        "TEAM_ID": teams["team_id"].to_numpy()[sides].ravel(),
        "TEAM_ABBREVIATION": abbreviation[sides].ravel(),
        "TEAM_NAME": names[sides].ravel(),
        "GAME_ID": np.repeat(np.array(game_ids, dtype=object), 2),
        "GAME_DATE": np.repeat(dates.astype("str"), 2),
        "MATCHUP": np.stack([home + " vs. " + away, away + " @ " + home], axis=1).ravel(),
        "WL": np.where(margin > 0, "W", "L").ravel(),
    }
    text = [name for name in shared if name != "TEAM_ID"]
    common = pd.DataFrame(shared).astype(dict.fromkeys(text, "str"))

    totals = games.box.sum(axis=2).reshape(2 * n, len(COUNTS))
    team = common.assign(**{name.upper(): totals[:, i] for i, name in enumerate(COUNTS)})
    team["TOV"] += games.team_tov.ravel()
    team["MIN"] = games.minutes.sum(axis=-1).ravel()
    team["REB"] = team["OREB"] + team["DREB"]
    team["PTS"] = points.ravel()
    team["PLUS_MINUS"] = margin.ravel()
    for kind in ("FG", "FG3", "FT"):
        attempts = team[f"{kind}A"].where(team[f"{kind}A"] > 0)
        team[f"{kind}_PCT"] = (team[f"{kind}M"] / attempts).round(3)

    minutes = games.minutes.reshape(2 * n, -1)
    row, place = np.nonzero(minutes)
    # The best player of a side comes first, as starters do in real files.
    order = np.lexsort((-place, row))
    row, place = row[order], place[order]
    box = games.box.reshape(2 * n, minutes.shape[1], -1)[row, place]
    player_ids = games.players.reshape(2 * n, -1)[row, place] + 1
    player = common.iloc[row].reset_index(drop=True)
    player["PLAYER_ID"] = pd.array(player_ids, dtype="Int64")
    player["PLAYER_NAME"] = pd.Series(map(player_name, player_ids), dtype="str")
    player["MIN"] = minutes[row, place].astype(np.float32)
    counts = {name.upper(): box[:, i] for i, name in enumerate(COUNTS)}
    counts["REB"] = counts["OREB"] + counts["DREB"]
    counts["PTS"] = points_of(box)
    counts["PLUS_MINUS"] = games.plus_minus.reshape(2 * n, -1)[row, place]
    for name in _PLAYER_COUNTS:
        player[name] = pd.array(counts[name].astype(np.int16), dtype="Int16")
    player["SHOTS_RECONSTRUCTED"] = False
    return team[list(_TEAM_COLUMNS)], player[list(_PLAYER_COLUMNS)]


def raw_stints(games: Games, game_ids: list[str], teams: pd.DataFrame) -> pd.DataFrame:
    """Return the stints of games, as in real files; arguments as in `raw_logs`."""
    stints = games.stints
    team = teams["team_id"].to_numpy()[games.fixtures.sides][stints.game]
    columns = {
        "GAME_ID": pd.Series(np.array(game_ids, dtype=object)[stints.game], dtype="str"),
        "PERIOD": stints.period,
        "START": 60 * stints.start,
        "END": 60 * stints.end,
    }
    for side, letter in enumerate("HA"):
        columns[("HOME_TEAM_ID", "AWAY_TEAM_ID")[side]] = team[:, side]
        columns[f"PTS_{letter}"] = stints.points[:, side]
        columns[f"POSS_{letter}"] = stints.possessions
        on_court = stints.players[:, side].T + 1
        columns |= {f"{letter}{place + 1}": who for place, who in enumerate(on_court)}
    return pd.DataFrame(columns)


def opening_rosters(players: np.ndarray, teams: pd.DataFrame, opening: dt.date) -> pd.DataFrame:
    """Return opening-night rosters, injured players included; `players` as in `SeasonRosters`."""
    team, place = np.nonzero(players >= 0)
    ids = players[team, place] + 1
    return pd.DataFrame(
        {
            "DATE": pd.Series([opening.isoformat()] * len(ids), dtype="str"),
            "TEAM_ID": teams["team_id"].to_numpy()[team],
            "TEAM_ABBREVIATION": teams["abbreviation"].to_numpy()[team],
            "PLAYER_ID": ids,
            "PLAYER_NAME": pd.Series(map(player_name, ids), dtype="str"),
        }
    ).astype({"TEAM_ABBREVIATION": "str"})
