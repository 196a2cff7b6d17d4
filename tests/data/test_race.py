import numpy as np
import pandas as pd
import pytest

from nba_rank.data import league
from nba_rank.data.race import race

ALL_SEASONS = [f"{year}-{(year + 1) % 100:02d}" for year in range(2000, 2024)]


@pytest.fixture
def season_race(make_games, league_teams):
    """Teams of the East and the West of a season, and their race after the results given."""

    def of(season="2018-19"):
        teams = league_teams(season)
        conferences = (teams[teams["conference"] == name] for name in ("East", "West"))

        def after(*results):
            games = make_games(results, season)
            morning = pd.DatetimeIndex([games["game_date"].max() + pd.Timedelta(days=1)])
            return race(games, teams, season, morning).set_index("team_id")

        return *(members["team_id"].tolist() for members in conferences), after

    return of


def regular(tables, season):
    games = tables.team_games
    return games[(games["season"] == season) & (games["kind"] == "regular")]


def mornings(rows):
    days = rows["game_date"]
    return pd.date_range(days.min(), days.max() + pd.Timedelta(days=1))


def test_only_games_before_the_morning_count(make_games, league_teams):
    teams = league_teams("2018-19")
    first, second = teams["team_id"][:2]
    games = make_games([(first, second), (first, second), (second, first)])
    dates = pd.date_range("2018-10-16", periods=4)
    table = race(games, teams, "2018-19", dates)
    assert len(table) == 4 * 30
    own = table[table["team_id"] == first]
    assert list(own["as_of_date"]) == list(dates)
    assert list(own["wins"]) == [0, 1, 2, 2]
    assert list(own["losses"]) == [0, 0, 0, 1]
    assert list(own["games_left"]) == [82, 81, 80, 79]
    assert not table[["eliminated", "clinched"]].to_numpy().any()
    assert (table.loc[table["as_of_date"] == dates[0], "games_behind_line"] == 0).all()
    reversed_dates = race(games, teams, "2018-19", dates[::-1])
    assert list(reversed_dates.loc[reversed_dates["team_id"] == first, "wins"]) == [2, 2, 1, 0]


@pytest.mark.parametrize(("season", "line"), [("2018-19", 8), ("2020-21", 10), ("2022-23", 10)])
def test_games_behind_the_line(season_race, season, line):
    east, west, after = season_race(season)
    # The team in place n of the East has won 2 * (15 - n) games and lost none.
    results = [(east[place], west[0], 2 * (14 - place)) for place in range(14)]
    behind = after(*results)["games_behind_line"]
    assert behind[[east[line - 1], east[line], east[0]]].tolist() == [0, 1, -(line - 1)]


@pytest.mark.parametrize(("season", "line", "scheduled"), [("2018-19", 8, 82), ("2020-21", 10, 72)])
def test_elimination_needs_a_full_line_of_teams_out_of_reach(season_race, season, line, scheduled):
    east, west, after = season_race(season)
    last = east[-1]
    ahead = [(team, west[0], 50) for team in east[:line]]
    losses = scheduled - 49

    def eliminated(*results):
        table = after(*results)
        return table.index[table["eliminated"]].tolist()

    assert eliminated(*ahead, (west[1], last, losses)) == [last]
    # A tie, and one team short.
    assert eliminated(*ahead, (west[1], last, losses - 1)) == []
    assert eliminated(*ahead[1:], (west[1], last, losses)) == []


@pytest.mark.parametrize(("season", "safe", "scheduled"), [("2018-19", 8, 82), ("2020-21", 6, 72)])
def test_clinching_needs_a_berth_that_no_play_in_can_take(season_race, season, safe, scheduled):
    (leader, *rivals), west, after = season_race(season)
    # All but `safe - 1` rivals have lost too often to reach the leader's 42 wins.
    short = [(west[0], team, scheduled - 41) for team in rivals[safe - 1 :]]
    clinched = after((leader, west[1], 42), *short)["clinched"]
    assert clinched[[leader, rivals[0]]].tolist() == [True, False]
    level = (west[0], rivals[safe - 1], scheduled - 42)
    assert not after((leader, west[1], 42), level, *short[1:]).loc[leader, "clinched"]


