"""Files in the form in which they are found in public: read right, or refused by name."""

import bz2
import json
import lzma
import os
import pickle
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from raw_issues import check_warnings, errors_of
from raw_logs import (
    BOS,
    CLE,
    DEN,
    LAL,
    NAMES,
    player_log,
    put_rows,
    regular_games,
    team_log,
    write,
)
from test_producers import MOORE

from nba_rank.data.ingest import read_raw
from nba_rank.data.raw import parse, producers

LOG = "team_logs_2023_24.parquet"


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def answer(log):
    """Give a log as stats.nba.com does."""
    rows = {"headers": [*log], "rowSet": log.to_numpy().tolist()}
    return {"resource": "leaguegamelog", "parameters": {}, "resultSets": [rows]}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *((f"{orient}.json", lambda log, orient=orient: log.to_json(orient=orient).encode())
          for orient in ("columns", "split", "table")),
        ("lists.json", lambda log: json.dumps(log.to_dict("list")).encode()),
        ("log.jsonl", lambda log: log.to_json(orient="records", lines=True).encode()),
        ("log.csv.bz2", lambda log: bz2.compress(log.to_csv().encode())),
        ("log.csv.xz", lambda log: lzma.compress(log.to_csv().encode())),
        ("remarks.csv", lambda log: b"# by hand, in May\n\nsep=;\n" + log.to_csv(sep=";").encode()),
        ("old_mac.csv", lambda log: log.to_csv(lineterminator="\r").encode()),
        ("pages.csv", lambda log: 2 * log.to_csv(index=False).encode()),
        ("reference.csv", lambda log: b"--- When using this, please cite us.\n\n\n"
         + log.to_csv().encode()),
        ("groups.csv", lambda log: b",,,,Game,Game,Game,,Team,Team,Team,,,,,,,,,,,,\n"
         + log.to_csv().encode()),
        ("numpy.csv", lambda log: b"# " + log.to_csv(index=False).encode()),
        ("europe.csv", lambda log: log.assign(FG_PCT=0.5, FTM=log["FTM"].astype("float64"))
         .to_csv(sep=";", decimal=",").encode()),
        ("two_lines.csv", lambda log: log.assign(**{"OWN\nDATA": 1}).to_csv().encode()),
        ("answer.json", lambda log: json.dumps(answer(log)).encode()),
        ("answers.json", lambda log: json.dumps([answer(log[:4]), answer(log[4:])]).encode()),
        ("seasons.json", lambda log: json.dumps({"2023-24": answer(log)}).encode()),
        ("by_game.json", lambda log: json.dumps(
            {game: own.dropna(axis=1).to_dict("records") for game, own in
             log.assign(OWN=log["GAME_ID"].where(log.index < 2)).groupby("GAME_ID")}).encode()),
        ("pages.json", lambda log: json.dumps(
            [{"data": own.to_dict("records"), "meta": {"page": 1}} for own in (log[:2], log[2:])]
        ).encode()),
        ("data_sets.json", lambda log: json.dumps({"LeagueGameLog": {
            "headers": [*log], "data": log.to_numpy().tolist()}}).encode()),
        ("text.json", lambda log: json.dumps(json.dumps(answer(log))).encode()),
        ("index.parquet", lambda log: log.set_index(["GAME_ID", "TEAM_ID"]).to_parquet()),
        ("copied.csv", lambda log: log.assign(**{"PTS.1": log["PTS"]}).to_csv().encode()),
    ],
)  # fmt: skip
def test_logs_of_every_writer_are_read(tmp_path, name, form):
    put(tmp_path, name, form(regular_games()))
    assert read_raw(tmp_path)[0].hashes() == hashes_of_teams()


@cache
def hashes_of_teams():
    """Hashes of the tables of the sound team log, which any test gives alike."""
    with TemporaryDirectory() as folder:
        return read_raw(write(Path(folder), team_logs_2023_24=regular_games()))[0].hashes()


