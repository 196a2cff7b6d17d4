"""Options of `python -m nba_rank.fetch`."""

from dataclasses import dataclass

from nba_rank.config.schema.data import DataConfig
from nba_rank.config.schema.option import option

WHAT = (
    "team_logs", "player_logs", "schedule", "rosters", "play_by_play", "injuries", "raptor"
)  # fmt: skip
"""Kinds of data, in the order in which they are fetched: the first says what was played."""


@dataclass(kw_only=True)
class SourceConfig:
    """Where game logs come from."""

    name: str = option("Client.", choices=("llimllib", "nba_api", "hoopr"))
    address: str = option("Address before the names of its files or endpoints.")
    pause_seconds: float = option("Least seconds between two requests to it.", low=0)


@dataclass(kw_only=True)
class WebConfig:
    """How servers are asked."""

    tries: int = option("Tries of a request that fails in passing.", low=1)
    wait_seconds: float = option(
        "Wait before the second try; it doubles from try to try, with jitter. A server that asks "
        "for a longer one gets it.",
        low=0,
    )
    timeout_seconds: float = option("Longest silence of a server.", low=0.01)
    download_seconds: float = option("Longest time that one file may take.", low=0.01)


@dataclass(kw_only=True)
class AddressesConfig:
    """Addresses of what the source does not have itself."""

    hoopr: str = option("Releases of sportsdataverse: schedules and rosters.")
    raptor: str = option("FiveThirtyEight's RAPTOR by team.")


@dataclass(kw_only=True)
class InjuryReportsConfig:
    """The league's official injury reports."""

    address: str = option("Folder of the PDF files.")
    at: str = option("Time of the report of a day, US Eastern, such as `08:30`.")
    python: str | None = option(
        "Python of an environment with nbainjuries, which needs another pandas than this program; "
        "null: there is none."
    )


@dataclass(kw_only=True)
class ServersConfig:
    """Whom a program fetches from, and what."""

    source: SourceConfig
    web: WebConfig
    addresses: AddressesConfig
    injury_reports: InjuryReportsConfig
    what: list[str] = option("Kinds of data.", choices=WHAT, filled=True)


@dataclass(kw_only=True)
class FetchConfig(ServersConfig):
    """One fetch."""

    data: DataConfig
    seasons: str | None = option(
        "Seasons, such as `2012-13..2026-27` or `2019-20,2021-22`; null: the one in progress."
    )
    today: str | None = option(
        "Day on which is fetched, such as 2024-01-15; null: today, US Eastern. A season is over "
        "on 1 August."
    )
    refresh: bool = option("Ask again also for seasons that were fetched after their end.")
    allow_fewer: bool = option("Take a log that has lost games since it was last fetched.")
