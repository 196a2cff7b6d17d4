from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.outcomes import outcomes
from nba_rank.data.tables import conform
from nba_rank.features import (
    four_factors,
    market,
    motivation,
    prior_records,
    prior_season,
    record,
    rest,
    srs,
    team_rolling,
)
from nba_rank.features.asof import Rows
from nba_rank.features.registry import PLAYER_GROUPS, TEAM_GROUPS, build_group
from nba_rank.features.store import KEY, build_store

HOME = {"fgm": 40.0, "fga": 90.0, "fg3m": 10.0, "ftm": 20.0, "fta": 25.0,
        "oreb": 12.0, "dreb": 33.0, "tov": 14.0}  # fmt: skip
AWAY = {"fgm": 35.0, "fga": 85.0, "fg3m": 8.0, "ftm": 22.0, "fta": 30.0,
        "oreb": 8.0, "dreb": 30.0, "tov": 16.0}  # fmt: skip
BOX = {"home": HOME, "away": AWAY}


def built(group, tables, dates, config):
    """A group's frame indexed by date and team."""
    rows = Rows.of(tables, dates)
    frame = group.build(tables, rows, config)
    return frame.set_axis(pd.MultiIndex.from_frame(rows.frame[["as_of_date", "team_id"]]))


# Worked examples.


def test_record_by_hand(small_tables, as_of, features):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-03", 2, 1, 104, 100),
        ("2022-11-05", 1, 3, 120, 100),
        ("2022-11-07", 1, 2, 90, 100, {"kind": "playoffs"}),
    ]
    config = replace(features().record, last_games=2)
    got = built(
        record, small_tables(games), as_of("2022-11-01", "2022-11-04", "2022-11-08"), config
    )
    known = ["season_progress", "games_played", "regressed_win_pct"]
    for date, team in (("2022-11-01", 1), ("2022-11-08", 4)):
        assert got.loc[(date, team), known].tolist() == [0, 0, 0.5]
        assert got.loc[(date, team)].drop(known).isna().all()
    assert got.loc[("2022-11-04", 1)].tolist() == [2 / 82, 2, 3.5 / 7, 0.5, 3, 0.5, 3]
    assert got.loc[("2022-11-08", 1)].tolist() == [3 / 82, 3, 4.5 / 8, 2 / 3, 26 / 3, 0.5, 8]


def test_regressed_win_share_starts_from_last_season(small_tables, as_of, features):
    games = [
        ("2021-11-01", 1, 2, 110, 100),
        ("2021-11-03", 1, 2, 104, 100),
        ("2022-11-01", 2, 1, 110, 100),
    ]
    config = replace(features().record, prior_games=4.0, prior_carry_over=0.5)
    got = built(record, small_tables(games), as_of("2022-11-01", "2022-11-02"), config)
    share = got["regressed_win_pct"]
    assert share.loc[("2022-11-01", 1)] == 0.75
    assert share.loc[("2022-11-02", 1)] == 4 * 0.75 / 5
    assert share.loc[("2022-11-02", 2)] == (1 + 4 * 0.25) / 5


def test_four_factors_by_hand(small_tables, as_of, features):
    games = [("2022-11-01", 1, 2, 110, 100, BOX)]
    got = built(four_factors, small_tables(games), as_of("2022-11-02"), features().four_factors)
    own, other = got.loc[("2022-11-02", 1)], got.loc[("2022-11-02", 2)]
    expected = {
        "efg_pct": (45 / 90, 39 / 85),
        "tov_pct": (14 / (90 + 0.44 * 25 + 14), 16 / (85 + 0.44 * 30 + 16)),
        "orb_pct": (12 / (12 + 30), 8 / (8 + 33)),
        "ft_rate": (20 / 90, 22 / 85),
    }
    assert len(got.columns) == 12
    for name, (home, away) in expected.items():
        assert own[name] == other[f"opponent_{name}"] == pytest.approx(home, rel=1e-12)
        assert other[name] == own[f"opponent_{name}"] == pytest.approx(away, rel=1e-12)
        assert own[f"{name}_diff"] == -other[f"{name}_diff"] == pytest.approx(home - away)
    assert got.loc[("2022-11-02", 3)].isna().all()


def test_four_factors_are_of_sums_not_means_of_games(small_tables, as_of, features):
    second = {"home": HOME | {"fgm": 10.0, "fga": 30.0, "fg3m": 0.0}, "away": AWAY}
    games = [("2022-11-01", 1, 2, 110, 100, BOX), ("2022-11-03", 1, 2, 90, 100, second)]
    got = built(four_factors, small_tables(games), as_of("2022-11-04"), features().four_factors)
    assert got.loc[("2022-11-04", 1), "efg_pct"] == pytest.approx((45 + 10) / (90 + 30))