def test_binary_files_are_named_and_pickles_not_loaded(folder):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(folder / "sprung"),)

    contents = {
        "Python pickle": pickle.dumps(Trap()), "SQLite database": b"SQLite format 3\x00",
        "Feather or Arrow": b"ARROW1\x00\x00", "RDS file of R": b"X\n\x00\x00\x00\x03",
        "UTF-32": "a,b\n".encode("utf-32"), "unfinished": b"a,b\n1,2\n", "a web page": b"<table>",
    }  # fmt: skip
    for number, (what, content) in enumerate(contents.items()):
        put(folder, f"team_logs_{number}.{'part' if what == 'unfinished' else 'bin'}", content)
    errors = {error.file: error.what for error in errors_of(folder)}
    for number, what in enumerate(contents):
        if what != "unfinished":
            assert what in errors[f"team_logs_{number}.bin"]
    assert len(errors) == len(contents) - 1
    assert not (folder / "sprung").exists()


def test_pipes_and_pointers_are_errors_and_names_may_be_any_bytes(folder):
    os.mkfifo(folder / "pipe.csv")
    put(folder, "annexed.csv", "/annex/objects/SHA256E-s1--0.csv\n")
    errors = {error.file: str(error) for error in errors_of(folder)}
    assert "a pipe" in errors["pipe.csv"]
    assert "git annex get" in errors["annexed.csv"]
    assert len(errors) == 2
    for name in errors:
        (folder / name).unlink()
    os.rename(folder / LOG, os.path.join(os.fsencode(folder), b"team_logs_\xff.parquet"))
    _, report = read_raw(folder)
    assert "team_logs_\\udcff.parquet" in [file.path for file in report.files]


def test_a_file_in_the_folder_of_another_kind_is_told_what_it_is(folder):
    put_rows(folder, "rosters/a.csv", ["DATE", "HOME", "AWAY"], [("2023-10-30", "BOS", "LAL")])
    put(folder, "team_logs_2022_23.csv", "0022200001,1610612738,BOS\n")
    put(
        folder,
        "players.csv",
        pd.DataFrame(player_log(regular_games())).drop(columns="MIN").to_csv(),
    )
    errors = {error.file: error.what for error in errors_of(folder)}
    assert "looks like a schedule file, which is named schedules/" in errors["rosters/a.csv"]
    assert "none of the columns of a team file, but 0022200001" in errors["team_logs_2022_23.csv"]
    assert errors["players.csv"] == "lacks the columns MIN"


def test_columns_that_pandas_numbered_are_an_error_where_they_differ(folder):
    log = pd.read_parquet(folder / LOG)
    (folder / LOG).unlink()
    put(folder, "log.csv", log.assign(**{"PTS.1": log["PTS"] + 1}).to_csv(index=False))
    (error,) = errors_of(folder)
    assert error.what == "repeats the columns PTS"


def test_players_who_are_told_in_words_not_to_have_played_are_absences(folder):
    expected = read_raw(folder)[0].hashes()
    log = pd.read_parquet(folder / "player_logs_2023_24.parquet").astype("object")
    (folder / "player_logs_2023_24.parquet").unlink()
    clock = log.assign(MIN="24.000000:30")
    told = ["DNP - Coach's Decision", "Did Not Play", "NWT - Personal", "Inactive"]
    absent = log.head(4).assign(MIN=told, PTS=told, PLAYER_ID=[1, 2, 3, 4], PLAYER_NAME="Al Bench")
    total = log.head(2).assign(MIN="240:00", PLAYER_NAME=["Boston Celtics", "Opponent Totals"])
    put(folder, "box.csv", pd.concat([clock, absent, total]).to_csv(index=False))
    tables, report = read_raw(folder)
    assert tables.hashes() == expected
    assert report.count("dropped: row of a player who did not play") == 4
    assert report.count("dropped: the total of a team among its players") == 2


