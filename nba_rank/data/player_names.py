"""Players identified by name, for sources that have no ids of ours."""

import re
import unicodedata
from functools import cache

import pandas as pd

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v"})

_REMARK = re.compile(r"(?<=\S)(\s*\([^()]*\)|\\\S*)\s*$")

_LETTERS = str.maketrans("đðłø\N{LATIN SMALL LETTER DOTLESS I}", "ddloi")
"""Letters that Unicode does not decompose into a plain one and an accent."""


def plain_name(name: str) -> str:
    """Return a name's letters and digits without case and accents: `ajgriffin` for A.J. Griffin.

    A name that is written `Griffin, A.J.` is turned round. Basketball-Reference's remarks behind a
    name are left out: `(TW)` for a two-way contract, and the id after a backslash.
    """
    return "".join(_words(name))


def without_suffix(name: str) -> str:
    """Return the plain name without `Jr.`, `III` and the like at its end."""
    words = _words(name)
    return "".join(words[:-1] if len(words) > 1 and words[-1] in _SUFFIXES else words)


@cache
def _words(name: str) -> tuple[str, ...]:
    name = _REMARK.sub("", name)
    last, comma, first = name.partition(",")
    if comma and first.strip(" .").casefold() not in _SUFFIXES:
        name = f"{first} {last}"
    parts = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    letters = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return tuple(re.findall(r"[^\W_]+", letters))


def match_names(rows: pd.DataFrame, players: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Find the players of the game logs that rows name.

    Names are compared as `plain_name`, or as `without_suffix` if no player has the plain one. If
    several players share a name, those who played in the row's season are kept, and of these
    those who played for the row's team. Later seasons than the row's tell nothing. Both frames
    have `player_name`, `season` and `team_id`; `players` are those of the game logs, once each,
    with `player_id`.

    Returns:
        Two columns with the index of `rows`: the player id (float64), NaN unless exactly one
        player is found, and whether several players have the name (bool).
    """
    found = pd.Series(float("nan"), index=rows.index)
    several = pd.Series(False, index=rows.index)
    for form in (plain_name, without_suffix):
        left = rows[found.isna() & ~several]
        if left.empty:
            break
        asked = left.assign(name=left["player_name"].map(form).astype("str"))
        known = players.assign(name=players["player_name"].map(form).astype("str"))
        for scope in (["name"], ["name", "season"], ["name", "season", "team_id"]):
            each = named_until(asked, known, scope, "player_id")
            one = each["first"].where(each["nunique"] == 1)
            found = found.fillna(one)
            several |= (each["nunique"] > 1).reindex(rows.index, fill_value=False)
    return found, several & found.isna()


def named_until(
    rows: pd.DataFrame, known: pd.DataFrame, scope: list[str], column: str
) -> pd.DataFrame:
    """Return `first` and `nunique` of a column of the known rows in the scope of each row.

    Both frames have `season` and the columns of the scope; only known rows up to a row's season
    count for it, so that later seasons change nothing.
    """
    parts = []
    for season, part in rows.groupby("season"):
        values = known[known["season"] <= season].groupby(scope)[column]
        each = part[scope].merge(values.agg(["first", "nunique"]), on=scope, how="left")
        parts.append(each.set_axis(part.index))
    return pd.concat(parts).reindex(rows.index) if parts else rows.assign(first=None, nunique=0)
