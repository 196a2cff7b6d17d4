from dataclasses import fields, replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_games import AWAY, BOX, HOME, POSSESSIONS, table
from test_poisoned_future import around

from nba_rank.data import league
from nba_rank.data.outcomes import outcomes
from nba_rank.evaluation.baselines import FIVETHIRTYEIGHT
from nba_rank.features import motivation
from nba_rank.features.asof import Rows
from nba_rank.features.elo import home_leads
from nba_rank.features.pace import game_minutes
from nba_rank.features.registry import PLAYER_GROUPS, TEAM_GROUPS, build_group
from nba_rank.features.store import KEY, build_store

# Worked examples.


def test_record_by_hand(small_tables, as_of, built):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-03", 2, 1, 104, 100),
        ("2022-11-05", 1, 3, 120, 100),
        ("2022-11-07", 1, 2, 90, 100, {"kind": "playoffs"}),
    ]
    dates = as_of("2022-11-01", "2022-11-04", "2022-11-08")
    got = built("record", small_tables(games), dates, last_games=2)
    known = ["season_progress", "games_played", "regressed_win_pct"]
    for date, team in (("2022-11-01", 1), ("2022-11-08", 4)):
        assert got.loc[(date, team), known].tolist() == [0, 0, 0.5]
        assert got.loc[(date, team)].drop(known).isna().all()
    assert got.loc[("2022-11-04", 1)].tolist() == [2 / 82, 2, 3.5 / 7, 0.5, 3, 0.5, 3]
    assert got.loc[("2022-11-08", 1)].tolist() == [3 / 82, 3, 4.5 / 8, 2 / 3, 26 / 3, 0.5, 8]


def test_regressed_win_share_starts_from_last_season(small_tables, as_of, built):
    games = [
        ("2021-11-01", 1, 2, 110, 100),
        ("2021-11-03", 1, 2, 104, 100),
        ("2022-11-01", 2, 1, 110, 100),
    ]
    dates, change = as_of("2022-11-01", "2022-11-02"), {"prior_games": 4.0, "prior_carry_over": 0.5}
    share = built("record", small_tables(games), dates, **change)["regressed_win_pct"]
    assert share.loc[("2022-11-01", 1)] == 0.75
    assert share.loc["2022-11-02"].iloc[:2].tolist() == [4 * 0.75 / 5, (1 + 4 * 0.25) / 5]


def test_four_factors_by_hand(small_tables, as_of, built):
    games = [("2022-11-01", 1, 2, 110, 100, BOX)]
    got = built("four_factors", small_tables(games), as_of("2022-11-02")).loc["2022-11-02"]
    own, other = got.loc[1], got.loc[2]
    expected = {
        "efg_pct": (45 / 90, 39 / 85),
        "tov_pct": (14 / (90 + 0.44 * 25 + 14), 16 / (85 + 0.44 * 30 + 16)),
        "orb_pct": (12 / (12 + 30), 8 / (8 + 33)),
        "ft_rate": (20 / 90, 22 / 85),
    }
    for name, (home, away) in expected.items():
        assert own[name] == other[f"opponent_{name}"] == pytest.approx(home, rel=1e-12)
        assert other[name] == own[f"opponent_{name}"] == pytest.approx(away, rel=1e-12)
        assert own[f"{name}_diff"] == -other[f"{name}_diff"] == pytest.approx(home - away)
    assert got.loc[3].isna().all()
    # They are ratios of sums, not means of games.
    second = {"home": HOME | {"fgm": 10.0, "fga": 30.0, "fg3m": 0.0}, "away": AWAY}
    games.append(("2022-11-03", 1, 2, 90, 100, second))
    got = built("four_factors", small_tables(games), as_of("2022-11-04"))
    assert got.loc[("2022-11-04", 1), "efg_pct"] == pytest.approx((45 + 10) / (90 + 30))


