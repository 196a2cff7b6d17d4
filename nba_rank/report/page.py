"""The page of a date for readers: one HTML file that needs nothing but itself.

Its words are in `season.html.j2`, its charts are from `nba_rank.report.charts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nba_rank.core import escape
from nba_rank.data.league import EAST, WEST, play_in
from nba_rank.data.outcomes import EVENTS
from nba_rank.data.standings import BERTHS
from nba_rank.evaluation.date_forecast import DateForecast
from nba_rank.report import page_parts as parts
from nba_rank.report.format import FILTERS, heat
from nba_rank.report.labels import ABSENT, sentence
from nba_rank.report.page_history import History

_HEADINGS = dict(
    zip(EVENTS, ("Playoffs", "2nd round", "Conf. finals", "Finals", "Title"), strict=True)
)
_DONE = ("clinched", "reached", "reached", "reached", "champions")
"""What is said of an event that has happened, in the order of `EVENTS`."""

_CLINCHED = "clinched playoffs"

_STRENGTHS = {"full_points": "Full strength", "available_points": "Tonight"}
_STRENGTH_WORDS = (
    "Strength: the expected margin against an average team on a neutral court, in points, with "
    "everybody (full strength) and with those who can play (tonight), the average team likewise."
)


@dataclass(frozen=True)
class SeasonView:
    """What a page is made of.

    Attributes:
        forecast: The forecast of its date.
        history: Forecasts of earlier dates of the season, a row a date and team, as in
            `nba_rank.experiments.history`; may be empty.
        earlier: The forecast that movement is counted from, a row a team; may be empty.
        from_run: Whether the history is the run's own test of the season.
        ranker: Name of the ranker.
        record: Single games so far, see `nba_rank.evaluation.track_record.game_scores`.
        past: Earlier seasons, see `nba_rank.evaluation.track_record.past_scores`.
        made: How the forecast was made, words by term.
        pages: Names of all pages of the season, without ending, oldest first.
    """

    forecast: DateForecast
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    earlier: pd.DataFrame = field(default_factory=pd.DataFrame)
    from_run: bool = False
    ranker: str = "stack"
    record: pd.DataFrame = field(default_factory=pd.DataFrame)
    past: pd.DataFrame = field(default_factory=pd.DataFrame)
    made: Mapping[str, str] = field(default_factory=dict)
    pages: Sequence[str] = ()


def season_page(view: SeasonView) -> str:
    """Return the page of a date as HTML."""
    forecast = view.forecast
    basis, tables = forecast.basis, forecast.tables
    rows = _rows(forecast)
    rule = play_in(basis.season)
    last = rule.line if rule else BERTHS
    events = {event: name for event in EVENTS if (name := _column(rows, event))}
    over = "standings" in tables and not tables["standings"]["games_left"].any()
    has_seeds = "seeds" in tables and not over
    history = History.of(view.history, forecast.predictions, events.get("title", ""))
    context: dict[str, Any] = {
        "season": basis.season,
        "date": f"{basis.as_of_date:%Y-%m-%d}",
        "day": f"{basis.as_of_date:%B %-d, %Y}",
        "basis": basis.line,
        "assumption": rows["assumption"].iloc[0] if "assumption" in rows else "",
        "no_reports": basis.injuries is None and not basis.over,
        "hypothetical": forecast.hypothetical,
        "champion": next(iter(rows.loc[rows["state"] == "champion", "name"]), ""),
        "since": f"{view.earlier['as_of_date'].iloc[0]:%B %-d}" if len(view.earlier) else "",
        "strengths": [words for name, words in _STRENGTHS.items() if name in rows],
        "strength_words": _STRENGTH_WORDS,
        "has_wins": "expected_wins" in rows,
        "events": [_HEADINGS[event] for event in events],
        "ranking": _ranking(rows, view.earlier, events),
        "teams": _teams(rows, forecast, history, basis.as_of_date),
        "n_teams": len(rows),
        "has_players": "players" in tables,
        "has_errors": "players" in tables and tables["players"]["impact_error"].notna().any(),
        "has_reports": "players" in tables and tables["players"]["availability"].ne("").any(),
        "has_bands": "rank_low" in rows,
        "dates_shown": history.dates_shown,
        "race": history.race({*rows.loc[rows["out"], "team"]}),
        "from_run": view.from_run,
        "matrix": _matrix(rows, tables, {2 * BERTHS - last, last}) if has_seeds else [],
        "lines": {2 * BERTHS - last, last},
        "has_playin": rule is not None,
        "bracket": parts.bracket(tables.get("bracket")),
        **parts.coming(tables.get("games")),
        "standings": parts.standings(tables.get("standings")),
        "over": over,
        "record": parts.record(view.record, view.ranker),
        "past": parts.past(view.past),
        "facts": _facts(view),
        "dates": dates_list(view.pages),
    }
    return (
        _environment().get_template("season.html.j2").render(context, contents=_contents(context))
    )


def dates_list(pages: Sequence[str]) -> Markup:
    """Return the links to all pages of a season."""
    if not pages:
        return Markup()
    items = Markup().join(
        Markup('<li><a href="{0}.html">{1}</a></li>').format(name, name.replace("_", " "))
        for name in pages
    )
    return Markup('<h3>All dates</h3><ul class="dates">{}</ul>').format(items)


def _contents(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the places of the page that hold something."""
    places = [
        ("ranking", "Power ranking", "ranking"), ("teams", "Teams", "teams"),
        ("race", "Title race", "race"), ("seeds", "Seeds", "matrix"),
        ("bracket", "Bracket", "bracket"), ("games", "Coming games", "games"),
        ("today", "Final standings" if context["over"] else "If it ended today", "standings"),
    ]  # fmt: skip
    found = [(place, words) for place, words, name in places if context[name]]
    return [*found, ("record", "How good has it been?"), ("basis", "What this rests on")]


