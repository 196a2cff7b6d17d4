"""Text from outside, such as team and player names, made harmless for each medium.

Raw files come from strangers. What their text could do where it is shown: end a table's row, load
an image, run a formula or a script, move the cursor of a terminal. HTML is escaped by Jinja.
"""

import re
import unicodedata

import pandas as pd
from rich.markup import escape as _rich_escape

_FORMULA = re.compile(r"^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet begins to compute, also where it takes a semicolon for the separator.

The last four characters are full-width forms. Source: OWASP, CSV Injection."""

_WITHOUT_GLYPH = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Unicode categories without a glyph: controls, format controls such as bidi overrides, and others.

Joiners (below) are format controls that some scripts need."""
_JOINERS = "\u200c\u200d"

_MARKDOWN = re.compile(
    r"[\\`*\[\]<>|~$]"  # emphasis, links, images, HTML, table cells, code, mathematics
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis, but not inside of a word
    r"|&(?=#?\w+;)"  # entities
    r"|:(?=//)|(?<=[wW][wW][wW])\."  # addresses, which some readers turn into links
    r"|^(?:#|=|[-+](?=\s|$|-))|^\d+(?=[.)]\s)"  # headings and lists
)


def plain(text: str) -> str:
    r"""Return text on one line, without characters that control how it is shown.

    Line breaks, tabs and other white space become spaces; other controls, among them the escape
    character of terminals and marks that reverse the direction of writing, become `\ufffd`.
    """
    shown = (
        "\ufffd" if unicodedata.category(c) in _WITHOUT_GLYPH and c not in _JOINERS else c
        for c in " ".join(text.split())
    )
    return "".join(shown)


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is, in a sentence and in a table's cell."""
    return _MARKDOWN.sub(lambda found: _backslash(found.group()), plain(text).strip())


def terminal(text: str) -> str:
    """Return text that `rich` prints as it is: no markup, no control sequences."""
    shown = plain(text)
    # Without a bracket `rich` would show the backslash that its own function adds at the end.
    return _rich_escape(shown) if "[" in shown else shown


def csv(text: str) -> str:
    """Return text that no spreadsheet takes for a formula.

    A quotation mark goes before what begins like a formula, unless the whole is a number.
    """
    return text if _is_number(text) else _FORMULA.sub("'", text)


def csv_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose cells of text went through `csv`; other cells stay as they are."""
    texts = [
        name
        for name, dtype in frame.dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype) or dtype.kind == "O"
    ]
    return frame.assign(
        **{
            str(name): frame[name]
            .astype(object)
            .map(lambda cell: csv(cell) if isinstance(cell, str) else cell)
            for name in texts
        }
    )


def _backslash(found: str) -> str:
    # A number is no character that can be escaped: `1.` becomes `1\.`.
    return f"{found}\\" if found.isdigit() else f"\\{found}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()
