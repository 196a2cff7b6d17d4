"""ESPN's box scores, schedules and rosters, as sportsdataverse publishes them for hoopR.

Source: https://github.com/sportsdataverse/sportsdataverse-data, releases `espn_nba_team_boxscores`,
`espn_nba_player_boxscores`, `espn_nba_schedules` and `espn_nba_rosters`: one parquet file an ending
year, from 2001-02 on (CC BY 4.0). Ids are ESPN's: games get made-up ids of the league's form, and
those of players do not fit other sources.
"""

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from nba_rank.core.seasons import season_start_year
from nba_rank.data import league
from nba_rank.data.fetch import logs
from nba_rank.data.fetch.folder import RawFolder
from nba_rank.data.fetch.target import Made, Target, file_of, files_target, is_over
from nba_rank.data.fetch.web import FetchError, Web

_FIRST = 2001
_RELEASES = {
    "team_logs": "espn_nba_team_boxscores/team_box",
    "player_logs": "espn_nba_player_boxscores/player_box",
    "schedule": "espn_nba_schedules/nba_schedule",
    "rosters": "espn_nba_rosters/rosters",
}
_BOX = {
    "field_goals_made": "FGM", "field_goals_attempted": "FGA",
    "three_point_field_goals_made": "FG3M", "three_point_field_goals_attempted": "FG3A",
    "free_throws_made": "FTM", "free_throws_attempted": "FTA",
    "offensive_rebounds": "OREB", "defensive_rebounds": "DREB",
    "assists": "AST", "steals": "STL", "blocks": "BLK", "fouls": "PF",
}  # fmt: skip
_TEAM = {"total_rebounds": "REB", "total_turnovers": "TOV", "team_score": "PTS"}
"""Turnovers of the team itself count, as in the league's own logs."""

_PLAYER = {
    "rebounds": "REB", "turnovers": "TOV", "points": "PTS", "minutes": "MIN",
    "athlete_id": "PLAYER_ID", "athlete_display_name": "PLAYER_NAME", "plus_minus": "PLUS_MINUS",
}  # fmt: skip
_PRESEASON, _REGULAR, _PLAYOFFS, _PLAY_IN = 1, 2, 3, 5
_PREFIX = {_REGULAR: "002", _PLAYOFFS: "004", _PLAY_IN: "005"}
_CUP_FINAL = r"(?i)(?:cup|tournament)\b.*\b(?:championship|final)\b"


class HoopR:
    """Client of the releases.

    Args:
        address: Address of the releases' downloads.
        web: What asks.
        own_ids: Whether rosters bear ESPN's ids; else ingest finds their players by name.
    """

    name = "hoopr"

    def __init__(self, address: str, web: Web, *, own_ids: bool) -> None:
        self._address = address.rstrip("/")
        self._own_ids = own_ids
        self.web = web

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of data that it has."""
        return tuple(_RELEASES)

    def targets(self, what: str, season: str, today: dt.date, folder: RawFolder) -> list[Target]:
        """Return the one target of a season; schedules and rosters only of one not yet over."""
        year, over = season_start_year(season), is_over(season, today)
        if year < _FIRST:
            raise FetchError(f"{self.name} has no {what} of {season}: it begins with 2001-02")
        if over and what in ("schedule", "rosters"):
            return []
        if what == "schedule":
            files: tuple[str, ...] = (f"schedules/{file_of('schedule', season)}",)
            convert = partial(_schedule, season)
        elif what == "rosters":
            files = (f"rosters/{today.isoformat()}.parquet",)
            convert = partial(_rosters, files[0], today, self._own_ids)
        else:
            level = "team" if what == "team_logs" else "player"
            files = tuple(logs.files(level, season).values())
            convert = partial(_log, level, season)
        urls = {
            f"{self.name}/{kind}_{year + 1}.parquet": (
                f"{self._address}/{_RELEASES[kind]}_{year + 1}.parquet"
            )
            # The schedule knows which game is of the play-in, the Cup final or not yet over.
            for kind in dict.fromkeys((what, *(["schedule"] if what.endswith("_logs") else [])))
        }
        return [files_target(self.name, what, season, files, urls, convert, final=over)]


def _log(level: str, season: str, paths: Mapping[str, Path]) -> Made:
    box, schedule = (pd.read_parquet(path) for path in paths.values())
    what = f"hoopr, {level} box scores of {season}"
    names = _BOX | (_TEAM if level == "team" else _PLAYER)
    opponent = "opponent_team_display_name"
    side = "team_home_away" if level == "team" else "home_away"
    score = ("opponent_team_score",) if level == "team" else ()
    shared = ("game_id", "game_date", "team_display_name", opponent, side, *score)
    logs.require(box, (*shared, *names), what)
    ids = _game_ids(schedule, season)
    box = box.assign(GAME_ID=pd.to_numeric(box["game_id"]).map(ids["GAME_ID"]))
    box = box.assign(TEAM_ID=_team_ids(box["team_display_name"]))
    played = box["GAME_ID"].notna() & box["TEAM_ID"].notna()
    if level == "player" and "did_not_play" in box:
        played &= ~box["did_not_play"].fillna(False).astype("bool")
    box = box[played].rename(columns=names | {"game_date": "GAME_DATE"})
    box["TEAM_ID"] = box["TEAM_ID"].astype("int64")
    if level == "player":
        box["PLUS_MINUS"] = pd.to_numeric(box["PLUS_MINUS"], errors="coerce")
        return Made(logs.by_kind(box, level, season, "hoopr"))
    neutral = box["game_id"].map(ids["neutral"]).astype("bool")
    box = box.assign(
        OPP_TEAM_ID=_team_ids(box[opponent]).astype("int64"),
        HOME=box[side].str.lower().eq("home") & ~neutral,
        WIN=box["PTS"] > pd.to_numeric(box["opponent_team_score"]),
        PLUS_MINUS=box["PTS"] - pd.to_numeric(box["opponent_team_score"]),
    )
    teams = league.league_teams(season).set_index("team_id")
    full = box.drop_duplicates("TEAM_ID").set_index("TEAM_ID")["team_display_name"]
    named = pd.DataFrame({"TEAM_ABBREVIATION": teams["abbreviation"], "TEAM_NAME": full})
    return Made(logs.by_kind(logs.with_names(box, named), level, season, "hoopr"))


def _game_ids(schedule: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return `GAME_ID` and `neutral` of the games that are over, by ESPN's id.

    The number in the made-up id is the end of ESPN's where that is unique in the season, and else
    the game's place among them, which is only then settled when the season is over.
    """
    needed = ("game_id", "season_type", "status_type_completed", "neutral_site")
    logs.require(schedule, needed, f"hoopr, schedule of {season}")
    games = schedule.drop_duplicates("game_id").sort_values("game_id")
    kind = pd.to_numeric(games["season_type"])
    if "notes_headline" in games:
        told = games["notes_headline"].fillna("").astype("str")
        kind = kind.mask(kind.eq(_PLAYOFFS) & told.str.contains("(?i)play-in"), _PLAY_IN)
        kind = kind.mask(kind.eq(_REGULAR) & told.str.contains(_CUP_FINAL), _PRESEASON)
    if "type_abbreviation" in games:
        other = games["type_abbreviation"].fillna("STD").str.upper().eq("ALLSTAR")
        kind = kind.mask(other, _PRESEASON)
    number = pd.to_numeric(games["game_id"])
    end = number % 100_000
    place = end if end.is_unique else number.rank(method="first").astype("int64") + 50_000
    made_up = kind.map(_PREFIX) + season[2:4] + place.astype("str").str.zfill(5)
    done = games["status_type_completed"].fillna(False).astype("bool")
    found = pd.DataFrame(
        {"GAME_ID": made_up.where(done), "neutral": games["neutral_site"].fillna(False)}
    )
    return found.set_index(number)


