"""The forecast of a date on the console."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.core import escape
from nba_rank.data.outcomes import EVENTS, ROUNDS
from nba_rank.evaluation.date_forecast import DateForecast
from nba_rank.evaluation.predictions import event_column
from nba_rank.odds.coming_games import SIDES
from nba_rank.odds.pairings import PLAY_IN
from nba_rank.report.format import (
    chance,
    console_table,
    first_names,
    number,
    print_table,
    undecided,
    width_of,
)
from nba_rank.report.reached import reached

_EVENTS = {"playoff": "playoffs", "round_1": "2nd rd", "finals": "Finals", "title": "title"}
"""Headings of the chances that are printed."""


def show_forecast(
    forecast: DateForecast, console: Console, moved: Mapping[str, pd.Series] | None = None
) -> None:
    """Print a forecast: what it rests on, the ranking, series, coming games, the standings.

    `moved` holds columns to print behind the rank, text by team id.
    """
    table = forecast.predictions
    assumed = table["assumption"].iloc[0] if "assumption" in table else ""
    line = f"{forecast.basis.line}. {assumed}".rstrip(". ")
    console.print(escape.terminal(line), soft_wrap=True)
    title = f"Strength on the morning of {forecast.basis.as_of_date:%Y-%m-%d}"
    _print(table, forecast.decided, reached(forecast.tables), title, console, moved or {})
    series = forecast.tables.get("series")
    if series is not None:
        _print_series(series, console)
    games = forecast.tables.get("games")
    if games is not None:
        last = games["game_date"].max()
        _print_games(games, f"Games to {last:%Y-%m-%d}", console)
    standings = forecast.tables.get("standings")
    if standings is not None:
        _print_standings(standings, console)


def _print_series(series: pd.DataFrame, console: Console) -> None:
    """Print the play-in games and series whose teams are known, the host of each first."""
    rounds = {PLAY_IN: "play-in", ROUNDS: "Finals"}
    texts = pd.DataFrame(
        {
            "round": [rounds.get(number, str(number)) for number in series["round"]],
            "host": series["host_seed"].astype(str) + " " + series["host"],
            "": series["host_wins"].astype(str) + "-" + series["guest_wins"].astype(str),
            "guest": series["guest_seed"].astype(str) + " " + series["guest"],
            "host wins series": [undecided(p, 1) for p in series["host_win_prob"]],
            "next at": series["next_home"].fillna("neutral"),
            "host wins next": [undecided(p, 1) for p in series["host_next_win_prob"]],
        }
    )
    absent = {}
    if "host_next_margin" in series:
        margins = zip(series["host_next_margin"], series["next_margin_sd"], strict=True)
        texts["by"] = [f"{margin:+z.1f} ± {sd:.0f}" for margin, sd in margins]
        absent = {f"{side} out": series[f"{side}_out"].map(_absent) for side in ("host", "guest")}
    for n in range(1, 8):
        if (column := f"length_{n}_prob") in series:
            texts[f"in {n}"] = [chance(p) for p in series[column]]
    named = {name: text for name, text in absent.items() if any(text)}
    _print_with(texts, named, "Series", console)


def _print_games(games: pd.DataFrame, title: str, console: Console) -> None:
    """Print the games of the next days."""
    texts = pd.DataFrame({"date": games["game_date"].dt.strftime("%Y-%m-%d")})
    texts["home"], texts["away"] = games["home"], games["away"]
    texts["home wins"] = [undecided(p, 1) for p in games["home_win_prob"]]
    margins = zip(games["expected_margin"], games["margin_sd"], strict=True)
    texts["margin"] = [f"{margin:+z.1f} ± {sd:.0f}" for margin, sd in margins]
    for event, heading in (("playoff", "playoffs"), ("title", "title")):
        both = (games[f"{side}_{event}_swing"] for side in SIDES)
        texts[f"{heading} at stake"] = [
            " / ".join("-" if np.isnan(swing) else f"{swing:z.1%}" for swing in sides)
            for sides in zip(*both, strict=True)
        ]
    absent = {f"{side} out": games[f"{side}_out"].map(_absent) for side in SIDES}
    _print_with(texts, {name: text for name, text in absent.items() if any(text)}, title, console)
    noise = games.filter(regex="_swing_se$").max().max()
    console.print(
        "At stake, home / away: the team's odds if it wins less those if it loses, at the same "
        f"strengths, ±{noise:.1%} by the number of simulations."
    )


def _surnames(names: list[str]) -> str:
    return ", ".join(name.split(" ", 1)[-1] for name in names)


def _absent(names: str, most: int = 3) -> str:
    """Return the surnames of the first who are out, and how many more there are."""
    return first_names(_surnames(names.split(", ")), most)


def _print_with(
    texts: pd.DataFrame,
    names: Mapping[str, pd.Series],
    title: str,
    console: Console,
    styles: Mapping[int, str] | None = None,
) -> None:
    """Print a table, with columns of players' names unless they make a terminal too narrow."""
    whole = console_table(texts.assign(**names), title, styles)
    for column in whole.columns[texts.shape[1] :]:
        column.justify = "left"
    if not console.is_terminal or width_of(whole, console) <= console.width:
        print_table(whole, console)
    else:
        print_table(console_table(texts, title, styles), console)


_MARKS = {
    "clinched_first_seed": "z", "clinched_playoffs": "x", "clinched_play_in": "p",
    "eliminated": "o",
}  # fmt: skip
"""Letters behind a team in the standings; the first that holds."""


