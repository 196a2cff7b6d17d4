import numpy as np
import pandas as pd
import pytest
from raw_issues import errors_of, found
from raw_logs import BOS, CLE, finals, regular_games, team_log, write

from nba_rank.core.content_hash import frame_hash
from nba_rank.data import league
from nba_rank.data.ingest import ingest, is_stale, read_raw
from nba_rank.data.market import implied_prob
from nba_rank.data.tables import SCHEMA

TOTALS = ["SEASON", "TEAM_NAME", "WIN_TOTAL", "TITLE_ODDS_AMERICAN"]
LINES = ["GAME_ID", "DATE", "HOME", "AWAY", "HOME_SPREAD", "MONEYLINE_HOME", "MONEYLINE_AWAY"]
OPENER, SECOND, THIRD = (f"002230000{number}" for number in (1, 2, 3))


@pytest.fixture
def folder(tmp_path):
    """Sound game logs: BOS - CLE, LAL - DEN and CLE - LAL, then Finals of BOS and LAL."""
    return write(
        tmp_path / "raw",
        team_logs_2023_24=regular_games(),
        playoffs_team_logs_2023_24=finals(),
    )


def put_totals(folder, *rows, name="preseason_win_totals", columns=TOTALS):
    (folder / "market").mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=columns).to_csv(folder / "market" / f"{name}.csv", index=False)


def put_lines(folder, *rows, name="betting_lines", columns=LINES):
    """Write a parquet file, or with a name that ends on it a CSV file; rows as in `LINES`."""
    (folder / "market").mkdir(exist_ok=True)
    frame, path = pd.DataFrame(rows, columns=columns), folder / "market" / name
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path.with_suffix(".parquet"))


def season_rows(season="2023-24", win_total=41.0, odds=2900):
    """A row a team of a season, all alike."""
    return [(season, team, win_total, odds) for team in league.league_teams(season)["abbreviation"]]


def line(game=OPENER, home="BOS", away="CLE", spread=-5.0, odds=(-200, 170), date="2023-10-24"):
    return (game, date, home, away, spread, *odds)


def totals_of(folder):
    table = read_raw(folder)[0].market_totals
    return {(row.season, row.team_id): row.win_total for row in table.itertuples()}


def only_line(folder):
    lines = read_raw(folder)[0].market_lines
    assert len(lines) == 1
    return lines.iloc[0]


def market_warnings(report):
    return [warning.what for warning in report.warnings if warning.file.startswith("market/")]


# What comes out.


def test_without_market_files_both_tables_are_there_and_empty(folder):
    tables = read_raw(folder)[0]
    for name in ("market_totals", "market_lines"):
        table = dict(tables.items())[name]
        assert table.empty
        assert table.dtypes.astype("str").to_dict() == SCHEMA[name]
    put_totals(folder)
    put_lines(folder)
    again, report = read_raw(folder)
    assert frame_hash(again.market_totals) == frame_hash(tables.market_totals)
    assert frame_hash(again.market_lines) == frame_hash(tables.market_lines)
    empty = [warning.file for warning in report.warnings if warning.what == "has no rows"]
    assert empty == ["market/betting_lines.parquet", "market/preseason_win_totals.csv"]


def test_each_file_is_optional(folder):
    put_totals(folder, *season_rows())
    tables, _ = read_raw(folder)
    assert (len(tables.market_totals), len(tables.market_lines)) == (30, 0)
    (folder / "market" / "preseason_win_totals.csv").unlink()
    put_lines(folder, line())
    tables, _ = read_raw(folder)
    assert (len(tables.market_totals), len(tables.market_lines)) == (0, 1)


def test_american_odds_are_probabilities_with_a_margin():
    odds = pd.Series([100.0, -100.0, 300.0, -300.0, 150.0, -13_000.0, np.nan])
    expected = [0.5, 0.5, 0.25, 0.75, 0.4, 130 / 131, np.nan]
    np.testing.assert_allclose(implied_prob(odds), expected, rtol=1e-12)


