from dataclasses import replace

import pandas as pd
import pytest

from nba_rank.core.errors import UserError
from nba_rank.data.calendar import expected_opening, with_coming_season
from nba_rank.data.freshness import Basis

DAY = pd.Timedelta(days=1)
SEASON = "2023-24"


@pytest.fixture(scope="module")
def basis(sim_tables):
    """The basis of a date in the last season, whose games end on the day before `end`."""

    def made(as_of, end=None, scheduled=True):
        tables = sim_tables
        if end is not None:
            games = tables.games[tables.games["game_date"] < end]
            open_season = tables.seasons["season"] == SEASON
            seasons = tables.seasons.assign(complete=tables.seasons["complete"] & ~open_season)
            tables = replace(tables, games=games, seasons=seasons)
        if not scheduled:
            tables = replace(tables, schedule=tables.schedule.iloc[:0])
        return Basis.of(tables, SEASON, as_of, expected_opening(tables, SEASON))

    return made


def game_days(sim_tables):
    games = sim_tables.games.query("season == @SEASON and kind == 'regular'")
    return games["game_date"].drop_duplicates().reset_index(drop=True)


def test_a_date_among_known_games_misses_nothing(sim_tables, basis):
    days = game_days(sim_tables)
    found = basis(days[40])
    assert (found.last_game, found.missed) == (days[39], 0)
    assert found.fixtures == (sim_tables.schedule["season"].eq(SEASON)
                              & (sim_tables.schedule["game_date"] >= days[40])).sum()  # fmt: skip
    found.check(0, "limit")


@pytest.mark.parametrize("scheduled", [True, False])
def test_games_that_end_before_the_date_are_missed_by_day(sim_tables, basis, scheduled):
    days = game_days(sim_tables)
    as_of = days[54]
    found = basis(as_of, end=days[40], scheduled=scheduled)
    due = 14 if scheduled else (as_of - days[39]).days - 1
    assert (found.last_game, found.missed) == (days[39], due)
    assert f"games up to {days[39]:%Y-%m-%d} ({(as_of - days[39]).days} days ago)" in found.line
    found.check(due, "limit")
    with pytest.raises(UserError, match=f"{due} days of games are missing.*limit={due - 1} .*up to "
                       f"{as_of - DAY:%Y-%m-%d}"):  # fmt: skip
        found.check(due - 1, "limit")


def test_the_morning_after_the_last_game_is_fresh(sim_tables, basis):
    days = game_days(sim_tables)
    assert basis(days[39] + DAY, end=days[40]).missed == 0
    assert "games up to " in basis(days[39] + DAY, end=days[40]).line


def test_a_season_that_opened_without_a_game_is_missed_from_its_opening(sim_tables):
    for as_of, missed in (("2024-10-20", 0), ("2024-10-22", 0), ("2024-11-01", 10)):
        date = pd.Timestamp(as_of)
        tables = with_coming_season(sim_tables, date)
        found = Basis.of(tables, "2024-25", date, expected_opening(sim_tables, "2024-25"))
        assert (found.last_game, found.missed) == (None, missed)
    with pytest.raises(UserError, match="2024-25 opened without a game in the tables"):
        found.check(7, "limit")


def test_nothing_is_due_after_a_season(sim_tables, basis):
    last = sim_tables.games["game_date"].max()
    found = basis(last + 10 * DAY, scheduled=False)
    assert found.missed == 0
    assert found.line == f"{SEASON} is over: its last game was on {last:%Y-%m-%d} (10 days ago)"
    assert "over" not in basis(last).line


def test_a_regular_season_that_is_over_misses_no_schedule(sim_tables, basis):
    last = game_days(sim_tables).iloc[-1]
    assert "no regular-season games left" not in basis(last).line
    for scheduled in (True, False):
        assert basis(last + DAY, end=last + DAY, scheduled=scheduled).line.endswith(
            ", no regular-season games left"
        )
    # A game that was cancelled is not due once the playoffs have begun.
    games = sim_tables.games.query("season != @SEASON or game_date != @last or kind != 'regular'")
    tables = replace(sim_tables, games=games)
    playoffs = games.loc[games["season"] == SEASON, "game_date"].max()
    assert Basis.of(tables, SEASON, playoffs, playoffs).regular_over


def test_the_line_says_how_old_rosters_and_reports_are(sim_tables, basis):
    days = game_days(sim_tables)
    line = basis(days[40]).line
    assert line.startswith(f"{SEASON} rests on games up to ")
    reported = sim_tables.injury_report_dates["date"]
    newest = reported[reported <= days[40]].max()
    assert f"injuries of {newest:%Y-%m-%d} (this morning)" in line
    assert "rosters of " in line or "rosters by each player's last game" in line
