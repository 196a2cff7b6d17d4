from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from harm import HARMS
from made_games import altered, random_league, random_stints
from test_poisoned_future import poison

from nba_rank.features.asof import day_of
from nba_rank.features.players import cache as cache_module
from nba_rank.features.players.cache import cached_ratings
from nba_rank.features.players.impact import PlayerBook, player_ratings

LAST = "2022-23"


@pytest.fixture(scope="module")
def tables(small_tables):
    """Three seasons of four teams with six players each, and a roster file before each."""
    rng, teams = np.random.default_rng(3), {t: list(range(10 * t, 10 * t + 6)) for t in range(1, 5)}
    years = (2020, 2021, 2022)
    starts = [pd.date_range(f"{year}-11-01", periods=12, freq="2D") for year in years]
    games = random_league(rng, [f"{day:%Y-%m-%d}" for days in starts for day in days], teams)
    rosters = [(f"{year}-10-25", team, ids) for year in years for team, ids in teams.items()]
    made = small_tables(*games, rosters=rosters)
    # Two games out of three have stints.
    return replace(made, stints=random_stints(rng, made, made.games["game_id"][::3].tolist()))


@pytest.fixture(scope="module")
def dates(as_of):
    grid = as_of(*(f"{year}-11-{day}" for year in (2020, 2021, 2022) for day in range(10, 25, 2)))
    return grid[["season", "as_of_date"]]


@pytest.fixture(scope="module")
def own(dates):
    """Those of the last season."""
    return dates[dates["season"] == LAST]


@pytest.fixture(scope="module")
def expected(tables, dates, features):
    return player_ratings(tables, dates, features().impact)


@pytest.fixture
def passes(monkeypatch):
    """Days since 1970-01-01 after which each pass over the games began; None: from the first."""
    begun = []

    class Counted(PlayerBook):
        def __init__(self, tables, config, state=None, *, with_stints):
            begun.append(None if state is None else int(state["day"]))
            super().__init__(tables, config, state, with_stints=with_stints)

    monkeypatch.setattr(cache_module, "PlayerBook", Counted)
    return begun


@pytest.fixture
def rated(features, tmp_path):
    """Ratings with a cache of their own: `rated(tables, dates, "features.impact.margin_cap=9")`."""
    return lambda tables, dates, *overrides, threads=1, apart=(): cached_ratings(
        tables, dates, features(*overrides), tmp_path, threads, apart=apart
    )


def assert_same(got, expected):
    pd.testing.assert_frame_equal(got, expected.reset_index(drop=True), check_exact=True)


def of(dates, expected):
    return expected[expected["as_of_date"].isin(dates["as_of_date"])]


def test_ratings_are_the_same_with_and_without_cache_and_threads(
    tables, dates, rated, expected, tmp_path, passes
):
    for threads in (3, 1):
        assert_same(rated(tables, dates, threads=threads), expected)
    assert passes == [None]
    assert len(list(tmp_path.glob("players_*"))) == dates["season"].nunique()
    assert len(list(tmp_path.glob(f"player_state_{LAST}_*"))) == 1


def test_dates_that_not_every_run_asks_for_have_entries_of_their_own(
    tables, dates, as_of, features, rated, expected, tmp_path, passes
):
    over = as_of("2021-11-26", "2021-12-05", "2022-11-26")[["season", "as_of_date"]]
    often = pd.concat([dates.head(3), over.tail(1), dates.tail(2)])  # in other frames already
    both = pd.concat([dates, over])
    together = rated(tables, dates, apart=[over, often])
    assert_same(together, player_ratings(tables, both, features().impact))
    assert passes == [None]
    assert_same(rated(tables, dates), expected)
    assert_same(rated(tables, over), of(over, together))
    assert passes == [None]
    assert len(list(tmp_path.glob("players_*"))) == dates["season"].nunique() + 2


