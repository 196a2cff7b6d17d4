"""Stints of whole games from their events."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import accumulate

import numpy as np
import pandas as pd

from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.play_by_play.periods import SIDE_SIZE, Event, Stint, starters, stints
from nba_rank.data.raw.play_by_play import PEOPLE
from nba_rank.data.stints import period_seconds, stints_table
from nba_rank.data.tables import LINE_UP, SIDES, conform, no_rows

_LineUps = dict[int, tuple[list[int], list[int]]]


def all_stints(
    written: pd.DataFrame | None,
    events: pd.DataFrame | None,
    known: GameTables,
    issues: IngestIssues,
) -> pd.DataFrame:
    """Return the canonical table `stints`, from stint files and, for other games, from events.

    Args:
        written: Rows of stint files; None if there are none.
        events: Rows of play-by-play; None if there are none. Those of a game whose stints were
            written and add up are not used.
        known: What the game logs say.
        issues: Gets a warning for each kind of game that is left out.
    """
    parts = [] if written is None else [stints_table(written, known, issues)]
    if events is not None:
        once = ~events.duplicated("game_id")
        unknown = ~events["game_id"].isin(known.games["game_id"])
        what = "play-by-play left out: the game logs lack the game"
        issues.warn(what, events, once & unknown, ["game_id"])
        given = events["game_id"].isin([game for part in parts for game in part["game_id"]])
        what = "play-by-play not used: a stint file has the game"
        issues.warn(what, events, once & given, ["game_id"])
        if len(rest := events[~unknown & ~given]):
            derived = derive_stints(rest, known.games, known.player_games)
            parts.append(stints_table(derived, known, issues))
    return conform("stints", pd.concat(parts)) if parts else no_rows("stints")


def derive_stints(
    events: pd.DataFrame, games: pd.DataFrame, player_games: pd.DataFrame
) -> pd.DataFrame:
    """Return the stints of games, in the form of rows of stint files.

    Args:
        events: Of `raw.play_by_play.normalise`.
        games: The table, with every game of the events.
        player_games: The table; who is on court for a whole period in which nothing names him is
            found by his seconds. Without them he is unknown, 0.
    """
    known = player_games[player_games["game_id"].isin(events["game_id"].unique())]
    logged: dict[str, dict[int, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for game, team, player, seconds in zip(
        *(known[name].tolist() for name in ("game_id", "team_id", "player_id", "seconds")),
        strict=True,
    ):
        logged[game][team][player] = seconds
    teams = games.set_index("game_id")[["home_team_id", "away_team_id"]]
    events = events.sort_values(["game_id", "period", "file", "row"], kind="stable")
    length = events["period"].map(period_seconds)
    people = [
        zip(*(events[f"{what}_{number}"].tolist() for number in PEOPLE), strict=True)
        for what in ("player", "team")
    ]
    every = [
        *zip(
            (length - events["left"]).tolist(),
            *(events[name].tolist() for name in ("act", "points", "technical")),
            *people, strict=True,
        )
    ]  # fmt: skip
    code = events["game_id"].factorize()[0]
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    made: list[tuple[object, ...]] = []
    for start, stop in zip(starts, [*starts[1:], len(events)], strict=True):
        of_game = events["game_id"].iloc[start]
        sides = teams.loc[of_game].tolist()
        periods: dict[int, list[Event]] = {}
        for period, event in zip(
            events["period"].iloc[start:stop].tolist(), every[start:stop], strict=True
        ):
            periods.setdefault(int(period), []).append(event)
        source = (events["file"].iloc[start], events["row"].iloc[start])
        for period, found in _of_game(periods, sides, logged[of_game]).items():
            made += [
                (*source, of_game, period, stint.start, stint.end, *sides, *stint.players[0],
                 *stint.players[1], *stint.points, *stint.possessions)
                for stint in found
            ]  # fmt: skip
    names = [
        "file", "row", "game_id", "period", "start", "end", "home_team_id", "away_team_id",
        *LINE_UP, *(f"{side}_{what}" for what in ("points", "possessions") for side in SIDES),
    ]  # fmt: skip
    rows = pd.DataFrame(made, columns=names)
    return rows.astype(dict.fromkeys(names[3:], "float64"))


def _of_game(
    periods: Mapping[int, list[Event]], sides: list[int], logged: Mapping[int, Mapping[int, int]]
) -> dict[int, list[Stint]]:
    """Return the stints of each period of a game with ten places each, 0 for an unknown player."""
    side_of = {team: side for side, team in enumerate(sides)}
    begin: _LineUps = {}
    for period, events in periods.items():
        events[:] = _forwards(events)
        begin[period] = starters(events, side_of)
    found = _play(periods, side_of, begin)
    if any(len(five) < SIDE_SIZE for ten in begin.values() for five in ten):
        _complete(begin, periods, found, [logged.get(team, {}) for team in sides])
        found = _play(periods, side_of, begin)
    for some in found.values():
        for stint in some:
            for five in stint.players:
                five += [0] * (SIDE_SIZE - len(five))
                # More than five are on court where a substitution is missing: nobody is sure.
                five[:] = five if len(five) == SIDE_SIZE else [0] * SIDE_SIZE
    return found


def _forwards(events: list[Event]) -> list[Event]:
    """Return events whose clock never runs backwards."""
    times = accumulate((event[0] for event in events), max)
    return [(time, *event[1:]) for time, event in zip(times, events, strict=True)]


def _play(
    periods: Mapping[int, list[Event]], side_of: Mapping[int, int], begin: _LineUps
) -> dict[int, list[Stint]]:
    return {
        period: stints(events, side_of, begin[period], period_seconds(period))
        for period, events in periods.items()
    }


def _complete(
    begin: _LineUps,
    periods: Mapping[int, list[Event]],
    found: Mapping[int, list[Stint]],
    logged: list[Mapping[int, int]],
) -> None:
    """Add players who lack at least half of a period by their logs and whom nothing in it names."""
    played: dict[int, float] = defaultdict(float)
    for some in found.values():
        for stint in some:
            for player in (*stint.players[0], *stint.players[1]):
                played[player] += stint.end - stint.start
    for period, ten in begin.items():
        length = period_seconds(period)
        named = {player for event in periods[period] for player in event[4]}
        for five, seconds in zip(ten, logged, strict=True):
            lacking = {
                player: total - played[player]
                for player, total in seconds.items()
                if player not in named and total - played[player] >= length / 2
            }
            most = sorted(lacking, key=lambda player: (-lacking[player], player))
            for player in most[: SIDE_SIZE - len(five)]:
                five.append(player)
                played[player] += length
