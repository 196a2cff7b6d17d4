from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data import league
from nba_rank.data.race import race
from nba_rank.data.remaining import SeasonGames
from nba_rank.data.standings import standings
from nba_rank.data.tables import SCHEMA, Tables, conform

SEASON = "2018-19"
DAY = pd.Timedelta(days=1)


def tables_of(team_games, teams, fixtures):
    """The tables that are read, with a schedule of (date, home, away) or with a fourth: neutral."""
    columns = ["game_date", "home_team_id", "away_team_id", "neutral_site"]
    schedule = pd.DataFrame([(*row, False)[:4] for row in fixtures], columns=columns)
    schedule = conform("schedule", schedule.assign(season=SEASON, known_from="2018-10-16"))
    seasons = pd.DataFrame({"season": [SEASON]})
    empty = dict.fromkeys(SCHEMA, pd.DataFrame())
    given = {"team_games": team_games, "teams": teams, "seasons": seasons, "schedule": schedule}
    return Tables(**empty | given)


@pytest.fixture
def four_teams(make_games, twenty_teams, monkeypatch):
    """Makes tables of teams 1 to 4, each of which plays three games a season.

    Played: 1 beats 2 on 16 October (and 3 beats 4 on the 17th); the rest is given.
    """
    monkeypatch.setattr(league, "scheduled_games", lambda season: 3)
    teams = twenty_teams[twenty_teams["team_id"] <= 4]

    def make(*to_come):
        played = make_games([(1, 2, 1, 5), (3, 4, 1, 8)])
        past = [("2018-10-16", 1, 2), ("2018-10-17", 3, 4)]
        return tables_of(played, teams, [*past, *to_come])

    return make


def remaining_on(tables, season, date):
    return SeasonGames.of(tables, season).remaining(pd.Timestamp(date))


def record_on(tables, season, date):
    return SeasonGames.of(tables, season).record(pd.Timestamp(date))


def dates(remaining):
    return [str(day) for day in remaining.day.astype("datetime64[D]")]


def pairs(remaining):
    return list(zip(remaining.home.tolist(), remaining.away.tolist(), strict=True))


def games_of(remaining, n_teams=30):
    return np.bincount(np.concatenate([remaining.home, remaining.away]), minlength=n_teams)


def whole_seasons(remaining, record):
    """Games so far and left, by team."""
    so_far = record.beat.sum(axis=1) + record.beat.sum(axis=0)
    return so_far + games_of(remaining, len(record.team_id))


def assert_same(got, expected):
    assert len(vars(got)) == len(vars(expected)) > 0
    for name, value in vars(expected).items():
        np.testing.assert_array_equal(getattr(got, name), value, err_msg=name)


def test_the_games_left_of_a_known_schedule(four_teams):
    tables = four_teams(
        ("2018-10-18", 4, 2), ("2018-10-18", 1, 3), ("2018-10-19", 4, 1), ("2018-10-21", 2, 3, True)
    )  # fmt: skip
    left = remaining_on(tables, SEASON, "2018-10-18")
    assert pairs(left) == [(0, 2), (3, 1), (3, 0), (1, 2)]
    assert dates(left) == ["2018-10-18", "2018-10-18", "2018-10-19", "2018-10-21"]
    assert left.neutral.tolist() == [False, False, False, True]
    assert left.back_to_back.tolist() == [
        [False, True], [True, False], [True, True], [False, False],
    ]  # fmt: skip
    assert not left.assumed.any()
    assert left.assumption == ""
    # Where the logs lack the games of the day before, they are still to be played.
    later = remaining_on(tables, SEASON, "2018-10-19")
    assert_same(replace(later, overdue=0), left)
    assert later.assumption.startswith("2 fixtures before the date have no result")


