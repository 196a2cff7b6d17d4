from dataclasses import fields, replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_poisoned_future import around

from nba_rank.data import league
from nba_rank.data.outcomes import outcomes
from nba_rank.data.tables import conform
from nba_rank.evaluation.baselines import FIVETHIRTYEIGHT
from nba_rank.features import (
    four_factors,
    market,
    momentum,
    motivation,
    pace,
    prior_records,
    prior_season,
    pythagorean,
    record,
    rest,
    srs,
    team_rolling,
)
from nba_rank.features.asof import Rows
from nba_rank.features.elo import home_leads
from nba_rank.features.pace import game_minutes
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
    # They are ratios of sums, not means of games.
    second = {"home": HOME | {"fgm": 10.0, "fga": 30.0, "fg3m": 0.0}, "away": AWAY}
    games.append(("2022-11-03", 1, 2, 90, 100, second))
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
    assert row["rolling_defensive_rating_10"].isna().all()
    assert row.loc[("2022-11-04", 1), "rolling_efg_pct_10"] == pytest.approx(0.5)


def test_team_rolling_by_hand(small_tables, as_of, features):
    games = [
        ("2022-11-01", 1, 2, 150, 140, {"home": AWAY, "away": HOME}),
        ("2022-11-03", 1, 2, 99, 100, BOX),
    ]
    tables = small_tables(games)
    home = 90 + 0.4 * 25 - 1.07 * 12 / (12 + 30) * (90 - 40) + 14
    away = 85 + 0.4 * 30 - 1.07 * 8 / (8 + 33) * (85 - 35) + 16
    possessions = (home + away) / 2
    newest = replace(features().team_rolling, windows=[1])
    got = built(team_rolling, tables, as_of("2022-11-02", "2022-11-04"), newest)
    first, last = got.loc[("2022-11-02", 1)], got.loc[("2022-11-04", 1)]
    assert last["rolling_defensive_rating_1"] == pytest.approx(100 * 100 / possessions)
    assert got.loc[("2022-11-04", 2), "rolling_defensive_rating_1"] == pytest.approx(
        100 * 99 / possessions
    )
    assert last["rolling_efg_pct_1"] == pytest.approx(0.5)
    assert (first["won_previous_game"], last["won_previous_game"]) == (1, 0)
    both = built(team_rolling, tables, as_of("2022-11-04"), features().team_rolling)
    row = both.loc[("2022-11-04", 1)]
    assert row["rolling_efg_pct_10"] == pytest.approx((45 + 39) / (90 + 85))
    assert both.loc[("2022-11-04", 3)].isna().all()


@pytest.mark.parametrize("windows", [[15, 30], [7]])
def test_any_windows_roll_each_into_columns_of_its_own(sim_tables, as_of, features, windows):
    dates = as_of("2022-11-01", "2023-02-01")
    config = replace(features().team_rolling, windows=windows)
    got = built(team_rolling, sim_tables, dates, config)
    names = [f"{name}_{games}" for games in windows
             for name in ("rolling_efg_pct", "rolling_defensive_rating")]  # fmt: skip
    assert list(got.columns) == [*names, "won_previous_game"]
    assert np.isfinite(got).all(axis=None)
    # Early on all games are in every window; later the windows differ.
    for name in ("rolling_efg_pct", "rolling_defensive_rating"):
        for short, long in pairwise(f"{name}_{games}" for games in windows):
            alike = (got[short] == got[long]).groupby(level="as_of_date").mean()
            assert alike.tolist() == [1.0, 0.0]


