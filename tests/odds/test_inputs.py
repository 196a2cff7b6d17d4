import numpy as np
import pandas as pd
import pytest

from nba_rank.data.outcomes import outcomes
from nba_rank.features.asof import Rows
from nba_rank.features.elo import elo_ratings
from nba_rank.features.schedule_ratings import massey_ratings
from nba_rank.odds.inputs import ELO, INPUTS, ROSTER_INPUTS, strength_inputs
from nba_rank.odds.residual import RESIDUAL_INPUTS

KEY = ["season", "as_of_date", "team_id"]
OF_PLAYERS = [*ROSTER_INPUTS, *RESIDUAL_INPUTS]
OF_TEAMS = [name for name in INPUTS if name not in OF_PLAYERS]
NO_PLAYERS = pd.DataFrame(
    {
        "season": pd.Series(dtype="str"),
        "as_of_date": pd.Series(dtype="datetime64[us]"),
        "team_id": pd.Series(dtype="int64"),
    }
    | {
        name: pd.Series(dtype="float64")
        for name in ("expected_minutes", "full_strength_minutes", "impact_rating")
    }
)


def dates_of(*dates: str, season: str = "2022-23") -> pd.DataFrame:
    frame = pd.DataFrame({"season": season, "as_of_date": [pd.Timestamp(date) for date in dates]})
    return frame.astype({"season": "str", "as_of_date": "datetime64[us]"})


def test_each_team_and_date_has_one_row_and_each_date_is_centred(sim_inputs, sim_dates):
    assert list(sim_inputs.columns) == [*KEY, "conference", *INPUTS, "progress"]
    assert len(sim_inputs) == 30 * len(sim_dates)
    pd.testing.assert_frame_equal(sim_inputs[KEY], sim_inputs[KEY].sort_values(KEY))
    by_date = sim_inputs.groupby(["season", "as_of_date"])[list(INPUTS)]
    np.testing.assert_allclose(by_date.mean().fillna(0.0), 0.0, atol=1e-9)


def test_players_are_unknown_in_the_first_season_of_the_logs(sim_inputs):
    first = sim_inputs["season"] == "2021-22"
    assert sim_inputs.loc[first, OF_PLAYERS].isna().all(axis=None)
    assert sim_inputs.loc[~first, OF_PLAYERS].notna().all(axis=None)
    assert sim_inputs[OF_TEAMS].notna().all(axis=None)
    opening = sim_inputs["as_of_date"] == sim_inputs["as_of_date"].min()
    np.testing.assert_allclose(sim_inputs.loc[opening, OF_TEAMS], 0.0, atol=1e-12)


def test_each_date_depends_on_its_own_players_alone(sim_tables, sim_ratings, sim_inputs, sim_dates):
    gone = sim_dates["as_of_date"].iloc[20]
    some = sim_dates.iloc[[30, 20, 5]]
    ratings = sim_ratings[sim_ratings["as_of_date"] != gone]
    got = strength_inputs(sim_tables, ratings, some)
    expected = sim_inputs[sim_inputs["as_of_date"].isin(some["as_of_date"])].copy()
    expected.loc[expected["as_of_date"] == gone, OF_PLAYERS] = np.nan
    pd.testing.assert_frame_equal(got, expected.reset_index(drop=True), check_exact=True)
    nobody = strength_inputs(sim_tables, sim_ratings.iloc[:0], some)
    expected[OF_PLAYERS] = np.nan
    pd.testing.assert_frame_equal(nobody, expected.reset_index(drop=True), check_exact=True)


def test_team_ratings_are_massey_and_elo_less_their_mean(sim_tables, sim_inputs, sim_dates):
    rows = Rows.of(sim_tables, sim_dates)
    key = ["season", "as_of_date"]
    for name, rating in (
        ("margin_rating", massey_ratings(sim_tables, rows, 15.0)),
        ("elo_margin", elo_ratings(sim_tables, rows, ELO) / 26),
    ):
        frame = rows.frame.assign(rating=rating)
        centred = rating - frame.groupby(key)["rating"].transform("mean")
        np.testing.assert_allclose(sim_inputs[name], centred, atol=1e-9)