@pytest.mark.parametrize("name", ["boxScoreTraditional", "game"])
def test_box_scores_of_the_league_are_read(name, folder):
    """Those of `boxscoretraditionalv3` and of cdn.nba.com, one game each."""
    expected = read_raw(folder)[0].player_games
    log = pd.read_parquet(folder / "player_logs_2023_24.parquet").assign(MIN="PT24M30.00S")
    (folder / "player_logs_2023_24.parquet").unlink()
    log[["firstName", "familyName"]] = log["PLAYER_NAME"].str.split(n=1, expand=True)
    names = ["personId", "firstName", "familyName"]
    for game, rows in log.groupby("GAME_ID"):
        sides = []
        for team, own in rows.groupby("TEAM_ID", sort=False):
            counts = own.rename(columns=MOORE | {"MIN": "minutes", "PTS": "points"})
            counts = counts[[*MOORE.values(), "minutes", "points"]].assign(plusMinusPoints=2)
            people = own.rename(columns={"PLAYER_ID": "personId"})[names].to_dict("records")
            each = zip(people, counts.to_dict("records"), strict=True)
            players = [{**person, "statistics": stats} for person, stats in each]
            sides.append({"teamId": team, "teamTricode": NAMES[team], "players": players})
        box = {name: {"gameId": game, "homeTeam": sides[0], "awayTeam": sides[1]}}
        put(folder, f"box/{game}.json", json.dumps({"meta": {"version": 1}, **box}))
    pd.testing.assert_frame_equal(read_raw(folder)[0].player_games, expected)


@pytest.mark.parametrize("form", ["resultSets", "data sets", "normalised"])
def test_of_the_sets_of_a_box_score_the_first_is_read(form):
    players = player_log(regular_games()).head(4)
    sets = {"PlayerStats": players, "TeamStats": players.drop(columns=["PLAYER_ID", "PLAYER_NAME"])}
    lists = {name: rows.to_numpy().tolist() for name, rows in sets.items()}
    found = {
        "resultSets": {"resultSets": [
            {"name": name, "headers": [*rows], "rowSet": lists[name]} for name, rows in sets.items()
        ]},
        "data sets": {n: {"headers": [*rows], "data": lists[n]} for n, rows in sets.items()},
        "normalised": {name: rows.to_dict("records") for name, rows in sets.items()},
    }  # fmt: skip
    assert parse.of_json(found[form])["PLAYER_ID"].tolist() == players["PLAYER_ID"].tolist()


def test_games_to_come_in_a_log_are_left_out(tmp_path):
    folder = write(tmp_path / "raw", team_logs_2023_24=regular_games())
    expected = read_raw(folder)[0].hashes()
    games = [(f"00223001{day}", f"2023-11-{day}", BOS, CLE) for day in range(10, 20)]
    write(folder, fixtures=team_log(*games).astype("object").assign(WL=None, PTS=None, FGM=0))
    tables, report = read_raw(folder)
    assert tables.hashes() == expected
    assert report.count("dropped: game in progress: no WL, or minutes under 240") == 20


@pytest.mark.parametrize(
    "content",
    [
        # FiveThirtyEight's Elo ratings, with a playoff game.
        "date,season,neutral,playoff,team1,team2,elo1_pre,elo2_pre\n"
        "2023-10-30,2024,0,,BOS,LAL,1500,1500\n2024-04-25,2024,0,t,BOS,LAL,1500,1500\n",
        # Basketball-Reference.
        "Date,Start (ET),Visitor/Neutral,PTS,Home/Neutral,PTS,,\n"
        '"Mon, Oct 30, 2023",7:30p,Los Angeles Lakers,,Boston Celtics,,,\n'
        'Playoffs,,,,,,,\n"Thu, Apr 25, 2024",7:30p,Los Angeles Lakers,,Boston Celtics,,,\n',
        # data.nba.com.
        json.dumps({"lscd": [{"mscd": {"mon": "October", "g": [
            {"gid": game, "gdte": "2023-10-30", "h": {"ta": "BOS"}, "v": {"ta": "LAL"}}
            for game in ("0022300009", "0012300009")
        ]}}]}),
        # balldontlie.
        json.dumps({"data": [
            {"id": 1, "date": "2023-10-30", "postseason": postseason,
             "home_team": {"id": 2, "abbreviation": "BOS"},
             "visitor_team": {"id": 14, "abbreviation": "LAL"}} for postseason in (False, True)
        ], "meta": {"per_page": 25}}),
    ],
    ids=["538", "basketball-reference", "data.nba.com", "balldontlie"],
)  # fmt: skip
def test_schedules_of_other_producers(content, tmp_path):
    folder = write(tmp_path / "raw", team_logs_2023_24=regular_games())
    put(folder, "schedules/other.csv", content)
    tables, report = read_raw(folder)
    coming = tables.schedule[tables.schedule["game_date"] > "2023-10-27"]
    sides = coming[["home_team_id", "away_team_id"]].to_numpy().tolist()
    assert sides == [[BOS, LAL]]
    assert coming["game_date"].tolist() == [pd.Timestamp("2023-10-30")]
    assert report.count("dropped: fixture that is not of the regular season") >= 1


