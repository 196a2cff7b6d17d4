import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.report import format as fmt


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (fmt.number(-0.0004), "0.000"),
        (fmt.number(-0.0004, "+.3f"), "+0.000"),
        (fmt.number(-0.0005, "+.4f"), "-0.0005"),
        (fmt.number(np.nan), fmt.ABSENT),
        (fmt.number(-0.0001, ".0%"), "0%"),
        (fmt.chance(0.004), "<1%"),
        (fmt.chance(0.996), ">99%"),
        (fmt.chance(0.0004, 1), "<0.1%"),
        (fmt.chance(0.9996, 1), ">99.9%"),
        (fmt.chance(0.9956, 1), "99.6%"),
        (fmt.undecided(0.0, 1), "<0.1%"),
        (fmt.undecided(1.0, 1), ">99.9%"),
        (fmt.chance(0.0), "0%"),
        (fmt.chance(1 - 1e-12), "100%"),
        (fmt.with_interval(-0.5, -0.6, 0.4, "+.1f"), "-0.5 (-0.6 to +0.4)"),
        (fmt.with_interval(0.5, 0.501, 0.502, ".1f"), "0.5"),
        (fmt.with_interval(0.5, np.nan, np.nan, "+.3f"), "+0.500"),
    ],
)
def test_values_as_text(text, expected):
    assert text == expected


ROWS = pd.DataFrame(
    {
        "ranker": ["stack", "standings", "stack"],
        "as_of_point": ["end", "open", "open"],
        "value": [0.9, 0.5, np.nan],
        "low": [0.8, np.nan, np.nan],
        "high": [0.95, np.nan, np.nan],
        "n": [1200, 3, 4],
        "good": [True, False, True],
    }
)


def test_a_table_has_the_labels_of_names_and_a_format_for_each_kind():
    columns = [
        ("ranker", "by"), ("as_of_point", "when"), ("value", "value", ".2f±"), ("n", "games"),
        ("good", "good"), ("not there", "absent"),
    ]  # fmt: skip
    table = fmt.table(ROWS, columns)
    assert list(table.columns) == ["by", "when", "value", "games", "good"]
    assert table.to_numpy().tolist() == [
        ["stack", "end", "0.90 (0.80 to 0.95)", "1,200", "yes"],
        ["standings", "opening", "0.50", "3", "no"],
        ["stack", "opening", fmt.ABSENT, "4", "yes"],
    ]


def test_a_pivot_keeps_the_order_of_lines_and_of_the_season():
    table = fmt.pivot(ROWS, "ranker", "as_of_point", spec="+.1f")
    assert list(table.columns) == ["ranker", "opening", "end"]
    assert table.to_numpy().tolist() == [
        ["stack", fmt.ABSENT, "+0.9"],
        ["standings", "+0.5", fmt.ABSENT],
    ]
    with pytest.raises(ValueError, match="duplicate"):
        fmt.pivot(pd.concat([ROWS, ROWS]), "ranker", "as_of_point")
    table = fmt.pivot(ROWS, ["ranker", "good"], "as_of_point", "n", ",d", heading="forecast by")
    assert list(table.columns) == ["forecast by", "good", "opening", "end"]
    assert len(table) == 2
    later = ROWS.assign(as_of_point=["round_4_begins", "round_1_two_games", "end"])
    table = fmt.pivot(later, "ranker", "as_of_point")
    assert list(table.columns) == ["ranker", "end", "1st round, 2 games in", "Finals"]


def test_values_have_the_digits_of_their_metric_and_significant_ones_a_star():
    rows = pd.DataFrame(
        {
            "metric": ["spearman", "playoff_brier"], "scope": ["league", "east"],
            "as_of_point": ["end", "end"], "difference": [0.04, -0.0123], "low": [0.01, np.nan],
            "high": [0.07, np.nan], "verdict": ["better", "within noise"],
        }
    )  # fmt: skip
    expected = ["+0.040 (+0.010 to +0.070)*", "-0.0123"]
    assert fmt.cells(rows, "difference", fmt.GAIN) == expected
    assert fmt.cells(rows, "difference") == ["0.040", "-0.0123"]
    table = fmt.pivot(rows, "measure", "list", "difference", "+*")
    assert table.columns.tolist() == ["measure", "end", "end, east"]
    assert table["measure"].tolist() == ["Spearman ↑", "playoffs Brier, East ↓"]
    assert table["end"].tolist() == ["+0.040*", fmt.ABSENT]


def test_tables_are_escaped_and_the_console_cuts_nothing():
    texts = pd.DataFrame({"pl|ayer": ["Joe [/red]", "<b>"], "score": ["-0.012", "1.5"]})
    assert fmt.markdown_table(texts).splitlines()[0] == "| pl\\|ayer | score |"
    assert fmt.markdown_table(texts).splitlines()[2] == "| Joe \\[/red\\] | -0.012 |"
    assert fmt.markdown_table(texts.head(0)) == ""
    console = Console(file=io.StringIO(), width=200)
    console.print(fmt.console_table(texts, "A [title]", {0: "bold"}))
    for text in ("A [title]", "pl|ayer", "Joe [/red]", "-0.012", "<b>"):
        assert text in console.file.getvalue()
