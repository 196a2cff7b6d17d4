"""Game logs as other producers than the league write them."""

import pandas as pd
import pytest
from raw_issues import check_warnings, errors_of
from raw_logs import BOS, CLE, DEN, LAL, player_log, regular_games, team_log, write

from nba_rank.data import league
from nba_rank.data.ingest import read_raw
from nba_rank.data.raw import producers

ESPN = {BOS: ("BOS", 2), CLE: ("CLE", 5), LAL: ("LAL", 13), DEN: ("DEN", 7)}
ESPN_BOX = {
    "FGM": "field_goals_made", "FGA": "field_goals_attempted",
    "FG3M": "three_point_field_goals_made", "FG3A": "three_point_field_goals_attempted",
    "FTM": "free_throws_made", "FTA": "free_throws_attempted", "OREB": "offensive_rebounds",
    "DREB": "defensive_rebounds", "AST": "assists", "STL": "steals", "BLK": "blocks",
    "PF": "fouls",
}  # fmt: skip
MOORE = {
    "FGM": "fieldGoalsMade", "FGA": "fieldGoalsAttempted", "FG3M": "threePointersMade",
    "FG3A": "threePointersAttempted", "FTM": "freeThrowsMade", "FTA": "freeThrowsAttempted",
    "OREB": "reboundsOffensive", "DREB": "reboundsDefensive", "REB": "reboundsTotal",
    "AST": "assists", "STL": "steals", "BLK": "blocks", "TOV": "turnovers", "PF": "foulsPersonal",
}  # fmt: skip
FULL = {BOS: "Boston Celtics", CLE: "Cleveland Cavaliers", LAL: "LA Lakers", DEN: "Denver Nuggets"}


@pytest.fixture
def logs():
    return regular_games(), player_log(regular_games())


def espn(log, more):
    """Columns of hoopR's box scores."""
    ids = log["TEAM_ID"].map({team: espn[1] for team, espn in ESPN.items()})
    return log.rename(columns=ESPN_BOX).assign(
        game_id=401584000 + log["GAME_ID"].str[-3:].astype("int64"), season=2024, season_type=2,
        game_date=log["GAME_DATE"], team_id=ids, team_slug="x", team_color="y",
        team_abbreviation=log["TEAM_ABBREVIATION"], team_display_name=log["TEAM_ID"].map(FULL),
        team_home_away=log["MATCHUP"].str.contains("vs").map({True: "home", False: "away"}),
        **more,
    ).drop(columns=[*{"GAME_ID", "GAME_DATE", "TEAM_ID", "MATCHUP", "SEASON_ID", "WL", "REB",
                      "TOV", "PTS", "TEAM_NAME", "TEAM_ABBREVIATION"} & {*log}])  # fmt: skip


def espn_files(teams, players):
    team = espn(teams, {
        "total_rebounds": teams["REB"], "turnovers": 1, "total_turnovers": teams["TOV"],
        "team_score": teams["PTS"], "team_winner": teams["WL"] == "W",
    })  # fmt: skip
    player = espn(players, {
        "athlete_id": players["PLAYER_ID"] + 3_000_000, "minutes": players["MIN"],
        "athlete_display_name": players["PLAYER_NAME"], "rebounds": players["REB"],
        "turnovers": players["TOV"], "points": players["PTS"], "plus_minus": "+2",
        "did_not_play": False,
    }).drop(columns=["PLAYER_ID", "PLAYER_NAME", "MIN", "PLUS_MINUS"])  # fmt: skip
    return {"team_box_2024": team, "player_box_2024": player}


def test_box_scores_of_espn_are_read(logs, tmp_path):
    expected = read_raw(write(tmp_path / "league", team_logs_2023_24=logs[0]))[0]
    tables, report = read_raw(write(tmp_path / "espn", **espn_files(*logs)))
    same = ["game_date", "home_team_id", "away_team_id", "home_points", "away_points", "season"]
    pd.testing.assert_frame_equal(tables.games[same], expected.games[same])
    assert tables.games["game_id"][0] == "00223401584001"
    assert tables.team_games["tov"].eq(12).all()
    assert tables.player_games["plus_minus"].eq(2).all()
    assert tables.player_games["player_id"].lt(-1_000_000_000).all()
    assert not [warning for warning in report.warnings if "not read" in warning.what]


