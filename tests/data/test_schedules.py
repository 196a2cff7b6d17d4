import json
import re

import pandas as pd
import pytest
from raw_issues import check_broken, check_warnings, errors_of
from raw_logs import BOS, CLE, DEN, LAL, finals, put_rows, regular_games, team_log, write

from nba_rank.core.content_hash import frame_hash
from nba_rank.data import league, schedules
from nba_rank.data.ingest import read_raw

OPENING = pd.Timestamp("2023-10-24")
COLUMNS = ["DATE", "HOME", "AWAY"]
PLAYED = [("2023-10-24", BOS, CLE), ("2023-10-25", LAL, DEN), ("2023-10-27", CLE, LAL)]
TEAMS = sorted(league.team_ids("2023-24"))
PAIRS = [*zip(TEAMS[::2], TEAMS[1::2], strict=True)]


@pytest.fixture
def folder(tmp_path):
    """Sound raw files of a season in progress, whose last game so far is of 2023-10-27."""
    return write(tmp_path / "raw", team_logs_2023_24=regular_games())


def put_schedule(folder, *rows, name="league_2023_24", columns=COLUMNS):
    put_rows(folder, f"schedules/{name}.csv", columns, rows)


def listed(schedule):
    days = schedule["game_date"].dt.strftime("%Y-%m-%d")
    return list(zip(days, schedule["home_team_id"], schedule["away_team_id"], strict=True))


def test_without_schedule_files_the_games_of_the_regular_season_are_the_schedule(folder):
    write(folder, playoffs_team_logs_2023_24=finals())
    schedule = read_raw(folder)[0].schedule
    assert listed(schedule) == PLAYED
    assert set(schedule["season"]) == {"2023-24"}
    assert set(schedule["known_from"]) == {OPENING}
    assert not schedule["neutral_site"].any()


def test_the_games_of_the_restart_are_neutral_and_known_once_announced(tmp_path):
    log = team_log(
        ("0021900001", "2019-10-22", BOS, CLE),
        ("0021900967", "2020-03-11", LAL, DEN),
        ("0021901231", "2020-07-30", LAL, DEN),
    )
    neutral = log["GAME_ID"] == "0021900967"
    log.loc[neutral, "MATCHUP"] = log["MATCHUP"].str.replace("vs.", "@")
    schedule = read_raw(write(tmp_path / "raw", team_logs_2019_20=log))[0].schedule
    assert schedule["neutral_site"].tolist() == [False, True, True]
    known = ["2019-10-22", "2019-10-22", "2020-06-05"]
    assert schedule["known_from"].tolist() == [pd.Timestamp(day) for day in known]


def test_a_fixture_of_a_file_is_public_from_the_opening_of_its_season(folder):
    put_schedule(folder, ("11/22/2023", " bos", f"{DEN}.0"), columns=["date", "home", "Away"])
    tables, report = read_raw(folder)
    assert listed(tables.schedule) == [*PLAYED, ("2023-11-22", BOS, DEN)]
    assert set(tables.schedule["known_from"]) == {OPENING}
    check_warnings(report, "schedules/", {})


def test_a_file_may_say_what_is_neutral(folder):
    put_schedule(folder)
    days = pd.to_datetime(["2023-11-02", "2023-11-04"])
    frame = pd.DataFrame({"DATE": days, "HOME": [BOS, LAL], "AWAY": [DEN, CLE]})
    frame.assign(NEUTRAL=[True, False]).to_parquet(folder / "schedules" / "any name.parquet")
    written = ["true", "1", "TRUE", "false", "0", None]
    rows = [(f"2023-12-{day:02d}", BOS, DEN, value) for day, value in enumerate(written, start=1)]
    put_schedule(folder, *rows, name="more", columns=[*COLUMNS, "NEUTRAL"])
    tables, report = read_raw(folder)
    neutral = tables.schedule["neutral_site"].tolist()
    assert neutral == [False] * 3 + [True, False] + [True] * 3 + [False] * 3
    check_warnings(report, "schedules/league_2023_24.csv", {"has no rows": 1})


def test_a_season_without_games_is_known_from_the_day_after_the_last_game(folder):
    write(folder, playoffs_team_logs_2023_24=finals())
    put_schedule(folder, ("2024-10-22", BOS, LAL), name="league_2024_25")
    tables, report = read_raw(folder)
    fixture = tables.schedule.iloc[-1]
    assert fixture["season"] == "2024-25"
    assert fixture["known_from"] == tables.games["game_date"].max() + pd.Timedelta(days=1)
    assert set(tables.seasons["season"]) == {"2023-24"}
    check_warnings(report, "schedules/", {})


