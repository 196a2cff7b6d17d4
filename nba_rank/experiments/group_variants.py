"""A run with some of its feature groups, to see what each is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nba_rank.config.schema import Config
from nba_rank.features.registry import PLAYER_GROUPS, TEAM_GROUPS
from nba_rank.features.store import BuiltGroup
from nba_rank.samples.dataset import Dataset

FULL = "all groups"
"""Name of the variant that nothing is taken away from."""

RECORD = "record"
"""The group that every other can be put on top of, and the name of the variant of it alone."""


@dataclass(frozen=True)
class GroupVariant:
    """The feature groups that are left on."""

    groups: list[str]

    def config(self, config: Config) -> Config:
        """Return the variant's config, given that of all groups."""
        on = {name: getattr(config.features, name) for name in vars(config.features)}
        switched = {
            name: replace(group, enabled=name in self.groups)
            for name, group in on.items()
            if hasattr(group, "enabled")
        }
        return replace(config, features=replace(config.features, **switched))

    def data(self, data: Dataset, built: Mapping[str, BuiltGroup]) -> Dataset:
        """Return the variant's data, given that of all groups."""
        return data.keeping([name for group in self.groups for name in built[group].columns])


@dataclass
class GroupPlan:
    """Variants to judge.

    Attributes:
        variants: By name, in the order in which to fit them.
        pairs: By direction (`nba_rank.config.schema.DIRECTIONS`) and group: names of the variant
            with the group and of the one without.
        left_out: Why a variant is not there.
    """

    variants: dict[str, GroupVariant] = field(default_factory=dict)
    pairs: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def plan_variants(groups: list[str], asked: list[str], directions: list[str]) -> GroupPlan:
    """Lay out what has to be fitted to judge groups.

    Args:
        groups: All that are on.
        asked: Those to judge.
        directions: `without`: each against all others; `alone`: each on top of the record.
    """
    plan = GroupPlan()
    if "without" in directions:
        plan.variants[FULL] = GroupVariant(groups)
        plan.pairs["without"] = {}
        for group in asked:
            others = [name for name in groups if name != group]
            if not in_store(others):
                plan.left_out[f"without {group}"] = "no other group would be in the feature store"
                continue
            plan.variants[f"without {group}"] = GroupVariant(others)
            plan.pairs["without"][group] = (FULL, f"without {group}")
    if "alone" in directions:
        others = [group for group in asked if group != RECORD]
        plan.pairs["alone"] = {group: (f"{RECORD} and {group}", RECORD) for group in others}
        if others:
            plan.variants[RECORD] = GroupVariant([RECORD])
        for group in others:
            both = [name for name in groups if name in (RECORD, group)]
            plan.variants[f"{RECORD} and {group}"] = GroupVariant(both)
    return plan


def in_store(groups: list[str]) -> list[str]:
    """Return the groups that give the feature store columns; the projection is none of them."""
    return [name for name in groups if name in TEAM_GROUPS or name in PLAYER_GROUPS]
