import re

import numpy as np
import pandas as pd
import pytest
from raw_issues import check_broken, check_warnings, errors_of
from raw_logs import BOS, CLE, LAL, put_rows, team_log, write

from nba_rank.data import league
from nba_rank.data.ingest import read_raw
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.market import _check_spreads, implied_prob
from nba_rank.data.raw.market import _odds, normalise_lines

TOTALS = ["SEASON", "TEAM_NAME", "WIN_TOTAL", "TITLE_ODDS_AMERICAN"]
LINES = ["GAME_ID", "DATE", "HOME", "AWAY", "HOME_SPREAD", "MONEYLINE_HOME", "MONEYLINE_AWAY"]
OPENER, SECOND, THIRD = (f"002230000{number}" for number in (1, 2, 3))


def put_totals(folder, *rows, name="preseason_win_totals"):
    put_rows(folder, f"market/{name}.csv", TOTALS, rows)


def put_lines(folder, *rows, name="betting_lines.parquet", columns=LINES):
    put_rows(folder, f"market/{name}", columns, rows)


def season_rows(season="2023-24"):
    """A row a team of a season, all alike."""
    return [(season, team, 41.0, 2900) for team in league.league_teams(season)["abbreviation"]]


def line(game=OPENER, home="BOS", away="CLE", spread=-5.0, odds=(-200, 170), date="2023-10-24"):
    return (game, date, home, away, spread, *odds)


def second(spread=-5.0, odds=(-200, 170)):
    return line(SECOND, "LAL", "DEN", spread, odds, "2023-10-25")


def test_american_odds_are_probabilities_with_a_margin():
    odds = pd.Series([100.0, -100.0, 300.0, -300.0, 150.0, -13_000.0, np.nan])
    expected = [0.5, 0.5, 0.25, 0.75, 0.4, 130 / 131, np.nan]
    np.testing.assert_allclose(implied_prob(odds), expected, rtol=1e-12)


def test_win_totals_and_title_odds_by_hand(folder):
    put_totals(folder, ("2023-24", "ATL", 50.5, "-150"), *season_rows()[1:])
    tables, report = read_raw(folder)
    table = tables.market_totals.set_index("team_id")
    # Implied: 0.6 for Atlanta and 1/30 for each of the 29 others.
    total = 0.6 + 29 / 30
    assert table.loc[1610612737, "win_total"] == 50.5
    assert table.loc[1610612737, "title_prob"] == pytest.approx(0.6 / total)
    assert table.loc[BOS, "title_prob"] == pytest.approx(1 / 30 / total)
    check_warnings(report, "market/", {})


def test_lines_by_hand(folder):
    put_lines(
        folder,
        line(spread=-5.5, odds=(-300, 240)),
        line(spread=-5.5, odds=(-300, 240)),
        second(-0.0, (-110, -110)),
        line("42300401.0", "bos", " the  lal", "2.5", ("+130", "-150"), "2024-06-06"),
        name="betting_lines.csv",
    )
    tables, report = read_raw(folder)
    lines = tables.market_lines.set_index("game_id")
    assert lines.loc[OPENER].drop("home_win_prob").tolist() == [
        "2023-24", pd.Timestamp("2023-10-24"), BOS, CLE, -5.5,
    ]  # fmt: skip
    implied = (300 / 400, 100 / 340)
    assert lines.loc[OPENER, "home_win_prob"] == pytest.approx(implied[0] / sum(implied))
    assert lines.loc[SECOND, "home_win_prob"] == 0.5
    assert not np.signbit(lines.loc[SECOND, "home_spread"])
    assert lines.loc["0042300401", ["away_team_id", "home_spread"]].tolist() == [LAL, 2.5]
    assert lines.loc["0042300401", "home_win_prob"] < 0.5
    check_warnings(report, "market/", {"duplicate rows removed": (1, "row 2:")})


def test_seasons_without_game_logs_are_dropped_except_the_coming_one(folder):
    rows = season_rows("2022-23") + season_rows() + season_rows("2024-25")
    put_totals(folder, *rows, *season_rows("2025-26"))
    tables, report = read_raw(folder)
    assert set(tables.market_totals["season"]) == {"2023-24", "2024-25"}
    check_warnings(report, "market/", {"without game logs": 60})