def test_games_that_no_schedule_has_are_assumed(four_teams):
    tables = four_teams(("2018-10-19", 4, 2), ("2018-10-19", 1, 3))
    left = remaining_on(tables, SEASON, "2018-10-18")
    assert left.assumed.tolist() == [False, False, True, True]
    # The first and the last have not met, nor have the second and the third; 1 and 3 have been
    # at home twice.
    assert pairs(left) == [(0, 2), (3, 1), (1, 2), (3, 0)]
    assert set(dates(left)[2:]) == {"2019-01-09"}  # between 21 October and day 165
    assert not left.back_to_back[left.assumed].any()
    assert left.assumption == (
        "No schedule is known for 2 of the 4 games left, up to 1 a team: made up by the league's "
        "formula of who meets whom, on evenly spread days."
    )


def test_fixtures_beyond_the_season_of_a_team_are_played_and_said(four_teams):
    days = ("2018-10-19", "2018-10-21", "2018-10-23")
    left = remaining_on(four_teams(*((day, 4, 2) for day in days)), SEASON, "2018-10-18")
    assert left.surplus == 2
    assert pairs(left).count((3, 1)) == 3
    assert "2 fixtures of single teams go beyond their season" in left.assumption


def test_a_fixture_is_unknown_before_it_is_public(four_teams):
    tables = four_teams(("2018-10-19", 4, 2), ("2018-10-19", 1, 3), ("2018-10-21", 4, 1))
    late = tables.schedule["game_date"] == "2018-10-21"
    public = tables.schedule["known_from"].mask(late, pd.Timestamp("2018-10-19"))
    tables = replace(tables, schedule=tables.schedule.assign(known_from=public))
    before, after = (remaining_on(tables, SEASON, f"2018-10-{day}") for day in (18, 19))
    assert before.assumed.sum() == 2
    assert after.assumed.sum() == 1
    assert ("2018-10-21", (3, 0)) in zip(dates(after), pairs(after), strict=True)


def test_games_without_an_opponent_are_counted_and_said(four_teams):
    tables = four_teams(("2018-10-19", 2, 1), ("2018-10-20", 1, 2), ("2018-10-21", 3, 2))
    left = remaining_on(tables, SEASON, "2018-10-18")
    # 3 needs one game and 4 needs two, of each other.
    assert (left.assumed.sum(), left.unpaired) == (1, 1)
    assert left.assumption.endswith("; 1 games of single teams found no opponent.")


def test_nothing_remains_once_later_kinds_of_games_are_played(four_teams, make_games):
    tables = four_teams()
    assert remaining_on(tables, SEASON, "2018-10-20").assumed.sum() == 4
    playoffs = make_games([(1, 2)], kind="playoffs", first_date="2018-10-19")
    tables = replace(tables, team_games=pd.concat([tables.team_games, playoffs]))
    assert remaining_on(tables, SEASON, "2018-10-19").assumed.sum() == 4
    assert len(remaining_on(tables, SEASON, "2018-10-20").day) == 0
    # Nor is a fixture that was never played due then.
    due = four_teams(("2018-10-18", 4, 2)).schedule
    tables = replace(tables, schedule=due)
    assert remaining_on(tables, SEASON, "2018-10-19").overdue == 1
    assert len(remaining_on(tables, SEASON, "2018-10-20").day) == 0


def test_a_coming_season_is_assumed_until_its_schedule_is_known(sim_tables):
    left = remaining_on(sim_tables, "2024-25", "2024-08-01")
    assert left.assumed.all()
    assert (games_of(left) == 82).all()
    assert dates(left)[0] == "2024-10-23"
    record = record_on(sim_tables, "2024-25", "2024-08-01")
    assert not record.beat.any()
    assert record.team_id.tolist() == sorted(league.known_team_ids())
    # The schedule of a past season is public from its first day on.
    before = remaining_on(sim_tables, "2023-24", "2023-10-01")
    assert "1230 of the 1230 games" in before.assumption
    past = sim_tables.schedule[sim_tables.schedule["season"] == "2023-24"]
    coming = past.assign(
        season="2024-25", game_date=past["game_date"] + 364 * DAY, known_from="2024-06-30"
    )
    schedule = conform("schedule", pd.concat([sim_tables.schedule, coming]))
    left = remaining_on(replace(sim_tables, schedule=schedule), "2024-25", "2024-08-01")
    assert not left.assumed.any()
    assert (games_of(left) == 82).all()
    with pytest.raises(ValueError, match="'2025-26' is neither in the tables nor the one after"):
        remaining_on(sim_tables, "2025-26", "2025-08-01")


