"""What a source can be asked for: one client a source, all with the same small interface."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data.fetch.folder import Content, RawFolder
from nba_rank.data.fetch.web import NotThereError, Web

SEASON_OVER = (8, 1)
"""Month and day of the year in which a season ends by which it is over."""


@dataclass(frozen=True)
class Made:
    """What a target has given.

    Attributes:
        contents: Raw files by their path inside the raw folder; none: nothing is there yet.
        made_of: Hashes of the downloads behind them, by name.
        note: Something to tell about them, or empty.
    """

    contents: Mapping[str, Content]
    made_of: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Target:
    """One thing to fetch, whose raw files are made together.

    Attributes:
        name: Its name in the manifest.
        what: Kind of data, one of `WHAT`.
        season: Season, or empty.
        source: Name of the source.
        files: Raw files that it may make.
        final: Whether what is fetched now stays as it is.
        ask: Asks the source; None: nothing has changed since the last time.
        downloads: Names of the downloads to forget when what they hold is refused.
    """

    name: str
    what: str
    season: str
    source: str
    files: tuple[str, ...]
    final: bool
    ask: Callable[[RawFolder, Web], Made | None]
    downloads: tuple[str, ...] = ()


class Source:
    """A client of one source.

    Args:
        address: Address before the names of its files or endpoints.
        web: What asks.

    Attributes:
        name: Its name in configs, messages and the manifest.
        kinds: The kinds of data that it has.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]

    def __init__(self, address: str, web: Web) -> None:
        self.address = address.rstrip("/")
        self.web = web

    def targets(self, what: str, season: str, today: dt.date, folder: RawFolder) -> list[Target]:
        """Return what to ask for, to have one kind of data of one season as of a day."""
        raise NotImplementedError


def files_target(
    source: str,
    what: str,
    season: str,
    files: tuple[str, ...],
    urls: Mapping[str, str],
    convert: Callable[[Mapping[str, Path]], Made],
    *,
    final: bool,
    expected: str = "parquet",
    optional: str = "",
) -> Target:
    """Return a target that is made of whole files of a source.

    Args:
        source: Name of the source.
        what: Kind of data.
        season: Season, or empty.
        files: Raw files that it may make.
        urls: Addresses of the source's files by the name of the download.
        convert: Makes the raw files from the downloads, by name.
        final: Whether what is fetched now stays as it is.
        expected: Form of the source's files, see `Web.get`.
        optional: Name of a download that the source may lack.
    """
    name = f"{source}/{what}/{season}".rstrip("/")

    def ask(folder: RawFolder, web: Web) -> Made | None:
        found = {}
        for key, url in urls.items():
            try:
                found[key] = folder.download(web, key, url, expected)
            except NotThereError:
                if key != optional:
                    raise
        made_of = {key: sha256 for key, (_, sha256) in found.items()}
        before = folder.made(name)
        if before is not None and before["made_of"] == made_of:
            return None
        made = convert({key: path for key, (path, _) in found.items()})
        return Made(made.contents, made_of, made.note)

    return Target(name, what, season, source, files, final, ask, tuple(urls))


def is_over(season: str, today: dt.date) -> bool:
    """Whether a season is over on a day."""
    return today >= dt.date(season_start_year(season) + 1, *SEASON_OVER)


def season_of_day(today: dt.date) -> str:
    """Return the season that is being played, or comes next, on a day."""
    return season_label(today.year if (today.month, today.day) >= SEASON_OVER else today.year - 1)


def file_of(kind: str, season: str) -> str:
    """Return the name of a season's raw file, such as `team_logs_2023_24.parquet`."""
    return f"{kind}_{season.replace('-', '_')}.parquet"
