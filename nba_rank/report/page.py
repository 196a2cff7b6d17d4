"""The page of a date for readers: one HTML file that needs nothing but itself.

Its words are in `season.html.j2`, its charts are from `nba_rank.report.charts`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

from nba_rank.core import escape
from nba_rank.data.league import EAST, WEST, play_in
from nba_rank.data.outcomes import EVENTS
from nba_rank.data.standings import BERTHS
from nba_rank.evaluation.date_forecast import DateForecast
from nba_rank.evaluation.predictions import event_column
from nba_rank.features.players.squads import SEASON_OUT
from nba_rank.report import page_parts as parts
from nba_rank.report.format import FILTERS, heat, number, records
from nba_rank.report.labels import ABSENT, sentence
from nba_rank.report.page_changes import Changes, movers, team_changes, without
from nba_rank.report.page_history import History
from nba_rank.report.page_summary import summary
from nba_rank.report.page_what_if import WhatIf, what_if
from nba_rank.report.reached import decided_word, reached
from nba_rank.report.render import templates

_HEADINGS = dict(
    zip(EVENTS, ("Playoffs", "2nd round", "Conf. finals", "Finals", "Title"), strict=True)
)
_MORE = dict.fromkeys(EVENTS[1:3], "more")
"""Events that a narrow screen shows on demand only, and what marks their cells."""

_CLINCHED = "clinched playoffs"
_TAGS = {
    "clinched_first_seed": "clinched first seed", "clinched_playoffs": _CLINCHED,
    "clinched_play_in": "clinched play-in",
}  # fmt: skip
"""What is certain of a team during the regular season; the first that holds is said."""

_INFERRED = "who is absent is inferred from who stopped appearing"

_AVAILABLE = "available_points"
_STRENGTHS = {"full_points": "Full strength", _AVAILABLE: "Next game"}


@dataclass(frozen=True)
class SeasonView:
    """What a page is made of.

    Attributes:
        forecast: The forecast of its date.
        history: Forecasts of earlier dates of the season, a row a date and team, as in
            `nba_rank.experiments.history`; may be empty.
        changes: What has changed since an earlier date; None: nothing is known of one.
        without: Level `without_player` of `nba_rank.explain.without`; may be empty.
        from_run: Whether the history is the run's own test of the season.
        ranker: Name of the ranker.
        results: Games of the newest day, see `nba_rank.evaluation.track_record.newest_results`.
        record: Single games so far, see `nba_rank.evaluation.track_record.game_scores`.
        past: Earlier seasons, see `nba_rank.evaluation.track_record.past_scores`.
        made: How the forecast was made, words by term.
        pages: Names of all pages of the season, without ending, oldest first.
    """

    forecast: DateForecast
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    changes: Changes | None = None
    without: pd.DataFrame = field(default_factory=pd.DataFrame)
    from_run: bool = False
    ranker: str = "stack"
    results: pd.DataFrame = field(default_factory=pd.DataFrame)
    record: pd.DataFrame = field(default_factory=pd.DataFrame)
    past: pd.DataFrame = field(default_factory=pd.DataFrame)
    made: Mapping[str, str] = field(default_factory=dict)
    pages: Sequence[str] = ()


def season_page(view: SeasonView) -> str:
    """Return the page of a date as HTML."""
    forecast = view.forecast
    basis, tables = forecast.basis, forecast.tables
    rows = _rows(forecast)
    has_players, reported = "players" in tables, _reported(forecast)
    strengths = _STRENGTHS if has_players else {"full_points": "Strength"}
    strengths = {
        name: words
        for name, words in strengths.items()
        if name in rows[0] and not (basis.over and name == _AVAILABLE)
    }
    rule = play_in(basis.season)
    last = rule.line if rule else BERTHS
    predictions, over = forecast.predictions, _over(tables)
    any_game = bool(forecast.decided[["wins", "losses"]].to_numpy().any())
    events = {event: name for event in EVENTS if (name := event_column(predictions, event))}
    has_seeds = {"seeds", "standings"} <= set(tables) and not over
    title = events.get("title", "")
    history = History.of(view.history, predictions, title)
    reasons = parts.reasons(tables.get("reasons"))
    # After the last game nothing is expected any more, of which something could change.
    changes = None if basis.over else view.changes
    told = team_changes(changes, rows)
    moved = movers(rows, told)
    since = changes.day if changes else ""
    assumed = what_if(tables["differences"], rows) if forecast.hypothetical else None
    context: dict[str, Any] = {
        "season": basis.season,
        "date": f"{basis.as_of_date:%Y-%m-%d}",
        "day": f"{basis.as_of_date:%B %-d, %Y}",
        "basis": basis.line,
        "assumption": rows[0].get("assumption", ""),
        "no_reports": has_players and not reported and not basis.over,
        "hypothetical": forecast.hypothetical,
        "plain_page": f"{basis.as_of_date:%Y-%m-%d}" in view.pages,
        "summary": summary(rows, title, reasons, told, moved, view.past, _progress(tables)),
        "since": since,
        "assumed": assumed,
        "differences": assumed.rows if assumed else [],
        "movers": moved,
        "strengths": strengths.values(),
        "has_wins": "expected_wins" in predictions and not over,
        "events": [(_HEADINGS[event], _MORE.get(event, "")) for event in events],
        "ranking": _ranking(rows, _moved(told, assumed), events, strengths, over),
        "some_out": any(row["out"] for row in rows),
        "teams": _teams(rows, view, history, reasons, told),
        "n_teams": len(rows),
        "has_players": has_players,
        "has_reasons": "reasons" in tables,
        "has_errors": has_players and tables["players"]["impact_error"].notna().any(),
        "has_reports": has_players and tables["players"]["availability"].ne("").any(),
        "has_bands": "rank_low" in predictions,
        "dates_shown": history.dates_shown,
        "race": history.race({row["team"] for row in rows if row["out"]}),
        "from_run": view.from_run,
        "matrix": _matrix(rows, tables, {2 * BERTHS - last, last}) if has_seeds else [],
        "lines": {2 * BERTHS - last, last},
        "has_playin": rule is not None,
        "bracket": parts.bracket(tables.get("bracket")),
        **parts.coming(tables.get("games")),
        "standings": parts.standings(tables.get("standings")) if any_game else [],
        "inferred": _INFERRED,
        "over": over,
        "ended": basis.over,
        "results": parts.results(view.results, {row["team_id"]: row["team"] for row in rows}),
        "record": parts.record(view.record, view.ranker),
        "past": parts.past(view.past),
        "facts": _facts(view),
        "turns": turns(view.pages, f"{basis.as_of_date:%Y-%m-%d}"),
    }
    return (
        _environment().get_template("season.html.j2").render(context, contents=_contents(context))
    )


def dates_list(pages: Sequence[str]) -> Markup:
    """Return the links to all pages of a season."""
    names = map(Markup.escape, pages)
    items = "".join(f'<li><a href="{name}.html">{name}</a></li>' for name in names)
    return Markup(f'<h3 id="dates">All dates</h3><ul class="dates">{items}</ul>')


def turns(pages: Sequence[str], date: str) -> Markup:
    """Return the links from the page of a date to those before and after it, and to the lists.

    The dates are listed on the newest page alone: the others would have to be written anew with
    every date.
    """
    links = [("../index.html", "All seasons")]
    if len(pages) > 1:
        links.append(("index.html#dates", "All dates"))
    if date in pages:
        place = pages.index(date)
        if place:
            links.append((f"{pages[place - 1]}.html", f"Before: {pages[place - 1]}"))
        if place + 1 < len(pages):
            links.append((f"{pages[place + 1]}.html", f"After: {pages[place + 1]}"))
            links.append(("index.html", "Newest"))
    elif pages:
        links.append(("index.html", "Newest"))
    items = (Markup('<li><a href="{}">{}</a></li>').format(*link) for link in links)
    return Markup('<ul class="turns">{}</ul>').format(Markup("").join(items))


def _progress(tables: Mapping[str, pd.DataFrame]) -> float:
    """Return the share of the regular season that has been played, 0 where it is not known."""
    if "standings" not in tables:
        return 0.0
    played = tables["standings"][["wins", "losses"]].to_numpy().sum()
    return float(played / max(played + tables["standings"]["games_left"].sum(), 1))


def _contents(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the places of the page that hold something."""
    places = [
        ("moved", "What changed", "movers"), ("assumed", "What it changes", "differences"),
        ("ranking", "Power ranking", "ranking"), ("teams", "Teams", "teams"),
        ("race", "Title race", "race"), ("seeds", "Seeds", "matrix"),
        ("bracket", "Bracket", "bracket"), ("games", "Coming games", "games"),
        ("today", "Final standings" if context["over"] else "If it ended today", "standings"),
    ]  # fmt: skip
    found = [(place, words) for place, words, name in places if context[name]]
    return [*found, ("record", "How good has it been?"), ("basis", "What this rests on")]