def test_the_pythagorean_expectation_by_hand(small_tables, as_of, features):
    games = [
        ("2021-11-01", 1, 2, 120, 100),
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-03", 2, 1, 101, 100),
        ("2023-04-20", 1, 2, 150, 100, {"kind": "playoffs"}),
    ]
    config = replace(features().pythagorean, exponent=2.0, prior_games=3.0, prior_carry_over=0.5)
    dates = as_of("2021-11-01", "2022-11-01", "2023-04-21")
    got = built(pythagorean, small_tables(games), dates, config)
    last = 120**2 / (120**2 + 100**2)
    now = 210**2 / (210**2 + 201**2)
    row = got.loc[("2023-04-21", 1)]
    assert row["pythagorean_win_pct"] == pytest.approx(now)
    assert row["luck"] == pytest.approx(0.5 - now)
    prior = 0.5 + 0.5 * (last - 0.5)
    assert row["regressed_pythagorean_win_pct"] == pytest.approx((2 * now + 3 * prior) / 5)
    # Two sides of the same games mirror each other.
    other = got.loc[("2023-04-21", 2)]
    assert (row + other).tolist() == pytest.approx([1, 0, 1])
    opening = got.loc[("2022-11-01", 1)]
    assert opening[["pythagorean_win_pct", "luck"]].isna().all()
    assert opening["regressed_pythagorean_win_pct"] == pytest.approx(prior)
    for date, team in (("2021-11-01", 1), ("2022-11-01", 3)):
        assert got.loc[(date, team), "regressed_pythagorean_win_pct"] == 0.5


def test_pace_by_hand(small_tables, as_of, features):
    games = [
        ("2021-11-01", 1, 2, 110, 100, BOX),
        ("2021-11-02", 3, 4, 110, 100, {"home": AWAY, "away": AWAY}),
        ("2022-11-01", 1, 2, 110, 100, BOX),
    ]
    # Ten men of 29 minutes: two overtimes, whatever the rounding.
    players = [("2022-11-01", 10 * team + i, team, 29 * 60 + 7) for team in (1, 2)
               for i in range(10)]  # fmt: skip
    config = replace(features().pace, prior_games=3.0, prior_carry_over=0.5)
    tables = small_tables(games, players)
    got = built(pace, tables, as_of("2021-11-03", "2022-11-01", "2022-11-02"), config)
    home = 90 + 0.4 * 25 - 1.07 * 12 / (12 + 30) * (90 - 40) + 14
    away = 85 + 0.4 * 30 - 1.07 * 8 / (8 + 33) * (85 - 35) + 16
    slow = 85 + 0.4 * 30 - 1.07 * 8 / (8 + 30) * (85 - 35) + 16
    first = got.loc["2021-11-03"]
    assert first["pace"].tolist() == pytest.approx([(home + away) / 2] * 2 + [slow] * 2)
    above = ((home + away) / 2 - slow) / 2
    assert first["pace_above_league"].tolist() == pytest.approx([above / 4] * 2 + [-above / 4] * 2)
    opening = got.loc["2022-11-01"]
    assert opening["pace"].isna().all()
    expected = [above / 2] * 2 + [-above / 2] * 2
    assert opening["pace_above_league"].tolist() == pytest.approx(expected)
    # Of the two that have played, each has the league's pace.
    last = got.loc["2022-11-02"]
    assert last["pace"].iloc[:2].tolist() == pytest.approx([48 / 58 * (home + away) / 2] * 2)
    assert last["pace_above_league"].iloc[:2].tolist() == pytest.approx([3 * above / 2 / 4] * 2)
    assert last["pace_above_league"].iloc[2:].tolist() == pytest.approx([-above / 2] * 2)


def test_momentum_by_hand(small_tables, as_of, features):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-03", 2, 1, 104, 100),
        ("2022-11-05", 1, 2, 100, 101),
        ("2022-11-06", 1, 2, 150, 101, {"kind": "playoffs"}),
    ]
    tables = small_tables(games)
    # In a first season Elo is the published one; its leads are tested in test_elo.
    leads = home_leads(tables, FIVETHIRTYEIGHT).to_numpy() / 26
    assert leads[0] == pytest.approx(100 / 26)
    above = np.array([10 - leads[0], -4 + leads[1], -1 - leads[2]])
    config = replace(features().momentum, short_games=2, long_games=3)
    got = built(momentum, tables, as_of("2022-11-01", "2022-11-04", "2022-11-07"), config)
    assert got.loc["2022-11-01"].isna().all(axis=None)
    second, last = got.loc[("2022-11-04", 1)], got.loc[("2022-11-07", 1)]
    assert second["margin_above_expected"] == pytest.approx(above[:2].mean(), abs=1e-3)
    # Both windows hold the two games that there are.
    assert np.isnan(second["momentum"])
    assert last["margin_above_expected"] == pytest.approx(above[1:].mean(), abs=1e-3)
    assert last["momentum"] == pytest.approx(above[1:].mean() - above.mean(), abs=1e-3)
    assert got.loc[("2022-11-07", 2)].tolist() == [-value for value in last]
    assert got.loc[("2022-11-07", 3)].isna().all()