def test_a_gap_in_the_box_score_hides_only_what_needs_it(small_tables, as_of, built):
    gap = {"home": HOME | {"oreb": np.nan}, "away": AWAY}
    tables = small_tables([("2022-11-01", 1, 2, 110, 100, BOX), ("2022-11-03", 1, 2, 90, 100, gap)])
    row = built("four_factors", tables, as_of("2022-11-04")).loc[("2022-11-04", 1)]
    assert set(row.index[row.isna()]) == {"orb_pct", "orb_pct_diff"}
    rolling = built("team_rolling", tables, as_of("2022-11-04"))
    assert rolling["rolling_defensive_rating_10"].isna().all()
    assert rolling.loc[("2022-11-04", 1), "rolling_efg_pct_10"] == pytest.approx(0.5)


def test_team_rolling_by_hand(small_tables, as_of, built):
    games = [
        ("2022-11-01", 1, 2, 150, 140, {"home": AWAY, "away": HOME}),
        ("2022-11-03", 1, 2, 99, 100, BOX),
    ]
    dates = as_of("2022-11-02", "2022-11-04")
    got = built("team_rolling", small_tables(games), dates, windows=[1, 10])
    last = got.loc["2022-11-04"]
    defence = [100 * points / POSSESSIONS for points in (100, 99)]
    assert last["rolling_defensive_rating_1"].iloc[:2].tolist() == pytest.approx(defence)
    assert last.loc[1, "rolling_efg_pct_1"] == pytest.approx(0.5)
    assert last.loc[1, "rolling_efg_pct_10"] == pytest.approx((45 + 39) / (90 + 85))
    assert got.xs(1, level="team_id")["won_previous_game"].tolist() == [1, 0]
    assert last.loc[3].isna().all()


@pytest.mark.parametrize("windows", [[15, 30], [7]])
def test_every_window_has_columns_of_its_own(sim_tables, as_of, built, windows):
    got = built("team_rolling", sim_tables, as_of("2022-11-01", "2023-02-01"), windows=windows)
    names = [f"{name}_{games}" for games in windows
             for name in ("rolling_efg_pct", "rolling_defensive_rating")]  # fmt: skip
    assert list(got.columns) == [*names, "won_previous_game"]
    assert np.isfinite(got).all(axis=None)
    # Early on all games are in every window; later the windows differ.
    for name in ("rolling_efg_pct", "rolling_defensive_rating"):
        for short, long in pairwise(f"{name}_{games}" for games in windows):
            alike = (got[short] == got[long]).groupby(level="as_of_date").mean()
            assert alike.tolist() == [1.0, 0.0]


def test_pythagorean_expectation_by_hand(small_tables, as_of, built):
    games = [
        ("2021-11-01", 1, 2, 120, 100),
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-03", 2, 1, 101, 100),
        ("2023-04-20", 1, 2, 150, 100, {"kind": "playoffs"}),
    ]
    got = built(
        "pythagorean", small_tables(games), as_of("2021-11-01", "2022-11-01", "2023-04-21"),
        exponent=2.0, prior_games=3.0, prior_carry_over=0.5,
    )  # fmt: skip
    last, now = 120**2 / (120**2 + 100**2), 210**2 / (210**2 + 201**2)
    prior = 0.5 + 0.5 * (last - 0.5)
    row = got.loc[("2023-04-21", 1)]
    assert row.tolist() == pytest.approx([now, 0.5 - now, (2 * now + 3 * prior) / 5])
    # Two sides of the same games mirror each other.
    assert (row + got.loc[("2023-04-21", 2)]).tolist() == pytest.approx([1, 0, 1])
    opening = got.loc[("2022-11-01", 1)]
    assert opening[["pythagorean_win_pct", "luck"]].isna().all()
    assert opening["regressed_pythagorean_win_pct"] == pytest.approx(prior)
    for date, team in (("2021-11-01", 1), ("2022-11-01", 3)):
        assert got.loc[(date, team), "regressed_pythagorean_win_pct"] == 0.5