def _rows(forecast: DateForecast) -> list[dict[str, Any]]:
    """Return what is said of each team: the champion, those still in, those out, by rank."""
    tables = forecast.tables
    told: dict[int, dict[str, Any]] = {row["team_id"]: row for row in records(forecast.decided)}
    for name in ("strengths", "standings"):
        for row in records(tables[name]) if name in tables else ():
            told[row["team_id"]] |= row
    happened = reached(tables)
    over = _over(tables)
    rows = []
    for row in records(forecast.predictions.drop(columns="top_players", errors="ignore")):
        own = told[row["team_id"]]
        done = happened.get(row["team_id"], 0)
        tag = next((words for name, words in _TAGS.items() if not over and own.get(name)), "")
        if own["state"] == "out" or own.get("eliminated"):
            tag = "eliminated"
        if own["state"] == "champion":
            tag, done = "champions", len(EVENTS)
        games = own["wins"] + own["losses"]
        rows.append(
            {name: own[name] for name in _STRENGTHS if name in own}
            | row
            | {
                "reached": done,
                "games_left": own.get("games_left", 1),
                "tag": tag,
                "out": tag == "eliminated",
                "record": f"{own['wins']}–{own['losses']}",  # noqa: RUF001
                "share": f"{own['wins'] / max(games, 1):.4f}",
            }
        )
    return sorted(rows, key=lambda row: (row["tag"] != "champions", row["out"], row["rank"]))


