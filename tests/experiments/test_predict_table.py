import io

import pandas as pd
from rich.console import Console

from nba_rank.experiments.predict import _rich_table


def test_names_from_raw_files_are_printed_as_they_are():
    names = ["Joe [/red]", "<script>", "=cmd()", "A | B", "Two\nlines", "Esc \x1b[31mred"]
    table = pd.DataFrame(
        {
            "rank": [1], "team": ["[b]X"], "conference": ["East"], "conference_rank": [1],
            "score": [-0.0123], "top_players": [[{"player": f"Al {name}"} for name in names]],
        }
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=200)
    console.print(_rich_table(table, "Strength"))
    printed = console.file.getvalue()
    for text in ("[b]X", "[/red], <script>, =cmd(), A | B, Two lines, Esc \ufffd[31mred"):
        assert text in printed
    assert "\x1b" not in printed
