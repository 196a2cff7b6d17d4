"""Small hand-made game logs in `LeagueGameLog` columns."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

BOS, CLE, LAL, DEN = 1610612738, 1610612739, 1610612747, 1610612743
NAMES = {BOS: "BOS", CLE: "CLE", LAL: "LAL", DEN: "DEN"}
COUNTS = {
    "FGM": 40, "FGA": 85, "FG3M": 10, "FG3A": 30, "FTM": 10, "FTA": 12, "OREB": 10, "DREB": 30,
    "REB": 40, "AST": 20, "STL": 8, "BLK": 5, "TOV": 12, "PF": 18,
}  # fmt: skip


def team_log(*games: tuple[str, str, int, int]) -> pd.DataFrame:
    """Return two rows a game: (game id, date, home team, away team); the home side wins 102-100."""
    rows = []
    for game_id, date, home, away in games:
        for team, opponent, sign in ((home, away, "vs."), (away, home, "@")):
            made = 12 if team == home else 10
            rows.append(
                {
                    "SEASON_ID": f"{game_id[2]}20{game_id[3:5]}",
                    "TEAM_ID": team,
                    "TEAM_ABBREVIATION": NAMES[team],
                    "TEAM_NAME": f"The {NAMES[team]}",
                    "GAME_ID": game_id,
                    "GAME_DATE": date,
                    "MATCHUP": f"{NAMES[team]} {sign} {NAMES[opponent]}",
                    "WL": "W" if team == home else "L",
                    **COUNTS,
                    "FTM": made,
                    "PTS": 90 + made,
                }
            )
    return pd.DataFrame(rows)


def player_log(teams: pd.DataFrame, names: dict[int, str] | None = None) -> pd.DataFrame:
    """Return two players a row of a team log, the first of whom has all of the team's counts.

    Boston's are 380 and 381, Cleveland's 390 and 391 and so on, `Player 380` where `names` has no
    other name.
    """
    rows = []
    for team in teams.to_dict("records"):
        for number in range(2):
            counts = {name: team[name] if number == 0 else 0 for name in (*COUNTS, "PTS")}
            player = int(team["TEAM_ID"]) % 100 * 10 + number
            name = (names or {}).get(player, f"Player {player}")
            rows.append({**team, "PLAYER_ID": player, "PLAYER_NAME": name, "MIN": 24.5, **counts})
    return pd.DataFrame(rows).assign(PLUS_MINUS=2)


def regular_games() -> pd.DataFrame:
    """Return a team log of three games of 2023-24."""
    return team_log(
        ("0022300001", "2023-10-24", BOS, CLE),
        ("0022300002", "2023-10-25", LAL, DEN),
        ("0022300003", "2023-10-27", CLE, LAL),
    )


def finals(games: int = 4) -> pd.DataFrame:
    """Return a team log of Finals of 2023-24 of which Boston has won every game."""
    return team_log(
        *((f"004230040{game}", f"2024-06-{5 + game:02d}", BOS, LAL) for game in range(1, games + 1))
    )


def write(folder: Path, **logs: pd.DataFrame) -> Path:
    """Write logs as parquet files named by their keywords."""
    folder.mkdir(exist_ok=True)
    for name, log in logs.items():
        log.to_parquet(folder / f"{name}.parquet")
    return folder


def put_rows(folder: Path, name: str, columns: list[str], rows: Iterable[tuple]) -> None:
    """Write rows as a CSV or parquet file of a raw folder, by the ending of its name."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    frame = pd.DataFrame(rows, columns=columns)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
