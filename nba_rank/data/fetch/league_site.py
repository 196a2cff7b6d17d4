"""The league's own site through `nba_api`, an extra: `pip install -e '.[nba_api]'`.

Source: https://github.com/swar/nba_api: `LeagueGameLog`, `ScheduleLeagueV2`, `PlayerIndex` and
`PlayByPlayV3` of stats.nba.com. The site refuses addresses of clouds and wants a pause of 0.6 s.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.core.seasons import season_start_year
from nba_rank.data.fetch import logs
from nba_rank.data.fetch.folder import RawFolder
from nba_rank.data.fetch.target import Made, Source, Target, is_over
from nba_rank.data.fetch.web import FetchError, Web

_SEASON_TYPE = {"regular": "Regular Season", "playoffs": "Playoffs", "playin": "PlayIn"}
_LEVELS = {"team_logs": ("team", "T"), "player_logs": ("player", "P")}
_FIXTURE = {
    "gameDate": "DATE", "homeTeam_teamTricode": "HOME", "awayTeam_teamTricode": "AWAY",
    "isNeutral": "NEUTRAL", "gameStatusText": "STATUS",
}  # fmt: skip
_FIRST_PLAY_IN = 2019
_DAYS_BACK = 2
"""Days before the last one of which box scores are fetched again: they are corrected."""


class LeagueSite(Source):
    """Client of stats.nba.com; a target is one request."""

    name = "nba_api"
    kinds = (*_LEVELS, "schedule", "rosters", "play_by_play")

    def targets(self, what: str, season: str, today: dt.date, folder: RawFolder) -> list[Target]:
        """Return the targets of a season: one a kind of game, a roster list, or a game."""
        over = is_over(season, today)
        if what == "play_by_play":
            ids = logs.games_of(folder, season)["GAME_ID"].astype("str").str.zfill(10).unique()
            return [self._events(season, game) for game in ids]
        if what in _LEVELS:
            kinds = [*_SEASON_TYPE][: None if season_start_year(season) >= _FIRST_PLAY_IN else 2]
            return [self._log(what, kind, season, today) for kind in kinds]
        if over:
            return []
        return [self._schedule(season) if what == "schedule" else self._rosters(season, today)]

    def _log(self, what: str, kind: str, season: str, today: dt.date) -> Target:
        level, letter = _LEVELS[what]
        file = logs.files(level, season)[kind]
        name = f"{self.name}/{what}/{season}/{kind}"
        over = is_over(season, today)

        def ask(folder: RawFolder, web: Web) -> Made | None:
            before = folder.frame(file) if folder.made(name) is not None else None
            since = ""
            if before is not None and not over:
                last = pd.Timestamp(before["GAME_DATE"].max())
                since = (last - pd.Timedelta(days=_DAYS_BACK)).strftime("%m/%d/%Y")
            found = self._frames(
                "LeagueGameLog", web, season=season, season_type_all_star=_SEASON_TYPE[kind],
                player_or_team_abbreviation=letter, date_from_nullable=since,
            )["LeagueGameLog"]  # fmt: skip
            if found.empty and before is None and (kind == "playin" or not over):
                return Made({})
            contents = logs.by_kind(found, level, season, self.name)
            if unexpected := {*contents} - {file}:
                raise FetchError(f"{self.name}, {file}: games of {', '.join(sorted(unexpected))}")
            new = contents[file]
            if before is not None and since:
                kept = before[pd.to_datetime(before["GAME_DATE"]) < pd.to_datetime(since)]
                new = pd.concat([kept, new], ignore_index=True)
            return None if before is not None and new.equals(before) else Made({file: new})

        return Target(name, what, season, self.name, (file,), over, ask)

    def _schedule(self, season: str) -> Target:
        file = logs.schedule_file(season)

        def ask(folder: RawFolder, web: Web) -> Made | None:
            games = self._frames("ScheduleLeagueV2", web, season=season)["SeasonGames"]
            logs.require(games, ("gameId", *[*_FIXTURE][:3]), f"{self.name}, schedule of {season}")
            games = games[games["gameId"].astype("str").str.zfill(10).str.startswith("002")]
            return logs.schedule(games, _FIXTURE, season)

        name = f"{self.name}/schedule/{season}"
        return Target(name, "schedule", season, self.name, (file,), False, ask)

    def _rosters(self, season: str, today: dt.date) -> Target:
        file = f"rosters/{today.isoformat()}.parquet"

        def ask(folder: RawFolder, web: Web) -> Made | None:
            players = self._frames("PlayerIndex", web, season=season, active_nullable=1)
            found = players["PlayerIndex"]
            columns = ("PERSON_ID", "PLAYER_FIRST_NAME", "PLAYER_LAST_NAME", "TEAM_ID")
            logs.require(found, columns, f"{self.name}, players of {season}")
            found = found[pd.to_numeric(found["TEAM_ID"]).fillna(0) > 0]
            names = found["PLAYER_FIRST_NAME"].fillna("") + " " + found["PLAYER_LAST_NAME"]
            roster = pd.DataFrame(
                {
                    "DATE": today.isoformat(),
                    "TEAM_ID": found["TEAM_ID"],
                    "TEAM_ABBREVIATION": found["TEAM_ABBREVIATION"],
                    "PLAYER_ID": found["PERSON_ID"],
                    "PLAYER_NAME": names.str.strip(),
                }
            )
            return Made({file: roster.reset_index(drop=True)})

        name = f"{self.name}/rosters/{today.isoformat()}"
        return Target(name, "rosters", season, self.name, (file,), True, ask)

    def _events(self, season: str, game: str) -> Target:
        file = f"play_by_play/{season.replace('-', '_')}/{game}.json"

        def ask(folder: RawFolder, web: Web) -> Made | None:
            text = self._endpoint("PlayByPlayV3", web, game_id=game).get_response()
            return Made({file: text.encode()})

        name = f"{self.name}/play_by_play/{game}"
        return Target(name, "play_by_play", season, self.name, (file,), True, ask)

    def _frames(self, endpoint: str, web: Web, **options: Any) -> dict[str, pd.DataFrame]:  # noqa: ANN401
        """Return the tables of an endpoint by name."""
        answer = self._endpoint(endpoint, web, **options)
        names = answer.get_normalized_dict()
        return dict(zip(names, answer.get_data_frames(), strict=True))

    def _endpoint(self, name: str, web: Web, **options: Any) -> Any:  # noqa: ANN401
        try:
            from nba_api.stats import endpoints
            from nba_api.stats.library.http import NBAStatsHTTP
        except ImportError as error:
            raise UserError(
                f"source={self.name} needs a package that is not installed ({error}): "
                "pip install -e '.[nba_api]' in the checkout, or take source=llimllib"
            ) from error
        with _asked_by(NBAStatsHTTP, web, f"{self.address}/{{endpoint}}"):
            try:
                return getattr(endpoints, name)(**options)
            except (KeyError, IndexError, TypeError) as error:
                raise FetchError(
                    f"{self.address}, {name}: not of the form that nba_api knows "
                    f"({type(error).__name__}: {error}). Renew nba_api, or take another source"
                ) from error


class _Session:
    """What `nba_api` takes for a session of `requests`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def get(self, **options: Any) -> object:  # noqa: ANN401
        return self._web.get(**options, expected="json")


@contextmanager
def _asked_by(http: Any, web: Web, address: str) -> Iterator[None]:  # noqa: ANN401
    """Let `nba_api`, which keeps both in a class, use our requests and our address."""
    before = http._session, http.base_url
    http.set_session(_Session(web))
    http.base_url = address
    try:
        yield
    finally:
        http._session, http.base_url = before