def test_the_logs_win_over_the_file(folder):
    put_schedule(
        folder,
        ("2023-10-24", BOS, CLE),  # played
        ("2023-10-24", LAL, DEN),  # was put off by a day
        ("2023-10-25", DEN, LAL),  # was played at the other place
        ("2023-10-27", LAL, CLE),  # on the last day, but they played at the other place
        ("2023-10-27", DEN, BOS),  # on the last day, may be missing from the logs
        ("2023-10-28", LAL, CLE),
    )
    tables, report = read_raw(folder)
    days = [("2023-10-27", DEN, BOS), ("2023-10-28", LAL, CLE)]
    assert sorted(listed(tables.schedule)) == sorted([*PLAYED, *days])
    example = f"row 2: date 2023-10-24, home {LAL}, away {DEN}"
    check_warnings(report, "schedules/", {"before the last games of the logs": (3, example)})


def test_a_file_is_superseded_by_the_logs_of_its_games(folder, tmp_path):
    put_schedule(folder, *PLAYED, ("2023-10-29", DEN, BOS), ("2023-10-30", LAL, CLE))
    before = read_raw(folder)[0].schedule
    log = pd.concat([regular_games(), team_log(("0022300004", "2023-10-29", DEN, BOS))])
    write(folder, team_logs_2023_24=log)
    tables, report = read_raw(folder)
    assert frame_hash(tables.schedule) == frame_hash(before)
    check_warnings(report, "schedules/", {})


def test_fixtures_outside_the_game_logs_and_repeated_ones_are_dropped_and_counted(folder):
    days = ["2022-11-02", "2023-11-02", "2024-11-05"]
    put_schedule(folder, *((day, BOS, DEN) for day in days), ("2023-11-02", "BOS", "DEN"))
    put_schedule(folder, ("2023-11-02", BOS, DEN), name="z")
    tables, report = read_raw(folder)
    assert tables.schedule["season"].tolist() == ["2023-24"] * 4 + ["2024-25"]
    expected = {"season without game logs": 1, "file name disagrees": 1, "duplicate rows": 2}
    check_warnings(report, "schedules/", expected)


def test_more_games_than_the_season_has_are_counted(folder, monkeypatch):
    monkeypatch.setattr(league, "scheduled_games", lambda season: 1)
    put_schedule(folder, ("2023-11-02", BOS, DEN), ("2023-11-04", LAL, CLE))
    tables, report = read_raw(folder)
    assert len(tables.schedule) == 5
    example = f"row 1: date 2023-11-02, home {BOS}, away {DEN}"
    check_warnings(report, "schedules/", {"more games than its season": (2, example)})


@pytest.mark.parametrize(
    ("games", "kept"),
    [
        # The opening follows days without games, and so do the playoffs.
        (["2024-10-05", "2024-10-06", "2024-10-22", "2025-04-13", "2025-04-15"], [2, 3]),
        (["2024-10-22", "2025-04-13", "2025-04-19", "2025-06-01"], [0, 1]),
        # None of these can be told from the others.
        (["2024-10-22", "2024-10-23", "2024-10-24"], [0, 1, 2]),
    ],
)
def test_preseason_and_playoffs_are_left_out_by_what_teams_have_to_play(
    folder, monkeypatch, games, kept
):
    monkeypatch.setattr(league, "scheduled_games", lambda season: 2)
    put_schedule(folder, *((day, BOS, DEN) for day in games))
    tables, report = read_raw(folder)
    coming = tables.schedule.loc[tables.schedule["season"] == "2024-25", "game_date"]
    assert coming.dt.strftime("%Y-%m-%d").tolist() == [games[place] for place in kept]
    dropped = [warning for warning in report.warnings if "another kind" in warning.what]
    assert sum(warning.count for warning in dropped) == len(games) - len(kept)


@pytest.mark.parametrize("preseason", [(), ("2024-10-05", "2024-10-06")])
def test_a_game_too_many_of_few_teams_costs_no_other_games(folder, monkeypatch, preseason):
    monkeypatch.setattr(league, "scheduled_games", lambda season: 2)
    games = [(day, *pair) for day in (*preseason, "2024-10-22", "2024-11-01") for pair in PAIRS]
    put_schedule(folder, *games, ("2024-11-02", *PAIRS[0]))
    tables, report = read_raw(folder)
    coming = tables.schedule[tables.schedule["season"] == "2024-25"]
    assert coming.groupby("game_date").size().tolist() == [15, 15, 1]
    dropped = [warning.count for warning in report.warnings if "another kind" in warning.what]
    assert sum(dropped) == 15 * len(preseason)