def test_pace_by_hand(small_tables, as_of, built):
    games = [
        ("2021-11-01", 1, 2, 110, 100, BOX),
        ("2021-11-02", 3, 4, 110, 100, {"home": AWAY, "away": AWAY}),
        ("2022-11-01", 1, 2, 110, 100, BOX),
    ]
    # Ten men of 29 minutes: two overtimes, whatever the rounding.
    players = [("2022-11-01", 10 * team + i, team, 29 * 60 + 7) for team in (1, 2)
               for i in range(10)]  # fmt: skip
    got = built(
        "pace", small_tables(games, players), as_of("2021-11-03", "2022-11-01", "2022-11-02"),
        prior_games=3.0, prior_carry_over=0.5,
    )  # fmt: skip
    slow = 85 + 0.4 * 30 - 1.07 * 8 / (8 + 30) * (85 - 35) + 16
    first, opening, last = (got.loc[date] for date in ("2021-11-03", "2022-11-01", "2022-11-02"))
    assert first["pace"].tolist() == pytest.approx([POSSESSIONS] * 2 + [slow] * 2)
    above = (POSSESSIONS - slow) / 2
    assert first["pace_above_league"].tolist() == pytest.approx([above / 4] * 2 + [-above / 4] * 2)
    assert opening["pace"].isna().all()
    prior = [above / 2] * 2 + [-above / 2] * 2
    assert opening["pace_above_league"].tolist() == pytest.approx(prior)
    # Only two teams have played, so each has the league's pace.
    assert last["pace"].iloc[:2].tolist() == pytest.approx([48 / 58 * POSSESSIONS] * 2)
    regressed = [3 * above / 2 / 4] * 2 + [-above / 2] * 2
    assert last["pace_above_league"].tolist() == pytest.approx(regressed)


@pytest.mark.real
def test_both_sides_of_a_real_game_played_the_same_overtimes(real_tables):
    tables = around(real_tables, "2012-13")
    games = tables.team_games.assign(minutes=game_minutes(tables))
    with_players = games["game_id"].isin(tables.player_games["game_id"])
    sides = games.groupby("game_id")["minutes"]
    assert (sides.min() == sides.max()).all()
    assert set(games["minutes"]) <= {48.0, 53.0, 58.0, 63.0, 68.0}
    assert 0.04 < (games.loc[with_players, "minutes"] > 48).mean() < 0.08
    assert (games.loc[~with_players, "minutes"] == 48).all()


def test_momentum_by_hand(small_tables, as_of, built):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-03", 2, 1, 104, 100),
        ("2022-11-05", 1, 2, 100, 101),
        ("2022-11-06", 1, 2, 150, 101, {"kind": "playoffs"}),
    ]
    tables = small_tables(games)
    # In a first season Elo is the published one; its leads are tested in test_elo.
    leads = home_leads(tables, FIVETHIRTYEIGHT).to_numpy() / 26
    above = np.array([10 - leads[0], -4 + leads[1], -1 - leads[2]])
    dates = as_of("2022-11-01", "2022-11-04", "2022-11-07")
    got = built("momentum", tables, dates, short_games=2, long_games=3)
    assert got.loc["2022-11-01"].isna().all(axis=None)
    # Until there are three games both windows hold the same.
    assert np.isnan(got.loc[("2022-11-04", 1), "momentum"])
    assert got.loc[("2022-11-04", 1), "margin_above_expected"] == pytest.approx(
        above[:2].mean(), abs=1e-3
    )
    last = got.loc[("2022-11-07", 1)].tolist()
    expected = [above[1:].mean(), above[1:].mean() - above.mean()]
    assert last == pytest.approx(expected, abs=1e-3)
    assert got.loc[("2022-11-07", 2)].tolist() == [-value for value in last]
    assert got.loc[("2022-11-07", 3)].isna().all()


