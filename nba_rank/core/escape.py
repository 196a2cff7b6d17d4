"""Makes text from raw files, such as team and player names, harmless in each medium.

Unescaped, it could break a table, load an image, run a formula or move a terminal's cursor. Jinja
escapes HTML.
"""

import re
import unicodedata

import pandas as pd
from rich.markup import escape as _rich_escape

_FORMULA = re.compile(r"^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet would see a formula, also where a semicolon separates cells.

The last four characters are full-width forms. Source: OWASP, CSV Injection."""

_WITHOUT_GLYPH = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Unicode categories without a glyph, such as controls and bidi overrides."""
_JOINERS = "\u200c\u200d"  # format controls that some scripts need

_MARKDOWN = re.compile(
    r"[\\`*\[\]<>|~$]"  # emphasis, links, images, HTML, table cells, code, mathematics
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis, but not inside of a word
    r"|&(?=#?\w+;)"  # entities
    r"|:(?=//)|(?<=[wW][wW][wW])\."  # addresses, which some readers turn into links
    r"|^(?:#|=|[-+](?=\s|$|-))|^\d+(?=[.)]\s)"  # headings and lists
)


def plain(text: str) -> str:
    r"""Return text on one line: white space becomes spaces, control characters become `\ufffd`."""
    shown = (
        "\ufffd" if unicodedata.category(c) in _WITHOUT_GLYPH and c not in _JOINERS else c
        for c in " ".join(text.split())
    )
    return "".join(shown)


def markdown(text: str) -> str:
    """Return text that Markdown shows literally, in a sentence and in a table cell."""
    return _MARKDOWN.sub(lambda found: _backslash(found.group()), plain(text).strip())


def terminal(text: str) -> str:
    """Return text that `rich` prints literally: no markup, no control sequences."""
    shown = plain(text)
    # Without a bracket `rich` shows the backslash that its own function adds at the end.
    return _rich_escape(shown) if "[" in shown else shown


def csv(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, with a quotation mark before a start."""
    return text if _is_number(text) else _FORMULA.sub("'", text)


def csv_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with `csv` applied to its text cells."""
    changed = {}
    for name, column in frame.items():
        if (
            isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype)
            or column.dtype.kind == "O"
        ):
            texts = {cell for cell in column.unique() if isinstance(cell, str)}
            if any(csv(text) != text for text in texts):
                cells = column.astype(object)
                changed[str(name)] = cells.map(lambda c: csv(c) if isinstance(c, str) else c)
    return frame.assign(**changed)


def _backslash(found: str) -> str:
    # Markdown cannot escape a digit: `1.` becomes `1\.`.
    return f"{found}\\" if found.isdigit() else f"\\{found}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()
