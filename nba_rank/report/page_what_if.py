"""The parts of a page that tell how a hypothetical forecast differs from the plain one."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from nba_rank.data.outcomes import EVENTS
from nba_rank.evaluation.predictions import event_column
from nba_rank.report.format import number, records, undecided
from nba_rank.report.labels import ordinal
from nba_rank.report.reached import decided_word

_WIN = 0.1
"""Chance that a win counts as where the largest differences are looked for."""

_PLACES, _STRENGTH, _WINS = "rank", "strength", "expected_wins"
_CHANCES = {"playoff": "Playoffs", "title": "Title"}
_HEADINGS = {_PLACES: "Rank", _STRENGTH: "Strength", _WINS: "Wins"}
_LEAST = {_PLACES: 1.0, _STRENGTH: 0.1, _WINS: 0.1}
_LEAST_CHANCE = 0.01
"""Differences from which on something has changed: one of the last digit that is shown."""


class Cell(NamedTuple):
    """A difference to the plain forecast.

    Attributes:
        value: More is better; places won, points, wins, or chance.
        text: The same as text; empty: it is too small to be shown.
        both: The plain value and that under the assumptions as text, the latter alone where the
            difference is too small.
    """

    value: float
    text: str
    both: str


class WhatIf(NamedTuple):
    """How a hypothetical forecast differs from the plain one.

    Attributes:
        headings: Of the columns in which something changes.
        rows: Teams of which more than the strength changes, the largest difference first: `team`,
            `name`, `conference` and `cells`, a `Cell` a heading.
        others: Number of the other teams.
        moved: Places that each team wins, by team id.
        said: What changes most, in words.
    """

    headings: list[str]
    rows: list[dict[str, Any]]
    others: int
    moved: dict[int, int]
    said: str


def what_if(table: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> WhatIf:
    """Tell how a hypothetical forecast differs from the plain one.

    Args:
        table: See `nba_rank.evaluation.date_forecast.beside`.
        rows: The teams under the assumptions, as in the power ranking.
    """
    told = {row["team_id"]: row for row in records(table)}
    columns = {name: words for name, words in _HEADINGS.items() if name in table}
    chances = {event_column(table.columns, event): event for event in _CHANCES}
    columns |= {name: _CHANCES[event] for name, event in chances.items() if name}
    found, moved = [], {}
    for row in rows:
        own = told[row["team_id"]]
        cells = {name: _cell(name, own, row, chances.get(name, "")) for name in columns}
        moved[row["team_id"]] = round(cells[_PLACES].value)
        # An average team changes, too, and with it all strengths.
        if any(cell.text for name, cell in cells.items() if name != _STRENGTH):
            worth = [
                cell.value * (_WIN if name == _WINS else 1.0)
                for name, cell in cells.items()
                if cell.text and (name == _WINS or name in chances)
            ]
            size, gain = sum(map(abs, worth)), sum(worth) or cells[_PLACES].value
            who = {key: row[key] for key in ("team", "name", "conference")}
            found.append(who | {"cells": cells, "order": (-size, row["rank"]), "gain": gain})
    found.sort(key=lambda one: one["order"])
    changed = [name for name in columns if any(one["cells"][name].text for one in found)]
    return WhatIf(
        [columns[name] for name in changed],
        [one | {"cells": [one["cells"][name] for name in changed]} for one in found],
        len(rows) - len(found),
        moved,
        _said(found, columns),
    )


def _cell(name: str, own: Mapping[str, Any], row: Mapping[str, Any], event: str) -> Cell:
    """Return the difference of a team in a column; `event` is that of a chance, else empty."""
    then, now, value = own[name], own[f"{name}_what_if"], own[f"{name}_difference"]
    if event:
        each, text = [undecided(then), _chance(now, event, row)], number(100 * value, "+.1f")
    elif name == _PLACES:
        each, value = [ordinal(int(then)), ordinal(int(now))], -value
        text = number(value, "+.0f")
    else:
        each = [number(one, "+.1f" if name == _STRENGTH else ".1f") for one in (then, now)]
        text = number(value, "+.1f")
    if abs(value) < _LEAST.get(name, _LEAST_CHANCE) or each[0] == each[1]:
        return Cell(value, "", each[1])
    return Cell(value, text, " to ".join(each))


def _chance(p: float, event: str, row: Mapping[str, Any]) -> str:
    """Return a chance, or a word where it is decided."""
    word = decided_word(EVENTS.index(event), row["reached"], out=row["out"])
    return word or undecided(p)


def _said(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """Say who loses and who gains most, of teams whose place does not move the other way."""
    texts = []
    for verb, sign in (("lose", -1), ("gain", 1)):
        for one in rows:
            if sign * one["gain"] > 0 and sign * one["cells"][_PLACES].value >= 0:
                changes = ", ".join(_changes(one["cells"], columns))
                texts.append(f"{one['name']} {verb} most: {changes}.")
                break
    return " ".join(texts) or "Next to nothing: all that it changes is too small to be shown."


def _changes(cells: Mapping[str, Cell], columns: Mapping[str, str]) -> list[str]:
    """Return what changes of a team in words: its place, chances and wins."""
    texts = [cells[_PLACES].both] if cells[_PLACES].text else []
    texts += [
        f"{words.lower()} {cells[name].both}"
        for name, words in columns.items()
        if name not in _HEADINGS and cells[name].text
    ]
    if _WINS in cells and cells[_WINS].text:
        value = cells[_WINS].value
        texts.append(f"{number(abs(value), '.1f')} {'fewer' if value < 0 else 'more'} wins")
    return texts