def test_rest_by_hand(small_tables, as_of, built):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-02", 1, 3, 110, 100),
        ("2022-11-20", 4, 2, 110, 100),
        ("2023-11-01", 1, 2, 110, 100),
    ]
    days = ["2022-11-01", "2022-11-02", "2022-11-03", "2022-11-09", "2022-11-10", "2023-11-01"]
    got = built("rest", small_tables(games), as_of(*days), window_days=7)
    # Nobody knows where the arenas of these teams are.
    travel = got.pop("time_zones_crossed")
    assert (travel[got["games_in_window"] == 0] == 0).all()
    assert travel[got["games_in_window"] > 0].isna().all()
    # Days since the newest game of the season, games of the window, and whether yesterday's.
    np.testing.assert_array_equal(
        got.xs(1, level="team_id"),
        [[np.nan, 0, 0], [1, 1, 1], [1, 2, 1], [7, 1, 0], [8, 0, 0], [np.nan, 0, 0]],
    )
    assert got.loc[("2022-11-03", 2)].tolist() == [2, 1, 0]


BOSTON, ATLANTA, CHICAGO, DENVER, LAKERS, THUNDER = (
    1610612700 + place for place in (38, 37, 41, 43, 47, 60)
)


@pytest.fixture
def travels(small_tables, as_of, built):
    """Time zones crossed by date and team: `travels(games, dates)` between teams with arenas."""

    def make(games, *dates):
        ids = {team for game in games for team in game[1:3]}
        tables = small_tables(games, n_teams=1)
        teams = pd.concat([tables.teams.assign(team_id=team) for team in ids])
        tables = replace(tables, teams=table("teams", teams))
        return built("rest", tables, as_of(*dates), window_days=7)["time_zones_crossed"]

    return make


def test_time_zones_crossed_by_hand(travels):
    games = [
        ("2022-11-01", LAKERS, BOSTON, 110, 100),
        ("2022-11-03", DENVER, BOSTON, 110, 100),
        ("2022-11-05", CHICAGO, BOSTON, 110, 100, {"neutral": True}),
        ("2022-11-07", BOSTON, CHICAGO, 110, 100),
    ]
    got = travels(games, *(f"2022-11-0{day}" for day in (1, 2, 4, 6, 8, 9)))
    # Three zones from Boston to Los Angeles, one back to Denver, none to a neutral court, and two
    # from Denver home. On the 9th the first game is eight days old.
    assert got.xs(BOSTON, level=1).tolist() == [0, 3, 4, 4, 6, 3]
    assert got.xs(LAKERS, level=1).tolist() == [0] * 6
    assert got.xs(CHICAGO, level=1).tolist() == [0, 0, 0, 0, 1, 1]
    # After the restart of 2020 nobody travels.
    games = [("2020-03-01", LAKERS, BOSTON, 110, 100), ("2020-07-30", LAKERS, DENVER, 110, 100)]
    got = travels(games, "2020-03-02", "2020-07-31")
    assert got.xs(DENVER, level=1).tolist() == [0, 0]
    assert got.xs(BOSTON, level=1).tolist() == [3, 0]


def test_a_club_that_moves_changes_its_time_zone(travels):
    for year, zones in ((2007, 3), (2008, 1)):
        got = travels([(f"{year}-11-01", ATLANTA, THUNDER, 110, 100)], f"{year}-11-02")
        assert got.xs(THUNDER, level=1).tolist() == [zones]
    memphis = 1610612763
    assert league.utc_offsets("2000-01")[memphis] == -8
    assert league.utc_offsets("2001-02")[memphis] == -6
    assert set(league.utc_offsets("2023-24")) == league.known_team_ids()


def test_prior_season_by_hand(small_tables, as_of, built):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-03", 2, 1, 104, 100),
        ("2022-11-05", 1, 2, 120, 100),
        ("2023-04-20", 1, 2, 90, 100, {"kind": "playin"}),
        ("2023-05-20", 1, 2, 101, 100, {"kind": "playoffs"}),
        ("2023-05-22", 1, 2, 101, 100, {"kind": "playoffs"}),
        ("2023-11-01", 1, 3, 90, 100),
    ]
    got = built("prior_season", small_tables(games), as_of("2022-12-01", "2023-11-02"))
    assert got.loc["2022-12-01"].isna().all(axis=None)
    assert got.loc[("2023-11-02", 1)].tolist() == [2 / 3, 26 / 3, 2]
    assert got.loc[("2023-11-02", 2)].tolist() == [1 / 3, -26 / 3, 0]
    assert got.loc[("2023-11-02", 3)].isna().all()