def test_a_gap_in_the_box_score_makes_its_factors_unknown_and_no_others(
    small_tables, as_of, features
):
    gap = {"home": HOME | {"oreb": np.nan}, "away": AWAY}
    games = [("2022-11-01", 1, 2, 110, 100, BOX), ("2022-11-03", 1, 2, 90, 100, gap)]
    got = built(four_factors, small_tables(games), as_of("2022-11-04"), features().four_factors)
    row = got.loc[("2022-11-04", 1)]
    unknown = {"orb_pct", "orb_pct_diff"}
    assert set(row.index[row.isna()]) == unknown
    row = built(team_rolling, small_tables(games), as_of("2022-11-04"), features().team_rolling)
    assert row["rolling_defensive_rating"].isna().all()
    assert row.loc[("2022-11-04", 1), "rolling_efg_pct"] == pytest.approx(0.5)


def test_team_rolling_by_hand(small_tables, as_of, features):
    games = [
        ("2022-11-01", 1, 2, 150, 140, {"home": AWAY, "away": HOME}),
        ("2022-11-03", 1, 2, 99, 100, BOX),
    ]
    tables = small_tables(games)
    home = 90 + 0.4 * 25 - 1.07 * 12 / (12 + 30) * (90 - 40) + 14
    away = 85 + 0.4 * 30 - 1.07 * 8 / (8 + 33) * (85 - 35) + 16
    possessions = (home + away) / 2
    newest = replace(features().team_rolling, games=1)
    got = built(team_rolling, tables, as_of("2022-11-02", "2022-11-04"), newest)
    first, last = got.loc[("2022-11-02", 1)], got.loc[("2022-11-04", 1)]
    assert last["rolling_defensive_rating"] == pytest.approx(100 * 100 / possessions)
    assert got.loc[("2022-11-04", 2), "rolling_defensive_rating"] == pytest.approx(
        100 * 99 / possessions
    )
    assert last["rolling_efg_pct"] == pytest.approx(0.5)
    assert (first["won_previous_game"], last["won_previous_game"]) == (1, 0)
    both = built(team_rolling, tables, as_of("2022-11-04"), features().team_rolling)
    row = both.loc[("2022-11-04", 1)]
    assert row["rolling_efg_pct"] == pytest.approx((45 + 39) / (90 + 85))
    assert both.loc[("2022-11-04", 3)].isna().all()


def test_rest_by_hand(small_tables, as_of, features):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-02", 1, 3, 110, 100),
        ("2022-11-20", 4, 2, 110, 100),
        ("2023-11-01", 1, 2, 110, 100),
    ]
    dates = as_of(
        "2022-11-01", "2022-11-02", "2022-11-03", "2022-11-09", "2022-11-10", "2023-11-01"
    )
    got = built(rest, small_tables(games), dates, replace(features().rest, window_days=7))
    assert list(got.columns) == ["days_since_game", "games_in_window", "played_yesterday"]
    first = got.loc[("2022-11-01", 1)]
    assert np.isnan(first["days_since_game"])
    assert first.tolist()[1:] == [0, 0]
    assert got.loc[("2022-11-02", 1)].tolist() == [1, 1, 1]
    assert got.loc[("2022-11-03", 1)].tolist() == [1, 2, 1]
    assert got.loc[("2022-11-03", 2)].tolist() == [2, 1, 0]
    assert got.loc[("2022-11-09", 1)].tolist() == [7, 1, 0]
    assert got.loc[("2022-11-10", 1)].tolist() == [8, 0, 0]
    # Last season's games are no part of this season's rest.
    assert np.isnan(got.loc[("2023-11-01", 1), "days_since_game"])


def test_prior_season_by_hand(small_tables, as_of, features):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-03", 2, 1, 104, 100),
        ("2022-11-05", 1, 2, 120, 100),
        ("2023-04-20", 1, 2, 90, 100, {"kind": "playin"}),
        ("2023-05-20", 1, 2, 101, 100, {"kind": "playoffs"}),
        ("2023-05-22", 1, 2, 101, 100, {"kind": "playoffs"}),
        ("2023-11-01", 1, 3, 90, 100),
    ]
    got = built(
        prior_season, small_tables(games), as_of("2022-12-01", "2023-11-02"),
        features().prior_season,
    )  # fmt: skip
    assert got.loc["2022-12-01"].isna().all(axis=None)
    assert got.loc[("2023-11-02", 1)].tolist() == [2 / 3, 26 / 3, 2]
    assert got.loc[("2023-11-02", 2)].tolist() == [1 / 3, -26 / 3, 0]
    assert got.loc[("2023-11-02", 3)].isna().all()