def _reported(forecast: DateForecast) -> bool:
    """Whether a current injury report says who can play."""
    if forecast.basis.injuries is None or "players" not in forecast.tables:
        return False
    return bool((~forecast.tables["players"]["availability"].isin(["", SEASON_OUT])).any())


def _over(tables: Mapping[str, pd.DataFrame]) -> bool:
    """Whether the regular season is over."""
    return "standings" in tables and not tables["standings"]["games_left"].any()


def _moved(told: Mapping[int, dict[str, Any]], assumed: WhatIf | None) -> dict[int, int]:
    """Return the places that each team has won; none where there is nothing to compare with."""
    if assumed is not None:
        return assumed.moved
    return {team: own["moved"] for team, own in told.items()}


def _ranking(
    rows: list[dict[str, Any]],
    moved: Mapping[int, int],
    events: Mapping[str, str],
    strengths: Collection[str],
    over: bool,
) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        chances = [
            _event(row[name], EVENTS.index(event), row["reached"], row["out"])
            for event, name in events.items()
        ]
        low, high = row.get("wins_low"), row.get("wins_high")
        found.append(
            row
            | {
                # The cell of the playoffs says the same.
                "tag": "" if row["tag"] == _CLINCHED and "playoff" in events else row["tag"],
                "moved": moved.get(row["team_id"], 0),
                # Whoever is out of the playoffs plays no game that somebody could miss.
                "strengths": [
                    np.nan if over and row["out"] and name == _AVAILABLE else row[name]
                    for name in strengths
                ],
                "wins": number(row.get("expected_wins"), ".1f" if row["games_left"] else ".0f"),
                "range": "" if low == high else f"{low}–{high}",  # noqa: RUF001
                "events": Markup("".join(chances)),
            }
        )
    return found


def _event(p: float, place: int, n_reached: int, out: bool) -> Markup:
    """Return the cell of an event: a word where it is decided, else its chance."""
    style = f"event {_MORE.get(EVENTS[place], '')}".strip()
    word = decided_word(place, n_reached, out=out)
    if not word:
        return heat(p, style)
    if n_reached > place:
        return Markup(f'<td class="{style} h10" data-heat data-sort="2">{word}</td>')
    return Markup(f'<td class="{style} faint" data-sort="-1">{word}</td>')


def _teams(
    rows: list[dict[str, Any]],
    view: SeasonView,
    history: History,
    reasons: Mapping[int, list[tuple[str, str]]],
    told: Mapping[int, dict[str, Any]],
) -> list[dict[str, Any]]:
    forecast, tables = view.forecast, view.forecast.tables
    players = parts.players(tables.get("players"))
    left_out = without(view.without, forecast.predictions)
    games = parts.next_games(tables.get("games"), forecast.basis.as_of_date)
    left = parts.games_left(tables.get("standings"))
    seeds = {} if _over(tables) else parts.seed_bars(tables.get("seeds"))
    return [
        {name: row[name] for name in ("team", "name", "conference", "rank", "record", "tag")}
        | {
            "chart": history.ranks(row["team"]),
            "ends": _ends(row),
            "seeds": seeds.get(row["team_id"]),
            "reasons": reasons.get(row["team_id"], []),
            "changes": told.get(row["team_id"]),
            "without": left_out.get(row["team_id"], []),
            "players": players.get(row["team_id"], []),
            "games": games.get(row["team_id"], []),
            "left": left.get(row["team_id"], ""),
        }
        for row in sorted(rows, key=lambda row: str(row["name"]))
    ]


