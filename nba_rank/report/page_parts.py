"""The parts of a page: tables of a forecast as rows of text.

Names stay as they are: the template escapes them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from nba_rank.data.league import EAST, WEST
from nba_rank.data.outcomes import ROUNDS
from nba_rank.evaluation.track_record import PRICED
from nba_rank.odds.coming_games import AT_STAKE, SIDES
from nba_rank.odds.pairings import PLAY_IN
from nba_rank.report.explained import by_reason, first_parts
from nba_rank.report.format import (
    first_names,
    heat,
    html_chance,
    number,
    records,
    undecided,
)
from nba_rank.report.labels import POINT_LABELS, label, listed

SHOWN = 0.005
"""Chances of a seed from here on are written."""

LABELLED = 0.08
"""Chances of a seed from here on are written over its bar."""

LEAST_MINUTES = 8.0
"""Minutes below which a player is left out."""

ABSENT_SHOWN = 4
"""Absent players of a team that are named."""

REASONS = 8
"""Parts of a team's strength that are named."""

NEXT_GAMES = 5
"""Games of a team that its fold-out shows."""

LEAST_STAKE, STAKE_ERRORS = 0.005, 2.0
"""Stakes from here on are told, if they are so many times their standard error."""

_ROUNDS = {1: "First round", 2: "Semifinals", 3: "Conference finals"}


def seed_bars(seeds: pd.DataFrame | None) -> dict[int, Markup]:
    """Return the chances of a team's seeds as bars, by team id."""
    if seeds is None:
        return {}
    share = seeds.set_index("team_id").filter(regex=r"^seed_\d+$")
    found = {}
    for team, chances in zip(share.index, share.to_numpy().tolist(), strict=True):
        most = max(*chances, 1e-9)
        bars = []
        for n, p in enumerate(chances, start=1):
            text = html_chance(p).removesuffix("%") if p >= LABELLED else ""
            bar = f'<i style="height:{70 * p / most:.0f}%"></i>'
            bars.append(f"<li><span>{text}</span>{bar}<b>{n}</b></li>")
        found[team] = Markup("".join(bars))
    return found


def players(table: pd.DataFrame | None) -> dict[int, list[dict[str, str]]]:
    """Return the players of each team with some minutes, as text by team id."""
    if table is None:
        return {}
    minutes = table[["full_strength_minutes", "expected_minutes"]].max(axis=1)
    found: dict[int, list[dict[str, str]]] = {}
    for row in records(table[minutes >= LEAST_MINUTES]):
        found.setdefault(row["team_id"], []).append(
            {
                "player": row["player"],
                "impact": number(row["impact_rating"], "+.1f"),
                "error": number(row["impact_error"], ".1f"),
                "full": number(row["full_strength_minutes"], ".0f"),
                "expected": number(row["expected_minutes"], ".0f"),
                "availability": row["availability"] or "no report",
            }
        )
    return found


def reasons(table: pd.DataFrame | None) -> dict[int, list[tuple[str, str]]]:
    """Return what each team's strength is made of as text, most first, by team id."""
    if table is None:
        return {}
    return {
        team: [
            (what, number(points, "+.1f"))
            for what, points in first_parts(by_reason(table[table["team_id"] == team]), REASONS)
        ]
        for team in table["team_id"].unique().tolist()
    }


def next_games(
    games: pd.DataFrame | None, date: pd.Timestamp
) -> dict[int, list[tuple[str, str, Markup]]]:
    """Return the next games of each team: opponent, date, chance, by team id."""
    found: dict[int, list[tuple[str, str, Markup]]] = {}
    for row in [] if games is None else records(games):
        p = row["home_win_prob"]
        day = "today" if row["game_date"] == date else f"{row['game_date']:%a %b %-d}"
        at = "v" if row["neutral_site"] else "at"
        for team, words, chance in (
            (row["home_team_id"], f"v {row['away']}", p),
            (row["away_team_id"], f"{at} {row['home']}", 1 - p),
        ):
            own = found.setdefault(team, [])
            if len(own) < NEXT_GAMES:
                own.append((words, day, heat(chance)))
    return found


def games_left(standings: pd.DataFrame | None) -> dict[int, str]:
    """Say how hard the rest of the schedule is for each team, by team id."""
    if standings is None:
        return {}
    place = standings["opponents_strength"].rank(ascending=False, method="min")
    return {
        row["team_id"]: (
            f"{row['games_left']} games left, {row['home_games_left']} at home. Their opponents "
            f"are {row['opponents_strength']:+z.1f} points on average, number {hard:.0f} of "
            f"{len(standings)} by difficulty."
        )
        for row, hard in zip(records(standings), place, strict=True)
        if row["games_left"]
    }


