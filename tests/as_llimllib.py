"""Raw logs in the form of llimllib's mirror."""

import io
from pathlib import Path

import pandas as pd

COUNTS = (
    "FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA", "OREB", "DREB", "REB", "AST", "TOV", "STL", "BLK",
    "PF", "PTS",
)  # fmt: skip


def parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def read_logs(raw: Path, level: str, season: str) -> pd.DataFrame:
    """Return the logs of all kinds of game of a season as one."""
    return pd.concat(
        [pd.read_parquet(path) for path in sorted(raw.glob(f"*{level}_logs_{season}.parquet"))],
        ignore_index=True,
    ).drop_duplicates(["GAME_ID", "TEAM_ID", *(["PLAYER_ID"] if level == "player" else [])])


def files(raw: Path, season: str, until: str = "9999") -> dict[str, bytes]:
    """Return the mirror's files of one season (`2023_24`) by path, with games up to a date."""
    end = int(season[:4]) + 1
    team, player = (read_logs(raw, level, season) for level in ("team", "player"))
    sides = team[["GAME_ID", "TEAM_ID"]]
    pairs = sides.merge(sides, on="GAME_ID", suffixes=("", "_OTHER"))
    pairs = pairs[pairs["TEAM_ID"] != pairs["TEAM_ID_OTHER"]]
    key = ["GAME_ID", "TEAM_ID"]
    home = team.set_index(key)["MATCHUP"].str.contains(" vs. ", regex=False)
    made = {
        f"{level}_game_logs": _log(log, end, pairs, home, until)
        for level, log in (("team", team), ("player", player))
    }
    named = team.drop_duplicates("TEAM_ID", keep="last")
    made["team_seasons"] = pd.DataFrame(
        {
            "season": end,
            "team_id": named["TEAM_ID"].astype("str"),
            "nba_abbrev": named["TEAM_ABBREVIATION"],
            "full_name": named["TEAM_NAME"],
            "is_nba": True,
        }
    )
    people = player.dropna(subset="PLAYER_ID").drop_duplicates("PLAYER_ID", keep="last")
    made["player_seasons"] = pd.DataFrame(
        {
            "season": end,
            "player_id": people["PLAYER_ID"].astype("int64").astype("str"),
            "name": people["PLAYER_NAME"],
        }
    )
    return {
        f"/nba/stats/{name}/season={end}/data.parquet": parquet(frame)
        for name, frame in made.items()
        if len(frame)
    }


def _log(
    log: pd.DataFrame, end: int, pairs: pd.DataFrame, home: pd.Series, until: str
) -> pd.DataFrame:
    days = pd.to_datetime(log["GAME_DATE"].str[:10])
    log = log[days <= until].merge(pairs, on=["GAME_ID", "TEAM_ID"])
    keys = pd.MultiIndex.from_frame(log[["GAME_ID", "TEAM_ID"]])
    made = pd.DataFrame({"season": end, "game_id": log["GAME_ID"]})
    if "PLAYER_ID" in log:
        made["player_id"] = log["PLAYER_ID"].astype("Int64").astype("str")
    made["team_id"] = log["TEAM_ID"].astype("str")
    made["opp_team_id"] = log["TEAM_ID_OTHER"].astype("str")
    made["game_date"] = pd.to_datetime(log["GAME_DATE"].str[:10]).dt.date
    made["home"] = home.reindex(keys).to_numpy()
    made["win"] = log["WL"].map({"W": True, "L": False})
    # The mirror gives a team the minutes of the game.
    made["min"] = log["MIN"].astype("float64") if "PLAYER_ID" in log else 48.0
    for name in (*COUNTS, "PLUS_MINUS"):
        if name in log:
            made[name.lower()] = log[name]
    return made.assign(off_rating=110.5, pace=99.0)
