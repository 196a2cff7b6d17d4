from dataclasses import replace

import pandas as pd
import pytest

from nba_rank.core.errors import UserError
from nba_rank.data.calendar import (
    AS_OF_POINTS,
    PLAYOFF_POINTS,
    POINT_SHARES,
    as_of_grid,
    as_of_points,
    playoff_dates,
    playoff_points,
    season_of_date,
    with_coming_season,
)

SEASON = "2022-23"
DAY = pd.Timedelta(days=1)


def check_points(tables, season):
    points = as_of_points(tables, season)
    assert tuple(points) == AS_OF_POINTS
    regular = tables.games[tables.games["kind"] == "regular"]
    days = regular.loc[regular["season"] == season, "game_date"]
    assert points["open"] == days.min()
    assert points["end"] == days.max() + DAY
    assert list(points.values()) == sorted(points.values())
    for name, share in POINT_SHARES.items():
        # The share is reached on the point's day, and not before it.
        before, with_day = (days < points[name]).mean(), (days <= points[name]).mean()
        assert before <= share < with_day, name


def test_points_are_the_days_on_which_their_share_is_reached(sim_tables):
    check_points(sim_tables, SEASON)


@pytest.mark.real
@pytest.mark.parametrize("season", ["2000-01", "2011-12", "2012-13", "2019-20", "2023-24"])
def test_real_points(real_tables, season):
    check_points(real_tables, season)
    if season == "2019-20":
        assert as_of_points(real_tables, season)["end"] == pd.Timestamp("2020-08-15")


def test_a_season_in_progress_has_the_points_it_has_reached(sim_tables):
    expected = as_of_points(sim_tables, SEASON)
    games = sim_tables.games[sim_tables.games["game_date"] < expected["0.5"] + DAY]
    seasons = sim_tables.seasons.assign(complete=False)
    got = as_of_points(replace(sim_tables, games=games, seasons=seasons), SEASON)
    assert list(got) == ["open", "0.05", "0.15", "0.25", "0.5"]
    assert got == {name: expected[name] for name in got}


def test_an_unknown_season_is_refused(sim_tables):
    with pytest.raises(ValueError, match=r"'2031-32' is not in the tables.*2021-22 to 2023-24"):
        as_of_points(sim_tables, "2031-32")


@pytest.mark.parametrize("every_days", [1, 7, 400])
def test_the_grid_is_even_and_holds_every_point_once(sim_tables, every_days):
    seasons = [SEASON, "2023-24"]
    grid = as_of_grid(sim_tables, seasons, every_days)
    assert list(grid.columns) == ["season", "as_of_date", "as_of_point"]
    assert not grid.duplicated(["season", "as_of_date"]).any()
    for season in seasons:
        own = grid[grid["season"] == season].set_index("as_of_date")["as_of_point"]
        points = as_of_points(sim_tables, season)
        assert own[own != ""].to_dict() == {date: name for name, date in points.items()}
        assert own.index.is_monotonic_increasing
        even = pd.date_range(points["open"], points["end"], freq=f"{every_days}D")
        assert set(own.index) == set(even) | set(points.values())


def test_dates_of_the_playoffs_go_to_the_morning_after_the_last_game(sim_tables):
    dates = playoff_dates(sim_tables, [SEASON, "2023-24"], 7).set_index("season")["as_of_date"]
    for season in (SEASON, "2023-24"):
        end = as_of_points(sim_tables, season)["end"]
        last = sim_tables.games.groupby("season")["game_date"].max()[season]
        weeks = pd.date_range(end + 7 * DAY, last, freq="7D").tolist()
        points = playoff_points(sim_tables, season).values()
        assert dates[season].tolist() == sorted({*weeks, *points, last + DAY})


def test_points_of_the_playoffs_are_known_from_the_games_before_them(sim_tables):
    points = playoff_points(sim_tables, SEASON)
    assert tuple(points) == PLAYOFF_POINTS
    games = sim_tables.team_games
    games = games[(games["season"] == SEASON) & (games["kind"] == "playoffs")]
    for number in (1, 2, 3, 4):
        begins, two = (points[f"round_{number}_{when}"] for when in ("begins", "two_games"))
        # Nobody has met a further opponent before a round begins, and somebody does on its day.
        for day, most in ((begins, number - 1), (begins + DAY, number)):
            before = games[games["game_date"] < day]
            met = before.groupby("team_id")["opponent_team_id"].nunique()
            assert met.max() == most or (most == 0 and before.empty)
        before = games[games["game_date"] < two]
        met = before.groupby("team_id")["opponent_team_id"].transform("nunique")
        of_round = before[met == number]
        newest = of_round.groupby("team_id")["opponent_team_id"].transform("last")
        played = of_round[of_round["opponent_team_id"] == newest].groupby("team_id").size()
        assert len(played) == 2 ** (5 - number)
        assert played.min() == 2
    # Games after a morning do not move the points up to it.
    cut = games["game_date"] >= points["round_2_two_games"]
    kept = sim_tables.team_games.drop(index=games.index[cut])
    fewer = playoff_points(replace(sim_tables, team_games=kept), SEASON)
    assert fewer == {name: points[name] for name in PLAYOFF_POINTS[:4]}