def bracket(table: pd.DataFrame | None) -> dict[str, Any]:
    """Return the cards of the bracket by conference and round; nothing where there is none."""
    if table is None:
        return {}
    cards: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in records(table):
        cards.setdefault((row["conference"], row["round"]), []).append(_card(row))
    projected = (table["state"] == "projected").all()
    some = (table["state"] == "projected").any()
    words = "The whole bracket is decided."
    if projected:
        words = (
            "A projection: teams are seeded by expected wins, and the likelier team goes on. In "
            "each series is the chance to win it if the two meet."
        )
    elif some or (table["state"] == "known").any():
        words = (
            "Solid border: the teams are known; behind them the games that they have won. Dashed: "
            "projected, the likelier team goes on. Percent: the chance to win the series, or the "
            "pairing of the play-in, if the two meet."
        )
    return {
        "words": words,
        "conferences": [
            {
                "name": name,
                "playin": cards.get((name, PLAY_IN), []),
                "rounds": [
                    (heading, cards[name, number])
                    for number, heading in _ROUNDS.items()
                    if (name, number) in cards
                ],
            }
            for name in (EAST, WEST)
        ],
        "finals": cards.get(("", ROUNDS), []),
    }


def _card(row: Mapping[Any, Any]) -> dict[str, Any]:
    decided, projected = row["state"] == "decided", row["state"] == "projected"
    sides = [
        {
            "team": row[side],
            "seed": row[f"{side}_seed"],
            "wins": None if projected or row["round"] == PLAY_IN else row[f"{side}_wins"],
            "chance": "" if decided else undecided(row[f"{side}_win_prob"]),
            "lost": decided and row[f"{side}_win_prob"] == 0,
        }
        for side in ("host", "guest")
    ]
    note = ""
    if decided:
        winner = next(side["team"] for side in sides if not side["lost"])
        note = f"{winner} won"
    elif not projected:
        home = row["next_home"]
        where = f"at {home}" if isinstance(home, str) else "neutral court"
        host_wins = undecided(row["host_next_win_prob"])
        note = f"Next game: {where}, {row['host']} wins {host_wins}"
    return {"state": row["state"], "sides": sides, "note": note}


def coming(games: pd.DataFrame | None) -> dict[str, Any]:
    """Return the coming games by day, and what goes with them.

    Returns:
        `games`: the days, each with its rows; `at_stake`: the events that some game can move, each
        with the game that moves it most; `has_absent`.
    """
    if games is None:
        return {"games": [], "at_stake": [], "has_absent": False}
    days: dict[str, list[dict[str, Any]]] = {}
    most: dict[str, tuple[float, str]] = {}
    for row in records(games):
        teams = f"{row['away']} {'v' if row['neutral_site'] else 'at'} {row['home']}"
        stakes = {event: _stakes(row, event) for event in AT_STAKE}
        for event, told in stakes.items():
            total = sum(told.values())
            if total > most.get(event, (0.0, ""))[0]:
                most[event] = total, f"{teams}, {row['game_date']:%a %b %-d} ({_by_team(told)})"
        absent = [
            f"{row[side]}: {first_names(row[f'{side}_out'], ABSENT_SHOWN)}"
            for side in SIDES
            if row[f"{side}_out"]
        ]
        days.setdefault(f"{row['game_date']:%A, %B %-d}", []).append(
            {
                "teams": teams,
                "home": heat(row["home_win_prob"]),
                "margin": row["expected_margin"],
                "stakes": stakes,
                "out": "; ".join(absent),
            }
        )
    at_stake = [event for event in AT_STAKE if event in most]
    rows = [row for of_day in days.values() for row in of_day]
    for row in rows:
        each: list[dict[str, float]] = [row["stakes"][event] for event in at_stake]
        row["stakes"] = [(f"{sum(one.values()):.4f}", _by_team(one) or "–") for one in each]  # noqa: RUF001
    return {
        "games": [{"day": day, "rows": of_day} for day, of_day in days.items()],
        "at_stake": [(_STAKES[event], most[event][1]) for event in at_stake],
        "has_absent": any(row["out"] for row in rows),
    }


_STAKES = dict(zip(AT_STAKE, ("Playoffs", "Title"), strict=True))


def _stakes(game: Mapping[str, Any], event: str) -> dict[str, float]:
    """Return how much a game moves the chance of an event, where that is no noise, by team."""
    told = {}
    for side in SIDES:
        swing, error = (game[f"{side}_{event}_swing{end}"] for end in ("", "_se"))
        if swing >= max(LEAST_STAKE, STAKE_ERRORS * error):
            told[game[side]] = swing
    return told


def _by_team(stakes: Mapping[str, float]) -> str:
    # A narrow column breaks between teams alone.
    return ", ".join(
        f"{team}\N{NO-BREAK SPACE}{number(swing, '.0%')}" for team, swing in stakes.items()
    )


_TAGS = {
    "clinched_first_seed": "first seed", "clinched_playoffs": "in the playoffs",
    "clinched_play_in": "play-in or better", "eliminated": "eliminated",
}  # fmt: skip
"""What is certain; the first that holds is said."""