def test_win_totals_and_title_odds_by_hand(folder):
    rows = season_rows(odds=2900)
    rows[0] = ("2023-24", "ATL", 50.5, "-150")
    put_totals(folder, *rows)
    tables, report = read_raw(folder)
    table = tables.market_totals.set_index("team_id")
    assert tables.market_totals.dtypes.astype("str").to_dict() == SCHEMA["market_totals"]
    # Implied: 0.6 for Atlanta and 1/30 for each of the 29 others.
    total = 0.6 + 29 / 30
    assert table.loc[1610612737, "win_total"] == 50.5
    assert table.loc[1610612737, "title_prob"] == pytest.approx(0.6 / total)
    assert table.loc[BOS, "title_prob"] == pytest.approx(1 / 30 / total)
    assert table["title_prob"].sum() == pytest.approx(1)
    assert not market_warnings(report)
    record = report.files[-1]
    assert (record.path, record.level, record.rows) == (
        "market/preseason_win_totals.csv", "market_totals", 30,
    )  # fmt: skip


def test_a_line_by_hand(folder):
    put_lines(
        folder,
        line(spread=-5.5, odds=(-300, 240)),
        line(SECOND, "LAL", "DEN", -0.0, (-110, -110), "2023-10-25"),
        line("0042300401", "BOS", "LAL", 2.5, (130, -150), "2024-06-06"),
    )
    tables, report = read_raw(folder)
    lines = tables.market_lines.set_index("game_id")
    assert tables.market_lines.dtypes.astype("str").to_dict() == SCHEMA["market_lines"]
    assert lines.loc[OPENER].drop("home_win_prob").tolist() == [
        "2023-24", pd.Timestamp("2023-10-24"), BOS, CLE, -5.5,
    ]  # fmt: skip
    implied = (300 / 400, 100 / 340)
    assert lines.loc[OPENER, "home_win_prob"] == pytest.approx(implied[0] / sum(implied))
    assert lines.loc[SECOND, "home_win_prob"] == 0.5
    assert not np.signbit(lines.loc[SECOND, "home_spread"])
    assert lines.loc["0042300401", "home_win_prob"] < 0.5
    assert not market_warnings(report)


@pytest.mark.parametrize(
    ("season", "name", "abbreviation"),
    [
        ("2006-07", "New Orleans/Oklahoma City Hornets", "NOP"),
        ("2007-08", "Seattle SuperSonics", "OKC"),
        ("2007-08", "New Jersey Nets", "BKN"),
        ("2009-10", "New Orleans Hornets", "NOP"),
        ("2013-14", "Charlotte Bobcats", "CHA"),
        ("2014-15", "Charlotte Hornets", "CHA"),
        ("2000-01", "Charlotte Hornets", "CHA"),
        ("2000-01", "Vancouver Grizzlies", "MEM"),
        ("2023-24", "Los Angeles Clippers", "LAC"),
        ("2023-24", "la  clippers ", "LAC"),
        ("2023-24", "PHILADELPHIA 76ERS", "PHI"),
        ("2023-24", "Portland Trail Blazers", "POR"),
        ("2023-24", "The BOS", "BOS"),
        ("2023-24", "bos", "BOS"),
        ("2023-24", f"{BOS}", "BOS"),
    ],
)
def test_a_team_is_known_by_every_name_that_it_had(tmp_path, season, name, abbreviation):
    year = int(season[:4])
    log = team_log((f"002{year % 100:02d}00001", f"{year}-11-01", BOS, CLE))
    folder = write(tmp_path / "raw", **{f"team_logs_{season.replace('-', '_')}": log})
    put_totals(folder, (season, name, 30.5, 500))
    teams = league.league_teams("2023-24").set_index("abbreviation")["team_id"]
    assert totals_of(folder) == {(season, teams[abbreviation]): 30.5}