@pytest.mark.real
def test_both_sides_of_every_real_game_played_as_many_overtimes(real_tables):
    real_tables = around(real_tables, "2012-13")
    games = real_tables.team_games.assign(minutes=game_minutes(real_tables))
    with_players = games["game_id"].isin(real_tables.player_games["game_id"])
    sides = games.groupby("game_id")["minutes"]
    assert (sides.min() == sides.max()).all()
    assert set(games["minutes"]) <= {48.0, 53.0, 58.0, 63.0, 68.0}
    assert 0.04 < (games.loc[with_players, "minutes"] > 48).mean() < 0.08
    assert (games.loc[~with_players, "minutes"] == 48).all()


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
    # Where the arenas of these teams stand, nobody knows.
    travel = got.pop("time_zones_crossed")
    assert (travel[got["games_in_window"] == 0] == 0).all()
    assert travel[got["games_in_window"] > 0].isna().all()
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


BOSTON, ATLANTA, CHICAGO, DENVER, LAKERS, THUNDER = (
    1610612700 + place for place in (38, 37, 41, 43, 47, 60)
)


def travels(small_tables, as_of, features, games, *dates, window_days=7):
    """Time zones crossed by date and team, of games between teams with arenas."""
    ids = {team for game in games for team in game[1:3]}
    tables = small_tables(games, n_teams=1)
    teams = pd.concat([tables.teams.assign(team_id=team) for team in ids])
    tables = replace(tables, teams=conform("teams", teams))
    config = replace(features().rest, window_days=window_days)
    return built(rest, tables, as_of(*dates), config)["time_zones_crossed"]


def test_time_zones_crossed_by_hand(small_tables, as_of, features):
    games = [
        ("2022-11-01", LAKERS, BOSTON, 110, 100),
        ("2022-11-03", DENVER, BOSTON, 110, 100),
        ("2022-11-05", CHICAGO, BOSTON, 110, 100, {"neutral": True}),
        ("2022-11-07", BOSTON, CHICAGO, 110, 100),
    ]
    dates = ["2022-11-01", "2022-11-02", "2022-11-04", "2022-11-06", "2022-11-08", "2022-11-09"]
    got = travels(small_tables, as_of, features, games, *dates)
    # Three zones from Boston to Los Angeles, one back to Denver, none to a neutral court, and two
    # from Denver home. On the 9th the first game is eight days old.
    assert got.xs(BOSTON, level=1).tolist() == [0, 3, 4, 4, 6, 3]
    assert got.xs(LAKERS, level=1).tolist() == [0] * 6
    assert got.xs(CHICAGO, level=1).tolist() == [0, 0, 0, 0, 1, 1]
    # After the restart of 2020 nobody travels.
    games = [("2020-03-01", LAKERS, BOSTON, 110, 100), ("2020-07-30", LAKERS, DENVER, 110, 100)]
    got = travels(small_tables, as_of, features, games, "2020-03-02", "2020-07-31")
    assert got.xs(DENVER, level=1).tolist() == [0, 0]
    assert got.xs(BOSTON, level=1).tolist() == [3, 0]


def test_clubs_that_moved_took_their_time_zone_along(small_tables, as_of, features):
    for year, zones in ((2007, 3), (2008, 1)):
        game = (f"{year}-11-01", ATLANTA, THUNDER, 110, 100)
        got = travels(small_tables, as_of, features, [game], f"{year}-11-02")
        assert got.xs(THUNDER, level=1).tolist() == [zones]
    memphis = 1610612763
    assert league.utc_offsets("2000-01")[memphis] == -8
    assert league.utc_offsets("2001-02")[memphis] == -6
    assert set(league.utc_offsets("2023-24")) == league.known_team_ids()


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