def test_a_division_title_was_a_berth_until_2014_15(season_race, league_teams):
    east, west, after = season_race("2012-13")
    division = league_teams("2012-13").set_index("team_id")["division"]
    weak = [team for team in east if division[team] == "Southeast"]
    strong = [team for team in east if division[team] != "Southeast"]
    results = [(team, west[0], 50) for team in strong[:8]]
    results += [(west[1], team, 40) for team in weak]
    assert not after(*results).loc[weak, "eliminated"].any()
    eliminated = after(*results[:-1], (weak[0], west[1], 50))["eliminated"]
    assert eliminated[weak[:-1]].tolist() == [False, True, True, True]
    # Seven rivals can catch the leader, and the winner of a third division may come from below.
    leader, *rivals = strong
    results = [(leader, west[0], 42), *((west[1], team, 41) for team in [*rivals[7:], *weak])]
    assert not after(*results).loc[leader, "clinched"]
    assert after(*results, (west[2], rivals[6], 41)).loc[leader, "clinched"]


def test_rivals_in_reach_by_hand(season_race):
    east, west, after = season_race()
    # 62 wins of 62 games, 41 of 62, and nobody else of the East has played.
    table = after((east[0], west[0], 62), (east[1], west[1], 41), (west[1], east[1], 21))
    # The first has 62 to 82 wins in the end, the second 41 to 61, the others 0 to 82.
    assert table.loc[east[:2], "games_left"].tolist() == [20, 20]
    assert table.loc[east, "seeds_in_reach"].tolist() == [13, 13, *[14] * 13]


def test_a_simulated_season_need_not_stop_in_march_2020(make_games, league_teams):
    teams = league_teams("2019-20")
    first, second = sorted(league.restart("2019-20").uninvited)[:2]
    games = make_games([(first, second, 3)], "2019-20", first_date="2020-04-01")
    table = race(games, teams, "2019-20", pd.DatetimeIndex(["2020-06-20"])).set_index("team_id")
    assert table.loc[first, "games_left"] == 79
    assert not table["eliminated"].any()


@pytest.mark.real
def test_teams_not_invited_to_the_restart_of_2019_20_are_out_once_that_is_known(real_tables):
    uninvited = league.restart("2019-20").uninvited
    rows = regular(real_tables, "2019-20")
    dates = pd.DatetimeIndex(["2020-06-04", "2020-06-05", "2020-08-15"])
    table = race(rows, real_tables.teams, "2019-20", dates)
    out = table["team_id"].isin(uninvited)
    known = table["as_of_date"] > "2020-06-04"
    assert (table["games_left"] == 82 - table["wins"] - table["losses"])[~known].all()
    assert table["eliminated"][known & out].all()
    # The list of teams is a fact of the restart; here it is checked against who played.
    last = rows.groupby("team_id")["game_date"].max()
    assert set(last[last < "2020-06-01"].index) == uninvited


@pytest.mark.real
@pytest.mark.parametrize("season", ALL_SEASONS)
def test_eliminated_never_make_the_playoffs_and_clinched_always_do(real_tables, season):
    games = real_tables.team_games
    played = games[(games["season"] == season) & (games["kind"] == "playoffs")]
    rows = regular(real_tables, season)
    table = race(rows, real_tables.teams, season, mornings(rows))
    made = table["team_id"].isin(played["team_id"])
    assert not (table["eliminated"] & made).any()
    assert not (table["clinched"] & ~made).any()
    last = table[table["as_of_date"] == table["as_of_date"].max()]
    line_missed = 10 if season >= "2020-21" else len(last) - 18
    assert last["eliminated"].sum() >= line_missed
    assert last["clinched"].sum() >= 9
    # Once certain, always certain.
    for mark in ("eliminated", "clinched"):
        by_date = table.pivot_table(index="as_of_date", columns="team_id", values=mark).to_numpy()
        assert (np.diff(by_date, axis=0) >= 0).all()


@pytest.mark.real
@pytest.mark.parametrize("season", ["2012-13", "2019-20", "2023-24"])
def test_later_games_change_nothing(real_tables, season):
    rows = regular(real_tables, season)
    dates = mornings(rows)
    rng = np.random.default_rng(7)
    for as_of in rng.choice(dates.to_numpy(), 8, replace=False):
        asked = pd.DatetimeIndex([as_of])
        expected = race(rows, real_tables.teams, season, asked)
        later = rows["game_date"] >= as_of
        flipped = rows.assign(won=rows["won"] ^ later, points=rows["points"].where(~later, 999))
        moved = rows.assign(
            game_date=rows["game_date"].where(~later, rows["game_date"] + pd.Timedelta(days=40))
        )
        for altered in (rows[~later], flipped, moved, pd.concat([rows, rows[later]])):
            got = race(altered, real_tables.teams, season, asked)
            pd.testing.assert_frame_equal(got, expected)