def test_games_so_far_and_left_are_the_season_on_every_date(sim_tables):
    season = "2023-24"
    games = SeasonGames.of(sim_tables, season)
    days = sim_tables.schedule.loc[sim_tables.schedule["season"] == season, "game_date"]
    last = pd.DatetimeIndex([days.max(), days.max() + DAY])
    for date in pd.date_range(days.min(), days.max(), freq="6D").append(last):
        left = games.remaining(date)
        assert not left.assumed.any()
        assert (whole_seasons(left, games.record(date)) == 82).all()
        assert (left.home != left.away).all()
        assert left.day.min(initial=99_999) >= (date - pd.Timestamp(0)).days


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_the_sums_hold_where_the_schedule_ends_today(sim_tables, share):
    season = "2023-24"
    days = sim_tables.schedule.loc[sim_tables.schedule["season"] == season, "game_date"]
    date = days.quantile(share).normalize()
    known = sim_tables.schedule[sim_tables.schedule["game_date"] < date]
    tables = replace(sim_tables, schedule=known)
    left = remaining_on(tables, season, date)
    record = record_on(tables, season, date)
    assert left.assumed.all()
    assert not left.back_to_back.any()
    assert (whole_seasons(left, record) == 82).all()
    if share < 0.8:
        # Without back-to-backs it may take a little longer than 165 days.
        assert pd.Timestamp(0) + left.day.max() * DAY <= days.min() + 172 * DAY
    # Together with what has been played, close to half of the games are at home.
    hosts = known.loc[known["season"] == season, "home_team_id"]
    at_home = hosts.value_counts().sort_index() + np.bincount(left.home, minlength=30)
    assert (at_home - 41).abs().max() <= (2 if share < 0.8 else 4)


