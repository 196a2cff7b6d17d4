from io import StringIO

import pandas as pd
import pytest
from rich.console import Console

from nba_rank.report.forecast_console import _print, _print_series, _print_standings
from nba_rank.report.labels import ABSENT

TEAMS = ["BOS", "DAL", "OKC", "WAS"]
REACHED = {0: 1, 1: 4}
"""What `ranking` has reached: OKC the playoffs, BOS the Finals."""


@pytest.fixture
def ranking():
    """Four teams in the last round, and their records: the best by score is out."""
    table = pd.DataFrame(
        {
            "team_id": range(4),
            "team": ["OKC", "BOS", "DAL", "WAS"],
            "conference": ["West", "East", "West", "East"],
            "conference_rank": [1, 1, 2, 2],
            "rank": [1, 2, 3, 4],
            "score": [2.5, -0.012, -0.345, -1.5],
            "expected_wins": 50.0, "wins_low": 50.0, "wins_high": 50.0,
            "playoff_prob": [1.0, 1.0, 1.0, 0.0],
            "title_prob": [0.0, 0.6, 0.4, 0.0],
            "top_players": [[{"player": "Shai Gilgeous-Alexander"}, {"player": "N Jokić"}]] * 4,
        }
    )  # fmt: skip
    states = ["out", "in", "in", "out"]
    records = [
        {"team_id": team, "wins": 57 - team, "losses": 25 + team, "state": state}
        for team, state in enumerate(states)
    ]
    return table, pd.DataFrame(records)


def printed(ranking, width, **kind):
    console = Console(file=StringIO(), width=width, **kind)
    _print(*ranking, REACHED, "Strength on a morning", console, {})
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_teams_that_are_out_come_last_with_their_rank_and_record(ranking):
    lines = printed(ranking, 200)
    rows = [line.split() for line in lines if line[1:4] in TEAMS]
    assert [row[:3] for row in rows] == [
        ["BOS", "2", "56-26"], ["DAL", "3", "55-27"], ["OKC", "1", "57-25"], ["WAS", "4", "54-28"],
    ]  # fmt: skip
    assert ["out" in row for row in rows] == [False, False, True, True]


def test_only_what_is_decided_is_certain(ranking):
    ranking[0].loc[1, "title_prob"] = 1.0
    lines = [line.split() for line in printed(ranking, 200)]
    chances = {line[0]: [one for one in line if "%" in one] for line in lines if line}
    assert {team: chances[team] for team in TEAMS} == {
        "BOS": ["100.0%", ">99.9%"], "DAL": [">99.9%", "40.0%"], "OKC": ["100.0%", "0.0%"],
        "WAS": ["0.0%", "0.0%"],
    }  # fmt: skip


@pytest.mark.parametrize(("width", "terminal"), [(80, False), (40, False), (80, True), (40, True)])
def test_no_width_cuts_a_number_and_a_pipe_shows_everything(ranking, width, terminal):
    text = "\n".join(printed(ranking, width, force_terminal=terminal, color_system=None))
    assert "…" not in text
    for number in ("-0.012", "-0.345", "50.0 (50-50)", "60.0%", "57-25"):
        assert number in text
    assert ("Gilgeous-Alexander, Jokić" in text) == (not terminal)


def test_names_from_raw_files_are_printed_as_they_are(ranking):
    names = ["Joe [/red]", "<script>", "=cmd()", "A | B", "Two\nlines", "Esc \x1b[31mred"]
    table, _ = ranking
    table["team"] = ["[b]X", *TEAMS[1:]]
    table["top_players"] = [[{"player": f"Al {name}"} for name in names]] * 4
    text = "\n".join(printed(ranking, 300))
    for shown in ("[b]X", "[/red], <script>, =cmd(), A | B, Two lines, Esc \ufffd[31mred"):
        assert shown in text
    assert "\x1b" not in text