def _rows(forecast: DateForecast) -> pd.DataFrame:
    """Return what is said of each team, a row a team: champion, those still in, those out."""
    rows = forecast.predictions.merge(forecast.decided, on="team_id", validate="one_to_one")
    tables = forecast.tables
    if "strengths" in tables:
        rows = rows.merge(tables["strengths"].drop(columns=["season", "as_of_date"]), on="team_id")
    reached = pd.Series(0, index=rows["team_id"])
    tag = pd.Series("", index=rows["team_id"])
    if "standings" in tables:
        told = tables["standings"].set_index("team_id").reindex(rows["team_id"])
        reached = reached.mask(told["clinched_playoffs"], 1)
        if told["games_left"].any():
            tag = tag.mask(told["clinched_play_in"], "clinched play-in")
            tag = tag.mask(told["clinched_playoffs"], _CLINCHED)
            tag = tag.mask(told["clinched_first_seed"], "clinched first seed")
        tag = tag.mask(told["eliminated"], "eliminated")
    if "bracket" in tables:
        sure = tables["bracket"][lambda frame: frame["state"] != "projected"]
        for side in ("host", "guest"):
            won = (sure["state"] == "decided") & (sure[f"{side}_win_prob"] == 1)
            # Whoever wins the play-in is in a series, if not in a further game of it.
            least = sure["round"] + (won & (sure["round"] > 0))
            of_team = least.groupby(sure[f"{side}_team_id"]).max()
            reached = reached.combine(of_team.reindex(reached.index, fill_value=0), max)
    state = rows["state"].to_numpy()
    tag = tag.mask(state == "out", "eliminated").mask(state == "champion", "champions")
    reached = reached.mask(state == "champion", len(EVENTS))
    rows = rows.assign(
        reached=reached.to_numpy(),
        tag=tag.to_numpy(),
        out=tag.to_numpy() == "eliminated",
        played=np.maximum(rows["wins"] + rows["losses"], 1),
    )
    order = np.select([rows["state"] == "champion", ~rows["out"]], [0, 1], 2)
    return rows.iloc[np.lexsort((rows["rank"], order))].reset_index(drop=True)


def _column(rows: pd.DataFrame, event: str) -> str:
    """Return the column of an event's chances: the simulation's, else the calibrated one."""
    return next((name for name in (f"{event}_prob", f"{event}_prob_platt") if name in rows), "")


def _ranking(
    rows: pd.DataFrame, earlier: pd.DataFrame, events: Mapping[str, str]
) -> list[dict[str, Any]]:
    before = earlier.set_index("team_id")["rank"].to_dict() if len(earlier) else {}
    found = []
    for row in rows.to_dict("records"):
        chances = [
            _event(float(row[name]), place, int(row["reached"]), bool(row["out"]))
            for place, name in ((EVENTS.index(event), name) for event, name in events.items())
        ]
        low, high = row.get("wins_low"), row.get("wins_high")
        found.append(
            {
                "id": row["team"],
                "team": row["team"],
                "name": row["name"],
                "conference": row["conference"],
                # The cell of the playoffs says the same.
                "tag": "" if row["tag"] == _CLINCHED and "playoff" in events else row["tag"],
                "rank": row["rank"],
                "moved": int(before.get(row["team_id"], row["rank"]) - row["rank"]),
                "record": f"{row['wins']}–{row['losses']}",  # noqa: RUF001
                "share": f"{row['wins'] / row['played']:.4f}",
                "strengths": [row[name] for name in _STRENGTHS if name in row],
                "wins": row.get("expected_wins"),
                "range": "" if low == high else f"{low}–{high}",  # noqa: RUF001
                "events": Markup().join(chances),
            }
        )
    return found


