"""The mirror of llimllib: the league's game logs by season, renewed every four hours.

Source: https://github.com/llimllib/nba_data, version 2, `docs/DATA_DICTIONARY.md`: one parquet file
a data set and season, `<address>/stats/<data set>/season=<ending year>/data.parquet`, from 2009-10
on. Ids are text, names stand in tables of their own, all kinds of game are in one file.
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
from nba_rank.data.fetch.target import Made, Target, files_target, is_over
from nba_rank.data.fetch.web import FetchError, Web

_FIRST = 2009
_LEVELS = {"team_logs": "team", "player_logs": "player"}
_MINUTES_OF_A_TEAM = 100
"""Above this a team's minutes are those of its five players, not of the game."""


class Llimllib:
    """Client of the mirror."""

    name = "llimllib"

    def __init__(self, address: str, web: Web) -> None:
        self._address = address.rstrip("/")
        self.web = web

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of data that it has."""
        return tuple(_LEVELS)

    def targets(self, what: str, season: str, today: dt.date, folder: RawFolder) -> list[Target]:
        """Return the one target of a season; two files of the mirror stand behind it."""
        year = season_start_year(season)
        if year < _FIRST:
            raise FetchError(
                f"{self.name} has no {what} of {season}: it begins with 2009-10. Take source=hoopr "
                "(from 2001-02 on) or source=nba_api"
            )
        level, end = _LEVELS[what], year + 1
        urls = {
            f"{self.name}/{name}_{end}.parquet": (
                f"{self._address}/stats/{name}/season={end}/data.parquet"
            )
            for name in (f"{level}_game_logs", f"{level}_seasons")
        }
        files = tuple(logs.files(level, season).values())
        convert = partial(_convert, level, season)
        return [
            files_target(
                self.name, what, season, files, urls, convert,
                final=is_over(season, today), optional=[*urls][1],
            )
        ]  # fmt: skip


def _convert(level: str, season: str, paths: Mapping[str, Path]) -> Made:
    log, *names = (pd.read_parquet(path).rename(columns=str.upper) for path in paths.values())
    what = f"llimllib, {level} log of {season}"
    logs.require(log, ("GAME_ID", "TEAM_ID"), what)
    log = logs.of_tables(log.assign(TEAM_ID=pd.to_numeric(log["TEAM_ID"])))
    if level == "player":
        logs.require(log, ("PLAYER_ID",), what)
        return Made(logs.by_kind(_with_player_names(log, names), level, season, "llimllib"))
    # What is there already, such as in the mirror's first version, is taken as it is.
    if "MATCHUP" not in log:
        logs.require(log, ("OPP_TEAM_ID", "HOME", "WIN"), what)
        log = log.assign(OPP_TEAM_ID=pd.to_numeric(log["OPP_TEAM_ID"]))
        log = logs.with_names(log, _team_names(names, season))
    if "MIN" in log:
        of_game = log["MIN"] < _MINUTES_OF_A_TEAM
        log["MIN"] = log["MIN"].where(~of_game, 5 * log["MIN"])
    note = "" if names else "teams have the names of today: the mirror has no team_seasons"
    return Made(logs.by_kind(log, level, season, "llimllib"), note=note)


def _team_names(names: list[pd.DataFrame], season: str) -> pd.DataFrame:
    if not names:
        known = league.league_teams(season).set_index("team_id")
        return known.set_axis(known.columns.str.upper(), axis=1).rename(
            columns={"ABBREVIATION": "TEAM_ABBREVIATION", "CITY": "TEAM_NAME"}
        )
    logs.require(names[0], ("TEAM_ID", "NBA_ABBREV", "FULL_NAME"), "llimllib, team_seasons")
    named = names[0].rename(columns={"NBA_ABBREV": "TEAM_ABBREVIATION", "FULL_NAME": "TEAM_NAME"})
    return named.set_index(pd.to_numeric(named["TEAM_ID"]))


def _with_player_names(log: pd.DataFrame, names: list[pd.DataFrame]) -> pd.DataFrame:
    if "PLAYER_NAME" not in log:
        if not names:
            raise FetchError("llimllib: neither player logs nor player_seasons name the players")
        logs.require(names[0], ("PLAYER_ID", "NAME"), "llimllib, player_seasons")
        name_of = names[0].drop_duplicates("PLAYER_ID").set_index("PLAYER_ID")["NAME"]
        log = log.assign(PLAYER_NAME=log["PLAYER_ID"].map(name_of))
    return log.assign(PLAYER_ID=pd.to_numeric(log["PLAYER_ID"]).astype("Int64"))
