import numpy as np
import pandas as pd
import pytest
from harm import HARMS
from made_games import random_league
from test_poisoned_future import around, poison

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
    return small_tables(*games, rosters=rosters)


@pytest.fixture(scope="module")
def dates(as_of):
    grid = as_of(*(f"{year}-11-{day}" for year in (2020, 2021, 2022) for day in range(10, 25, 2)))
    return grid[["season", "as_of_date"]]


@pytest.fixture(scope="module")
def expected(tables, dates, features):
    return player_ratings(tables, dates, features().impact)


@pytest.fixture
def passes(monkeypatch):
    """Days since 1970-01-01 after which each pass over the games began; None is from the first."""
    begun = []

    class Counted(PlayerBook):
        def __init__(self, tables, config, state=None):
            begun.append(None if state is None else int(state["day"]))
            super().__init__(tables, config, state)

    monkeypatch.setattr(cache_module, "PlayerBook", Counted)
    return begun


def assert_same(got, expected):
    pd.testing.assert_frame_equal(got, expected.reset_index(drop=True), check_exact=True)


def on(frame, *dates):
    return frame[frame["as_of_date"].isin(dates)]


def altered(tables, name, column, value, row):
    table = getattr(tables, name).copy()
    table.loc[row, column] = value
    return type(tables)(**{**dict(tables.items()), name: table})


def test_ratings_are_the_same_with_and_without_cache_and_threads(
    tables, dates, features, expected, tmp_path, passes
):
    for threads in (3, 1):
        assert_same(cached_ratings(tables, dates, features(), tmp_path, threads), expected)
    assert passes == [None]
    assert len(list(tmp_path.glob("players_*"))) == dates["season"].nunique()
    assert len(list(tmp_path.glob(f"player_state_{LAST}_*"))) == 1


def test_dates_after_the_regular_season_have_an_entry_of_their_own(
    tables, dates, as_of, features, expected, tmp_path, passes
):
    over = as_of("2021-11-26", "2021-12-05", "2022-11-26")[["season", "as_of_date"]]
    more = pd.concat([dates, over])
    both = player_ratings(tables, more, features().impact)
    assert_same(cached_ratings(tables, more, features(), tmp_path), both)
    assert_same(cached_ratings(tables, dates, features(), tmp_path), expected)
    assert passes == [None]
    assert len(list(tmp_path.glob("players_*"))) == dates["season"].nunique() + 2


def test_one_more_date_is_rated_from_the_opening_of_its_season(
    tables, dates, features, expected, tmp_path, passes
):
    left_out = dates[dates["season"] == LAST]["as_of_date"].iloc[3]
    cached_ratings(tables, dates[dates["as_of_date"] != left_out], features(), tmp_path)
    assert_same(cached_ratings(tables, dates, features(), tmp_path), expected)
    games = tables.player_games
    last_day = (games.loc[games["season"] < LAST, "game_date"].max() - pd.Timestamp(0)).days
    assert passes == [None, last_day]
    alone = on(dates, left_out)
    assert_same(cached_ratings(tables, alone, features(), tmp_path), on(expected, left_out))
    assert passes == [None, last_day, last_day]


def test_the_future_changes_neither_names_nor_ratings(
    tables, dates, features, expected, tmp_path, passes
):
    """Other players, games, results and roster files from a date on, and other slots with them."""
    own = dates[dates["season"] == LAST]
    day = own["as_of_date"].iloc[4]
    early, late = own[own["as_of_date"] < day], own[own["as_of_date"] <= day]
    cached_ratings(tables, early, features(), tmp_path)
    spoiled = poison(tables, LAST, day, seed=3)
    assert_same(
        cached_ratings(spoiled, early, features(), tmp_path), on(expected, *early["as_of_date"])
    )
    assert passes == [None]
    got = cached_ratings(spoiled, late, features(), tmp_path)
    assert_same(got, on(expected, *late["as_of_date"]))
    assert len(passes) == 2
    assert passes[1] is not None


ALTERED = [
    ("player_games", "ast", 77.0),
    ("player_games", "seconds", 7),
    ("games", "home_points", 177),
    ("rosters", "player_id", 99_999),
]


@pytest.mark.parametrize("within", [False, True], ids=["earlier season", "same season"])
@pytest.mark.parametrize("alteration", ALTERED)
def test_a_changed_past_is_rated_anew(
    tables, dates, features, tmp_path, passes, alteration, within
):
    """From the first game on, or from the opening of the season in which the change is."""
    own = dates[dates["season"] == LAST].tail(2)
    cached_ratings(tables, own, features(), tmp_path)
    table = getattr(tables, alteration[0])
    row = table.index[table["season"] == LAST][0] if within else 0
    other = altered(tables, *alteration, row=row)
    got = cached_ratings(other, own, features(), tmp_path)
    assert [begun is None for begun in passes] == [True, not within]
    assert_same(got, player_ratings(other, own, features().impact))


def test_config_dates_and_code_name_the_entries(tables, dates, features, tmp_path, monkeypatch):
    own = dates[dates["season"] == LAST].head(2)

    def n_files():
        return len(list(tmp_path.iterdir()))

    cached_ratings(tables, own, features(), tmp_path)
    cached_ratings(tables, own, features("features.roster.size=9"), tmp_path)
    assert n_files() == 2
    cached_ratings(tables, own, features("features.impact.margin_cap=20"), tmp_path)
    assert n_files() == 4
    cached_ratings(tables, own.head(1), features(), tmp_path)
    assert n_files() == 5
    monkeypatch.setattr("nba_rank.core.content_hash.code_hash", lambda module: "another")
    cached_ratings(tables, own, features(), tmp_path)
    assert n_files() == 7


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_entry_is_made_anew(tables, dates, features, expected, tmp_path, passes, harm):
    own = dates[dates["season"] == LAST]

    def ask():
        got = cached_ratings(tables, own, features(), tmp_path)
        assert_same(got, on(expected, *own["as_of_date"]))

    ask()
    (ratings,), (state,) = tmp_path.glob("players_*"), tmp_path.glob("player_state_*")
    harm(ratings / "ratings.parquet")
    ask()
    assert len(passes) == 2
    assert passes[1] is not None
    for path in (ratings / "ratings.parquet", state / "state.npz"):
        harm(path)
    ask()
    assert passes[2:] == [None]
    ask()
    assert len(passes) == 3


def test_the_first_season_has_no_opening(tables, dates, features, expected, tmp_path):
    first = dates[dates["season"] == dates["season"].min()]
    got = cached_ratings(tables, first, features(), tmp_path)
    assert_same(got, expected[expected["season"] == dates["season"].min()])
    assert not list(tmp_path.glob("player_state_*"))


def test_without_player_logs_nothing_is_cached(tables, dates, features, tmp_path):
    seasons = tables.seasons.assign(has_player_games=False)
    bare = type(tables)(**{**dict(tables.items()), "seasons": seasons})
    assert cached_ratings(bare, dates, features(), tmp_path).empty
    assert not list(tmp_path.iterdir())


@pytest.mark.real
def test_a_real_date_is_the_same_from_the_opening_of_its_season(real_tables, features, tmp_path):
    date = pd.DataFrame({"season": ["2022-23"], "as_of_date": [pd.Timestamp("2023-01-20")]})
    other = date.assign(as_of_date=pd.Timestamp("2022-11-20"))
    tables = around(real_tables, "2022-23")
    cached_ratings(tables, other, features(), tmp_path)
    got = cached_ratings(tables, date, features(), tmp_path)
    assert_same(got, player_ratings(tables, date, features().impact))
