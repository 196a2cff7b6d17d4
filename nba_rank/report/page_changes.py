"""The parts of a page that tell what has changed since a week before, and without whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nba_rank.data.outcomes import EVENTS
from nba_rank.evaluation.predictions import event_column
from nba_rank.explain.names import (
    OTHERS,
    OTHERS_RESULTS,
    OTHERS_SCORES,
    PLACES,
    RESULTS,
    SEASON,
    SMALL,
)
from nba_rank.report.explained import STATES, by_reason, first_parts, places_lower
from nba_rank.report.format import number, summing, undecided
from nba_rank.report.labels import listed, ordinal

_MOVERS = 3
"""Teams that have risen, and that have fallen, of which the reasons are told at the top."""

_NAMED = 2
"""Reasons of a change that a sentence names."""

_PARTS = 7
"""Parts of a change of strength that a table names."""

_SHOWN = 0.05
"""What is shown as nothing to a decimal."""

_LEAST_CHANCE = 0.01
"""Change of a chance from which on it is told."""

_PASSED = 3
"""Teams that are named of those that were passed."""

POINTS = "strength"
"""Level of the changes of strength."""

_RESULTS, _STRENGTH, _SCORE = "new results", "strength", "own score"
_GROUPS = {
    RESULTS: _RESULTS, OTHERS_RESULTS: "others' results",
    OTHERS: "others' strength", OTHERS_SCORES: "others' scores",
    SEASON: "all else",
}  # fmt: skip
"""Parts of a team's places that stand for themselves; all others are its strength or, where nothing
tells results from strengths, its score."""


@dataclass(frozen=True)
class Changes:
    """What has changed since an earlier date.

    Attributes:
        since: The earlier date.
        before: The forecast of that date by the same models, a row a team: `team_id`, columns of
            the predictions, and `won` and `lost`, games since.
        parts: By `level`, `team_id`, `part`, `player`, `value` and `whole`: the places won, see
            `nba_rank.explain.moved`, and, as `POINTS`, how each part of the strength differs.
    """

    since: pd.Timestamp
    before: pd.DataFrame
    parts: pd.DataFrame

    @property
    def day(self) -> str:
        """The earlier date in words."""
        return f"{self.since:%B %-d}"

    def moved(self) -> dict[int, int]:
        """Return the places that each team has won, by team id."""
        whole = self.parts[self.parts["level"] == PLACES].groupby("team_id")["whole"].first()
        return dict(zip(whole.index.tolist(), whole.round().astype(int).tolist(), strict=True))


def team_changes(
    changes: Changes | None, rows: Sequence[Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Return what has changed for each team as text, by team id.

    Args:
        changes: What has changed; None: nothing is known.
        rows: The teams now, as in the power ranking.
    """
    if changes is None:
        return {}
    won = changes.moved()
    before = changes.before.set_index("team_id")
    of_rank, of_strength = (
        dict(list(changes.parts[changes.parts["level"] == name].groupby("team_id")))
        for name in (PLACES, POINTS)
    )
    ranked = {row["team_id"]: int(row["rank"] + won[row["team_id"]]) for row in rows}
    found = {}
    for row in rows:
        team, old = row["team_id"], before.loc[row["team_id"]]
        points = _points(of_strength.get(team), of_rank[team])
        own: dict[str, Any] = {
            "moved": won[team],
            "from": ranked[team],
            "to": int(row["rank"]),
            "record": f"{old['won']}–{old['lost']}" if old["won"] + old["lost"] else "",  # noqa: RUF001
            "places": _places(of_rank[team]),
            "reasons": _reasons(of_rank[team]),
            "passed": _passed(team, rows, ranked),
            "points": [(what, number(value, "+.1f")) for what, value in points],
            **_odds(row, old),
        }
        words = ordinal(own["to"])
        if own["moved"]:
            words = f"{ordinal(own['from'])} to {words}"
        found[team] = own | {"words": words, "why": _because(own)}
    return found