def test_a_single_game_moves_the_margin_rating_little(small_league):
    tables = small_league([("2022-11-01", 1, 2, 117, 100)], 2)
    frame = strength_inputs(tables, NO_PLAYERS, dates_of("2022-11-01", "2022-11-02"))
    # (15 + 2) r = 17, where r and -r are the ratings of the two.
    np.testing.assert_allclose(frame["margin_rating"], [0, 0, 1, -1], atol=1e-12)


def test_progress_by_hand(small_league):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-01", 3, 4, 110, 100),
        ("2022-11-03", 1, 3, 110, 100),
        ("2023-04-20", 1, 2, 110, 100, {"kind": "playoffs"}),
    ]
    dates = dates_of("2022-11-01", "2022-11-02", "2022-11-04", "2023-05-01")
    got = strength_inputs(small_league(games), NO_PLAYERS, dates)["progress"]
    np.testing.assert_allclose(got, np.repeat([0, 1, 1.5, 1.5], 4) / 82)
    # A short season is one from the start.
    games = [("2020-12-23", 1, 2, 110, 100), ("2020-12-24", 2, 1, 110, 100)]
    dates = dates_of("2020-12-24", "2020-12-25", season="2020-21")
    got = strength_inputs(small_league(games, 2), NO_PLAYERS, dates)["progress"]
    np.testing.assert_allclose(got, np.repeat([1, 2], 2) / 72)


def test_progress_runs_from_0_to_1(sim_inputs):
    by_date = sim_inputs.groupby(["season", "as_of_date"])["progress"]
    pd.testing.assert_series_equal(by_date.min(), by_date.max())
    by_season = by_date.first().groupby(level=0)
    assert (by_season.first() == 0).all()
    assert (by_season.last() == 1).all()
    assert by_season.apply(lambda values: values.is_monotonic_increasing).all()


@pytest.mark.parametrize("slot", [14, 18, 25])
def test_games_of_the_date_and_later_play_no_part(
    sim_tables, sim_ratings, sim_inputs, sim_dates, poison, cut, slot
):
    at = sim_dates.iloc[[slot]]
    date = at["as_of_date"].iloc[0]
    expected = sim_inputs[sim_inputs["as_of_date"] == date].reset_index(drop=True)
    for spoil in (poison, cut):
        got = strength_inputs(spoil(sim_tables, date), sim_ratings, at)
        pd.testing.assert_frame_equal(got, expected, check_exact=True)


def test_the_market_is_an_input_only_where_it_is_on(sim_tables, sim_ratings, sim_inputs, sim_dates,
                                                    priced, compose_as_is):  # fmt: skip
    tables = priced(sim_tables)
    off, on = (compose_as_is(f"features/market={state}").features.market for state in ("off", "on"))
    got = strength_inputs(tables, sim_ratings, sim_dates, off)
    pd.testing.assert_frame_equal(got, sim_inputs, check_exact=True)
    got = strength_inputs(tables, sim_ratings, sim_dates, on)
    assert got.pop("market_rating").notna().all()
    pd.testing.assert_frame_equal(got, sim_inputs, check_exact=True)


def test_inputs_correlate_with_outcomes(sim_tables, sim_inputs):
    ranks = pd.concat([outcomes(sim_tables, season) for season in ("2022-23", "2023-24")])
    frame = sim_inputs[sim_inputs["progress"].between(0.4, 0.9)].merge(ranks)
    # Nobody of the simulated league is drafted.
    for name in (*{*ROSTER_INPUTS} - {"draft_value"}, *OF_TEAMS):
        assert frame[name].corr(-frame["outcome_rank"], method="spearman") > 0.5