def test_games_behind_the_line_by_hand(small_tables, as_of, built):
    games = [(f"2022-11-0{day}", 1, 3, 110, 100) for day in (1, 2, 3)]
    games += [("2022-11-04", 2, 4, 110, 100)]
    got = built("motivation", small_tables(games), as_of("2022-11-05")).loc["2022-11-05"]
    # Two teams a conference, so the line lies at the second.
    assert got["games_behind_line"].to_dict() == {1: -3, 2: -1, 3: 0, 4: 0}
    assert got["games_left"].to_dict() == {1: 79, 2: 81, 3: 79, 4: 81}
    assert (got["seeds_in_reach"] == 1).all()
    assert (got[["eliminated", "draft_pressure"]] == 0).all(axis=None)


def test_draft_pressure_grows_from_half_a_game_behind_to_a_whole_one(features, monkeypatch):
    race = pd.DataFrame(
        {
            "season": "2022-23",
            "as_of_date": pd.Timestamp("2023-03-20"),
            "team_id": range(10),
            "wins": 36,
            "losses": 36,
            "games_left": [10] * 8 + [0, 0],
            "games_behind_line": [-5.0, 0, 3, 5, 6, 7.5, 9.0, 10, 4, 0],
            "eliminated": [False] * 8 + [True, False],
            "clinched": False,
            "seeds_in_reach": 3,
        }
    )
    monkeypatch.setattr(motivation, "race", lambda *args: race)
    rows = SimpleNamespace(frame=race[KEY])
    tables = SimpleNamespace(team_games=None, teams=None)
    got = motivation.build(tables, rows, features().motivation)["draft_pressure"]
    assert got.tolist() == pytest.approx([0, 0, 0, 0, 0.2, 0.5, 0.8, 1, 1, 0])


def test_motivation_over_a_season(sim_tables, as_of, built):
    row = sim_tables.seasons.set_index("season").loc["2022-23"]
    dates = as_of(*pd.date_range(row["first_date"], row["last_regular_date"] + pd.Timedelta("1D")))
    got = built("motivation", sim_tables, dates)
    games = built("record", sim_tables, dates)["games_played"]
    assert (82 - got["games_left"] == games).all()
    # 0.75 of 82 games is 61.5.
    assert (got["late_season"] == (games >= 62)).all()
    last = got.loc[dates["as_of_date"].iloc[-1]]
    final = outcomes(sim_tables, "2022-23").set_index("team_id").sort_index()
    assert (last["games_left"] == 0).all()
    assert not (last["eliminated"].astype(bool) & (final["seed"] <= 10)).any()
    assert not (last["clinched"].astype(bool) & (final["seed"] > 6)).any()
    assert last["eliminated"].sum() >= 8
    assert last["clinched"].sum() >= 10
    assert (got.loc[got["eliminated"] == 1, "draft_pressure"] == 1).all()
    assert (got.loc[got["games_behind_line"] <= 0, "draft_pressure"] == 0).all()
    assert (got.loc[got["late_season"] == 0, "draft_pressure"] == 0).mean() > 0.95
    assert got["draft_pressure"].between(0.1, 0.9).any()
    # At the end only teams of the same record have no place yet.
    of_season = sim_tables.teams[sim_tables.teams["season"] == "2022-23"]
    conference = of_season.set_index("team_id")["conference"].sort_index()
    ties = final.groupby([conference, "win_pct"])["win_pct"].transform("size") - 1
    assert (last["seeds_in_reach"] == ties).all()
    assert (got.loc[dates["as_of_date"].iloc[0], "seeds_in_reach"] == 14).all()
    assert not got.loc[dates["as_of_date"].iloc[40], ["eliminated", "clinched"]].any(axis=None)