def test_games_behind_the_line_by_hand(small_tables, as_of, features):
    games = [(f"2022-11-0{day}", 1, 3, 110, 100) for day in (1, 2, 3)]
    games += [("2022-11-04", 2, 4, 110, 100)]
    got = built(motivation, small_tables(games), as_of("2022-11-05"), features().motivation)
    got = got.loc["2022-11-05"]
    # Two teams a conference, so the line lies at the second.
    assert got["games_behind_line"].to_dict() == {1: -3, 2: -1, 3: 0, 4: 0}
    assert got["games_left"].to_dict() == {1: 79, 2: 81, 3: 79, 4: 81}
    assert not got["eliminated"].any()
    assert (got["seeds_in_reach"] == 1).all()
    assert (got["draft_pressure"] == 0).all()


def test_draft_pressure_grows_from_half_a_game_to_a_whole_one(features, monkeypatch):
    behind = [-5.0, 0, 3, 5, 6, 7.5, 9.0, 10, 4, 0]
    race = pd.DataFrame(
        {
            "season": "2022-23",
            "as_of_date": pd.Timestamp("2023-03-20"),
            "team_id": range(10),
            "wins": 36,
            "losses": 36,
            "games_left": [10] * 8 + [0, 0],
            "games_behind_line": behind,
            "eliminated": [False] * 8 + [True, False],
            "clinched": False,
            "seeds_in_reach": 3,
        }
    )
    monkeypatch.setattr(motivation, "race", lambda *args: race)
    rows = SimpleNamespace(frame=race[["season", "as_of_date", "team_id"]])
    tables = SimpleNamespace(team_games=None, teams=None)
    got = motivation.build(tables, rows, features().motivation)["draft_pressure"]
    expected = [0, 0, 0, 0, 0.2, 0.5, 0.8, 1, 1, 0]
    assert got.tolist() == pytest.approx(expected)


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
    assert (got.loc[got["eliminated"] == 1, "draft_pressure"] == 1).all()
    assert (got.loc[got["games_behind_line"] <= 0, "draft_pressure"] == 0).all()
    assert (got.loc[got["late_season"] == 0, "draft_pressure"] == 0).mean() > 0.95
    assert got["draft_pressure"].between(0.1, 0.9).any()
    # Only who has the same record has no place yet.
    of_season = sim_tables.teams[sim_tables.teams["season"] == "2022-23"]
    conference = of_season.set_index("team_id")["conference"].sort_index()
    ties = final.groupby([conference, "win_pct"])["win_pct"].transform("size") - 1
    assert (last["seeds_in_reach"] == ties).all()
    assert (got.loc[dates["as_of_date"].iloc[0], "seeds_in_reach"] == 14).all()
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
    unknown = built(market, small_tables(games), as_of("2022-11-01"), features().market)
    assert unknown.isna().all(axis=None)


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


# All groups.

COLUMNS = {
    "record": "season_progress games_played regressed_win_pct win_pct margin_per_game form_win_pct "
    "form_margin_per_game",
    "prior_season": "prior_win_pct prior_margin_per_game prior_playoff_wins",
    "four_factors": " ".join(
        f"{factor} opponent_{factor} {factor}_diff"
        for factor in ("efg_pct", "tov_pct", "orb_pct", "ft_rate")
    ),
    "elo": "elo_rating",
    "massey": "massey_rating massey_rank_diff",
    "srs": "srs sos",
    "team_rolling": "rolling_efg_pct_10 rolling_defensive_rating_10 won_previous_game",
    "pythagorean": "pythagorean_win_pct luck regressed_pythagorean_win_pct",
    "pace": "pace pace_above_league",
    "momentum": "margin_above_expected momentum",
    "rest": "days_since_game games_in_window played_yesterday time_zones_crossed",
    "motivation": "games_left games_behind_line eliminated clinched seeds_in_reach late_season "
    "draft_pressure",
    "market": "market_win_pct market_title_prob",
    "prior_records": "prior_mov prior_sos prior_srs",
    "roster_strength": "roster_strength full_strength playoff_strength star_strength "
    "projected_win_pct top3_strength depth_strength experience",
    "continuity": "returning_minutes_share roster_minutes_share",
    "raptor": "prior_raptor_offense prior_raptor_defense",
    "injuries": "available_strength absent_minutes_share absent_strength season_strength "
    "injury_report_known",
}
COLUMNS = {group: columns.split() for group, columns in COLUMNS.items()}


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
    assert set(store.groups) == set(COLUMNS)