def test_missing_win_totals_and_odds_are_unknown_and_so_are_title_odds_of_their_season(folder):
    rows = season_rows() + season_rows("2024-25")
    rows[3] = (*rows[3][:2], None, rows[3][3])
    rows[37] = (*rows[37][:3], 8)
    put_totals(folder, *rows[:-5])
    tables, report = read_raw(folder)
    by_season = tables.market_totals.groupby("season")
    assert by_season["win_total"].count().tolist() == [29, 25]
    assert by_season["title_prob"].count().tolist() == [30, 0]
    expected = {
        "win totals of a season that lacks those": 55,
        "title odds left out": 24,
        "between -100 and 100": (1, "row 38: TITLE_ODDS_AMERICAN 8"),
    }
    check_warnings(report, "market/preseason_win_totals.csv", expected)


def test_broken_win_totals_are_errors_with_file_and_row(folder):
    rows = [
        (("2023", "BOS", 50, 400), "no season: row 1: SEASON 2023; row 2"),
        ((None, "BOS", 50, 400), None),
        (("2023-24", None, 50, 400), "no team: row 3"),
        (("2023-24", "BOS", "many", 400), "WIN_TOTAL is no number: row 4: WIN_TOTAL many"),
        (("2023-24", "BOS", 82.5, 400), "impossible win total: row 5: .* WIN_TOTAL 82.5; row 6"),
        (("2023-24", "BOS", -1, 400), None),
        (("2023-24", "BOS", 50, "four"), "TITLE_ODDS_AMERICAN is no number: row 7"),
    ]
    check_broken(folder, "market/preseason_win_totals.csv", TOTALS, rows)


def test_a_swapped_line_is_turned_as_a_whole(folder):
    columns = [*LINES, "SCORE_HOME", "SCORE_AWAY"]
    turned = (*line(home="CLE", away="BOS", spread=7.0, odds=(240, -300)), 100, 102)
    put_lines(folder, turned, columns=columns)
    tables, report = read_raw(folder)
    (row,) = tables.market_lines.itertuples()
    assert (row.home_team_id, row.away_team_id, row.home_spread) == (BOS, CLE, -7.0)
    assert row.home_win_prob == pytest.approx(0.75 / (0.75 + 100 / 340))
    check_warnings(report, "market/", {"other way round": 1})


def test_lines_of_other_games_or_teams_and_without_figures_are_dropped_and_counted(folder):
    put_lines(
        folder,
        line(),
        line("0022300099"),
        line(SECOND, "LAL", "CLE", date="2023-10-25"),
        line("0012300001"),
        line(THIRD, "CLE", "LAL", None, (None, None), "2023-10-27"),
    )
    tables, report = read_raw(folder)
    assert tables.market_lines["game_id"].tolist() == [OPENER]
    expected = {
        "game that the game logs lack": 2,
        "names other teams": (1, f"row 3: game_id {SECOND}, home LAL, away CLE"),
        "neither spread nor moneylines": 1,
    }
    check_warnings(report, "market/", expected)


def test_date_season_and_score_are_those_of_the_game_logs(folder):
    columns = [*LINES, "SEASON", "SCORE_HOME", "SCORE_AWAY"]
    put_lines(
        folder,
        (*line(date="2023-10-23"), "2022-23", 102, 101),
        (*second(), None, None, None),
        columns=columns,
    )
    tables, report = read_raw(folder)
    assert tables.market_lines["game_date"].iloc[0] == pd.Timestamp("2023-10-24")
    assert set(tables.market_lines["season"]) == {"2023-24"}
    expected = {f"{what} disagrees with the game logs": 1 for what in ("date", "season", "score")}
    check_warnings(report, "market/", expected)


@pytest.fixture
def eight_games(tmp_path):
    """A raw folder with eight games, and their ids and dates."""
    games = [(f"002230000{n}", f"2023-11-0{n}", BOS, CLE) for n in range(1, 9)]
    folder = write(tmp_path / "raw", team_logs_2023_24=team_log(*games))
    return folder, [game[:2] for game in games]


def put_figures(games, figures):
    """Write lines with figures (spread, (moneyline of home, of away)) for eight games."""
    folder, ids = games
    rows = [
        line(game, spread=spread, odds=odds, date=date)
        for (game, date), (spread, odds) in zip(ids, figures, strict=True)
    ]
    put_lines(folder, *rows)
    return folder