def test_one_more_date_is_rated_from_the_opening_of_its_season(
    tables, dates, own, rated, expected, passes
):
    alone = own.iloc[[3]]
    rated(tables, dates.drop(alone.index))
    assert_same(rated(tables, dates), expected)
    assert_same(rated(tables, alone), of(alone, expected))
    games = tables.player_games
    last_day = day_of(games.loc[games["season"] < LAST, "game_date"].max())
    assert passes == [None, last_day, last_day]


def test_the_future_changes_neither_names_nor_ratings(tables, own, rated, expected, passes):
    """Other players, games, results and roster files from a date on, and other slots with them."""
    early, late = own[:4], own[:5]
    rated(tables, early)
    spoiled = poison(tables, LAST, own["as_of_date"].iloc[4], seed=3)
    assert_same(rated(spoiled, early), of(early, expected))
    assert passes == [None]
    assert_same(rated(spoiled, late), of(late, expected))
    assert [begun is None for begun in passes] == [True, False]


@pytest.mark.parametrize("within", [False, True], ids=["earlier season", "same season"])
@pytest.mark.parametrize(
    "alteration",
    [
        ("player_games", "ast", 77.0),
        ("player_games", "seconds", 7),
        ("games", "home_points", 177),
        ("stints", "home_points", 77),
        ("team_games", "fga", 177.0),
        ("rosters", "player_id", 99_999),
    ],
)
def test_a_changed_past_is_rated_anew(tables, own, features, rated, passes, alteration, within):
    """From the first game on, or from the opening of the season in which the change is."""
    rated(tables, own)
    table = getattr(tables, alteration[0])
    row = table.index[table["season"] == LAST][0] if within else 0
    other = altered(tables, *alteration, row=row)
    got = rated(other, own)
    assert [begun is None for begun in passes] == [True, not within]
    assert_same(got, player_ratings(other, own, features().impact))


def test_config_dates_and_code_name_the_entries(tables, own, rated, tmp_path, monkeypatch):
    own = own.head(2)

    def n_entries(*args):
        rated(tables, *args)
        return len(list(tmp_path.iterdir()))

    assert n_entries(own) == n_entries(own, "features.roster.size=9") == 2
    assert n_entries(own, "features.impact.margin_cap=20") == 4
    assert n_entries(own.head(1)) == 5
    monkeypatch.setattr("nba_rank.core.content_hash.code_hash", lambda module: "another")
    assert n_entries(own) == 7


def test_without_stints_in_the_ratings_they_name_no_entries(tables, own, rated, tmp_path):
    own, bare = own.head(2), replace(tables, stints=tables.stints.iloc[:0])

    def entries(*overrides):
        columns = [list(rated(some, own, *overrides).columns) for some in (tables, bare)]
        assert columns[0] == columns[1]
        return len(list(tmp_path.iterdir()))

    assert entries("features/impact=games", "features/on_off=off") == 2
    # The group adds its columns to the ratings.
    assert entries("features/impact=games", "features/on_off=on") == 6
    assert entries("features/impact=default", "features/on_off=off") == 10


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_entry_is_made_anew(tables, own, rated, expected, tmp_path, passes, harm):
    def ask():
        assert_same(rated(tables, own), of(own, expected))

    ask()
    (ratings,) = tmp_path.glob("players_*/ratings.parquet")
    (state,) = tmp_path.glob("player_state_*/state.npz")
    harm(ratings)
    ask()
    harm(ratings)
    harm(state)
    ask()
    ask()
    assert [begun is None for begun in passes] == [True, False, True]


def test_the_first_season_has_no_opening(tables, dates, rated, expected, tmp_path):
    first = dates[dates["season"] == "2020-21"]
    assert_same(rated(tables, first), of(first, expected))
    assert not list(tmp_path.glob("player_state_*"))


def test_without_player_logs_nothing_is_cached(tables, dates, rated, tmp_path):
    bare = replace(tables, seasons=tables.seasons.assign(has_player_games=False))
    assert rated(bare, dates).empty
    assert not list(tmp_path.iterdir())
