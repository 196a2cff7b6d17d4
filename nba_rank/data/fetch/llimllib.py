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
from nba_rank.data.fetch import logs
from nba_rank.data.fetch.folder import RawFolder
from nba_rank.data.fetch.target import Made, Source, Target, files_target, is_over
from nba_rank.data.fetch.web import FetchError
from nba_rank.data.raw import values as raw_values

_FIRST = 2009
_LEVELS = {"team_logs": "team", "player_logs": "player"}
_NAMES = {
    "team": {"NBA_ABBREV": "TEAM_ABBREVIATION", "FULL_NAME": "TEAM_NAME"},
    "player": {"NAME": "PLAYER_NAME"},
}
"""Columns of the names' tables, and what they are in a log."""


class Llimllib(Source):
    """Client of the mirror."""

    name = "llimllib"
    kinds = tuple(_LEVELS)

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
                f"{self.address}/stats/{name}/season={end}/data.parquet"
            )
            for name in (f"{level}_game_logs", f"{level}_seasons")
        }
        return [
            files_target(
                self.name, what, season, tuple(logs.files(level, season).values()), urls,
                partial(_convert, level, season), final=is_over(season, today),
                optional=[*urls][1],
            )
        ]  # fmt: skip


def _convert(level: str, season: str, paths: Mapping[str, Path]) -> Made:
    log, *tables = (pd.read_parquet(path).rename(columns=str.upper) for path in paths.values())
    what, key = f"llimllib, {level} log of {season}", f"{level.upper()}_ID"
    logs.require(log, ("GAME_ID", key), what)
    log = logs.of_tables(log)
    ids = raw_values.digits(log[key])
    for table in tables:
        logs.require(table, (key, *_NAMES[level]), f"llimllib, {level}_seasons of {season}")
        names = table.set_index(raw_values.digits(table[key])).groupby(level=0).last()
        for theirs, ours in _NAMES[level].items():
            if ours not in log:
                log[ours] = ids.map(names[theirs])
    if "HOME" in log:
        log["HOME"] = raw_values.truths(log["HOME"])  # null at a neutral site
    notes = []
    if level == "team" and not tables:
        notes.append("teams have the names of today: the mirror has no team_seasons")
    if level == "player":
        named = log.get("PLAYER_NAME", pd.Series(None, log.index, dtype="str"))
        if n_unnamed := ids[named.isna()].nunique():
            notes.append(f"{n_unnamed} players that player_seasons lacks are named by their ids")
        log["PLAYER_NAME"] = named.fillna("player " + ids)
        nobody = log["PLAYER_NAME"].isna()
        if nobody.any():
            notes.append(f"left out: {int(nobody.sum())} rows without a player")
        log = log[~nobody]
    return Made(logs.by_kind(log, level, season, "llimllib"), note="; ".join(notes))