def test_impossible_moneylines_and_spreads_leave_out_only_themselves(eight_games):
    figures = [
        (-5.0, (-300, 8)), (-5.0, (0, 170)), (-5.0, (-225, -225)), (-5.0, (250, 300)),
        (-5.0, (None, 170)), (None, (-200, 170)), (203.5, (-200, 170)), (-5.0, (-200, 170)),
    ]  # fmt: skip
    tables, report = read_raw(put_figures(eight_games, figures))
    assert tables.market_lines["home_win_prob"].isna().tolist() == [True] * 5 + [False] * 3
    assert tables.market_lines["home_spread"].isna().tolist() == [False] * 5 + [True] * 2 + [False]
    expected = {
        "MONEYLINE_AWAY between -100 and 100": 1,
        "MONEYLINE_HOME between -100 and 100": 1,
        "moneylines left out": 2,
        "more than 40 points": 1,
    }
    check_warnings(report, "market/", expected)


def test_contradictory_lines_are_kept_and_counted_but_a_file_of_them_is_refused(eight_games):
    against, sound = (5.0, (-200, 170)), (-5.0, (-200, 170))
    (error,) = errors_of(put_figures(eight_games, [against] * 5 + [sound] * 3))
    assert "5 of 8 spreads contradict their moneylines, such as row 1" in str(error)
    assert "negative where the home team is the favourite" in error.remedy
    even = [(0.0, (-200, 170)), (3.0, (-110, -110))]
    tables, report = read_raw(put_figures(eight_games, [against] * 4 + even + [sound] * 2))
    assert len(tables.market_lines) == 8
    example = f"row 1: game_id {OPENER}, home_spread 5.0"
    check_warnings(report, "market/", {"favour different teams": (4, example)})


def test_broken_lines_are_errors_with_file_and_row(folder):
    file = "market/betting_lines.csv"
    rows = [
        (line(None), "no game id: row 1: GAME_ID nan; row 2: GAME_ID opener"),
        (line("opener"), None),
        (line(SECOND, date="soon"), "no date .not understood.: row 3"),
        (line(SECOND, None, "DEN"), "no team: row 4"),
        (line(SECOND, "LAL", "DEN", "much"), "HOME_SPREAD is no number: row 5: HOME_SPREAD much"),
        (line(SECOND, "LAL", "DEN", odds=("-150x", 120)), "MONEYLINE_HOME is no number: row 6"),
    ]
    check_broken(folder, file, LINES, rows)
    rows = [
        (line(), f"other figures of the same: row 1: game_id {OPENER}, .*; row 3"),
        (line(SECOND, "LAL", "XYZ"), "unknown team: row 2: team XYZ"),
        (line(spread=-4.0), None),
    ]
    check_broken(folder, file, LINES, rows)


@pytest.fixture
def lines_of_games():
    """Spreads of forty games, right within 12 points."""
    rng = np.random.default_rng(3)
    expected = rng.normal(3, 6, 40).round()
    margin = (expected + rng.normal(0, 12, 40)).round()
    points = {"home_points": 110 + margin, "away_points": 110.0}
    return pd.DataFrame({"file": "lines.csv", "home_spread": -expected, **points})


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda lines: -lines["home_spread"], "spreads favour the losers"),
        (lambda lines: -4.5, "all 40 spreads are -4.5"),
        (lambda lines: lines["away_points"] - lines["home_points"] + 1.0, "know the results"),
        (lambda lines: lines["home_spread"], None),
    ],
)
def test_spreads_that_cannot_be_forecasts_are_refused(lines_of_games, edit, told):
    issues = IngestIssues()
    _check_spreads(lines_of_games.assign(home_spread=edit(lines_of_games)), issues)
    assert len(issues.errors) == (told is not None)
    assert all(re.search(told, error.what) and error.remedy for error in issues.errors)


