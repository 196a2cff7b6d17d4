"""One fetch: what to ask which source for, and the checks before a raw file is replaced."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from nba_rank.config.schema import FetchConfig, raw_dirs
from nba_rank.config.schema.fetch import WHAT
from nba_rank.core.errors import ConfigError, UserError
from nba_rank.core.files import locked
from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data.fetch import logs
from nba_rank.data.fetch.folder import RawFolder
from nba_rank.data.fetch.hoopr import HoopR
from nba_rank.data.fetch.injury_reports import InjuryReports
from nba_rank.data.fetch.league_site import LeagueSite
from nba_rank.data.fetch.llimllib import Llimllib
from nba_rank.data.fetch.raptor import Raptor
from nba_rank.data.fetch.target import Made, Source, Target, is_over, season_of_day
from nba_rank.data.fetch.web import FetchError, NotThereError, Web
from nba_rank.data.raw.files import DOWNLOADS

FETCHED, CURRENT, NOTHING, KEPT, FAILED = "fetched", "up to date", "not there", "kept", "failed"
"""What became of a target; `KEPT`: there is a file of the user's own, which is left alone."""

_CLIENTS = {client.name: client for client in (Llimllib, LeagueSite, HoopR)}

LEAGUE_TIME = ZoneInfo("America/New_York")
"""Time zone of the league's days."""


@dataclass(frozen=True)
class Outcome:
    """What became of one target.

    Attributes:
        what: Kind of data.
        season: Season, or empty.
        source: Name of the source.
        status: One of the constants of this module.
        rows: Rows of all tables written.
        note: What else there is to tell, or empty.
    """

    what: str
    season: str
    source: str
    status: str
    rows: int = 0
    note: str = ""


def today_of(config: FetchConfig) -> dt.date:
    """Return the day on which is fetched.

    Raises:
        ConfigError: It is no date.
    """
    if config.today is None:
        return dt.datetime.now(LEAGUE_TIME).date()
    try:
        return dt.date.fromisoformat(config.today)
    except ValueError as error:
        raise ConfigError(f"today={config.today}: a date is written like 2024-01-15") from error


def seasons_of(config: FetchConfig) -> list[str]:
    """Return the seasons to fetch, oldest first.

    Raises:
        ConfigError: They are not of the form, or have not begun.
    """
    current = season_of_day(today_of(config))
    if config.seasons is None:
        return [current]
    found: set[str] = set()
    for part in config.seasons.split(","):
        first, dots, last = part.strip().partition("..")
        try:
            years = season_start_year(first), season_start_year(last if dots else first)
        except ValueError as error:
            raise ConfigError(
                f"seasons={config.seasons}: {error}. Write one like 2023-24, or several like "
                "2012-13..2026-27"
            ) from error
        if years[0] > years[1]:
            raise ConfigError(f"seasons={config.seasons}: {first} comes after {last}")
        found |= {season_label(year) for year in range(years[0], years[1] + 1)}
    if late := sorted(season for season in found if season > current):
        raise ConfigError(f"seasons={config.seasons}: {late[0]} comes after {current}, the newest")
    return sorted(found)


def fetch(config: FetchConfig, tell: Callable[[str, int], None]) -> list[Outcome]:
    """Fetch what the config asks for into its last raw folder, whose files count.

    Args:
        config: Sources, seasons, kinds of data.
        tell: Called before each target with its name, and how many there are by now.

    Returns:
        What became of each target. An error of one does not keep the others from being fetched.

    Raises:
        UserError: The folder is not fit, or the config asks for what no source has.
    """
    today, seasons, path = today_of(config), seasons_of(config), raw_dirs(config.data)[-1]
    sources = _sources(config)
    with locked(path / DOWNLOADS / "lock", lambda: tell(f"waiting for another fetch to {path}", 0)):
        folder = RawFolder(path, today, dt.datetime.now(dt.UTC))
        _check_source(folder, config, path)
        done: list[Outcome] = []
        for what, source in sources.items():
            for season in seasons if what != "raptor" else [""]:
                done += _fetch_season(source, what, season, folder, config, tell)
        folder.close()
    return done


def _fetch_season(
    source: Source,
    what: str,
    season: str,
    folder: RawFolder,
    config: FetchConfig,
    tell: Callable[[str, int], None],
) -> list[Outcome]:
    done: list[Outcome] = []
    try:
        targets = source.targets(what, season, today_of(config), folder)
        for target in targets:
            tell(target.name, len(targets))
            done.append(_fetch_target(target, folder, source.web, config))
    except UserError as error:
        done.append(Outcome(what, season, source.name, FAILED, note=str(error)))
    return done