def test_series_show_score_venue_and_lengths():
    rows = {
        "round": [0, 1, 4], "host": ["ATL", "BOS", "OKC"], "guest": ["CHI", "MIA", "IND"],
        "host_seed": [9, 1, 1], "guest_seed": [10, 8, 4], "host_wins": [0, 1, 2],
        "guest_wins": [0, 2, 3], "host_win_prob": [0.6, 0.9999, 0.4],
        "next_home": ["ATL", None, "IND"], "host_next_win_prob": [0.6, 0.5, 0.45],
        "length_5_prob": [None, 0.004, 0.0], "length_7_prob": [None, 0.4, 0.5],
    }  # fmt: skip
    console = Console(file=StringIO(), width=200)
    _print_series(pd.DataFrame(rows), console)
    *_, play_in, first, finals = [
        line.split() for line in console.file.getvalue().splitlines() if line.strip()
    ]
    assert play_in == [
        "play-in",
        "9",
        "ATL",
        "0-0",
        "10",
        "CHI",
        "60.0%",
        "ATL",
        "60.0%",
        ABSENT,
        ABSENT,
    ]
    assert first == ["1", "1", "BOS", "1-2", "8", "MIA", ">99.9%", "neutral", "50.0%", "<1%",
                     "40%"]  # fmt: skip
    assert finals[:6] == ["Finals", "1", "OKC", "2-3", "4", "IND"]


def standings(**columns):
    """Three teams of the East, the third in the lottery."""
    flags = ("clinched_first_seed", "clinched_playoffs", "clinched_play_in", "eliminated")
    table = pd.DataFrame(
        {
            "conference": "East",
            "seed": [1, 2, 3],
            "team": ["BOS", "MIL", "DET"],
            "wins": [50, 40, 10], "losses": [10, 20, 50],
            "games_behind": [0.0, 10.0, 40.0],
            "point_diff": [500, 20, -400],
            "tie_break": ["", "head-to-head", ""],
            "stage": ["first round", "play-in", "lottery"],
            "opponent": ["MIL", "BOS", ""],
            "hosts": [True, False, False],
            "first_pick_prob": [float("nan"), float("nan"), 0.14],
            "expected_pick": [float("nan"), float("nan"), 3.66],
            "games_left": 3, "home_games_left": 1,
            "opponents_strength": [-1.25, 0.0, 2.5],
            "best_seed": pd.array([1, 2, 3], "Int64"), "worst_seed": pd.array([1, 8, 3], "Int64"),
            **dict.fromkeys(flags, False),
        }
    )  # fmt: skip
    table.loc[0, ["clinched_first_seed", "clinched_playoffs", "clinched_play_in"]] = True
    table.loc[1, "clinched_play_in"] = True
    table.loc[2, "eliminated"] = True
    console = Console(file=StringIO(), width=200)
    _print_standings(table.assign(**columns), console)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_standings_say_what_would_follow_and_what_is_open():
    lines = standings()
    assert lines[0] == "East, if the season ended today"
    assert "1 BOS z 50-10 0.0 +500 v MIL 3 (1) -1.2 1" in lines
    assert "2 MIL p 40-20 10.0 +20 play-in at BOS 3 (1) +0.0 2-8 head-to-head" in lines
    assert "3 DET o 10-50 40.0 -400 lottery 14.0% 3.7 3 (1) +2.5 3" in lines
    assert not any("No game has been played" in line for line in lines)


def test_standings_after_the_last_game_and_before_the_first():
    lines = standings(games_left=0)
    assert lines[0] == "East, final standings"
    assert "1 BOS z 50-10 0.0 +500 v MIL" in lines
    assert f"1 BOS z 50-10 0.0 +500 v MIL 0 (0) {ABSENT} 1" in standings(
        games_left=[0, 3, 3], home_games_left=0, opponents_strength=[None, 0.0, 2.5]
    )
    unknown = pd.array([pd.NA] * 3, "Int64")
    assert "1 BOS z 50-10 0.0 +500 v MIL 3 (1) -1.2" in standings(best_seed=unknown)
    assert any("No game has been played" in line for line in standings(wins=0, losses=0))