@pytest.mark.parametrize("group", ["srs", "roster_strength"])
def test_a_group_that_is_off_only_takes_its_own_columns_away(
    priced_tables, ratings, dates, every_group, full, group
):
    off = replace(getattr(every_group, group), enabled=False)
    without = build_store(priced_tables, ratings, dates, replace(every_group, **{group: off}))
    expected = full.frame.drop(columns=COLUMNS[group])
    pd.testing.assert_frame_equal(without.frame, expected, check_exact=True)
    assert without.columns == list(expected.columns[4:])


@pytest.mark.parametrize(("bundle", "state"), [("full", "off"), ("standings_only", "on")])
def test_every_group_can_be_switched(features, bundle, state):
    switched = [group for group in COLUMNS if group != "record"]
    config = features(f"features={bundle}", *(f"features/{group}={state}" for group in switched))
    assert {getattr(config, group).enabled for group in switched} == {state == "on"}
    assert config.record.enabled


@pytest.mark.parametrize(
    ("group", "change", "columns"),
    [
        ("record", {"last_games": 3}, {"form_win_pct", "form_margin_per_game"}),
        ("elo", {"fit": False}, {"elo_rating"}),
        ("elo", {"home_edge": 60.0}, {"elo_rating"}),
        ("elo", {"mean": 1500.0}, {"elo_rating"}),
        ("massey", {"ridge": 60.0}, {"massey_rating", "massey_rank_diff"}),
        ("massey", {"carry_over": 0.0}, {"massey_rating", "massey_rank_diff"}),
        (
            "pythagorean",
            {"exponent": 10.0},
            {"pythagorean_win_pct", "luck", "regressed_pythagorean_win_pct"},
        ),
        ("pythagorean", {"prior_games": 5.0}, {"regressed_pythagorean_win_pct"}),
        ("pythagorean", {"prior_carry_over": 0.2}, {"regressed_pythagorean_win_pct"}),
        ("pace", {"prior_games": 20.0}, {"pace_above_league"}),
        ("pace", {"prior_carry_over": 0.2}, {"pace_above_league"}),
        ("momentum", {"short_games": 5}, {"margin_above_expected", "momentum"}),
        ("momentum", {"long_games": 20}, {"momentum"}),
        ("rest", {"window_days": 14}, {"games_in_window", "time_zones_crossed"}),
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
    # `test_elo` tries those of a fit, which have their effect in other seasons.
    tried = {"last_games", "fit", "home_edge_seasons", "k", "home_edge", "carry_over", "mean",
             "ridge", "windows", "window_days",
             "late_season_share", "prior_games", "prior_carry_over", "enabled",
             "exponent", "short_games", "long_games"}  # fmt: skip
    # Those of the groups left out are tried in tests of their own.
    for group in COLUMNS.keys() - {"raptor", "injuries"}:
        assert {field.name for field in fields(getattr(features(), group))} <= tried


# Counts of games are known to be zero.
KNOWN_AT_OPENING = {
    "season_progress": 0, "games_played": 0, "games_in_window": 0,
    "played_yesterday": 0, "time_zones_crossed": 0, "games_left": 82, "games_behind_line": 0,
    "eliminated": 0, "seeds_in_reach": 14, "draft_pressure": 0, "clinched": 0, "late_season": 0,
    "injury_report_known": 1,
}  # fmt: skip


def test_on_opening_night_the_unknown_is_nan_and_never_zero(
    priced_tables, as_of, every_group, rate
):
    def store_of(season):
        dates = as_of(first[season])
        return build_store(priced_tables, rate(priced_tables, dates), dates, every_group).frame

    first = priced_tables.seasons.set_index("season")["first_date"]
    opening = store_of("2022-23")
    from_before = {"regressed_win_pct", "massey_rating", "regressed_pythagorean_win_pct",
                   "pace_above_league", "returning_minutes_share"}  # fmt: skip
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
