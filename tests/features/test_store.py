from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from harm import HARMS
from made_games import altered

from nba_rank.features import registry
from nba_rank.features import store as store_module
from nba_rank.features.registry import PLAYER_GROUPS
from nba_rank.features.store import KEY, build_store, cached_store


@pytest.fixture(scope="module")
def dates(as_of):
    return as_of("2022-10-18", "2023-02-01")


@pytest.fixture(scope="module")
def ratings(sim_tables, dates, rate):
    return rate(sim_tables, dates)


@pytest.fixture
def cheap(features):
    """Two groups that take no time."""
    return features("features=standings_only", "features/rest=on")


def changed(config, group, **change):
    return replace(config, **{group: replace(getattr(config, group), **change)})


@pytest.fixture
def cached(sim_tables, ratings, tmp_path):
    """Builds or reads a store in a folder of its own: `cached(dates, config)`."""
    return lambda dates, config: cached_store(sim_tables, ratings, dates, config, tmp_path)


def test_a_hit_returns_the_same_store_without_building(dates, features, cached, monkeypatch):
    built = cached(dates, features())
    monkeypatch.setattr(store_module, "build_group", None)
    read = cached(dates, features())
    pd.testing.assert_frame_equal(read.frame, built.frame, check_exact=True)
    assert built.frame.isna().any(axis=None)
    assert not read.frame.attrs
    assert (read.columns, read.groups) == (built.columns, built.groups)
    groups = built.groups.values()
    assert [column for group in groups for column in group.columns] == built.columns
    assert all(group.seconds > 0 for group in groups)


def test_dates_config_tables_and_code_name_the_entries(
    sim_tables, ratings, dates, cheap, cached, tmp_path, monkeypatch
):
    def entries():
        names = Counter(path.name.split("_")[1] for path in tmp_path.iterdir())
        assert set(names) == {"record", "rest"}
        return names["record"], names["rest"]

    cached(dates, cheap)
    cached(dates.iloc[::-1].copy(), cheap)
    # Groups that are off name nothing.
    for group, change in (("elo", {"k": 30.0}), ("impact", {"update_ridge": 9.0}),
                          ("roster", {"size": 9})):  # fmt: skip
        cached(dates, changed(cheap, group, **change))
    assert entries() == (1, 1)
    cached(dates.head(1), cheap)
    assert entries() == (2, 2)
    # Only the group of another config is built; one that is off leaves the others alone.
    cached(dates, changed(cheap, "rest", window_days=9))
    cached(dates, changed(cheap, "rest", enabled=False))
    assert entries() == (2, 3)
    for alteration in (("team_games", "ast", 77.0), ("rosters", "player_id", 99_999)):
        cached_store(altered(sim_tables, *alteration), ratings, dates, cheap, tmp_path)
    assert entries() == (4, 5)
    monkeypatch.setattr("nba_rank.core.content_hash.code_hash", lambda module: "another")
    cached(dates, cheap)
    assert entries() == (5, 6)


def test_the_config_of_ratings_names_the_entries_of_player_groups_only(
    dates, features, cached, tmp_path
):
    for ridge in (9.0, 10.0):
        cached(dates, changed(features(), "impact", update_ridge=ridge))
    entries = Counter(path.name.rsplit("_", 1)[0] for path in tmp_path.iterdir())
    twice = {name.removeprefix("features_") for name, number in entries.items() if number == 2}
    assert twice == PLAYER_GROUPS.keys()


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_entry_is_made_anew(dates, cheap, cached, tmp_path, monkeypatch, harm):
    built = cached(dates, cheap)
    (entry,) = tmp_path.glob("features_rest_*")
    harm(entry / "columns.parquet")
    pd.testing.assert_frame_equal(cached(dates, cheap).frame, built.frame, check_exact=True)
    monkeypatch.setattr(store_module, "build_group", None)
    pd.testing.assert_frame_equal(cached(dates, cheap).frame, built.frame, check_exact=True)


def test_two_groups_with_one_column_name_are_refused(
    sim_tables, ratings, dates, cheap, monkeypatch
):
    def record_again(tables, rows, config):
        return pd.DataFrame({"win_pct": np.zeros(len(rows.frame))})

    monkeypatch.setitem(registry.TEAM_GROUPS, "rest", record_again)
    with pytest.raises(ValueError, match=r"same columns.*win_pct"):
        build_store(sim_tables, ratings, dates, cheap)


def test_ratings_of_other_dates_are_refused(sim_tables, ratings, dates, features):
    with pytest.raises(ValueError, match="different dates"):
        build_store(sim_tables, ratings, dates.head(1), features())


def test_the_store_is_sorted_by_key_whatever_the_order_of_dates(sim_tables, ratings, dates, cheap):
    config = changed(cheap, "roster_strength", enabled=True)
    shuffled = pd.concat([dates.iloc[::-1], dates.head(1)])
    frame = build_store(sim_tables, ratings.sample(frac=1, random_state=0), shuffled, config).frame
    expected = build_store(sim_tables, ratings, dates, config).frame
    pd.testing.assert_frame_equal(frame, expected)
    assert not frame.duplicated(KEY).any()
    assert frame[KEY].equals(frame[KEY].sort_values(KEY, ignore_index=True))