def test_a_schedule_with_home_and_away_exchanged_is_refused(folder):
    played = [(day, away, home) for day, home, away in PLAYED]
    put_schedule(folder, *played, ("2023-11-02", BOS, DEN))
    (error,) = errors_of(folder)
    assert "3 games that were played have home and away the other way round" in error.what


@pytest.mark.parametrize("shift", [0, 1])
def test_games_on_the_day_before_christmas_are_of_another_zone(tmp_path, shift):
    # Also where the games end with the last day before it.
    days = pd.to_datetime(["2023-12-20", "2023-12-22", "2023-12-23"]) + pd.Timedelta(days=shift)
    folder = write(tmp_path / "raw", team_logs_2023_24=regular_games())
    put_schedule(folder, *((day, *pair) for day in days for pair in PAIRS))
    if shift:
        (error,) = errors_of(folder)
        assert "2023-24: 15 games on 24 December" in error.what
        assert "another zone" in error.remedy
    else:
        assert len(read_raw(folder)[0].schedule) == 3 + 45


def test_broken_values_are_errors_with_file_and_row(folder):
    file = "schedules/league_2023_24.csv"
    rows = [
        (("2023-11-02", BOS, DEN, None), None),
        ((None, BOS, DEN, None), "no date .empty.: row 2: DATE nan"),
        (("soon", BOS, DEN, None), "no date .not understood.: row 3: DATE soon"),
        (("2023-11-05", None, DEN, None), "no team: row 4: HOME nan"),
        (("2023-11-05", BOS, " ", None), "no team: row 5: AWAY"),
        (("2023-11-05", BOS, DEN, "yes"), "NEUTRAL not understood: row 6: NEUTRAL yes"),
    ]
    check_broken(folder, file, [*COLUMNS, "NEUTRAL"], rows)
    twice = "plays twice on a date: row 1: .*; row 5: .*; row 6: date 2023-11-09.*; and 1 more"
    rows = [
        (("2023-11-02", BOS, DEN), twice),
        (("2023-11-05", "XYZ", DEN), "unknown team: row 2: team XYZ"),
        (("2023-11-05", BOS, 12), "unknown team: row 3: team 12"),
        (("2023-11-06", BOS, "BOS"), "a team against itself: row 4: .*home 1610612738"),
        (("2023-11-02", LAL, DEN), None),
        (("2023-11-09", BOS, DEN), None),
        (("2023-11-09", DEN, BOS), None),
    ]
    check_broken(folder, file, COLUMNS, rows)


@pytest.mark.parametrize("late", [True, False])
def test_games_played_do_not_stand_again_on_the_day_after(tmp_path, late):
    """A schedule in UTC: as days, which is refused, or with times, which are turned round."""
    days = [f"2023-11-{day:02d}" for day in (1, 4, 7, 10, 13)]
    log = team_log(*((f"00223000{day[-2:]}", day, BOS, CLE) for day in days))
    folder = write(tmp_path / "raw", team_logs_2023_24=log)
    later = [f"{int(day[-2:]) + 1:02d}/11/2023" for day in days] + ["28/11/2023"]
    put_schedule(folder, *((day if late else f"{day} 02:00", BOS, CLE) for day in later))
    if late:
        played = "5 games that were played stand a day later.* UTC or another zone"
        errors = errors_of(folder)
        assert re.search(played, str(errors[-1]))
        assert not any("remove" in error.remedy for error in errors)
    else:
        schedule = read_raw(folder)[0].schedule
        assert schedule["game_date"].tolist() == [
            *map(pd.Timestamp, days),
            pd.Timestamp(2023, 11, 27),
        ]


def test_fixtures_of_other_kinds_and_without_teams_are_dropped(folder):
    rows = [
        ("2023-11-02", BOS, DEN, "Regular Season", "0022300010"),
        ("2023-10-05", BOS, DEN, "Preseason", None),
        ("2024-05-05", BOS, DEN, None, "0042300101"),
        ("2023-12-05", "TBD", "TBD", "Regular Season", "0022300020"),
        ("2023-12-06", None, None, None, None),
    ]
    put_schedule(folder, *rows, columns=[*COLUMNS, "SEASON_TYPE", "GAME_ID"])
    tables, report = read_raw(folder)
    assert len(tables.schedule) == 4
    check_warnings(report, "schedules/", {"not of the regular season": 2, "teams are not known": 2})


