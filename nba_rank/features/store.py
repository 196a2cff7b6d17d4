"""The feature store, one row per (season, as_of_date, team_id), and its cache."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from nba_rank.config import FeaturesConfig
from nba_rank.data.tables import Tables, frame_hash
from nba_rank.features.asof import Rows
from nba_rank.features.content import content_key
from nba_rank.features.registry import PLAYER_GROUPS, build_group, enabled_groups
from nba_rank.files import write_atomically

KEY = ["season", "as_of_date", "team_id"]
"""Key of everything team-level; the store's first columns, followed by `conference`."""

_GROUPS = "groups"  # what the file of a store says of its groups beside the frame


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
        groups: The groups that they belong to; from the cache, as they were when built.
    """

    frame: pd.DataFrame
    columns: list[str]
    groups: dict[str, BuiltGroup]


def build_store(
    tables: Tables, ratings: pd.DataFrame, dates: pd.DataFrame, config: FeaturesConfig
) -> FeatureStore:
    """Build all enabled groups for all teams on the dates.

    Args:
        tables: The canonical tables.
        ratings: Player ratings of the same dates.
        dates: Columns `season` and `as_of_date`; only games before a date are used for it.
        config: Feature groups and their parameters.

    Raises:
        ValueError: Two groups name the same column.
    """
    rows = Rows.of(tables, dates)
    frames, groups = [], {}
    for name, group in enabled_groups(config):
        start = time.perf_counter()
        frames.append(build_group(name, group, tables, ratings, rows).astype("float64"))
        groups[name] = BuiltGroup(list(frames[-1].columns), time.perf_counter() - start)
    features = pd.concat(frames, axis=1)
    repeated = features.columns[features.columns.duplicated()].tolist()
    if repeated:
        raise ValueError(f"two feature groups name the same columns: {repeated}")
    frame = pd.concat([rows.frame, features], axis=1)
    return FeatureStore(frame, list(features.columns), groups)


def cached_store(
    tables: Tables,
    ratings: pd.DataFrame,
    dates: pd.DataFrame,
    config: FeaturesConfig,
    cache: Path,
) -> FeatureStore:
    """Return the store from the cache, or build it and put it there.

    The file's name is the hash of everything that the store is made from: the tables' content, the
    dates, the feature config and the source code of this package's data and feature modules.
    """
    groups = {name: asdict(group) for name, group in enabled_groups(config)}
    if groups.keys() & PLAYER_GROUPS.keys():
        groups["impact"] = asdict(config.impact)
    key = content_key(tables, [frame_hash(dates), repr(sorted(groups.items()))])
    path = cache / f"store_{key}.parquet"
    if path.exists():
        frame = pd.read_parquet(path)
        built = {name: BuiltGroup(**group) for name, group in frame.attrs.pop(_GROUPS).items()}
        return FeatureStore(frame, list(frame.columns[len(KEY) + 1 :]), built)
    store = build_store(tables, ratings, dates, config)
    kept = store.frame.copy(deep=False)
    kept.attrs[_GROUPS] = {name: asdict(group) for name, group in store.groups.items()}
    write_atomically(path, lambda part: kept.to_parquet(part, index=False))
    return store