def movers(rows: Iterable[Mapping[str, Any]], told: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """Return those who have risen and fallen most, of teams that are not out; the most first."""
    able = [row for row in rows if not row["out"] and row["team_id"] in told]

    def size(row: Mapping[str, Any]) -> tuple[float, ...]:
        own = told[row["team_id"]]
        return -abs(own["moved"]), -own["swing"], row["rank"]

    found = {}
    for name, sign in (("up", 1), ("down", -1)):
        gone = sorted((row for row in able if sign * told[row["team_id"]]["moved"] > 0), key=size)
        found[name] = [_mover(row, told[row["team_id"]]) for row in gone[:_MOVERS]]
    return found if found["up"] or found["down"] else {}


def _mover(row: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("team", "name")} | {
        **own,
        "size": abs(own["moved"]),
        "short": ", ".join(f"{text} by {part}" for part, text in own["places"]),
    }


def _because(own: Mapping[str, Any]) -> str:
    """Say what moved a team, the largest part first, with reasons."""
    texts = []
    for part, text in own["places"]:
        more = own["record"] if part == _RESULTS else ""
        if part in (_STRENGTH, _SCORE):
            more = ", ".join(own["reasons"])
        texts.append(f"{text} by {part}" + (f" ({more})" if more else ""))
    return ", ".join(texts)


def without(table: pd.DataFrame, predictions: pd.DataFrame) -> dict[int, list[str]]:
    """Say what each team would lose without its first players, by team id.

    Args:
        table: Level `without_player`, see `nba_rank.explain.without`; may be empty.
        predictions: The forecast, a row a team.
    """
    if table.empty:
        return {}
    title = predictions.set_index("team_id").get("title_prob")
    found: dict[int, list[str]] = {}
    key = ["team_id", "player"]
    wide = table.pivot(index=key, columns="part", values="value")  # noqa: PD010
    for team, name in table[key].drop_duplicates().itertuples(index=False, name=None):
        value = wide.loc[(team, name)]
        texts = [places_lower(value["places"])]
        if abs(wins := value.get("wins", 0.0)) >= _SHOWN:
            texts.append(f"{number(abs(wins), '.1f')} {'fewer' if wins < 0 else 'more'} wins")
        if "title_prob" in value and title is not None:
            now = title[team]
            old, new = undecided(now), undecided(now + value["title_prob"])
            texts += [f"title {old} to {new}"] if old != new else []
        found.setdefault(team, []).append(f"Without {name}: {', '.join(texts)}")
    return found


def _places(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the places that a team has won by group in words, most first, without nothings."""
    own = _SCORE if OTHERS_SCORES in rows["part"].to_numpy() else _STRENGTH
    group = [_GROUPS.get(part, own) for part in rows["part"]]
    sums = rows["value"].groupby(group).sum()
    values = summing(sums.to_numpy(), 1)
    each = sorted(zip(map(str, sums.index), values, strict=True), key=lambda one: -abs(one[1]))
    return [(part, number(value, "+.1f")) for part, value in each if abs(value) >= _SHOWN]


def _reasons(rows: pd.DataFrame) -> list[str]:
    """Return the largest parts of the places that are due to the team itself, in words."""
    own = rows[~rows["part"].isin(_GROUPS)]
    sign = np.sign(own["value"].sum())
    values = by_reason(own[own["part"] != SMALL])
    values = values[sign * values >= _SHOWN].head(_NAMED)
    return [f"{what} {number(value, '+.1f')}" for what, value in values.items()]


def _passed(team: int, rows: Sequence[Mapping[str, Any]], then: Mapping[int, int]) -> str:
    """Say whom a team has gone past, and who past it."""
    rank = {row["team_id"]: row["rank"] for row in rows}
    name = {row["team_id"]: row["team"] for row in rows}
    over, under = (
        [
            name[other]
            for other in rank
            if sign * (then[other] - then[team]) < 0 < sign * (rank[other] - rank[team])
        ]
        for sign in (1, -1)
    )
    texts = [f"past {_some(over)}"] if over else []
    if under:
        texts.append(f"{_some(under)} went past")
    return "; ".join(texts)


def _some(names: list[str]) -> str:
    more = len(names) - _PASSED
    return listed([*names[:_PASSED], f"{more} more"] if more > 1 else names)


def _points(rows: pd.DataFrame | None, places: pd.DataFrame) -> list[tuple[str, float]]:
    """Return the changes of strength by reason in words, the largest first, and their sum, if any.

    `places` are the parts of the team's places, which know who was not there before, or is not now.
    """
    if rows is None:
        return []
    state = places.set_index("player")["part"].map(STATES).dropna()
    total = by_reason(rows).rename(index=lambda name: f"{name}{state.get(name, '')}")
    found = first_parts(total, _PARTS)
    return found if len(found) > 1 else []


def _odds(row: Mapping[str, Any], old: pd.Series) -> dict[str, Any]:
    """Return the chances that have changed as shown, then and now, and the sum of the changes."""
    chances, swing = [], 0.0
    for place, words in () if row["out"] else ((0, "playoffs"), (len(EVENTS) - 1, "title")):
        name = event_column(old.index, EVENTS[place])
        if name and name in row:
            then, now = undecided(old[name]), undecided(row[name])
            change = abs(row[name] - old[name])
            swing += change
            if row["reached"] <= place and then != now and change >= _LEAST_CHANCE:
                chances.append((words, then, now))
    return {"chances": chances, "swing": swing}