LINES = {"home_spread": [-5.0, 3.5, 0.0], "home": [BOS, LAL, CLE]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        # Those of the-odds-api.com in a table.
        ("betting_lines.csv", "commence_time,home_team,away_team,home_spread,home_moneyline,"
         "away_moneyline\n2023-10-24T23:40:00Z,Boston Celtics,Cleveland Cavaliers,-5,-200,170\n"
         "2023-10-26T02:10:00Z,Los Angeles Lakers,Denver Nuggets,3.5,140,-160\n"
         "2023-10-27T23:10:00Z,Cleveland Cavaliers,Los Angeles Lakers,0,-110,-110\n"),
        # Without ids, teams in words.
        ("betting_lines.csv", "date,home,away,spread,moneyline_home,moneyline_away\n"
         "2023-10-24,Boston Celtics,Cleveland Cavaliers,-5,-200,170\n"
         "2023-10-25,Lakers,Nuggets,3.5,140,-160\n2023-10-27,CLE,LAL,pk,-110,-110\n"),
        # The size of the spread beside the favourite.
        ("betting_lines_nba_2008-2025.csv",
         "season,date,away,home,whos_favored,spread,moneyline_away,moneyline_home\n"
         "2024,2023-10-24,cle,bos,home,5,170,-200\n2024,2023-10-25,den,lal,away,3.5,-160,140\n"
         "2024,2023-10-27,lal,cle,home,0,-110,-110\n"),
        # Two rows a game, spread beside the favourite and total beside the other team.
        ("betting_lines nba odds 2023-24.csv", "Date,Rot,VH,Team,Final,Open,Close,ML,2H\n"
         "1024,501,V,Cleveland,100,215,214.5,170,1\n1024,502,H,Boston,102,4,5,-200,1\n"
         "1025,503,V,Denver,100,3,3.5,-160,1\n1025,504,H,LALakers,102,220,221,140,1\n"
         "1027,505,V,LALakers,100,210,209,-110,1\n1027,506,H,Cleveland,102,1,pk,-110,1\n"),
    ],
)  # fmt: skip
def test_lines_without_game_ids_are_those_of_their_teams_and_date(name, content, folder):
    put(folder, f"market/{name}", content)
    tables, report = read_raw(folder)
    lines = tables.market_lines
    assert lines["home_spread"].tolist() == LINES["home_spread"]
    assert lines["home_team_id"].tolist() == LINES["home"]
    chance = [(200 / 300) / (200 / 300 + 100 / 270), (100 / 240) / (100 / 240 + 160 / 260), 0.5]
    assert lines["home_win_prob"].tolist() == pytest.approx(chance)
    check_warnings(report, "market/", {"times with a zone": 1} if "T23" in content else {})


def test_the_odds_archive_needs_its_season_and_the_order_of_its_rows(folder):
    rows = [("1024", "V", "Cleveland", "215", "170"), ("1024", "H", "Boston", "5", "-200")]
    columns = ["Date", "VH", "Team", "Close", "ML"]
    put_rows(folder, "market/betting_lines_2023-24.csv", columns, rows)
    assert read_raw(folder)[0].market_lines["home_spread"].tolist() == [-5.0]
    # The total is not known.
    missing = [(*rows[0][:3], "NL", "170"), rows[1]]
    put_rows(folder, "market/betting_lines_2023-24.csv", columns, missing)
    assert read_raw(folder)[0].market_lines["home_spread"].tolist() == [-5.0]
    for name, wrong in (("betting_lines_2023-24", rows[::-1]), ("betting_lines", rows),
                        ("betting_lines_2023-24", rows[:1])):  # fmt: skip
        (folder / "market/betting_lines_2023-24.csv").unlink(missing_ok=True)
        put_rows(folder, f"market/{name}.csv", columns, wrong)
        assert "lacks the columns HOME, AWAY" in errors_of(folder)[0].what