def _ends(row: Mapping[str, Any]) -> str:
    """Say on which ranks most simulated seasons of a team end; empty where that is decided."""
    low, high = row.get("rank_low"), row.get("rank_high")
    return "" if low == high else f"{low:.0f} to {high:.0f}"


def _matrix(
    rows: list[dict[str, Any]], tables: Mapping[str, pd.DataFrame], lines: set[int]
) -> list[dict[str, Any]]:
    """Return the chances of all seeds by conference."""
    seeds = tables["seeds"]
    place = {team: n for n, team in enumerate(seeds["team_id"].tolist())}
    share = seeds.filter(regex=r"^seed_\d+$").to_numpy()
    sure = {}
    for row in records(tables["standings"][["team_id", "best_seed", "worst_seed"]]):
        if pd.notna(row["best_seed"]) and row["best_seed"] == row["worst_seed"]:
            sure[row["team_id"]] = int(row["best_seed"])
    found = []
    for name in (EAST, WEST):
        own = [row for row in rows if row["conference"] == name]
        numbers = [*range(1, len(own) + 1)]
        chances = share[[place[row["team_id"]] for row in own], : len(own)]
        order = np.argsort(chances @ np.array(numbers), kind="stable")
        lines_of = [
            (
                own[n]["team"],
                Markup(
                    "".join(
                        _seed_cell(p, seed, sure.get(own[n]["team_id"], 0), seed in lines)
                        for seed, p in zip(numbers, chances[n].tolist(), strict=True)
                    )
                ),
            )
            for n in order.tolist()
        ]
        found.append({"name": name, "numbers": numbers, "rows": lines_of})
    return found


def _seed_cell(p: float, seed: int, sure: int, at_line: bool) -> Markup:
    after = "after" if at_line else ""
    if sure == seed:
        return Markup(f'<td class="h10 {after}" data-heat data-sort="2">sure</td>')
    if p < parts.SHOWN:
        return Markup(f'<td class="{after}" data-sort="{p:.4f}"></td>')
    return heat(p, after)


def _facts(view: SeasonView) -> list[tuple[str, str]]:
    """Say what was assumed, when the forecast was made and from which data."""
    forecast = view.forecast
    basis = forecast.basis
    assumed = forecast.predictions.get("assumption", pd.Series([""])).iloc[0]
    has_players = "players" in forecast.tables
    found = [
        ("Games", f"up to {basis.last_game:%Y-%m-%d}" if basis.last_game is not None else "none"),
        (
            "Days missing",
            f"{basis.missed} days with games are not in the data" if basis.missed else "",
        ),
        ("Players", "" if has_players else "none are known: this rests on what needs none"),
        (
            "Rosters",
            f"of {basis.roster:%Y-%m-%d}, and each player's team in later games"
            if basis.roster is not None
            else "each player belongs to the team of his last game",
        ),
        (
            "Injuries",
            (f"report of {basis.injuries:%Y-%m-%d}" if basis.injuries is not None else "no reports")
            + ("" if _reported(forecast) or basis.over else f": {_INFERRED}"),
        ),
        (
            "Schedule",
            "the season is over" if basis.over else basis.coming or "none known",
        ),
        ("Assumed", sentence(assumed)),
        ("Hypothetical", forecast.hypothetical),
        ("Changed data", ", ".join(forecast.changed) and
         f"changed since the models were trained: {', '.join(forecast.changed)}"),
        ("Old tables", forecast.forgotten or ""),
        *view.made.items(),
        ("Tables", f"hash {forecast.data[:12]}"),
    ]  # fmt: skip
    silent = () if has_players else ("Rosters", "Injuries")
    return [(term, escape.plain(words)) for term, words in found if words and term not in silent]


@cache
def _environment() -> Environment:
    environment = templates()
    environment.filters |= {"number": FILTERS["number"], "sentence": sentence}
    environment.globals |= {"ABSENT": ABSENT}
    return environment
