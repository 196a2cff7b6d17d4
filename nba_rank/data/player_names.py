"""Players identified by name, for sources that have no ids of ours."""

import re
import unicodedata

import pandas as pd

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v"})

_LETTERS = str.maketrans("đðłø\N{LATIN SMALL LETTER DOTLESS I}", "ddloi")
"""Letters that Unicode does not take apart into a plain one and an accent."""


def plain_name(name: str) -> str:
    """Return a name's letters and digits without case and accents: `ajgriffin` for A.J. Griffin."""
    return "".join(_words(name))


def without_suffix(name: str) -> str:
    """Return the plain name without `Jr.`, `III` and the like at its end."""
    words = _words(name)
    return "".join(words[:-1] if len(words) > 1 and words[-1] in _SUFFIXES else words)


def _words(name: str) -> list[str]:
    parts = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    letters = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", letters)


def match_names(rows: pd.DataFrame, player_games: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Find the players of the game logs that rows name.

    Names are compared as `plain_name`, or as `without_suffix` if no player has the plain one. If
    several players share a name, those who played in the row's season are kept, and of these
    those who played for the row's team.

    Args:
        rows: `player_name` (str), `season` (str) and `team_id` (int64).
        player_games: The canonical table.

    Returns:
        Two columns with the index of `rows`: the player id (float64), NaN unless exactly one
        player is found, and whether several players have the name (bool).
    """
    columns = ["season", "team_id", "player_name", "player_id"]
    known = player_games[columns].drop_duplicates(ignore_index=True)
    found = pd.Series(float("nan"), index=rows.index)
    several = pd.Series(False, index=rows.index)
    for form in (plain_name, without_suffix):
        left = rows[found.isna() & ~several]
        asked = left.assign(name=left["player_name"].map(form).astype("str"))
        players = known.assign(name=known["player_name"].map(form).astype("str"))
        for scope in (["name"], ["name", "season"], ["name", "season", "team_id"]):
            of_scope = players.groupby(scope)["player_id"].agg(["first", "nunique"])
            each = asked[scope].merge(of_scope, on=scope, how="left").set_axis(asked.index)
            one = each["first"].where(each["nunique"] == 1)
            found = found.fillna(one)
            several |= (each["nunique"] > 1).reindex(rows.index, fill_value=False)
    return found, several & found.isna()