def test_every_franchise_has_a_full_name():
    names = league.franchise_names()
    assert set(names.values()) == league.known_team_ids()
    assert len(names) == 38


def test_seasons_without_game_logs_are_left_out_but_for_the_coming_one(folder):
    rows = season_rows("2022-23") + season_rows() + season_rows("2024-25")
    put_totals(folder, *rows, *season_rows("2025-26"))
    tables, report = read_raw(folder)
    assert set(tables.market_totals["season"]) == {"2023-24", "2024-25"}
    assert found(report, "without game logs").count == 60


# Order plays no part, nor how a file is written.


def test_the_order_of_rows_and_files_plays_no_part(tmp_path):
    def hashes(number, totals, lines):
        folder = write(tmp_path / f"raw_{number}", team_logs_2023_24=regular_games())
        put_totals(folder, *totals[:10], name=f"preseason_win_totals_{'ab'[number]}")
        put_totals(folder, *totals[10:], name=f"preseason_win_totals_{'ba'[number]}")
        put_lines(folder, *lines[:2])
        put_lines(folder, *lines[2:], name="Betting_Lines_more.csv")
        tables, report = read_raw(folder)
        assert not market_warnings(report)
        return frame_hash(tables.market_totals), frame_hash(tables.market_lines)

    totals = [
        (*row[:2], 30.0 + place, 200 + 100 * place) for place, row in enumerate(season_rows())
    ]
    lines = [
        line(),
        line(SECOND, "LAL", "DEN", 3.0, (130, -150), "2023-10-25"),
        line(THIRD, "CLE", "LAL", 1.0, (105, -125), "2023-10-27"),
    ]
    expected = hashes(0, totals, lines)
    order = np.random.default_rng(0).permutation(30)
    assert hashes(1, [totals[place] for place in order], lines[::-1]) == expected


@pytest.mark.parametrize("date", ["10/24/2023", "10/24/23", "Oct 24, 2023", "2023-10-24T00:00:00"])
@pytest.mark.parametrize(
    ("game", "home", "away"), [("22300001", "bos", " CLE"), (OPENER, str(BOS), f"{CLE}.0")]
)
def test_every_way_to_write_a_line_gives_the_same(folder, date, game, home, away):
    put_lines(
        folder, line(game, home, away, "-5", ("-200", "+170"), date), name="betting_lines.csv"
    )
    row = only_line(folder)
    assert (row["game_id"], row["home_team_id"], row["home_spread"]) == (OPENER, BOS, -5.0)
    assert row["home_win_prob"] == pytest.approx(0.6428571)


def test_market_files_are_part_of_the_manifest(folder, tmp_path):
    put_totals(folder, *season_rows())
    processed = tmp_path / "processed"
    ingest(folder, processed)
    assert is_stale(folder, processed) is None
    put_totals(folder, *season_rows(win_total=40.5))
    assert "preseason_win_totals.csv has changed" in is_stale(folder, processed)
    ingest(folder, processed)
    put_lines(folder, line())
    assert "betting_lines.parquet is new" in is_stale(folder, processed)


def test_a_file_of_another_name_is_not_read_and_said_to_be(folder):
    put_totals(folder, *season_rows(), name="futures")
    tables, report = read_raw(folder)
    assert tables.market_totals.empty
    assert found(report, "not read: bookmakers' figures").file == "market/futures.csv"


# Defects of win totals.


def test_missing_values_stay_unknown_and_take_the_title_odds_of_the_season_along(folder):
    rows = season_rows() + season_rows("2024-25")
    rows[3] = (*rows[3][:2], None, rows[3][3])
    rows[40] = (*rows[40][:3], None)
    put_totals(folder, *rows)
    tables, report = read_raw(folder)
    by_season = tables.market_totals.groupby("season")
    assert by_season["win_total"].count().tolist() == [29, 30]
    assert by_season["title_prob"].count().tolist() == [30, 0]
    assert [warning.count for warning in report.warnings if "lacks" in warning.what] == [30, 29]


