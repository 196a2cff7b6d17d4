from dataclasses import replace

import numpy as np
import pytest

from nba_rank.experiments.group_variants import FULL, RECORD, GroupVariant, in_store, plan_variants
from nba_rank.features.registry import PLAYER_GROUPS, TEAM_GROUPS, enabled_groups
from nba_rank.features.store import BuiltGroup

GROUPS = ["record", "elo", "rest", "projection"]
BOTH = ["without", "alone"]


def groups_of(plan):
    return {name: variant.groups for name, variant in plan.variants.items()}


def test_every_group_is_taken_away_and_put_on_top_of_the_record():
    plan = plan_variants(GROUPS, GROUPS, BOTH)
    assert groups_of(plan) == {
        FULL: GROUPS,
        "without record": ["elo", "rest", "projection"],
        "without elo": ["record", "rest", "projection"],
        "without rest": ["record", "elo", "projection"],
        "without projection": ["record", "elo", "rest"],
        RECORD: ["record"],
        "record and elo": ["record", "elo"],
        "record and rest": ["record", "rest"],
        "record and projection": ["record", "projection"],
    }
    assert plan.pairs == {
        "without": {group: (FULL, f"without {group}") for group in GROUPS},
        "alone": {group: (f"record and {group}", RECORD) for group in GROUPS[1:]},
    }
    assert plan.left_out == {}


def test_only_the_groups_and_directions_asked_for_are_fitted():
    assert list(plan_variants(GROUPS, ["elo"], BOTH).variants) == [
        FULL, "without elo", RECORD, "record and elo",
    ]  # fmt: skip
    assert list(plan_variants(GROUPS, ["elo"], ["without"]).variants) == [FULL, "without elo"]
    assert list(plan_variants(GROUPS, ["elo"], ["alone"]).variants) == [RECORD, "record and elo"]
    assert plan_variants(GROUPS, [RECORD], ["alone"]).variants == {}


def test_a_store_is_never_left_without_a_column():
    plan = plan_variants(["record", "projection"], ["record", "projection"], ["without"])
    assert list(plan.pairs["without"]) == ["projection"]
    assert plan.left_out == {"without record": "no other group would be in the feature store"}
    assert in_store(["record", "roster_strength", "projection"]) == ["record", "roster_strength"]


def test_the_config_of_a_variant_has_its_groups_on_and_nothing_else_changed(compose):
    config = compose()
    changed = GroupVariant(["record", "projection"]).config(config)
    assert [name for name, _ in enabled_groups(changed.features)] == ["record"]
    assert changed.features.projection.enabled
    everything = [*TEAM_GROUPS, *PLAYER_GROUPS, "projection"]
    on = [name for name in everything if getattr(config.features, name).enabled]
    assert GroupVariant(on).config(config) == config
    assert changed.features.impact == config.features.impact
    assert replace(changed, features=config.features) == config


def test_the_data_of_a_variant_has_the_columns_of_its_groups_in_order(sim_data):
    built = {
        name: BuiltGroup([column], 1.0)
        for name, column in zip(("a", "b", "c"), sim_data.columns, strict=True)
    }
    got = GroupVariant(["c", "a"]).data(sim_data, built)
    assert got.columns == [sim_data.columns[0], sim_data.columns[2]]
    assert np.array_equal(got.X, sim_data.X[:, [0, 2]], equal_nan=True)
    assert got.frame is sim_data.frame
    with pytest.raises(KeyError, match="typo"):
        GroupVariant(["typo"]).data(sim_data, built)