def _event(p: float, place: int, reached: int, out: bool) -> Markup:
    """Return the cell of an event: a word where it is decided, else its chance."""
    if reached > place:
        return Markup(f'<td class="event h10" data-heat data-sort="2">{_DONE[place]}</td>')
    if out:
        return Markup('<td class="event faint" data-sort="-1">out</td>')
    return heat(p, "event")


def _teams(
    rows: pd.DataFrame, forecast: DateForecast, history: History, date: pd.Timestamp
) -> list[dict[str, Any]]:
    tables = forecast.tables
    over = "standings" in tables and not tables["standings"]["games_left"].any()
    players = parts.players(tables.get("players"))
    games = parts.next_games(tables.get("games"), date)
    left = parts.games_left(tables.get("standings"))
    seeds = {} if over else parts.seed_bars(tables.get("seeds"))
    return [
        {
            "id": row["team"],
            "team": row["team"],
            "name": row["name"],
            "conference": row["conference"],
            "rank": f"rank {row['rank']}",
            "record": f"{row['wins']}–{row['losses']}",  # noqa: RUF001
            "tag": row["tag"],
            "chart": history.ranks(row["team"]),
            "seeds": seeds.get(row["team_id"]),
            "players": players.get(row["team_id"], []),
            "games": games.get(row["team_id"], []),
            "left": left.get(row["team_id"], ""),
        }
        for row in rows.sort_values("name").to_dict("records")
    ]


def _matrix(
    rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame], lines: set[int]
) -> list[dict[str, Any]]:
    """Return the chances of all seeds by conference."""
    share = tables["seeds"].set_index("team_id").filter(regex=r"^seed_\d+$")
    sure_of = {}
    if "standings" in tables:
        told = tables["standings"]
        sure = told[(told["best_seed"] == told["worst_seed"]).fillna(False)]
        sure_of = dict(zip(sure["team_id"], sure["best_seed"], strict=True))
    found = []
    for name in (EAST, WEST):
        own = rows[rows["conference"] == name].set_index("team_id")["team"]
        names = own.tolist()
        numbers = [*range(1, len(own) + 1)]
        chances = share.reindex(own.index).to_numpy()[:, : len(own)]
        order = np.argsort(chances @ np.array(numbers), kind="stable")
        lines_of = []
        for place in order.tolist():
            sure_seed = sure_of.get(own.index[place], 0)
            cells = Markup().join(
                _seed_cell(p, n, sure_seed, n in lines)
                for n, p in zip(numbers, chances[place].tolist(), strict=True)
            )
            lines_of.append((names[place], cells))
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
    found = [
        ("Games", f"up to {basis.last_game:%Y-%m-%d}" if basis.last_game is not None else "none"),
        (
            "Days missing",
            f"{basis.missed} days with games are not in the data" if basis.missed else "",
        ),
        (
            "Rosters",
            f"of {basis.roster:%Y-%m-%d}, and each player's team in later games"
            if basis.roster is not None
            else "each player belongs to the team of his last game",
        ),
        (
            "Injuries",
            f"report of {basis.injuries:%Y-%m-%d}"
            if basis.injuries is not None
            else "no reports: who is absent is inferred from who stopped appearing",
        ),
        (
            "Schedule",
            "the season is over"
            if basis.over
            else f"{basis.fixtures} fixtures to come"
            if basis.fixtures
            else "none known",
        ),
        ("Assumed", sentence(assumed)),
        ("Hypothetical", forecast.hypothetical),
        ("Changed data", ", ".join(forecast.changed) and
         f"changed since the models were trained: {', '.join(forecast.changed)}"),
        ("Old tables", forecast.forgotten or ""),
        *view.made.items(),
        ("Tables", f"hash {forecast.data[:12]}"),
    ]  # fmt: skip
    return [(term, escape.plain(words)) for term, words in found if words]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nba_rank.report"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": FILTERS["number"], "sentence": sentence}
    environment.globals |= {"ABSENT": ABSENT}
    return environment