def test_points_that_fall_on_one_day_keep_the_later_name_and_the_date_once(sim_tables):
    day = pd.Timestamp("2022-10-20")
    few = sim_tables.games.query("season == @SEASON and kind == 'regular'").head(4)
    tables = replace(
        sim_tables,
        games=few.assign(game_date=day),
        seasons=sim_tables.seasons.assign(last_regular_date=day),
    )
    assert as_of_grid(tables, [SEASON], 7)["as_of_point"].tolist() == ["0.75", "end"]


def test_every_date_belongs_to_the_season_that_opened_last(sim_tables):
    first = sim_tables.seasons.set_index("season")["first_date"]
    last = sim_tables.games["game_date"].max()
    expected = {
        first["2022-23"]: "2022-23", first["2022-23"] - DAY: "2021-22",
        pd.Timestamp("2023-08-01"): "2022-23", last + DAY: "2023-24", last + 14 * DAY: "2023-24",
    }  # fmt: skip
    assert {date: season_of_date(sim_tables, date) for date in expected} == expected
    for outside in (last + 15 * DAY, first["2021-22"] - DAY):
        with pytest.raises(UserError, match="is outside the data"):
            season_of_date(sim_tables, outside)


def test_the_coming_season_can_be_ranked_before_its_first_game(sim_tables):
    opening = pd.Timestamp("2024-10-22")
    with pytest.raises(UserError, match="outside the data"):
        season_of_date(sim_tables, opening)
    tables = with_coming_season(sim_tables, opening)
    assert season_of_date(tables, opening) == "2024-25"
    members = tables.teams[tables.teams["season"] == "2024-25"]
    assert len(members) == 30
    assert members["name"].notna().all()
    row = tables.seasons.iloc[-1]
    assert not row["complete"]
    assert row["champion_team_id"] == row["n_regular"] == 0
    assert as_of_points(tables, "2024-25") == {}
    # What came before is as it was.
    before = tables.seasons.iloc[:-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, sim_tables.seasons)


@pytest.mark.parametrize("day", ["2022-12-25", "2024-06-12", "2024-12-25", "2030-10-22"])
def test_no_season_is_about_to_open_where_games_are_known_or_missing(sim_tables, day):
    assert with_coming_season(sim_tables, pd.Timestamp(day)) is sim_tables
    undecided = replace(sim_tables, seasons=sim_tables.seasons.assign(complete=False))
    assert with_coming_season(undecided, pd.Timestamp("2024-10-22")) is undecided


def test_a_schedule_file_says_when_the_coming_season_opens(sim_tables):
    late = pd.Timestamp("2024-12-25")
    fixture = sim_tables.schedule.tail(1).assign(
        season="2024-25", game_date=pd.Timestamp("2024-12-22")
    )
    schedule = pd.concat([sim_tables.schedule, fixture], ignore_index=True)
    tables = with_coming_season(replace(sim_tables, schedule=schedule), late)
    assert season_of_date(tables, late) == "2024-25"


def test_a_season_that_was_stopped_goes_on_as_long_as_its_schedule_does(sim_tables):
    stopped, resumed = pd.Timestamp("2024-03-11"), pd.Timestamp("2024-07-30")
    games = sim_tables.games[sim_tables.games["game_date"] <= stopped]
    fixture = sim_tables.schedule.tail(1).assign(game_date=resumed, known_from=resumed - 30 * DAY)
    tables = replace(sim_tables, games=games, schedule=fixture)
    for date in (resumed - 30 * DAY, resumed):
        assert season_of_date(tables, date) == "2023-24"
    for date in (resumed - 31 * DAY, resumed + DAY):  # not announced yet; nothing to come
        with pytest.raises(UserError, match="is outside the data"):
            season_of_date(tables, date)