def test_prior_records_are_last_seasons(small_tables, as_of, built):
    bare = small_tables([("2021-11-01", 1, 2, 110, 100), ("2022-11-01", 1, 2, 110, 100)])
    rows = [
        ("2020-21", 1, 40, 32, 1.0, 0.5, 1.5), ("2021-22", 1, 50, 32, 4.0, -0.25, 3.75),
        ("2021-22", 2, 20, 62, -8.0, 0.5, -7.5), ("2022-23", 2, 60, 22, 9.0, 0.0, 9.0),
    ]  # fmt: skip
    tables = replace(bare, team_records=table("team_records", rows))
    dates = as_of("2021-11-02", "2022-11-01", "2023-03-01")
    got, unknown = built("prior_records", tables, dates), [np.nan] * 3
    np.testing.assert_array_equal(got.loc["2021-11-02"], [[1.0, 0.5, 1.5], *[unknown] * 3])
    for date in ("2022-11-01", "2023-03-01"):
        expected = [[4.0, -0.25, 3.75], [-8.0, 0.5, -7.5], unknown, unknown]
        np.testing.assert_array_equal(got.loc[date], expected)
    assert built("prior_records", bare, dates).isna().all(axis=None)


def test_prior_records_of_a_simulated_league_are_its_final_simple_ratings(sim_tables, as_of, built):
    seasons = sim_tables.seasons.set_index("season")
    after = seasons.loc["2021-22", "last_regular_date"] + pd.Timedelta(days=1)
    ended = built("srs", sim_tables, as_of(after))
    got = built("prior_records", sim_tables, as_of(seasons.loc["2022-23", "first_date"]))
    np.testing.assert_allclose(got[["prior_srs", "prior_sos"]], ended, atol=0.0051)
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
    "market": "market_win_pct market_title_prob market_rating",
    "prior_records": "prior_mov prior_sos prior_srs",
    "roster_strength": "roster_strength full_strength playoff_strength star_strength "
    "projected_win_pct top3_strength depth_strength draft_value experience",
    "on_off": "offence_strength defence_strength strength_error",
    "continuity": "returning_minutes_share roster_minutes_share",
    "raptor": "prior_raptor_offense prior_raptor_defense",
    "injuries": "available_strength absent_minutes_share absent_strength season_strength "
    "injury_report_known",
}
COLUMNS = {group: columns.split() for group, columns in COLUMNS.items()}


@pytest.fixture(scope="module")
def every_group(features):
    return features("features/market=on")


@pytest.fixture(scope="module")
def tables(sim_tables, priced, with_raptor, with_drafts):
    return with_drafts(with_raptor(priced(sim_tables)))


@pytest.fixture(scope="module")
def dates(as_of):
    return as_of("2022-11-20", "2023-01-15", "2023-03-20")


@pytest.fixture(scope="module")
def store(tables, rate, dates, every_group):
    return build_store(tables, rate(tables, dates), dates, every_group)


def test_the_full_store_has_every_column_in_order(store):
    assert list(COLUMNS) == [*TEAM_GROUPS, *PLAYER_GROUPS]
    assert store.columns == [column for group in COLUMNS.values() for column in group]
    assert list(store.frame.columns) == [*KEY, "conference", *store.columns]
    assert set(store.frame[store.columns].dtypes) == {np.dtype("float64")}
    assert not store.frame.isna().any(axis=None)
    assert set(store.groups) == set(COLUMNS)


@pytest.mark.parametrize(("bundle", "state"), [("full", "off"), ("standings_only", "on")])
def test_every_group_can_be_switched(features, bundle, state):
    switched = [group for group in COLUMNS if group != "record"]
    config = features(f"features={bundle}", *(f"features/{group}={state}" for group in switched))
    assert {getattr(config, group).enabled for group in switched} == {state == "on"}
    assert config.record.enabled


