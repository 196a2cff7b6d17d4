"""Answers of public services that nest what we read, as plain rows.

Sources: the documentation of the-odds-api.com (v4, odds and historical odds) and balldontlie.io
(NBA, `player_injuries`); ESPN's `scoreboard` and `injuries` as site.api.espn.com gives them.
"""

from collections.abc import Callable, Iterator
from typing import Any

from nba_rank.data import league

Record = dict[str, Any]


def plain_rows(found: object) -> list[Record] | None:
    """Return the rows of one answer, or of a list of them; None if it is of no such service.

    Lines are a row an outcome, as `oddsapiR` writes them; a game without any has one empty row.
    """
    pages: list[Any] = found if isinstance(found, list) else [found]
    if not pages or not all(isinstance(page, dict) for page in pages):
        return None
    for knows, rows in _SERVICES:
        if all(map(knows, pages)):
            return [row for page in pages for row in rows(page)]
    return None


def espn_injuries(found: object) -> Record | None:
    """Return ESPN's injuries as a report with the time of the answer; None if it is none."""
    teams = found.get("injuries") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(teams, list):
        return None
    if not teams or not all(isinstance(team, dict) and "injuries" in team for team in teams):
        return None
    entries = [
        {
            "player_name": _of(entry, "athlete", "displayName"),
            "team_id": team.get("displayName") or _of(team, "team", "abbreviation"),
            "status": entry.get("status"),
            "reason": _of(entry, "details", "type"),
        }
        for team in teams
        for entry in team["injuries"]
    ]
    return {"date": found.get("timestamp"), "injuries": entries}


def _of(found: object, *names: str) -> Any:  # noqa: ANN401
    """Return a value deep in objects, None where there is none."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _events(page: Record) -> list[Record]:
    """Return the events of a page of the-odds-api: itself, or those of a historical answer."""
    data = page.get("data", page)
    return [event for event in (data if isinstance(data, list) else [data]) if event]


def _has_lines(page: Record) -> bool:
    events = _events(page)
    return bool(events) and all(isinstance(_of(event, "bookmakers"), list) for event in events)


def _lines(page: Record) -> Iterator[Record]:
    for event in _events(page):
        game = {name: event.get(name) for name in ("commence_time", "home_team", "away_team")}
        outcomes = [
            {
                "bookmaker_key": _of(bookmaker, "key"),
                "market_key": _of(market, "key"),
                **{f"outcomes_{name}": _of(outcome, name) for name in ("name", "price", "point")},
            }
            for bookmaker in event["bookmakers"]
            for market in _of(bookmaker, "markets") or []
            for outcome in _of(market, "outcomes") or []
        ]
        nothing = dict.fromkeys(
            ("market_key", "outcomes_name", "outcomes_price", "outcomes_point"), None
        )
        yield from ({**game, **outcome} for outcome in outcomes or [nothing])


def _has_scoreboard(page: Record) -> bool:
    events = page.get("events")
    return isinstance(events, list) and bool(events) and all(_game(event) for event in events)


def _game(event: object) -> Record:
    """Return the game of an event with its `competitors`, or nothing."""
    found = _of(event, "competitions")
    game = found[0] if isinstance(found, list) and found else {}
    return game if isinstance(_of(game, "competitors"), list) else {}


def _scoreboard(page: Record) -> Iterator[Record]:
    for event in page["events"]:
        game = _game(event)
        sides = {
            _of(side, "homeAway"): _of(side, "team", "abbreviation") for side in game["competitors"]
        }
        yield {
            "DATE": event.get("date"),
            "HOME": sides.get("home"),
            "AWAY": sides.get("away"),
            "NEUTRAL": game.get("neutralSite"),
            "SEASON_TYPE": _of(event, "season", "type"),
            "STATUS": _of(event, "status", "type", "description"),
        }


def _has_balldontlie_injuries(page: Record) -> bool:
    data = page.get("data")
    return isinstance(data, list) and all(
        isinstance(entry, dict) and {"player", "status", "return_date"} <= {*entry}
        for entry in data
    )


def _balldontlie_injuries(page: Record) -> Iterator[Record]:
    """Its teams are numbered in order of their names."""
    names = sorted(name for _, name in league.names_of_today().values())
    teams = dict(enumerate(names, start=1))
    for entry in page["data"]:
        first, last, team = (
            _of(entry, "player", name) for name in ("first_name", "last_name", "team_id")
        )
        yield {
            "PLAYER_NAME": f"{first or ''} {last or ''}".strip() or None,
            "TEAM": teams.get(team, team),
            "STATUS": entry["status"],
            "REASON": entry.get("description"),
        }


_SERVICES: tuple[tuple[Callable[[Record], bool], Callable[[Record], Iterator[Record]]], ...] = (
    (_has_lines, _lines),
    (_has_scoreboard, _scoreboard),
    (_has_balldontlie_injuries, _balldontlie_injuries),
)
"""Whether an answer is a service's, and its rows."""