def test_a_team_that_missed_the_playoffs_has_zero_playoff_wins(sim_tables, as_of, features):
    got = built(prior_season, sim_tables, as_of("2022-12-01"), features().prior_season)
    last = outcomes(sim_tables, "2021-22").set_index("team_id")
    expected = last["playoff_wins"].sort_index().to_numpy()
    assert got["prior_playoff_wins"].tolist() == expected.tolist()
    assert (expected == 0).sum() >= 14
    np.testing.assert_allclose(got["prior_win_pct"], last["win_pct"].sort_index(), rtol=1e-12)


def test_games_behind_the_line_by_hand(small_tables, as_of, features):
    games = [(f"2022-11-0{day}", 1, 3, 110, 100) for day in (1, 2, 3)]
    games += [("2022-11-04", 2, 4, 110, 100)]
    got = built(motivation, small_tables(games), as_of("2022-11-05"), features().motivation)
    got = got.loc["2022-11-05"]
    # Two teams a conference, so the line lies at the second.
    assert got["games_behind_line"].to_dict() == {1: -3, 2: -1, 3: 0, 4: 0}
    assert got["games_left"].to_dict() == {1: 79, 2: 81, 3: 79, 4: 81}
    assert not got["eliminated"].any()


def test_motivation_over_a_season(sim_tables, as_of, features):
    row = sim_tables.seasons.set_index("season").loc["2022-23"]
    dates = as_of(*pd.date_range(row["first_date"], row["last_regular_date"] + pd.Timedelta("1D")))
    got = built(motivation, sim_tables, dates, features().motivation)
    played = 82 - got["games_left"]
    games = built(record, sim_tables, dates, features().record)["games_played"]
    assert (played == games).all()
    # 0.75 of 82 games is 61.5.
    assert (got["late_season"] == (games >= 62)).all()
    last = got.loc[dates["as_of_date"].iloc[-1]]
    final = outcomes(sim_tables, "2022-23").set_index("team_id").sort_index()
    assert (last["games_left"] == 0).all()
    assert not (last["eliminated"].astype(bool) & (final["seed"] <= 10)).any()
    assert not (last["clinched"].astype(bool) & (final["seed"] > 6)).any()
    assert last["eliminated"].sum() >= 8
    assert last["clinched"].sum() >= 10
    assert not got.loc[dates["as_of_date"].iloc[40], ["eliminated", "clinched"]].any(axis=None)


def test_market_by_hand(small_tables, as_of, features):
    games = [("2020-12-22", 1, 2, 110, 100), ("2022-11-01", 1, 2, 110, 100)]
    columns = ["season", "team_id", "win_total", "title_prob"]
    rows = [("2020-21", 1, 36.0, 0.25), ("2022-23", 1, 41.0, 0.5), ("2022-23", 3, 20.5, np.nan)]
    totals = conform("market_totals", pd.DataFrame(rows, columns=columns))
    tables = replace(small_tables(games), market_totals=totals)
    got = built(market, tables, as_of("2020-12-22", "2022-11-01", "2023-03-01"), features().market)
    assert list(got.columns) == ["market_win_pct", "market_title_prob"]
    # 72 games in 2020-21, 82 since; the figures are the same on every date of a season.
    assert got.loc[("2020-12-22", 1)].tolist() == [0.5, 0.25]
    for date in ("2022-11-01", "2023-03-01"):
        assert got.loc[(date, 1)].tolist() == [0.5, 0.5]
        assert got.loc[(date, 3), "market_win_pct"] == 0.25
        assert np.isnan(got.loc[(date, 3), "market_title_prob"])
        assert got.loc[(date, 2)].isna().all()