def _print_standings(standings: pd.DataFrame, console: Console) -> None:
    """Print the standings as if the season ended today, a table a conference."""
    over = not standings["games_left"].any()
    title = "final standings" if over else "if the season ended today"
    for conference, rows in standings.groupby("conference"):
        marks = rows[[*_MARKS]].rename(columns=_MARKS)
        mark = marks.idxmax(axis=1).where(marks.any(axis=1), "")
        texts = pd.DataFrame({"seed": rows["seed"].astype(str)})
        texts["team"] = rows["team"] + " " + mark.where(mark != "", " ")
        texts["W-L"] = rows["wins"].astype(str) + "-" + rows["losses"].astype(str)
        texts["behind"] = rows["games_behind"].map("{:.1f}".format)
        texts["points"] = rows["point_diff"].map("{:+d}".format)
        at = rows["hosts"].map({True: "v ", False: "at "})
        meets = (at + rows["opponent"]).where(rows["opponent"] != "", "")
        stage = rows["stage"].where((rows["stage"] != "first round") | (meets == ""), "")
        texts["meets"] = (stage + " " + meets).str.strip()
        in_lottery = rows["first_pick_prob"].notna()
        texts["1st pick"] = rows["first_pick_prob"].map("{:.1%}".format).where(in_lottery, "")
        texts["mean pick"] = rows["expected_pick"].map("{:.1f}".format).where(in_lottery, "")
        if not over:
            home = rows["home_games_left"].astype(str)
            texts["left"] = rows["games_left"].astype(str) + " (" + home + ")"
            texts["opponents"] = [number(points, "+.1f") for points in rows["opponents_strength"]]
        if not over and rows["best_seed"].notna().all():
            best, worst = rows["best_seed"].astype(str), rows["worst_seed"].astype(str)
            texts["open"] = best.where(best == worst, best + "-" + worst)
        texts["tie-break"] = rows["tie_break"]
        shown = console_table(texts, f"{conference}, {title}")
        shown.columns[-1].justify = shown.columns[1].justify = "left"
        print_table(shown, console)
    console.print(
        "Certain: z first seed, x playoffs, p play-in or better, o out. Picks: the team's own, in "
        "the lottery. Left: games (at home). Opponents: mean strength of those left, points. "
        "Open: seeds still possible by wins, ties in record open.",
        soft_wrap=True,
    )
    if not (standings["wins"] + standings["losses"]).any():
        console.print(
            "No game has been played: all teams are level, their order is that of lots (team ids)."
        )


def _print(
    ranking: pd.DataFrame,
    records: pd.DataFrame,
    happened: Mapping[int, int],
    title: str,
    console: Console,
    moved: Mapping[str, pd.Series],
) -> None:
    """Print the ranking, eliminated teams last; a narrow terminal leaves the players out."""
    rows = ranking.merge(records, on="team_id", validate="one_to_one")
    is_out = rows["state"] == "out"
    rows = pd.concat([rows[rows["state"] == "champion"], rows[rows["state"] == "in"], rows[is_out]])
    texts = pd.DataFrame({"team": rows["team"], "rank": rows["rank"].astype(str)})
    for heading, text in moved.items():
        texts[heading] = rows["team_id"].map(text).fillna("")
    texts["W-L"] = rows["wins"].astype(str) + "-" + rows["losses"].astype(str)
    texts["conf"] = rows["conference"].str[0] + " " + rows["conference_rank"].astype(str)
    texts["score"] = rows["score"].map("{:.3f}".format)
    if "expected_wins" in rows:
        bounds = zip(rows["expected_wins"], rows["wins_low"], rows["wins_high"], strict=True)
        texts["wins (90%)"] = [f"{mean:.1f} ({low:.0f}-{high:.0f})" for mean, low, high in bounds]
    of = zip(rows["team_id"], rows["state"], strict=True)
    done = [len(EVENTS) if state == "champion" else happened.get(team, 0) for team, state in of]
    for event, heading in _EVENTS.items():
        if name := event_column(rows, event):
            place = EVENTS.index(event)
            texts[heading] = [
                number(p, ".1%") if out or n > place else undecided(p, 1)
                for p, n, out in zip(rows[name], done, is_out.loc[rows.index], strict=True)
            ]
    if is_out.any():
        texts[""] = rows["state"].where(rows["state"] != "in", "")
    styles = {place: "dim" for place, out in enumerate(sorted(is_out)) if out}
    attended = {}
    if "top_players" in rows:
        attended["most attention to"] = rows["top_players"].map(
            lambda players: _surnames([one["player"] for one in players])
        )
    _print_with(texts, attended, title, console, styles)


def show_what_if(forecast: DateForecast, console: Console) -> None:
    """Print what a hypothetical forecast assumes, and how it differs from the plain one."""
    console.print(escape.terminal(forecast.basis.line))
    console.print(f"What if: {escape.terminal(forecast.hypothetical)}", soft_wrap=True)
    rows = forecast.tables["differences"]
    texts = pd.DataFrame({"team": rows["team"]})
    for change in map(str, rows.filter(like="_difference")):
        column = change.removesuffix("_difference")
        heading, is_chance, _ = column.removeprefix("expected_").partition("_prob")
        unit, spec = 100 if is_chance else 1, ".0f" if column == "rank" else ".1f"
        for shown, end in (("", ""), (" if", "_what_if")):
            texts[heading + shown] = [
                chance(value, 1) if is_chance else number(value, spec)
                for value in rows[column + end]
            ]
        texts[f"{heading} +/-"] = [number(unit * value, f"+{spec}") for value in rows[change]]
    title = f"What if, on the morning of {forecast.basis.as_of_date:%Y-%m-%d}"
    print_table(console_table(texts, title), console)
