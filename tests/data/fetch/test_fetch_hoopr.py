import io

import as_llimllib
import pandas as pd
import pytest
from raw_logs import BOS, CLE, DEN, LAL

from nba_rank.data.fetch import hoopr
from nba_rank.data.fetch.run import CURRENT, FETCHED
from nba_rank.data.ingest import read_raw

ESPN_NAMES = {
    BOS: "Boston Celtics", CLE: "Cleveland Cavaliers", LAL: "Los Angeles Lakers",
    DEN: "Denver Nuggets",
}  # fmt: skip
BOX = {
    "field_goals_made": "FGM", "field_goals_attempted": "FGA",
    "three_point_field_goals_made": "FG3M", "three_point_field_goals_attempted": "FG3A",
    "free_throws_made": "FTM", "free_throws_attempted": "FTA",
    "offensive_rebounds": "OREB", "defensive_rebounds": "DREB",
    "assists": "AST", "steals": "STL", "blocks": "BLK", "fouls": "PF",
}  # fmt: skip
TEAM = {"total_rebounds": "REB", "total_turnovers": "TOV", "team_score": "PTS"}
PLAYER = {
    "rebounds": "REB", "turnovers": "TOV", "points": "PTS", "minutes": "MIN",
    "athlete_id": "PLAYER_ID", "athlete_display_name": "PLAYER_NAME",
}  # fmt: skip
LOG = "team_logs_2023_24.parquet"
BOTH = ("what=[team_logs,player_logs]", "seasons=2023-24")


def espn_id(game_id: pd.Series) -> pd.Series:
    """Made-up ids like ESPN's."""
    return 401_500_000 + pd.to_numeric(game_id.str[2] + game_id.str[-4:])


def files(raw, until="9999"):
    """Return the releases' files of 2023-24 by path; games after a day are still to come."""
    team, player = (as_llimllib.read_logs(raw, level, "2023_24") for level in ("team", "player"))
    sides = team[["GAME_ID", "TEAM_ID", "PTS"]]
    pairs = sides.merge(sides, on="GAME_ID", suffixes=("", "_OTHER"))
    pairs = pairs[pairs["TEAM_ID"] != pairs["TEAM_ID_OTHER"]].drop(columns="PTS")
    home = team.loc[team["MATCHUP"].str.contains(" vs. ", regex=False), ["GAME_ID", "TEAM_ID"]]
    home_of = home.set_index("GAME_ID")["TEAM_ID"]

    def box(log, names, side):
        log = log[log["GAME_DATE"] <= until].merge(pairs, on=["GAME_ID", "TEAM_ID"])
        at_home = log["TEAM_ID"] == log["GAME_ID"].map(home_of)
        made = pd.DataFrame(
            {
                "game_id": espn_id(log["GAME_ID"]),
                "season": 2024,
                "season_type": log["GAME_ID"].str[2].astype("int64").replace(4, 3),
                "game_date": pd.to_datetime(log["GAME_DATE"]).dt.date,
                "team_display_name": log["TEAM_ID"].map(ESPN_NAMES),
                "opponent_team_display_name": log["TEAM_ID_OTHER"].map(ESPN_NAMES),
                "opponent_team_score": log["PTS_OTHER"],
                side: at_home.map({True: "home", False: "away"}),
            }
        )
        return made.assign(**{espn: log[own].to_numpy() for espn, own in names.items()})

    teams = box(team, BOX | TEAM, "team_home_away")
    # Where the league has 14 turnovers of a team, one may be its own.
    teams = teams.assign(turnovers=teams["total_turnovers"] - 1, team_abbreviation="X", team_id=7)
    people = box(player, BOX | PLAYER, "home_away")
    people = people.assign(did_not_play=False, plus_minus="+2", reason=None)
    absent = people.head(1).assign(athlete_id=999, did_not_play=True, minutes=None)
    games = home.assign(date=home["GAME_ID"].map(team.set_index("GAME_ID")["GAME_DATE"].to_dict()))
    away = [
        pairs.query("GAME_ID == @game and TEAM_ID == @team")["TEAM_ID_OTHER"].iloc[0]
        for game, team in games[["GAME_ID", "TEAM_ID"]].to_numpy()
    ]
    schedule = pd.DataFrame(
        {
            "game_id": espn_id(games["GAME_ID"]),
            "season_type": games["GAME_ID"].str[2].astype("int64").replace(4, 3),
            "game_date": pd.to_datetime(games["date"]).dt.date,
            "home_display_name": games["TEAM_ID"].map(ESPN_NAMES),
            "away_display_name": [ESPN_NAMES[team] for team in away],
            "neutral_site": False,
            "notes_headline": None,
            "type_abbreviation": "STD",
            "status_type_completed": games["date"] <= until,
        }
    )
    return {
        "/espn_nba_team_boxscores/team_box_2024.parquet": as_llimllib.parquet(teams),
        "/espn_nba_player_boxscores/player_box_2024.parquet": as_llimllib.parquet(
            pd.concat([people, absent])
        ),
        "/espn_nba_schedules/nba_schedule_2024.parquet": as_llimllib.parquet(schedule),
    }


