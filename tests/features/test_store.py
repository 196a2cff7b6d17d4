from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import as_of_grid
from nba_rank.features import registry
from nba_rank.features import store as store_module
from nba_rank.features.store import KEY, build_store, cached_store
from nba_rank.files import write_atomically


@pytest.fixture
def dates(as_of):
    return as_of("2022-10-18", "2023-02-01")


@pytest.fixture
def cheap(features):
    """Few groups, so that a build takes no time."""
    return features("features=standings_only", "features/rest=on")


def test_a_hit_returns_the_same_frame_without_building(
    sim_tables, dates, features, tmp_path, monkeypatch
):
    built = cached_store(sim_tables, dates, features(), tmp_path / "cache")
    assert built.frame.isna().any(axis=None)

    def refuse(*args):
        raise AssertionError("built again")

    monkeypatch.setattr(store_module, "build_store", refuse)
    read = cached_store(sim_tables, dates, features(), tmp_path / "cache")
    pd.testing.assert_frame_equal(read.frame, built.frame, check_exact=True)
    assert read.columns == built.columns
    assert built.seconds
    assert not read.seconds
    with pytest.raises(AssertionError, match="built again"):
        cached_store(sim_tables, dates, features(), tmp_path / "elsewhere")


def altered(tables):
    games = tables.team_games.copy()
    games.loc[0, "ast"] += 1
    return replace(tables, team_games=games)


def test_whatever_a_store_is_made_from_makes_another_file(
    sim_tables, dates, cheap, features, as_of, tmp_path, monkeypatch
):
    def n_files():
        return len(list(tmp_path.glob("store_*.parquet")))

    cached_store(sim_tables, dates, cheap, tmp_path)
    cached_store(sim_tables, dates.copy(), cheap, tmp_path)
    assert n_files() == 1
    cached_store(sim_tables, dates.head(1), cheap, tmp_path)
    assert n_files() == 2
    parameter = features(
        "features=standings_only", "features/rest=on", "features.rest.window_days=9"
    )
    cached_store(sim_tables, dates, parameter, tmp_path)
    assert n_files() == 3
    cached_store(sim_tables, dates, features("features=standings_only"), tmp_path)
    assert n_files() == 4
    cached_store(altered(sim_tables), dates, cheap, tmp_path)
    assert n_files() == 5
    monkeypatch.setattr(store_module, "_code_version", lambda: "another")
    cached_store(sim_tables, dates, cheap, tmp_path)
    assert n_files() == 6


def test_a_group_that_is_off_does_not_name_the_file(sim_tables, dates, features, tmp_path):
    for k in (20, 30):
        config = features("features=standings_only", f"features.elo.k={k}")
        cached_store(sim_tables, dates, config, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_no_file(
    sim_tables, dates, cheap, tmp_path, monkeypatch, error
):
    def interrupted(frame, path, **options):
        path.write_bytes(b"PAR1")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_parquet", interrupted)
        with pytest.raises(error):
            cached_store(sim_tables, dates, cheap, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert cached_store(sim_tables, dates, cheap, tmp_path).seconds
    assert [path.suffix for path in tmp_path.iterdir()] == [".parquet"]


def test_a_write_replaces_the_file_as_a_whole(tmp_path):
    path = tmp_path / "new" / "frame.parquet"
    for value in (1, 2):
        write_atomically(path, pd.DataFrame({"a": [value]}).to_parquet)
    assert pd.read_parquet(path)["a"].tolist() == [2]
    assert list(path.parent.iterdir()) == [path]


def test_two_groups_of_one_column_name_are_refused(sim_tables, dates, features, monkeypatch):
    monkeypatch.setitem(
        registry.GROUPS,
        "elo",
        lambda tables, rows, config: pd.DataFrame({"win_pct": np.zeros(len(rows.frame))}),
    )
    with pytest.raises(ValueError, match=r"same columns.*win_pct"):
        build_store(sim_tables, dates, features("features=standings_only", "features/elo=on"))


def test_the_store_is_sorted_by_key_whatever_the_order_of_dates(sim_tables, dates, cheap):
    shuffled = pd.concat([dates.iloc[::-1], dates.head(1)])
    frame = build_store(sim_tables, shuffled, cheap).frame
    pd.testing.assert_frame_equal(frame, build_store(sim_tables, dates, cheap).frame)
    assert not frame.duplicated(KEY).any()
    assert frame[KEY].equals(frame[KEY].sort_values(KEY, ignore_index=True))


def check_alone(tables, grid, config, n_dates):
    many = build_store(tables, grid, config).frame
    for place in np.random.default_rng(5).choice(len(grid), n_dates, replace=False):
        alone = build_store(tables, grid.iloc[[place]], config).frame
        season, date = grid.loc[place, ["season", "as_of_date"]]
        expected = many[(many["season"] == season) & (many["as_of_date"] == date)]
        pd.testing.assert_frame_equal(alone, expected.reset_index(drop=True), check_exact=True)


def test_a_date_alone_has_the_features_it_has_among_many(sim_tables, features):
    grid = as_of_grid(sim_tables, sim_tables.seasons["season"].tolist(), 14)
    check_alone(sim_tables, grid, features(), 5)


@pytest.mark.real
def test_a_real_date_alone_has_the_features_it_has_among_many(real_tables, features):
    grid = as_of_grid(real_tables, ["2003-04", "2019-20", "2020-21"], 60)
    check_alone(real_tables, grid, features(), 2)