PARAMETERS = [
    ("record", {"last_games": 3}, {"form_win_pct", "form_margin_per_game"}),
    ("record", {"prior_games": 9.0}, {"regressed_win_pct"}),
    ("record", {"prior_carry_over": 0.2}, {"regressed_win_pct"}),
    ("elo", {"fit": False}, {"elo_rating"}),
    ("elo", {"home_edge": 60.0}, {"elo_rating"}),
    ("elo", {"mean": 1500.0}, {"elo_rating"}),
    ("massey", {"ridge": 60.0}, {"massey_rating", "massey_rank_diff"}),
    ("massey", {"carry_over": 0.0}, {"massey_rating", "massey_rank_diff"}),
    ("pythagorean", {"exponent": 10.0}, set(COLUMNS["pythagorean"])),
    ("pythagorean", {"prior_games": 5.0}, {"regressed_pythagorean_win_pct"}),
    ("pythagorean", {"prior_carry_over": 0.2}, {"regressed_pythagorean_win_pct"}),
    ("pace", {"prior_games": 20.0}, {"pace_above_league"}),
    ("pace", {"prior_carry_over": 0.2}, {"pace_above_league"}),
    ("momentum", {"short_games": 5}, {"margin_above_expected", "momentum"}),
    ("momentum", {"long_games": 20}, {"momentum"}),
    ("market", {"memory_days": 60.0}, {"market_rating"}),
    ("market", {"prior_games": 9.0}, {"market_rating"}),
    ("rest", {"window_days": 14}, {"games_in_window", "time_zones_crossed"}),
    ("motivation", {"late_season_share": 0.3}, {"late_season"}),
]
# Tried in tests of their own.
ELSEWHERE = {
    "elo": {"k", "carry_over", "home_edge_seasons"},
    "massey": {"fit"},
    "market": {"carry_over"},
    "team_rolling": {"windows"},
    "raptor": {"players", "prior_minutes"},
    "injuries": {"source", "report_max_age_days", "status_weights", "season_ending"},
}


@pytest.mark.parametrize(
    ("group", "change", "columns"),
    PARAMETERS,
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_every_parameter_changes_its_columns_only(
    tables, dates, every_group, store, group, change, columns
):
    config = replace(getattr(every_group, group), **change)
    changed = build_group(group, config, tables, None, Rows.of(tables, dates)).astype("float64")
    assert {name for name in changed if not store.frame[name].equals(changed[name])} == columns


def test_every_parameter_is_tried(every_group):
    for group in COLUMNS:
        tried = {name for other, change, _ in PARAMETERS if other == group for name in change}
        names = {field.name for field in fields(getattr(every_group, group))}
        assert names == tried | ELSEWHERE.get(group, set()) | {"enabled"}, group


# Counts of games are known to be zero.
KNOWN_AT_OPENING = {
    "season_progress": 0, "games_played": 0, "games_in_window": 0,
    "played_yesterday": 0, "time_zones_crossed": 0, "games_left": 82, "games_behind_line": 0,
    "eliminated": 0, "seeds_in_reach": 14, "draft_pressure": 0, "clinched": 0, "late_season": 0,
    "injury_report_known": 1,
}  # fmt: skip


def test_on_opening_night_the_unknown_is_nan_and_never_zero(tables, as_of, every_group, rate):
    def store_of(season):
        dates = as_of(first[season])
        return build_store(tables, rate(tables, dates), dates, every_group).frame

    first = tables.seasons.set_index("season")["first_date"]
    opening = store_of("2022-23")
    from_before = {"regressed_win_pct", "massey_rating", "regressed_pythagorean_win_pct",
                   "pace_above_league", "returning_minutes_share"}  # fmt: skip
    for group in (
        "prior_season", "elo", "market", "prior_records", "roster_strength", "on_off", "raptor",
        "injuries",
    ):  # fmt: skip
        from_before |= set(COLUMNS[group])
    for column in [column for columns in COLUMNS.values() for column in columns]:
        if column in KNOWN_AT_OPENING:
            assert (opening[column] == KNOWN_AT_OPENING[column]).all(), column
        elif column in from_before:
            assert opening[column].notna().all(), column
            assert opening[column].nunique() > 5, column
        else:
            assert opening[column].isna().all(), column
    debut = store_of("2021-22")
    for group in ("prior_season", "prior_records", "roster_strength", "on_off", "raptor"):
        assert debut[COLUMNS[group]].isna().all(axis=None), group
    unrated = ["available_strength", "absent_strength", "season_strength"]
    assert debut[unrated].isna().all(axis=None)