def test_dates_of_the_odds_archive_in_the_season_that_ended_in_october():
    rows = [
        (day, side, "LALakers", 1, 100) for day in ("1022", "0111", "0731", "1011") for side in "VH"
    ]
    frame = pd.DataFrame(rows, columns=["Date", "VH", "Team", "Close", "ML"])
    dates = producers.one_row_a_game(frame, "2019-20")[0]["DATE"].tolist()
    assert dates == ["2019-10-22", "2020-01-11", "2020-07-31", "2020-10-11"]


def test_lines_of_other_days_than_the_games_are_refused(folder):
    rows = [(f"2023-10-{day}", "BOS", "CLE", -5, -200, 170) for day in range(10, 20)]
    columns = ["DATE", "HOME", "AWAY", "HOME_SPREAD", "MONEYLINE_HOME", "MONEYLINE_AWAY"]
    put_rows(folder, "market/betting_lines.csv", columns, rows)
    (error,) = errors_of(folder)
    assert "10 of 10 lines are of no game of their teams on their date" in error.what


@pytest.mark.parametrize(
    ("file", "columns", "told"),
    [
        ("injury_reports/a.csv", "Date,Team,Acquired,Relinquished,Notes", "ProSportsTransactions"),
        ("injury_reports/b.csv", "Player,Team,Pos,Injury,Status,Est. Return", "Rotowire"),
        (
            "injury_reports/c.csv",
            "Player,Team,Update,Description",
            "Basketball-Reference's injuries",
        ),
        ("team_stats_2023_24.csv", "TEAM_ID,TEAM_NAME,GP,W,L,PTS", "season totals, not games"),
        (
            "team_logs_2023_24.csv",
            "Rk,G,Date,Opp,FG,FG%,TRB,PTS",
            "a table of Basketball-Reference",
        ),
        ("player_box_2024.csv", "id,min,fgm,fg_pct,turnover,player_id,game_date", "balldontlie's"),
        ("2017-18_teamBoxScore.csv", "gmDate,gmTime,teamAbbr,teamPTS,teamAST", "(P. Rossotti)"),
        ("schedules/teams.csv", "date,team1,team2", "lacks the columns HOME, AWAY"),
        ("play_by_play_2024.csv", "game_id,type_id,sequence_number,text", "ESPN's play-by-play"),
    ],
)
def test_what_lacks_something_is_refused_by_the_name_of_its_producer(folder, file, columns, told):
    put(folder, file, f"{columns}\n")
    (error,) = errors_of(folder)
    assert told in error.what
    assert error.remedy


def test_a_file_named_by_its_day_needs_no_dates(folder):
    entries = [("Player 380", "BOS", "Knee", "Out"), ("Player 470", "LAL", "Ankle", "GTD")]
    columns = ["Player", "Team", "Injury", "Status"]
    put_rows(folder, "injury_reports/2023-10-25.csv", columns, entries)
    players = [(BOS, 380 + number) for number in range(2)]
    put_rows(folder, "rosters/2023-10-24.csv", ["TeamID", "PLAYER_ID"], players)
    tables, _ = read_raw(folder)
    assert tables.injury_reports["date"].eq(pd.Timestamp("2023-10-25")).all()
    assert tables.injury_reports["status"].tolist() == ["Out", "Questionable"]
    assert tables.rosters["date"].eq(pd.Timestamp("2023-10-24")).all()
    assert DEN not in tables.rosters["team_id"].tolist()


def test_a_roster_of_ids_that_no_log_has_is_refused(folder):
    players = [("2023-10-24", BOS, 5_000 + number) for number in range(8)]
    put_rows(folder, "rosters/a.csv", ["DATE", "TEAM_ID", "PLAYER_ID"], players)
    (error,) = errors_of(folder)
    assert error.what == "no player of it is known"
