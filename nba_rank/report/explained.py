"""What the tables of explanations hold, in words."""

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from nba_rank.explain.names import PLAYER, PLAYER_STATES
from nba_rank.report.format import number, summing
from nba_rank.report.labels import label

ALL_OTHERS = "all others"

STATES = {
    part: f" {part.removeprefix(PLAYER + '_').replace('_', ' ')}" for part in PLAYER_STATES.values()
}
"""What is said behind the name of a player who was not there before, or is not now."""


_TABLE, _TOLD = "explanation.parquet", "told.json"


class Told(NamedTuple):
    """What stands over an explanation.

    Attributes:
        as_of_date: Its date.
        team: Abbreviation; empty: all teams.
        against: The other team, or empty.
        since: The earlier date, or empty.
        basis: What the forecast rests on.
        hypothetical: What is assumed, or empty.
        run: Name of the run folder.
    """

    as_of_date: pd.Timestamp
    team: str
    against: str
    since: str
    basis: str
    hypothetical: str
    run: str


class Explanation(NamedTuple):
    """Why teams are ranked where they are.

    Attributes:
        table: What `nba_rank.explain.date.explain_date` returns, with `compared_with`: the other
            team's abbreviation or the earlier date where values are differences to it, else empty.
        told: What stands over it.
    """

    table: pd.DataFrame
    told: Told

    def save(self, folder: Path) -> None:
        """Write it into a folder."""
        self.table.to_parquet(folder / _TABLE, index=False)
        told = self.told._asdict() | {"as_of_date": self.told.as_of_date.isoformat()}
        (folder / _TOLD).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        told = json.loads((folder / _TOLD).read_text(encoding="utf-8"))
        date = pd.Timestamp(told.pop("as_of_date")).as_unit("us")
        return cls(pd.read_parquet(folder / _TABLE), Told(as_of_date=date, **told))


def is_strength_known(table: pd.DataFrame) -> bool:
    """Return whether the run knows strengths of teams, which the figures draw."""
    return not plain(table, prefix_of(table) + "strength").empty


def prefix_of(table: pd.DataFrame) -> str:
    """Return how the levels of the strengths that make the ranking begin."""
    return "projection_" if "projection_strength" in table["level"].to_numpy() else ""


def plain(table: pd.DataFrame, level: str, compared_with: str = "") -> pd.DataFrame:
    """Return the rows of a level: as they are, or as differences to another team or date."""
    own = (table["level"] == level) & (table["compared_with"] == compared_with)
    return table[own]


def by_name(parts: pd.DataFrame) -> pd.Series:
    """Return the values by player, with his state in words, or by part, the greatest first."""
    named = parts["player"] + parts["part"].map(STATES).fillna("")
    named = named.where(parts["player"] != "", parts["part"])
    total = parts["value"].groupby(named).sum()
    return total.reindex(total.abs().sort_values(ascending=False, kind="stable").index)


def by_reason(parts: pd.DataFrame) -> pd.Series:
    """Return `by_name` with the parts in words."""
    return by_name(parts).rename(index=partial(label, "part"))


def first_parts(values: pd.Series, n: int) -> list[tuple[str, float]]:
    """Return the first parts of a sum, all others and the sum itself, which they add up to.

    Values are rounded to a decimal; parts that are then nothing are left out.
    """
    rounded = summing(np.array([*values.iloc[:n], values.iloc[n:].sum()]), 1)
    names = [*map(str, values.index[:n]), ALL_OTHERS]
    parts = [(name, value) for name, value in zip(names, rounded, strict=True) if value]
    return [*parts, ("together", sum(rounded))]


def places_lower(places: float) -> str:
    """Say how much lower a team would be ranked, such as `3 places lower`."""
    n = abs(round(places))
    if not n:
        return "the same place"
    return f"{n} place{'s' if n > 1 else ''} {'lower' if places > 0 else 'higher'}"


def whose(table: pd.DataFrame) -> str:
    """Say whose strengths are shown."""
    if not prefix_of(table):
        return "As the simulation has it, which makes the odds"
    odds = plain(table, "strength")
    said = "As the projection has it, which makes the ranking"
    if odds.empty:
        return said
    beside = ", which read the final score as well"
    if len(odds["team"].unique()) > 1:
        both = [plain(table, name).groupby("team")["whole"].first() for name in
                ("strength", "projection_strength")]  # fmt: skip
        apart = number(float((both[0] - both[1]).abs().max()), ".1f")
        return f"{said}; the odds{beside}, differ by up to {apart}"
    return f"{said}; the odds{beside}, have it at {number(odds['whole'].iloc[0], '+.1f')}"
