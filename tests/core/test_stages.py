from io import StringIO

from rich.console import Console

from nba_rank.core.stages import Stages


def shown(seconds: dict[str, float]) -> str:
    text = StringIO()
    Stages(Console(file=text, width=80), show=False).groups(seconds)
    return text.getvalue()


def test_groups_are_printed_with_their_share_of_the_time_the_longest_first():
    text = shown({"record": 0.25, "elo": 0.75})
    assert [line.split() for line in text.splitlines()] == [
        ["elo", "0.75", "s", "75%"],
        ["record", "0.25", "s", "25%"],
    ]
