from io import StringIO

from rich.console import Console

from nba_rank.core.stages import Stages


def test_groups_are_printed_with_their_share_of_the_time_longest_first():
    text = StringIO()
    Stages(Console(file=text, width=80), show=False).groups({"record": 0.25, "elo": 0.75})
    assert [line.split() for line in text.getvalue().splitlines()] == [
        ["elo", "0.75", "s", "75%"],
        ["record", "0.25", "s", "25%"],
    ]