def test_prior_records_by_hand(small_tables, as_of, features):
    games = [("2021-11-01", 1, 2, 110, 100), ("2022-11-01", 1, 2, 110, 100)]
    columns = ["season", "team_id", "wins", "losses", "mov", "sos", "srs"]
    rows = [
        ("2020-21", 1, 40, 32, 1.0, 0.5, 1.5), ("2021-22", 1, 50, 32, 4.0, -0.25, 3.75),
        ("2021-22", 2, 20, 62, -8.0, 0.5, -7.5), ("2022-23", 2, 60, 22, 9.0, 0.0, 9.0),
    ]  # fmt: skip
    records = conform("team_records", pd.DataFrame(rows, columns=columns))
    tables = replace(small_tables(games), team_records=records)
    dates = as_of("2021-11-02", "2022-11-01", "2023-03-01")
    got = built(prior_records, tables, dates, features().prior_records)
    assert list(got.columns) == ["prior_mov", "prior_sos", "prior_srs"]
    # Of the season before on every date, and never of the same.
    assert got.loc[("2021-11-02", 1)].tolist() == [1.0, 0.5, 1.5]
    assert got.loc[("2021-11-02", 2)].isna().all()
    for date in ("2022-11-01", "2023-03-01"):
        assert got.loc[(date, 1)].tolist() == [4.0, -0.25, 3.75]
        assert got.loc[(date, 2)].tolist() == [-8.0, 0.5, -7.5]
        assert got.loc[(date, 3)].isna().all()
    assert (
        built(prior_records, small_tables(games), dates, features().prior_records)
        .isna()
        .all(axis=None)
    )


def test_the_records_of_a_simulated_league_are_its_simple_ratings(sim_tables, as_of, features):
    """What is published of a season is what its games say at its end."""
    after = sim_tables.seasons.set_index("season").loc["2021-22", "last_regular_date"]
    ended = built(srs, sim_tables, as_of(after + pd.Timedelta(days=1)), features().srs)
    opening = sim_tables.seasons.set_index("season").loc["2022-23", "first_date"]
    got = built(prior_records, sim_tables, as_of(opening), features().prior_records)
    np.testing.assert_allclose(got["prior_srs"], ended["srs"], atol=0.0051)
    np.testing.assert_allclose(got["prior_sos"], ended["sos"], atol=0.0051)
    np.testing.assert_allclose(got["prior_srs"], got["prior_mov"] + got["prior_sos"], atol=0.011)


def test_without_bookmakers_figures_the_group_is_unknown(small_tables, as_of, features):
    tables = small_tables([("2022-11-01", 1, 2, 110, 100)])
    got = built(market, tables, as_of("2022-11-01"), features().market)
    assert got.shape == (4, 2)
    assert got.isna().all(axis=None)


# All groups.

COLUMNS = {
    "record": [
        "season_progress",
        "games_played",
        "regressed_win_pct",
        "win_pct",
        "margin_per_game",
        "form_win_pct",
        "form_margin_per_game",
    ],
    "prior_season": ["prior_win_pct", "prior_margin_per_game", "prior_playoff_wins"],
    "four_factors": [
        column
        for factor in ("efg_pct", "tov_pct", "orb_pct", "ft_rate")
        for column in (factor, f"opponent_{factor}", f"{factor}_diff")
    ],
    "elo": ["elo_rating"],
    "massey": ["massey_rating"],
    "srs": ["srs", "sos"],
    "team_rolling": ["rolling_efg_pct", "rolling_defensive_rating", "won_previous_game"],
    "rest": ["days_since_game", "games_in_window", "played_yesterday"],
    "motivation": ["games_left", "games_behind_line", "eliminated", "clinched", "late_season"],
    "market": ["market_win_pct", "market_title_prob"],
    "prior_records": ["prior_mov", "prior_sos", "prior_srs"],
    "roster_strength": [
        "roster_strength",
        "full_strength",
        "playoff_strength",
        "star_strength",
        "projected_win_pct",
    ],
    "raptor": ["prior_raptor_offense", "prior_raptor_defense"],
    "injuries": [
        "available_strength",
        "absent_minutes_share",
        "absent_strength",
        "season_strength",
        "injury_report_known",
    ],
}


@pytest.fixture(scope="module")
def dates(as_of):
    return as_of("2022-11-20", "2023-01-15", "2023-03-20")


@pytest.fixture(scope="module")
def ratings(sim_tables, dates, rate):
    return rate(sim_tables, dates)


@pytest.fixture(scope="module")
def every_group(features):
    return features("features/market=on")


@pytest.fixture(scope="module")
def priced_tables(sim_tables, priced, with_raptor):
    return with_raptor(priced(sim_tables))


@pytest.fixture(scope="module")
def full(priced_tables, ratings, dates, every_group):
    return build_store(priced_tables, ratings, dates, every_group)


def test_the_full_store_has_every_column_in_order(full):
    store = full
    assert list(COLUMNS) == [*TEAM_GROUPS, *PLAYER_GROUPS]
    assert store.columns == [column for group in COLUMNS.values() for column in group]
    assert list(store.frame.columns) == [*KEY, "conference", *store.columns]
    assert set(store.frame[store.columns].dtypes) == {np.dtype("float64")}
    assert not store.frame.isna().any(axis=None)
    assert set(store.seconds) == set(COLUMNS)


