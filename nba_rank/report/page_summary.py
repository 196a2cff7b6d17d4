"""The first words of a page: who is favourite, how sure, why, and what has changed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nba_rank.core.names import STANDINGS
from nba_rank.report.explained import ALL_OTHERS
from nba_rank.report.format import chance, undecided
from nba_rank.report.labels import POINT_LABELS, listed, ordinal

_RIVALS, _REASONS = 2, 3
"""Teams named beside the favourite, and reasons of its strength."""

_EVEN = 0.05
"""Chances that are no further from a half are called even."""


_TWICE, _MOST = 1.75, 99
"""Ratios of a chance to that of the contrary: from the first on and up to the second it is told."""


class Summary(NamedTuple):
    """Sentences, empty where nothing can be said.

    Attributes:
        who: Who is favourite, or champion.
        sure: How sure that is.
        why: What makes the favourite strong.
        moved: How the favourite's odds have changed, and who has moved most.
    """

    who: str
    sure: str = ""
    why: str = ""
    moved: str = ""


def summary(
    rows: Sequence[Mapping[str, Any]],
    title: str,
    reasons: Mapping[int, Sequence[tuple[str, str]]],
    changes: Mapping[int, dict[str, Any]],
    movers: Mapping[str, Sequence[Mapping[str, Any]]],
    past: pd.DataFrame,
    progress: float,
) -> Summary:
    """Say what a stranger asks first, in the words of the tables below.

    Args:
        rows: The teams, as in the power ranking.
        title: Column of their title odds; empty where there are none.
        reasons: What each team's strength is made of as text, its sum last, by team id.
        changes: See `nba_rank.report.page_changes.team_changes`.
        movers: See `nba_rank.report.page_changes.movers`.
        past: See `nba_rank.evaluation.track_record.past_scores`.
        progress: Share of the regular season that has been played.
    """
    first = rows[0]
    if first["tag"] == "champions":
        return Summary(f"{first['name']} are champions.")
    moved = _moved(changes, movers)
    over = progress >= 1
    if not title:
        return Summary(f"{first['name']} are ranked first.", "", _why(first, reasons, over), moved)
    able = [row for row in rows if not row["out"]]
    first, *others = sorted(able, key=lambda row: -row[title])
    who = f"{first['name']}, {undecided(first[title])} for the title"
    if first["rank"] > 1:
        who += f", though ranked {ordinal(first['rank'])}"
    if others:
        rivals = [f"{row['name']} ({undecided(row[title])})" for row in others[:_RIVALS]]
        who += f"; next {listed(rivals)}"
    if changes:
        moved = f"{_title(first, changes[first['team_id']], title)} {moved}"
    sure = _sure(first[title], past, progress)
    return Summary(f"{who}.", sure, _why(first, reasons, over), moved)


def _title(first: Mapping[str, Any], own: Mapping[str, Any], title: str) -> str:
    """Say how the title odds of the favourite have changed."""
    odds = next((odds for what, *odds in own["chances"] if what == "title"), ())
    told = " to ".join(odds) if odds else f"still {undecided(first[title])}"
    return f"{first['name']} {told} for the title."


def _sure(p: float, past: pd.DataFrame, progress: float) -> str:
    """Say how sure the favourite is, and how sure such forecasts were of later champions."""
    text = f"It is {_likely(p)}."
    points = {point: 0.0 if point == "open" else float(point) for point in POINT_LABELS
              if point != "end"}  # fmt: skip
    own = past[:0]
    if len(past) and progress < 1:  # in the playoffs a favourite knows more
        known = (past["metric"] == "champion_log_loss") & (past["reference"] == STANDINGS)
        share = past["as_of_point"].map(points)
        own = past[known & (share <= progress + 1e-9)]
    if own.empty:
        return text
    row = own.iloc[-1]
    at = row["as_of_point"]
    when = "On opening night" if at == "open" else f"After {POINT_LABELS[at]} of the games"
    n = row["n_seasons"]
    which, mean = (row["first"], "") if n == 1 else (f"{n} earlier seasons", " (geometric mean)")
    ours, theirs = (chance(float(np.exp(-row[name]))) for name in ("value", "reference_value"))
    return (
        f"{text} {when} of {which}, such forecasts gave the later champion {ours}{mean}, the "
        f"standings {theirs}."
    )


def _likely(p: float) -> str:
    """Say how likely something is beside its contrary."""
    if abs(p - 0.5) <= _EVEN:
        return "about as likely as not to win it"
    ratio = max(p, 1 - p) / max(min(p, 1 - p), 1e-9)
    if ratio < _TWICE:
        return f"somewhat {'more' if p > 0.5 else 'less'} likely than not to win it"
    times = f"{ratio:.0f} times" if ratio < _MOST else f"more than {_MOST} times"
    times = "twice" if times == "2 times" else times
    return f"{times} as likely " + ("to win it as not" if p > 0.5 else "not to win it as to win it")


def _why(
    first: Mapping[str, Any], reasons: Mapping[int, Sequence[tuple[str, str]]], over: bool
) -> str:
    """Say what a team's strength is made of, in the playoffs or, before these, until then."""
    rows = reasons.get(first["team_id"], ())
    parts = [
        f"{what} {points}"
        for what, points in rows[:-1]
        if points.startswith("+") and what != ALL_OTHERS
    ]
    if not parts:
        return ""
    when = "in" if over else "until"
    return (
        f"{rows[-1][1]} points a game against an average team {when} the playoffs: "
        f"{listed(parts[:_REASONS])}."
    )


def _moved(
    changes: Mapping[int, dict[str, Any]],
    movers: Mapping[str, Sequence[Mapping[str, Any]]],
) -> str:
    """Say who has moved most, and why."""
    if not changes:
        return ""
    each = [*movers.get("up", ()), *movers.get("down", ())]
    if not each:
        return "No team that can still win the title has changed its rank."
    most = max(each, key=lambda one: one["size"])
    verb = "up" if most["moved"] > 0 else "down"
    places = f"{most['size']} place{'s' * (most['size'] > 1)}"
    return f"{most['name']} moved most, {verb} {places}, {most['words']}: {most['short']}."