def standings(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return the standings as text, by conference."""
    if table is None:
        return []
    found: dict[str, list[dict[str, Any]]] = {EAST: [], WEST: []}
    tags = _TAGS if table["games_left"].any() else _TAGS | {"clinched_play_in": "play-in"}
    for row in records(table):
        stage = "" if row["stage"] == "first round" and row["opponent"] else row["stage"]
        meets = f"{'v' if row['hosts'] else 'at'} {row['opponent']}" if row["opponent"] else ""
        open_to = ""
        if pd.notna(row["best_seed"]):
            best, worst = int(row["best_seed"]), int(row["worst_seed"])
            open_to = str(best) if best == worst else f"{best}–{worst}"  # noqa: RUF001
        games = max(row["wins"] + row["losses"], 1)
        found[row["conference"]].append(
            {
                "team": row["team"],
                "tag": next((words for name, words in tags.items() if row[name]), ""),
                "seed": row["seed"],
                "record": f"{row['wins']}–{row['losses']}",  # noqa: RUF001
                "share": f"{row['wins'] / games:.4f}",
                "behind": number(row["games_behind"], ".1f"),
                "points": f"{row['point_diff']:+d}" if row["point_diff"] else "0",
                "meets": f"{stage} {meets}".strip(),
                "left": f"{row['games_left']} ({row['home_games_left']})",
                "opponents": number(row["opponents_strength"], "+.1f"),
                "best": row["best_seed"] if open_to else 99,
                "open": open_to,
                "first_pick": _pick(row["first_pick_prob"], ".1%"),
                "pick": _pick(row["expected_pick"], ".1f"),
                "tie_break": row["tie_break"],
            }
        )
    return [{"name": name, "rows": rows} for name, rows in found.items() if rows]


def _pick(value: float, spec: str) -> str:
    return "" if np.isnan(value) else number(value, spec)


def results(games: pd.DataFrame, teams: Mapping[int, str]) -> dict[str, Any]:
    """Return the results of a day beside what was forecast of them; nothing where there are none.

    Args:
        games: See `nba_rank.evaluation.track_record.newest_results`.
        teams: Names of teams by id.
    """
    if games.empty:
        return {}
    rows, n_right = [], 0
    for row in records(games):
        home, away = teams[row["home_team_id"]], teams[row["away_team_id"]]
        points = row["home_points"], row["away_points"]
        won = points[0] > points[1]
        n_right += won == (row["p_home"] > 0.5)
        rows.append(
            {
                "teams": f"{away} {'v' if row['neutral_site'] else 'at'} {home}",
                "home": heat(row["p_home"]),
                "won": f"{home if won else away} {max(points)}–{min(points)}",  # noqa: RUF001
            }
        )
    day = games["game_date"].iloc[0]
    return {"day": f"{day:%A, %B %-d}", "rows": rows, "n_right": n_right}


def record(scores: pd.DataFrame, ranker: str) -> list[dict[str, Any]]:
    """Return how good forecasts of single games were, a part each."""
    found = []
    for part, rows in scores.groupby("part", sort=False) if len(scores) else ():
        own = rows[rows["ranker"] == ranker].iloc[0]
        others = rows[rows["ranker"] != ranker]
        behind = others[others["brier"] < own["brier"]]
        found.append(
            {
                "priced": part == PRICED,
                "n": int(own["n_games"]),
                "words": _ahead(
                    [label("ranker", name) for name in others["ranker"]],
                    [label("ranker", name) for name in behind["ranker"]],
                    "by Brier score",
                ),
                "rows": [
                    (
                        "this forecast" if name == ranker else label("ranker", name),
                        number(brier, ".4f"),
                        number(loss, ".3f"),
                    )
                    for name, brier, loss in zip(
                        rows["ranker"], rows["brier"], rows["log_loss"], strict=True
                    )
                ],
            }
        )
    return found


def past(scores: pd.DataFrame) -> dict[str, Any]:
    """Return how good the forecast was in earlier seasons; nothing where there are none."""
    if scores.empty:
        return {}
    rows = []
    for row in records(scores):
        digits = ".4f" if "brier" in row["metric"] else ".3f"
        value, reference = number(row["value"], digits), number(row["reference_value"], digits)
        verdict = "level" if value == reference else "ahead"
        if row["value"] > row["reference_value"] and value != reference:
            verdict = "behind"
        point = POINT_LABELS.get(row["as_of_point"], "")
        where = f", {point}{' of the season' if '%' in point else ''}" if point else ""
        n = row["n_seasons"]
        span = row["first"] if n == 1 else f"{row['first']} to {row['last']}, {n}"
        rows.append(
            {
                "measure": label("metric", row["metric"]) + where,
                "reference": label("reference", row["reference"]),
                "value": value,
                "reference_value": reference,
                "verdict": verdict,
                "seasons": span,
            }
        )
    lost: dict[str, list[str]] = {}
    for row in rows:
        if row["verdict"] == "behind":
            lost.setdefault(row["reference"], []).append(row["measure"])
    words = "It is behind none of the references below."
    if lost:
        n = sum(map(len, lost.values()))
        told = "; ".join(f"{who} on {listed(measures)}" for who, measures in lost.items())
        words = f"It is behind in {n} of {len(rows)} comparisons: {told}."
    return {"rows": rows, "words": words}


def _ahead(others: list[str], behind: list[str], measure: str) -> str:
    """Say in words who is better."""
    if not others:
        return "There is nothing to compare with."
    if behind:
        return f"Behind {listed(behind)} {measure}."
    return f"Ahead of {listed(others)} {measure}."
