import csv
import io

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from nba_rank.core import escape
from nba_rank.core.files import write_frame

NAMES = [
    "Nikola Jokić*", "Joe [/red]", "[bold]Joe", "A | B", "<script>alert(1)</script>",
    "![x](http://evil.example/x.png)", "[x](javascript:alert(1))", "`code` and $math$",
    "Two  \n# lines", "# heading", "- item", "1. item", "a_b_ _c_", "&lt; &amp; &#65;",
    "https://evil.example www.evil.example", "trailing \\", "~~gone~~ a**b**", "=1+1",
]  # fmt: skip


def shown(tokens: list) -> str:
    """Return the text that a reader sees of a paragraph or cell; other marks fail."""
    kinds = [child.type for token in tokens for child in token.children or ()]
    assert set(kinds) <= {"text", "text_special"}, kinds
    return "".join(child.content for token in tokens for child in token.children or ())


@pytest.mark.parametrize("name", NAMES)
def test_markdown_shows_a_name_as_it_is_in_a_sentence_and_in_a_table(name):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    expected = escape.plain(name)
    in_sentence = parser.parse(escape.markdown(name))
    assert [token.type for token in in_sentence] == ["paragraph_open", "inline", "paragraph_close"]
    assert shown(in_sentence) == expected
    table = parser.parse(f"| a | b |\n| --- | --- |\n| {escape.markdown(name)} | 2 |")
    cells = [token for token in table if token.type == "inline"]
    assert [shown([cell]) for cell in cells] == ["a", "b", expected, "2"]


@pytest.mark.parametrize("name", NAMES)
def test_the_terminal_shows_a_name_as_it_is(name):
    console = Console(file=io.StringIO(), force_terminal=True, width=200, highlight=False)
    console.print(escape.terminal(name))
    assert console.file.getvalue() == escape.plain(name) + "\n"


def test_plain_text_has_one_line_and_no_control_characters():
    assert escape.plain("a\r\n\tb\x1b[31mred\x07 \u202eevil") == "a b\ufffd[31mred\ufffd \ufffdevil"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+2", "'+1+2"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ("-0.5", "-0.5"),
        ("+3e2", "+3e2"),
        ("Joe - the =", "Joe - the ="),
    ],
)
def test_text_cannot_become_a_formula(text, written):
    assert escape.csv(text) == written


def test_a_csv_file_holds_harmless_text_and_numbers_as_they_are(tmp_path):
    frame = pd.DataFrame({"player": ["=1+1", "A\nB", None], "change": [-0.5, 2.0, 3.0]})
    frame["team"] = pd.Categorical(["-x", "-x", "b"])
    write_frame(tmp_path / "table.csv", frame)
    lines = list(csv.reader((tmp_path / "table.csv").open(encoding="utf-8", newline="")))
    assert lines[1:] == [["'=1+1", "-0.5", "'-x"], ["A\nB", "2.0", "'-x"], ["", "3.0", "b"]]
