"""Parts that sum to a whole, as tidy tables: a level of the explanation at a time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray

COLUMNS = ["level", "team_id", "part", "player_id", "value", "unit", "whole"]
"""Columns of every table of parts.

`player_id` is that of the player whom the part is about, 0 for none. `whole` is what the values of
a level and team sum to, NaN where they are no parts of a sum.
"""

KEY = ["level", "team_id", "part", "player_id"]
"""Columns that name a part."""

_OTHER = "_other"

TOLERANCE = 1e-6
"""Difference from the whole, in the unit of the level, that is no more than rounding."""

AVERAGE = "average_team"
"""Part that all teams of the date have in common: the others are what sets a team apart."""


def level(
    name: str,
    unit: str,
    team_id: IntArray,
    whole: FloatArray,
    parts: Mapping[str, FloatArray],
    players: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return a level as a table of `COLUMNS`.

    Args:
        name: Name of the level.
        unit: Unit of its values.
        team_id: Teams, [N].
        whole: What the parts of each team sum to, [N].
        parts: Parts of all teams, [N] each.
        players: Parts of single players: `team_id`, `part`, `player_id`, `value`.

    Raises:
        ArithmeticError: The parts of a team do not sum to its whole.
    """
    tables = [
        pd.DataFrame({"team_id": team_id, "part": part, "player_id": 0, "value": value})
        for part, value in parts.items()
    ]
    if players is not None:
        tables.append(players[["team_id", "part", "player_id", "value"]])
    frame = pd.concat(tables, ignore_index=True)
    wholes = pd.Series(whole, index=team_id)
    error = (frame.groupby("team_id")["value"].sum(min_count=1) - wholes).abs()
    if not (error <= TOLERANCE).all():
        raise ArithmeticError(
            f"the parts of {name} miss its whole by up to {error.max():.2g} {unit}, for team "
            f"{error.idxmax()}"
        )
    frame = frame.assign(level=name, unit=unit, whole=frame["team_id"].map(wholes))
    return frame.sort_values("team_id", kind="stable", ignore_index=True)[COLUMNS]


def loose(name: str, unit: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return values that are no parts of a sum: `team_id`, `part`, `player_id`, `value`."""
    return frame.assign(level=name, unit=unit, whole=np.nan)[COLUMNS]


def against_average(parts: pd.DataFrame) -> dict[str, FloatArray]:
    """Return each column less its mean over the teams of a date, and the means' sum as `AVERAGE`.

    Rows sum to the same as before.
    """
    means = parts.mean()
    apart = {name: (parts[name] - means[name]).to_numpy() for name in map(str, parts.columns)}
    return {AVERAGE: np.full(len(parts), means.sum()), **apart}


def difference(parts: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return parts less others, part by part; one that only one side has counts as 0 on the other.

    Args:
        parts: Table of `COLUMNS`, perhaps with more.
        other: The same of another date, or of another team under the id of the first.

    Returns:
        The columns of `parts`, with the differences of values and wholes, of levels with a whole.
    """
    parts, other = (of[of["whole"].notna()] for of in (parts, other))
    columns = [str(name) for name in parts]
    both = parts.merge(other, on=KEY, how="outer", suffixes=("", _OTHER), sort=False)
    both["value"] = both["value"].fillna(0.0) - both["value" + _OTHER].fillna(0.0)
    for name in columns:
        if name not in KEY and name not in ("value", "whole"):
            both[name] = both[name].fillna(both[name + _OTHER])
    by_team = KEY[:2]
    wholes = [of.groupby(by_team)["whole"].first() for of in (parts, other)]
    whole = (wholes[0] - wholes[1]).rename("whole")
    return both[columns].drop(columns="whole").join(whole, on=by_team)[columns]