def spoiled(tables: Tables, date: pd.Timestamp, seed: int) -> Tables:
    """Other results, other teams, fewer games and games of other days from the date on."""
    rng = np.random.default_rng(seed)
    ids = tables.teams["team_id"].unique()
    team = pd.Series(rng.permutation(ids), index=ids)
    gone = rng.choice(tables.games["game_id"], len(tables.games) // 8, replace=False)
    altered = {}
    for name in ("games", "team_games"):
        frame = getattr(tables, name)
        frame = frame[(frame["game_date"] < date) | ~frame["game_id"].isin(gone)].copy()
        later = frame["game_date"] >= date
        for column in frame.columns[frame.columns.str.contains("team_id")]:
            frame[column] = frame[column].mask(later, frame[column].map(team))
        for column in frame.columns[frame.columns.str.contains("points")]:
            frame[column] = frame[column].mask(later, rng.integers(50, 150, len(frame)))
        if "won" in frame:
            frame["won"] ^= later
        frame["game_date"] = frame["game_date"].mask(later, frame["game_date"] + 9 * DAY)
        altered[name] = frame
    seasons = tables.seasons.assign(
        champion_team_id=1, n_regular=7, n_regular_expected=7,
        last_regular_date=tables.seasons["first_date"],
    )  # fmt: skip
    return replace(tables, **altered, seasons=seasons)


def check_that_the_future_does_not_matter(tables, season, date, seed):
    altered = spoiled(tables, date, seed)
    assert not altered.team_games.equals(tables.team_games)
    assert_same(remaining_on(altered, season, date), remaining_on(tables, season, date))
    assert_same(record_on(altered, season, date), record_on(tables, season, date))


@pytest.mark.parametrize("day", [0, 1, 120, 174])
def test_results_of_the_date_and_later_do_not_matter(sim_tables, day):
    season = "2022-23"
    date = sim_tables.seasons.set_index("season").loc[season, "first_date"] + day * DAY
    check_that_the_future_does_not_matter(sim_tables, season, date, day)
    known = sim_tables.schedule[sim_tables.schedule["game_date"] < date + 20 * DAY]
    tables = replace(sim_tables, schedule=known)
    check_that_the_future_does_not_matter(tables, season, date, day)


def test_the_order_of_rows_does_not_matter(sim_tables):
    date = pd.Timestamp("2023-02-01")
    known = sim_tables.schedule[sim_tables.schedule["game_date"] < date + 20 * DAY]
    tables = replace(sim_tables, schedule=known)
    shuffled = Tables(
        **{name: table.sample(frac=1, random_state=3) for name, table in tables.items()}
    )
    got = remaining_on(shuffled, "2022-23", date)
    assert 0 < got.assumed.sum() < len(got.day)
    assert_same(got, remaining_on(tables, "2022-23", date))


@pytest.mark.parametrize("date", ["2022-10-19", "2023-01-01", "2023-06-01"])
def test_the_record_is_that_of_the_standings(sim_tables, date):
    record = record_on(sim_tables, "2022-23", date)
    rows = sim_tables.team_games[sim_tables.team_games["game_date"] < pd.Timestamp(date)]
    table = standings(rows, sim_tables.teams, "2022-23").sort_values("team_id")
    np.testing.assert_array_equal(record.team_id, table["team_id"])
    np.testing.assert_array_equal(record.beat.sum(axis=1), table["wins"])
    np.testing.assert_array_equal(record.beat.sum(axis=0), table["losses"])
    np.testing.assert_array_equal(record.point_diff, table["point_diff"])
    assert len(np.unique(record.division)) == table["division"].nunique()


@pytest.mark.real
def test_a_cancelled_game_is_assumed_until_all_others_are_played(real_tables):
    season = "2012-13"
    names = real_tables.teams[real_tables.teams["season"] == season].set_index("team_id")
    last = real_tables.seasons.set_index("season").loc[season, "last_regular_date"]
    for date in (pd.Timestamp("2012-10-30"), pd.Timestamp("2013-02-01"), last):
        left = remaining_on(real_tables, season, date)
        record = record_on(real_tables, season, date)
        ((home, away),) = np.array(pairs(left))[left.assumed]
        teams = names.loc[record.team_id[[home, away]], "abbreviation"]
        assert set(teams) == {"BOS", "IND"}
        assert (whole_seasons(left, record) == 82).all()
    assert len(remaining_on(real_tables, season, last + DAY).day) == 0


@pytest.mark.real
def test_the_stop_and_restart_of_2019_20(real_tables):
    season = "2019-20"
    uninvited = league.restart(season).uninvited
    for date in ("2019-10-22", "2019-12-01", "2020-03-11", "2020-03-12", "2020-06-04"):
        left = remaining_on(real_tables, season, date)
        record = record_on(real_tables, season, date)
        assert (whole_seasons(left, record) == 82).all()
        assert left.assumed.sum() == 259
        assert not left.back_to_back[left.assumed].any()
        stop = (pd.Timestamp("2020-03-11") - pd.Timestamp(0)).days
        assert (left.assumed == (left.day > stop)).all()
        assert not left.neutral.any()
    left = remaining_on(real_tables, season, "2020-06-05")
    for date in ("2020-07-01", "2020-07-30"):
        assert_same(remaining_on(real_tables, season, date), left)
    assert len(left.day) == 88
    assert left.neutral.all()
    assert left.assumption == ""
    invited = ~np.isin(record.team_id, list(uninvited))
    np.testing.assert_array_equal(games_of(left), np.where(invited, 8, 0))
    table = race(
        real_tables.team_games, real_tables.teams, season, pd.DatetimeIndex(["2020-08-05"])
    )
    left = remaining_on(real_tables, season, "2020-08-05")
    np.testing.assert_array_equal(games_of(left), table["games_left"])
    assert len(remaining_on(real_tables, season, "2020-08-15").day) == 0