@pytest.mark.parametrize("group", COLUMNS)
def test_a_group_that_is_off_takes_its_columns_along_and_nothing_else(
    priced_tables, ratings, dates, every_group, full, group
):
    off = replace(getattr(every_group, group), enabled=False)
    without = build_store(priced_tables, ratings, dates, replace(every_group, **{group: off}))
    expected = full.frame.drop(columns=COLUMNS[group])
    pd.testing.assert_frame_equal(without.frame, expected, check_exact=True)
    assert without.columns == list(expected.columns[4:])


@pytest.mark.parametrize("bundle", ["base", "full", "standings_only"])
@pytest.mark.parametrize("state", ["on", "off"])
def test_groups_switch_in_every_bundle(features, bundle, state):
    switched = [group for group in COLUMNS if group != "record"]
    config = features(f"features={bundle}", *(f"features/{group}={state}" for group in switched))
    assert {getattr(config, group).enabled for group in switched} == {state == "on"}
    assert config.record.enabled


@pytest.mark.parametrize(
    ("group", "change", "columns"),
    [
        ("record", {"last_games": 3}, {"form_win_pct", "form_margin_per_game"}),
        ("elo", {"k": 30.0}, {"elo_rating"}),
        ("elo", {"home_edge": 60.0}, {"elo_rating"}),
        ("elo", {"carry_over": 0.5}, {"elo_rating"}),
        ("elo", {"mean": 1500.0}, {"elo_rating"}),
        ("massey", {"ridge": 4.0}, {"massey_rating"}),
        ("team_rolling", {"games": 4}, {"rolling_efg_pct", "rolling_defensive_rating"}),
        ("rest", {"window_days": 14}, {"games_in_window"}),
        ("motivation", {"late_season_share": 0.3}, {"late_season"}),
        ("record", {"prior_games": 9.0}, {"regressed_win_pct"}),
        ("record", {"prior_carry_over": 0.2}, {"regressed_win_pct"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_every_parameter_changes_its_columns_only(
    sim_tables, ratings, dates, features, full, group, change, columns
):
    config = replace(getattr(features(), group), **change)
    rows = Rows.of(sim_tables, dates)
    changed = build_group(group, config, sim_tables, ratings, rows).astype("float64")
    assert {name for name in changed if not full.frame[name].equals(changed[name])} == columns


def test_every_parameter_is_tried(features):
    tried = {"last_games", "k", "home_edge", "carry_over", "mean", "ridge", "games", "window_days",
             "late_season_share", "prior_games", "prior_carry_over", "enabled"}  # fmt: skip
    # Those of the groups left out are tried in tests of their own.
    for group in COLUMNS.keys() - {"raptor", "injuries"}:
        assert {field.name for field in fields(getattr(features(), group))} <= tried


# Counts of games are known to be zero, and Massey's ridge says 0 before the first game.
KNOWN_AT_OPENING = {
    "season_progress": 0, "games_played": 0, "massey_rating": 0, "games_in_window": 0,
    "played_yesterday": 0, "games_left": 82, "games_behind_line": 0, "eliminated": 0,
    "clinched": 0, "late_season": 0, "injury_report_known": 1,
}  # fmt: skip


def test_on_opening_night_the_unknown_is_nan_and_never_zero(
    priced_tables, as_of, every_group, rate
):
    def store_of(season):
        dates = as_of(first[season])
        return build_store(priced_tables, rate(priced_tables, dates), dates, every_group).frame

    first = priced_tables.seasons.set_index("season")["first_date"]
    opening = store_of("2022-23")
    from_before = {"regressed_win_pct"}
    for group in (
        "prior_season", "elo", "market", "prior_records", "roster_strength", "raptor", "injuries"
    ):  # fmt: skip
        from_before |= set(COLUMNS[group])
    for group in COLUMNS.values():
        for column in group:
            if column in KNOWN_AT_OPENING:
                assert (opening[column] == KNOWN_AT_OPENING[column]).all(), column
            elif column in from_before:
                assert opening[column].notna().all(), column
                assert opening[column].nunique() > 5, column
            else:
                assert opening[column].isna().all(), column
    debut = store_of("2021-22")
    for group in ("prior_season", "prior_records", "roster_strength", "raptor"):
        assert debut[COLUMNS[group]].isna().all(axis=None), group
    unrated = ["available_strength", "absent_strength", "season_strength"]
    assert debut[unrated].isna().all(axis=None)
