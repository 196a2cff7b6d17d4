"""The parts of a page that tell what has changed since a week before, and without whom."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from nba_rank.data.outcomes import EVENTS
from nba_rank.explain.rank_change import LEVEL, OTHERS, RECORD, REST, STRENGTH
from nba_rank.report.format import number, summing, undecided
from nba_rank.report.labels import label, listed, ordinal

MOVERS = 3
"""Teams that have risen, and that have fallen, of which the reasons are told at the top."""

NAMED = 2
"""Reasons of a change that a sentence names."""

PARTS = 7
"""Parts of a change of strength that a table names."""

_ALL_OTHERS = "all others"

_SHOWN = 0.05
"""What is shown as nothing to a decimal."""

_ABSENT, _CHANGE = 0.5, 0.3
"""A player is absent if less than this share of his minutes is expected, and his availability has
changed if the share has by as much."""

_PASSED = 3
"""Teams that are named of those that were passed."""

_WORDS = {RECORD: "record and schedule", STRENGTH: "strength", REST: "all else"}
_OF_OTHERS = {True: "other teams' losses", False: "other teams' gains"}


@dataclass(frozen=True)
class Changes:
    """What has changed since an earlier date.

    Attributes:
        since: The earlier date.
        before: The forecast of that date by the same models, a row a team: `team_id`, columns of
            the predictions, and `won` and `lost`, games since.
        parts: By `level`, `team_id`, `part`, `player`, `value` and `whole`: the places won, see
            `nba_rank.explain.rank_change`, and how each part of the strength differs, points.
        players: The players of that date, see `nba_rank.features.players.squads`; may be empty.
    """

    since: pd.Timestamp
    before: pd.DataFrame
    parts: pd.DataFrame
    players: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def day(self) -> str:
        """The earlier date in words."""
        return f"{self.since:%B %-d}"

    def moved(self) -> dict[int, int]:
        """Return the places that each team has won, by team id."""
        whole = self.parts[self.parts["level"] == LEVEL].groupby("team_id")["whole"].first()
        return dict(zip(whole.index.tolist(), whole.round().astype(int).tolist(), strict=True))


def team_changes(
    changes: Changes | None, rows: Sequence[Mapping[str, Any]], players: pd.DataFrame | None
) -> dict[int, dict[str, Any]]:
    """Return what has changed for each team as text, by team id.

    Args:
        changes: What has changed; None: nothing is known.
        rows: The teams now, as in the power ranking.
        players: Their players.
    """
    if changes is None:
        return {}
    moved, status = changes.moved(), _availability(changes.players, players)
    before = changes.before.set_index("team_id")
    of_rank, of_strength = (
        dict(list(rows.groupby("team_id")))
        for rows in (
            changes.parts[changes.parts["level"] == LEVEL],
            changes.parts[changes.parts["level"] != LEVEL],
        )
    )
    ranked = {row["team_id"]: int(row["rank"] + moved[row["team_id"]]) for row in rows}
    found = {}
    for row in rows:
        team, old = row["team_id"], before.loc[row["team_id"]]
        points = _points(of_strength.get(team), status)
        own: dict[str, Any] = {
            "moved": moved[team],
            "from": ranked[team],
            "to": int(row["rank"]),
            "record": f"{old['won']}–{old['lost']}" if old["won"] + old["lost"] else "",  # noqa: RUF001
            "places": _places(of_rank[team]),
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
        moved = sorted((row for row in able if sign * told[row["team_id"]]["moved"] > 0), key=size)
        found[name] = [_mover(row, told[row["team_id"]]) for row in moved[:MOVERS]]
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
        more = own["record"] if part == _WORDS[RECORD] else ""
        if part == _WORDS[STRENGTH] and own["points"]:
            # Places and points may differ in sign: the playoffs have a strength of their own.
            sign = text[0] if own["points"][-1][1].startswith(text[0]) else "none"
            named = [f"{what} {points}" for what, points in own["points"][:-1]
                     if points.startswith(sign) and what != _ALL_OTHERS]  # fmt: skip
            more = f"{', '.join(named[:NAMED])} points" if named else ""
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
        places = round(value["places"])
        texts = ["the same rank"]
        if places:
            texts = [f"{abs(places)} place{'s' if abs(places) > 1 else ''} "
                     f"{'lower' if places > 0 else 'higher'}"]  # fmt: skip
        if abs(wins := value.get("wins", 0.0)) >= _SHOWN:
            texts.append(f"{number(abs(wins), '.1f')} {'fewer' if wins < 0 else 'more'} wins")
        if "title_prob" in value and title is not None:
            now = title[team]
            old, new = undecided(now), undecided(now + value["title_prob"])
            texts += [f"title {old} to {new}"] if old != new else []
        found.setdefault(team, []).append(f"Without {name}: {', '.join(texts)}")
    return found


def _places(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the places that a team has won by part in words, most first, without nothings."""
    values = summing(rows["value"].to_numpy(), 1)
    each = sorted(zip(rows["part"], values, strict=True), key=lambda one: -abs(one[1]))
    return [
        (_OF_OTHERS[value > 0] if part == OTHERS else _WORDS[part], number(value, "+.1f"))
        for part, value in each
        if abs(value) >= _SHOWN
    ]


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


