"""The feature store, one row per (season, as_of_date, team_id), and its cache."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import pandas as pd

from nba_rank.config.schema import FeaturesConfig
from nba_rank.core.content_hash import frame_hash
from nba_rank.core.fit_or_load import fit_or_load
from nba_rank.data.tables import Tables
from nba_rank.features.asof import Rows
from nba_rank.features.registry import PLAYER_GROUPS, build_group, enabled_groups

KEY = ["season", "as_of_date", "team_id"]
"""Key of everything team-level; the store's first columns, followed by `conference`."""

_FILE, _SECONDS = "columns.parquet", "seconds"  # of an entry of the cache


@dataclass(frozen=True)
class BuiltGroup:
    """The columns of a feature group, and the seconds that it took to build them."""

    columns: list[str]
    seconds: float


@dataclass(frozen=True)
class FeatureStore:
    """Features of every team on every asked date.

    Attributes:
        frame: `KEY`, `conference` and the feature columns, sorted by key; NaN is unknown.
        columns: Names of the feature columns.
        groups: Their groups; those from the cache as they were when built.
    """

    frame: pd.DataFrame
    columns: list[str]
    groups: dict[str, BuiltGroup]


def build_store(
    tables: Tables, ratings: pd.DataFrame, dates: pd.DataFrame, config: FeaturesConfig
) -> FeatureStore:
    """Build all enabled groups for all teams on the dates, from games before each date only.

    Raises:
        ValueError: Two groups have the same column, or the ratings are of other dates.
    """
    rows = Rows.of(tables, dates)
    built = {
        name: _build(name, group, tables, ratings, rows) for name, group in enabled_groups(config)
    }
    return _store(rows, built)


def cached_store(
    tables: Tables,
    ratings: pd.DataFrame,
    dates: pd.DataFrame,
    config: FeaturesConfig,
    cache: Path,
) -> FeatureStore:
    """Return the same as `build_store`, with each group as an entry of the cache."""
    rows = Rows.of(tables, dates)
    known = [*tables.hashes().values(), frame_hash(rows.frame)]
    built = {}
    for name, group in enabled_groups(config):
        read_configs = [group, config.impact] if name in PLAYER_GROUPS else [group]
        built[name], _ = fit_or_load(
            cache,
            f"features_{name}",
            [*known, *read_configs],
            made_by=__name__,
            make=partial(_build, name, group, tables, ratings, rows),
            write=_Columns.write,
            read=_Columns.read,
        )
    return _store(rows, built)


@dataclass(frozen=True)
class _Columns:
    """The columns of a group, float64, and the seconds that it took to build them."""

    frame: pd.DataFrame
    seconds: float

    def write(self, folder: Path) -> None:
        """Write both into a folder."""
        kept = self.frame.copy(deep=False)
        kept.attrs[_SECONDS] = self.seconds
        kept.to_parquet(folder / _FILE, index=False)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read both from a folder."""
        frame = pd.read_parquet(folder / _FILE)
        return cls(frame, frame.attrs.pop(_SECONDS))


def _build(name: str, group: object, tables: Tables, ratings: pd.DataFrame, rows: Rows) -> _Columns:
    start = time.perf_counter()
    frame = build_group(name, group, tables, ratings, rows).astype("float64")
    return _Columns(frame, time.perf_counter() - start)


def _store(rows: Rows, built: dict[str, _Columns]) -> FeatureStore:
    features = pd.concat([group.frame for group in built.values()], axis=1)
    repeated = features.columns[features.columns.duplicated()].tolist()
    if repeated:
        raise ValueError(f"two feature groups name the same columns: {repeated}")
    frame = pd.concat([rows.frame, features], axis=1)
    groups = {
        name: BuiltGroup(list(group.frame.columns), group.seconds) for name, group in built.items()
    }
    return FeatureStore(frame, list(features.columns), groups)