def test_a_season_of_some_teams_keeps_its_win_totals_only(folder):
    put_totals(folder, *season_rows()[:12])
    tables, report = read_raw(folder)
    assert tables.market_totals["win_total"].notna().sum() == 12
    assert tables.market_totals["title_prob"].isna().all()
    counts = [warning.count for warning in report.warnings if "lacks those" in warning.what]
    assert counts == [12, 12]


def test_title_odds_that_are_none_are_left_out_and_counted(folder):
    rows = season_rows()
    rows[7] = (*rows[7][:3], 8)
    put_totals(folder, *rows)
    tables, report = read_raw(folder)
    assert tables.market_totals["title_prob"].isna().all()
    odd = found(report, "between -100 and 100")
    assert (odd.file, odd.count) == ("market/preseason_win_totals.csv", 1)
    assert odd.examples == ("row 8: TITLE_ODDS_AMERICAN 8",)


def test_equal_rows_are_removed_and_counted(folder):
    put_totals(folder, *season_rows(), *season_rows()[:2])
    put_totals(folder, ("2023-24", "Boston Celtics", 41, 2900), name="preseason_win_totals_more")
    put_lines(folder, line(), line())
    tables, report = read_raw(folder)
    assert (len(tables.market_totals), len(tables.market_lines)) == (30, 1)
    removed = [warning for warning in report.warnings if "duplicate" in warning.what]
    assert sorted(warning.count for warning in removed) == [1, 1, 2]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("2023", "BOS", 50, 400), "no season: row 2: SEASON 2023"),
        ((None, "BOS", 50, 400), "no season: row 2"),
        (("2023-24", None, 50, 400), "no team: row 2"),
        (("2023-24", "Boston Bruins", 50, 400), "unknown team: row 2: team Boston Bruins"),
        (("2023-24", "BOS", "many", 400), "WIN_TOTAL is no number: row 2: WIN_TOTAL many"),
        (("2023-24", "BOS", 82.5, 400), "impossible win total: row 2: SEASON 2023-24, WIN_TOTAL"),
        (("2023-24", "BOS", -1, 400), "impossible win total: row 2"),
        (("2023-24", "BOS", 50, "4/1"), "TITLE_ODDS_AMERICAN is no number: row 2"),
        (("2023-24", "CLE", 50, 400), "other figures of the same: row 1: season 2023-24, team CLE"),
    ],
)
def test_broken_win_totals_stop_the_ingest_with_file_and_row(folder, row, message):
    put_totals(folder, ("2023-24", "CLE", 40.0, 900), row)
    (error,) = errors_of(folder)
    assert message in str(error)
    assert error.file == "market/preseason_win_totals.csv"
    assert error.remedy


def test_a_team_of_another_season_is_an_error(tmp_path):
    log = team_log(("0020200001", "2002-10-29", BOS, CLE))
    folder = write(tmp_path / "raw", team_logs_2002_03=log)
    put_totals(folder, ("2002-03", "Charlotte Hornets", 30.5, 500))
    (error,) = errors_of(folder)
    assert "team of another season: row 1" in str(error)


# Defects of lines.


def test_a_line_the_other_way_round_is_turned_as_a_whole(folder):
    columns = [*LINES, "SCORE_HOME", "SCORE_AWAY"]
    turned = (*line(home="CLE", away="BOS", spread=7.0, odds=(240, -300)), 100, 102)
    put_lines(folder, turned, columns=columns)
    _, report = read_raw(folder)
    row = only_line(folder)
    assert (row["home_team_id"], row["away_team_id"], row["home_spread"]) == (BOS, CLE, -7.0)
    assert row["home_win_prob"] == pytest.approx(0.75 / (0.75 + 100 / 340))
    assert found(report, "other way round").count == 1
    assert len(market_warnings(report)) == 1