def _points(rows: pd.DataFrame | None, status: Mapping[str, str]) -> list[tuple[str, float]]:
    """Return the changes of strength by reason in words, the largest first, and their sum."""
    if rows is None:
        return []
    named = rows["player"].where(rows["player"] != "", [label("part", p) for p in rows["part"]])
    total = rows["value"].groupby(named).sum()
    total = total.iloc[np.argsort(-total.abs().to_numpy(), kind="stable")]
    words = [f"{name}{status.get(str(name), '')}" for name in total.index[:PARTS]]
    values = summing(np.array([*total.iloc[:PARTS], total.iloc[PARTS:].sum()]), 1)
    found = [*zip([*words, _ALL_OTHERS], values, strict=True), ("together", sum(values))]
    return [one for one in found if abs(one[1]) >= _SHOWN or one[0] == "together"]


def _odds(row: Mapping[str, Any], old: pd.Series) -> dict[str, Any]:
    """Return the chances that have changed as shown, then and now, and the sum of the changes."""
    chances, swing = [], 0.0
    for place, words in () if row["out"] else ((0, "playoffs"), (len(EVENTS) - 1, "title")):
        names = [f"{EVENTS[place]}_prob", f"{EVENTS[place]}_prob_platt"]
        for name in [name for name in names if name in row and name in old.index][:1]:
            then, now = undecided(old[name]), undecided(row[name])
            swing += abs(row[name] - old[name])
            if row["reached"] <= place and then != now:
                chances.append((words, then, now))
    return {"chances": chances, "swing": swing}


def _availability(then: pd.DataFrame, now: pd.DataFrame | None) -> dict[str, str]:
    """Say of players, by name, who has come, gone, is absent or back since an earlier date."""
    if now is None or not len(then):
        return {}
    columns = ["player_id", "player", "team_id", "expected_minutes", "full_strength_minutes"]
    both = now[columns].merge(then[columns], how="outer", on="player_id", suffixes=("", "_then"))
    full = both["full_strength_minutes"].clip(lower=1.0)
    share = both["expected_minutes"] / full
    was = both["expected_minutes_then"] / both["full_strength_minutes_then"].clip(lower=1.0)
    moved = both["team_id"].notna() & both["team_id_then"].notna()
    words = np.select(
        [
            both["team_id"].isna(),
            both["team_id_then"].isna(),
            moved & (both["team_id"] != both["team_id_then"]),
            (share <= _ABSENT) & (share <= was - _CHANGE),
            (share > _ABSENT) & (share >= was + _CHANGE),
        ],
        [" (gone)", " (new)", " (traded)", " (absent)", " (back)"],
        "",
    )
    names = both["player"].fillna(both["player_then"])
    told = {str(name): str(word) for name, word in zip(names, words, strict=True) if word}
    # Of two players of a name nothing is said.
    twice = set(names[names.duplicated(keep=False)])
    return {name: word for name, word in told.items() if name not in twice}