def _schedule(season: str, paths: Mapping[str, Path]) -> Made:
    (path,) = paths.values()
    games = pd.read_parquet(path)
    needed = (
        "game_id", "season_type", "game_date", "home_display_name", "away_display_name",
        "neutral_site",
    )  # fmt: skip
    logs.require(games, needed, f"hoopr, schedule of {season}")
    games = games[pd.to_numeric(games["season_type"]).eq(_REGULAR)]
    if "notes_headline" in games:
        told = games["notes_headline"].fillna("").astype("str")
        games = games[~told.str.contains(_CUP_FINAL)]
    found = pd.DataFrame(
        {
            "DATE": pd.to_datetime(games["game_date"]).dt.strftime("%Y-%m-%d"),
            "HOME": _team_ids(games["home_display_name"]),
            "AWAY": _team_ids(games["away_display_name"]),
            "NEUTRAL": games["neutral_site"].fillna(False).astype("bool"),
        }
    )
    if "status_type_description" in games:
        found["STATUS"] = games["status_type_description"]
    open_ = found[["HOME", "AWAY"]].isna().any(axis=1)
    note = f"left out: {int(open_.sum())} games whose teams are open" if open_.any() else ""
    found = found[~open_].astype({"HOME": "int64", "AWAY": "int64"})
    found = found.sort_values(["DATE", "HOME"], ignore_index=True)
    return Made({f"schedules/{file_of('schedule', season)}": found}, note=note)


def _rosters(file: str, today: dt.date, own_ids: bool, paths: Mapping[str, Path]) -> Made:
    (path,) = paths.values()
    players = pd.read_parquet(path)
    logs.require(players, ("team_display_name", "athlete_id", "full_name"), "hoopr, rosters")
    found = pd.DataFrame(
        {
            "DATE": today.isoformat(),
            "TEAM_ID": _team_ids(players["team_display_name"]),
            "PLAYER_ID": pd.to_numeric(players["athlete_id"]),
            "PLAYER_NAME": players["full_name"],
        }
    ).dropna()
    found = found.astype({"TEAM_ID": "int64", "PLAYER_ID": "int64"})
    return Made({file: found if own_ids else found.drop(columns="PLAYER_ID")})


def _team_ids(names: pd.Series) -> pd.Series:
    """Return the league's team ids, null for teams outside of it."""
    clubs = {"la clippers": league.franchise_names()["los angeles clippers"]}
    return names.astype("str").str.strip().str.lower().map(league.franchise_names() | clubs)
