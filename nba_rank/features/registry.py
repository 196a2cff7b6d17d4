"""The feature groups by name, in the order of their columns."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pandas as pd

from nba_rank.config.schema import FeaturesConfig
from nba_rank.data.tables import Tables
from nba_rank.features import (
    continuity,
    elo,
    four_factors,
    injuries,
    market,
    massey,
    momentum,
    motivation,
    on_off,
    pace,
    prior_records,
    prior_season,
    pythagorean,
    raptor,
    record,
    rest,
    roster_strength,
    srs,
    team_rolling,
)
from nba_rank.features.asof import Rows

Build = Callable[[Tables, Rows, Any], pd.DataFrame]
"""Builds a group from tables, rows and the group's config, in the order of the rows."""

BuildFromPlayers = Callable[[Tables, pd.DataFrame, Rows, Any], pd.DataFrame]
"""The same with player ratings as the second argument."""

TEAM_GROUPS: dict[str, Build] = {
    "record": record.build,
    "prior_season": prior_season.build,
    "four_factors": four_factors.build,
    "elo": elo.build,
    "massey": massey.build,
    "srs": srs.build,
    "team_rolling": team_rolling.build,
    "pythagorean": pythagorean.build,
    "pace": pace.build,
    "momentum": momentum.build,
    "rest": rest.build,
    "motivation": motivation.build,
    "market": market.build,
    "prior_records": prior_records.build,
}

PLAYER_GROUPS: dict[str, BuildFromPlayers] = {
    "roster_strength": roster_strength.build,
    "on_off": on_off.build,
    "continuity": continuity.build,
    "raptor": raptor.build,
    "injuries": injuries.build,
}


def enabled_groups(config: FeaturesConfig) -> Iterator[tuple[str, Any]]:
    """Yield the name and config of each group that is on."""
    for field in fields(config):
        group = getattr(config, field.name)
        if (field.name in TEAM_GROUPS or field.name in PLAYER_GROUPS) and group.enabled:
            yield field.name, group


def build_group(
    name: str, group: object, tables: Tables, ratings: pd.DataFrame, rows: Rows
) -> pd.DataFrame:
    """Build one group from its config, in the order of the rows."""
    if name in PLAYER_GROUPS:
        return PLAYER_GROUPS[name](tables, ratings, rows, group)
    return TEAM_GROUPS[name](tables, rows, group)