def test_games_and_players_of_espn_are_found_among_those_of_the_league(logs, tmp_path):
    files = espn_files(*logs)
    league_logs = {"team_logs_2023_24": logs[0].head(2), "player_logs_2023_24": logs[1].head(4)}
    tables, _ = read_raw(write(tmp_path / "raw", **league_logs, **files))
    assert len(tables.games) == 3
    assert tables.games["game_id"].str.len().tolist() == [10, 14, 14]
    ids = tables.player_games.groupby("player_name")["player_id"].agg(set)
    assert (ids["Player 390"], ids["Player 380"]) == ({390}, {380})
    assert tables.player_games.groupby("game_id").size().eq(4).all()


def test_games_of_teams_that_are_none_are_dropped(logs, tmp_path):
    files = espn_files(*logs)
    team = files["team_box_2024"]
    stars = team.head(2).assign(game_id=401584999, team_id=[132374, 132375])
    stars = stars.assign(team_abbreviation=["GIA", "LEB"], team_display_name="Team Stars")
    folder = write(tmp_path / "raw", team_box_2024=pd.concat([team, stars]))
    tables, report = read_raw(folder)
    assert len(tables.games) == 3
    assert report.count("dropped: game of a team that is none of the league's") == 2


def test_box_scores_of_a_kaggle_set_are_read(logs, tmp_path):
    def moore(log):
        return log.rename(columns=MOORE).assign(
            gameId=log["GAME_ID"].astype("int64"), gameDateTimeEst=log["GAME_DATE"] + " 19:30:00",
            home=log["MATCHUP"].str.contains("vs").astype("int64"),
            win=log["WL"].eq("W").astype("int64"),
        )  # fmt: skip

    teams, players = logs
    cities = teams["TEAM_ID"].map(FULL).str.rsplit(n=1, expand=True)
    team = moore(teams).assign(
        teamId=teams["TEAM_ID"], teamCity=cities[0], teamName=cities[1], teamScore=teams["PTS"],
        numMinutes=240,
    )  # fmt: skip
    cities = players["TEAM_ID"].map(FULL).str.rsplit(n=1, expand=True)
    names = players["PLAYER_NAME"].str.split(expand=True)
    player = moore(players).assign(
        personId=players["PLAYER_ID"], firstName=names[0], lastName=names[1],
        playerteamCity=cities[0], playerteamName=cities[1], points=players["PTS"],
        numMinutes=players["MIN"], plusMinusPoints=2,
    )  # fmt: skip
    gone = ["GAME_ID", "GAME_DATE", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "MATCHUP", "WL",
            "PTS", "SEASON_ID"]  # fmt: skip
    folder = tmp_path / "raw"
    folder.mkdir()
    team.drop(columns=gone).to_csv(folder / "TeamStatistics.csv", index=False)
    player.drop(columns=[*gone, "PLAYER_ID", "PLAYER_NAME", "MIN", "PLUS_MINUS"]).to_csv(
        folder / "PlayerStatistics.csv", index=False
    )
    tables, _ = read_raw(folder)
    own = write(tmp_path / "own", team_logs_2023_24=teams, player_logs_2023_24=players)
    expected = read_raw(own)[0]
    names = expected.teams.assign(name=tables.teams["name"]).compare(tables.teams)
    assert names.empty
    for name in ("games", "team_games", "player_games", "seasons"):
        pd.testing.assert_frame_equal(getattr(tables, name), getattr(expected, name))


def test_one_row_a_game_becomes_two(logs, tmp_path):
    teams = logs[0]
    shared = ["GAME_ID", "GAME_DATE", "SEASON_ID"]
    home, away = (
        teams[teams["MATCHUP"].str.contains("vs") == side]
        .drop(columns=shared[1:])
        .set_index("GAME_ID")
        for side in (True, False)
    )
    wide = home.add_suffix("_home").join(away.add_suffix("_away")).reset_index()
    wide = wide.merge(teams[shared].drop_duplicates(), on="GAME_ID")
    wide.columns = wide.columns.str.lower()
    expected = read_raw(write(tmp_path / "league", team_logs_2023_24=teams))[0]
    tables, _ = read_raw(write(tmp_path / "wide", game=wide))
    assert tables.hashes() == expected.hashes()


