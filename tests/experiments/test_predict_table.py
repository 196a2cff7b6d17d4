import io

import pandas as pd
import pytest
from rich.console import Console

from nba_rank.experiments.predict import DECIDED, _print

NAMES = ["Joe [/red]", "<script>", "=cmd()", "A | B", "Two\nlines", "Esc \x1b[31mred"]


@pytest.fixture
def ranking() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "team_id": [1], "rank": [1], "team": ["[b]X"], "conference": ["East"],
            "conference_rank": [1], "score": [-0.0123],
            "top_players": [[{"player": f"Al {name}"} for name in NAMES]],
        }
    )  # fmt: skip
    table.attrs[DECIDED] = [{"team_id": 1, "wins": 7, "losses": 3, "state": "in"}]
    return table


def test_names_from_raw_files_are_printed_as_they_are(ranking):
    console = Console(file=io.StringIO(), width=200)
    _print(ranking, "Strength", console)
    printed = console.file.getvalue()
    for text in ("[b]X", "[/red], <script>, =cmd(), A | B, Two lines, Esc \ufffd[31mred", "7-3"):
        assert text in printed
    assert "\x1b" not in printed


def test_a_pipe_gets_whole_numbers_however_narrow(ranking):
    console = Console(file=io.StringIO(), width=20)
    _print(ranking, "Strength", console)
    assert "-0.012" in console.file.getvalue()
