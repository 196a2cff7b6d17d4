"""Games, tables and ratings made by hand or at random."""

import numpy as np
import pandas as pd

from nba_rank.core.seasons import season_label
from nba_rank.data.tables import LINE_UP, SCHEMA, SIDES, Tables, conform
from nba_rank.features.players.game_days import COUNTS

HOME = {"fgm": 40.0, "fga": 90.0, "fg3m": 10.0, "ftm": 20.0, "fta": 25.0,
        "oreb": 12.0, "dreb": 33.0, "tov": 14.0}  # fmt: skip
AWAY = {"fgm": 35.0, "fga": 85.0, "fg3m": 8.0, "ftm": 22.0, "fta": 30.0,
        "oreb": 8.0, "dreb": 30.0, "tov": 16.0}  # fmt: skip
BOX = {"home": HOME, "away": AWAY}
HOME_POSSESSIONS = 90 + 0.4 * 25 - 1.07 * 12 / (12 + 30) * (90 - 40) + 14
AWAY_POSSESSIONS = 85 + 0.4 * 30 - 1.07 * 8 / (8 + 33) * (85 - 35) + 16
POSSESSIONS = (HOME_POSSESSIONS + AWAY_POSSESSIONS) / 2


def season_of(date):
    """The season of a date, which may be text."""
    date = pd.Timestamp(date)
    return season_label(date.year if date.month >= 8 else date.year - 1)


def table(name, rows):
    """A table from rows: tuples of all columns, or dicts."""
    return conform(name, pd.DataFrame(rows, columns=list(SCHEMA[name])))


def mapped(tables, change):
    """Tables with `change(name, table)` in the place of each."""
    return Tables(**{name: change(name, frame) for name, frame in tables.items()})


def altered(tables, name, column, value, row=0):
    """Tables with another value in one row of one of them."""
    frame = getattr(tables, name).copy()
    frame.loc[row, column] = value
    return mapped(tables, lambda other, same: frame if other == name else same)


def line(day, player, team, minutes, **box):
    """A player's game for `small_tables`."""
    return (day, player, team, minutes * 60, {name: float(value) for name, value in box.items()})


def rated(date, players):
    """Ratings of players 1, 2, ...: (team, expected minutes, at full strength, impact rating)."""
    columns = ["team_id", "expected_minutes", "full_strength_minutes", "impact_rating"]
    frame = pd.DataFrame(players, columns=columns)
    return frame.assign(
        season=season_of(date), as_of_date=pd.Timestamp(date), player_id=range(1, len(frame) + 1)
    )


def random_stints(rng, tables, without=()):
    """Stints of all logged games but some: eight each, with unknown players here and there."""
    rows = []
    logged = tables.games["game_id"].isin(tables.player_games["game_id"])
    games = tables.games[logged & ~tables.games["game_id"].isin(without)]
    lines = dict(iter(tables.player_games.groupby(["game_id", "team_id"])["player_id"]))
    for game in games.to_dict("records"):
        for number in range(8):
            fives = [
                rng.permutation([*lines[game["game_id"], game[f"{side}_team_id"]]])[:5]
                for side in SIDES
            ]
            ten = np.where(rng.random(10) < 0.02, 0, np.concatenate(fives))
            row = {name: game[name] for name in ("game_id", "season", "kind", "game_date")}
            row |= {"period": 1 + number // 2, "start": 360.0 * (number % 2)}
            row |= {"end": row["start"] + 360, **dict(zip(LINE_UP, ten, strict=True))}
            for side in SIDES:
                row |= {f"{side}_points": rng.integers(20), f"{side}_possessions": rng.integers(15)}
            rows.append(row)
    return table("stints", rows)


def random_league(rng, days, teams):
    """Games and players' games of a league in which every team plays every day.

    Args:
        rng: Draws opponents, points and box scores.
        days: Dates of the games.
        teams: The players of each team; all of them play.
    """
    games, lines = [], []
    for day in days:
        order = rng.permutation(list(teams))
        for home, away in zip(order[::2], order[1::2], strict=True):
            points = 100 + rng.choice(60, 2, replace=False)
            neutral = bool(rng.random() < 0.2)
            games.append((day, home, away, points[0], points[1], {"neutral": neutral}))
            for team in (home, away):
                for player in teams[team]:
                    box = dict(zip(COUNTS, rng.integers(0, 15, len(COUNTS)), strict=True))
                    box["plus_minus"] = rng.choice([np.nan, *range(-20, 21)])
                    lines.append(line(day, player, team, int(rng.integers(5, 45)), **box))
    return games, lines
