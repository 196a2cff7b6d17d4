"""Answers of public services that nest what we read, and figures as people write them."""

import json

import numpy as np
import pandas as pd
import pytest
from raw_logs import BOS, player_log, regular_games

from nba_rank.data import league
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import answers, files, injuries, market, parse, schedules, values
from nba_rank.data.raw.files import RawFile

TEAMS = {"home": ("Boston Celtics", "BOS", 1610612738), "away": ("Los Angeles Lakers", "LAL", 0)}


def read(tmp_path, level, content, name="some.json"):
    """Return the rows of one file of a level, its issues, and the file."""
    path, issues = tmp_path / name, IngestIssues()
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    raw = RawFile(path, 0, f"folder/{name}", level, "", "")
    if level == "injury_report":
        return injuries.to_frame(injuries.read(raw, issues)[1]), issues, raw
    return files.read(raw, issues)[1], issues, raw


def team(side):
    name, short, number = TEAMS[side]
    return {"teamId": number, "teamTricode": short, "teamName": name.split()[-1]}


V3 = {
    "gameId": "0022300900", "gameCode": "20231030/LALBOS", "gameStatus": 1, "period": 0,
    "gameStatusText": "7:30 pm ET", "gameClock": "", "gameTimeUTC": "2023-10-30T23:30:00Z",
    "homeTeam": team("home"), "awayTeam": team("away"), "gameLeaders": {"homeLeaders": {}},
}  # fmt: skip
SPORTRADAR = {
    "id": "5db1b76d", "status": "scheduled", "coverage": "full", "track_on_court": True,
    "scheduled": "2023-10-31T00:30:00Z", "reference": "0022300900", "venue": {"name": "TD Garden"},
    "broadcasts": [{"network": "ESPN"}],
    **{side: {"name": TEAMS[side][0], "alias": TEAMS[side][1]} for side in TEAMS},
}  # fmt: skip
ESPN_EVENT = {
    "id": "401584001", "date": "2023-10-30T23:30Z", "name": "Lakers at Celtics",
    "season": {"year": 2024, "type": 2}, "status": {"type": {"description": "Scheduled"}},
    "competitions": [{"neutralSite": False, "competitors": [
        {"homeAway": side, "team": {"abbreviation": TEAMS[side][1]}} for side in ("home", "away")
    ]}],
}  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        {"meta": {}, "scoreboard": {"games": [V3 | {"gameEt": "2023-10-30T19:30:00Z"}]}},
        {"meta": {}, "scoreboard": {"games": [V3 | {"gameEt": "2023-10-30T19:30:00-04:00"}]}},
        {"league": {"alias": "NBA"}, "season": {"type": "REG"}, "games": [SPORTRADAR]},
        {"leagues": [{"id": "46"}], "events": [ESPN_EVENT]},
        {"response": [{"date": "2023-10-30T23:30:00+00:00", "teams": {
            side: {"id": 1, "name": TEAMS[side][0]} for side in TEAMS}}]},
        "gameId,gameDateTimeEst,hometeamName,hometeamId,awayteamName,gameType\n"
        "22300900,2023-10-30 19:30:00,Celtics,1610612738,Lakers,Regular Season\n",
        "start_time,away_team,home_team\n"
        "2023-10-30 23:30:00+00:00,LOS ANGELES LAKERS,BOSTON CELTICS\n",
    ],
)  # fmt: skip
def test_fixtures_of_services(tmp_path, content):
    frame, issues, raw = read(tmp_path, "schedule", content)
    rows = schedules.normalise(raw, frame, issues)
    assert rows["date"].tolist() == [pd.Timestamp("2023-10-30")]
    sides = [league.team_ids_of(rows[side]).iloc[0] for side in ("home", "away")]
    assert sides == [BOS, 1610612747]
    assert not issues.errors


GAME = {
    "id": "x", "sport_key": "basketball_nba", "commence_time": "2023-10-31T00:10:00Z",
    "home_team": "Boston Celtics", "away_team": "Los Angeles Lakers",
}  # fmt: skip


def bookmaker(key, spread, home, away):
    outcomes = {
        "h2h": [("Los Angeles Lakers", away, None), ("Boston Celtics", home, None)],
        "spreads": [("Boston Celtics", -110, spread), ("Los Angeles Lakers", -110, -spread)],
        "totals": [("Over", -110, 220.5), ("Under", -110, 220.5)],
    }
    return {"key": key, "markets": [
        {"key": market, "outcomes": [
            {"name": name, "price": price} | ({} if point is None else {"point": point})
            for name, price, point in some
        ]} for market, some in outcomes.items()
    ]}  # fmt: skip


ODDS = GAME | {"bookmakers": [bookmaker("a", -5.5, -200, 170), bookmaker("b", -6, -210, 180)]}
LONG = "commence_time,home_team,away_team,bookmaker_key,market_key,outcomes_name,outcomes_price,"
LONG += "outcomes_point\n" + "".join(
    f"2023-10-31T00:10:00Z,Boston Celtics,Los Angeles Lakers,{each['key']},{kind['key']},"
    f"{one['name']},{one['price']},{one.get('point', '')}\n"
    for each in ODDS["bookmakers"] for kind in each["markets"] for one in kind["outcomes"]
)  # fmt: skip