def _sources(config: FetchConfig) -> dict[str, Source]:
    """Return who is asked for each kind of data: the source itself, or one of those beside it."""
    given, addresses = config.source, config.addresses
    web = Web(config.web, given.pause_seconds)
    beside = Web(config.web, given.pause_seconds)
    all_: list[Source] = [
        _CLIENTS[given.name](given.address, web),
        HoopR(addresses.hoopr, beside),
        Raptor(addresses.raptor, beside),
        InjuryReports(config.injury_reports, beside),
    ]
    found: dict[str, Source] = {}
    for what in sorted(config.what, key=WHAT.index):
        has = [source for source in all_ if what in source.kinds]
        if not has:
            raise ConfigError(f"what: source={given.name} has no {what}; source=nba_api has")
        found[what] = has[0]
    return found


def _check_source(folder: RawFolder, config: FetchConfig, path: Path) -> None:
    """Refuse to mix sources whose ids differ."""
    if not any(what.endswith("_logs") for what in config.what):
        return
    name, others = config.source.name, folder.sources() - {config.source.name}
    if others and "hoopr" in {name, *others}:
        raise UserError(
            f"{path} holds game logs from {', '.join(sorted(others))}, and source={name} has other "
            "ids for games and players: give it a folder of its own, data.raw_dir=..."
        )


def _fetch_target(target: Target, folder: RawFolder, web: Web, config: FetchConfig) -> Outcome:
    def outcome(status: str, rows: int = 0, note: str = "") -> Outcome:
        return Outcome(target.what, target.season, target.source, status, rows, note)

    before = folder.made(target.name)
    if before is not None and before["final"] and not config.refresh:
        return outcome(CURRENT)
    if folder.is_closed(target.name) and not config.refresh:
        return outcome(NOTHING)
    if other := next(filter(None, map(folder.foreign, target.files)), None):
        return outcome(KEPT, note=f"{other} is not as fetch wrote it: move it away, or keep it")
    if web.is_silent:
        return outcome(FAILED, note="not asked for: no answer twice in succession")
    try:
        made = target.ask(folder, web)
        short = "" if made is None else _check(target, made, folder, config)
    except NotThereError as error:
        to_come = target.season and not is_over(target.season, today_of(config))
        return outcome(NOTHING if to_come and before is None else FAILED, note=str(error))
    except FetchError as error:
        folder.forget(target.downloads)
        return outcome(FAILED, note=str(error))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        folder.forget(target.downloads)
        told = f"what came is not of the source's form ({type(error).__name__}: {error})"
        return outcome(FAILED, note=f"{target.name}: {told}. Take another source")
    if made is None:
        return outcome(CURRENT)
    if not made.contents:
        if target.final:
            folder.note_closed(target.name)
        return outcome(NOTHING, note=made.note)
    about = {
        "target": target.name, "what": target.what, "season": target.season,
        "source": target.source, "final": target.final and not short, "made_of": {**made.made_of},
    }  # fmt: skip
    folder.write(made.contents, about)
    rows = sum(len(one) for one in made.contents.values() if isinstance(one, pd.DataFrame))
    return outcome(FETCHED, rows, "; ".join(filter(None, (short, made.note))))


def _check(target: Target, made: Made, folder: RawFolder, config: FetchConfig) -> str:
    """Return what a log still lacks after its season, or empty; refuse one that has lost games.

    Raises:
        FetchError: Games that were there are gone.
    """
    if not target.what.endswith("_logs"):
        return ""
    frames = {file: one for file, one in made.contents.items() if isinstance(one, pd.DataFrame)}
    lost = [
        game
        for file in target.files
        for game in logs.lost_games(folder.frame(file), frames.get(file))
    ]
    if lost and not config.allow_fewer:
        raise FetchError(
            f"{target.name}: {len(lost)} games that were there are gone, or some of their rows: "
            f"{', '.join(lost[:3])}. The file of before stays; allow_fewer=true takes the new one"
        )
    if not target.final:
        return ""
    if target.what == "team_logs":
        return logs.missing_of_teams(frames, target.files, target.season)
    return logs.missing_of_players(frames, target.files, target.season, folder)