def test_lines_of_other_games_or_teams_are_left_out_and_counted(folder):
    put_lines(
        folder,
        line(),
        line("0022300099"),
        line(SECOND, "LAL", "CLE", date="2023-10-25"),
        line("0012300001"),
    )
    tables, report = read_raw(folder)
    assert tables.market_lines["game_id"].tolist() == [OPENER]
    assert found(report, "game that the game logs lack").count == 2
    other = found(report, "names other teams")
    assert other.examples == (f"row 3: game_id {SECOND}, home LAL, away CLE",)


def test_date_season_and_score_are_those_of_the_game_logs(folder):
    columns = [*LINES, "SEASON", "SCORE_HOME", "SCORE_AWAY"]
    put_lines(
        folder,
        (*line(date="2023-10-23"), "2022-23", 102, 101),
        (*line(SECOND, "LAL", "DEN", date="2023-10-25"), None, None, None),
        columns=columns,
    )
    tables, report = read_raw(folder)
    assert tables.market_lines["game_date"].iloc[0] == pd.Timestamp("2023-10-24")
    assert set(tables.market_lines["season"]) == {"2023-24"}
    for what in ("date", "season", "score"):
        assert found(report, f"{what} disagrees with the game logs").count == 1


@pytest.mark.parametrize(
    ("odds", "what"),
    [
        ((-300, 8), "MONEYLINE_AWAY between -100 and 100"),
        ((0, 170), "MONEYLINE_HOME between -100 and 100"),
        ((-225, -225), "moneylines left out"),
        ((250, 300), "moneylines left out"),
        ((None, 170), None),
    ],
)
def test_moneylines_that_cannot_be_leave_the_spread(folder, odds, what):
    put_lines(folder, line(odds=odds))
    _, report = read_raw(folder)
    row = only_line(folder)
    assert np.isnan(row["home_win_prob"])
    assert row["home_spread"] == -5
    assert len(market_warnings(report)) == (what is not None)
    assert what is None or found(report, what).count == 1


@pytest.mark.parametrize(("spread", "what"), [(None, None), (203.5, "more than 40 points")])
def test_spreads_that_cannot_be_leave_the_moneylines(folder, spread, what):
    put_lines(folder, line(spread=spread))
    _, report = read_raw(folder)
    row = only_line(folder)
    assert np.isnan(row["home_spread"])
    assert row["home_win_prob"] > 0.6
    assert len(market_warnings(report)) == (what is not None)
    assert what is None or found(report, what).count == 1


def test_a_line_without_any_figure_is_left_out(folder):
    put_lines(folder, line(), line(SECOND, "LAL", "DEN", None, (None, None), "2023-10-25"))
    _, report = read_raw(folder)
    assert only_line(folder)["game_id"] == OPENER
    assert found(report, "neither spread nor moneylines").count == 1


def test_a_line_that_contradicts_itself_is_kept_and_counted(folder):
    put_lines(
        folder,
        line(spread=5.0),
        line(SECOND, "LAL", "DEN", 0.0, date="2023-10-25"),
        line(THIRD, "CLE", "LAL", 3.0, (-110, -110), "2023-10-27"),
    )
    tables, report = read_raw(folder)
    assert len(tables.market_lines) == 3
    against = found(report, "favour different teams")
    assert against.count == 1
    assert against.examples[0].startswith(f"row 1: game_id {OPENER}, home_spread 5.0")


