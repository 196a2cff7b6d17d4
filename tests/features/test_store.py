from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from harm import HARMS

from nba_rank.data.calendar import as_of_grid
from nba_rank.features import registry
from nba_rank.features import store as store_module
from nba_rank.features.registry import PLAYER_GROUPS
from nba_rank.features.store import KEY, build_store, cached_store


@pytest.fixture
def dates(as_of):
    return as_of("2022-10-18", "2023-02-01")


@pytest.fixture(scope="module")
def ratings(sim_tables, as_of, rate):
    """Of the dates; the groups that read them are on in the default config."""
    return rate(sim_tables, as_of("2022-10-18", "2023-02-01"))


@pytest.fixture
def cheap(features):
    """Few groups, so that a build takes no time."""
    return features("features=standings_only", "features/rest=on")


def changed(config, group, **change):
    return replace(config, **{group: replace(getattr(config, group), **change)})


@pytest.fixture
def cached(sim_tables, ratings, tmp_path):
    """Builds or reads a store in a folder of its own: `cached(dates, config)`."""
    return lambda dates, config: cached_store(sim_tables, ratings, dates, config, tmp_path)


def test_a_hit_returns_the_same_frame_without_building(
    sim_tables, ratings, dates, features, cached, tmp_path, monkeypatch
):
    built = cached(dates, features())
    assert built.frame.isna().any(axis=None)

    def refuse(*args):
        raise AssertionError("built again")

    monkeypatch.setattr(store_module, "build_group", refuse)
    read = cached(dates, features())
    pd.testing.assert_frame_equal(read.frame, built.frame, check_exact=True)
    assert read.columns == built.columns
    assert read.groups == built.groups
    columns = [column for group in built.groups.values() for column in group.columns]
    assert columns == built.columns
    assert all(group.seconds > 0 for group in built.groups.values())
    assert not read.frame.attrs
    with pytest.raises(AssertionError, match="built again"):
        cached_store(sim_tables, ratings, dates, features(), tmp_path / "elsewhere")


def altered(tables, name, column, value):
    table = tables.items()[[table for table, _ in tables.items()].index(name)][1].copy()
    table.loc[0, column] = value
    return replace(tables, **{name: table})


ALTERED = [("team_games", "ast", 77.0), ("rosters", "player_id", 99_999)]


def test_dates_config_tables_and_code_name_the_entries(
    sim_tables, ratings, dates, cheap, cached, tmp_path, monkeypatch
):
    def files():
        names = Counter(path.name.split("_")[1] for path in tmp_path.glob("features_*"))
        assert names.total() == len(list(tmp_path.iterdir()))
        return names["record"], names["rest"]

    cached(dates, cheap)
    cached(dates.iloc[::-1].copy(), cheap)
    assert files() == (1, 1)
    cached(dates.head(1), cheap)
    assert files() == (2, 2)
    # Only the group of another config is built; one that is off leaves the others alone.
    cached(dates, changed(cheap, "rest", window_days=9))
    cached(dates, changed(cheap, "rest", enabled=False))
    assert files() == (2, 3)
    for alteration in ALTERED:
        cached_store(altered(sim_tables, *alteration), ratings, dates, cheap, tmp_path)
    assert files() == (4, 5)
    monkeypatch.setattr("nba_rank.core.content_hash.code_hash", lambda module: "another")
    cached(dates, cheap)
    assert files() == (5, 6)


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_entry_is_made_anew(dates, cheap, cached, tmp_path, monkeypatch, harm):
    built = cached(dates, cheap)
    (entry,) = tmp_path.glob("features_rest_*")
    harm(entry / "columns.parquet")
    pd.testing.assert_frame_equal(cached(dates, cheap).frame, built.frame, check_exact=True)
    monkeypatch.setattr(store_module, "build_group", None)
    pd.testing.assert_frame_equal(cached(dates, cheap).frame, built.frame, check_exact=True)


def test_a_group_that_is_off_does_not_name_the_file(dates, cheap, cached, tmp_path):
    cached(dates, cheap)
    for group, change in (("elo", {"k": 30.0}), ("impact", {"update_ridge": 9.0}),
                          ("roster", {"size": 9})):  # fmt: skip
        cached(dates, changed(cheap, group, **change))
    assert len(list(tmp_path.iterdir())) == 2


def test_the_config_of_ratings_names_the_entries_of_player_groups_only(
    dates, features, cached, tmp_path
):
    for ridge in (9.0, 10.0):
        cached(dates, changed(features(), "impact", update_ridge=ridge))
    files = [path.name.rsplit("_", 1)[0] for path in tmp_path.iterdir()]
    of_players = [name.removeprefix("features_") in PLAYER_GROUPS for name in files]
    assert any(of_players)
    assert [files.count(name) for name in files] == [2 if it else 1 for it in of_players]


def test_two_groups_of_one_column_name_are_refused(
    sim_tables, ratings, dates, features, monkeypatch
):
    monkeypatch.setitem(
        registry.TEAM_GROUPS,
        "elo",
        lambda tables, rows, config: pd.DataFrame({"win_pct": np.zeros(len(rows.frame))}),
    )
    with pytest.raises(ValueError, match=r"same columns.*win_pct"):
        build_store(sim_tables, ratings, dates, features())


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


def check_alone(tables, ratings, grid, config, n_dates):
    many = build_store(tables, ratings, grid, config).frame
    for place in np.random.default_rng(5).choice(len(grid), n_dates, replace=False):
        date = grid["as_of_date"].iloc[place]
        own = ratings[ratings["as_of_date"] == date]
        alone = build_store(tables, own, grid.iloc[[place]], config).frame
        expected = many[many["as_of_date"] == date].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, expected, check_exact=True)


def test_a_date_alone_has_the_same_features(sim_tables, sim_dates, sim_ratings, features):
    check_alone(sim_tables, sim_ratings, sim_dates, features(), 3)


@pytest.mark.real
@pytest.mark.slow
def test_a_real_date_alone_has_the_same_features(real_tables, features, rate):
    grid = as_of_grid(real_tables, ["2003-04", "2019-20", "2020-21"], 60)
    check_alone(real_tables, rate(real_tables, grid), grid, features(), 2)