@pytest.mark.parametrize("content", [[ODDS], {"timestamp": "x", "data": [ODDS]}, LONG])
def test_lines_of_the_odds_api(tmp_path, content):
    rows = market.normalise_lines(*reversed_of(read(tmp_path, "market_lines", content)))
    (line,) = rows.to_dict("records")
    assert (line["date"], line["home"]) == (pd.Timestamp("2023-10-30"), "Boston Celtics")
    assert (line["home_spread"], line["home_odds"], line["away_odds"]) == (-5.5, -200, 170)


def reversed_of(found):
    frame, issues, raw = found
    return raw, frame, issues


def test_a_game_without_bookmakers_is_not_lost(tmp_path):
    rows = market.normalise_lines(
        *reversed_of(read(tmp_path, "market_lines", [GAME | {"bookmakers": []}]))
    )
    assert rows["home_spread"].isna().tolist() == [True]


ENTRY = {"athlete": {"displayName": "Al One"}, "status": "Day-To-Day", "details": {"type": "Knee"}}
ESPN = {"timestamp": "2023-10-26T01:30:00Z", "injuries": [
    {"id": "2", "displayName": "Boston Celtics", "injuries": [ENTRY]}]}  # fmt: skip
BALLDONTLIE = {"data": [{"player": {"first_name": "Al", "last_name": "One", "team_id": 2},
                         "return_date": "Nov 1", "description": "Knee", "status": "Day-To-Day"}],
               "meta": {"per_page": 25}}  # fmt: skip
PLAIN = {"player_name": "Al One", "team_id": "Boston Celtics", "status": "Day-To-Day",
         "reason": "Knee"}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name", "day"),
    [
        (ESPN, "espn.json", "2023-10-26T01:30:00Z"),
        (ESPN | {"timestamp": None}, "espn_20231025.json", "2023-10-25"),
        (BALLDONTLIE, "2023-10-25.json", "2023-10-25"),
        ([BALLDONTLIE, BALLDONTLIE | {"data": []}], "2023_10_25.json", "2023-10-25"),
        ({"2023-10-25": [PLAIN]}, "all.json", "2023-10-25"),
        ({"injuries": [PLAIN]}, "2023-10-25.json", "2023-10-25"),
    ],
)
def test_injuries_of_services(tmp_path, content, name, day):
    rows, issues, _ = read(tmp_path, "injury_report", content, name)
    (entry,) = rows[rows["listed"]].to_dict("records")
    assert entry["written_date"] == day
    told = [entry[each] for each in ("player_name", "team", "status", "reason")]
    assert told == [*PLAIN.values()]
    assert not issues.errors


def test_the_lists_of_a_file_that_are_not_read_are_named(tmp_path):
    teams = regular_games()
    players = player_log(teams).to_dict("records")
    content = {"a": {"teams": teams.to_dict("records"), "players": players}}
    frame, issues, _ = read(tmp_path, "team", content)
    assert len(frame) == len(teams)
    assert [warning.examples for warning in issues.warnings] == [("not read: players",)]
    sets = [
        {"name": name, "headers": [*rows], "rowSet": rows.to_numpy().tolist()}
        for name, rows in (("A", teams.head(0)), ("B", teams), ("C", teams))
    ]
    assert parse.of_json({"resultSets": sets}).attrs[parse.LEFT_OUT] == ["C"]
    alike = {"one": teams.to_dict("records"), "two": teams.to_dict("records")}
    assert not parse.of_json(alike).attrs[parse.LEFT_OUT]


@pytest.mark.parametrize(
    ("function", "written", "expected"),
    [
        (values.odds, ["-3½", "-5 1/2", "½", "+1½"], [-3.5, -5.5, 0.5, 1.5]),
        (values.odds, ["\N{EN DASH}4.5", "\N{MINUS SIGN}2", "pk"], [-4.5, -2, 0]),
        (values.odds, ["-3.5 (-110)", "+7 -105", "Pick'em", "-3,5"], [-3.5, 7, 0, -3.5]),
        (values.odds, ["EVEN", "+1,200", "OTB", "off", "NL", "-"], [100, 1200] + [np.nan] * 4),
        (values.odds, ["10/11", "Evens", "4/1", "2"], [1 + 10 / 11, 2, 5, 3]),
        (values.seconds, ["34:12:00", "00:34:12", "0:34:12", "PT34M12.00S"], [2052] * 4),
        (values.seconds, ["PT34M", "34", "0:00", "00:00:00"], [2040, 2040, 0, 0]),
        (values.digits, ["'0022300001", '="0022300001"', "22300001.0"], [22300001] * 3),
    ],
)  # fmt: skip
def test_figures_as_spreadsheets_and_bookmakers_write_them(function, written, expected):
    found = values.numbers(function(pd.Series(written)))
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    "content",
    [
        {"data": [1, 2]},
        {"name": "PTS", "index": [0], "data": [[1, {}]]},
        {"events": [{"competitions": [{}]}]},
        {"events": [{"competitions": {"a": 1}}]},
        [GAME | {"bookmakers": None}],
    ],
)
def test_answers_of_another_form_are_of_no_service(content):
    assert answers.plain_rows(content) is None


@pytest.mark.parametrize(
    "content",
    [
        [GAME | {"bookmakers": [None, {"markets": [{"outcomes": None}]}]}],
        BALLDONTLIE | {"data": [BALLDONTLIE["data"][0] | {"player": None}]},
        {"events": [ESPN_EVENT | {"competitions": [{"competitors": [None]}]}]},
    ],
)
def test_rows_of_answers_that_lack_what_they_name_are_kept(content):
    assert len(answers.plain_rows(content)) == 1