def test_logs_of_one_player_get_team_and_name_from_elsewhere(logs, tmp_path):
    """`PlayerGameLog` has neither, and another form of dates."""
    teams, players = logs
    one = players[players["PLAYER_ID"] == 390].rename(
        columns={"PLAYER_ID": "Player_ID", "GAME_ID": "Game_ID"}
    )
    one = one.assign(
        GAME_DATE=pd.to_datetime(one["GAME_DATE"]).dt.strftime("%b %d, %Y").str.upper()
    )
    bare = one.drop(columns=["PLAYER_NAME", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME"])
    rest = players[(players["PLAYER_ID"] != 390) | (players["GAME_ID"] == "0022300001")]
    folder = write(
        tmp_path / "raw", team_logs_2023_24=teams, player_logs_2023_24=rest, one=bare[1:]
    )
    expected = write(tmp_path / "all", team_logs_2023_24=teams, player_logs_2023_24=players)
    assert read_raw(folder)[0].hashes() == read_raw(expected)[0].hashes()
    write(folder, one=bare.assign(Player_ID=17))
    assert "PLAYER_NAME is empty" in errors_of(folder)[0].what


def test_totals_of_a_team_are_no_players(logs, tmp_path):
    teams, players = logs
    total = players.iloc[::2].assign(MIN=240.0)
    named = total.assign(PLAYER_NAME="Team Totals", PLAYER_ID=None)
    numbered = total.assign(PLAYER_NAME="Celtics", PLAYER_ID=total["TEAM_ID"])
    folder = write(tmp_path / "raw", team_logs_2023_24=teams, player_logs_2023_24=players)
    expected = read_raw(folder)[0].hashes()
    write(folder, player_logs_2023_24=pd.concat([players, named, numbered]))
    tables, report = read_raw(folder)
    assert tables.hashes() == expected
    assert report.count("dropped: the total of a team among its players") == 12


def test_games_of_other_leagues_are_dropped_and_counted(tmp_path):
    log = regular_games()
    other = team_log(("2022300001", "2023-11-10", BOS, CLE), ("1522300001", "2023-07-10", BOS, CLE))
    folder = write(tmp_path / "raw", team_logs_2023_24=pd.concat([log, other.assign(TEAM_ID=1)]))
    tables, report = read_raw(folder)
    assert len(tables.games) == 3
    assert report.count("dropped: game of another league, by its id") == 4
    check_warnings(report, "team_logs", {"another league": 4, "26 teams": 1})


@pytest.mark.parametrize(
    ("columns", "producer"),
    [
        (["Rk", "G", "Date", "Tm", "Opp", "MP", "FG", "FGA", "TRB"], "Basketball-Reference"),
        (["GAME_DATE_EST", "GAME_ID", "GAME_STATUS_TEXT", "PTS_home"], "Kaggle's games.csv"),
        (["date", "season", "team1", "team2", "elo1_pre", "elo2_pre"], "FiveThirtyEight"),
    ],
)
def test_what_cannot_be_read_names_its_producer(columns, producer, tmp_path):
    folder = write(tmp_path / "raw", team_logs_2023_24=regular_games())
    pd.DataFrame(columns=columns).to_csv(folder / "some.csv", index=False)
    (warning,) = [warning for warning in read_raw(folder)[1].warnings if "not read" in warning.what]
    assert producer in warning.what
    pd.DataFrame(columns=columns).to_csv(folder / "team_logs_2022_23.csv", index=False)
    assert any(producer in error.what for error in errors_of(folder))


def test_abbreviations_of_all_producers_are_known():
    written = "GS NO NY SA UTAH WSH BRK PHO CHO CHH NJN NOH NOK SEA VAN gsw Lakers 1610612738.0"
    written += " Sixers NewJersey OklahomaCity GoldenState"
    ids = league.team_ids_of(pd.Series(written.split()))
    now = "GSW NOP NYK SAS UTA WAS BKN PHX CHA CHA BKN NOP NOP OKC MEM GSW LAL BOS"
    now += " PHI BKN OKC GSW"
    assert " ".join(league.names_of_today()[int(team)][0] for team in ids) == now
    assert league.team_ids_of(pd.Series(["XYZ", None])).isna().all()


def test_names_are_compared_without_case_and_signs():
    frame = pd.DataFrame(columns=["Game_ID", "teamTricode", "3P", "Own Column"])
    assert [*producers.renamed(frame, "team", ["GAME_ID"])] == [
        "GAME_ID", "TEAM_ABBREVIATION", "FG3M", "OWN COLUMN",
    ]  # fmt: skip