def test_a_file_with_the_opposite_sign_of_spreads_is_refused(tmp_path):
    games = [(f"00223000{number:02d}", f"2023-11-{number:02d}", BOS, CLE) for number in range(1, 9)]
    folder = write(tmp_path / "raw", team_logs_2023_24=team_log(*games))
    rows = [line(game, spread=5.0, date=date) for game, date, *_ in games]
    put_lines(folder, *rows)
    (error,) = errors_of(folder)
    assert "most spreads contradict their moneylines" in str(error)
    assert "negative where the home team is the favourite" in error.remedy
    put_lines(folder, *rows[:3], *(line(game, date=date) for game, date, *_ in games[3:]))
    _, report = read_raw(folder)
    assert found(report, "favour different teams").count == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (line(None), "no game id: row 2"),
        (line("opener"), "no game id: row 2: GAME_ID opener"),
        (line(SECOND, date="soon"), "no date: row 2: DATE soon"),
        (line(SECOND, None, "DEN"), "no team: row 2"),
        (line(SECOND, "LAL", "XYZ"), "unknown team: row 2: team XYZ"),
        (line(SECOND, "LAL", "DEN", "pick"), "HOME_SPREAD is no number: row 2: HOME_SPREAD pick"),
        (line(SECOND, "LAL", "DEN", odds=("-150x", 120)), "MONEYLINE_HOME is no number: row 2"),
        (line(spread=-4.0), f"other figures of the same: row 1: game_id {OPENER}"),
    ],
)
def test_broken_lines_stop_the_ingest_with_file_and_row(folder, row, message):
    put_lines(folder, line(), row, name="betting_lines.csv")
    (error,) = errors_of(folder)
    assert message in str(error)
    assert error.file == "market/betting_lines.csv"
    assert error.remedy


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("betting_lines.parquet", b"", "cannot be read"),
        ("betting_lines.csv", b"GAME_ID,DATE\n", "lacks the columns HOME, AWAY, HOME_SPREAD"),
        ("preseason_win_totals.csv", b"SEASON,TEAM_NAME,WIN_TOTAL\n", "lacks the columns TITLE"),
        ("preseason_win_totals.csv", b"SEASON,Season\n", "repeats the columns SEASON"),
    ],
)
def test_a_file_of_another_form_is_an_error(folder, name, content, message):
    (folder / "market").mkdir()
    (folder / "market" / name).write_bytes(content)
    errors = errors_of(folder)
    assert any(message in str(error) for error in errors)
    assert {error.file for error in errors} == {f"market/{name}"}
    assert all(error.remedy for error in errors)


# The real figures.


@pytest.mark.real
def test_real_win_totals(real_ingest):
    totals = real_ingest.tables.market_totals
    by_season = totals.groupby("season")
    assert len(by_season) == 12
    assert "2011-12" not in by_season.groups
    assert (by_season.size() == 30).all()
    np.testing.assert_allclose(by_season["title_prob"].sum(), 1, rtol=1e-12)
    # The totals of a season add up to about half of its games by thirty teams.
    assert by_season["win_total"].sum().between(1220, 1260).all()
    records = real_ingest.tables.team_games
    regular = records[records["kind"] == "regular"].groupby(["season", "team_id"])["won"].sum()
    wins = totals.set_index(["season", "team_id"])["win_total"].to_frame().join(regular)
    assert wins.corr().iloc[0, 1] > 0.7


@pytest.mark.real
def test_real_lines(real_ingest):
    tables, report = real_ingest.tables, real_ingest.report
    lines = tables.market_lines
    assert len(lines) == 12_830
    assert lines["season"].nunique() == 10
    assert lines["home_spread"].isna().sum() == 3
    # One moneyline of 8 and seven games with the same odds on both sides.
    assert lines["home_win_prob"].isna().sum() == 8
    assert found(report, "moneylines left out").count == 7
    assert found(report, "MONEYLINE_AWAY between").count == 1
    assert found(report, "score disagrees").count == 7
    assert found(report, "favour different teams").count == 19
    assert len(market_warnings(report)) == 4
    games = tables.games.set_index("game_id").loc[lines["game_id"]].reset_index()
    margin = games["home_points"] - games["away_points"]
    # Negative spreads go with home wins.
    assert np.corrcoef(margin[lines["home_spread"].notna()], lines["home_spread"].dropna())[
        0, 1
    ] == pytest.approx(-0.45, abs=0.03)