def test_figures_as_bookmakers_write_them(folder):
    figures = [
        ("pk", "EVEN", "-110"),
        ("NL", "NL", "NL"),
        ("+1\N{VULGAR FRACTION ONE HALF}", "+120", "-140"),
    ]
    raw = pd.DataFrame(figures, columns=["HOME_SPREAD", "MONEYLINE_HOME", "MONEYLINE_AWAY"])
    raw = raw.assign(
        GAME_ID=["0022300001", "0022300002", "0022300003"], HOME="BOS", AWAY="CLE",
        DATE="2023-10-24", file="x", row=[1, 2, 3],
    )  # fmt: skip
    issues = IngestIssues()
    rows = normalise_lines(None, raw, issues)
    assert not issues.errors
    np.testing.assert_array_equal(rows["home_spread"], [0.0, np.nan, 1.5])
    np.testing.assert_array_equal(rows["home_odds"], [100, np.nan, 120])
    decimal = raw.assign(HOME_SPREAD=1, MONEYLINE_HOME=["2.5", "1.5", None], MONEYLINE_AWAY="1.8")
    rows = normalise_lines(None, decimal, issues)
    np.testing.assert_allclose(rows["home_odds"], [150, -200, np.nan])
    np.testing.assert_allclose(rows["away_odds"], -125)
    assert any("decimal odds" in warning.what for warning in issues.warnings)


@pytest.mark.real
def test_real_win_totals_and_lines_go_with_results(real_ingest):
    tables = real_ingest.tables
    totals = tables.market_totals.set_index(["season", "team_id"])
    by_season = totals.groupby("season")
    assert len(by_season) == 12
    assert (by_season.size() == 30).all()
    np.testing.assert_allclose(by_season["title_prob"].sum(), 1, rtol=1e-12)
    # The totals of a season add up to about half of its games by thirty teams.
    assert by_season["win_total"].sum().between(1220, 1260).all()
    regular = tables.team_games[tables.team_games["kind"] == "regular"]
    wins = regular.groupby(["season", "team_id"])["won"].sum()
    assert totals["win_total"].corr(wins[totals.index]) > 0.7

    lines = tables.market_lines
    assert len(lines) == 12_830
    assert lines[["home_spread", "home_win_prob"]].isna().sum().tolist() == [3, 8]
    expected = {"moneylines left out": 7, "AWAY between": 1, "score": 7, "favour different": 19}
    check_warnings(real_ingest.report, "market/", expected)
    games = tables.games.set_index("game_id").loc[lines["game_id"]].reset_index()
    margin = games["home_points"] - games["away_points"]
    assert margin.corr(lines["home_spread"]) == pytest.approx(-0.45, abs=0.03)


@pytest.mark.parametrize(
    ("written", "expected", "counted"),
    [
        ([-200] * 5 + [1.5] * 5, [-200.0] * 10, 5),
        (["1.50"] * 9 + ["101"], [-200.0] * 9 + [10000], 10),
        ([-200] * 99 + [8], [-200.0] * 99 + [np.nan], 0),
    ],
)
def test_decimal_odds_among_others_are_converted_and_counted(written, expected, counted):
    issues, frame = IngestIssues(), pd.DataFrame({"X": written, "file": "a"})
    odds = _odds(frame.assign(row=1), "X", issues)
    np.testing.assert_allclose(odds, expected)
    assert sum(one.count for one in issues.warnings if "decimal" in one.what) == counted


@pytest.mark.parametrize(
    ("altered", "told"),
    [
        (lambda spread, rng: spread, None),
        (lambda spread, rng: rng.permutation(spread), "tell nothing of the results"),
        (lambda spread, rng: spread * rng.choice([-1, 1], len(spread)), "tell nothing of the"),
        (lambda spread, rng: -spread, "favour the losers"),
    ],
)
def test_spreads_have_to_forecast(altered, told):
    rng, issues = np.random.default_rng(0), IngestIssues()
    expected = rng.normal(2, 6.5, 600)
    margin = (expected + rng.normal(0, 12.5, 600)).round()
    lines = pd.DataFrame({"home_spread": altered(-expected, rng), "home_points": 100 + margin})
    _check_spreads(lines.assign(away_points=100, file="a", row=1), issues)
    assert [told in error.what for error in issues.errors] == ([True] if told else [])


@pytest.mark.parametrize("wins", [0.5, 48.0])
def test_win_totals_that_are_not_those_of_all_games_are_refused(folder, wins):
    put_totals(folder, *((*row[:2], wins, row[3]) for row in season_rows()))
    (error,) = errors_of(folder)
    assert f"win totals of 2023-24 add up to {30 * wins:g} for 30 teams" in str(error)


def test_totals_of_both_scores_are_no_spreads(folder):
    put_lines(folder, line(spread=221.5), second(spread=215.0))
    (error,) = errors_of(folder)
    assert "a spread of more than 40 points: row 1" in str(error)
