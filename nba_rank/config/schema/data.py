"""Options of the data: where it lies, and the simulated league."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from nba_rank.config.schema.option import NOTHING, option


@dataclass(kw_only=True)
class SimParams:
    """The simulated league; equal parameters give identical files."""

    seed: int = option("Root of every random stream of the league.", low=0, default=2021)
    first_season_year: int = option(
        "Year in which the first season starts; from 2021 on each season has 82 games and a "
        "play-in.",
        low=2021,
        default=2021,
    )
    n_seasons: int = option("Seasons to play.", low=1, default=8)
    home_edge: float = option("Points by which a home team beats its equal.", low=0, default=2.5)
    back_to_back_cost: float = option(
        "Points that a team loses when it also played the day before.", low=0, default=1.5
    )
    talent_spread: float = option(
        "Standard deviation of an entering player's peak skill, in points per 48 minutes on court.",
        low=0,
        default=3.6,
    )
    shooting_luck: float = option(
        "Share of shots that fall at random; the others follow the shooter's percentage. It sets "
        "how far a single game strays from the strengths.",
        low=0,
        high=1,
        default=0.42,
    )
    injury_rate: float = option("Expected injuries per player and season.", low=0, default=1.4)
    trade_rate: float = option("Expected trades per season in the league.", low=0, default=24.0)
    movement_rate: float = option(
        "Probability that a player's contract ends in a given summer.", low=0, high=1, default=0.2
    )
    shutdown_rate: float = option(
        "Probability that a team out of the race in the last weeks shuts down each of its three "
        "best players.",
        low=0,
        high=1,
        default=0.4,
    )


@dataclass(kw_only=True)
class DataConfig:
    """Where the game logs come from."""

    source: str = option(
        "`raw` reads `raw_dir` as it is; `sim` writes a simulated league there first; `dummy` "
        "reads nothing and is for `nba_rank.debug_model_a` alone.",
        choices=("raw", "sim", "dummy"),
    )
    raw_dir: str | list[str] = option(
        "Folder of raw files, or several: a list, or one text as in PATH. Where two folders have "
        "the same file or row, the later one counts.",
        role=NOTHING,
    )
    processed_dir: str = option("Folder of the checked tables.", role=NOTHING)
    first_season: str | None = option(
        "First season to learn from, such as `2012-13`; null: all. Ratings and features still know "
        "the games before it."
    )
    last_season: str | None = option(
        "Last season that a run sees, such as `2009-10`; null: all. Whatever the raw folders hold "
        "of later ones does not exist for it."
    )
    opening_rosters: str = option(
        "Who is on a team before its first game: `files`, the newest roster file, or "
        "`last_season`, which ignores files dated on a season's first game day, as those made of "
        "the players of each team's first game: they know the future.",
        choices=("files", "last_season"),
    )
    as_of_every_days: int = option("Days between two as-of dates of the even grid.", low=1)
    sim: SimParams = field(default_factory=SimParams)


def raw_dirs(data: DataConfig) -> list[Path]:
    """Return the folders of raw files, in order."""
    given = data.raw_dir
    names = given.split(os.pathsep) if isinstance(given, str) else given
    return [Path(name) for name in names if name]


def manifest_path(data: DataConfig) -> Path:
    """Return where the manifest lies: `data/manifest.json`, or beside tables put elsewhere."""
    processed = Path(data.processed_dir)
    default = processed == Path("data/processed")
    return (processed.parent if default else processed) / "manifest.json"