@pytest.fixture
def releases(server, logs):
    server.files |= files(logs)
    return server


@pytest.fixture
def get(fetch, releases):
    return lambda *words: fetch("source=hoopr", f"source.address={releases.address}", *BOTH, *words)


def test_what_is_fetched_is_ingested_like_the_files_themselves(get, logs, releases, tmp_path):
    assert {one.status for one in get("today=2024-08-01").values()} == {FETCHED}
    assert len(releases.asked()) == 3  # the schedule serves both logs
    found, _ = read_raw(tmp_path / "raw")
    expected, _ = read_raw(logs)
    for name in ("team_games", "player_games"):
        own, other = (
            getattr(tables, name).drop(columns="game_id").sort_values(
                ["game_date", "team_id", *(["player_id"] if name == "player_games" else [])],
                ignore_index=True,
            )
            for tables in (found, expected)
        )  # fmt: skip
        pd.testing.assert_frame_equal(own, other)
    assert found.seasons["champion_team_id"].tolist() == [BOS]
    get("today=2024-08-02")
    assert releases.asked() == []


def test_games_to_come_are_a_schedule_and_no_log(get, logs, releases, tmp_path):
    releases.files = files(logs, until="2023-10-24")
    done = get("today=2023-10-25", "what=[team_logs,schedule]")
    assert len(pd.read_parquet(tmp_path / "raw" / LOG)) == 2
    assert done["schedule", "2023-24"].rows == 3
    tables, _ = read_raw(tmp_path / "raw")
    assert len(tables.schedule) == 3
    assert get("today=2024-08-01", "what=[schedule]") == {}


def test_play_in_cup_final_and_all_stars_are_told_apart(get, releases, logs, tmp_path):
    path = "/espn_nba_schedules/nba_schedule_2024.parquet"
    schedule = pd.read_parquet(io.BytesIO(releases.files[path]))
    regular = schedule.index[schedule["season_type"] == 2]
    notes = [None, "NBA Play-In - East - 7th Place vs 8th Place", "NBA Cup - Championship"]
    schedule["notes_headline"] = pd.Series(notes, regular).reindex(schedule.index)
    schedule.loc[regular[1], "season_type"] = 3
    releases.files[path] = as_llimllib.parquet(schedule)
    get("today=2024-08-01", "what=[team_logs]")
    kinds = {
        path.name: pd.read_parquet(path)["GAME_ID"].str[:3].unique().tolist()
        for path in (tmp_path / "raw").glob("*team_logs*")
    }
    assert kinds == {
        LOG: ["002"], "playoffs_team_logs_2023_24.parquet": ["004"],
        "playin_team_logs_2023_24.parquet": ["005"],
    }  # fmt: skip
    assert len(pd.read_parquet(tmp_path / "raw" / LOG)) == 2


def test_old_ids_whose_ends_are_not_unique_give_unique_ids():
    ids = [220_101_004, 220_201_004, 220_201_005]
    schedule = pd.DataFrame(
        {"game_id": ids, "season_type": 2, "status_type_completed": True, "neutral_site": False}
    )
    found = hoopr._game_ids(schedule, "2001-02")["GAME_ID"]
    assert found.is_unique
    assert found.str.fullmatch(r"00201\d{5}").all()


def test_turnovers_that_count_those_of_the_players_twice_count_once(get, releases, tmp_path):
    path = "/espn_nba_team_boxscores/team_box_2024.parquet"
    teams = pd.read_parquet(io.BytesIO(releases.files[path]))
    twice = teams.assign(total_turnovers=teams["turnovers"] * 2)
    releases.files[path] = as_llimllib.parquet(twice)
    get("what=[team_logs]")
    assert pd.read_parquet(tmp_path / "raw" / LOG)["TOV"].eq(teams["turnovers"].iloc[0]).all()


def test_rosters_name_players_whom_ingest_finds(fetch, releases, tmp_path):
    players = pd.DataFrame(
        {
            "team_display_name": ["Boston Celtics", "LA Clippers", "East"],
            "athlete_id": ["380", "77", "8"],
            "full_name": ["Player 380", "Someone", "Nobody"],
        }
    )
    releases.files["/espn_nba_rosters/rosters_2024.parquet"] = as_llimllib.parquet(players)
    words = ("seasons=2023-24", "today=2023-12-01", "what=[rosters]")
    fetch(f"addresses.hoopr={releases.address}", *words)
    roster = pd.read_parquet(tmp_path / "raw" / "rosters" / "2023-12-01.parquet")
    assert roster["PLAYER_NAME"].tolist() == ["Player 380", "Someone"]
    assert roster["TEAM_ID"].tolist() == [BOS, 1610612746]


def test_a_season_in_progress_is_asked_for_what_has_changed(get, releases):
    get("today=2024-05-01")
    releases.log.clear()
    assert {one.status for one in get("today=2024-05-02").values()} == {CURRENT}
    assert {status for _, status in releases.log} == {304}
