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
from nba_rank.data.fetch.target import Made, Source, Target, files_target, is_over
from nba_rank.data.fetch.web import FetchError
from nba_rank.data.raw import values as raw_values

_FIRST = 2001
_RELEASES = {
    "team_logs": "espn_nba_team_boxscores/team_box",
    "player_logs": "espn_nba_player_boxscores/player_box",
    "schedule": "espn_nba_schedules/nba_schedule",
    "rosters": "espn_nba_rosters/rosters",
}
_NEEDED = {
    "team": (
        "team_home_away", "team_score", "opponent_team_score", "total_turnovers", "turnovers"
    ),
    "player": ("plus_minus",),
}  # fmt: skip
_FIXTURE = {
    "game_date": "DATE", "home_display_name": "HOME", "away_display_name": "AWAY",
    "neutral_site": "NEUTRAL", "status_type_description": "STATUS",
}  # fmt: skip
_MOST_TEAM_TURNOVERS = 5
"""Total turnovers of old seasons hold those of the players twice: they lie that much above them."""

_PRESEASON, _REGULAR, _PLAYOFFS, _PLAY_IN = 1, 2, 3, 5
_PREFIX = {_REGULAR: "002", _PLAYOFFS: "004", _PLAY_IN: "005"}
_CUP_FINAL = r"(?i)(?:cup|tournament)\b.*\b(?:championship|final)\b"


class HoopR(Source):
    """Client of the releases, whose downloads' address it has."""

    name = "hoopr"
    kinds = tuple(_RELEASES)

    def targets(self, what: str, season: str, today: dt.date, folder: RawFolder) -> list[Target]:
        """Return the one target of a season; schedules and rosters only of one not yet over."""
        year, over = season_start_year(season), is_over(season, today)
        if year < _FIRST:
            raise FetchError(f"{self.name} has no {what} of {season}: it begins with 2001-02")
        if over and what in ("schedule", "rosters"):
            return []
        if what == "schedule":
            files: tuple[str, ...] = (logs.schedule_file(season),)
            convert = partial(_schedule, season)
        elif what == "rosters":
            files = (f"rosters/{today.isoformat()}.parquet",)
            convert = partial(_rosters, files[0], today)
        else:
            level = "team" if what == "team_logs" else "player"
            files = tuple(logs.files(level, season).values())
            convert = partial(_log, level, season)
        urls = {
            f"{self.name}/{kind}_{year + 1}.parquet": (
                f"{self.address}/{_RELEASES[kind]}_{year + 1}.parquet"
            )
            # The schedule knows which game is of the play-in, the Cup final or not yet over.
            for kind in dict.fromkeys((what, *(["schedule"] if what.endswith("_logs") else [])))
        }
        return [files_target(self.name, what, season, files, urls, convert, final=over)]


def _log(level: str, season: str, paths: Mapping[str, Path]) -> Made:
    box, schedule = (pd.read_parquet(path) for path in paths.values())
    needed = ("game_id", "team_display_name", *_NEEDED[level])
    logs.require(box, needed, f"hoopr, {level} box scores of {season}")
    games = _game_ids(schedule, season).reindex(pd.to_numeric(box["game_id"])).set_axis(box.index)
    box = box.assign(
        game_id=games["GAME_ID"],
        team_id=league.team_ids_of(box["team_display_name"]),
        team_name=box["team_display_name"],
        team_abbreviation=None,  # ESPN's are its own
    )
    played = box["game_id"].notna() & box["team_id"].notna()
    if level == "player":
        if "did_not_play" in box:
            played &= ~raw_values.truths(box["did_not_play"])
        box["plus_minus"] = raw_values.numbers(box["plus_minus"])
        return Made(logs.by_kind(box[played], level, season, "hoopr"))
    margin = raw_values.numbers(box["team_score"]) - raw_values.numbers(box["opponent_team_score"])
    total, own = (raw_values.numbers(box[name]) for name in ("total_turnovers", "turnovers"))
    twice = (total - own).median() > _MOST_TEAM_TURNOVERS
    box = box.assign(
        team_home_away=box["team_home_away"].mask(games["neutral"].eq(True), "away"),
        team_winner=margin > 0,
        plus_minus=margin,
        total_turnovers=own if twice else total,
    )
    return Made(logs.by_kind(box[played], level, season, "hoopr"))


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
    logs.require(games, ("season_type", *[*_FIXTURE][:3]), f"hoopr, schedule of {season}")
    games = games[pd.to_numeric(games["season_type"]).eq(_REGULAR)]
    if "notes_headline" in games:
        told = games["notes_headline"].fillna("").astype("str")
        games = games[~told.str.contains(_CUP_FINAL)]
    return logs.schedule(games, _FIXTURE, season)


def _rosters(file: str, today: dt.date, paths: Mapping[str, Path]) -> Made:
    """Return rosters without ESPN's ids of players, whom ingest finds by name."""
    (path,) = paths.values()
    players = pd.read_parquet(path)
    logs.require(players, ("team_display_name", "full_name"), "hoopr, rosters")
    found = pd.DataFrame(
        {
            "DATE": today.isoformat(),
            "TEAM_ID": league.team_ids_of(players["team_display_name"]),
            "PLAYER_NAME": players["full_name"],
        }
    )
    return Made({file: found.dropna().astype({"TEAM_ID": "int64"})})
