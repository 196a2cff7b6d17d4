import numpy as np
import pandas as pd

from nba_rank.report.text import by_sign, excludes_zero, intervals, labels_of, markdown_table

WORDS = {1: "up", 0: "flat", -1: "down"}


def at_points(*values):
    return pd.Series(values, index=["open", "0.25", "end"][: len(values)])


def test_markdown_table_escapes_bars():
    table = markdown_table(pd.DataFrame({"name": ["a|b"], "value": [1]}))
    assert table == "| name | value |\n| --- | ---: |\n| a\\|b | 1 |"


def test_signs_are_those_of_what_is_printed():
    assert by_sign(at_points(0.0006, -0.0004, -0.2), WORDS) == (
        "up at opening; flat at 25%; down at end"
    )
    assert by_sign(at_points(0.1, 0.2), WORDS) == "up at every point of the season"
    assert by_sign(at_points(np.nan, 0.2), WORDS) == "up at 25%"


def test_intervals_that_exclude_zero():
    low, high = at_points(0.1, -0.1, -0.2), at_points(0.2, 0.1, -0.1)
    said = excludes_zero(low, high, "gap", "wide", "narrow")
    assert said == (
        "The 95% interval of the gap excludes zero where it is wide at opening; narrow at end."
    )
    said = excludes_zero(-high.abs(), high.abs(), "gap", "wide", "narrow")
    assert said == "At no point does the 95% interval of the gap exclude zero."
    none = at_points(np.nan, np.nan, np.nan)
    assert "With fewer than 3 seasons" in excludes_zero(none, none, "gap", "wide", "narrow")


def test_an_interval_with_an_unknown_bound_is_none():
    bounds = intervals(at_points(0.1, np.nan), at_points(0.2, 0.3))
    assert bounds == ["+0.100 to +0.200", "–"]  # noqa: RUF001


def test_a_ranker_of_fewer_seasons_says_so():
    rows = pd.DataFrame(
        {"ranker": ["stack", "market", "stack", "market"], "n_seasons": [4, 3, 4, 3]}
    )
    assert labels_of(rows) == {"stack": "stack", "market": "bookmakers (3 of 4 seasons)"}
