"""Who started a period, and the stints of a period.

A period's events are plain lists, as loops over millions of events in pandas would be slow. An
event is `(elapsed, act, points, technical, players, teams)`: seconds since the start, and three
players with their teams, as `raw.play_by_play` gives them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from nba_rank.data.raw.play_by_play import Act

Event = tuple[float, int, int, bool, tuple[int, int, int], tuple[int, int, int]]
SIDE_SIZE = 5


@dataclass
class Stint:
    """Who is on court, players by side, and points and possessions of both sides until `end`."""

    start: float
    players: tuple[list[int], list[int]]
    end: float = 0.0
    points: list[int] = field(default_factory=lambda: [0, 0])
    possessions: list[int] = field(default_factory=lambda: [0, 0])


def starters(events: Sequence[Event], side_of: Mapping[int, int]) -> tuple[list[int], list[int]]:
    """Return up to five players of each side who started a period, as far as its events tell.

    Those who leave before they come, or act before either, were on court. Whoever comes in at the
    very moment of his acts came before them, and if there are more than five, those who come later
    give way, and then those who act last.
    """
    first_act: dict[int, float] = {}
    first_change: dict[int, tuple[float, bool]] = {}
    order: dict[int, int] = {}
    side: dict[int, int] = {}
    for place, (elapsed, act, _, technical, players, teams) in enumerate(events):
        if act == Act.SUBSTITUTION:
            for position, player in enumerate(players[:2]):
                if player:
                    first_change.setdefault(player, (elapsed, position == 1))
                    order.setdefault(player, place)
                    side.setdefault(player, side_of.get(teams[0], -1))
        elif act != Act.BENCH and not (technical and elapsed == 0):
            for player, team in zip(players, teams, strict=True):
                if player and team in side_of:
                    first_act.setdefault(player, elapsed)
                    order.setdefault(player, place)
                    side.setdefault(player, side_of[team])
    sure: list[list[tuple[int, int, int]]] = [[], []]
    for player, place in order.items():
        if side[player] < 0:
            continue
        changed_at, comes = first_change.get(player, (inf, False))
        if comes and first_act.get(player, inf) >= changed_at:
            continue
        doubt = 2 if comes else 1 if changed_at == inf else 0
        sure[side[player]].append((doubt, place, player))
    home, away = ([player for _, _, player in sorted(some)[:SIDE_SIZE]] for some in sure)
    return home, away


def stints(
    events: Sequence[Event],
    side_of: Mapping[int, int],
    start: tuple[list[int], list[int]],
    length: float,
) -> list[Stint]:
    """Return the stints of a period that these players start; those of no time are left in.

    Free throws, and the possession that they end, count for those on court at the foul. A
    possession of a side ends with the side's last act before the other has the ball. One that
    begins in the last two seconds counts if it brings points, and one in which nothing happens
    counts if it begins before.
    """
    current = Stint(0.0, (list(start[0]), list(start[1])))
    made = [current]
    foul_at, foul_stint = -1.0, current
    offense, last, ended = -1, current, False
    for elapsed, act, points, technical, players, teams in events:
        side = side_of.get(teams[0], -1)
        if act == Act.SUBSTITUTION:
            if side >= 0:
                on_court = (list(current.players[0]), list(current.players[1]))
                goes, comes = players[0], players[1]
                five = on_court[side]
                if goes in five:
                    five.remove(goes)
                elif 0 in five and len(five) == SIDE_SIZE and comes:
                    five.remove(0)
                if comes and comes not in five:
                    five.append(comes)
                current.end = elapsed
                current = Stint(elapsed, on_court)
                made.append(current)
            continue
        at = current
        if act == Act.FREE_THROW and foul_at == elapsed and not technical:
            at = foul_stint
        if act == Act.FOUL:
            foul_at, foul_stint = elapsed, current
        if side < 0:
            continue
        if points:
            at.points[side] += points
        if act in (Act.SHOT, Act.TURNOVER, Act.REBOUND) or (
            act == Act.FREE_THROW and not technical
        ):
            if offense != side:
                if offense >= 0:
                    (at if act == Act.REBOUND else last).possessions[offense] += 1
                offense = side
            last, ended = at, points > 0 or act == Act.TURNOVER
    if ended:
        last.possessions[offense] += 1
    current.end = length
    return made
