import pandas as pd
import pytest

from nba_rank.explain.names import PLACES, RESULTS, WINS
from nba_rank.report.explained import Told
from nba_rank.report.explanation import _movement

SINCE = "2024-01-08"


def moved(places: float, wins: float) -> str:
    """What is said of a team that has moved by new results alone."""
    rows = [("rank", "", "", 5.0, 5.0), (PLACES, SINCE, RESULTS, places, places),
            (WINS, SINCE, RESULTS, wins, wins)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["level", "compared_with", "part", "value", "whole"])
    table = table.assign(team="BOS", player="", player_id=0)
    told = Told(pd.Timestamp("2024-01-15"), "", "", SINCE, "", "", "")
    [text] = _movement(table, told)["text"]
    return text


@pytest.mark.parametrize(
    ("places", "wins", "expected"),
    [
        (2.0, 1.25, f"+2 places since {SINCE}: +2.0 by new results; +1.2 wins"),
        (2.0, 0.0, f"+2 places since {SINCE}: +2.0 by new results"),
        (0.0, -0.75, f"the same place since {SINCE}, -0.8 wins: -0.8 by new results"),
        (0.0, 0.0, f"the same place since {SINCE}"),
    ],
)
def test_wins_are_said_only_where_some_have_come(places, wins, expected):
    assert moved(places, wins) == expected