def test_missing_fixtures_are_told_by_team(folder, monkeypatch):
    monkeypatch.setattr(schedules, "MIN_WHOLE", 0.0)
    put_schedule(folder, ("2023-11-02", BOS, DEN))
    check_warnings(
        read_raw(folder)[1], "schedules/", {"fixtures are missing": (1, "2023-24: 4 of 1230 games")}
    )


@pytest.mark.real
def test_the_schedule_of_the_real_league(real_tables):
    schedule, seasons = real_tables.schedule, real_tables.seasons.set_index("season")
    assert (schedule.groupby("season").size() == seasons["n_regular"]).all()
    opening = schedule["season"].map(seasons["first_date"])
    late = schedule[schedule["known_from"] != opening]
    assert len(late) == 88
    assert set(late["season"]) == {"2019-20"}
    assert (late["game_date"] >= "2020-07-30").all()
    assert late["neutral_site"].all()
    assert not schedule.drop(late.index)["neutral_site"].any()


def league_game(game_id, day, home, away, **other):
    """A game as in the league's scheduleLeagueV2.json; a team is an id and a tricode."""
    sides = {
        side: {"teamId": team, "teamTricode": short, "teamName": short, "wins": 0}
        for side, (team, short) in (("homeTeam", home), ("awayTeam", away))
    }
    return {
        "gameId": game_id, "gameCode": "", "gameStatus": 1, "gameStatusText": "7:30 pm ET",
        "gameDateEst": f"{day}T00:00:00Z", "gameDateTimeEst": f"{day}T19:30:00Z",
        "gameDateTimeUTC": f"{day}T23:30:00Z", "ifNecessary": False, "gameLabel": "",
        "postponedStatus": "N", "isNeutral": False, **sides,
        "broadcasters": {"nationalTvBroadcasters": [{"broadcasterDisplay": "TNT"}]}, **other,
    }  # fmt: skip


def put_league_schedule(folder, *games, name="schedules/schedule_2023_24.json"):
    days = [{"gameDate": "11/02/2023 00:00:00", "games": [game]} for game in games]
    weeks = [{"weekNumber": 1, "weekName": "Week 1", "startDate": "2023-10-23T00:00:00Z"}]
    written = {"meta": {"version": 1}, "leagueSchedule": {
        "seasonYear": "2023-24", "leagueId": "00", "gameDates": days, "weeks": weeks,
    }}  # fmt: skip
    place = folder / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(written))


@pytest.mark.parametrize("name", ["schedules/schedule_2023_24.json", "scheduleLeagueV2.json"])
def test_the_league_s_own_schedule_is_read(folder, name):
    """Also under the name that it is downloaded as; what is no settled fixture is counted."""
    bos, den, open_ = (BOS, "BOS"), (DEN, "DEN"), (0, None)
    cup = {"gameLabel": "Emirates NBA Cup", "gameSubLabel": "Quarterfinals"}
    put_league_schedule(
        folder,
        league_game("0012300001", "2023-10-05", bos, (93, "RMD"), gameLabel="Preseason"),
        league_game("0032300001", "2024-02-18", (7, "EST"), (8, "WST")),
        league_game("0022300010", "2023-11-02", bos, den),
        league_game("0022300011", "2023-11-04", den, bos, gameStatusText="TBD"),
        league_game("0022300012", "2023-11-06", bos, den, gameStatusText="PPD"),
        league_game("0022301201", "2023-12-04", open_, open_, gameStatusText="TBD", **cup),
        league_game("0022301202", "2023-12-05", bos, open_, gameStatusText="TBD", **cup),
        league_game("0062300001", "2023-12-09", open_, open_),
        name=name,
    )
    tables, report = read_raw(folder)
    assert listed(tables.schedule) == [
        *PLAYED, ("2023-11-02", BOS, DEN), ("2023-11-04", DEN, BOS),
    ]  # fmt: skip
    expected = {"not of the regular season": 3, "put off": 1, "teams are not known yet": 2}
    check_warnings(report, name, expected)


def test_a_game_that_was_moved_stands_on_its_later_day_alone(folder):
    rows = ("2023-11-02", BOS, DEN, "0022300010"), ("2023-11-03", LAL, CLE, "0022300011")
    put_schedule(folder, *rows, name="a", columns=[*COLUMNS, "GAME_ID"])
    moved = ("2023-12-02", BOS, DEN, "0022300010")
    put_schedule(folder, moved, name="b", columns=[*COLUMNS, "GAME_ID"])
    tables, report = read_raw(folder)
    assert listed(tables.schedule)[3:] == [("2023-11-03", LAL, CLE), ("2023-12-02", BOS, DEN)]
    check_warnings(report, "schedules/", {"a later row gives the game another day": 1})
